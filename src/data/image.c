#include "data/image.h"

#include "base/memory.h"

void image_free(struct image *image)
{
	xfree(image->rgb);
	xfree(image->mask);
	*image = (struct image){ 0 };
}
