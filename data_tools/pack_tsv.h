#ifndef PACK_TSV_H
#define PACK_TSV_H

#include <stdint.h>
#include <stdio.h>

#include "base/die.h"

/* A text file of lines with tab-separated fields, read line by line: manifests and label files. */
enum { TSV_FIELDS = 3 };

struct tsv {
	FILE *file;
	char *path;
	char *line;
	size_t room;
	long number;             /* of the present line, from 1 */
	uint32_t crc;            /* of all lines read so far */
	int fields;              /* of the present line */
	char *field[TSV_FIELDS]; /* missing ones are "" */
};

/* 0, or -1 with the reason in err and nothing to close. */
int tsv_open(struct tsv *t, const char *path, char err[ERR_MAX]);
void tsv_close(struct tsv *t);

/* The next line that is not blank: 1; the end: 0; a read error, an empty first field or more fields
 * than max_fields: -1, err names file and line. */
int tsv_next(struct tsv *t, int max_fields, char err[ERR_MAX]);

/* Back to the first line. */
void tsv_rewind(struct tsv *t);

#endif
