#ifndef CHECKPOINT_FIXTURE_H
#define CHECKPOINT_FIXTURE_H

#include "train/checkpoint.h"

/* The tables of a network of a few tensors (of every kind of shape), `scale` times as large as the
 * smallest. */
void fixture_tables(struct params *p, struct stats *s, int scale);

/* A state whose every value is a function of step and place. */
void fixture_fill(
	struct checkpoint *c, const struct params *p, const struct stats *s, int64_t step);

/* 1 if the state is that of its step. */
int fixture_holds(const struct checkpoint *c, const struct params *p, const struct stats *s);

/* A run with an empty folder for its checkpoints, and the state of a small network. */
struct checkpoint_place {
	const char *run;
	struct params p;
	struct stats s;
	struct checkpoint c;
	char err[ERR_MAX];
};
struct checkpoint_place fixture_open(void);
void fixture_close(struct checkpoint_place *f);

/* Where the checkpoint of a step lies; lives as long as the ring of test_path. */
const char *fixture_path(const struct checkpoint_place *f, int64_t step);

/* Write the state of that step, which has to work. */
void fixture_write(struct checkpoint_place *f, int64_t step);

/* Copy c to the writer's copy and submit it; as checkpoint_writer_copy, -1 with err when that
 * tells of a failed write. */
int fixture_submit(struct checkpoint_writer *w, const struct checkpoint *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX]);

/* As checkpoint_read. */
int fixture_read(struct checkpoint_place *f, const char *path);

/* Flip a bit of the first place in the file that holds these bytes. */
void fixture_damage(const char *path, const void *what, size_t size);

/* Leave the first half of a file. */
void fixture_cut(const char *path);

#endif
