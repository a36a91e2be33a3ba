#include "nccl_meeting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"

#define NAME_PREFIX "/reliquary-nccl-"

struct place {
	atomic_int taken;          /* 1 + device */
	atomic_ulong posted, done; /* pieces */
	struct order order;
};

/* All zeros to begin with. */
struct shared {
	atomic_int ranks, joined;
	atomic_int failed; /* 1 + rank */
	struct place places[MEETING_RANKS];
	_Alignas(64) char windows[MEETING_RANKS][MEETING_WINDOW];
};

struct meeting {
	struct shared *shared;
	int rank, ranks;
	unsigned long turn; /* pieces that this rank is done with */
	char name[MEETING_NAME];
};

void meeting_name(char name[MEETING_NAME])
{
	static int made;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(name, 0, MEETING_NAME);
	snprintf(name, MEETING_NAME, NAME_PREFIX "%ld-%d-%lx-%lx", (long)getpid(), made++,
		(long)now.tv_sec, now.tv_nsec);
}

int meeting_is_name(const char name[MEETING_NAME])
{
	return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0 &&
		memchr(name, 0, MEETING_NAME) != NULL;
}

static struct shared *map_object(const char *name)
{
	/* Whoever comes first makes it; all give it the same size, which leaves its content. */
	int fd = shm_open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct shared)) == 0)
		p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		double_fault("NCCL: shared memory %s: %s", name, strerror(errno));
	close(fd);
	return p;
}

struct meeting *meeting_join(const char *name, int rank, int ranks, int device)
{
	struct meeting *m = calloc(1, sizeof *m);
	struct shared *shared;
	int others = 0;

	if (!m || ranks > MEETING_RANKS)
		double_fault("NCCL: no room for %d ranks (at most %d)", ranks, MEETING_RANKS);
	shared = map_object(name);
	if (!atomic_compare_exchange_strong(&shared->ranks, &others, ranks) && others != ranks)
		double_fault(
			"NCCL: rank %d asks for %d ranks, another for %d", rank, ranks, others);
	if (atomic_exchange(&shared->places[rank].taken, 1 + device))
		double_fault("NCCL: two ranks are rank %d", rank);
	*m = (struct meeting){ .shared = shared, .rank = rank, .ranks = ranks };
	snprintf(m->name, sizeof m->name, "%s", name);
	if (atomic_fetch_add(&shared->joined, 1) + 1 == ranks)
		shm_unlink(name);
	return m;
}

int meeting_complete(const struct meeting *m)
{
	return atomic_load(&m->shared->joined) == m->ranks;
}

int meeting_shared_device(const struct meeting *m)
{
	const struct place *places = m->shared->places;

	for (int r = 0; r < m->ranks; r++)
		for (int other = r + 1; other < m->ranks; other++)
			if (atomic_load(&places[r].taken) == atomic_load(&places[other].taken))
				return r;
	return -1;
}

void meeting_leave(struct meeting *m)
{
	if (!meeting_complete(m))
		shm_unlink(m->name);
	munmap(m->shared, sizeof *m->shared);
	free(m);
}

int meeting_post(struct meeting *m, const struct order *order, const void *data, size_t bytes)
{
	struct place *own = &m->shared->places[m->rank];

	for (int r = 0; r < m->ranks; r++)
		if (atomic_load(&m->shared->places[r].done) < m->turn)
			return 0;
	own->order = *order;
	if (bytes)
		memcpy(m->shared->windows[m->rank], data, bytes);
	atomic_store(&own->posted, m->turn + 1);
	return 1;
}

int meeting_ready(const struct meeting *m)
{
	for (int r = 0; r < m->ranks; r++)
		if (atomic_load(&m->shared->places[r].posted) <= m->turn)
			return 0;
	return 1;
}

const struct order *meeting_order(const struct meeting *m, int rank)
{
	return &m->shared->places[rank].order;
}

const void *meeting_window(const struct meeting *m, int rank)
{
	return m->shared->windows[rank];
}

void meeting_done(struct meeting *m)
{
	m->turn++;
	atomic_store(&m->shared->places[m->rank].done, m->turn);
}

void meeting_fail(struct meeting *m)
{
	int none = 0;

	atomic_compare_exchange_strong(&m->shared->failed, &none, m->rank + 1);
}

int meeting_failed(const struct meeting *m)
{
	return atomic_load(&m->shared->failed) - 1;
}
