#ifndef PACK_NAMES_H
#define PACK_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* A set of strings, numbered 0, 1, ... in order of arrival: keys, classes, the names of a label
 * file. Costs the string and about 20 bytes each. */

struct pack_names;

struct pack_names *names_open(void);
void names_close(struct pack_names *n); /* NULL is fine */

/* Number of text; it is added when new, which *added tells (NULL is fine). */
uint32_t names_add(struct pack_names *n, const char *text, int *added);

/* Number of text, or -1 when it is not there. */
int64_t names_find(const struct pack_names *n, const char *text);

/* String number i, valid until the next names_add. */
const char *names_get(const struct pack_names *n, uint32_t i);
uint32_t names_count(const struct pack_names *n);

#endif
