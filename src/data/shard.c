/* shard.c - opening a shard.
 * All that describes the records is read through HDF5 once, and checked; then the HDF5 file is
 * closed and only a file descriptor stays, so that threads read records side by side without the
 * library's global lock. */
#include "data/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hdf5.h>

#include "base/crc.h"
#include "base/memory.h"
#include "data/shard_index.h"

struct opener {
	struct shard *s;
	hid_t file, string; /* the string type of keys and classes */
	char *err;
};

static herr_t innermost(unsigned n, const H5E_error2_t *e, void *text)
{
	(void)n;
	fail(text, "%s", e->desc ? e->desc : "unknown reason");
	return 1; /* the first one visited is the deepest: enough */
}

void shard_hdf5_reason(char text[ERR_MAX])
{
	fail(text, "unknown reason");
	H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
}

/* The one number that an attribute of loc holds. */
static int read_number(
	struct opener *o, hid_t loc, const char *where, const char *name, long long *value)
{
	hid_t a = H5Aopen(loc, name, H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
	int ok = space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
		 H5Aread(a, H5T_NATIVE_LLONG, value) >= 0;

	if (space >= 0)
		H5Sclose(space);
	if (a >= 0)
		H5Aclose(a);
	return ok ? 0 : shard_damaged(o->s, o->err, "%s has no number '%s'", where, name);
}

static int check_crc(struct opener *o, hid_t set, const char *name, const void *bytes, size_t n)
{
	long long crc;

	if (read_number(o, set, name, "crc32c", &crc) != 0)
		return -1;
	if (crc != (long long)crc32c(0, bytes, n))
		return shard_damaged(
			o->s, o->err, "the checksum of %s does not match its content", name);
	return 0;
}

/* Number of rows of a data set of type with columns columns, or -1 when it is of another kind. */
static int64_t set_rows(hid_t set, hid_t type, int columns)
{
	hid_t space = H5Dget_space(set), stored = H5Dget_type(set);
	hsize_t dims[2] = { 0, 1 };
	int64_t rows = -1;

	if (space >= 0 && stored >= 0 && H5Tequal(stored, type) > 0 &&
		H5Sget_simple_extent_ndims(space) == (columns > 1 ? 2 : 1) &&
		H5Sget_simple_extent_dims(space, dims, NULL) > 0 && dims[1] == (hsize_t)columns)
		rows = (int64_t)dims[0];
	if (stored >= 0)
		H5Tclose(stored);
	if (space >= 0)
		H5Sclose(space);
	return rows;
}

/* Open a data set and check its kind, and its number of rows unless *rows is -1: then it is set. */
static hid_t open_set(struct opener *o, const char *name, hid_t type, int columns, int64_t *rows)
{
	hid_t set = H5Dopen2(o->file, name, H5P_DEFAULT);
	int64_t found;

	if (set < 0)
		return shard_damaged(o->s, o->err, "cannot open the data set %s", name);
	found = set_rows(set, type, columns);
	if (found < 0)
		shard_damaged(o->s, o->err, "%s is not of the type and shape of version %d", name,
			SHARD_FORMAT_VERSION);
	else if (*rows >= 0 && found != *rows)
		shard_damaged(o->s, o->err, "%s has %lld entries where %lld are expected", name,
			(long long)found, (long long)*rows);
	else if ((uint64_t)found > o->s->file_bytes / (H5Tget_size(type) * (size_t)columns))
		shard_damaged(o->s, o->err, "%s is larger than the file", name);
	else
		return *rows = found, set;
	H5Dclose(set);
	return -1;
}

/* Read a whole index data set; *out is the shard's. */
static int read_array(
	struct opener *o, void **out, const char *name, hid_t type, int columns, int64_t *rows)
{
	hid_t set = open_set(o, name, type, columns, rows);
	size_t bytes;
	int rc;

