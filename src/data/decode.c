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

/* A picture of another size than the index says would make windows and views those of another. */
static int check_size(const uint8_t *bytes, size_t n, const int size[2], char why[ERR_MAX])
{
	struct jpeg_header h;

	if (jpeg_header(&h, bytes, n, why) != 0)
		return -1;
	if (h.width != size[0] || h.height != size[1])
		return fail(why, "%d x %d pixels, but %d x %d in /images/size", h.width, h.height,
			size[0], size[1]);
	return 0;
}

void decoder_size(const struct decoder *c, uint64_t id, int *width, int *height)
{
	uint32_t record;
	const struct shard *s = dataset_find(c->d, id, &record);

	shard_size(s, record, width, height);
}

int decoder_read(struct decoder *c, struct image *image, struct image_memory *memory, uint64_t id,
	const struct image_window *window, char err[ERR_MAX])
{
	uint32_t record;
	const struct shard *s = dataset_find(c->d, id, &record);
	long n = shard_read(s, record, &c->bytes, &c->capacity, err);
	char why[ERR_MAX];
	int size[2];

	if (n < 0)
		return -1;
	if (c->masks)
		window = NULL; /* masks are of whole pictures */
	/* What a window leaves unread is as it was packed: the checksum was right, and packing
	 * decodes all. */
	shard_size(s, record, &size[0], &size[1]);
	if (check_size(c->bytes, (size_t)n, size, why) != 0 ||
		jpeg_decode_window(
			image, &memory->rgb_capacity, c->bytes, (size_t)n, window, why) != 0)
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
