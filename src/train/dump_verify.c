/* dump_verify.c - reading all of a file for the sake of its checksums. */
#include "train/dump.h"

#include "base/memory.h"

struct check {
	const struct dump_reader *r;
	unsigned char *buffer;
	size_t bytes;
	char *err;
};

static int check_set(const char *name, void *arg)
{
	struct check *c = arg;
	struct dump_info info;

	if (dump_reader_info(c->r, name, &info, c->err) != 0)
		return -1;
	if (info.bytes > c->bytes) {
		xfree(c->buffer);
		c->buffer = xmalloc(info.bytes);
		c->bytes = info.bytes;
	}
	return dump_reader_read(c->r, name, c->buffer, info.bytes, c->err);
}

int dump_reader_verify(const struct dump_reader *r, char err[ERR_MAX])
{
	struct check c = { .r = r, .buffer = xmalloc(1), .bytes = 1, .err = err };
	int rc = dump_reader_each(r, check_set, &c, err);

	xfree(c.buffer);
	return rc;
}
