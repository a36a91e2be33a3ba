#include "sheet_fixture.h"

#include "data/png.h"
#include "test.h"

/* Views of odd sizes, every kind of change in play. */
struct config sheet_config(void)
{
	struct config c;

	config_default(&c);
	c.views.large = 3;
	c.views.small = 2;
	c.views.large_size = 33;
	c.views.small_size = 17;
	c.views.mask = 0.5;
	c.train.seed = 5;
	return c;
}

struct sheet_picture sheet_draw(const struct contact_sheet_options *o, const struct config *c)
{
	struct sheet_picture p;
	char err[ERR_MAX] = "";

	if (contact_sheet_write(o, c, err) != 0)
		print_error("%s\n", err);
	assert_string_equal(err, "");
	assert_int_equal(png_read(&p.rgb, &p.width, &p.height, 3, o->out, err), 0);
	return p;
}

struct contact_sheet_options sheet_options(const struct fixture *f)
{
	const char *folder = test_folder();
	struct contact_sheet_options o = { .data = folder,
		.out = test_path(folder, "sheet.png"),
		.epoch = 3,
		.images = 4,
		.first = 2,
		.threads = 1 };

	fixture_dataset(folder, f);
	return o;
}

const uint8_t *sheet_pixel(const struct sheet_picture *p, int x, int y)
{
	assert_true(x >= 0 && y >= 0 && x < p->width && y < p->height);
	return p->rgb + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
}
