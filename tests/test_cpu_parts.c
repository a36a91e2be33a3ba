/* The parts of an operation on CPU threads: each is taken once, and a thread's own come first. */
#include "test.h"

#include <omp.h>

#include "cpu.h"

enum { MOST = 100, THREADS = 4 };

static struct cpu *open_threads(int threads)
{
	const struct device_options options = { .threads = threads };
	char err[ERR_MAX];
	struct device *dev = backend_cpu.open(&options, err);

	assert_non_null(dev);
	return cpu_of(dev);
}

static void each_is_taken_once(void **state)
{
	(void)state;
	for (int threads = 1; threads <= THREADS; threads++) {
		struct cpu *cpu = open_threads(threads);

		for (size_t n = 0; n <= MOST; n += n < 9 ? 1 : 13) {
			int taken[MOST + 1] = { 0 };

			cpu_turn(cpu);
#pragma omp parallel num_threads(threads)
			for (size_t i; (i = cpu_next(cpu, n)) < n;) {
#pragma omp atomic
				taken[i]++;
			}
			for (size_t i = 0; i <= MOST; i++)
				assert_int_equal(taken[i], i < n);
		}
		backend_cpu.close(&cpu->device);
	}
}

/* One thread alone, as in operations too small for all: its own parts, then those of the next. */
static void one_takes_all_in_order(void **state)
{
	const size_t forwards[] = { 0, 1, 2, 3, 4 }, backwards[] = { 1, 0, 4, 3, 2 };
	struct cpu *cpu = open_threads(2);

	(void)state;
	cpu_go_forwards(cpu);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(cpu_next(cpu, 5), forwards[i]);
	assert_int_equal(cpu_next(cpu, 5), 5);
	assert_int_equal(cpu_next(cpu, 5), 5);
	cpu_turn(cpu);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(cpu_next(cpu, 5), backwards[i]);
	assert_int_equal(cpu_next(cpu, 5), 5);
	cpu_turn(cpu);
	assert_int_equal(cpu_next(cpu, 5), 0);
	backend_cpu.close(&cpu->device);
}

/* Threads that all take at the same pace take their own, whichever way they go. */
static void own_parts_come_first(void **state)
{
	struct cpu *cpu = open_threads(THREADS);

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		size_t first[THREADS] = { 0 };
		int threads = 1;

		cpu_turn(cpu);
#pragma omp parallel num_threads(THREADS)
		{
			first[omp_get_thread_num()] = cpu_next(cpu, 3 * THREADS);
#pragma omp single
			threads = omp_get_num_threads();
		}
		for (int t = 0; t < threads; t++)
			assert_int_equal(first[t] / 3, t);
		assert_int_equal(first[0], cpu->backwards ? 2 : 0);
	}
	backend_cpu.close(&cpu->device);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(each_is_taken_once),
	cmocka_unit_test(one_takes_all_in_order),
	cmocka_unit_test(own_parts_come_first),
};
TEST_MAIN(cases)
