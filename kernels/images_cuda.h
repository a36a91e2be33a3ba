#ifndef KERNELS_IMAGES_CUDA_H
#define KERNELS_IMAGES_CUDA_H

#include "cuda_device.h"

/* A slot of images as kernels read it: one piece of memory with a table of the images in front,
 * then each image's pixels and mask.  IMAGE_PAD bytes or more lie before and behind every piece, so
 * that a read of whole words may reach over its ends. */

enum { IMAGE_PAD = 16 };

struct cuda_image {
	size_t rgb, mask; /* bytes from the start of the memory, multiples of 16; mask 0: none */
	int width, height;
};

struct cuda_images {
	int n;
	size_t bytes; /* of each of both memories */
	char *host;   /* pinned; the table of struct cuda_image at its start, for the host too */
	char *memory; /* dev: the same */
	cudaEvent_t copied; /* on upload: the images have come */
	cudaEvent_t used;   /* on compute: all that reads them is done */
};

/* The slot, for operations that the compute stream is given from now on: they see the images that
 * were last brought. */
const struct cuda_images *cuda_images_begin(struct cuda *cuda, int slot);

/* Behind the last such operation: only then the slot may be filled again. */
void cuda_images_end(struct cuda *cuda, int slot);

#endif
