#ifndef NN_PARAMS_H
#define NN_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "nn/backend.h"

/* All parameters are one flat buffer of floats with a table; gradients, momentum and target are
 * buffers of the same length.  The table is in the order of the forward pass, so the backward pass
 * finishes gradients from the end of the buffer to its start, and what is finished can be reduced
 * in one piece.  Names are torchvision's with a prefix: "encoder.layer1.0.conv1.weight",
 * "encoder.layer1.0.bn1.bias", "projector.linear1.weight" ... */

enum { PARAM_NAME_MAX = 64, PARAM_ALIGN = 16 /* floats: 64 bytes */ };

enum param_init { INIT_TRUNCATED_NORMAL, INIT_ZERO, INIT_ONE };

struct param {
	char name[PARAM_NAME_MAX];
	size_t offset, count; /* floats; offset is a multiple of PARAM_ALIGN */
	int dims, shape[4];   /* convolutions: (k, r, r, c); linear layers: (out, in) */
	int plain;            /* bias or batch norm */
	enum param_init init;
	int fan_in;
};

struct params {
	struct param *table;
	int count;
	size_t length; /* of a buffer, floats: all tensors and the gaps that align them, which stay
			  0 */
};

/* Write a tensor's name, as printf; too long a name is a fault of ours. */
void params_name(char name[PARAM_NAME_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Append a tensor; returns its offset. name is copied. */
size_t params_add(struct params *p, const char *name, int dims, const int *shape, int plain,
	enum param_init init);
void params_free(struct params *p);

/* Number of parameters (without the gaps) whose names begin with prefix. */
size_t params_size(const struct params *p, const char *prefix);

/* Index by name, or -1. */
int params_find(const struct params *p, const char *name);

/* Initial values of one tensor into host memory [its count]: spec 3.1, truncated normal of
 * deviation 1/sqrt(fan_in) cut at two deviations, a function of (seed, purpose, index, element). */
void params_init_tensor(
	const struct params *p, int index, float *values, uint64_t seed, enum rng_purpose purpose);

/* Those of all tensors [length], with zeros in the gaps. */
void params_init(const struct params *p, float *values, uint64_t seed, enum rng_purpose purpose);

/* The table as the optimiser wants it; caller frees (xfree). */
struct param_span *params_spans(const struct params *p);

/* Running statistics of batch norm, the same way: one entry a layer, (2, channels): hidden averages
 * of mean and of biased variance, to be divided by 1 - decay^updates (spec 3.2: zero-debiased).
 * Names: "encoder.bn1" ... */
struct norm_stat {
	char name[PARAM_NAME_MAX];
	size_t offset; /* floats, a multiple of PARAM_ALIGN */
	int channels;
};

struct stats {
	struct norm_stat *table;
	int count;
	size_t length;
};

/* Append a layer; returns its offset. */
size_t stats_add(struct stats *s, const char *name, int channels);
void stats_free(struct stats *s);

#endif
