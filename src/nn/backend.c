/* backend.c - which back ends this build has. */
#include "nn/backend.h"

#include <stdio.h>
#include <string.h>

#include "autoconfig.h"
#include "base/die.h"

static const struct backend *const backends[] = {
	&backend_cpu,
#ifdef HAVE_CUDA
	&backend_cuda,
#endif
};

/* Those that this build may lack, and how to get them. */
static const struct {
	const char *name, *how;
} optional[] = {
	{ "cuda",
		"configure --with-cuda=DIR, DIR being where the CUDA toolkit is, with cuDNN and "
		"NCCL; its output says what it misses" },
};

enum {
	COUNT = sizeof backends / sizeof *backends,
	OPTIONAL = sizeof optional / sizeof *optional,
};

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
	for (size_t i = 0; i < OPTIONAL; i++)
		if (strcmp(optional[i].name, name) == 0) {
			fail(err,
				"device: '%s' is not built into this program, which has: %s; to "
				"build it: %s",
				name, known, optional[i].how);
			return NULL;
		}
	fail(err, "device: '%s' is not built into this program, which has: %s", name, known);
	return NULL;
}
