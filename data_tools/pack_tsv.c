#include "pack_tsv.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc.h"
#include "base/memory.h"

int tsv_open(struct tsv *t, const char *path, char err[ERR_MAX])
{
	struct stat st;

	memset(t, 0, sizeof *t);
	t->file = fopen(path, "r");
	if (!t->file)
		return fail(err, "%s: cannot open: %s", path, strerror(errno));
	t->path = xstrdup(path);
	if (fstat(fileno(t->file), &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	tsv_close(t);
	return fail(err, "%s: not a regular file", path);
}

void tsv_close(struct tsv *t)
{
	if (t->file)
		fclose(t->file);
	t->file = NULL;
	xfree(t->path);
	xfree(t->line);
}

void tsv_rewind(struct tsv *t)
{
	rewind(t->file);
	t->number = 0;
	t->crc = 0;
}

static int split(struct tsv *t, int max_fields, char err[ERR_MAX])
{
	char *rest = t->line, *word;

	t->fields = 0;
	for (int i = 0; i < TSV_FIELDS; i++)
		t->field[i] = "";
	while ((word = strsep(&rest, "\t"))) {
		if (t->fields == max_fields)
			return fail(err, "%s, line %ld: more than %d fields between tabs", t->path,
				t->number, max_fields);
		t->field[t->fields++] = word;
	}
	if (*t->field[0] == 0)
		return fail(
			err, "%s, line %ld: the first field, a name, is empty", t->path, t->number);
	return 1;
}

int tsv_next(struct tsv *t, int max_fields, char err[ERR_MAX])
{
	for (;;) {
		ssize_t n = getline(&t->line, &t->room, t->file);

		if (n < 0 && ferror(t->file))
			return fail(err, "%s: cannot read after line %ld: %s", t->path, t->number,
				strerror(errno));
		if (n < 0)
			return 0;
		t->number++;
		t->crc = crc32c(t->crc, t->line, (size_t)n);
		if (strlen(t->line) != (size_t)n)
			return fail(err, "%s, line %ld: holds a zero byte; this is not a text file",
				t->path, t->number);
		t->line[strcspn(t->line, "\r\n")] = 0;
		if (t->line[strspn(t->line, " \t")] != 0)
			return split(t, max_fields, err);
	}
}
