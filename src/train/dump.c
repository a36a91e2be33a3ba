/* dump.c - writing a file of named arrays.
 * The first error is kept and the rest of the writing becomes a no-op, so that the caller lists
 * what it wants saved and looks at one result. */
#include "train/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "train/dump_reason.h"

struct dump {
	char *path, *temporary;
	int fd; /* on the same file, to reserve room */
	hid_t file, access;
	hid_t links; /* make the groups on the way to a name */
	int failed;
	char err[ERR_MAX];
};

/* More than an array adds to the file besides its data: headers, its entry in the group, closing.
 */
enum { ROOM_TO_FINISH = 65536 };

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

static void note(struct dump *d, const char *name, const char *what, const char *reason)
{
	if (!d->failed)
		fail(d->err, "%s: cannot %s%s%s: %s", d->path, what, *name ? " /" : "", name,
			reason);
	d->failed = 1;
}

static void note_failure(struct dump *d, const char *name, const char *what)
{
	char reason[DUMP_REASON_MAX];

	note(d, name, what, dump_reason(reason));
}

/* Make sure that the file can grow to so many bytes; -1 with errno if not.  Some file systems
 * cannot tell. */
static int reserve(int fd, size_t bytes)
{
	int rc;

	do
		rc = fallocate(fd, 0, 0, (off_t)bytes);
	while (rc != 0 && errno == EINTR);
	return rc != 0 && errno != EOPNOTSUPP && errno != ENOSYS ? -1 : 0;
}

static void reserve_array(struct dump *d, const char *name, size_t bytes)
{
	hsize_t size = 0;

	if (H5Fget_filesize(d->file, &size) < 0)
		note_failure(d, name, "write");
	else if (reserve(d->fd, (size_t)size + bytes + ROOM_TO_FINISH) != 0)
		note(d, name, "write", strerror(errno));
}

static hid_t access_list(void)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS);

	H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
	return access;
}

/* Give back what was reserved and not used, which lies behind the end that HDF5 knows of. */
static void trim(struct dump *d)
{
	hid_t file = H5Fopen(d->temporary, H5F_ACC_RDONLY, d->access);
	haddr_t end = 0;

	if (file < 0 || H5Fget_eoa(file, &end) < 0)
		note_failure(d, "", "finish writing it");
	else if (ftruncate(d->fd, (off_t)end) != 0)
		note(d, "", "finish writing it", strerror(errno));
	if (file >= 0)
		H5Fclose(file);
}

struct dump *dump_open(const char *path)
{
	struct dump *d = xcalloc(1, sizeof *d);

	dump_quiet();
	d->file = -1;
	d->path = xstrdup(path);
	d->temporary = file_temporary_name(path);
	d->access = access_list();
	d->links = H5Pcreate(H5P_LINK_CREATE);
	H5Pset_create_intermediate_group(d->links, 1);
	d->fd = open(d->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (d->fd < 0 || reserve(d->fd, ROOM_TO_FINISH) != 0) {
		note(d, "", "create it", strerror(errno));
		return d;
	}
	d->file = H5Fcreate(d->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, d->access);
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
	reserve_array(d, name, bytes);
	if (d->failed)
		return;
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
	if (!d->failed)
		trim(d);
	if (d->fd >= 0)
		close(d->fd);
	H5Pclose(d->access);
	H5Pclose(d->links);
	if (d->failed)
		fail(err, "%s", d->err);
	rc = file_finish(d->failed ? -1 : 0, d->temporary, d->path, err);
	xfree(d->path);
	xfree(d->temporary);
	xfree(d);
	return rc;
}
