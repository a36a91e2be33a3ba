/* The CUDA back end as a device: what it says when it cannot be opened or has no memory, copies of
 * all sizes, the scratch, what it counts. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cuda_fixture.h"

enum { PIECE = 256 << 10, PIECES = 32 /* of the staging */ };

/* ---- in processes of their own, before the first device of this one ---- */

static void ask_for_too_much(void)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);

	dev->be->alloc(dev, (size_t)1 << 50, "activations of layer 3");
}

static void memory_ends(void **state)
{
	static const char *const words[] = { "out of memory", "1073741824.0 MiB were asked for",
		"activations of layer 3", "MiB are free", "train.batch", "train.recompute=views",
		"--precision=bf16", "GPU 0" };
	char text[CHILD_TEXT];

	(void)state;
	child_must_die(ask_for_too_much, text);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		assert_says(text, words[i]);
}

/* Of the double the one, of the library the other. */
static void open_without_gpu(void)
{
	const struct device_options options = { .threads = 1 };
	char err[ERR_MAX] = "";

	setenv("CUDA_DOUBLE_DEVICES", "driver", 1);
	setenv("CUDA_VISIBLE_DEVICES", "", 1);
	CHECK(!backend_cuda.open(&options, err), "opened without a GPU");
	fputs(err, stderr);
}

static void no_gpu_is_one_line(void **state)
{
	char text[CHILD_TEXT];

	(void)state;
	assert_int_equal(child_status(open_without_gpu, text), 0);
	assert_says(text, "cudaGetDeviceCount");
	assert_says(text, "--device cpu works here");
	assert_true(strstr(text, "no NVIDIA driver") || strstr(text, "no GPU is visible"));
	assert_null(strchr(text, '\n'));
}

/* ---- in this process ---- */

static void no_such_gpu(void **state)
{
	const struct device_options options = { .index = 1000, .threads = 1 };
	char err[ERR_MAX] = "";

	(void)state;
	assert_null(backend_cuda.open(&options, err));
	assert_says(err, "CUDA_VISIBLE_DEVICES");
	assert_says(err, "ranks per node");
	assert_says(err, "rank 1000");
	assert_null(strchr(err, '\n'));
}

static void fill(unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(i * 2654435761u + seed + (i >> 16) * 7919u);
}

static void copy_once(struct device *dev, size_t bytes, size_t offset)
{
	unsigned char *from = xmalloc(bytes + 1), *want = xmalloc(bytes + 1);
	unsigned char *to = xmalloc(bytes + 1);
	unsigned char *p = dev->be->alloc(dev, bytes + offset, "test");
	unsigned char *q = dev->be->alloc(dev, bytes + offset, "test");

	fill(from, bytes, (unsigned)bytes);
	memcpy(want, from, bytes);
	dev->be->upload(dev, p + offset, from, bytes);
	memset(from, 0xee, bytes); /* it may be changed at once */
	dev->be->copy(dev, q + offset, p + offset, bytes);
	dev->be->zero(dev, p + offset, bytes);
	to[bytes] = 0x77;
	dev->be->download(dev, to, q + offset, bytes);
	assert_memory_equal(to, want, bytes);
	dev->be->download(dev, to, p + offset, bytes);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(to[i], 0);
	assert_int_equal(to[bytes], 0x77);
	dev->be->free(dev, p);
	dev->be->free(dev, q);
	xfree(from);
	xfree(want);
	xfree(to);
}

static void copies_of_all_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 3, 17, 4095, PIECE - 1, PIECE, PIECE + 1,
		3 * PIECE + 5, (size_t)PIECES * PIECE - 1, (size_t)PIECES * PIECE + 7,
		(size_t)PIECES * PIECE * 2 + 3 };
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		copy_once(dev, sizes[i], i % 3);
	dev->be->free(dev, NULL);
	dev->be->close(dev);
	dev = NULL;
	backend_cuda.close(dev);
}

