/* view_fixture.c - pictures, and the views of them as values. */
#include "test.h"

#include "view_fixture.h"

#include <math.h>

#include "base/memory.h"
#include "base/rng.h"
#include "kernel.h"
#include "view_reference.h"

/* Smooth colours with noise and hard edges, and a mask of a disc; the seed decides all. */
struct image picture(int w, int h, uint32_t seed)
{
	struct rng r = rng_at(seed, RNG_PROBE, 1, 2, 3);
	struct image im = { .width = w,
		.height = h,
		.rgb = xmalloc((size_t)w * h * 3),
		.mask = xcalloc((size_t)(w + 7) / 8 * h, 1),
		.foreground = 0.5f };
	double fx = rng_between(&r, 2, 12), fy = rng_between(&r, 2, 12);

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			for (int c = 0; c < 3; c++) {
				double v = 128 + 90 * sin(x / fx + c) * cos(y / fy - c) +
					40 * (rng_uniform(&r) - 0.5);

				if (x % 29 == 7 || y % 31 == 5)
					v = (uint32_t)c == seed % 3 ? 255 : 0;
				im.rgb[((size_t)y * w + x) * 3 + c] =
					(uint8_t)fmin(fmax(v, 0), 255);
			}
			if (hypot(x - w / 2.0, y - h / 2.0) < fmin(w, h) / 2.5)
				im.mask[(size_t)y * ((w + 7) / 8) + x / 8] |= 0x80 >> x % 8;
		}
	return im;
}

void picture_free(struct image *im)
{
	xfree(im->rgb);
	xfree(im->mask);
}

/* The whole image and nothing else done. */
struct view_params view_whole(const struct image *im, int size)
{
	return (struct view_params){ .size = size,
		.w = im->width,
		.h = im->height,
		.order = { 0, 1, 2, 3 },
		.contrast = 1,
		.saturation = 1 };
}

void views_of(struct device *dev, float *out, const struct image *images, int n,
	const struct view_params *params, int views, int naive)
{
	dev->be->images(dev, 0, images, n);
	dev->be->views(dev, out, 0, params, views, naive);
}

/* One view, normalisation undone. */
float *view_values(const struct image *im, const struct view_params *p, int naive)
{
	const double mean[3] = { 0.485, 0.456, 0.406 }, deviation[3] = { 0.229, 0.224, 0.225 };
	size_t n = (size_t)p->size * p->size * 3;
	float *out = xaligned(n * sizeof *out);
	struct device *dev;

	dev = device_open(1);
	views_of(dev, out, im, 1, p, 1, naive);
	device_close(dev);
	for (size_t i = 0; i < n; i++)
		out[i] = (float)(out[i] * deviation[i % 3] + mean[i % 3]);
	return out;
}

/* The largest difference; NaN counts as infinite. */
double values_worst(const float *a, const double *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs(a[i] - b[i]);

		if (!(d <= most))
			most = isnan(d) ? INFINITY : d;
	}
	return most;
}

/* Both paths against the reference. */
void view_check(const struct image *im, const struct view_params *p, double tolerance)
{
	size_t n = (size_t)p->size * p->size * 3;
	double *expected = xmalloc(n * sizeof *expected);

	reference_view(expected, im, p);
	for (int naive = 0; naive < 2; naive++) {
		float *x = view_values(im, p, naive);

		assert_close(values_worst(x, expected, n), 0, tolerance);
		xfree(x);
	}
	xfree(expected);
}
