/* cuda_fixture.c - see cuda_fixture.h. */
#include "cuda_fixture.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "kernel.h"
#include "test.h"

enum { FAULT = 70 /* of die */ };

struct device *cuda_test_open(enum precision precision, size_t workspace)
{
	const struct device_options options = { .threads = 1,
		.precision = precision,
		.workspace = workspace > 0 ? workspace : 4 << 20 };
	char err[ERR_MAX] = "";
	struct device *dev = backend_cuda.open(&options, err);

	if (!dev)
		print_error("%s\n", err);
	assert_non_null(dev);
	return dev;
}

static uint16_t to_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float from_bf16(uint16_t x)
{
	uint32_t bits = (uint32_t)x << 16;
	float y;

	memcpy(&y, &bits, sizeof y);
	return y;
}

void round_to_elements(const struct device *dev, float *x, size_t n)
{
	if (dev->precision == PRECISION_BF16)
		for (size_t i = 0; i < n; i++)
			x[i] = from_bf16(to_bf16(x[i]));
}

float *floats_to_device(struct device *dev, const float *x, size_t n)
{
	float *p = dev->be->alloc(dev, n * sizeof *x, "test");

	dev->be->upload(dev, p, x, n * sizeof *x);
	return p;
}

void *elements_to_device(struct device *dev, const float *x, size_t n)
{
	uint16_t *half;
	void *p;

	if (dev->precision != PRECISION_BF16)
		return floats_to_device(dev, x, n);
	half = xmalloc(n * sizeof *half);
	for (size_t i = 0; i < n; i++)
		half[i] = to_bf16(x[i]);
	p = dev->be->alloc(dev, n * sizeof *half, "test");
	dev->be->upload(dev, p, half, n * sizeof *half);
	xfree(half);
	return p;
}

void elements_from_device(struct device *dev, float *x, const void *from, size_t n)
{
	uint16_t *half;

	if (dev->precision != PRECISION_BF16) {
		dev->be->download(dev, x, from, n * sizeof *x);
		return;
	}
	half = xmalloc(n * sizeof *half);
	dev->be->download(dev, half, from, n * sizeof *half);
	for (size_t i = 0; i < n; i++)
		x[i] = from_bf16(half[i]);
	xfree(half);
}

/* A sum of floats: (terms + 1) 2^-24 (Higham, Accuracy and Stability, 3.1).  TF32 rounds both
 * factors to 11 bits: 2 * 2^-11, and a little for their product.  bfloat16 holds the result in 8
 * bits: 2^-8. */
void tolerance_of(const struct device *dev, int terms, double *relative, double *rounding)
{
	*relative = (terms + 1) * EPS;
	if (dev->precision == PRECISION_TF32)
		*relative += 2.002 / 2048;
	*rounding = dev->precision == PRECISION_BF16 ? 1.0 / 256 : 0;
}

int child_status(void (*f)(void), char text[CHILD_TEXT])
{
	int ends[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		f();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + used, CHILD_TEXT - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void child_must_die(void (*f)(void), char text[CHILD_TEXT])
{
	int status = child_status(f, text);

	if (status != FAULT)
		print_error("status %d: %s\n", status, text);
	assert_int_equal(status, FAULT);
}
