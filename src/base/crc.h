#ifndef BASE_CRC_H
#define BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4) of bytes; crc is 0 at first, then the result so far.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
