#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stddef.h>
#include <stdio.h>

/* A curve as text. */

struct plot_point {
	double x, y; /* a y that is not finite is left out */
};

struct plot_form {
	int columns, rows; /* of the whole, axes included; at least 24 x 4 */
	int braille;       /* 1: braille dots and lines in UTF-8; 0: ASCII */
	const char *x_name;
	const char *colour, *plain; /* terminal codes before and after the curve, or "" */
};

/* Draw the points, whose x ascend but for repeats.  Each column of dots is the mean of its points;
 * neighbours are joined, so that a jump is a line upwards.  Axes bear the numbers of their ends and
 * middle. Without two points that differ in x a line says so. */
void plot_draw(
	FILE *f, const struct plot_point *points, size_t count, const struct plot_form *form);

#endif
