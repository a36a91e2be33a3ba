/* shard_sets.c - the data sets and attributes of a shard through HDF5, each checked for its type,
 * shape and checksum. */
#include "data/shard_sets.h"

#include "base/crc.h"
#include "base/memory.h"

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

int shard_read_number(
	struct shard_opener *o, hid_t loc, const char *where, const char *name, long long *value)
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

static int check_crc(
	struct shard_opener *o, hid_t set, const char *name, const void *bytes, size_t n)
{
	long long crc;

	if (shard_read_number(o, set, name, "crc32c", &crc) != 0)
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

hid_t shard_open_set(
	struct shard_opener *o, const char *name, hid_t type, int columns, int64_t *rows)
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

int shard_read_array(struct shard_opener *o, void **out, const char *name, hid_t type, int columns,
	int64_t *rows)
{
	hid_t set = shard_open_set(o, name, type, columns, rows);
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

int shard_read_keys(struct shard_opener *o)
{
	int64_t rows = o->s->count;
	hid_t set = shard_open_set(o, "/keys", o->string, 1, &rows), space;
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

static int read_class_names(struct shard_opener *o, hid_t a, hid_t space)
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

int shard_read_classes(struct shard_opener *o)
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
