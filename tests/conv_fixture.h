#ifndef CONV_FIXTURE_H
#define CONV_FIXTURE_H

#include "kernel.h"

/* Shapes of convolutions that take all ways of the back ends. */

static const struct conv_shape conv_shapes[] = {
	/* n, h, w, c, k, r, stride, top, left, bottom, right */
	{ 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
	{ 2, 3, 5, 3, 1, 3, 1, 1, 1, 1, 1 },
	{ 1, 7, 7, 1, 5, 7, 1, 3, 3, 3, 3 },
	{ 2, 17, 17, 3, 16, 7, 2, 3, 3, 3, 3 }, /* stem */
	{ 2, 16, 16, 3, 16, 7, 2, 2, 2, 3, 3 }, /* stem, same */
	{ 2, 33, 31, 3, 17, 3, 1, 1, 1, 1, 1 }, /* small stem, odd widths */
	{ 3, 9, 9, 17, 33, 1, 1, 0, 0, 0, 0 },
	{ 3, 9, 9, 16, 32, 1, 2, 0, 0, 0, 0 }, /* projection shortcut */
	{ 2, 8, 8, 32, 32, 3, 2, 0, 0, 1, 1 }, /* same, stride 2 */
	{ 2, 9, 9, 32, 16, 3, 2, 1, 1, 1, 1 },
	{ 2, 6, 6, 33, 17, 3, 1, 1, 1, 1, 1 },
	{ 1, 5, 4, 64, 64, 3, 1, 1, 1, 1, 1 },
	{ 2, 3, 3, 128, 64, 1, 1, 0, 0, 0, 0 },
	{ 4, 2, 2, 64, 128, 1, 2, 0, 0, 0, 0 },
	{ 1, 33, 35, 17, 33, 1, 1, 0, 0, 0, 0 }, /* many pixels, few weights, odd widths */
	{ 2, 50, 51, 17, 33, 1, 1, 0, 0, 0, 0 }, /* more parts than threads */
	{ 1, 65, 63, 32, 16, 1, 2, 0, 0, 0, 0 },
	{ 2, 5, 5, 300, 260, 1, 1, 0, 0, 0, 0 },
	{ 1, 7, 6, 256, 257, 1, 2, 0, 0, 0, 0 },
	{ 1, 32, 32, 257, 256, 1, 1, 0, 0, 0, 0 },
	{ 1, 8, 8, 16, 16, 3, 2, 1, 0, 0, 1 }, /* padding on unlike sides */
	{ 2, 1, 1, 17, 33, 1, 1, 0, 0, 0, 0 }, /* fewer pixels than threads */
	/* many pixels of whole panels of channels, forward or backward or both */
	{ 1, 33, 35, 64, 128, 1, 1, 0, 0, 0, 0 },
	{ 1, 67, 63, 48, 64, 1, 2, 0, 0, 0, 0 },
	{ 3, 33, 31, 128, 16, 1, 1, 0, 0, 0, 0 },
	{ 2, 33, 31, 64, 64, 1, 1, 0, 0, 0, 0 },
	/* many weights in several blocks, and pixels in several parts */
	{ 1, 15, 13, 272, 528, 1, 1, 0, 0, 0, 0 },
	{ 1, 6, 43, 1040, 64, 1, 1, 0, 0, 0, 0 },
};

enum { CONV_SHAPES = sizeof conv_shapes / sizeof *conv_shapes };

#endif
