/* jpeg.c - JPEG through libjpeg-turbo.
 * The library reports errors by a call that must not return, so the longjmp that this takes stays
 * in here: what a decoding needs is one struct, and the work is a function under setjmp. */
#include "data/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/memory.h"

/* libjpeg's error handler, and where it jumps to. */
struct jpeg_fault {
	struct jpeg_error_mgr manager; /* first: the library hands back a pointer to it */
	jmp_buf jump;
	char *err;
};

struct reader {
	struct jpeg_decompress_struct c;
	struct jpeg_fault fault;
	struct jpeg_progress_mgr progress;
	const uint8_t *bytes;
	size_t n;
	struct jpeg_header *header;
	const struct image_window *window; /* NULL: all */
	struct image *image;
	size_t *capacity;
	JDIMENSION last; /* row to read, and one */
};

struct writer {
	struct jpeg_compress_struct c;
	struct jpeg_fault fault;
	const struct image *image;
	int quality;
	unsigned char *out;
	unsigned long n;
};

static _Noreturn void give_up(j_common_ptr c)
{
	struct jpeg_fault *fault = (struct jpeg_fault *)c->err;

	longjmp(fault->jump, 1);
}

static _Noreturn void library_error(j_common_ptr c)
{
	struct jpeg_fault *fault = (struct jpeg_fault *)c->err;
	char text[JMSG_LENGTH_MAX];

	c->err->format_message(c, text);
	fail(fault->err, "not a sound JPEG: %s", text);
	give_up(c);
}

/* A warning (level -1) means that pixels were made up for missing or corrupt data; but stray bytes
 * before a marker are only passed over, and some files of ImageNet have them. */
static void library_message(j_common_ptr c, int level)
{
	if (level < 0 && c->err->msg_code != JWRN_EXTRANEOUS_DATA)
		library_error(c);
}

static void fault_init(struct jpeg_fault *fault, char *err)
{
	jpeg_std_error(&fault->manager);
	fault->manager.error_exit = library_error;
	fault->manager.emit_message = library_message;
	fault->err = err;
}

/* Called by the library again and again while it collects the scans of a progressive file. */
static void count_scans(j_common_ptr common)
{
	j_decompress_ptr c = (j_decompress_ptr)common;
	struct jpeg_fault *fault = (struct jpeg_fault *)c->err;

	if (c->input_scan_number <= JPEG_MAX_SCANS)
		return;
	fail(fault->err,
		"a JPEG of more than %d scans is refused: it would take too long to decode",
		JPEG_MAX_SCANS);
	give_up(common);
}

static void check_header(struct reader *r)
{
	j_decompress_ptr c = &r->c;
	int n = c->num_components;

	if ((uint64_t)c->image_width * c->image_height >= JPEG_MAX_PIXELS) {
		fail(r->fault.err, "%u x %u pixels: images of %d megapixels and more are refused",
			c->image_width, c->image_height, JPEG_MAX_PIXELS / 1000000);
		give_up((j_common_ptr)c);
	}
	if (n != 1 && n != 3 && n != 4) {
		fail(r->fault.err, "a JPEG of %d components is neither grey, RGB nor CMYK", n);
		give_up((j_common_ptr)c);
	}
}

static void read_header(struct reader *r)
{
	j_decompress_ptr c = &r->c;

	jpeg_mem_src(c, r->bytes, (unsigned long)r->n);
	jpeg_read_header(c, TRUE);
	check_header(r);
	if (r->header)
		*r->header = (struct jpeg_header){ .width = (int)c->image_width,
			.height = (int)c->image_height,
			.components = c->num_components,
			.progressive = c->progressive_mode };
}

static void grow_image(struct reader *r)
{
	struct image *image = r->image;
	JDIMENSION rows = r->last - r->c.output_scanline;
	size_t need = (size_t)r->c.output_width * rows * 3;

	if (*r->capacity < need) {
		xfree(image->rgb);
		image->rgb = xmalloc(need);
		*r->capacity = need;
	}
	image->width = (int)r->c.output_width;
	image->height = (int)rows;
}

static void read_cmyk_row(struct reader *r, uint8_t *row)
{
	j_decompress_ptr c = &r->c;
	int width = r->image->width;
	JSAMPARRAY inks =
		c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, (JDIMENSION)width * 4, 1);

	while (c->output_scanline < r->last) {
		jpeg_read_scanlines(c, inks, 1);
		image_from_inks(row, inks[0], width, c->saw_Adobe_marker);
		row += 3 * (size_t)width;
	}
}

static void read_rgb_rows(struct reader *r, uint8_t *row)
{
	while (r->c.output_scanline < r->last) {
		jpeg_read_scanlines(&r->c, &row, 1);
		row += 3 * (size_t)r->image->width;
	}
}

