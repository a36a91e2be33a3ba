/* The doctor's verdicts on ranks that are made up. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_verdicts.h"

static void add_cores(cpu_set_t *set, int from, int to)
{
	for (int i = from; i <= to; i++)
		CPU_SET((size_t)i, set);
}

enum { RANKS = 4, CORES = 8 };

/* What is said of ranks, and how it is counted. */
struct hearing {
	struct doctor_rank ranks[RANKS];
	struct doctor_ranks all;
	struct verdicts v;
	char *said;
	size_t length;
};

/* So many ranks on one host of CORES cores, none bound, each with its share of threads. */
static void begin(struct hearing *h, int ranks)
{
	memset(h, 0, sizeof *h);
	for (int i = 0; i < ranks; i++) {
		struct doctor_rank *r = &h->ranks[i];

		strcpy(r->host, "n1");
		r->rank = r->local_rank = i;
		r->online = CORES;
		r->threads = CORES / ranks;
		r->open_files = 1024;
		r->locked = UINT64_MAX;
		r->memory = 10000;
		r->available = 5000;
		add_cores(&r->cores, 0, CORES - 1);
	}
	h->all = (struct doctor_ranks){ h->ranks, ranks };
	h->v.out = open_memstream(&h->said, &h->length);
}

static void bind(struct doctor_rank *r, int from, int to)
{
	CPU_ZERO(&r->cores);
	add_cores(&r->cores, from, to);
	r->threads = to - from + 1;
}

static void end(struct hearing *h, int errors, int warnings, const char *word)
{
	fclose(h->v.out);
	assert_int_equal(h->v.errors, errors);
	assert_int_equal(h->v.warnings, warnings);
	assert_says(h->said, word);
	free(h->said);
}

static void ranks_apart_are_fine(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 2);
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 0, "");
	begin(&h, 2);
	bind(&h.ranks[0], 0, 3);
	bind(&h.ranks[1], 4, 7);
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 0, "");
}

static void ranks_on_one_core_are_an_error(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 4);
	for (int i = 0; i < 4; i++)
		bind(&h.ranks[i], i % 2, i % 2);
	verdicts_binding(&h.v, &h.all);
	end(&h, 1, 0, "ranks 0 and 2 are bound to the same cores (0 and 0 of 8)");
	begin(&h, 2);
	bind(&h.ranks[0], 0, 3);
	bind(&h.ranks[1], 3, 5);
	verdicts_binding(&h.v, &h.all);
	end(&h, 1, 0, "--cpu-bind=cores");
}

/* Cores 0 to 3 have their second hyperthreads at 4 to 7. */
static void hyperthreads_of_one_core_are_a_warning(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 2);
	bind(&h.ranks[0], 1, 1);
	bind(&h.ranks[1], 5, 5);
	for (int i = 0; i < 2; i++) {
		CPU_SET(1, &h.ranks[i].siblings);
		CPU_SET(5, &h.ranks[i].siblings);
	}
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 1, "hyperthreads of the same core (1 and 5 of 8)");
	begin(&h, 2);
	bind(&h.ranks[0], 1, 1);
	add_cores(&h.ranks[0].cores, 5, 5);
	h.ranks[0].siblings = h.ranks[0].cores;
	bind(&h.ranks[1], 2, 2);
	add_cores(&h.ranks[1].cores, 6, 6);
	h.ranks[1].siblings = h.ranks[1].cores;
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 0, "");
}

static void other_hosts_do_not_matter(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 2);
	bind(&h.ranks[0], 0, 0);
	bind(&h.ranks[1], 0, 0);
	strcpy(h.ranks[1].host, "n2");
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 0, "");
	begin(&h, 4);
	for (int i = 2; i < 4; i++) {
		bind(&h.ranks[i], 0, 0);
		strcpy(h.ranks[i].host, "n2");
	}
	verdicts_binding(&h.v, &h.all);
	end(&h, 1, 0, "n2: local ranks 2 and 3 are bound to the same cores");
}

