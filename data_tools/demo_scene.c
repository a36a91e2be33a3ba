/* demo_scene.c - classes and objects take turns, so that each is as frequent as any other of its
 * kind; all the rest is drawn at random. */
#include "demo_scene.h"

#include <math.h>

#include "base/memory.h"
#include "base/rng.h"

const struct demo_split_kind demo_splits[DEMO_SPLITS] = {
	{ "train", DEMO_SHOWN, DEMO_SHOWN },
	{ "test", DEMO_SHOWN, DEMO_HELD_OUT },
	{ "test-objects", DEMO_HELD_OUT, DEMO_HELD_OUT },
};

static const double angle_max = 3.14159265358979323846 / 6;

/* A crop's side as a share of the photograph's short side: large enough to show something, small
 * enough that no two images need look alike. */
static const double crop_min = 0.2, crop_max = 0.7;

static double between(struct rng *r, double lo, double hi)
{
	return lo + (hi - lo) * (double)rng_uniform(r);
}

/* Object number turn of the class, round and round. */
static int take_turn(const struct demo_lists *l, enum demo_side side, int class, uint32_t turn)
{
	const struct demo_object *o = l->objects[side];
	int first = 0, count = 0;

	while (o[first].class != class)
		first++;
	while (first + count < l->object_count[side] && o[first + count].class == class)
		count++;
	return first + (int)(turn % (uint32_t)count);
}

static void draw_crop(struct window *w, struct rng *r, const struct image *photo, int size)
{
	int shortest = photo->width < photo->height ? photo->width : photo->height;
	double side = between(r, crop_min, crop_max) * shortest;

	/* enlarging would give the background a blur of its own */
	side = side < size ? size : side;
	side = side > shortest ? shortest : side;
	w->width = w->height = side;
	w->x = between(r, 0, photo->width - side);
	w->y = between(r, 0, photo->height - side);
}

/* Anywhere inside the image; a turned object that is too wide for it fills it and loses a corner.
 */
static void draw_pose(
	struct pose *p, struct rng *r, const struct cutout *c, const struct demo_look *look)
{
	double longest = c->width > c->height ? c->width : c->height, width, height;

	p->scale = between(r, look->scale_min, look->scale_max) * look->size / longest;
	p->angle = between(r, -angle_max, angle_max);
	p->flip = rng_below(r, 2) == 1;
	width = p->scale * (c->width * cos(p->angle) + c->height * fabs(sin(p->angle)));
	height = p->scale * (c->height * cos(p->angle) + c->width * fabs(sin(p->angle)));
	p->x = width / 2 + between(r, 0, look->size - width);
	p->y = height / 2 + between(r, 0, look->size - height);
}

void demo_scene_draw(struct demo_scene *s, const struct demo_library *lib,
	const struct demo_look *look, enum demo_split split, uint32_t index)
{
	const struct demo_split_kind *kind = &demo_splits[split];
	const struct demo_lists *l = lib->lists;
	struct rng r = rng_at(look->seed, RNG_DEMO, (uint32_t)split, index, 0);

	s->class = (int)(index % (uint32_t)l->class_count);
	s->object = take_turn(l, kind->objects, s->class, index / (uint32_t)l->class_count);
	s->background = (int)rng_below(&r, (uint32_t)l->background_count[kind->backgrounds]);
	s->background_flip = rng_below(&r, 2) == 1;
	draw_crop(&s->crop, &r, &lib->photos[kind->backgrounds][s->background], look->size);
	draw_pose(&s->pose, &r, &lib->cutouts[kind->objects][s->object], look);
}

/* Straight 8-bit RGBA to 0..1 with the colours multiplied by alpha. */
static float *premultiply(const struct cutout *c)
{
	size_t count = (size_t)c->width * (size_t)c->height;
	float *out = xmalloc(count * 4 * sizeof *out);

	for (size_t i = 0; i < count; i++) {
		const uint8_t *in = c->rgba + i * 4;
		float alpha = (float)in[3] / 255;

		for (int k = 0; k < 3; k++)
			out[i * 4 + (size_t)k] = (float)in[k] / 255 * alpha;
		out[i * 4 + 3] = alpha;
	}
	return out;
}

static void mirror(uint8_t *rgb, int size)
{
	for (int y = 0; y < size; y++, rgb += (size_t)size * 3)
		for (int x = 0; x < size / 2; x++)
			for (int k = 0; k < 3; k++) {
				uint8_t *left = rgb + (size_t)x * 3 + k,
					*right = rgb + (size_t)(size - 1 - x) * 3 + k;
				uint8_t kept = *left;

				*left = *right;
				*right = kept;
			}
}

static void lay_over(uint8_t *rgb, uint8_t *mask, const float *layer, int size)
{
	for (int i = 0; i < size * size; i++, rgb += 3, layer += 4) {
		for (int k = 0; k < 3; k++)
			rgb[k] = (uint8_t)(255 * layer[k] + (1 - layer[3]) * (float)rgb[k] + 0.5f);
		mask[i] = layer[3] > 0.5f ? 255 : 0;
	}
}

void demo_scene_paint(uint8_t *rgb, uint8_t *mask, const struct demo_library *lib,
	const struct demo_scene *s, enum demo_split split, int size)
{
	const struct demo_split_kind *kind = &demo_splits[split];
	const struct image *photo = &lib->photos[kind->backgrounds][s->background];
	const struct cutout *cutout = &lib->cutouts[kind->objects][s->object];
	const struct resample crop = { size, size, photo->width, photo->height, s->crop };
	float *object = premultiply(cutout),
	      *layer = xmalloc((size_t)size * (size_t)size * 4 * sizeof *layer);

	resample_window(rgb, photo->rgb, &crop);
	if (s->background_flip)
		mirror(rgb, size);
	resample_pose(layer, size, object, cutout->width, cutout->height, &s->pose);
	lay_over(rgb, mask, layer, size);
	xfree(object);
	xfree(layer);
}
