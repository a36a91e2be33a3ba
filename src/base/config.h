#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/die.h"

/* The configuration is one struct, described by one table (config_table.c): name, type, default,
 * range, choices, one line of help.  The table drives the YAML file, --section.key=value, --help,
 * the resolved config.yaml and the record in a checkpoint. */

enum solarise { SOLARISE_INVERT, SOLARISE_BINARISE };
enum small_from { SMALL_RANDOM, SMALL_CENTRE };
enum padding { PADDING_SYMMETRIC, PADDING_SAME };
enum stem { STEM_IMAGENET, STEM_SMALL };
enum stop_gradient { STOP_WHOLE, STOP_ENTROPY };
enum kl_direction { KL_FORWARD, KL_REVERSE };
enum ema_schedule { EMA_CONSTANT, EMA_COSINE };
enum target_init { TARGET_SEPARATE, TARGET_COPY };
enum recompute { RECOMPUTE_AUTO, RECOMPUTE_NONE, RECOMPUTE_OUTPUTS, RECOMPUTE_VIEWS };
enum precision {
	PRECISION_FLOAT32, /* float throughout */
	PRECISION_TF32, /* float, but convolutions and linear layers round their factors to 10 bits
			 */
	PRECISION_BF16  /* they and what is between them are bfloat16; sums are float */
};
enum convolution { CONVOLUTION_AUTO, CONVOLUTION_DIRECT };
enum bootstrap { BOOTSTRAP_MPI, BOOTSTRAP_FILE, BOOTSTRAP_TCP };

struct config {
	struct {
		char *train;     /* folder of a packed data set (its index.json) */
		int lanes;       /* G: shards are dealt to so many lanes */
		int threads;     /* decode threads of a rank; 0: one per core of the rank */
		int prefetch;    /* steps decoded ahead */
		char *stage_dir; /* on a disk of the node: shards are copied there; empty: not */
	} data;
	struct {
		int large, small;           /* L and S */
		int large_size, small_size; /* pixels a side */
		double large_area_min_odd, large_area_min_even, large_area_max;
		double small_area_min, small_area_max;
		double flip; /* probabilities, Table 16 */
		double jitter, grey;
		double brightness, contrast, saturation, hue; /* half widths of the jitter */
		double blur_odd, blur_even, blur_sigma_min, blur_sigma_max;
		int blur_taps;
		double solarise_odd, solarise_even;
		enum solarise solarise;
		enum small_from small_from;
		double mask; /* p_m: probability that a large view's background is removed */
		double mask_min_share; /* masks that cover less of the image are not used */
		int exact;             /* views are made by the plain path, not the fast one */
	} views;
	struct {
		char *arch;   /* resnet18 ... resnet295 */
		double width; /* multiplier of all channel counts */
		enum stem stem;
		enum padding padding;
		int zero_gamma;    /* last batch norm of each block starts at 0 */
		int hidden, out;   /* of projector and predictor */
		int small_stats;   /* small views update the running statistics too */
		double norm_decay; /* of the running statistics */
		double norm_eps;
		enum target_init target_init;
	} model;
	struct {
		double temperature, contrast, invariance; /* tau, c, lambda */
		int negatives;                            /* n_e */
		int small_mode;                           /* 0..4, spec 2.4 */
		int diagonal;                             /* pairs (b, b) count */
		enum stop_gradient stop_gradient;
		enum kl_direction kl;
	} loss;
	struct {
		double lr; /* base rate: the peak is lr * batch / 256 */
		double warmup_epochs;
		double momentum, eta, weight_decay;
		double ema;
		enum ema_schedule ema_schedule;
	} optim;
	struct {
		int batch;     /* global */
		double epochs; /* used when steps is 0 */
		int64_t steps;
		int64_t seed;
		int64_t dump_step; /* write the step dump of this step (counted from 0); -1: none */
		enum recompute recompute;
		int64_t stop_after; /* stop with a checkpoint after so many steps in all, as a
				       signal would; 0: never */
		int log_every;      /* steps between lines of metrics.jsonl */
	} train;
	struct {
		int keep;           /* newest checkpoints kept */
		double keep_epochs; /* and one at every so many epochs for good; 0: none */
		int every;          /* steps between checkpoints; 0: at the ends of epochs */
	} checkpoint;
	struct {
		char *dir;
		int resume;
		char *init;           /* safetensors file of initial encoder weights; empty: none */
		double stop_before_s; /* before the job's end, to stop with a checkpoint */
	} run;
	struct {
		enum bootstrap bootstrap; /* how the ranks find each other */
		char *address;            /* file: a path; tcp: HOST:PORT */
		double timeout_s;         /* no wait for other ranks is longer */
	} comm;
	char *device; /* name of a back end */
	enum precision precision;
	enum convolution convolution; /* on CPU cores */
	int workspace_mib;            /* of a GPU */
	int threads; /* compute threads of a rank; 0: as many as the cores it is bound to, shared
			fairly */
};

/* Set every field to its default.  Strings belong to the config; config_free frees them.
 * config_default and config_copy overwrite what they fill: it holds nothing yet. */
void config_default(struct config *c);
void config_free(struct config *c);
void config_copy(struct config *to, const struct config *from);

/* Set one value by its dotted name, e.g. "loss.temperature", "0.2".  Unknown name: -1, err names
 * the nearest known one; malformed or out of range: -1, err tells type and range. */
int config_set(struct config *c, const char *name, const char *value, char err[ERR_MAX]);

/* Read a YAML file of sections and keys (libyaml). err names file, line and key. */
int config_load(struct config *c, const char *path, char err[ERR_MAX]);

/* The same from text in memory (a checkpoint's record); name is used in messages. */
int config_parse(
	struct config *c, const char *text, size_t bytes, const char *name, char err[ERR_MAX]);

/* Take from argv what belongs to the configuration, in order of appearance: "--config FILE",
 * "--section.key=value",
 * "--section.key value", also "--device cpu", and "--run.resume" alone for true.  Other arguments
 * stay, in order, and *argc is their new count; so does all from "--" on.  An option with a dot in
 * its name that is no setting is an error. */
int config_arguments(struct config *c, int *argc, char **argv, char err[ERR_MAX]);

/* Checks between values (batch divisible by lanes, area ranges in order ...).  err tells the way
 * out. */
int config_check(const struct config *c, char err[ERR_MAX]);

/* All values as YAML that config_parse reads back to the same values; *text is the caller's to free
 * (xfree). */
void config_print(const struct config *c, char **text);

/* One line for each key: name, default, help, type and range; for --help.  section: "views",
 * "device"; NULL: all. */
void config_help(FILE *out, const char *section);

/* May the run whose record is a go on with the present settings b?  Settings that change the result
 * and differ are listed in err.  Free to change: where and how it runs (run.*, checkpoint.*,
 * comm.*, device, threads, data.train, data.threads, data.prefetch, what is dumped and logged);
 * train.steps and train.epochs may rise. */
int config_same_run(const struct config *a, const struct config *b, char err[ERR_MAX]);

#endif