/* Go to the window's first row and leave out the columns beside it.  Chroma is smoothed with its
 * neighbour, which differs at a border: it is kept at some distance. */
static void seek_window(struct reader *r)
{
	enum { AROUND = 4 };
	j_decompress_ptr c = &r->c;
	const struct image_window *w = r->window;
	JDIMENSION x = w->x > AROUND ? (JDIMENSION)(w->x - AROUND) : 0;
	JDIMENSION y = w->y > AROUND ? (JDIMENSION)(w->y - AROUND) : 0;
	JDIMENSION end = (JDIMENSION)(w->x + w->w + AROUND);
	JDIMENSION width = (end < c->output_width ? end : c->output_width) - x;

	jpeg_crop_scanline(c, &x, &width);
	if (y > 0)
		jpeg_skip_scanlines(c, y);
	r->last = (JDIMENSION)(w->y + w->h);
	r->image->x = (int)x;
	r->image->y = (int)y;
}

static void read_image(struct reader *r)
{
	j_decompress_ptr c = &r->c;
	int inks;

	read_header(r);
	inks = c->num_components == 4;
	c->out_color_space = inks ? JCS_CMYK : JCS_RGB;
	c->dct_method = JDCT_ISLOW;
	c->do_fancy_upsampling = TRUE;
	jpeg_start_decompress(c);
	r->last = c->output_height;
	r->image->x = r->image->y = 0;
	if (r->window)
		seek_window(r);
	grow_image(r);
	if (inks)
		read_cmyk_row(r, r->image->rgb);
	else
		read_rgb_rows(r, r->image->rgb);
	if (!r->window) /* up to the end marker, so a file cut there is found too */
		jpeg_finish_decompress(c);
}

static int try_read(struct reader *r, void (*work)(struct reader *))
{
	if (setjmp(r->fault.jump) != 0)
		return -1;
	jpeg_create_decompress(&r->c);
	r->progress.progress_monitor = count_scans;
	r->c.progress = &r->progress;
	work(r);
	return 0;
}

static int guarded_read(struct reader *r, void (*work)(struct reader *), char err[ERR_MAX])
{
	int rc;

	fault_init(&r->fault, err);
	r->c.err = &r->fault.manager;
	rc = try_read(r, work);
	jpeg_destroy_decompress(&r->c);
	return rc;
}

int jpeg_header(struct jpeg_header *header, const uint8_t *bytes, size_t n, char err[ERR_MAX])
{
	struct reader r = { .bytes = bytes, .n = n, .header = header };

	return guarded_read(&r, read_header, err);
}

int jpeg_decode_window(struct image *image, size_t *capacity, const uint8_t *bytes, size_t n,
	const struct image_window *window, char err[ERR_MAX])
{
	struct reader r = {
		.bytes = bytes, .n = n, .window = window, .image = image, .capacity = capacity
	};

	return guarded_read(&r, read_image, err);
}

static void write_image(struct writer *w)
{
	j_compress_ptr c = &w->c;
	const uint8_t *row = w->image->rgb;

	jpeg_mem_dest(c, &w->out, &w->n);
	c->image_width = (JDIMENSION)w->image->width;
	c->image_height = (JDIMENSION)w->image->height;
	c->input_components = 3;
	c->in_color_space = JCS_RGB;
	jpeg_set_defaults(c); /* YCbCr 4:2:0, slow integer DCT */
	jpeg_set_quality(c, w->quality, TRUE);
	jpeg_start_compress(c, TRUE);
	while (c->next_scanline < c->image_height) {
		JSAMPROW pixels = (JSAMPROW)row; /* not written to */

		jpeg_write_scanlines(c, &pixels, 1);
		row += 3 * (size_t)w->image->width;
	}
	jpeg_finish_compress(c);
}

static int try_write(struct writer *w)
{
	if (setjmp(w->fault.jump) != 0)
		return -1;
	jpeg_create_compress(&w->c);
	write_image(w);
	return 0;
}

static int guarded_write(struct writer *w, char err[ERR_MAX])
{
	int rc;

	fault_init(&w->fault, err);
	w->c.err = &w->fault.manager;
	rc = try_write(w);
	jpeg_destroy_compress(&w->c);
	return rc;
}

int jpeg_encode(
	uint8_t **bytes, size_t *n, const struct image *image, int quality, char err[ERR_MAX])
{
	struct writer w = { .image = image, .quality = quality };

	if (image->width < 1 || image->height < 1 || image->width > JPEG_MAX_DIMENSION ||
		image->height > JPEG_MAX_DIMENSION)
		return fail(err, "%d x %d pixels: a JPEG has 1 to %ld a side", image->width,
			image->height, JPEG_MAX_DIMENSION);
	if (guarded_write(&w, err) != 0) {
		free(w.out);
		return -1;
	}
	*bytes = w.out;
	*n = w.n;
	return 0;
}
