#ifndef TRAIN_SAFETENSORS_HEADER_H
#define TRAIN_SAFETENSORS_HEADER_H

#include "train/safetensors.h"

/* For safetensors.c only: the JSON header. */

/* Parse text [n] and check it against the data_bytes bytes that follow it in the file; tensors'
 * data point into data. path is for messages. On -1 f holds what was read so far, for
 * safetensors_free. */
int safetensors_parse_header(struct safetensors *f, const char *path, const char *text, size_t n,
	unsigned char *data, size_t data_bytes, char err[ERR_MAX]);

/* The header of f's tensors in the order of order[f->count], padded with spaces to a multiple of 8;
 * caller frees. */
char *safetensors_print_header(const struct safetensors *f, const int *order, size_t *n);

#endif
