/* shard_write.c - writing a shard.
 * HDF5 lays the file out with its two large data sets allocated first; the records go to their
 * place by pwrite, the index, known only then, follows through HDF5.  No times are stored: the same
 * records give the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/shard_index.h"

enum { ALIGNMENT = 4096 };

struct writer {
	struct shard_build b;
	const struct shard_meta *meta;
	char *temporary;
	hid_t file, string;
	char *err;
};

static int broken(struct writer *w, const char *what)
{
	char why[ERR_MAX];

	shard_hdf5_reason(why);
	return fail(
		w->err, "%s: cannot write %s (%.200s): is the disk full?", w->b.s.path, what, why);
}

static int write_number(struct writer *w, hid_t loc, const char *name, hid_t type, long long value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t a = H5Acreate2(loc, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	int ok = a >= 0 && H5Awrite(a, H5T_NATIVE_LLONG, &value) >= 0;

	if (a >= 0)
		ok = H5Aclose(a) >= 0 && ok;
	H5Sclose(space);
	return ok ? 0 : broken(w, name);
}

/* n < 0: one string, not an array. */
static int write_text(struct writer *w, const char *name, const char *const *text, int n)
{
	hsize_t dim = (hsize_t)(n < 0 ? 1 : n);
	hid_t space = n < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &dim, NULL);
	hid_t a = H5Acreate2(w->file, name, w->string, space, H5P_DEFAULT, H5P_DEFAULT);
	int ok = a >= 0 && (dim == 0 || H5Awrite(a, w->string, text) >= 0);

	if (a >= 0)
		ok = H5Aclose(a) >= 0 && ok;
	H5Sclose(space);
	return ok ? 0 : broken(w, name);
}

static int write_meta(struct writer *w)
{
	const struct shard_meta *m = w->meta;

	if (write_number(w, w->file, "format_version", H5T_STD_I32LE, SHARD_FORMAT_VERSION) != 0 ||
		write_number(w, w->file, "shard", H5T_STD_I32LE, m->shard) != 0 ||
		write_number(w, w->file, "shards", H5T_STD_I32LE, m->shards) != 0 ||
		write_text(w, "name", &m->name, -1) != 0 ||
		write_text(w, "split", &m->split, -1) != 0)
		return -1;
	return write_text(w, "classes", m->classes, m->class_count);
}

/* Make a data set whose place in the file is taken at once; rank 2 when columns > 1. */
static hid_t create_set(struct writer *w, const char *name, hid_t type, uint64_t rows, int columns)
{
	hsize_t dims[2] = { rows, (hsize_t)columns };
	hid_t space = H5Screate_simple(columns > 1 ? 2 : 1, dims, NULL);
	hid_t create = H5Pcreate(H5P_DATASET_CREATE), set;

	H5Pset_obj_track_times(create, 0);
	H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
	/* strings are pointers into the heap: their data set must start as zeros */
	if (type != w->string)
		H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
	set = H5Dcreate2(w->file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
	H5Pclose(create);
	H5Sclose(space);
	if (set < 0)
		broken(w, name);
	return set;
}

static int create_bytes(struct writer *w, struct shard_blobs *b, const char *name)
{
	hid_t set = create_set(w, name, H5T_STD_U8LE, b->bytes, 1);

	if (set < 0)
		return -1;
	b->at = H5Dget_offset(set);
	CHECK(b->bytes == 0 || b->at != HADDR_UNDEF, "%s: %s has no place in the file", w->b.s.path,
		name);
	H5Dclose(set);
	return 0;
}

/* An index data set with its checksum beside it. */
static int write_set(struct writer *w, const char *name, hid_t type, const void *rows,
	uint64_t count, int columns, uint32_t crc)
{
	hid_t set = create_set(w, name, type, count, columns);
	int rc = 0;

	if (set < 0)
		return -1;
	if (count > 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) < 0)
		rc = broken(w, name);
	if (rc == 0)
		rc = write_number(w, set, "crc32c", H5T_STD_U32LE, crc);
	if (H5Dclose(set) < 0 && rc == 0)
		rc = broken(w, name);
	return rc;
}

static int write_array(struct writer *w, const char *name, hid_t type, const void *rows,
	uint64_t count, int columns)
{
	size_t bytes = (size_t)count * (size_t)columns * H5Tget_size(type);

	return write_set(w, name, type, rows, count, columns, crc32c(0, rows, bytes));
}

