/* mirror.c - the mirror's arrays and memory. */
#include "mirror_arrays.h"

#include <string.h>

#include "base/die.h"
#include "base/memory.h"

static struct mirror_array *find(struct mirror *m, const void *host, size_t bytes)
{
	struct mirror_array *a;

	for (int i = 0; i < m->count; i++)
		if (m->arrays[i].host == host) {
			CHECK(m->arrays[i].bytes >= bytes, "an array grew");
			return &m->arrays[i];
		}
	CHECK(m->count < MIRROR_ARRAYS, "more than %d arrays", MIRROR_ARRAYS);
	a = &m->arrays[m->count++];
	*a = (struct mirror_array){ .host = (void *)host, .bytes = bytes };
	a->dev = m->inner->be->alloc(m->inner, bytes, "test");
	/* Outputs too: the tests fill them with NaN, which must not matter. */
	m->inner->be->upload(m->inner, a->dev, host, bytes);
	return a;
}

void *mirror_in(struct mirror *m, const void *host, size_t bytes)
{
	return host ? find(m, host, bytes)->dev : NULL;
}

void *mirror_out(struct mirror *m, void *host, size_t bytes)
{
	struct mirror_array *a;

	if (!host)
		return NULL;
	a = find(m, host, bytes);
	a->written = 1;
	return a->dev;
}

void mirror_finish(struct mirror *m)
{
	const struct backend *be = m->inner->be;

	for (int i = 0; i < m->count; i++)
		if (m->arrays[i].written)
			be->download(
				m->inner, m->arrays[i].host, m->arrays[i].dev, m->arrays[i].bytes);
	for (int i = 0; i < m->count; i++)
		be->free(m->inner, m->arrays[i].dev);
	m->count = 0;
}

/* ---- memory: that of the device inside ---- */

static void close_mirror(struct device *dev)
{
	struct mirror *m = mirror_of(dev);

	m->inner->be->close(m->inner);
	xfree(m);
}

static void *alloc_mirror(struct device *dev, size_t bytes, const char *purpose)
{
	struct device *inner = mirror_of(dev)->inner;

	return inner->be->alloc(inner, bytes, purpose);
}

static void free_mirror(struct device *dev, void *p)
{
	struct device *inner = mirror_of(dev)->inner;

	inner->be->free(inner, p);
}

static void upload_mirror(struct device *dev, void *to, const void *from, size_t bytes)
{
	struct device *inner = mirror_of(dev)->inner;

	inner->be->upload(inner, to, from, bytes);
}

static void download_mirror(struct device *dev, void *to, const void *from, size_t bytes)
{
	struct device *inner = mirror_of(dev)->inner;

	inner->be->download(inner, to, from, bytes);
}

static void copy_mirror(struct device *dev, void *to, const void *from, size_t bytes)
{
	struct device *inner = mirror_of(dev)->inner;

	inner->be->copy(inner, to, from, bytes);
}

static void zero_mirror(struct device *dev, void *p, size_t bytes)
{
	struct device *inner = mirror_of(dev)->inner;

	inner->be->zero(inner, p, bytes);
}

static void wait_mirror(struct device *dev)
{
	struct device *inner = mirror_of(dev)->inner;

	inner->be->wait(inner);
}

static const struct backend slots = {
	.name = "mirror",
	.close = close_mirror,
	.alloc = alloc_mirror,
	.free = free_mirror,
	.upload = upload_mirror,
	.download = download_mirror,
	.copy = copy_mirror,
	.zero = zero_mirror,
	.wait = wait_mirror,
};

struct device *mirror_open(struct device *inner)
{
	static struct backend all;
	struct mirror *m = xcalloc(1, sizeof *m);

	CHECK(inner->element == sizeof(float), "the mirror shows floats only");
	all = slots;
	mirror_conv(&all);
	mirror_layers(&all);
	m->device = (struct device){
		.be = &all, .element = sizeof(float), .recompute = RECOMPUTE_NONE
	};
	m->inner = inner;
	return &m->device;
}
