#include "train/dump_reason.h"

#include <stdio.h>
#include <string.h>

#include <hdf5.h>

void dump_quiet(void)
{
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* HDF5's words for a failed system call hold addresses and times; only the system's own message is
 * of use. */
static void shorten(char reason[DUMP_REASON_MAX])
{
	static const char mark[] = "error message = '";
	char *start = strstr(reason, mark), *end;

	if (!start)
		return;
	start += sizeof mark - 1;
	end = strchr(start, '\'');
	if (!end)
		return;
	*end = 0;
	memmove(reason, start, strlen(start) + 1);
}

static herr_t keep_innermost(unsigned n, const H5E_error2_t *error, void *arg)
{
	if (n == 0 && error->desc)
		snprintf(arg, DUMP_REASON_MAX, "%s", error->desc);
	return 0;
}

const char *dump_reason(char reason[DUMP_REASON_MAX])
{
	snprintf(reason, DUMP_REASON_MAX, "HDF5 gives no reason");
	H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason);
	shorten(reason);
	return reason;
}
