#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "base/config.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "nn/tally.h"

/* How fast each part is on this machine.  Each measurement runs for about `seconds`, `repeats`
 * times over, and gives the median. */

enum { BENCH_REPEATS_MAX = 99 };

struct bench {
	const struct dataset *data;
	const struct config *config;
	double seconds;
	int repeats; /* 1 to BENCH_REPEATS_MAX */
};

/* One thread: read, decode, and make all views of config's recipe; views a second. */
double bench_views(const struct bench *b, struct device *one_thread);

/* One thread: read, decode, one random crop with flip of views.large_size; images a second. */
double bench_crops(const struct bench *b, struct device *one_thread);

/* One thread: random records read and checked against their CRC; records a second. */
double bench_reads(const struct bench *b);

/* Seconds of an image, medians. */
struct bench_packing {
	double image_s;         /* packed, on one core */
	double work_s;          /* of the processor in it; the rest is waiting for the disk */
	double decode_s, crc_s; /* of the processor: only decoded; only its CRC */
};

/* One core: images of the set, as JPEG files in a temporary folder, packed again. */
int bench_pack(struct bench_packing *p, const struct bench *b, char err[ERR_MAX]);

/* Seconds from opening the set to its first batch in memory; -1 with err. */
double bench_first_batch(const struct bench *b, char err[ERR_MAX]);

/* Seconds that training of config's network stands still for a checkpoint, which is then written
 * behind it, to a temporary folder; -1 with err. */
double bench_save(const struct bench *b, struct device *dev, char err[ERR_MAX]);

/* Training steps of config's network and batch; images a second over all ranks. Collective. */
double bench_step(const struct bench *b, struct comm *comm, struct device *dev);

/* Where the time of a step goes, by kind of operation, beside the least that this machine would
 * take for it: rank 0 prints a table, or one JSON object.  Collective. */
void bench_profile(const struct bench *b, struct comm *comm, struct device *dev, int json);

/* Raise card's bandwidth, and its rate of the device's precision, to what is measured now: copies
 * and additions of large arrays, products of large matrices. */
void bench_card(struct card *card, struct device *dev);

/* What a step, not one of the first two, asks of the device.  Collective. */
struct device_counts bench_trace(const struct bench *b, struct comm *comm, struct device *dev);

/* Operations of convolutions and matrix products in a step of one rank. */
double bench_operations(const struct config *c, int ranks);

/* Median of x [n], which is sorted. */
double bench_median(double *x, int n);

/* The most memory this process has held, bytes. */
double bench_peak_bytes(void);

/* A temporary folder, the caller's to remove, with all that is in it, and to free; NULL with err.
 */
char *bench_make_folder(char err[ERR_MAX]);
void bench_remove_folder(const char *folder);

/* A temporary packed set of `images` textured JPEGs of 500 x 375, quality 90, about 60 kB each:
 * what photographs of ImageNet are like. *folder is as from bench_make_folder. */
struct dataset *bench_make_data(int images, char **folder, char err[ERR_MAX]);

#endif
