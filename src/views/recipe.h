#ifndef VIEWS_RECIPE_H
#define VIEWS_RECIPE_H

#include "base/config.h"

/* Table 16 of the paper as data: what may happen to each view.  Views are numbered 0..L-1 large,
 * L..L+S-1 small; the paper counts from 1, so its odd views (BYOL's second preset: little blur,
 * some solarising) are 0, 2, ... of each kind. */

struct view_recipe {
	int size;  /* pixels a side */
	int small; /* one of the small views */
	double area_min, area_max;
	double flip, jitter, grey, blur, solarise; /* probabilities */
	double brightness, contrast, saturation, hue;
	double sigma_min, sigma_max;
	int taps;
	int binarise; /* solarise to 0 and 1 instead of inverting */
	int centre;   /* the view is the centre of an augmented view of so many pixels; else 0 */
	double mask;  /* probability of removing the background */
	double mask_min_share; /* of the image's pixels; masks of less are not used */
};

enum { VIEWS_MAX = 32 };

struct recipe {
	int large, small; /* L, S */
	struct view_recipe view[VIEWS_MAX];
};

/* The recipes of a checked configuration. */
void recipe_init(struct recipe *r, const struct config *c);

#endif
