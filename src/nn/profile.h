#ifndef NN_PROFILE_H
#define NN_PROFILE_H

#include "nn/backend.h"

/* Where the time of a device goes: each operation is timed from the call until the device is done
 * with it, and added up by kind.  Waiting after each costs the device what it would have hidden:
 * launches, and sums over ranks behind the backward pass. */

/* Kinds of operations, here and in the tally of their least work (nn/tally.h). */
enum kind {
	KIND_CONV_FORWARD,
	KIND_CONV_DATA,
	KIND_CONV_WEIGHTS,
	KIND_PRODUCT,
	KIND_NORM,
	KIND_POINTWISE, /* on arrays, and pooling */
	KIND_VIEWS,
	KIND_LOSS,
	KIND_OPTIMISER,
	KIND_RANKS, /* collectives */
	KIND_HOST,  /* copies from and to the host, but images */
	KIND_IMAGES,
	KINDS
};

struct profile_kind {
	double seconds;
	long calls;
};

struct profile {
	const struct backend *wrapped;
	struct profile_kind kinds[KINDS];
};

/* From here on dev's operations are timed and done by what dev->be was; adds to p, whose kinds the
 * caller has set to zero.  Not while a profile runs.  open and close are not operations: the device
 * is closed after profile_stop. */
void profile_start(struct device *dev, struct profile *p);
/* dev is as it was. */
void profile_stop(struct device *dev);

#endif
