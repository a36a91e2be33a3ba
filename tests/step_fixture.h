#ifndef STEP_FIXTURE_H
#define STEP_FIXTURE_H

#include "train/step.h"

/* Training steps of a small network on smooth pictures. */

/* Of a group of tests: the ranks that steps belong to, this process alone. */
int step_setup(void **state);
int step_teardown(void **state);

/* A quarter of the width, 2 + 1 small views, 16 images. */
void small_config(struct config *c, const char *arch);

struct batch make_batch(int step);
void free_batch(struct batch *b);

/* On the device under test, with one thread; convolutions as c says. */
void open_step(struct step *s, const struct config *c);
void close_step(struct step *s);

/* A copy of one of the state's buffers, of the length of the parameters; caller frees (xfree). */
float *fetched(const struct step *s, const float *buffer);
void set_values(struct step *s, const float *host);

/* Let each block add a little to its input: with 0, the usual start, the blocks would be hidden
 * from the test; with 1 a network of this size is so rough that its differences mean nothing. */
void open_blocks(struct step *s);

#endif