static int write_index(struct writer *w)
{
	const struct shard *s = &w->b.s;
	uint64_t n = s->count;
	uint32_t crc = 0;

	for (uint64_t i = 0; i < n; i++)
		crc = crc32c(crc, w->b.keys[i], strlen(w->b.keys[i]) + 1);
	if (write_array(w, "/images/offset", H5T_STD_U64LE, s->images.offset, n + 1, 1) != 0 ||
		write_array(w, "/images/crc32c", H5T_STD_U32LE, s->images.crc, n, 1) != 0 ||
		write_array(w, "/images/size", H5T_STD_U32LE, s->size, n, 2) != 0 ||
		write_array(w, "/labels/offset", H5T_STD_U64LE, s->label_offset, n + 1, 1) != 0 ||
		write_array(w, "/labels/values", H5T_STD_I32LE, s->labels, s->label_total, 1) !=
			0 ||
		write_set(w, "/keys", w->string, w->b.keys, n, 1, crc) != 0)
		return -1;
	if (!s->masked)
		return 0;
	if (write_array(w, "/masks/offset", H5T_STD_U64LE, s->masks.offset, n + 1, 1) != 0 ||
		write_array(w, "/masks/crc32c", H5T_STD_U32LE, s->masks.crc, n, 1) != 0)
		return -1;
	return write_array(w, "/masks/foreground", H5T_IEEE_F32LE, s->foreground, n, 1);
}

static int make_group(struct writer *w, const char *name)
{
	hid_t create = H5Pcreate(H5P_GROUP_CREATE), group;

	H5Pset_obj_track_times(create, 0);
	group = H5Gcreate2(w->file, name, H5P_DEFAULT, create, H5P_DEFAULT);
	H5Pclose(create);
	if (group < 0)
		return broken(w, name);
	H5Gclose(group);
	return 0;
}

static int create_layout(struct writer *w)
{
	if (make_group(w, "/images") != 0 || make_group(w, "/labels") != 0 ||
		create_bytes(w, &w->b.s.images, "/images/bytes") != 0)
		return -1;
	if (!w->b.s.masked)
		return 0;
	if (make_group(w, "/masks") != 0)
		return -1;
	return create_bytes(w, &w->b.s.masks, "/masks/bytes");
}

static int create_file(struct writer *w)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
	/* so that /images/bytes is aligned even when small, and little else is */
	hsize_t threshold = w->b.s.images.bytes < ALIGNMENT ? w->b.s.images.bytes : ALIGNMENT;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* we say what is wrong ourselves */
	H5Pset_alignment(access, threshold, ALIGNMENT);
	H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
	H5Pset_file_locking(access, 0, 1);
	/* 1.10's format carries checksums of its own, in every header */
	H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
	H5Pset_obj_track_times(create, 0);
	w->file = H5Fcreate(w->temporary, H5F_ACC_TRUNC, create, access);
	H5Pclose(create);
	H5Pclose(access);
	if (w->file < 0)
		return fail(w->err,
			"%s: cannot create this file: does its folder exist, may you write there?",
			w->temporary);
	w->b.s.fd = open(w->temporary, O_WRONLY | O_CLOEXEC);
	return w->b.s.fd >= 0 ? 0 : fail(w->err, "%s: %s", w->temporary, strerror(errno));
}

static int write_records(struct writer *w,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg)
{
	for (uint32_t i = 0; i < w->b.s.count; i++) {
		struct shard_record r = { 0 };

		if (next(arg, i, &r, w->err) != 0 || shard_build_add(&w->b, i, &r, w->err) != 0)
			return -1;
	}
	shard_build_check(&w->b);
	return 0;
}

static int write_file(struct writer *w,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg)
{
	int rc = -1;

	if (create_file(w) != 0)
		return -1;
	if (write_meta(w) == 0 && create_layout(w) == 0 && write_records(w, next, arg) == 0)
		rc = write_index(w);
	if (H5Fclose(w->file) < 0 && rc == 0)
		rc = broken(w, "the end of the file");
	if (close(w->b.s.fd) != 0 && rc == 0)
		rc = fail(w->err, "%s: cannot write: %s", w->temporary, strerror(errno));
	return rc;
}

int shard_write(const char *path, const struct shard_meta *meta, uint32_t count,
	uint64_t image_bytes, uint64_t mask_bytes,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg,
	char err[ERR_MAX])
{
	struct writer w = { .meta = meta,
		.temporary = file_temporary_name(path),
		.string = H5Tcopy(H5T_C_S1),
		.err = err };
	int rc;

	CHECK(count > 0, "%s: a shard of no images", path);
	H5Tset_size(w.string, H5T_VARIABLE);
	H5Tset_cset(w.string, H5T_CSET_UTF8);
	shard_build_init(&w.b, path, count, meta->masks);
	w.b.s.images.bytes = image_bytes;
	w.b.s.masks.bytes = mask_bytes;
	rc = write_file(&w, next, arg);
	if (rc == 0)
		rc = file_commit(w.temporary, path, err);
	if (rc != 0)
		unlink(w.temporary);
	shard_build_free(&w.b);
	H5Tclose(w.string);
	xfree(w.temporary);
	return rc;
}
