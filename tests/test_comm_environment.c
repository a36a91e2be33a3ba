/* Which rank this is, and whether all share a host, by what launchers put into the environment. */
#include "test.h"

#include <stdlib.h>

#include "comm/comm_ops.h"

static const char *const names[] = { "RELIQUARY_RANK", "RELIQUARY_RANKS", "RELIQUARY_LOCAL_RANK",
	"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
	"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
	"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE", "PMI_RANK",
	"PMI_SIZE", "MPI_LOCALRANKID", "PMIX_RANK" };

enum { NAMES = sizeof names / sizeof *names };

/* Exactly these variables, as names and values in turn. */
static void environment_is(const char *const *pairs)
{
	for (int i = 0; i < NAMES; i++)
		unsetenv(names[i]);
	for (; *pairs; pairs += 2)
		setenv(pairs[0], pairs[1], 1);
}
#define ENVIRONMENT(...) environment_is((const char *const[]){ __VA_ARGS__, NULL })

static void check_place(int rank, int size, int local_rank)
{
	char err[ERR_MAX];
	struct comm_place place;

	assert_int_equal(comm_environment(&place, err), 0);
	assert_int_equal(place.rank, rank);
	assert_int_equal(place.size, size);
	assert_int_equal(place.local_rank, local_rank);
}

static void a_rank_without_launcher_is_alone(void **state)
{
	(void)state;
	ENVIRONMENT(NULL);
	assert_int_equal(comm_environment_one_host(), 1);
	ENVIRONMENT("PMIX_RANK", "0"); /* of a launcher that says no more */
	assert_int_equal(comm_environment_one_host(), 0);
}

static void mpirun_tells(void **state)
{
	(void)state;
	ENVIRONMENT("OMPI_COMM_WORLD_RANK", "3", "OMPI_COMM_WORLD_SIZE", "4",
		"OMPI_COMM_WORLD_LOCAL_RANK", "3", "OMPI_COMM_WORLD_LOCAL_SIZE", "4");
	check_place(3, 4, 3);
	assert_int_equal(comm_environment_one_host(), 1);
	ENVIRONMENT("OMPI_COMM_WORLD_RANK", "3", "OMPI_COMM_WORLD_SIZE", "4",
		"OMPI_COMM_WORLD_LOCAL_RANK", "1", "OMPI_COMM_WORLD_LOCAL_SIZE", "2");
	check_place(3, 4, 1);
	assert_int_equal(comm_environment_one_host(), 0);
}

static void srun_tells(void **state)
{
	(void)state;
	ENVIRONMENT("SLURM_PROCID", "1", "SLURM_NTASKS", "4", "SLURM_LOCALID", "1",
		"SLURM_STEP_TASKS_PER_NODE", "4");
	check_place(1, 4, 1);
	assert_int_equal(comm_environment_one_host(), 1);
	ENVIRONMENT("SLURM_PROCID", "1", "SLURM_NTASKS", "4", "SLURM_LOCALID", "1",
		"SLURM_STEP_TASKS_PER_NODE", "2(x2)");
	assert_int_equal(comm_environment_one_host(), 0);
	ENVIRONMENT("SLURM_PROCID", "1", "SLURM_NTASKS", "4"); /* not said: another Slurm */
	check_place(1, 4, -1);
	assert_int_equal(comm_environment_one_host(), 0);
}

static void what_is_no_number_is_told(void **state)
{
	char err[ERR_MAX];
	struct comm_place place;

	(void)state;
	ENVIRONMENT("RANK", "2", "WORLD_SIZE", "2");
	assert_int_equal(comm_environment(&place, err), -1);
	assert_says(err, "RANK=2");
	ENVIRONMENT("RANK", "0");
	assert_int_equal(comm_environment(&place, err), -1);
	assert_says(err, "WORLD_SIZE");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_rank_without_launcher_is_alone),
	cmocka_unit_test(mpirun_tells),
	cmocka_unit_test(srun_tells),
	cmocka_unit_test(what_is_no_number_is_told),
};

TEST_MAIN(cases)
