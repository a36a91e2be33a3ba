#ifndef DATA_TOOLS_CONTACT_RECORD_H
#define DATA_TOOLS_CONTACT_RECORD_H

#include <stdint.h>

#include "base/die.h"
#include "data/image.h"
#include "data/shard.h"

/* Decode record i of s, with its mask and share of foreground where it has one, as the loader does;
 * image is the caller's to free also when it fails (err names shard and record). */
int contact_record_read(struct image *image, const struct shard *s, uint32_t i, char err[ERR_MAX]);

/* The mask as a picture (height, width, 3), white on black; the caller's to xfree. */
uint8_t *contact_record_mask(const struct image *image);

#endif
