#ifndef TRAIN_DATA_WAIT_H
#define TRAIN_DATA_WAIT_H

#include <stddef.h>

/* Says when training waits for its images, and for which disk. */

struct data_wait {
	const char *folder; /* that images are read from */
	int reports;        /* so far */
	double told;        /* when, by clock_seconds; 0: never */
};

/* One report of the share of time, 0..1, that ranks have waited for images.  Over a tenth it is
 * warned about, at most every ten minutes, and not in the first report: then nothing is cached. */
void data_wait_report(struct data_wait *w, double share);

/* The warning as text, for data_wait_report and its test. */
void data_wait_text(char *text, size_t bytes, const char *folder, double share);

#endif
