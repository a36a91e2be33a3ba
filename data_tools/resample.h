#ifndef DATA_TOOLS_RESAMPLE_H
#define DATA_TOOLS_RESAMPLE_H

#include <stdint.h>

/* Pictures at other sizes and angles, for tools that make pictures (the network's views have an
 * operation of their own).  Keys' cubic of a = -1/2, widened when the picture shrinks, so that
 * every source pixel counts (antialiasing). */

/* A rectangle of a picture in pixels, between pixel edges: the whole picture is (0, 0, width,
 * height). */
struct window {
	double x, y, width, height;
};

/* out (height, width, 3) = the window of rgb (rgb_height, rgb_width, 3); taps outside the picture
 * do not count. */
struct resample {
	int width, height;         /* of out */
	int rgb_width, rgb_height; /* of the picture */
	struct window window;
};
void resample_window(uint8_t *out, const uint8_t *rgb, const struct resample *r);

enum { RESAMPLE_SHRINK_MAX = 100 };

/* How a cut-out lies on a canvas. */
struct pose {
	double x, y;  /* of its centre on the canvas, pixels */
	double scale; /* canvas pixels per pixel of the cut-out */
	double angle; /* radians, clockwise as y points down */
	int flip;     /* mirrored left to right before it is turned */
};

/* out (size, size, 4), values 0..1, colours multiplied by alpha = the cut-out (height, width, 4) of
 * the same kind, transparent outside its edges; scale is at least 1/RESAMPLE_SHRINK_MAX. Colours
 * never exceed alpha, so nothing glows at an edge. */
void resample_pose(
	float *out, int size, const float *cutout, int width, int height, const struct pose *pose);

#endif