static void a_jobs_share_of_a_host_is_a_warning(void **state)
{
	struct hearing h;

	(void)state;
	unsetenv("OMP_WAIT_POLICY");
	begin(&h, 2);
	bind(&h.ranks[0], 0, 3);
	bind(&h.ranks[1], 0, 3);
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 1, "8 threads in all on 4 cores: set --threads=2 and OMP_WAIT_POLICY");
	begin(&h, 2);
	h.ranks[0].threads = CORES;
	setenv("OMP_WAIT_POLICY", "passive", 1);
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 1, "set --threads=4, or");
}

static void threads_bound_by_openmp_are_a_warning(void **state)
{
	struct hearing h;

	(void)state;
	setenv("OMP_PROC_BIND", "true", 1);
	begin(&h, 2);
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 1, "OMP_PROC_BIND=true");
	begin(&h, 1);
	verdicts_binding(&h.v, &h.all);
	end(&h, 0, 0, "");
	unsetenv("OMP_PROC_BIND");
}

static void one_card_for_two_is_an_error(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 2);
	strcpy(h.ranks[0].device.place, "0000:01:00.0");
	strcpy(h.ranks[1].device.place, "0000:02:00.0");
	verdicts_devices(&h.v, &h.all);
	end(&h, 0, 0, "");
	begin(&h, 2);
	strcpy(h.ranks[0].device.place, "0000:01:00.0");
	strcpy(h.ranks[1].device.place, "0000:01:00.0");
	verdicts_devices(&h.v, &h.all);
	end(&h, 1, 0, "ranks 0 and 1 have the same GPU");
	begin(&h, 2);
	strcpy(h.ranks[0].device.place, "0000:01:00.0");
	strcpy(h.ranks[1].device.place, "0000:01:00.0");
	strcpy(h.ranks[1].host, "n2");
	verdicts_devices(&h.v, &h.all);
	end(&h, 0, 0, "");
}

static void hosts_with_one_fault_share_a_line(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 4);
	for (int i = 1; i < 4; i++) {
		snprintf(h.ranks[i].host, sizeof h.ranks[i].host, "n%d", i + 1);
		strcpy(h.ranks[i].device_error, i < 3 ? "no driver" : "no memory");
	}
	verdicts_devices(&h.v, &h.all);
	end(&h, 2, 0, "error: n[2-3]: no driver\nerror: n4: no memory\n");
}

static void hosts_with_one_binding_share_a_line(void **state)
{
	struct hearing h;

	(void)state;
	setenv("OMP_WAIT_POLICY", "passive", 1);
	begin(&h, 4);
	for (int i = 0; i < 4; i++) {
		snprintf(h.ranks[i].host, sizeof h.ranks[i].host, "n%d", 1 + i / 2);
		h.ranks[i].local_rank = i % 2;
		bind(&h.ranks[i], 3, 3);
	}
	verdicts_binding(&h.v, &h.all);
	end(&h, 1, 0,
		"error: n[1-2]: local ranks 0 and 1 are bound to the same cores (3 and 3 of 8)");
	begin(&h, 4);
	for (int i = 0; i < 4; i++) {
		snprintf(h.ranks[i].host, sizeof h.ranks[i].host, "n%d", 1 + i);
		h.ranks[i].locked = i == 2 ? UINT64_MAX : 8 << 20;
	}
	verdicts_limits(&h.v, &h.all);
	end(&h, 0, 1, "warning: n[1-2,4]: a process may lock 8 MB");
}

static void limits_are_compared(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 1);
	h.ranks[0].shards = 1024 - 64;
	verdicts_limits(&h.v, &h.all);
	end(&h, 0, 0, "");
	begin(&h, 1);
	h.ranks[0].shards = 1024 - 63;
	verdicts_limits(&h.v, &h.all);
	end(&h, 1, 0, "ulimit -n 1025");
	begin(&h, 2);
	h.ranks[1].locked = 8 << 20;
	verdicts_limits(&h.v, &h.all);
	end(&h, 0, 0, "");
	begin(&h, 2);
	h.ranks[1].locked = 8 << 20;
	strcpy(h.ranks[1].host, "n2");
	verdicts_limits(&h.v, &h.all);
	end(&h, 0, 1, "n2: a process may lock 8 MB");
}

