/* CRC-32C against the vectors of RFC 3720, appendix B.4, and against its definition bit by bit. */
#include "test.h"

#include <string.h>

#include "base/crc.h"
#include "base/rng.h"

static void published_vectors(void **state)
{
	static const uint8_t read_command[48] = { 0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0,
		0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0 };
	uint8_t b[32];

	(void)state;
	memset(b, 0, sizeof b);
	assert_int_equal(crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, sizeof b);
	assert_int_equal(crc32c(0, b, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, b, 32), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)(31 - i);
	assert_int_equal(crc32c(0, b, 32), 0x113fdb5c);
	assert_int_equal(crc32c(0, read_command, sizeof read_command), 0xd9963a56);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
}

/* The polynomial 0x1EDC6F41, bits reversed, one bit at a time. */
static uint32_t slow(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static void any_length_and_any_cut_agree(void **state)
{
	struct rng r = rng_at(1, RNG_PROBE, 0, 0, 0);
	uint8_t b[1000];

	(void)state;
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)rng_word(&r);
	for (size_t n = 0; n < sizeof b; n += 13) {
		size_t cut = rng_below(&r, (uint32_t)n + 1);

		assert_int_equal(crc32c(0, b, n), slow(b, n));
		assert_int_equal(crc32c(crc32c(0, b, cut), b + cut, n - cut), slow(b, n));
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(published_vectors),
	cmocka_unit_test(any_length_and_any_cut_agree),
};
TEST_MAIN(cases)
