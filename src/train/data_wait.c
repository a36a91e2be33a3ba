#include "train/data_wait.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/log.h"

static const double SHARE = 0.1, PAUSE_S = 600;

void data_wait_text(char *text, size_t bytes, const char *folder, double share)
{
	struct filesystem fs;
	char err[ERR_MAX];
	int known = filesystem_of(folder, &fs, err) == 0;

	snprintf(text, bytes,
		"%.0f %% of the time is spent waiting for images from %s (%s on %s): more data.threads "
		"where there are cores, smaller images (reliquary pack --max-side)%s",
		100 * share, folder, known ? fs.type : "unknown", known ? fs.mount : "?",
		known && fs.shared ? ", or a disk of the node (data.stage_dir) would help"
				   : " would help");
}

void data_wait_report(struct data_wait *w, double share)
{
	double now = clock_seconds();
	char text[ERR_MAX];

	if (w->reports++ == 0 || share <= SHARE || (w->told > 0 && now - w->told < PAUSE_S))
		return;
	data_wait_text(text, sizeof text, w->folder, share);
	log_warn("%s", text);
	w->told = now;
}
