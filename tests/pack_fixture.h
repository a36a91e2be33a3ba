#ifndef PACK_FIXTURE_H
#define PACK_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"
#include "pack.h"

/* Files to pack, and what a reader then finds. */

/* A folder of its own for each case, by its name: nothing is made yet. */
struct pack_place {
	char source[256], out[256], masks[256];
};
struct pack_place fixture_place(const char *name);

/* "folder/name", with all folders on the way made; the caller frees it. */
char *fixture_parents(const char *folder, const char *name);

void fixture_put(const char *folder, const char *name, const void *bytes, size_t n);

/* A JPEG of 20 + number % 5 by 16 pixels, different for each number. */
void fixture_put_image(const char *folder, const char *name, int number);

/* Of one source, into two shards; it keeps both pointers. */
struct pack_options fixture_options(const char *const *source, const struct pack_place *p);

/* Pack, which has to work, and open the set; the caller closes it. */
struct dataset *fixture_pack(const struct pack_options *o);

/* Pack, which has to fail with the word, and leaves no index. */
void fixture_pack_fails(const struct pack_options *o, const char *word);

/* Number of the image with this key, or -1. */
int64_t fixture_find(const struct dataset *d, const char *key);

/* All labels of the image with this key, as "1,2", until the next call. */
const char *fixture_labels(const struct dataset *d, const char *key);

#endif
