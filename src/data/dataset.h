#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stdint.h>

#include "base/die.h"
#include "data/shard.h"

/* A packed data set: a folder with index.json (written last by pack: its presence says that the set
 * is whole) and the shards shard-00000.h5 ...  Images are numbered 0..images-1 through all shards
 * in order.
 *
 * index.json: {"format_version":1, "name":..., "split":..., "images":N, "classes":[...],
 *              "shards":[{"file":"shard-00000.h5","images":n,"bytes":size of the file}, ...]} */

struct dataset {
	char *path;
	int shard_count;
	struct shard **shards;
	uint64_t *first; /* shard_count + 1: number of each shard's first image */
	uint64_t images;
	int class_count;
};

/* Open all shards.  err names the file and what is wrong (no such folder, no index: not packed or
 * not finished; a shard missing, of another size, of another version ...).  NULL on error. */
struct dataset *dataset_open(const char *path, char err[ERR_MAX]);
void dataset_close(struct dataset *d);

/* Shard and record of image i. */
const struct shard *dataset_find(const struct dataset *d, uint64_t image, uint32_t *record);

/* First label of image i, or -1 when it has none. */
int dataset_label(const struct dataset *d, uint64_t image);

/* Write index.json of a set whose shards are in place (pack's last act). */
int dataset_write_index(const char *path, const char *name, const char *split,
	const char *const *classes, int class_count, int shard_count, char err[ERR_MAX]);

#endif
