/* pack_tar_read.c - the only file that knows libarchive. */
#include "pack_tar_read.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

enum { BLOCK = 1 << 20 };

struct tar_reader {
	char **paths;
	int count, at; /* paths[at] is open or the next to open */
	struct archive *outer, *inner;
	char *inner_name, *inner_class;
	int64_t inner_offset; /* bytes of the inner tar handed to libarchive */
	double done_bytes, all_bytes;
};

struct tar_reader *tar_reader_open(const char *const *paths, int count)
{
	struct tar_reader *r = xcalloc(1, sizeof *r);

	r->paths = xcalloc((size_t)count, sizeof *r->paths);
	r->count = count;
	for (int i = 0; i < count; i++) {
		struct stat st;

		r->paths[i] = xstrdup(paths[i]);
		r->all_bytes += stat(paths[i], &st) == 0 ? (double)st.st_size : 0;
	}
	return r;
}

static void close_inner(struct tar_reader *r)
{
	if (r->inner)
		archive_read_free(r->inner);
	r->inner = NULL;
	xfree(r->inner_name);
	xfree(r->inner_class);
}

static void close_outer(struct tar_reader *r)
{
	if (r->outer)
		archive_read_free(r->outer);
	r->outer = NULL;
}

void tar_reader_close(struct tar_reader *r)
{
	if (!r)
		return;
	close_inner(r);
	close_outer(r);
	for (int i = 0; i < r->count; i++)
		xfree(r->paths[i]);
	xfree(r->paths);
	xfree(r);
}

static int fail_archive(
	char err[ERR_MAX], const struct tar_reader *r, struct archive *a, const char *what)
{
	const char *reason = archive_error_string(a);

	return fail(err, "%s%s%s: cannot %s: %s", r->paths[r->at], r->inner ? ", inside it " : "",
		r->inner ? r->inner_name : "", what, reason ? reason : "damaged or cut off");
}

static struct archive *new_archive(void)
{
	struct archive *a = archive_read_new();

	CHECK(a != NULL, "libarchive has no memory");
	archive_read_support_format_tar(a);
	return a;
}

static int open_outer(struct tar_reader *r, char err[ERR_MAX])
{
	r->outer = new_archive();
	archive_read_support_filter_gzip(r->outer);
	archive_read_support_filter_bzip2(r->outer);
	archive_read_support_filter_xz(r->outer);
	archive_read_support_filter_zstd(r->outer);
	if (archive_read_open_filename(r->outer, r->paths[r->at], BLOCK) == ARCHIVE_OK)
		return 0;
	return fail_archive(err, r, r->outer, "open");
}

/* libarchive asks for more of the inner tar: the next block of the outer one's present file. */
static la_ssize_t read_inner(struct archive *inner, void *arg, const void **block)
{
	struct tar_reader *r = arg;
	la_int64_t offset;
	size_t n;
	int rc = archive_read_data_block(r->outer, block, &n, &offset);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc < ARCHIVE_WARN || offset != r->inner_offset) {
		const char *reason = archive_error_string(r->outer);

		archive_set_error(inner, EIO, "%s", reason ? reason : "it has holes");
		return -1;
	}
	r->inner_offset += (int64_t)n;
	return (la_ssize_t)n;
}

static int open_inner(struct tar_reader *r, const char *name, char err[ERR_MAX])
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;

	r->inner = new_archive();
	archive_read_support_format_empty(r->inner);
	r->inner_name = xstrdup(name);
	r->inner_class = xasprintf("%.*s", (int)(strlen(base) - strlen(".tar")), base);
	r->inner_offset = 0;
	if (archive_read_open(r->inner, r, NULL, read_inner, NULL) == ARCHIVE_OK)
		return 0;
	return fail_archive(err, r, r->inner, "open");
}

/* The name as bytes, whatever the locale: pax headers hold UTF-8, old ones bytes. */
static const char *entry_name(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname_utf8(entry);

	if (!name)
		name = archive_entry_pathname(entry);
	while (name && (name[0] == '/' || (name[0] == '.' && name[1] == '/')))
		name++;
	return name;
}

/* The next file of an open archive: 1, its end: 0, -1. */
static int next_file(
	struct tar_reader *r, struct archive *a, struct tar_entry *e, char err[ERR_MAX])
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
		if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
			continue;
		e->name = entry_name(entry);
		e->size = (size_t)archive_entry_size(entry);
		e->inner = r->inner_class;
		return e->name
			? 1
			: fail(err, "%s: holds a file whose name cannot be read", r->paths[r->at]);
	}
	return rc == ARCHIVE_EOF ? 0 : fail_archive(err, r, a, "read on");
}

static int is_tar(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".tar") == 0;
}

static void finish_outer(struct tar_reader *r)
{
	struct stat st;

	close_outer(r);
	r->done_bytes += stat(r->paths[r->at], &st) == 0 ? (double)st.st_size : 0;
	r->at++;
}

int tar_reader_next(struct tar_reader *r, struct tar_entry *e, char err[ERR_MAX])
{
	for (;;) {
		int rc;

		if (r->inner) {
			rc = next_file(r, r->inner, e, err);
			if (rc != 0)
				return rc;
			close_inner(r);
		}
		if (!r->outer && r->at == r->count)
			return 0;
		if (!r->outer && open_outer(r, err) != 0)
			return -1;
		rc = next_file(r, r->outer, e, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			finish_outer(r);
		else if (!is_tar(e->name))
			return 1;
		else if (open_inner(r, e->name, err) != 0)
			return -1;
	}
}

int tar_reader_load(struct tar_reader *r, uint8_t **bytes, size_t size, char err[ERR_MAX])
{
	struct archive *a = r->inner ? r->inner : r->outer;
	la_ssize_t n;

	*bytes = xmalloc(size);
	n = archive_read_data(a, *bytes, size);
	if (n == (la_ssize_t)size)
		return 0;
	xfree(*bytes);
	return fail_archive(err, r, a, "read a file of it");
}

double tar_reader_share(const struct tar_reader *r)
{
	double done = r->done_bytes + (r->outer ? (double)archive_filter_bytes(r->outer, -1) : 0);

	return r->all_bytes > 0 ? done / r->all_bytes : 0;
}
