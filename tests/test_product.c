/* Products of small matrices against sums in double precision, by each instruction set that the
 * machine has. */
#include "test.h"

#include <math.h>

#include "kernel.h"
#include "product_cpu.h"

enum { PAD = 5 /* floats between rows, which stay as they were */ };

struct problem {
	struct product p;
	float *a, *b, *before;
	double *want, *magnitudes;
};

static double a_at(const struct problem *f, size_t i, size_t k)
{
	return f->a[f->p.a_is_turned ? k * f->p.a_row + i : i * f->p.a_row + k];
}

static struct problem problem_of(size_t m, size_t n, size_t k, int turned, int add)
{
	struct problem f = { .p = { .m = m,
				     .n = n,
				     .k = k,
				     .y_row = n + PAD,
				     .a_row = (turned ? m : k) + PAD,
				     .b_row = n + PAD,
				     .a_is_turned = turned,
				     .add = add } };

	f.a = buffer_random((turned ? k : m) * f.p.a_row + 1, 1);
	f.b = buffer_random(k * f.p.b_row + 1, 2);
	f.before = buffer_random(m * f.p.y_row, 3);
	f.want = doubles_of(f.before, m * f.p.y_row);
	f.magnitudes = doubles(m * f.p.y_row);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			size_t at = i * f.p.y_row + j;
			double sum = add ? f.want[at] : 0, magnitude = fabs(sum);

			for (size_t l = 0; l < k; l++) {
				double term = a_at(&f, i, l) * (double)f.b[l * f.p.b_row + j];

				sum += term;
				magnitude += fabs(term);
			}
			f.want[at] = sum;
			f.magnitudes[at] = magnitude;
		}
	return f;
}

static void check(product_function *product, size_t m, size_t n, size_t k, int turned, int add)
{
	struct problem f = problem_of(m, n, k, turned, add);
	float *y = buffer_copy(f.before, m * f.p.y_row);

	/* what is asked for on the side changes nothing, wherever it is */
	f.p.next = m % 2 ? f.before : NULL;
	f.p.y_is_far = k % 3 > 0;
	f.p.soon[0] = f.p.soon[1] = f.p.y_is_far && n % 3 ? f.before : NULL;
	f.p.soon[2] = f.p.y_is_far && n % 5 ? f.before : NULL;
	f.p.beside[0] = f.p.beside[1] = f.p.y_is_far && k % 2 ? f.before : NULL;
	product(&f.p, y, f.a, f.b);
	/* magnitudes between rows are 0: what is there must be the same */
	check_close("product", y, f.want, m * f.p.y_row, (double)(k + 1) * EPS, f.magnitudes, 0);
	buffers_check();
}

static void by_each(product_function *product)
{
	static const size_t sums[] = { 0, 1, 2, 31, 64 };

	for (size_t m = 0; m <= 25; m++)
		for (size_t n = PRODUCT_LANES; n <= 9 * PRODUCT_LANES; n += PRODUCT_LANES)
			for (int flags = 0; flags < 4; flags++)
				check(product, m, n, sums[(m + n) % 5], flags & 1, flags >> 1);
	check(product, 64, 128, 300, 1, 1);
	check(product, 48, 128, 512, 0, 0);
}

static void they_are_sums_of_products(void **state)
{
	int count = 0;

	(void)state;
	by_each(product_cpu);
	for (enum product_set set = 0; set < PRODUCT_SETS; set++)
		if (product_of(set)) {
			by_each(product_of(set));
			count++;
		}
	print_message("# %d of %d ways\n", count, PRODUCT_SETS);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(they_are_sums_of_products),
};
TEST_MAIN(cases)
