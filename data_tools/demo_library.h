#ifndef DATA_TOOLS_DEMO_LIBRARY_H
#define DATA_TOOLS_DEMO_LIBRARY_H

#include <stdint.h>

#include "data/image.h"
#include "demo_list.h"

/* The photographs of the demo data in memory, reduced: pixels that images of this size cannot show
 * are dropped. */

struct cutout {
	int width, height;
	uint8_t *rgba; /* cut to what is not transparent */
};

struct demo_library {
	const struct demo_lists *lists; /* the caller's */
	struct cutout *cutouts[DEMO_SIDES];
	struct image *photos[DEMO_SIDES];
};

/* Load everything for images of size pixels a side, with so many threads.  err names a file that
 * cannot be used and why. */
int demo_library_open(struct demo_library *lib, const struct demo_lists *lists, int size,
	int threads, char err[ERR_MAX]);
void demo_library_close(struct demo_library *lib);

#endif