	if (set < 0)
		return -1;
	bytes = (size_t)*rows * (size_t)columns * H5Tget_size(type);
	*out = xmalloc(bytes);
	if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
		rc = shard_damaged(o->s, o->err, "cannot read %s", name);
	else
		rc = check_crc(o, set, name, *out, bytes);
	H5Dclose(set);
	return rc;
}

void shard_strings_set(struct shard_strings *list, const char *const *strings, uint64_t count)
{
	size_t bytes = 0;
	char *to;

	for (uint64_t i = 0; i < count; i++)
		bytes += (strings[i] ? strlen(strings[i]) : 0) + 1;
	*list = (struct shard_strings){ .count = count, .bytes = bytes };
	to = list->text = xmalloc(bytes);
	list->at = xcalloc(count, sizeof *list->at);
	for (uint64_t i = 0; i < count; i++) {
		list->at[i] = to;
		to = stpcpy(to, strings[i] ? strings[i] : "") + 1;
	}
}

void shard_strings_free(struct shard_strings *list)
{
	xfree(list->text);
	xfree(list->at);
}

static int read_keys(struct opener *o)
{
	int64_t rows = o->s->count;
	hid_t set = open_set(o, "/keys", o->string, 1, &rows), space;
	char **keys;
	int rc;

	if (set < 0)
		return -1;
	keys = xcalloc((size_t)rows, sizeof *keys);
	space = H5Dget_space(set);
	if (H5Dread(set, o->string, H5S_ALL, H5S_ALL, H5P_DEFAULT, keys) < 0) {
		rc = shard_damaged(o->s, o->err, "cannot read /keys");
	} else {
		shard_strings_set(&o->s->keys, (const char *const *)keys, (uint64_t)rows);
		rc = check_crc(o, set, "/keys", o->s->keys.text, o->s->keys.bytes);
		H5Dvlen_reclaim(o->string, space, H5P_DEFAULT, keys);
	}
	H5Sclose(space);
	H5Dclose(set);
	xfree(keys);
	return rc;
}

static int read_class_names(struct opener *o, hid_t a, hid_t space)
{
	hssize_t n = H5Sget_simple_extent_npoints(space);
	hid_t type = H5Aget_type(a);
	char **names;
	int rc = -1;

	/* labels are int32 */
	if (n >= 0 && n <= INT32_MAX && type >= 0 && H5Tequal(type, o->string) > 0) {
		names = xcalloc((size_t)n, sizeof *names);
		if (n == 0 || H5Aread(a, o->string, names) >= 0) {
			shard_strings_set(&o->s->classes, (const char *const *)names, (uint64_t)n);
			H5Dvlen_reclaim(o->string, space, H5P_DEFAULT, names);
			rc = 0;
		}
		xfree(names);
	}
	if (type >= 0)
		H5Tclose(type);
	return rc;
}

static int read_classes(struct opener *o)
{
	hid_t a = H5Aopen(o->file, "classes", H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
	int rc = -1;

	if (space >= 0)
		rc = read_class_names(o, a, space);
	if (space >= 0)
		H5Sclose(space);
	if (a >= 0)
		H5Aclose(a);
	return rc == 0 ? 0 : shard_damaged(o->s, o->err, "cannot read the list of classes");
}

/* Where the bytes of all records lie in the file. */
static int find_bytes(struct opener *o, struct shard_blobs *blobs, const char *name)
{
	int64_t rows = -1;
	hid_t set = open_set(o, name, H5T_STD_U8LE, 1, &rows);
	haddr_t at;

	if (set < 0)
		return -1;
	at = H5Dget_offset(set); /* undefined for chunked, compact and empty data sets */
	H5Dclose(set);
	blobs->bytes = (uint64_t)rows;
	blobs->at = rows > 0 ? at : 0;
	if (rows > 0 && (at == HADDR_UNDEF || at > o->s->file_bytes ||
				blobs->bytes > o->s->file_bytes - at))
		return shard_damaged(o->s, o->err, "the bytes of %s are not inside the file", name);
	return 0;
}

static int read_masks(struct opener *o)
{
	struct shard *s = o->s;
	int64_t n = s->count, n1 = n + 1;

	s->masked = H5Lexists(o->file, "masks", H5P_DEFAULT) > 0;
	if (!s->masked)
		return 0;
	if (find_bytes(o, &s->masks, "/masks/bytes") != 0 ||
		read_array(o, (void **)&s->masks.offset, "/masks/offset", H5T_STD_U64LE, 1, &n1) !=
			0 ||
		read_array(o, (void **)&s->masks.crc, "/masks/crc32c", H5T_STD_U32LE, 1, &n) != 0)
		return -1;
	return read_array(o, (void **)&s->foreground, "/masks/foreground", H5T_IEEE_F32LE, 1, &n);
}

static int read_labels(struct opener *o)
{
	struct shard *s = o->s;
	int64_t n1 = (int64_t)s->count + 1, total = -1;

	if (read_array(o, (void **)&s->label_offset, "/labels/offset", H5T_STD_U64LE, 1, &n1) !=
			0 ||
		read_array(o, (void **)&s->labels, "/labels/values", H5T_STD_I32LE, 1, &total) != 0)
		return -1;
	s->label_total = (uint64_t)total;
	return read_classes(o);
}

static int read_images(struct opener *o)
{
	struct shard *s = o->s;
	int64_t n, n1 = -1;

	if (find_bytes(o, &s->images, "/images/bytes") != 0 ||
		read_array(o, (void **)&s->images.offset, "/images/offset", H5T_STD_U64LE, 1,
			&n1) != 0)
		return -1;
	n = n1 - 1;
	if (n < 1 || n >= UINT32_MAX)
		return shard_damaged(
			o->s, o->err, "/images/offset is for %lld images", (long long)n);
	s->count = (uint32_t)n;
	if (read_array(o, (void **)&s->images.crc, "/images/crc32c", H5T_STD_U32LE, 1, &n) != 0)
		return -1;
	return read_array(o, (void **)&s->size, "/images/size", H5T_STD_U32LE, 2, &n);
}

static int read_all(struct opener *o)
{
	long long version;

	if (read_number(o, o->file, "the file", "format_version", &version) != 0)
		return -1;
	if (version != SHARD_FORMAT_VERSION)
		return fail(o->err,
			"%s: format version %lld, but this program reads version %d: pack the data "
			"set again",
			o->s->path, version, SHARD_FORMAT_VERSION);
	if (read_images(o) != 0 || read_labels(o) != 0 || read_keys(o) != 0 || read_masks(o) != 0)
		return -1;
	return shard_check(o->s, o->err);
}

static hid_t open_file(const char *path, char why[ERR_MAX])
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), file;

