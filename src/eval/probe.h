#ifndef EVAL_PROBE_H
#define EVAL_PROBE_H

/* Places in the stream RNG_PROBE of an evaluation's seed: the first word of the counter.  Never
 * renumber. */
enum probe_place {
	PROBE_CLASSIFIER = 0, /* initial weights, by params_init: its only tensor is number 0 */
	PROBE_CROPS = 1,      /* the seed of the training crops */
	PROBE_ORDER = 2,      /* order of the training images in an epoch */
	PROBE_HOLDOUT = 3,    /* which training images are held out */
	PROBE_REPLACE = 4,    /* what stands in for an unreadable training image */
	PROBE_CALIBRATE = 5   /* images that running statistics are taken from */
};

#endif
