#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

double clock_process_age(void)
{
	enum { FIELDS_BEFORE = 19 }; /* of proc_pid_stat(5), from behind the name to the start */
	unsigned long long ticks = 0;
	char text[1024] = "", *p;
	FILE *f = fopen("/proc/self/stat", "r");
	struct timespec t;
	size_t n;

	if (!f)
		return -1;
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	p = strrchr(text, ')'); /* the name may hold blanks and brackets */
	for (int i = 0; p && i <= FIELDS_BEFORE; i++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &ticks) != 1)
		return -1;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec -
		(double)ticks / (double)sysconf(_SC_CLK_TCK);
}