	/* A finished shard never changes, and some file systems have no locks. */
	H5Pset_file_locking(access, 0, 1);
	H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
	file = H5Fopen(path, H5F_ACC_RDONLY, access);
	if (file < 0)
		shard_hdf5_reason(why);
	H5Pclose(access);
	return file;
}

static int open_descriptor(struct shard *s, char err[ERR_MAX])
{
	struct stat st;

	s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return fail(err, "%s: cannot open: %s%s", s->path, strerror(errno),
			errno == EMFILE ? " (raise ulimit -n: one is taken for each shard)" : "");
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail(err, "%s: not a regular file", s->path);
	s->file_bytes = (uint64_t)st.st_size;
	return 0;
}

static int load(struct shard *s, char err[ERR_MAX])
{
	struct opener o = { .s = s, .err = err };
	char why[ERR_MAX];
	int rc;

	if (open_descriptor(s, err) != 0)
		return -1;
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* we say what is wrong ourselves */
	o.file = open_file(s->path, why);
	if (o.file < 0)
		return shard_damaged(s, err, "not a whole HDF5 file (%.200s)", why);
	o.string = H5Tcopy(H5T_C_S1);
	H5Tset_size(o.string, H5T_VARIABLE);
	H5Tset_cset(o.string, H5T_CSET_UTF8);
	rc = read_all(&o);
	H5Tclose(o.string);
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
