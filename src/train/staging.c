/* staging.c - the ranks of a job copy their shards to the disks of their nodes.
 * A rank owns whole lanes, and so whole shards: when each copies its own, the ranks of a node share
 * the work, and a node gets what its ranks read and no more.  Ranks meet every half second: a fault
 * or a request to end on one ends all, and nobody waits for the others without a sign of life. */
#include "train/staging.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/stage.h"

static const double ROUND_S = 0.5;
static const double MARGIN = 0.05, MARGIN_BYTES = 64 << 20; /* room to keep free */

/* rc, with the host in err: paths on local disks say little without it. */
static int on_this_host(int rc, char err[ERR_MAX])
{
	char host[256] = "?", text[ERR_MAX];

	if (rc == 0)
		return 0;
	gethostname(host, sizeof host - 1);
	snprintf(text, sizeof text, "%s", err);
	return fail(err, "%s: %.*s", host, ERR_MAX - (int)sizeof host - 2, text);
}

/* The ranks agree on how a part went that each did for itself. */
static int agree(struct run *r, int rc, char err[ERR_MAX])
{
	return comm_agree(r->comm, on_this_host(rc, err), err);
}

static int is_mine(const struct run *r, int shard)
{
	return order_reader(r->order, shard, r->comm->size) == r->comm->rank;
}

static int ask_for_files(struct run *r, char err[ERR_MAX])
{
	r->stage = stage_open(r->config->data.stage_dir, r->data->path, err);
	if (!r->stage)
		return -1;
	for (int i = 0; i < r->data->shard_count; i++)
		if (is_mine(r, i) && stage_add(r->stage, shard_path(r->data->shards[i]), err) != 0)
			return -1;
	return 0;
}

/* Bytes that all ranks which share this rank's folder have to write there. */
static double bytes_needed(struct run *r)
{
	const int64_t mine[2] = { stage_folder_number(r->stage),
		(int64_t)stage_totals(r->stage).missing };
	int64_t *all = xcalloc(2 * (size_t)r->comm->size, sizeof *all);
	double needed = 0;

	comm_gather_int64(r->comm, all, mine, 2);
	for (int k = 0; k < r->comm->size; k++)
		needed += all[2 * k] == mine[0] ? (double)all[2 * k + 1] : 0;
	xfree(all);
	return needed;
}

/* The room is looked at before any rank writes: all wait for all in bytes_needed. */
static int check_room(struct run *r, char err[ERR_MAX])
{
	struct filesystem fs;
	int rc = filesystem_of(stage_folder_path(r->stage), &fs, err);
	double needed = bytes_needed(r);

	if (rc != 0 || needed == 0)
		return rc;
	needed += MARGIN * needed + MARGIN_BYTES;
	if (needed <= (double)fs.free_bytes)
		return 0;
	return fail(err,
		"data.stage_dir=%s: the copies need %.2f GB, and %.2f GB are free on %s (%s): free some, name another disk, use more nodes, or leave it empty",
		r->config->data.stage_dir, needed / 1e9, (double)fs.free_bytes / 1e9, fs.mount,
		fs.type);
}

/* Sums over ranks. */
struct progress {
	double bytes, done;   /* of what they read */
	double files, reused; /* of them were there before */
	double working;       /* ranks with more to do */
};

static struct progress sum_progress(struct run *r, int working)
{
	const struct stage_totals t = stage_totals(r->stage);
	double x[5] = { (double)t.bytes, (double)t.done, t.files, t.reused, working };

	comm_sum_double(r->comm, x, 5);
	return (struct progress){ x[0], x[1], x[2], x[3], x[4] };
}

static void show_progress(const struct run *r, const struct progress *p, double seconds)
{
	double rate = p->done / seconds;

	log_progress(p->working == 0,
		"staging to %s: %.2f of %.2f GB, %.0f MB/s, %.0f s left (all nodes)",
		r->config->data.stage_dir, p->done / 1e9, p->bytes / 1e9, rate / 1e6,
		rate > 0 ? (p->bytes - p->done) / rate : 0);
}

static int copy_files(struct run *r, char err[ERR_MAX])
{
	double began = clock_seconds();
	struct progress p = { .working = 1 };

	while (p.working > 0) {
		int rc = stage_work(r->stage, ROUND_S, err);

		if (agree(r, rc < 0 ? -1 : 0, err) != 0)
			return -1;
		p = sum_progress(r, rc);
		show_progress(r, &p, clock_seconds() - began);
		if (p.working > 0 && stop_agree(r->stop, r->comm, 2 * ROUND_S)) {
			log_info("staging ends early: the job was asked to end");
			return 0;
		}
	}
	log_info("%.0f shards (%.2f GB) are read from copies in %s; %.0f of them were there before",
		p.files, p.bytes / 1e9, stage_folder_path(r->stage), p.reused);
	return 0;
}

static int use_copies(struct run *r, char err[ERR_MAX])
{
	int number = 0;

	for (int i = 0; i < r->data->shard_count; i++) {
		const char *copy = is_mine(r, i) ? stage_path(r->stage, number++) : NULL;

		if (copy && shard_move(r->data->shards[i], copy, err) != 0)
			return -1;
	}
	return 0;
}

int staging_run(struct run *r, char err[ERR_MAX])
{
	if (!*r->config->data.stage_dir)
		return 0;
	if (agree(r, ask_for_files(r, err), err) != 0 || agree(r, check_room(r, err), err) != 0 ||
		copy_files(r, err) != 0)
		return -1;
	return agree(r, use_copies(r, err), err);
}
