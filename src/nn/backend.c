/* backend.c - which back ends this build has. */
#include "nn/backend.h"

#include <stdio.h>
#include <string.h>

#include "base/die.h"

static const struct backend *const backends[] = {
	&backend_cpu,
};

enum { COUNT = sizeof backends / sizeof *backends };

const struct backend *backend_find(const char *name, char *err)
{
	char known[ERR_MAX / 2] = "";
	size_t used = 0;

	for (size_t i = 0; i < COUNT; i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
		used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
			i > 0 ? ", " : "", backends[i]->name);
	}
	fail(err, "device: '%s' is not built into this program, which has: %s", name, known);
	return NULL;
}
