#ifndef DATA_TOOLS_DEMO_H
#define DATA_TOOLS_DEMO_H

#include "base/die.h"
#include "demo_scene.h"

/* A small labelled data set of real photographs, made on the spot: objects cut out of photographs
 * on backgrounds cut out of others, with the true foreground masks. */

struct demo_options {
	const char *out;                   /* folder to make */
	const char *objects, *backgrounds; /* the lists */
	const char *stamps;                /* folder the objects' files are below */
	long count[DEMO_SPLITS];           /* images of each split */
	struct demo_look look;
	int threads; /* > 0 */
};

/* Write out/<split>/<class>/<number>.jpg and out/masks/<split>/<class>/<number>.png, the same bytes
 * for any number of threads, and last of all out/demo.json with the options.  When a finished set
 * of the same options is there, say so and leave it; one left unfinished is made again; anything
 * else that is there is refused. */
int demo_make(const struct demo_options *o, char err[ERR_MAX]);

#endif
