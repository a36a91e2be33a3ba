/* The safetensors format: what is written comes back, and every file that is not right is told. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "train/safetensors.h"

static const char odd_name[] = "a \"quoted\\\" n\xc3\xa4me\n";

static void write_sample(const char *path)
{
	const int64_t bytes[1] = { 3 }, matrix[2] = { 2, 3 }, none[2] = { 0, 4 };
	struct safetensors f = { 0 };
	char err[ERR_MAX] = "";
	float *m;

	memcpy(safetensors_add(&f, "bytes", SAFETENSORS_U8, 1, bytes), "abc", 3);
	m = safetensors_add(&f, odd_name, SAFETENSORS_F32, 2, matrix);
	for (int i = 0; i < 6; i++)
		m[i] = (float)i / 3;
	safetensors_add(&f, "none", SAFETENSORS_F32, 2, none);
	*(int64_t *)safetensors_add(&f, "count", SAFETENSORS_I64, 0, NULL) = -77;
	safetensors_add_metadata(&f, "format", "pt");
	safetensors_add_metadata(&f, "note", odd_name);
	safetensors_write(path, &f, err);
	assert_string_equal(err, "");
	safetensors_free(&f);
}

static void a_file_comes_back(void **state)
{
	const char *path = test_path(test_folder(), "a.safetensors");
	const struct safetensor *t;
	struct safetensors f;
	unsigned char *bytes;
	char err[ERR_MAX];
	float m[6];
	size_t n;

	(void)state;
	write_sample(path);
	assert_int_equal(safetensors_read(path, &f, err), 0);
	assert_int_equal(f.count, 4);
	t = safetensors_find(&f, odd_name);
	assert_non_null(t);
	assert_int_equal(t->type, SAFETENSORS_F32);
	assert_int_equal(t->dims, 2);
	assert_int_equal(t->shape[0], 2);
	assert_int_equal(t->shape[1], 3);
	memcpy(m, t->data, sizeof m);
	for (int i = 0; i < 6; i++)
		assert_true(m[i] == (float)i / 3);
	t = safetensors_find(&f, "count");
	assert_int_equal(t->dims, 0);
	assert_int_equal(t->bytes, 8);
	assert_int_equal(
		(uintptr_t)((unsigned char *)t->data - f.file) % 8, 0); /* aligned in the file */
	assert_memory_equal(safetensors_find(&f, "bytes")->data, "abc", 3);
	assert_int_equal(safetensors_find(&f, "none")->bytes, 0);
	assert_null(safetensors_find(&f, "nothing"));
	assert_string_equal(safetensors_metadata(&f, "note"), odd_name);
	assert_null(safetensors_metadata(&f, "notes"));
	safetensors_free(&f);
	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &n, err), 0);
	assert_int_equal(bytes[0] % 8, 0); /* the header is padded */
	assert_int_equal(bytes[8], '{');
	xfree(bytes);
}

static void write_raw(const char *path, uint64_t length, const char *header, size_t data)
{
	size_t n = strlen(header), all = 8 + n + data;
	unsigned char *bytes = xcalloc(all, 1);
	char err[ERR_MAX];

	memcpy(bytes, &length, 8);
	memcpy(bytes + 8, header, n);
	assert_int_equal(file_write_atomic(path, bytes, all, err), 0);
	xfree(bytes);
}

static void headers_that_are_right_are_read(void **state)
{
	static const struct {
		const char *header;
		size_t data;
		int tensors;
	} files[] = {
		{ "{}", 0, 0 },
		{ "{ \"__metadata__\" : { } }   ", 0, 0 },
		{ "{\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
		  "\"a\":{\"data_offsets\":[0,8],\"shape\":[2,1,2],\"dtype\":\"F16\"}}",
			12, 2 },
		{ "{\n\t\"\\u0061\\/\\ud83d\\ude00\\t\" :\r {\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}",
			1, 1 },
	};
	const char *path = test_path(test_folder(), "a.safetensors");
	struct safetensors f;
	char err[ERR_MAX] = "";

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		write_raw(path, strlen(files[i].header), files[i].header, files[i].data);
		safetensors_read(path, &f, err);
		assert_string_equal(err, "");
		assert_int_equal(f.count, files[i].tensors);
		if (i == 3)
			assert_string_equal(f.list[0].name, "a/\xf0\x9f\x98\x80\t");
		safetensors_free(&f);
	}
}

#define ONE(dtype, shape, offsets)                                                                 \
	"{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second)                                                                         \
	"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" first "},"                      \
	"\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" second "}}"

