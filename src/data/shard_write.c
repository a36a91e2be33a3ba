/* shard_write.c - writing a shard.
 * HDF5 lays the file out with its two large data sets allocated first; the records go to their
 * place by pwrite, the index, known only then, follows through HDF5.  No times are stored: the same
 * records give the same bytes. */
#include "autoconfig.h" /* memfd_create is GNU's */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/shard_sets.h"

enum { ALIGNMENT = 4096 };

static int write_meta(struct shard_writer *w)
{
	const struct shard_meta *m = w->meta;

	if (shard_put_number(w, w->file, "format_version", H5T_STD_I32LE, SHARD_FORMAT_VERSION) !=
			0 ||
		shard_put_number(w, w->file, "shard", H5T_STD_I32LE, m->shard) != 0 ||
		shard_put_number(w, w->file, "shards", H5T_STD_I32LE, m->shards) != 0 ||
		shard_put_text(w, "name", &m->name, -1) != 0 ||
		shard_put_text(w, "split", &m->split, -1) != 0)
		return -1;
	return shard_put_text(w, "classes", m->classes, m->class_count);
}

static int create_bytes(struct shard_writer *w, struct shard_blobs *b, const char *name)
{
	hid_t set = shard_create_set(w, name, H5T_STD_U8LE, b->bytes, 1);

	if (set < 0)
		return -1;
	b->at = H5Dget_offset(set);
	CHECK(b->bytes == 0 || b->at != HADDR_UNDEF, "%s: %s has no place in the file", w->b.s.path,
		name);
	H5Dclose(set);
	return 0;
}

static int write_keys(struct shard_writer *w)
{
	struct shard_strings *keys = &w->b.s.keys;
	hid_t type;
	int rc;

	type = shard_string_type(keys);
	rc = shard_put_array(w, "/keys", type, keys->text, keys->count, 1);
	H5Tclose(type);
	return rc;
}

static int write_index(struct shard_writer *w)
{
	const struct shard *s = &w->b.s;
	uint64_t n = s->count;

	if (shard_put_array(w, "/images/offset", H5T_STD_U64LE, s->images.offset, n + 1, 1) != 0 ||
		shard_put_array(w, "/images/crc32c", H5T_STD_U32LE, s->images.crc, n, 1) != 0 ||
		shard_put_array(w, "/images/size", H5T_STD_U32LE, s->size, n, 2) != 0 ||
		shard_put_array(w, "/labels/offset", H5T_STD_U64LE, s->label_offset, n + 1, 1) !=
			0 ||
		shard_put_array(w, "/labels/values", H5T_STD_I32LE, s->labels, s->label_total, 1) !=
			0 ||
		write_keys(w) != 0)
		return -1;
	if (!s->masked)
		return 0;
	if (shard_put_array(w, "/masks/offset", H5T_STD_U64LE, s->masks.offset, n + 1, 1) != 0 ||
		shard_put_array(w, "/masks/crc32c", H5T_STD_U32LE, s->masks.crc, n, 1) != 0)
		return -1;
	return shard_put_array(w, "/masks/foreground", H5T_IEEE_F32LE, s->foreground, n, 1);
}

static int create_layout(struct shard_writer *w)
{
	if (shard_put_group(w, "/images") != 0 || shard_put_group(w, "/labels") != 0 ||
		create_bytes(w, &w->b.s.images, "/images/bytes") != 0)
		return -1;
	if (!w->b.s.masked)
		return 0;
	if (shard_put_group(w, "/masks") != 0)
		return -1;
	return create_bytes(w, &w->b.s.masks, "/masks/bytes");
}

static int create_file(struct shard_writer *w)
{
	char why[ERR_MAX];
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
	/* so that /images/bytes is aligned even when small, and little else is */
	hsize_t threshold = w->b.s.images.bytes < ALIGNMENT ? w->b.s.images.bytes : ALIGNMENT;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* we say what is wrong ourselves */
	H5Pset_alignment(access, threshold, ALIGNMENT);
	H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
	/* 1.10's format carries checksums of its own, in every header */
	H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
	H5Pset_obj_track_times(create, 0);
	w->file = H5Fcreate(w->temporary, H5F_ACC_TRUNC, create, access);
	if (w->file < 0)
		shard_hdf5_reason(why);
	H5Pclose(create);
	H5Pclose(access);
	return w->file >= 0 ? 0 : fail(w->err, "%s: cannot create: %.200s", w->temporary, why);
}

