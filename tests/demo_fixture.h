#ifndef DEMO_FIXTURE_H
#define DEMO_FIXTURE_H

#include "demo.h"

/* Photographs of our own making for the demo data: flat colours, so that each image tells what it
 * was made of. */

enum { CLASSES = 3, OBJECTS = 5, BACKGROUNDS = 9, SIZE = 48, STAMP = 40 };

extern const char *const demo_class_names[CLASSES];

void demo_object_colour(uint8_t rgb[3], int class, int object);
void demo_background_colour(uint8_t rgb[3], int i);
int demo_held_out(int i); /* number i of a list */

/* All photographs (stamps CLASS-N.png, background-N.jpg) and both lists, in a fresh folder,
 * o.stamps; o.out is below it. */
struct demo_options demo_photographs(void);
void demo_forget(struct demo_options *o);

void demo_make_here(const struct demo_options *o);
void demo_refuse(
	const struct demo_options *o, const char *word); /* demo_make fails and says the word */

int demo_class_of(long index);
char *demo_image_path(
	const struct demo_options *o, int split, long index); /* the caller's to xfree */
char *demo_mask_path(const struct demo_options *o, int split, long index);

int demo_count_files(const char *folder);
void demo_write_text(const char *path, const char *text);

#endif
