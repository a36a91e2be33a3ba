#ifndef PACK_CLASSES_H
#define PACK_CLASSES_H

#include <stddef.h>
#include <stdint.h>

/* The classes of a data set.  While a source is read, a class has the number of its first
 * appearance; the final numbers are given at the end, so that one pass over a tar is enough:
 *   labels that are all whole numbers below CLASSES_MAX are the final numbers themselves (a split
 *   that lacks some classes keeps the numbers of the others); classes are then named "0", "1", ...;
 *   otherwise classes are names, numbered in sorted order (bytewise). */

enum { CLASSES_MAX = 1000 * 1000 };

struct pack_classes;

struct pack_classes *classes_open(void);
void classes_close(struct pack_classes *c); /* NULL is fine */

/* A class that is a folder's or a tar's name: always a name, also where it looks like a number. */
int32_t classes_add_folder(struct pack_classes *c, const char *name);

/* Labels in text, separated by commas (blanks around them are dropped, empty ones skipped): *labels
 * is set to an array of first-appearance numbers that is the caller's to free, NULL when there are
 * none. Returns their count. */
int classes_parse(struct pack_classes *c, int32_t **labels, const char *text);

/* The final classes.  final[i] is the number of the class that appeared i-th. */
struct pack_numbering {
	int count;
	char **names; /* [count] */
	int32_t *final;
};
struct pack_numbering classes_number(const struct pack_classes *c);
void numbering_free(struct pack_numbering *n);

#endif
