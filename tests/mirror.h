#ifndef MIRROR_H
#define MIRROR_H

#include "nn/backend.h"

/* A device whose operations take ordinary memory: each brings its arrays to the device inside, runs
 * there, and brings back what the contract says is written, and no more.  So the tests of kernels,
 * which look at every number, are written once for all devices.  alloc, upload, download, copy,
 * zero and wait are those of the device inside. */

/* Takes inner over; its elements are floats. */
struct device *mirror_open(struct device *inner);

#endif