static const struct {
	const char *header;
	size_t data;
	const char *says;
} bad_headers[] = {
	{ "", 4, "byte 0: '{' expected" },
	{ " {}", 0, "byte 0: '{' expected" },
	{ "[]", 0, "byte 0: '{' expected" },
	{ "{", 0, "byte 1: '\"' expected" },
	{ "{}x", 0, "nothing but spaces may follow" },
	{ "{} ", 4, "4 bytes at its end belong to no tensor" },
	{ "{\"a\"}", 0, "':' expected" },
	{ "{\"a\":3}", 0, "'{' expected" },
	{ "{\"a\":{}}", 0, "a tensor needs dtype, shape and data_offsets" },
	{ "{\"a", 0, "'\"' expected" },
	{ "{\"a\\", 0, "a character or escape" },
	{ "{\"a\\x\":{}}", 0, "a character or escape" },
	{ "{\"a\\u00\":{}}", 0, "a character or escape" },
	{ "{\"a\\u0000\":{}}", 0, "a character or escape" },
	{ "{\"a\\ud83d\":{}}", 0, "a character or escape" },
	{ "{\"a\\ude00\":{}}", 0, "a character or escape" },
	{ "{\"a\\ud83d\\u0041\":{}}", 0, "a character or escape" },
	{ "{\"a\n\":{}}", 0, "a character or escape" },
	{ "{\"__metadata__\":{\"a\":1}}", 0, "'\"' expected" },
	{ "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is there twice" },
	{ ONE("F33", "[1]", "[0,4]"), 4, "unknown dtype" },
	{ ONE("F32", "[-1]", "[0,4]"), 4, "a whole number expected" },
	{ ONE("F32", "[1.0]", "[0,4]"), 4, "']' expected" },
	{ ONE("F32", "[01]", "[0,4]"), 4, "a whole number expected" },
	{ ONE("F32", "[1,]", "[0,4]"), 4, "a whole number expected" },
	{ ONE("F32", "[99999999999999999999]", "[0,4]"), 4, "the number is too large" },
	{ ONE("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "too many numbers" },
	{ ONE("F32", "[1]", "[0]"), 4, "data_offsets are two numbers" },
	{ ONE("F32", "[1]", "[0,2,4]"), 4, "too many numbers" },
	{ ONE("F32", "[1]", "[0,8]"), 4, "outside of the file" },
	{ ONE("F32", "[1]", "[4,0]"), 4, "outside of the file" },
	{ ONE("F32", "[2]", "[0,4]"), 4, "do not fit its dtype and shape" },
	{ ONE("F32", "[4611686018427387904,4]", "[0,0]"), 0, "do not fit its dtype and shape" },
	{ ONE("F32", "[1]", "[4,8]"), 8, "a hole or an overlap before the data of tensor a" },
	{ ONE("F32", "[1]", "[0,4]"), 8, "4 bytes at its end belong to no tensor" },
	{ TWO("[0,4]", "[2,6]"), 6, "a hole or an overlap before the data of tensor b" },
	{ TWO("[0,4]", "[0,4]"), 4, "a hole or an overlap" },
	{ TWO("[0,4]", "[5,9]"), 9, "a hole or an overlap before the data of tensor b" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
	  "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
		0, "tensor a is there twice" },
	{ "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "each once, and nothing else" },
	{ "{\"a\":{\"dtype\":\"U8\",\"size\":3}}", 0, "each once, and nothing else" },
};

static void headers_that_are_not_right_are_told(void **state)
{
	const char *path = test_path(test_folder(), "bad.safetensors");
	struct safetensors f;
	char err[ERR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof bad_headers / sizeof *bad_headers; i++) {
		write_raw(path, strlen(bad_headers[i].header), bad_headers[i].header,
			bad_headers[i].data);
		assert_int_equal(safetensors_read(path, &f, err), -1);
		assert_says(err, "bad.safetensors: ");
		assert_says(err, bad_headers[i].says);
		assert_int_equal(f.count, 0);
	}
}

static void lengths_that_are_not_right_are_told(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "bad.safetensors");
	struct safetensors f;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(safetensors_read(test_path(folder, "none"), &f, err), -1);
	assert_says(err, "No such file");
	assert_int_equal(file_write_atomic(path, "1234567", 7, err), 0);
	assert_int_equal(safetensors_read(path, &f, err), -1);
	assert_says(err, "bad.safetensors: not a safetensors file: 7 bytes are too few");
	write_raw(path, 100, "{}", 0);
	assert_int_equal(safetensors_read(path, &f, err), -1);
	assert_says(err, "cut short: a header of 100 bytes is announced, 2 bytes are there");
	write_raw(path, UINT64_MAX, "{}", 0);
	assert_int_equal(safetensors_read(path, &f, err), -1);
	assert_says(err,
		"a header of 18446744073709551615 bytes is announced; at most 100000000 are read");
}

/* Any changed byte: an error or other content, never a crash (sanitizers watch). */
static void damaged_files_do_no_harm(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a"),
		   *bad = test_path(folder, "b");
	struct rng rng = rng_at(5, RNG_DEMO, 1, 0, 0);
	unsigned char *bytes;
	struct safetensors f;
	char err[ERR_MAX];
	size_t n;

	(void)state;
	write_sample(path);
	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &n, err), 0);
	for (int round = 0; round < 1000; round++) {
		size_t at = rng_below(&rng, (uint32_t)n);
		unsigned char before = bytes[at];

		bytes[at] = (unsigned char)rng_word(&rng);
		assert_int_equal(file_write_atomic(bad, bytes, n, err), 0);
		if (safetensors_read(bad, &f, err) == 0)
			safetensors_free(&f);
		bytes[at] = before;
	}
	for (size_t cut = 0; cut < n; cut++) {
		assert_int_equal(file_write_atomic(bad, bytes, cut, err), 0);
		assert_int_equal(safetensors_read(bad, &f, err), -1);
	}
	xfree(bytes);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_file_comes_back),
	cmocka_unit_test(headers_that_are_right_are_read),
	cmocka_unit_test(headers_that_are_not_right_are_told),
	cmocka_unit_test(lengths_that_are_not_right_are_told),
	cmocka_unit_test(damaged_files_do_no_harm),
};
TEST_MAIN(cases)
