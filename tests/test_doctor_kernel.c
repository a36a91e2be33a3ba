/* What the doctor reads of the kernel, from files that are made up. */
#include "test.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/doctor_kernel.h"

static const uint64_t MB = 1 << 20;

/* A file below a fresh root for each test, with the folders that it needs. */
static void put(const char *root, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", root, name), *folder = xstrdup(path), err[ERR_MAX];

	*strrchr(folder, '/') = 0;
	assert_int_equal(file_make_folder(folder, err), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), err), 0);
	xfree(folder);
	xfree(path);
}

static const char *fresh_root(const char *name, const char *groups)
{
	const char *root = test_path(test_folder(), name);

	put(root, "proc/meminfo",
		"MemTotal:  1024000 kB\nMemFree:  1 kB\nMemAvailable:  512000 kB\n");
	put(root, "proc/self/cgroup", groups);
	return root;
}

static void assert_memory(const char *root, uint64_t memory, uint64_t available)
{
	uint64_t got, left;

	kernel_memory(&got, &left, root);
	assert_int_equal(got, memory);
	assert_int_equal(left, available);
}

static void a_line_is_found_by_its_beginning(void **state)
{
	const char *root = fresh_root("line", "");
	char text[8] = "as is", *path = xasprintf("%s/proc/meminfo", root);

	(void)state;
	assert_int_equal(kernel_line(text, sizeof text, path, "Free:"), 0);
	assert_int_equal(kernel_line(text, sizeof text, "/none", ""), 0);
	assert_string_equal(text, "as is");
	assert_int_equal(kernel_line(text, sizeof text, path, "MemFree:"), 1);
	assert_string_equal(text, "  1 kB");
	xfree(path);
}

static void without_groups_memory_is_the_hosts(void **state)
{
	(void)state;
	assert_memory(fresh_root("host", ""), 1000 * MB, 500 * MB);
	assert_memory(fresh_root("free", "0::/user\n"), 1000 * MB, 500 * MB);
}

/* The narrowest group above counts, and pages of files that were read are free. */
static void version_2_limits(void **state)
{
	const char *root = fresh_root("two", "0::/slurm/job_7/step_0\n");

	(void)state;
	put(root, "sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
	put(root, "sys/fs/cgroup/slurm/job_7/memory.max", "314572800\n");     /* 300 MB */
	put(root, "sys/fs/cgroup/slurm/job_7/memory.current", "209715200\n"); /* 200 MB */
	put(root, "sys/fs/cgroup/slurm/memory.max", "419430400\n");
	assert_memory(root, 300 * MB, 100 * MB);
	put(root, "sys/fs/cgroup/slurm/job_7/memory.stat",
		"anon 5\nfile 157286400\ninactive_file 104857600\n");
	assert_memory(root, 300 * MB, 200 * MB);
	put(root, "sys/fs/cgroup/slurm/job_7/memory.current", "524288000\n");
	assert_memory(root, 300 * MB, 0);
}

static void version_1_limits(void **state)
{
	const char *root = fresh_root(
		"one", "5:cpuset:/slurm/job_7\n4:memory:/slurm/job_7\n1:name=systemd:/\n0::/\n");

	(void)state;
	put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	assert_memory(root, 1000 * MB, 500 * MB);
	put(root, "sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes", "314572800\n");
	put(root, "sys/fs/cgroup/memory/slurm/job_7/memory.usage_in_bytes", "209715200\n");
	put(root, "sys/fs/cgroup/memory/slurm/job_7/memory.stat",
		"inactive_file 1\ntotal_inactive_file 52428800\n");
	assert_memory(root, 300 * MB, 150 * MB);
}

/* A container sees its own group as the root, under the name that it has outside. */
static void the_root_of_a_container_limits(void **state)
{
	const char *root = fresh_root("container", "4:memory:/docker/0123\n");

	(void)state;
	put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n");
	assert_memory(root, 100 * MB, 100 * MB);
}

static void hyperthreads_are_siblings(void **state)
{
	const char *root = fresh_root("cores", "");
	cpu_set_t cores, siblings, right;

	(void)state;
	put(root, "sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,33\n");
	put(root, "sys/devices/system/cpu/cpu4/topology/thread_siblings_list", "4-5\n");
	CPU_ZERO(&cores);
	CPU_SET(1, &cores);
	CPU_SET(4, &cores);
	CPU_SET(9, &cores); /* of which nothing is told */
	kernel_siblings(&siblings, &cores, root);
	right = cores;
	CPU_SET(33, &right);
	CPU_SET(5, &right);
	assert_true(CPU_EQUAL(&siblings, &right));
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_line_is_found_by_its_beginning),
	cmocka_unit_test(without_groups_memory_is_the_hosts),
	cmocka_unit_test(version_2_limits),
	cmocka_unit_test(version_1_limits),
	cmocka_unit_test(the_root_of_a_container_limits),
	cmocka_unit_test(hyperthreads_are_siblings),
};
TEST_MAIN(cases)