static int write_records(struct shard_writer *w,
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

/* The library crashes at the end of the process when it could not write all of a file that it
 * closed.  What it still has to write to a file that is given up goes to memory instead, and is
 * dropped. */
static void abandon(struct shard_writer *w)
{
	int nowhere = memfd_create("abandoned shard", MFD_CLOEXEC);
	void *fd;

	if (nowhere >= 0 && H5Fget_vfd_handle(w->file, H5P_DEFAULT, &fd) >= 0)
		dup2(nowhere, *(int *)fd);
	if (nowhere >= 0)
		close(nowhere);
}

/* HDF5 keeps what it knows of a file in memory to the end, and does not get over a disk that is
 * full then.  So room is taken before: for what lies before the records ... */
static int reserve_head(struct shard_writer *w)
{
	const struct shard_blobs *images = &w->b.s.images, *masks = &w->b.s.masks;
	struct stat st;

	if (fstat(w->b.s.fd, &st) != 0)
		return fail(w->err, "%s: %s", w->temporary, strerror(errno));
	if (shard_build_zeros(&w->b, (uint64_t)st.st_size, images->at, w->err) != 0)
		return -1;
	return masks->bytes == 0
		? 0
		: shard_build_zeros(&w->b, images->at + images->bytes, masks->at, w->err);
}

/* An upper bound of what the index takes. */
static uint64_t index_room(const struct shard_writer *w)
{
	const struct shard *s = &w->b.s;
	uint64_t width = 0, room = (uint64_t)16 * ALIGNMENT;

	for (int i = 0; i < w->meta->class_count; i++)
		if (strlen(w->meta->classes[i]) >= width)
			width = strlen(w->meta->classes[i]) + 1;
	room += 4 * width * (uint64_t)w->meta->class_count; /* heaps grow by doubling */
	room += s->keys.count * s->keys.width + s->label_total * sizeof(int32_t);
	return room + (uint64_t)s->count * (3 * sizeof(uint64_t) + 5 * sizeof(uint32_t));
}

/* ... and for what lies after them; what is too much is cut off again. */
static int reserve_tail(struct shard_writer *w)
{
	const struct shard_blobs *images = &w->b.s.images, *masks = &w->b.s.masks;
	uint64_t end = images->at + images->bytes;

	/* small data sets may lie in another order than they were made */
	if (masks->bytes > 0 && masks->at + masks->bytes > end)
		end = masks->at + masks->bytes;
	return shard_build_zeros(&w->b, end, end + index_room(w), w->err);
}

static int finish(struct shard_writer *w)
{
	hsize_t bytes;

	if (H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0 || H5Fget_filesize(w->file, &bytes) < 0)
		return shard_put_failed(w, "the end of the file");
	w->b.s.file_bytes = bytes;
	return 0;
}

static int write_content(struct shard_writer *w,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg)
{
	w->b.s.fd = open(w->temporary, O_WRONLY | O_CLOEXEC);
	if (w->b.s.fd < 0)
		return fail(w->err, "%s: %s", w->temporary, strerror(errno));
	if (create_layout(w) != 0 || reserve_head(w) != 0 || write_records(w, next, arg) != 0)
		return -1;
	shard_strings_set(&w->b.s.keys, (const char *const *)w->b.keys, w->b.s.count);
	if (reserve_tail(w) != 0 || write_meta(w) != 0 || write_index(w) != 0)
		return -1;
	return finish(w);
}

static int write_file(struct shard_writer *w,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg)
{
	int rc;

	if (create_file(w) != 0)
		return -1;
	rc = write_content(w, next, arg);
	if (rc != 0)
		abandon(w);
	if (H5Fclose(w->file) < 0 && rc == 0)
		rc = shard_put_failed(w, "the end of the file");
	if (rc == 0 && ftruncate(w->b.s.fd, (off_t)w->b.s.file_bytes) != 0)
		rc = fail(w->err, "%s: cannot cut: %s", w->temporary, strerror(errno));
	if (w->b.s.fd >= 0 && close(w->b.s.fd) != 0 && rc == 0)
		rc = fail(w->err, "%s: cannot write: %s", w->temporary, strerror(errno));
	return rc;
}

int shard_write(const char *path, const struct shard_meta *meta, uint32_t count,
	uint64_t image_bytes, uint64_t mask_bytes,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg,
	char err[ERR_MAX])
{
	struct shard_writer w = {
		.meta = meta, .temporary = file_temporary_name(path), .err = err
	};
	int rc;

	CHECK(count > 0, "%s: a shard of no images", path);
	shard_build_init(&w.b, path, count, meta->masks);
	w.b.s.images.bytes = image_bytes;
	w.b.s.masks.bytes = mask_bytes;
	rc = write_file(&w, next, arg);
	rc = file_finish(rc, w.temporary, path, err);
	shard_build_free(&w.b);
	xfree(w.temporary);
	return rc;
}
