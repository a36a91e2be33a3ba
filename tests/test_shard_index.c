/* Shards whose HDF5 is sound and whose index is not: each fault is named. */
#include "test.h"

#include <math.h>
#include <string.h>

#include <hdf5.h>

#include "base/crc.h"
#include "data/shard.h"
#include "data_fixture.h"

/* Put another data set in the place of one, its checksum right, so that the checks after it are
 * met. */
struct change {
	const char *name;
	int kind; /* 0: uint64, 1: uint32, 2: int32, 3: float, 4: (n, 2) uint32, 5: float64 */
	int count;
	double values[8];
	const char *says;
};

/* The values in the form of the kind; returns the bytes. */
static size_t fill(void *to, const struct change *c)
{
	static const size_t sizes[] = { 8, 4, 4, 4, 4, 8 };

	for (int i = 0; i < c->count; i++) {
		uint64_t u64 = (uint64_t)c->values[i];
		uint32_t u32 = (uint32_t)(int64_t)c->values[i]; /* of int32 too */
		float f = (float)c->values[i];
		const void *forms[] = { &u64, &u32, &u32, &f, &u32, &c->values[i] };

		memcpy((char *)to + (size_t)i * sizes[c->kind], forms[c->kind], sizes[c->kind]);
	}
	return (size_t)c->count * sizes[c->kind];
}

static void put_number(hid_t loc, const char *name, long long value)
{
	hid_t space = H5Screate(H5S_SCALAR), a = H5Acreate2(loc, name, H5T_STD_I64LE, space, 0, 0);

	assert_true(H5Awrite(a, H5T_NATIVE_LLONG, &value) >= 0);
	H5Aclose(a);
	H5Sclose(space);
}

static void apply(const char *path, const struct change *c)
{
	const hid_t types[] = { H5T_STD_U64LE, H5T_STD_U32LE, H5T_STD_I32LE, H5T_IEEE_F32LE,
		H5T_STD_U32LE, H5T_IEEE_F64LE };
	hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space, set, type = types[c->kind];
	hsize_t dims[2] = { (hsize_t)c->count / (c->kind == 4 ? 2 : 1), 2 };
	char raw[64];
	size_t n = fill(raw, c);

	assert_true(file >= 0 && H5Ldelete(file, c->name, H5P_DEFAULT) >= 0);
	if (c->count > 0) {
		space = H5Screate_simple(c->kind == 4 ? 2 : 1, dims, NULL);
		set = H5Dcreate2(file, c->name, type, space, 0, 0, 0);
		assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) >= 0);
		put_number(set, "crc32c", crc32c(0, raw, n));
		H5Dclose(set);
		H5Sclose(space);
	}
	H5Fclose(file);
}

/* The fixture of three records has images of 9 x 9, 14 x 12 and 19 x 15 pixels, labels 0 1 2, masks
 * of 18, 24 and 0 bytes. */
static const struct change changes[] = {
	{ "/images/offset", 0, 4, { 0, 10, 20, 30 }, "/images/offset does not run from 0 to" },
	{ "/images/offset", 0, 4, { 0, 900, 20, -1 }, "/images/offset does not run from 0 to" },
	{ "/labels/offset", 0, 4, { 0, 2, 1, 3 }, "/labels/offset is out of order at record 1" },
	{ "/labels/offset", 0, 4, { 1, 1, 2, 3 }, "/labels/offset does not run from 0 to 3" },
	{ "/labels/offset", 0, 4, { 0, 1, 2, 2 }, "/labels/offset does not run from 0 to 3" },
	{ "/labels/offset", 0, 3, { 0, 1, 3 },
		"/labels/offset has 3 entries where 4 are expected" },
	{ "/labels/values", 2, 3, { 0, 1, 3 }, "label 3 is not one of the 3 classes" },
	{ "/labels/values", 2, 3, { 0, -1, 2 }, "label -1 is not one of the 3 classes" },
	{ "/labels/values", 1, 3, { 0, 1, 2 }, "/labels/values is not of the type" },
	{ "/images/crc32c", 1, 2, { 0, 1 }, "/images/crc32c has 2 entries where 3 are expected" },
	{ "/images/crc32c", 5, 3, { 0, 1, 2 }, "/images/crc32c is not of the type" },
	{ "/images/size", 4, 6, { 9, 9, 14, 0, 19, 15 }, "record 1 is of 14 x 0 pixels" },
	{ "/images/size", 4, 6, { 9, 9, 14, 12, 10000, 10000 },
		"record 2 is of 10000 x 10000 pixels" },
	{ "/images/size", 4, 6, { 9, 9, 14, 13, 19, 15 },
		"the mask of record 1 has 24 bytes where 26" },
	{ "/images/size", 1, 6, { 9, 9, 14, 12, 19, 15 },
		"/images/size is not of the type and shape" },
	{ "/masks/offset", 0, 4, { 0, 18, 20, 42 }, "the mask of record 1 has 2 bytes where 24" },
	{ "/masks/offset", 0, 4, { 0, 18, 18, 18 }, "/masks/offset does not run from 0 to 42" },
	{ "/masks/foreground", 3, 3, { 0, 1.5, 0 }, "the foreground share of record 1 is 1.5" },
	{ "/masks/foreground", 3, 3, { 0, NAN, 0 }, "the foreground share of record 1 is" },
	{ "/masks/crc32c", 0, 0, { 0 }, "cannot open the data set /masks/crc32c" },
	{ "/images/bytes", 0, 0, { 0 }, "cannot open the data set /images/bytes" },
	{ "/images/bytes", 1, 1, { 0 }, "/images/bytes is not of the type" },
	{ "/keys", 0, 0, { 0 }, "cannot open the data set /keys" },
	{ "/keys", 1, 3, { 0, 1, 2 }, "/keys does not hold strings of one length" },
	{ "/images/offset", 0, 1, { 0 }, "for 0 images" },
};

static void an_index_that_makes_no_sense_is_refused(void **state)
{
	const char *folder = test_folder(), *sound = test_path(folder, "a.h5"),
		   *path = test_path(folder, "b.h5");
	char err[ERR_MAX];

	(void)state;
	fixture_shard(sound, &(struct fixture){ .shards = 1, .per_shard = 3, .masks = 1 }, 0);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		fixture_copy(path, sound);
		apply(path, &changes[i]);
		assert_null(shard_open(path, err));
		assert_says(err, path);
		assert_says(err, changes[i].says);
		assert_says(err, "pack the data set again");
	}
}

static void another_version_is_refused(void **state)
{
	const char *path = test_path(test_folder(), "a.h5");
	char err[ERR_MAX];
	hid_t file;

	(void)state;
	fixture_shard(path, &(struct fixture){ .shards = 1, .per_shard = 3 }, 0);
	file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
	H5Adelete(file, "format_version");
	put_number(file, "format_version", 2);
	H5Fclose(file);
	assert_null(shard_open(path, err));
	assert_says(err, "format version 2, but this program reads version 1");
	file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
	H5Adelete(file, "format_version");
	H5Fclose(file);
	assert_null(shard_open(path, err));
	assert_says(err, "no number 'format_version'");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(an_index_that_makes_no_sense_is_refused),
	cmocka_unit_test(another_version_is_refused),
};
TEST_MAIN(cases)
