/* dump_read.c - reading a file of named arrays; nothing in it is believed before its checksum was
 * seen. */
#include "train/dump.h"

#include <limits.h>
#include <string.h>

#include <hdf5.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "train/dump_reason.h"

struct dump_reader {
	char *path;
	hid_t file;
};

struct dump_reader *dump_reader_open(const char *path, char err[ERR_MAX])
{
	char reason[DUMP_REASON_MAX];
	struct dump_reader *r;
	hid_t file;

	dump_quiet();
	file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	if (file < 0) {
		fail(err,
			"%s: cannot be read as HDF5 (cut short, damaged or another kind of file): "
			"%s",
			path, dump_reason(reason));
		return NULL;
	}
	r = xmalloc(sizeof *r);
	r->path = xstrdup(path);
	r->file = file;
	return r;
}

void dump_reader_close(struct dump_reader *r)
{
	if (!r)
		return;
	H5Fclose(r->file);
	xfree(r->path);
	xfree(r);
}

/* H5Lexists wants every part of the path to be there, so it is asked for one after the other. */
static int link_exists(hid_t file, const char *name)
{
	char part[256];
	size_t n = strlen(name);

	if (n >= sizeof part)
		return 0;
	for (size_t i = 1; i <= n; i++) {
		if (name[i] != '/' && name[i] != 0)
			continue;
		memcpy(part, name, i);
		part[i] = 0;
		if (H5Lexists(file, part, H5P_DEFAULT) <= 0)
			return 0;
	}
	return n > 0;
}

int dump_reader_has(const struct dump_reader *r, const char *name)
{
	hid_t set;

	dump_quiet();
	if (!link_exists(r->file, name))
		return 0;
	set = H5Dopen2(r->file, name, H5P_DEFAULT);
	if (set < 0)
		return 0;
	H5Dclose(set);
	return 1;
}

/* Which of our types a type of the file is, or -1. */
static int known_type(hid_t type)
{
	const hid_t types[] = { [DUMP_FLOAT] = H5T_IEEE_F32LE,
		[DUMP_DOUBLE] = H5T_IEEE_F64LE,
		[DUMP_INT32] = H5T_STD_I32LE,
		[DUMP_INT64] = H5T_STD_I64LE };

	if (H5Tget_class(type) == H5T_STRING)
		return H5Tis_variable_str(type) > 0 ? -1 : DUMP_TEXT;
	for (int i = 0; i < DUMP_TEXT; i++)
		if (H5Tequal(type, types[i]) > 0)
			return i;
	return -1;
}

/* Shape and size of a data set of the given element size; -1 for what dump_array does not write. */
static int set_shape(hid_t space, size_t element, struct dump_info *info)
{
	hsize_t size[DUMP_DIMS_MAX];
	int dims = H5Sget_simple_extent_ndims(space);

	if (dims < 0 || dims > DUMP_DIMS_MAX || H5Sget_simple_extent_dims(space, size, NULL) < 0)
		return -1;
	info->dims = dims;
	info->bytes = element;
	for (int i = 0; i < dims; i++) {
		if (size[i] != 0 && info->bytes > PTRDIFF_MAX / size[i])
			return -1;
		info->shape[i] = size[i];
		info->bytes *= size[i];
	}
	return 0;
}

static int set_info(hid_t set, struct dump_info *info)
{
	hid_t type = H5Dget_type(set), space = H5Dget_space(set);
	int kind = known_type(type), rc = -1;

	memset(info, 0, sizeof *info);
	if (kind >= 0 && (kind != DUMP_TEXT || H5Sget_simple_extent_ndims(space) == 0))
		rc = set_shape(space, H5Tget_size(type), info);
	info->type = (enum dump_type)kind;
	H5Sclose(space);
	H5Tclose(type);
	return rc;
}

/* A size beyond the file's is damage; it must not become an allocation. */
static int check_size(
	const struct dump_reader *r, const char *name, size_t bytes, char err[ERR_MAX])
{
	hsize_t size = 0;

	if (H5Fget_filesize(r->file, &size) < 0 || bytes > size)
		return fail(err, "%s: /%s is damaged: %zu bytes in a file of %llu", r->path, name,
			bytes, (unsigned long long)size);
	return 0;
}

