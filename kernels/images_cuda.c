/* images_cuda.c - the images of a batch on their way to the GPU.
 * They are packed into pinned memory, from where one copy on a stream of its own takes them while
 * the batch before is computed with.  The memories of a slot grow by more than is needed and become
 * at least as large as those of the other: batches differ in bytes, and after the first steps
 * nothing shall be allocated. */
#include "cuda_sizes.h"
#include "images_cuda.h"

#include <string.h>

#include "base/memory.h"

/* What follows a piece of memory: IMAGE_PAD bytes at least, and aligned. */
static size_t behind(size_t bytes)
{
	return (bytes + IMAGE_PAD + 15) / 16 * 16;
}

static size_t rgb_bytes(const struct image *image)
{
	return (size_t)image->width * (size_t)image->height * 3;
}

static size_t mask_bytes(const struct image *image)
{
	return image->mask ? (size_t)(image->width + 7) / 8 * (size_t)image->height : 0;
}

static struct cuda_image place_image(size_t *used, const struct image *image)
{
	struct cuda_image place = { *used, 0, image->width, image->height };

	*used = behind(*used + rgb_bytes(image));
	if (image->mask) {
		place.mask = *used;
		*used = behind(*used + mask_bytes(image));
	}
	return place;
}

static size_t table_bytes(int n)
{
	return behind((size_t)n * sizeof(struct cuda_image));
}

static size_t slot_bytes(const struct image *images, int n)
{
	size_t used = table_bytes(n);

	for (int i = 0; i < n; i++)
		place_image(&used, &images[i]);
	return used;
}

static void pack_image(char *host, const struct cuda_image *place, const struct image *image)
{
	memcpy(host + place->rgb, image->rgb, rgb_bytes(image));
	if (image->mask)
		memcpy(host + place->mask, image->mask, mask_bytes(image));
}

static void pack(struct cuda_images *s, const struct image *images, int n)
{
	struct cuda_image *table = (struct cuda_image *)s->host;
	size_t used = table_bytes(n);

	for (int i = 0; i < n; i++)
		table[i] = place_image(&used, &images[i]);
#pragma omp parallel for schedule(dynamic)
	for (int i = 0; i < n; i++)
		pack_image(s->host, &table[i], &images[i]);
	s->n = n;
}

static struct cuda_images *slot_of(struct cuda *cuda, int slot)
{
	CHECK(slot >= 0 && slot < CUDA_SLOTS, "slot %d of images", slot);
	if (!cuda->images[slot]) {
		cuda->images[slot] = xcalloc(1, sizeof *cuda->images[slot]);
		cuda->images[slot]->copied = cuda_event();
		cuda->images[slot]->used = cuda_event();
	}
	return cuda->images[slot];
}

static void *pinned(struct cuda *cuda, size_t bytes)
{
	void *p = NULL;
	cudaError_t error = cudaMallocHost(&p, bytes);

	CHECK(error != cudaErrorMemoryAllocation,
		"no %.1f MiB of memory that the GPU can copy from, for the images of a batch: a "
		"smaller train.batch (or more nodes for it), or a larger limit of locked memory "
		"(ulimit -l)",
		(double)bytes / (1 << 20));
	CUDA_CHECK(error);
	cuda->device.counts.allocations++;
	return p;
}

static void release(struct cuda *cuda, struct cuda_images *s)
{
	if (!s->memory)
		return;
	free_cuda(&cuda->device, s->memory); /* waits for all that uses either */
	CUDA_CHECK(cudaFreeHost(s->host));
	s->memory = s->host = NULL;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void reserve(struct cuda *cuda, struct cuda_images *s, size_t bytes)
{
	if (bytes <= s->bytes)
		return;
	release(cuda, s);
	s->bytes = cuda_slot_room(bytes);
	for (int i = 0; i < CUDA_SLOTS; i++)
		s->bytes = larger(s->bytes, cuda->images[i] ? cuda->images[i]->bytes : 0);
	s->memory = alloc_cuda(&cuda->device, s->bytes, "images of a batch");
	s->host = pinned(cuda, s->bytes);
	/* the upload must come after the zeros of alloc */
	CUDA_CHECK(cudaEventRecord(s->used, cuda->compute));
}

void images_cuda(struct device *dev, int slot, const struct image *images, int n)
{
	struct cuda *cuda = cuda_of(dev);
	struct cuda_images *s = slot_of(cuda, slot);
	size_t bytes = slot_bytes(images, n);

	reserve(cuda, s, bytes);
	if (!cuda_event_done(cuda, s->copied))
		cuda_await(cuda, s->copied); /* the last images have not left yet */
	pack(s, images, n);
	CUDA_CHECK(cudaStreamWaitEvent(cuda->upload, s->used, 0));
	CUDA_CHECK(
		cudaMemcpyAsync(s->memory, s->host, bytes, cudaMemcpyHostToDevice, cuda->upload));
	CUDA_CHECK(cudaEventRecord(s->copied, cuda->upload));
	cuda->device.counts.copies++;
}

const struct cuda_images *cuda_images_begin(struct cuda *cuda, int slot)
{
	struct cuda_images *s = slot_of(cuda, slot);

	CHECK(s->n > 0, "views of slot %d, which has no images", slot);
	CUDA_CHECK(cudaStreamWaitEvent(cuda->compute, s->copied, 0));
	return s;
}

void cuda_images_end(struct cuda *cuda, int slot)
{
	CUDA_CHECK(cudaEventRecord(slot_of(cuda, slot)->used, cuda->compute));
}

void cuda_images_close(struct cuda *cuda)
{
	for (int i = 0; i < CUDA_SLOTS; i++) {
		struct cuda_images *s = cuda->images[i];

		if (!s)
			continue;
		release(cuda, s);
		CUDA_CHECK(cudaEventDestroy(s->copied));
		CUDA_CHECK(cudaEventDestroy(s->used));
		xfree(cuda->images[i]);
	}
}
