#ifndef TRAIN_STEP_DUMP_H
#define TRAIN_STEP_DUMP_H

#include "train/step.h"

/* All of one step in one HDF5 file, RUN/step-%09d.h5, to compare with any other implementation:
 *
 *   step, epoch, lr, ema, loss (total, contrastive, invariance), gradient_norm, config (text)
 *   images            int64 (total): numbers of the images
 *   views/0 ...       float32 (total, size, size, 3): as fed to the network, normalised
 *   candidates        int32 (total, 1 + negatives)
 *   o/0 ..., t        float32 (total, d) of each view, (L, total, d)
 *   gradients/NAME    float32: of all parameters, summed over ranks
 *   before/, after/   params/NAME, momentum/NAME, target/NAME float32,
 *                     stats/NAME, target_stats/NAME float32 (2, channels),
 *                     updates (how often the statistics were updated)
 *
 * Collective: rank 0 writes. */

struct step_dump;

/* Keep the state before the step. */
struct step_dump *step_dump_before(const struct step *s);

/* Write the file and free d.  Returns -1 with err on every rank if it cannot be written. */
int step_dump_after(struct step_dump *d, struct step *s, const struct plan *plan,
	const struct step_result *result, char err[ERR_MAX]);

/* A step whose loss or gradient is not finite was not applied: leave RUN/fault-step-%09d.h5
 * (without before/; the running statistics in after/ hold the faulty batch already) and return -1
 * with err saying so. */
int step_dump_fault(struct step *s, const struct plan *plan, const struct step_result *result,
	char err[ERR_MAX]);

#endif
