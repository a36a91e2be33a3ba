/* The generator against the vectors published with Random123 (kat_vectors, philox4x32 10), and its
 * distributions. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

static void published_vectors(void **state)
{
	static const struct {
		uint32_t counter[4], key[2], out[4];
	} v[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u },
			{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
			{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	uint32_t out[4];

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		philox4x32_10(out, v[i].counter, v[i].key);
		assert_memory_equal(out, v[i].out, sizeof out);
	}
}

static void a_place_gives_the_same_numbers(void **state)
{
	struct rng a = rng_at(7, RNG_VIEW, 1, 2, 3), b = rng_at(7, RNG_VIEW, 1, 2, 3),
		   other = rng_at(7, RNG_VIEW, 1, 2, 4);
	int same = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		uint32_t word = rng_word(&a);

		assert_int_equal(word, rng_word(&b));
		same += word == rng_word(&other);
	}
	assert_int_equal(same, 0);
}

static void seeds_and_purposes_are_streams_apart(void **state)
{
	const uint32_t c[4] = { 1, 2, 3, 4 };
	uint32_t a[4], b[4];

	(void)state;
	rng_block(a, 1, RNG_VIEW, c);
	rng_block(b, 1, RNG_ORDER, c);
	assert_memory_not_equal(a, b, sizeof a);
	rng_block(b, 1 + (1ull << 32), RNG_VIEW, c);
	assert_memory_not_equal(a, b, sizeof a);
}

static void uniform_has_its_moments(void **state)
{
	struct rng r = rng_at(1, RNG_PROBE, 0, 0, 0);
	enum { N = 200000 };
	double sum = 0, square = 0, normal = 0, normal_square = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		double u = rng_uniform(&r), z = rng_normal(&r);

		assert_true(u >= 0 && u < 1);
		sum += u, square += u * u, normal += z, normal_square += z * z;
	}
	/* five standard errors */
	assert_close(sum / N, 0.5, 5 * 0.2887 / 447.2);
	assert_close(square / N, 1.0 / 3, 5 * 0.2981 / 447.2);
	assert_close(normal / N, 0, 5 / 447.2);
	assert_close(normal_square / N, 1, 5 * 1.4142 / 447.2);
}

/* Against the C library's functions, over the whole range of both words. */
static void normals_are_those_of_the_formula(void **state)
{
	struct rng r = rng_at(4, RNG_PROBE, 1, 2, 3), words = r;
	double most = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double u = (rng_word(&words) + 1.0) * 0x1p-32, v = rng_word(&words) * 0x1p-32;

		most = fmax(most, fabs(rng_normal(&r) - sqrt(-2 * log(u)) * cos(2 * M_PI * v)));
	}
	assert_close(most, 0, 1e-14); /* the library's cos rounds 2 pi v first */
}

static void many_normals_are_those_of_single_draws(void **state)
{
	static const int counts[] = { 1, 63, 64, 65, 1000, 64, 3 }; /* also from half a block on */
	struct rng one = rng_at(1ull << 40, RNG_INIT, 7, 8, 9), many = one;
	double z[1000];

	(void)state;
	for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
		rng_normals(z, counts[k], &many);
		for (int i = 0; i < counts[k]; i++) {
			double expected = rng_normal(&one);

			assert_memory_equal(&z[i], &expected, sizeof expected);
		}
	}
	assert_int_equal(rng_word(&one), rng_word(&many));
}

static void below_is_even_and_in_range(void **state)
{
	struct rng r = rng_at(2, RNG_PROBE, 0, 0, 0);
	enum { N = 7, DRAWS = 70000 };
	int seen[N] = { 0 };
	double chi2 = 0;

	(void)state;
	for (int i = 0; i < DRAWS; i++)
		seen[rng_below(&r, N)]++;
	for (int i = 0; i < N; i++)
		chi2 += (seen[i] - DRAWS / (double)N) * (seen[i] - DRAWS / (double)N) /
			(DRAWS / (double)N);
	assert_true(chi2 < 22.5); /* 6 degrees of freedom: exceeded once in a thousand */
}

static void permutation_holds_each_once(void **state)
{
	struct rng r = rng_at(3, RNG_ORDER, 0, 0, 0);
	uint32_t p[33], first[33] = { 0 };

	(void)state;
	for (int round = 0; round < 3300; round++) {
		int seen[33] = { 0 };

		rng_permutation(&r, p, 33);
		for (int i = 0; i < 33; i++)
			seen[p[i]]++;
		for (int i = 0; i < 33; i++)
			assert_int_equal(seen[i], 1);
		first[p[0]]++;
	}
	for (int i = 0; i < 33; i++)
		assert_in_range(first[i], 50, 150); /* 100 expected, deviation 10 */
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(published_vectors),
	cmocka_unit_test(a_place_gives_the_same_numbers),
	cmocka_unit_test(seeds_and_purposes_are_streams_apart),
	cmocka_unit_test(uniform_has_its_moments),
	cmocka_unit_test(normals_are_those_of_the_formula),
	cmocka_unit_test(many_normals_are_those_of_single_draws),
	cmocka_unit_test(below_is_even_and_in_range),
	cmocka_unit_test(permutation_holds_each_once),
};
TEST_MAIN(cases)
