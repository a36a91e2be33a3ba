#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/die.h"

/* Write s, which is not NULL, as a string in quotes.  Control characters and DEL are escaped (YAML,
 * which reads what we write, takes neither), bytes from 0x80 on stay as they are: UTF-8 stays
 * UTF-8. Errors stay in f, as those of fputc. */
void json_put_string(FILE *f, const char *s);

/* A reader for JSON whose form is known beforehand (the header of a safetensors file): objects,
 * strings and lists of whole numbers; other values can be passed over.  The caller asks for what
 * must come next; what comes instead is an error, -1 with err, which names the place. */

struct json {
	const char *name; /* of what is read, for messages */
	const char *text; /* [n]; need not end in a zero byte */
	size_t n, at;
	char *err; /* [ERR_MAX] */
};

/* Returns -1 with what is wrong at the present place in err. */
int json_fail(struct json *p, const char *what);

/* Pass over white space. */
void json_space(struct json *p);

/* A string in quotes as UTF-8, or NULL with err; caller frees.  One that holds a zero is an error.
 */
char *json_string(struct json *p);

/* A list of at most max whole numbers from 0 to 2^63 - 1. */
int json_numbers(struct json *p, int64_t *list, int max, int *count);

/* Pass over one value of any form: what follows in text from p->at as it was before, white space
 * first, up to p->at. */
int json_skip(struct json *p);

/* {"key": value, ...}: calls value(p, key, arg) at each value, which has to read it; 0 to go on. */
int json_object(
	struct json *p, int (*value)(struct json *p, const char *key, void *arg), void *arg);

#endif
