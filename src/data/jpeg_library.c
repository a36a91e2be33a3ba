/* jpeg_library.c - which library decodes. */
#include <stdio.h>

#include "data/jpeg.h"

#include <jpeglib.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *jpeg_library(void)
{
#ifdef LIBJPEG_TURBO_VERSION
	return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION);
#else
	return "libjpeg " TEXT(JPEG_LIB_VERSION);
#endif
}
