#ifndef JPEG_FIXTURE_H
#define JPEG_FIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

/* JPEG files: plain ones, and forms that jpeg_encode does not write. */

/* fixture_image of that number and size as a plain file; the caller frees *bytes. */
void fixture_encode(uint8_t **bytes, size_t *n, uint32_t number, int width, int height);

/* How a file is written; zero is a plain RGB file. */
struct jpeg_recipe {
	int width, height;
	int components;         /* of the samples given */
	J_COLOR_SPACE in, file; /* JCS_UNKNOWN: the library's choice */
	int no_adobe;
	int progressive; /* 1: the library's 10 scans, 2: one scan for each coefficient and
			    component */
	int h, v; /* samples of luma for one of chroma, across and down; 0: the library's choice */
};

/* samples: (height, width, components).  The caller frees *bytes. */
void fixture_jpeg(uint8_t **bytes, size_t *n, const struct jpeg_recipe *r, const uint8_t *samples);

/* The same, all of one colour: (components). */
void fixture_solid_jpeg(
	uint8_t **bytes, size_t *n, const struct jpeg_recipe *r, const uint8_t *colour);

#endif
