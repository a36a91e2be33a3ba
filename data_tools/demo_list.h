#ifndef DATA_TOOLS_DEMO_LIST_H
#define DATA_TOOLS_DEMO_LIST_H

#include <stdint.h>

#include "base/die.h"

/* The two lists the demo data are made of: which photographs, and which of them are held out. Plain
 * text, a line each, columns separated by one tab, comments begin with #.  Every fourth background,
 * and every fourth object of each class, is held out. */

enum demo_side { DEMO_SHOWN, DEMO_HELD_OUT, DEMO_SIDES };

struct demo_object {
	char *file; /* full path */
	int class;
};

struct demo_background {
	char *file;    /* full path */
	char *package; /* the Debian package that brings it, or NULL */
};

/* Objects are sorted by class (in the order of the classes' names) and keep the list's order within
 * it. */
struct demo_lists {
	int class_count, object_count[DEMO_SIDES], background_count[DEMO_SIDES];
	char **classes; /* sorted by name */
	struct demo_object *objects[DEMO_SIDES];
	struct demo_background *backgrounds[DEMO_SIDES];
	uint32_t crc; /* of both lists' bytes: the lists' identity */
};

/* Read both lists; objects' files are below the folder stamps.  Refuses, with list and line in err:
 * a malformed line, a file listed twice, a class name that is no folder name, lists that leave a
 * class or the backgrounds without a held-out member. */
int demo_lists_read(struct demo_lists *l, const char *objects, const char *backgrounds,
	const char *stamps, char err[ERR_MAX]);
void demo_lists_free(struct demo_lists *l);

/* Are all files there?  If not, err names the Debian packages to install, or the files no package
 * is named for. */
int demo_lists_present(const struct demo_lists *l, char err[ERR_MAX]);

#endif
