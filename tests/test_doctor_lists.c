/* Lists of cores and hosts, as the doctor writes and reads them. */
#include "test.h"

#include <string.h>

#include "cli/doctor_lists.h"

static void add_cores(cpu_set_t *set, int from, int to)
{
	for (int i = from; i <= to; i++)
		CPU_SET((size_t)i, set);
}

static void cores_are_ranges(void **state)
{
	cpu_set_t set;
	char text[64];

	(void)state;
	CPU_ZERO(&set);
	list_cores(text, sizeof text, &set);
	assert_string_equal(text, "none");
	add_cores(&set, 8, 8);
	list_cores(text, sizeof text, &set);
	assert_string_equal(text, "8");
	add_cores(&set, 0, 3);
	add_cores(&set, 1022, 1023);
	list_cores(text, sizeof text, &set);
	assert_string_equal(text, "0-3,8,1022-1023");
}

static void listed_cores_are_read_back(void **state)
{
	cpu_set_t set;
	char text[64];

	(void)state;
	CPU_ZERO(&set);
	add_listed_cores(&set, "0-3,8,1022-5000");
	add_listed_cores(&set, "6,nonsense,9");
	add_listed_cores(&set, "");
	list_cores(text, sizeof text, &set);
	assert_string_equal(text, "0-3,6,8,1022-1023");
}

static void what_does_not_fit_ends_in_dots(void **state)
{
	cpu_set_t set;
	char text[12];

	(void)state;
	CPU_ZERO(&set);
	for (int i = 0; i < 20; i += 2)
		add_cores(&set, i, i);
	list_cores(text, sizeof text, &set);
	assert_int_equal(strlen(text), sizeof text - 1);
	assert_string_equal(text + strlen(text) - 3, "...");
}

static void hosts_share_brackets(void **state)
{
	static const struct {
		const char *hosts[6];
		const char *text;
	} lists[] = {
		{ { "n1" }, "n1" },
		{ { "n1", "n2", "n3", "n7" }, "n[1-3,7]" },
		{ { "n01", "n02", "n10" }, "n[01-02,10]" },
		{ { "n9", "n10", "n11" }, "n[9-11]" },
		{ { "n09", "n10", "n100" }, "n[09-10],n100" },
		{ { "login", "gpu1", "gpu2", "cpu3" }, "login,gpu[1-2],cpu3" },
		{ { "a", "b" }, "a,b" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		int count = 0;

		while (count < 6 && lists[i].hosts[count])
			count++;
		list_hosts(text, sizeof text, lists[i].hosts, count);
		assert_string_equal(text, lists[i].text);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(cores_are_ranges),
	cmocka_unit_test(listed_cores_are_read_back),
	cmocka_unit_test(what_does_not_fit_ends_in_dots),
	cmocka_unit_test(hosts_share_brackets),
};
TEST_MAIN(cases)
