#ifndef DATA_TOOLS_DEMO_SCENE_H
#define DATA_TOOLS_DEMO_SCENE_H

#include <stdint.h>

#include "demo_library.h"
#include "resample.h"

/* One image of the demo data: an object on a background. */

enum demo_split { DEMO_TRAIN, DEMO_TEST, DEMO_TEST_OBJECTS, DEMO_SPLITS };

extern const struct demo_split_kind {
	const char *name;
	enum demo_side objects, backgrounds; /* which photographs it is made of */
} demo_splits[DEMO_SPLITS];

struct demo_look {
	uint64_t seed;
	int size;                    /* pixels a side */
	double scale_min, scale_max; /* long side of the object, in sides of the image */
};

/* The numbers of one image, no pixels: a function of (look, split, index) and of the photographs'
 * sizes. */
struct demo_scene {
	int class, object, background; /* object and background: of the split's side */
	struct window crop;            /* of the background */
	int background_flip;
	struct pose pose; /* of the object */
};
void demo_scene_draw(struct demo_scene *s, const struct demo_library *lib,
	const struct demo_look *look, enum demo_split split, uint32_t index);

/* rgb (size, size, 3) and mask (size, size): 255 where the object's alpha is more than one half,
 * else 0. */
void demo_scene_paint(uint8_t *rgb, uint8_t *mask, const struct demo_library *lib,
	const struct demo_scene *s, enum demo_split split, int size);

#endif
