#include "base/crc.h"

#include <isa-l/crc.h>

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
	enum { PIECE = 1 << 30 }; /* the library counts in int */
	unsigned char *p = (unsigned char *)bytes;

	crc = ~crc;
	while (n > 0) {
		size_t k = n < PIECE ? n : PIECE;

		crc = crc32_iscsi(p, (int)k, crc);
		p += k;
		n -= k;
	}
	return ~crc;
}
