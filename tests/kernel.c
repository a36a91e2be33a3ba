/* kernel.c - see kernel.h. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "mirror.h"
#include "test.h"

enum { BUFFERS_MAX = 256, GUARD = 64, MARK = 0xa5 };

static struct {
	unsigned char *raw;
	size_t bytes; /* between the guards; 0: no guards */
} buffers[BUFFERS_MAX];
static int buffer_count;

static void *remember(unsigned char *raw, size_t bytes)
{
	assert_true(buffer_count < BUFFERS_MAX);
	buffers[buffer_count].raw = raw;
	buffers[buffer_count++].bytes = bytes;
	return bytes > 0 ? raw + GUARD : raw;
}

void *buffer_bytes(size_t bytes)
{
	unsigned char *raw = xaligned(bytes + 2 * GUARD);

	memset(raw, MARK, bytes + 2 * GUARD);
	memset(raw + GUARD, 0xff, bytes);
	return remember(raw, bytes);
}

float *buffer(size_t count)
{
	return buffer_bytes(count * sizeof(float));
}

float *buffer_random(size_t count, uint32_t seed)
{
	struct rng rng = rng_at(seed, RNG_PROBE, 0, 0, 0);
	float *p = buffer(count);

	for (size_t i = 0; i < count; i++)
		p[i] = rng_between(&rng, -1, 1);
	return p;
}

float *buffer_integers(size_t count, uint32_t seed, int range)
{
	struct rng rng = rng_at(seed, RNG_PROBE, 1, 0, 0);
	float *p = buffer(count);

	for (size_t i = 0; i < count; i++)
		p[i] = (float)((int)rng_below(&rng, (uint32_t)(2 * range + 1)) - range);
	return p;
}

float *buffer_copy(const float *from, size_t count)
{
	float *p = buffer(count);

	memcpy(p, from, count * sizeof *p);
	return p;
}

double *doubles(size_t count)
{
	return remember(xcalloc(count, sizeof(double)), 0);
}

double *doubles_of(const float *from, size_t count)
{
	double *p = doubles(count);

	for (size_t i = 0; i < count; i++)
		p[i] = from[i];
	return p;
}

double *magnitudes_of(const float *from, size_t count)
{
	double *p = doubles(count);

	for (size_t i = 0; i < count; i++)
		p[i] = fabs((double)from[i]);
	return p;
}

void buffers_check(void)
{
	for (int i = 0; i < buffer_count; i++) {
		const unsigned char *raw = buffers[i].raw;

		for (size_t k = 0; k < GUARD && buffers[i].bytes > 0; k++) {
			assert_int_equal(raw[k], MARK);
			assert_int_equal(raw[GUARD + buffers[i].bytes + k], MARK);
		}
		xfree(buffers[i].raw);
	}
	buffer_count = 0;
}

void check_close(const char *what, const float *got, const double *want, size_t count,
	double relative, const double *scale, double absolute)
{
	for (size_t i = 0; i < count; i++) {
		double allowed = relative * fabs(scale ? scale[i] : want[i]) + absolute;

		if (!(fabs(got[i] - want[i]) <= allowed)) {
			print_error("%s: element %zu of %zu is %.9g, expected %.9g within %g\n",
				what, i, count, (double)got[i], want[i], allowed);
			_fail(__FILE__, __LINE__);
		}
	}
}

void check_same(const char *what, const void *a, const void *b, size_t bytes)
{
	if (memcmp(a, b, bytes) != 0) {
		print_error("%s: not the same bits\n", what);
		_fail(__FILE__, __LINE__);
	}
}

static const char *device_name(void)
{
	const char *name = getenv("RELIQUARY_TEST_DEVICE");

	return name && *name ? name : "cpu";
}

int device_is_cpu(void)
{
	return strcmp(device_name(), "cpu") == 0;
}

static struct device *open_with(int threads, enum convolution convolution)
{
	/* little, since it is filled with NaN in each test */
	const struct device_options options = {
		.threads = threads, .convolution = convolution, .workspace = 2 << 20
	};
	char err[ERR_MAX] = "";
	const struct backend *be = backend_find(device_name(), err);
	struct device *dev = be ? be->open(&options, err) : NULL;

	if (!dev)
		print_error("%s\n", err);
	assert_non_null(dev);
	return dev;
}

struct device *device_open_bare(int threads)
{
	return open_with(threads, CONVOLUTION_AUTO);
}

struct device *device_open_direct(int threads)
{
	return open_with(threads, CONVOLUTION_DIRECT);
}

struct device *device_open(int threads)
{
	struct device *dev = device_open_bare(threads);

	return device_is_cpu() ? dev : mirror_open(dev);
}

void device_close(struct device *dev)
{
	dev->be->close(dev);
}
