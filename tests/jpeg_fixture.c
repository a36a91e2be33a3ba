#include "jpeg_fixture.h"

#include "base/die.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data_fixture.h"

void fixture_encode(uint8_t **bytes, size_t *n, uint32_t number, int width, int height)
{
	struct image image = fixture_image(number, width, height);
	char err[ERR_MAX];

	CHECK(jpeg_encode(bytes, n, &image, JPEG_QUALITY, err) == 0, "%s", err);
	image_free(&image);
}

enum { BOMB_SCANS = 1 + 3 * 63 };

static void script_bomb(j_compress_ptr c, jpeg_scan_info *scans)
{
	int n = 0;

	scans[n++] = (jpeg_scan_info){ .comps_in_scan = 3, .component_index = { 0, 1, 2 } };
	for (int component = 0; component < 3; component++)
		for (int k = 1; k < 64; k++)
			scans[n++] = (jpeg_scan_info){ .comps_in_scan = 1,
				.component_index = { component },
				.Ss = k,
				.Se = k };
	c->scan_info = scans;
	c->num_scans = n;
}

void fixture_jpeg(uint8_t **bytes, size_t *n, const struct jpeg_recipe *r, const uint8_t *samples)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr manager;
	jpeg_scan_info scans[BOMB_SCANS];
	unsigned char *out = NULL;
	unsigned long size = 0;

	c.err = jpeg_std_error(&manager);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &size);
	c.image_width = (JDIMENSION)r->width;
	c.image_height = (JDIMENSION)r->height;
	c.input_components = r->components;
	c.in_color_space = r->in;
	jpeg_set_defaults(&c);
	if (r->file != JCS_UNKNOWN)
		jpeg_set_colorspace(&c, r->file);
	jpeg_set_quality(&c, 98, TRUE);
	if (r->h > 0) {
		c.comp_info[0].h_samp_factor = r->h;
		c.comp_info[0].v_samp_factor = r->v;
	}
	if (r->no_adobe)
		c.write_Adobe_marker = FALSE;
	if (r->progressive == 1)
		jpeg_simple_progression(&c);
	if (r->progressive == 2)
		script_bomb(&c, scans);
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		JSAMPROW row = (JSAMPROW)samples +
			(size_t)c.next_scanline * (size_t)(r->width * r->components);

		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	*bytes = out;
	*n = size;
}

void fixture_solid_jpeg(
	uint8_t **bytes, size_t *n, const struct jpeg_recipe *r, const uint8_t *colour)
{
	size_t count = (size_t)(r->width * r->height * r->components);
	uint8_t *samples = xmalloc(count);

	for (size_t i = 0; i < count; i++)
		samples[i] = colour[i % (size_t)r->components];
	fixture_jpeg(bytes, n, r, samples);
	xfree(samples);
}
