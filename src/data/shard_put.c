/* shard_put.c - the groups, attributes and index data sets of a shard being written, through HDF5.
 */
#include <string.h>

#include "base/crc.h"
#include "data/shard_sets.h"

int shard_put_failed(struct shard_writer *w, const char *what)
{
	char why[ERR_MAX];

	shard_hdf5_reason(why);
	return fail(
		w->err, "%s: cannot write %s (%.200s): is the disk full?", w->b.s.path, what, why);
}

int shard_put_number(
	struct shard_writer *w, hid_t loc, const char *name, hid_t type, long long value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t a = H5Acreate2(loc, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	int ok = a >= 0 && H5Awrite(a, H5T_NATIVE_LLONG, &value) >= 0;

	if (a >= 0)
		ok = H5Aclose(a) >= 0 && ok;
	H5Sclose(space);
	return ok ? 0 : shard_put_failed(w, name);
}

hid_t shard_string_type(const struct shard_strings *list)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	H5Tset_size(type, list->width);
	H5Tset_cset(type, H5T_CSET_UTF8);
	return type;
}

int shard_put_text(struct shard_writer *w, const char *name, const char *const *text, int n)
{
	hsize_t dim = (hsize_t)(n < 0 ? 1 : n);
	hid_t space = n < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &dim, NULL), type, a;
	struct shard_strings list;
	int ok;

	shard_strings_set(&list, text, dim);
	type = shard_string_type(&list);
	a = H5Acreate2(w->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	ok = a >= 0 && (dim == 0 || H5Awrite(a, type, list.text) >= 0);
	if (a >= 0)
		ok = H5Aclose(a) >= 0 && ok;
	H5Sclose(space);
	H5Tclose(type);
	shard_strings_free(&list);
	return ok ? 0 : shard_put_failed(w, name);
}

hid_t shard_create_set(
	struct shard_writer *w, const char *name, hid_t type, uint64_t rows, int columns)
{
	hsize_t dims[2] = { rows, (hsize_t)columns };
	hid_t space = H5Screate_simple(columns > 1 ? 2 : 1, dims, NULL);
	hid_t create = H5Pcreate(H5P_DATASET_CREATE), set;

	H5Pset_obj_track_times(create, 0);
	H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
	H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
	set = H5Dcreate2(w->file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
	H5Pclose(create);
	H5Sclose(space);
	if (set < 0)
		shard_put_failed(w, name);
	return set;
}

int shard_put_array(struct shard_writer *w, const char *name, hid_t type, const void *rows,
	uint64_t count, int columns)
{
	size_t bytes = (size_t)count * (size_t)columns * H5Tget_size(type);
	hid_t set = shard_create_set(w, name, type, count, columns);
	int rc = 0;

	if (set < 0)
		return -1;
	if (count > 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) < 0)
		rc = shard_put_failed(w, name);
	if (rc == 0)
		rc = shard_put_number(w, set, "crc32c", H5T_STD_U32LE, crc32c(0, rows, bytes));
	if (H5Dclose(set) < 0 && rc == 0)
		rc = shard_put_failed(w, name);
	return rc;
}

int shard_put_group(struct shard_writer *w, const char *name)
{
	hid_t create = H5Pcreate(H5P_GROUP_CREATE), group;

	H5Pset_obj_track_times(create, 0);
	group = H5Gcreate2(w->file, name, H5P_DEFAULT, create, H5P_DEFAULT);
	H5Pclose(create);
	if (group < 0)
		return shard_put_failed(w, name);
	H5Gclose(group);
	return 0;
}
