#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include <stdint.h>

#include "base/config.h"
#include "base/die.h"
#include "nn/params.h"

/* A checkpoint: RUN/checkpoints/step-000001234.h5, all that the next step needs.  Only rank 0
 * writes; every rank reads for itself.  An HDF5 file in the manner of dump.h: written to a
 * temporary name, synced, renamed; every data set carries the CRC-32C of its content, verified on
 * read.
 *
 *   /params/<name>, /momentum/<name>, /target/<name>
 *                     float32 tensors in the table's shapes (k, r, r, c)
 *   /stats/<name>, /target_stats/<name>
 *                     float32 (2, channels), hidden averages
 *   /config           resolved configuration as text
 *   /meta             text, lines of "name value": format_version, step, stats_updates,
 *                     images (of the data set), program */

enum { CHECKPOINT_FORMAT = 1 };

struct checkpoint {
	int64_t step;          /* steps done */
	int64_t stats_updates; /* times the running statistics were updated */
	int64_t images; /* of the data set; 0: weights that were imported, of no data set yet */
	/* host memory; [params->length] or [stats->length] */
	float *params, *momentum, *target, *stats, *target_stats;
	char *config; /* text; owned by the caller on write, set by read (xfree) */
};

/* Allocate and free the buffers (and the text of the configuration). */
void checkpoint_init(struct checkpoint *c, const struct params *p, const struct stats *s);
void checkpoint_free(struct checkpoint *c);

/* Write the whole file. */
int checkpoint_write(const char *path, const struct checkpoint *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX]);

/* Read into initialised buffers.  err names the file and what is wrong: cut short, checksum,
 * another format version, another architecture (the first tensor that is missing, unknown or of
 * another shape, and both shapes). */
int checkpoint_read(const char *path, struct checkpoint *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX]);

/* Only the configuration text (so that a network can be built before the tensors are read); *config
 * is the caller's. */
int checkpoint_read_config(const char *path, char **config, int64_t *step, char err[ERR_MAX]);

/* Check the format version and every checksum. */
int checkpoint_verify(const char *path, char err[ERR_MAX]);

/* Path of the newest valid checkpoint in a run directory (every checksum is verified; broken ones
 * are warned about and passed over; temporary files are ignored), or NULL with err: none.  Caller
 * frees. "path" may also name a file: then that, unverified. */
char *checkpoint_latest(const char *run_or_file, char err[ERR_MAX]);

/* Name for a step: RUN/checkpoints/step-%09d.h5; caller frees. */
char *checkpoint_path(const char *run, int64_t step);

/* A checkpoint's file as its folder lists it, unopened. */
struct checkpoint_file {
	int64_t step;
	int64_t bytes;
	int64_t written; /* seconds since 1970, by the clock of its filesystem */
};

/* Those of a run, oldest step first; *list is the caller's (xfree), NULL of none.  Returns how
 * many.
 */
int checkpoint_list(struct checkpoint_file **list, const char *run);

/* Remove what need not be kept: all but the newest keep, and those that keep_every divides (steps;
 * 0: none).  Temporary files stay. */
void checkpoint_prune(const char *run, int keep, int64_t keep_every);

/* ---- written behind training ---- */

struct checkpoint_writer;

/* A thread that writes a copy of the state, and prunes after each.  The copy is the writer's: the
 * trainer asks for it (waiting for the previous write, if it still runs), fills it, and submits it,
 * all without allocating.  What the trainer does not set keeps its value; config is set once, a
 * text that is then the writer's.  A write that failed (disk full ...) is told once: the copy is
 * then NULL with err, or close returns -1; nothing half written stays. */
struct checkpoint_writer *checkpoint_writer_open(const char *run, const struct params *p,
	const struct stats *s, int keep, int64_t keep_every);
struct checkpoint *checkpoint_writer_copy(struct checkpoint_writer *w, char err[ERR_MAX]);
void checkpoint_writer_submit(struct checkpoint_writer *w);
double checkpoint_writer_seconds(struct checkpoint_writer *w); /* of the longest write so far */
int checkpoint_writer_close(
	struct checkpoint_writer *w, char err[ERR_MAX]); /* waits for the last write; frees w */

#endif
