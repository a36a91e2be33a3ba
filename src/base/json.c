/* json.c - JSON strings as we write them, and strict reading of JSON of a known form.  The files
 * that others write are read strictly: what the form does not name is an error, not a surprise. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void json_put_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

/* ---- reading ---- */

int json_fail(struct json *p, const char *what)
{
	return fail(p->err, "%s: byte %zu: %s", p->name, p->at, what);
}

void json_space(struct json *p)
{
	while (p->at < p->n && p->text[p->at] && strchr(" \t\r\n", p->text[p->at]))
		p->at++;
}

/* Take the character c if it comes next. */
static int take(struct json *p, char c)
{
	json_space(p);
	if (p->at >= p->n || p->text[p->at] != c)
		return 0;
	p->at++;
	return 1;
}

static int expect(struct json *p, char c)
{
	char what[] = "'?' expected";

	if (take(p, c))
		return 0;
	what[1] = c;
	return json_fail(p, what);
}

/* ---- strings ---- */

/* Four hexadecimal digits, or -1. */
static long hex4(struct json *p)
{
	long value = 0;

	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *at =
			p->at < p->n && p->text[p->at] ? strchr(digits, p->text[p->at]) : NULL;

		if (!at)
			return -1;
		value = value * 16 + (at - digits) % 16;
		p->at++;
	}
	return value;
}

static size_t put_utf8(char *out, long code)
{
	static const struct {
		long limit;
		unsigned char lead;
	} forms[] = { { 0x80, 0 }, { 0x800, 0xc0 }, { 0x10000, 0xe0 }, { 0x110000, 0xf0 } };
	size_t more = 0;

	while (code >= forms[more].limit)
		more++;
	out[0] = (char)(forms[more].lead | code >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

/* After "\u": one character, which may take a second "\uXXXX" (a surrogate pair).  -1: malformed.
 */
static long code_point(struct json *p)
{
	long high = hex4(p), low;

	if (high < 0xd800 || high > 0xdfff)
		return high == 0 ? -1 : high; /* a zero would end the name early */
	if (high > 0xdbff || p->at + 2 > p->n || memcmp(p->text + p->at, "\\u", 2) != 0)
		return -1;
	p->at += 2;
	low = hex4(p);
	return low < 0xdc00 || low > 0xdfff ? -1
					    : 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

/* What stands for one escape, after the backslash; returns the bytes put to out, 0 if malformed. */
static size_t put_escape(struct json *p, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = p->at < p->n ? p->text[p->at++] : 0;
	const char *at = c ? strchr(from, c) : NULL;
	long code;

	if (at) {
		*out = to[at - from];
		return 1;
	}
	code = c == 'u' ? code_point(p) : -1;
	return code < 0 ? 0 : put_utf8(out, code);
}

char *json_string(struct json *p)
{
	size_t length = 0, put;
	char *s;

	if (expect(p, '"') != 0)
		return NULL;
	while (p->at + length < p->n && p->text[p->at + length] != '"')
		length += 1 + (p->text[p->at + length] == '\\');
	s = xmalloc(length + 1); /* escapes only get shorter */
	length = 0;
	while (p->at < p->n && p->text[p->at] != '"') {
		unsigned char c = (unsigned char)p->text[p->at++];

		s[length] = (char)c;
		put = c == '\\' ? put_escape(p, s + length) : c >= ' ';
		if (put == 0) {
			json_fail(p, "a character or escape that a JSON string cannot hold");
			xfree(s);
			return NULL;
		}
		length += put;
	}
	s[length] = 0;
	if (expect(p, '"') != 0)
		xfree(s);
	return s;
}

/* ---- numbers ---- */

static int parse_number(struct json *p, int64_t *value)
{
	size_t start;

	json_space(p);
	start = p->at;
	*value = 0;
	while (p->at < p->n && p->text[p->at] >= '0' && p->text[p->at] <= '9') {
		if (*value > (INT64_MAX - 9) / 10)
			return json_fail(p, "the number is too large");
		*value = *value * 10 + (p->text[p->at++] - '0');
	}
	if (p->at == start || (p->text[start] == '0' && p->at > start + 1))
		return json_fail(p, "a whole number expected");
	return 0;
}

int json_numbers(struct json *p, int64_t *list, int max, int *count)
{
	*count = 0;
	if (expect(p, '[') != 0)
		return -1;
	if (take(p, ']'))
		return 0;
	do {
		if (*count == max)
			return json_fail(p, "too many numbers in the list");
		if (parse_number(p, &list[(*count)++]) != 0)
			return -1;
	} while (take(p, ','));
	return expect(p, ']');
}

/* ---- objects ---- */

int json_object(struct json *p, int (*value)(struct json *p, const char *key, void *arg), void *arg)
{
	if (expect(p, '{') != 0)
		return -1;
	if (take(p, '}'))
		return 0;
	do {
		char *key = json_string(p);
		int rc = key && expect(p, ':') == 0 ? value(p, key, arg) : -1;

		xfree(key);
		if (rc != 0)
			return -1;
	} while (take(p, ','));
	return expect(p, '}');
}

/* ---- any value ---- */

enum { DEPTH_MAX = 64 };

static int skip_value(struct json *p, int depth);

static int skip_member(struct json *p, const char *key, void *depth)
{
	(void)key;
	return skip_value(p, *(const int *)depth);
}

static int skip_list(struct json *p, int depth)
{
	p->at++;
	if (take(p, ']'))
		return 0;
	do {
		if (skip_value(p, depth) != 0)
			return -1;
	} while (take(p, ','));
	return expect(p, ']');
}

/* A number, true, false or null. */
static int skip_word(struct json *p)
{
	size_t start = p->at;

	while (p->at < p->n && p->text[p->at] &&
		strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", p->text[p->at]))
		p->at++;
	return p->at > start ? 0 : json_fail(p, "a value expected");
}

static int skip_value(struct json *p, int depth)
{
	int inner = depth + 1;
	char c, *s;

	if (depth > DEPTH_MAX)
		return json_fail(p, "nested too deeply");
	json_space(p);
	c = p->at < p->n ? p->text[p->at] : 0;
	if (c == '{')
		return json_object(p, skip_member, &inner);
	if (c == '[')
		return skip_list(p, inner);
	if (c != '"')
		return skip_word(p);
	s = json_string(p);
	if (!s)
		return -1;
	xfree(s);
	return 0;
}

int json_skip(struct json *p)
{
	return skip_value(p, 0);
}