static hid_t open_set(
	const struct dump_reader *r, const char *name, struct dump_info *info, char err[ERR_MAX])
{
	char reason[DUMP_REASON_MAX];
	hid_t set;
	int rc;

	dump_quiet();
	if (!link_exists(r->file, name))
		return fail(err, "%s: /%s is missing", r->path, name);
	set = H5Dopen2(r->file, name, H5P_DEFAULT);
	if (set < 0)
		return fail(
			err, "%s: /%s cannot be opened: %s", r->path, name, dump_reason(reason));
	if (set_info(set, info) != 0)
		rc = fail(err, "%s: /%s is of a type or shape that this program does not write",
			r->path, name);
	else
		rc = check_size(r, name, info->bytes, err);
	if (rc == 0)
		return set;
	H5Dclose(set);
	return -1;
}

int dump_reader_info(
	const struct dump_reader *r, const char *name, struct dump_info *info, char err[ERR_MAX])
{
	hid_t set = open_set(r, name, info, err);

	if (set < 0)
		return -1;
	H5Dclose(set);
	return 0;
}

static int read_checksum(hid_t set, uint32_t *sum)
{
	hid_t attribute = H5Aopen(set, "crc32c", H5P_DEFAULT);
	int rc;

	if (attribute < 0)
		return -1;
	rc = H5Aread(attribute, H5T_NATIVE_UINT32, sum) < 0 ? -1 : 0;
	H5Aclose(attribute);
	return rc;
}

/* The bytes as they lie in the file (dump.c: as they lay in memory), with their checksum. */
static int read_bytes(const struct dump_reader *r, const char *name, hid_t set, void *data,
	size_t bytes, char err[ERR_MAX])
{
	char reason[DUMP_REASON_MAX];
	hid_t type = H5Dget_type(set);
	uint32_t wanted, found;
	int rc = 0;

	if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
		rc = fail(err, "%s: /%s cannot be read: %s", r->path, name, dump_reason(reason));
	H5Tclose(type);
	if (rc != 0)
		return -1;
	if (read_checksum(set, &wanted) != 0)
		return fail(err, "%s: /%s has no checksum (attribute crc32c)", r->path, name);
	found = crc32c(0, data, bytes);
	if (found != wanted)
		return fail(err, "%s: /%s is damaged: checksum %08x, recorded %08x", r->path, name,
			found, wanted);
	return 0;
}

int dump_reader_read(
	const struct dump_reader *r, const char *name, void *data, size_t bytes, char err[ERR_MAX])
{
	struct dump_info info;
	hid_t set = open_set(r, name, &info, err);
	int rc;

	if (set < 0)
		return -1;
	CHECK(info.bytes == bytes, "%s: /%s holds %zu bytes, not %zu", r->path, name, info.bytes,
		bytes);
	rc = read_bytes(r, name, set, data, bytes, err);
	H5Dclose(set);
	return rc;
}

char *dump_reader_text(const struct dump_reader *r, const char *name, char err[ERR_MAX])
{
	struct dump_info info;
	char *text;

	if (dump_reader_info(r, name, &info, err) != 0)
		return NULL;
	if (info.type != DUMP_TEXT) {
		fail(err, "%s: /%s is not a text", r->path, name);
		return NULL;
	}
	text = xcalloc(info.bytes + 1, 1);
	if (dump_reader_read(r, name, text, info.bytes, err) != 0)
		xfree(text);
	return text;
}

struct walk {
	int (*visit)(const char *name, void *arg);
	void *arg;
	int rc;
};

static herr_t walk_link(hid_t file, const char *name, const H5L_info_t *link, void *arg)
{
	struct walk *w = arg;
	hid_t object = H5Oopen(file, name, H5P_DEFAULT);
	H5I_type_t type;

	(void)link;
	if (object < 0)
		return -1;
	type = H5Iget_type(object);
	H5Oclose(object);
	if (type == H5I_DATASET)
		w->rc = w->visit(name, w->arg);
	return w->rc != 0;
}

int dump_reader_each(const struct dump_reader *r, int (*visit)(const char *name, void *arg),
	void *arg, char err[ERR_MAX])
{
	struct walk w = { visit, arg, 0 };
	char reason[DUMP_REASON_MAX];

	dump_quiet();
	if (H5Lvisit(r->file, H5_INDEX_NAME, H5_ITER_INC, walk_link, &w) < 0)
		return fail(err, "%s: damaged: %s", r->path, dump_reason(reason));
	return w.rc;
}
