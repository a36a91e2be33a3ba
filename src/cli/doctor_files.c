/* doctor_files.c - disks are measured with the files of the run: no other disk would do. */
#include "cli/doctor_files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/filesystem.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "nn/model.h"
#include "train/run.h"
#include "train/run_folder.h"

enum { PIECE = 1 << 20, READ_MOST = 256 << 20, WRITE_MOST = 64 << 20 };
static const double READ_S = 2, WRITE_S = 1;

static void note(char to[DISK_ERROR], const char *err)
{
	snprintf(to, DISK_ERROR, "%.*s", DISK_ERROR - 1, err);
}

static int name_disk(
	char name[DISK_NAME], int32_t *shared, uint64_t *room, const char *path, char err[ERR_MAX])
{
	struct filesystem fs;

	if (filesystem_of(path, &fs, err) != 0)
		return -1;
	snprintf(name, DISK_NAME, "%.20s on %.50s", fs.type, fs.mount);
	*shared = fs.shared;
	*room = fs.free_bytes;
	return 0;
}

/* ---- data ---- */

static uint64_t largest_image(const struct dataset *d)
{
	uint64_t most = 0;

	for (int s = 0; s < d->shard_count; s++)
		for (uint32_t i = 0; i < shard_count(d->shards[s]); i++) {
			int width, height;

			shard_size(d->shards[s], i, &width, &height);
			if (3 * (uint64_t)width * (uint64_t)height > most)
				most = 3 * (uint64_t)width * (uint64_t)height;
		}
	return most;
}

static void open_data(struct doctor_rank *r, struct run *run)
{
	const char *path = run->config->data.train;
	char err[ERR_MAX] = "";
	uint64_t room;

	if (name_disk(r->data_disk, &r->data_shared, &room, path, err) != 0 ||
		run_open_data(run, err) != 0)
		note(r->data_error, err);
	if (!run->data)
		return;
	r->images = run->data->images;
	r->shards = (uint64_t)run->data->shard_count;
	r->image_bytes = largest_image(run->data);
}

/* Read one file until the time or the bytes are over; unreadable ones were told of by opening. */
static void read_file(struct doctor_rank *r, const char *path, char *buffer, double until)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (n > 0 && r->read_bytes < READ_MOST && clock_seconds() < until) {
		n = read(fd, buffer, PIECE);
		r->read_bytes += n > 0 ? (uint64_t)n : 0;
		if (clock_seconds() > until - READ_S / 2)
			log_progress(0, "reading from the data set");
	}
	close(fd);
}

/* Hosts begin at different shards, as a run's ranks do. */
static void read_shards(struct doctor_rank *r, const struct dataset *d, int first)
{
	char *buffer = xmalloc(PIECE);
	double began = clock_seconds();

	for (int i = 0; i < d->shard_count; i++)
		read_file(r, shard_path(d->shards[(first + i) % d->shard_count]), buffer,
			began + READ_S);
	r->read_s = clock_seconds() - began;
	xfree(buffer);
}

void doctor_look_at_data(struct doctor_rank *r, struct comm *comm, const struct config *c)
{
	struct run run = { .config = c, .comm = comm };
	char err[ERR_MAX] = "";

	if (!*c->data.train)
		return;
	if (comm->local_rank == 0)
		open_data(r, &run);
	comm_agree(comm, 0, err); /* so that all hosts read at the same time */
	if (run.data)
		read_shards(r, run.data, comm->rank);
	order_close(run.order);
	dataset_close(run.data);
}

/* ---- run ---- */

/* path or its nearest parent that is there; the caller frees (xfree). */
static char *nearest(const char *path)
{
	char *here = xstrdup(path);

	while (!file_exists(here)) {
		char *copy = xstrdup(here), *parent = xstrdup(dirname(copy));

		xfree(copy);
		xfree(here);
		here = parent;
	}
	return here;
}

static int write_pieces(struct doctor_rank *r, int fd)
{
	char *piece = xcalloc(1, PIECE);
	double began = clock_seconds();
	int rc = 0;

	memset(piece, 0x5a, PIECE); /* a disk that compresses finds zeros too easy */
	while (rc == 0 && r->write_bytes < WRITE_MOST && clock_seconds() - began < WRITE_S)
		if (write(fd, piece, PIECE) == PIECE)
			r->write_bytes += PIECE;
		else
			rc = -1;
	if (rc == 0)
		rc = fsync(fd);
	r->write_s = clock_seconds() - began;
	xfree(piece);
	return rc;
}

/* The file has no name by the time it is written: nothing is left behind, whatever happens. */
static int try_writing(struct doctor_rank *r, const char *folder, char err[ERR_MAX])
{
	char *path = xasprintf("%s/.reliquary-doctor-XXXXXX", folder);
	int fd = mkstemp(path), rc = 0;

	if (fd < 0)
		rc = fail(err,
			"%s: cannot be written: %s: choose another --run.dir, or change the folder's owner or mode",
			folder, strerror(errno));
	if (rc == 0 && (unlink(path) != 0 || write_pieces(r, fd) != 0))
		rc = fail(err, "%s: cannot write a file of %d MiB: %s: make room there", folder,
			WRITE_MOST >> 20, strerror(errno));
	if (fd >= 0)
		close(fd);
	xfree(path);
	return rc;
}

static int try_folder(struct doctor_rank *r, const struct config *c, char err[ERR_MAX])
{
	char *folder = nearest(c->run.dir);
	int rc;

	if (!file_is_folder(folder))
		rc = fail(err, "%s is a file, not a folder: choose another --run.dir", folder);
	else
		rc = try_writing(r, folder, err);
	xfree(folder);
	return rc == 0 ? run_folder_check(c, err) : -1;
}

void doctor_try_run(struct doctor_rank *r, const struct comm *comm, const struct config *c)
{
	char err[ERR_MAX] = "";

	if (comm->local_rank != 0 || !*c->run.dir)
		return;
	if (name_disk(r->run_disk, &r->run_shared, &r->run_free, c->run.dir, err) != 0 ||
		(comm->rank == 0 && try_folder(r, c, err) != 0))
		note(r->run_error, err);
}

uint64_t doctor_checkpoint_bytes(const struct config *c)
{
	struct params p;
	struct stats s;
	uint64_t floats;

	model_tables(c, &p, &s);
	floats = 3 * p.length + 2 * s.length; /* parameters, momentum, target; statistics */
	params_free(&p);
	stats_free(&s);
	return floats * sizeof(float);
}
