/* Sums over columns: exact for integers, the same for any number of threads; the statistics made of
 * them; biases. */
#include "test.h"

#include <math.h>

#include "kernel.h"

#define NORM_EPS 1e-5

static const struct shape {
	int groups;
	size_t rows;
	int channels;
} shapes[] = { { 1, 1, 1 }, { 1, 3, 1 }, { 2, 1, 3 }, { 3, 17, 33 }, { 2, 33, 17 }, { 4, 64, 64 },
	{ 2, 65, 257 }, { 1, 5000, 16 }, { 2, 9000, 3 }, { 1, 40, 2048 } };

enum { SHAPES = sizeof shapes / sizeof *shapes };

static size_t size_of(const struct shape *s)
{
	return (size_t)s->groups * s->rows * (size_t)s->channels;
}

static void sums_of_integers_are_exact(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		const struct shape *s = &shapes[i];
		size_t width = (size_t)s->channels, length = (size_t)s->groups * 2 * width;
		float *x = buffer_integers(size_of(s), 1, 1000);
		double *want = doubles(length), *sums[3];

		for (size_t at = 0; at < size_of(s); at++) {
			size_t c = at % width, g = at / width / s->rows;

			want[2 * g * width + c] += x[at];
			want[(2 * g + 1) * width + c] += (double)x[at] * x[at];
		}
		for (int threads = 1; threads <= 3; threads++) {
			struct device *dev = device_open(threads);

			sums[threads - 1] = buffer_bytes(length * sizeof(double));
			dev->be->norm_sums(
				dev, sums[threads - 1], x, s->groups, s->rows, s->channels);
			check_same("sums", sums[threads - 1], want, length * sizeof(double));
			device_close(dev);
		}
		buffers_check();
	}
}

/* The order of a sum is a matter of the shape alone. */
static void sums_do_not_depend_on_threads(void **state)
{
	const struct shape s = { 2, 5000, 33 };
	float *x = buffer_random(size_of(&s), 1), *db[4];
	double *sums[4];

	(void)state;
	for (int threads = 1; threads <= 4; threads++) {
		struct device *dev = device_open(threads);
		int i = threads - 1;

		sums[i] = buffer_bytes(4 * 33 * sizeof(double));
		db[i] = buffer_integers(33, 0, 0);
		dev->be->norm_sums(dev, sums[i], x, s.groups, s.rows, s.channels);
		dev->be->bias_gradient(dev, db[i], x, 2 * s.rows, s.channels);
		check_same("sums", sums[i], sums[0], 4 * 33 * sizeof(double));
		check_same("db", db[i], db[0], 33 * sizeof(float));
		device_close(dev);
	}
	buffers_check();
}

static void statistics_and_running_averages(void **state)
{
	/* two groups, two channels: means 2, 1, -3, 0.5; variances 5, 0 (rounded to a little less),
	 * 0.25, 1 */
	const double sums[] = { 20, 10, 90, 10 - 1e-15, -30, 5, 92.5, 12.5 };
	const float mean_want[] = { 2, 1, -3, 0.5 };
	const double variance_want[] = { 5, 0, 0.25, 1 };
	struct device *dev = device_open(1);
	float *mean = buffer(4), *rstd = buffer(4), *running = buffer_integers(4, 0, 0);

	(void)state;
	dev->be->norm_statistics(dev, mean, rstd, sums, 10, (float)NORM_EPS, 2, 2);
	for (int i = 0; i < 4; i++) {
		assert_true(mean[i] == mean_want[i]);
		assert_close(rstd[i], 1 / sqrt(variance_want[i] + (double)(float)NORM_EPS),
			2 * EPS * 320);
	}
	running[0] = 8, running[3] = 4;
	dev->be->norm_running(dev, running, sums, 10, 0.5f, 2, 2);
	/* 8 -> 5 -> 1; 0 -> 0.5 -> 0.5; 0 -> 2.5 -> 1.375; 4 -> 2 -> 1.5 */
	assert_close(running[0], 1, 2 * EPS);
	assert_close(running[1], 0.5, 2 * EPS);
	assert_close(running[2], 1.375, 3 * EPS);
	assert_close(running[3], 1.5, 3 * EPS);
	buffers_check();
	device_close(dev);
}

static void biases(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		const struct shape *s = &shapes[i];
		size_t rows = s->rows * (size_t)s->groups, width = (size_t)s->channels;
		struct device *dev = device_open(2);
		float *y = buffer_integers(size_of(s), 1, 99),
		      *bias = buffer_integers(width, 2, 99);
		float *before = buffer_copy(y, size_of(s)), *db = buffer_copy(bias, width);
		double *want = doubles_of(db, width);

		dev->be->bias_add(dev, y, bias, rows, s->channels);
		dev->be->bias_gradient(dev, db, before, rows, s->channels);
		for (size_t at = 0; at < size_of(s); at++) {
			assert_true(y[at] == before[at] + bias[at % width]);
			want[at % width] += before[at];
		}
		check_close("db", db, want, width, 0, NULL, 0);
		buffers_check();
		device_close(dev);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(sums_of_integers_are_exact),
	cmocka_unit_test(sums_do_not_depend_on_threads),
	cmocka_unit_test(statistics_and_running_averages),
	cmocka_unit_test(biases),
};
TEST_MAIN(cases)