/* Far more uploads than there are pieces, nothing waited for in between, each piece overwritten as
 * soon as it may be; then the same downwards. */
static void staging_is_used_again(void **state)
{
	enum { ROUNDS = 5 * PIECES + 3, INTS = 257 };
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	int *p = dev->be->alloc(dev, ROUNDS * INTS * sizeof *p, "test"), row[INTS];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < INTS; k++)
			row[k] = i * INTS + k;
		dev->be->upload(dev, p + (size_t)i * INTS, row, sizeof row);
		memset(row, 0xff, sizeof row);
	}
	for (int i = ROUNDS - 1; i >= 0; i--) {
		dev->be->download(dev, row, p + (size_t)i * INTS, sizeof row);
		for (int k = 0; k < INTS; k++)
			assert_int_equal(row[k], i * INTS + k);
	}
	dev->be->free(dev, p);
	dev->be->close(dev);
}

static void memory_begins_as_zeros(void **state)
{
	enum { BYTES = 100003 };
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	unsigned char *p, *host = xmalloc(BYTES);

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		p = dev->be->alloc(dev, BYTES, "test");
		assert_true((size_t)p % 64 == 0);
		dev->be->download(dev, host, p, BYTES);
		for (int i = 0; i < BYTES; i++)
			assert_int_equal(host[i], 0);
		memset(host, 0xff, BYTES);
		dev->be->upload(dev, p, host, BYTES);
		dev->be->free(dev, p); /* with work under way that uses it */
	}
	xfree(host);
	dev->be->close(dev);
}

static void scratch_grows_and_stays(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct cuda *cuda = cuda_of(dev);
	char *small = cuda_scratch(cuda, 1), *large, *host = xcalloc(1, 5 << 20);
	long allocations = dev->counts.allocations;

	(void)state;
	assert_true((size_t)small % 256 == 0);
	dev->be->upload(dev, small, "x", 1); /* under way while it grows */
	large = cuda_scratch(cuda, 5 << 20);
	assert_true((size_t)large % 256 == 0);
	assert_int_equal(dev->counts.allocations, allocations + 1);
	dev->be->zero(dev, large, 5 << 20);
	dev->be->download(dev, host, large, 5 << 20);
	assert_ptr_equal(cuda_scratch(cuda, 17), large);
	assert_ptr_equal(cuda_scratch(cuda, 5 << 20), large);
	assert_int_equal(dev->counts.allocations, allocations + 1);
	xfree(host);
	dev->be->close(dev);
}

static void it_counts(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct device_counts before, *now = &dev->counts;
	float *p = dev->be->alloc(dev, 64, "test"), host[16] = { 0 };

	(void)state;
	before = *now;
	dev->be->upload(dev, p, host, sizeof host);
	dev->be->copy(dev, p, p + 8, 8 * sizeof *p);
	dev->be->zero(dev, p, 4);
	assert_int_equal(now->copies - before.copies, 1);
	assert_int_equal(now->waits, before.waits);
	dev->be->download(dev, host, p, sizeof host);
	assert_int_equal(now->copies - before.copies, 2);
	assert_int_equal(now->waits - before.waits, 1);
	dev->be->wait(dev);
	assert_int_equal(now->waits - before.waits, 2);
	dev->be->gemm(dev, p, p + 4, p + 8, 2, 2, 2, 0, 0, 0);
	assert_int_equal(now->launches - before.launches, 1);
	assert_int_equal(now->allocations, before.allocations);
	assert_int_equal(now->collectives, 0);
	dev->be->free(dev, p);
	dev->be->close(dev);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(no_gpu_is_one_line),
		cmocka_unit_test(no_such_gpu),
		cmocka_unit_test(copies_of_all_sizes),
		cmocka_unit_test(staging_is_used_again),
		cmocka_unit_test(memory_begins_as_zeros),
		cmocka_unit_test(scratch_grows_and_stays),
		cmocka_unit_test(it_counts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(cases, NULL, test_cleanup);
}

#else

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here\n");
	return 0;
}

#endif
