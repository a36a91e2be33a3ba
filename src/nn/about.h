#ifndef NN_ABOUT_H
#define NN_ABOUT_H

#include <stdint.h>

/* What a device says of itself, for people (reliquary doctor). */
struct device_about {
	char libraries[256];   /* and their versions; says so where one does not answer */
	char name[96];         /* of the card; empty: a CPU */
	char place[32];        /* of the card on its host's bus; empty: a CPU */
	int32_t major, minor;  /* compute capability of the card */
	uint64_t memory, free; /* bytes of the card */
};

#endif
