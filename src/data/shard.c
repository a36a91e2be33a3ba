/* shard.c - opening a shard.
 * All that describes the records is read through HDF5 once, and checked; then the HDF5 file is
 * closed and only a file descriptor stays, so that threads read records side by side without the
 * library's global lock. */
#include "data/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/shard_sets.h"

void shard_hdf5_version(char text[32])
{
	unsigned major = 0, minor = 0, release = 0;

	H5get_libversion(&major, &minor, &release);
	snprintf(text, 32, "%u.%u.%u", major, minor, release);
}

/* Where the bytes of all records lie in the file. */
static int find_bytes(struct shard_opener *o, struct shard_blobs *blobs, const char *name)
{
	int64_t rows = -1;
	hid_t set = shard_open_set(o, name, H5T_STD_U8LE, 1, &rows);
	haddr_t at;

	if (set < 0)
		return -1;
	at = H5Dget_offset(set); /* undefined for chunked, compact and empty data sets */
	H5Dclose(set);
	blobs->bytes = (uint64_t)rows;
	blobs->at = rows > 0 ? at : 0;
	if (rows > 0 &&
		(at == HADDR_UNDEF || at > o->s->file_bytes ||
			blobs->bytes > o->s->file_bytes - at))
		return shard_damaged(o->s, o->err, "the bytes of %s are not inside the file", name);
	return 0;
}

static int read_masks(struct shard_opener *o)
{
	struct shard *s = o->s;
	int64_t n = s->count, n1 = n + 1;

	s->masked = H5Lexists(o->file, "masks", H5P_DEFAULT) > 0;
	if (!s->masked)
		return 0;
	if (find_bytes(o, &s->masks, "/masks/bytes") != 0 ||
		shard_read_array(o, (void **)&s->masks.offset, "/masks/offset", H5T_STD_U64LE, 1,
			&n1) != 0 ||
		shard_read_array(
			o, (void **)&s->masks.crc, "/masks/crc32c", H5T_STD_U32LE, 1, &n) != 0)
		return -1;
	return shard_read_array(
		o, (void **)&s->foreground, "/masks/foreground", H5T_IEEE_F32LE, 1, &n);
}

static int read_labels(struct shard_opener *o)
{
	struct shard *s = o->s;
	int64_t n1 = (int64_t)s->count + 1, total = -1;

	if (shard_read_array(
		    o, (void **)&s->label_offset, "/labels/offset", H5T_STD_U64LE, 1, &n1) != 0 ||
		shard_read_array(
			o, (void **)&s->labels, "/labels/values", H5T_STD_I32LE, 1, &total) != 0)
		return -1;
	s->label_total = (uint64_t)total;
	return shard_read_classes(o);
}

static int read_images(struct shard_opener *o)
{
	struct shard *s = o->s;
	int64_t n, n1 = -1;

	if (find_bytes(o, &s->images, "/images/bytes") != 0 ||
		shard_read_array(o, (void **)&s->images.offset, "/images/offset", H5T_STD_U64LE, 1,
			&n1) != 0)
		return -1;
	n = n1 - 1;
	if (n < 1 || n >= UINT32_MAX)
		return shard_damaged(
			o->s, o->err, "/images/offset is for %lld images", (long long)n);
	s->count = (uint32_t)n;
	if (shard_read_array(o, (void **)&s->images.crc, "/images/crc32c", H5T_STD_U32LE, 1, &n) !=
		0)
		return -1;
	return shard_read_array(o, (void **)&s->size, "/images/size", H5T_STD_U32LE, 2, &n);
}

static int read_all(struct shard_opener *o)
{
	long long version;

	if (shard_read_number(o, o->file, "the file", "format_version", &version) != 0)
		return -1;
	if (version != SHARD_FORMAT_VERSION)
		return fail(o->err,
			"%s: format version %lld, but this program reads version %d: pack the data "
			"set again",
			o->s->path, version, SHARD_FORMAT_VERSION);
	if (read_images(o) != 0 || read_labels(o) != 0 || shard_read_keys(o) != 0 ||
		read_masks(o) != 0)
		return -1;
	return shard_check(o->s, o->err);
}

static hid_t open_file(const char *path, char why[ERR_MAX])
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), file;

	H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
	file = H5Fopen(path, H5F_ACC_RDONLY, access);
	if (file < 0)
		shard_hdf5_reason(why);
	H5Pclose(access);
	return file;
}

/* A descriptor of the file, and its size; or -1. */
static int open_descriptor(const char *path, uint64_t *bytes, char err[ERR_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return fail(err, "%s: cannot open: %s%s", path, strerror(errno),
			errno == EMFILE ? " (raise ulimit -n: one is taken for each shard)" : "");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return fail(err, "%s: not a regular file", path);
	}
	*bytes = (uint64_t)st.st_size;
	/* records are read in random order: what follows one is not worth fetching */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fd;
}

static int load(struct shard *s, char err[ERR_MAX])
{
	struct shard_opener o = { .s = s, .err = err };
	char why[ERR_MAX];
	int rc;

	s->fd = open_descriptor(s->path, &s->file_bytes, err);
	if (s->fd < 0)
		return -1;
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* we say what is wrong ourselves */
	o.file = open_file(s->path, why);
	if (o.file < 0)
		return shard_damaged(s, err, "not a whole HDF5 file (%.200s)", why);
	rc = read_all(&o);
	H5Fclose(o.file);
	return rc;
}

struct shard *shard_open(const char *path, char err[ERR_MAX])
{
	struct shard *s = xcalloc(1, sizeof *s);

	s->path = xstrdup(path);
	if (load(s, err) == 0)
		return s;
	shard_close(s);
	return NULL;
}

int shard_move(struct shard *s, const char *copy, char err[ERR_MAX])
{
	uint64_t bytes = 0;
	int fd = open_descriptor(copy, &bytes, err);

	if (fd < 0)
		return -1;
	if (bytes != s->file_bytes) {
		close(fd);
		return fail(err, "%s: %llu bytes, but the shard has %llu", copy,
			(unsigned long long)bytes, (unsigned long long)s->file_bytes);
	}
	close(s->fd);
	xfree(s->path);
	s->fd = fd;
	s->path = xstrdup(copy);
	return 0;
}
