#ifndef EVAL_TALLY_H
#define EVAL_TALLY_H

#include <stdint.h>

/* Counts of right answers.  The place of an image is how many classes come before its own: 0 is
 * right, below 5 is right among five. */
struct tally {
	int64_t images, top1, top5;
};

static inline void tally_add(struct tally *t, int place)
{
	t->images++;
	t->top1 += place < 1;
	t->top5 += place < 5;
}

/* Shares in 0..1; 0 of no images. */
static inline double tally_top1(const struct tally *t)
{
	return t->images ? (double)t->top1 / (double)t->images : 0;
}

static inline double tally_top5(const struct tally *t)
{
	return t->images ? (double)t->top5 / (double)t->images : 0;
}

#endif
