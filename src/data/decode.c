#include "data/decode.h"

#include "base/memory.h"
#include "data/jpeg.h"

static int read_mask(struct image *image, struct image_memory *memory, const struct shard *s,
	uint32_t record, char err[ERR_MAX])
{
	long n = shard_read_mask(
		s, record, &memory->mask, &memory->mask_capacity, &image->foreground, err);

	image->mask = n > 0 ? memory->mask : NULL;
	return n < 0 ? -1 : 0;
}

static int decode(struct image *image, struct image_memory *memory, const uint8_t *bytes, size_t n,
	const int size[2], char why[ERR_MAX])
{
	if (jpeg_decode(image, &memory->rgb_capacity, bytes, n, why) != 0)
		return -1;
	if (image->width != size[0] || image->height != size[1])
		return fail(why, "%d x %d pixels, but %d x %d in /images/size", image->width,
			image->height, size[0], size[1]);
	return 0;
}

int decoder_read(struct decoder *c, struct image *image, struct image_memory *memory, uint64_t id,
	char err[ERR_MAX])
{
	uint32_t record;
	const struct shard *s = dataset_find(c->d, id, &record);
	long n = shard_read(s, record, &c->bytes, &c->capacity, err);
	char why[ERR_MAX];
	int size[2];

	if (n < 0)
		return -1;
	shard_size(s, record, &size[0], &size[1]);
	if (decode(image, memory, c->bytes, (size_t)n, size, why) != 0)
		return fail(err, "%s: record %u ('%.200s'): %.400s", shard_path(s), record,
			shard_key(s, record), why);
	image->mask = NULL;
	image->foreground = 0;
	return c->masks ? read_mask(image, memory, s, record, err) : 0;
}

void decoder_free(struct decoder *c)
{
	xfree(c->bytes);
	c->capacity = 0;
}

void image_memory_free(struct image *image, struct image_memory *memory)
{
	xfree(image->rgb);
	xfree(memory->mask);
	*image = (struct image){ 0 };
	*memory = (struct image_memory){ 0 };
}
