/* shard_sets.c - the data sets and attributes of a shard through HDF5, each checked for its type,
 * shape and checksum. */
#include "data/shard_sets.h"

#include <string.h>

#include "base/crc.h"
#include "base/memory.h"

static herr_t innermost(unsigned n, const H5E_error2_t *e, void *text)
{
	static const char mark[] = "error message = '";
	const char *reason = e->desc ? e->desc : "unknown reason", *system = strstr(reason, mark);

	(void)n;
	if (system)
		reason = system + strlen(mark);
	fail(text, "%.*s", (int)strcspn(reason, system ? "'" : "\n"), reason);
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

/* -1, or the type of strings as shard_string_type makes it. */
static hid_t checked_string(hid_t type, uint64_t count, uint64_t file_bytes)
{
	if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
		H5Tget_strpad(type) == H5T_STR_NULLTERM && count <= file_bytes / H5Tget_size(type))
		return type;
	if (type >= 0)
		H5Tclose(type);
	return -1;
}

/* Every string ends inside its own place. */
static int all_end(const struct shard_strings *list)
{
	for (uint64_t i = 0; i < list->count; i++)
		if (list->text[(i + 1) * list->width - 1] != 0)
			return 0;
	return 1;
}

static hid_t type_of_keys(struct shard_opener *o)
{
	hid_t set = H5Dopen2(o->file, "/keys", H5P_DEFAULT), type;

	if (set < 0)
		return shard_damaged(o->s, o->err, "cannot open the data set /keys");
	type = checked_string(H5Dget_type(set), o->s->count, o->s->file_bytes);
	H5Dclose(set);
	return type >= 0 ? type
			 : shard_damaged(o->s, o->err, "/keys does not hold strings of one length");
}

int shard_read_keys(struct shard_opener *o)
{
	struct shard_strings *keys = &o->s->keys;
	int64_t rows = o->s->count;
	hid_t type = type_of_keys(o);
	int rc;

	if (type < 0)
		return -1;
	*keys = (struct shard_strings){ (uint64_t)rows, H5Tget_size(type), NULL };
	rc = shard_read_array(o, (void **)&keys->text, "/keys", type, 1, &rows);
	H5Tclose(type);
	if (rc == 0 && !all_end(keys))
		rc = shard_damaged(o->s, o->err, "a string of /keys has no end");
	return rc;
}

static int read_class_names(struct shard_opener *o, hid_t a, hid_t space)
{
	struct shard_strings *classes = &o->s->classes;
	hssize_t n = H5Sget_simple_extent_npoints(space);
	hid_t type = n < 0 || n > INT32_MAX
		? -1
		: checked_string(H5Aget_type(a), (uint64_t)n, o->s->file_bytes);
	int ok;

	if (type < 0)
		return -1;
	*classes = (struct shard_strings){ (uint64_t)n, H5Tget_size(type), NULL };
	classes->text = xcalloc(classes->count, classes->width);
	ok = (n == 0 || H5Aread(a, type, classes->text) >= 0) && all_end(classes);
	H5Tclose(type);
	return ok ? 0 : -1;
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
