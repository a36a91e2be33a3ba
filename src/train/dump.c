/* dump.c - writing a file of named arrays.
 * The first error is kept and the rest of the writing becomes a no-op, so that the caller lists
 * what it wants saved and looks at one result. */
#include "train/dump.h"

#include <string.h>
#include <unistd.h>

#include <hdf5.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "train/dump_reason.h"

struct dump {
	char *path, *temporary;
	hid_t file, links; /* links: make the groups on the way to a name */
	int failed;
	char err[ERR_MAX];
};

static const size_t type_bytes[] = {
	[DUMP_FLOAT] = 4, [DUMP_DOUBLE] = 8, [DUMP_INT32] = 4, [DUMP_INT64] = 8, [DUMP_TEXT] = 1
};

_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are written as they lie in memory");

static hid_t number_type(enum dump_type type)
{
	const hid_t types[] = {
		[DUMP_FLOAT] = H5T_IEEE_F32LE,
		[DUMP_DOUBLE] = H5T_IEEE_F64LE,
		[DUMP_INT32] = H5T_STD_I32LE,
		[DUMP_INT64] = H5T_STD_I64LE,
	};

	return types[type];
}

static void note_failure(struct dump *d, const char *name, const char *what)
{
	char reason[DUMP_REASON_MAX];

	dump_reason(reason);
	if (!d->failed)
		fail(d->err, "%s: cannot %s%s%s: %s", d->path, what, *name ? " /" : "", name,
			reason);
	d->failed = 1;
}

static hid_t create(const char *path)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), file;

	H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
	/* One writer by design; cluster file systems often refuse locks. */
	H5Pset_file_locking(access, 0, 1);
	file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
	if (file >= 0)
		H5Pclose(access); /* after a failure it would wipe the reason */
	return file;
}

struct dump *dump_open(const char *path)
{
	struct dump *d = xcalloc(1, sizeof *d);

	dump_quiet();
	d->path = xstrdup(path);
	d->temporary = file_temporary_name(path);
	d->links = H5Pcreate(H5P_LINK_CREATE);
	H5Pset_create_intermediate_group(d->links, 1);
	d->file = create(d->temporary);
	if (d->file < 0)
		note_failure(d, "", "create it");
	return d;
}

static void write_checksum(struct dump *d, const char *name, hid_t set, uint32_t sum)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attribute = H5Acreate2(set, "crc32c", H5T_STD_U32LE, space, H5P_DEFAULT, H5P_DEFAULT);

	if (attribute < 0 || H5Awrite(attribute, H5T_NATIVE_UINT32, &sum) < 0)
		note_failure(d, name, "write the checksum of");
	if (attribute >= 0)
		H5Aclose(attribute);
	H5Sclose(space);
}

static void write_set(
	struct dump *d, const char *name, hid_t set, hid_t type, const void *data, size_t bytes)
{
	if (H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
		note_failure(d, name, "write");
	else
		write_checksum(d, name, set, crc32c(0, data, bytes));
	/* HDF5 may have put off writing until now. */
	if (H5Dclose(set) < 0)
		note_failure(d, name, "write");
}

static hid_t text_type(size_t bytes)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	H5Tset_size(type, bytes);
	return type;
}

void dump_array(struct dump *d, const char *name, enum dump_type type, const void *data, int dims,
	const size_t *shape)
{
	hid_t element, space, set;
	hsize_t size[DUMP_DIMS_MAX];
	size_t bytes = type == DUMP_TEXT ? strlen(data) + 1 : type_bytes[type];

	CHECK(dims >= 0 && dims <= DUMP_DIMS_MAX, "%s: %d dimensions", name, dims);
	CHECK(type != DUMP_TEXT || dims == 0, "%s: a text has no dimensions", name);
	if (d->failed)
		return;
	for (int i = 0; i < dims; i++) {
		size[i] = shape[i];
		bytes *= shape[i];
	}
	element = type == DUMP_TEXT ? text_type(bytes) : number_type(type);
	space = dims ? H5Screate_simple(dims, size, NULL) : H5Screate(H5S_SCALAR);
	set = H5Dcreate2(d->file, name, element, space, d->links, H5P_DEFAULT, H5P_DEFAULT);
	if (set < 0)
		note_failure(d, name, "make the data set");
	else
		write_set(d, name, set, element, data, bytes);
	if (type == DUMP_TEXT)
		H5Tclose(element);
	H5Sclose(space);
}

int dump_close(struct dump *d, char err[ERR_MAX])
{
	int rc;

	if (d->file >= 0 && H5Fclose(d->file) < 0)
		note_failure(d, "", "finish writing it");
	H5Pclose(d->links);
	rc = d->failed ? fail(err, "%s", d->err) : file_commit(d->temporary, d->path, err);
	if (rc != 0)
		unlink(d->temporary);
	xfree(d->path);
	xfree(d->temporary);
	xfree(d);
	return rc;
}
