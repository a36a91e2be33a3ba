/* config_yaml.c - settings from and to YAML: sections of keys with single values, read through
 * libyaml. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/config_table.h"
#include "base/file.h"
#include "base/memory.h"

/* ---- reading ---- */

struct reader {
	struct config *config;
	const char *name; /* of the file, for messages */
	yaml_document_t *document;
	size_t *line; /* of each option's value; 0: not met yet */
};

static int fail_at(
	const struct reader *r, const yaml_node_t *node, const char *what, char err[ERR_MAX])
{
	char text[ERR_MAX];

	snprintf(text, sizeof text, "%s", what); /* what may be err */
	return fail(err, "%.300s:%zu: %.700s", r->name, node->start_mark.line + 1, text);
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* One value: name is "section.key" or "key". */
static int read_value(struct reader *r, const char *name, const yaml_node_t *key,
	const yaml_node_t *value, char err[ERR_MAX])
{
	const struct option *o = option_find(name);
	char text[256];

	if (o && r->line[o - config_options]) {
		snprintf(text, sizeof text, "%s: was already set in line %zu", name,
			r->line[o - config_options]);
		return fail_at(r, key, text, err);
	}
	if (o && value->type != YAML_SCALAR_NODE) {
		snprintf(text, sizeof text, "%.200s: a single value is wanted", name);
		return fail_at(r, value, text, err);
	}
	if (config_set(r->config, name, o ? scalar(value) : "", err) != 0)
		return fail_at(r, key, err, err);
	r->line[o - config_options] = key->start_mark.line + 1;
	return 0;
}

/* The pairs of a mapping; section NULL: of the whole file. */
static int read_mapping(
	struct reader *r, const char *section, const yaml_node_t *mapping, char err[ERR_MAX]);

static int read_pair(struct reader *r, const char *section, const yaml_node_t *key,
	const yaml_node_t *value, char err[ERR_MAX])
{
	char *name;
	int rc;

	if (key->type != YAML_SCALAR_NODE)
		return fail_at(r, key, "a section or a setting is wanted here", err);
	if (!section && value->type == YAML_MAPPING_NODE)
		return read_mapping(r, scalar(key), value, err);
	if (!section && option_is_section(scalar(key)) && value->type == YAML_SCALAR_NODE &&
		!*scalar(value))
		return 0; /* a section with nothing in it */
	name = section ? xasprintf("%s.%s", section, scalar(key)) : xstrdup(scalar(key));
	rc = read_value(r, name, key, value, err);
	xfree(name);
	return rc;
}

static int read_mapping(
	struct reader *r, const char *section, const yaml_node_t *mapping, char err[ERR_MAX])
{
	const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

	for (; pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(r->document, pair->value);

		if (read_pair(r, section, key, value, err) != 0)
			return -1;
	}
	return 0;
}

static int fail_parser(const yaml_parser_t *parser, const char *name, char err[ERR_MAX])
{
	if (parser->error == YAML_READER_ERROR)
		return fail(err, "%.300s: byte %zu: %s (a text in UTF-8 is wanted)", name,
			parser->problem_offset, parser->problem);
	return fail(err, "%.300s:%zu: not YAML: %s", name, parser->problem_mark.line + 1,
		parser->problem);
}

/* Next document of the text: 1 read, 0 there is none, -1 err.  After 1 the caller deletes it. */
static int next_document(
	yaml_parser_t *parser, yaml_document_t *document, const char *name, char err[ERR_MAX])
{
	if (!yaml_parser_load(parser, document))
		return fail_parser(parser, name, err);
	if (yaml_document_get_root_node(document))
		return 1;
	yaml_document_delete(document);
	return 0;
}

static int parse(struct reader *r, yaml_parser_t *parser, char err[ERR_MAX])
{
	yaml_document_t document, second;
	const yaml_node_t *root;
	int rc = next_document(parser, &document, r->name, err);

	if (rc <= 0)
		return rc;
	r->document = &document;
	root = yaml_document_get_root_node(&document);
	if (root->type == YAML_MAPPING_NODE)
		rc = read_mapping(r, NULL, root, err);
	else if (root->type == YAML_SCALAR_NODE && !*scalar(root))
		rc = 0;
	else
		rc = fail_at(r, root,
			"sections with settings are wanted ('section:', below it '  key: value')",
			err);
	yaml_document_delete(&document);
	if (rc != 0)
		return rc;
	rc = next_document(parser, &second, r->name, err);
	if (rc > 0) {
		rc = fail_at(r, yaml_document_get_root_node(&second),
			"a second document begins here; one is wanted", err);
		yaml_document_delete(&second);
	}
	return rc;
}

int config_parse(
	struct config *c, const char *text, size_t bytes, const char *name, char err[ERR_MAX])
{
	struct reader r = { .config = c, .name = name };
	yaml_parser_t parser;
	int rc;

	CHECK(yaml_parser_initialize(&parser), "no memory for the YAML parser");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	r.line = xcalloc((size_t)config_option_count, sizeof *r.line);
	rc = parse(&r, &parser, err);
	xfree(r.line);
	yaml_parser_delete(&parser);
	return rc;
}

int config_load(struct config *c, const char *path, char err[ERR_MAX])
{
	enum { BYTES_MAX = 1 << 20 };
	unsigned char *text;
	size_t bytes;
	int rc;

	if (file_read_all(path, BYTES_MAX, &text, &bytes, err) != 0)
		return -1;
	rc = config_parse(c, (const char *)text, bytes, path, err);
	xfree(text);
	return rc;
}

/* ---- writing ---- */

/* In double quotes, where only these two need a backslash. */
static void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static int reads_back(const char *quoted, size_t bytes, const char *text)
{
	yaml_document_t document;
	yaml_parser_t parser;
	const yaml_node_t *root;
	int same = 0;

	CHECK(yaml_parser_initialize(&parser), "no memory for the YAML parser");
	yaml_parser_set_input_string(&parser, (const unsigned char *)quoted, bytes);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	if (yaml_parser_load(&parser, &document)) {
		root = yaml_document_get_root_node(&document);
		same = root && root->type == YAML_SCALAR_NODE && strcmp(scalar(root), text) == 0;
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return same;
}

int yaml_holds(const char *text)
{
	char *quoted;
	size_t bytes;
	FILE *out = open_memstream(&quoted, &bytes);
	int same;

	CHECK(out != NULL, "no memory for text");
	put_quoted(out, text);
	CHECK(fclose(out) == 0, "no memory for text");
	same = reads_back(quoted, bytes, text);
	free(quoted);
	return same;
}

static void put_option(FILE *out, const struct option *o, const struct config *c)
{
	const char *dot = strchr(o->name, '.');
	char *value = option_read(o, c);

	fprintf(out, "%s%s: ", dot ? "  " : "", dot ? dot + 1 : o->name);
	if (o->type == OPTION_TEXT)
		put_quoted(out, value);
	else
		fputs(value, out);
	fputc('\n', out);
	xfree(value);
}

void config_print(const struct config *c, char **text)
{
	size_t bytes, length = 0; /* length: of the present section's name */
	FILE *out = open_memstream(text, &bytes);

	CHECK(out != NULL, "no memory for text");
	for (int i = 0; i < config_option_count; i++) {
		const struct option *o = &config_options[i];
		const char *dot = strchr(o->name, '.');

		if (dot && (i == 0 || strncmp(o->name, config_options[i - 1].name, length) != 0)) {
			length = (size_t)(dot - o->name) + 1;
			fprintf(out, "%.*s:\n", (int)length - 1, o->name);
		}
		put_option(out, o, c);
	}
	CHECK(fclose(out) == 0, "no memory for text");
}