static void memory_is_that_of_all_ranks(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 2);
	verdicts_memory(&h.v, &h.all, 2500);
	end(&h, 0, 0, "");
	begin(&h, 2);
	verdicts_memory(&h.v, &h.all, 2501);
	end(&h, 0, 1, "free");
	begin(&h, 2);
	verdicts_memory(&h.v, &h.all, 5001);
	end(&h, 1, 0, "2 ranks would take");
}

static void launchers_and_mpi_agree(void **state)
{
	struct doctor_launch launch = { .launcher = "srun", .announced = 2, .step_tasks = 2 };
	struct hearing h;
	struct config c;
	char err[ERR_MAX];

	(void)state;
	config_default(&c);
	begin(&h, 2);
	verdicts_launch(&h.v, &h.all, &launch, &c);
	end(&h, 0, 0, "");
	begin(&h, 1);
	verdicts_launch(&h.v, &h.all, &launch, &c);
	end(&h, 1, 0, "started 2 ranks, but MPI found 1");
	launch.step_tasks = 0;
	begin(&h, 1);
	verdicts_launch(&h.v, &h.all, &launch, &c);
	end(&h, 0, 1, "srun did not start");
	assert_int_equal(doctor_launch_check(&launch, &c, err), 0);
	launch.step_tasks = 2;
	assert_int_equal(doctor_launch_check(&launch, &c, err), -1);
	assert_says(err, "--mpi=pmix");
	launch.pmi = 1;
	assert_int_equal(doctor_launch_check(&launch, &c, err), 0);
	config_free(&c);
}

static void sets_that_differ_are_an_error(void **state)
{
	struct hearing h;
	struct config c;

	(void)state;
	config_default(&c);
	begin(&h, 3);
	for (int i = 0; i < 3; i++) {
		snprintf(h.ranks[i].host, sizeof h.ranks[i].host, "n%d", i + 1);
		h.ranks[i].shards = 12;
		h.ranks[i].images = i == 2 ? 99 : 100;
	}
	verdicts_files(&h.v, &h.all, &c);
	end(&h, 1, 0, "100 images in 12 shards on n1, but 99 in 12 on n3");
	config_free(&c);
}

static void the_last_line_counts(void **state)
{
	struct hearing h;

	(void)state;
	begin(&h, 1);
	verdict_warning(&h.v, "a");
	verdicts_end(&h.v);
	end(&h, 0, 1, "warning: a\nA run would start: 1 warning\n");
	begin(&h, 1);
	verdict_error(&h.v, "%d", 7);
	verdict_error(&h.v, "b");
	verdict_warning(&h.v, "c");
	verdicts_end(&h.v);
	end(&h, 2, 1, "error: 7\nerror: b\nwarning: c\nA run would fail: 2 errors, 1 warning\n");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(ranks_apart_are_fine),
	cmocka_unit_test(ranks_on_one_core_are_an_error),
	cmocka_unit_test(hyperthreads_of_one_core_are_a_warning),
	cmocka_unit_test(other_hosts_do_not_matter),
	cmocka_unit_test(a_jobs_share_of_a_host_is_a_warning),
	cmocka_unit_test(threads_bound_by_openmp_are_a_warning),
	cmocka_unit_test(one_card_for_two_is_an_error),
	cmocka_unit_test(hosts_with_one_fault_share_a_line),
	cmocka_unit_test(hosts_with_one_binding_share_a_line),
	cmocka_unit_test(limits_are_compared),
	cmocka_unit_test(memory_is_that_of_all_ranks),
	cmocka_unit_test(launchers_and_mpi_agree),
	cmocka_unit_test(sets_that_differ_are_an_error),
	cmocka_unit_test(the_last_line_counts),
};
TEST_MAIN(cases)
