#ifndef EVAL_ENCODER_H
#define EVAL_ENCODER_H

#include <stdint.h>

#include "base/config.h"
#include "base/die.h"
#include "comm/comm.h"
#include "nn/infer.h"
#include "train/stop.h"

/* A frozen encoder on this rank's device: batch norm with running statistics (spec 6.1). */

enum { ENCODER_PIECE = 64 }; /* images it takes at once */

enum encoder_source { ENCODER_CHECKPOINT, ENCODER_FILE, ENCODER_RANDOM };

struct encoder_options {
	enum encoder_source source;
	const char *path; /* of the checkpoint, or of the safetensors file; unused when random */
	int target;       /* the target network instead of the online one; checkpoints only */
	int size;         /* pixels a side of its input */
};

struct encoder {
	struct comm *comm;  /* not owned */
	struct device *dev; /* not owned */
	struct stop *stop;  /* not owned; NULL: nothing asks for an early end */
	struct infer *net;
	int width; /* of its features */
	int size;
	int threads;    /* that decode images */
	int exact;      /* views by the plain path */
	int64_t step;   /* of the checkpoint; 0 without */
	int calibrated; /* it has running statistics; else calibrate() must follow */
};

/* The network of the configuration with the values of a source.  Random: those that the
 * configuration's train.seed gives. Collective; err names the file and what is wrong with it. */
int encoder_open(struct encoder *e, const struct encoder_options *o, const struct config *c,
	struct comm *comm, struct device *dev, char err[ERR_MAX]);
void encoder_close(struct encoder *e);

/* Bytes of one piece of images on the device. */
size_t encoder_input_bytes(const struct encoder *e);

#endif
