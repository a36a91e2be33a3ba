/* comm_wait.c - waiting for other ranks, and what happens when they do not come.
 * A rank whose wait has lasted too long tells all others where it waits.  Those that wait too
 * answer with the same; who is silent for a while has not arrived.  The lowest rank that waits says
 * so and ends the job. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "comm/comm_ops.h"

static const double SPIN_S = 50e-6; /* batch norm's sums are over by then */
static const double LOOK_S = 10e-3; /* no need to see earlier that something is wrong */
static const double NAP_S = 0.2;    /* so long a wait does not notice a nap */
static const double GRACE_S = 10;   /* for answers, at most */

/* ---- waiting ---- */

static void pause_after(double waited)
{
	if (waited > NAP_S)
		usleep(100);
	else if (waited > SPIN_S)
		sched_yield();
}

static const struct comm_report NOTHING = { .rank = -1 };

/* Pause.  1 when the wait is to end in comm_missing; *other is then another rank's report, or
 * stays as it is. */
static int in_vain(struct comm_base *b, double waited, struct comm_report *other)
{
	pause_after(waited);
	if (waited <= LOOK_S)
		return 0;
	if (b->ops->hear(b, other)) {
		if (other->over)
			die_silently();
		return 1;
	}
	b->ops->look(b);
	return waited > b->timeout_s;
}

static _Noreturn void missing(struct comm_base *b, const char *what, long seq, double waited_s,
	const struct comm_report *other);

void comm_wait(struct comm_base *b)
{
	double waited = clock_seconds() - b->began;
	struct comm_report other = NOTHING;
	char what[COMM_WHAT];

	if (!in_vain(b, waited, &other))
		return;
	snprintf(what, sizeof what, "%s of %zu %s", b->call.verb, b->call.n, b->call.unit);
	missing(b, what, b->call.seq, waited, &other);
}

void comm_waiting(struct comm *c, const char *what, long seq, double began)
{
	double waited = clock_seconds() - began;
	struct comm_report other = NOTHING;

	if (in_vain(comm_base_of(c), waited, &other))
		missing(comm_base_of(c), what, seq, waited, &other);
}

void comm_missing(struct comm *c, const char *what, long seq, double waited_s)
{
	missing(comm_base_of(c), what, seq, waited_s, &NOTHING);
}

/* ---- what is said ---- */

/* What the ranks have told, by rank. */
struct roll {
	const struct comm_report *own;
	struct comm_report *heard;
	char *silent; /* 1: nothing was heard */
	int size;
};

static void add_place(char text[ERR_MAX], const struct comm_report *r)
{
	comm_say(text, "collective %lld (%s)", (long long)r->seq, r->what);
	if (r->step >= 0)
		comm_say(text, " of step %lld", (long long)r->step);
}

static int same_place(const struct comm_report *a, const struct comm_report *b)
{
	return a->seq == b->seq && a->step == b->step && strcmp(a->what, b->what) == 0;
}

/* The ranks that wait elsewhere, some of them by name; returns how many there are. */
static int add_elsewhere(char text[ERR_MAX], const struct roll *roll)
{
	enum { NAMED = 4 };
	int count = 0;

	for (int r = 0; r < roll->size; r++) {
		if (roll->silent[r] || same_place(&roll->heard[r], roll->own))
			continue;
		if (++count > NAMED)
			continue;
		comm_say(text, "; rank %d waits for ", r);
		add_place(text, &roll->heard[r]);
	}
	if (count > NAMED)
		comm_say(text, "; %d more ranks wait elsewhere", count - NAMED);
	return count;
}

/* The rank that has waited longest (sign 1), or not as long as any other (-1). */
static const struct comm_report *extreme(const struct roll *roll, int sign)
{
	const struct comm_report *found = roll->own;

	for (int r = 0; r < roll->size; r++)
		if (!roll->silent[r] && sign * roll->heard[r].waited_s > sign * found->waited_s)
			found = &roll->heard[r];
	return found;
}

static void describe(char text[ERR_MAX], const struct roll *roll)
{
	const struct comm_report *last = extreme(roll, -1);
	int silent;

	text[0] = 0;
	comm_say(text, "waited %.1f s for ", extreme(roll, 1)->waited_s);
	add_place(text, roll->own);
	comm_say(text, ": ");
	silent = comm_say_ranks(text, roll->silent, roll->size);
	if (silent > 0) {
		comm_say(text, " %s not arrived", silent == 1 ? "has" : "have");
		add_elsewhere(text, roll);
		return;
	}
	comm_say(text, "no rank is missing");
	if (add_elsewhere(text, roll) == 0)
		comm_say(text, ", the last (rank %d) has waited for %.1f s: see comm.timeout_s",
			last->rank, last->waited_s);
}

/* ---- finding out ---- */

static void note(struct roll *roll, const struct comm_report *r)
{
	if (r->rank < 0 || r->rank >= roll->size)
		return;
	if (r->over)
		die_silently();
	roll->heard[r->rank] = *r;
	roll->heard[r->rank].what[COMM_WHAT - 1] = 0;
	roll->silent[r->rank] = 0;
}

/* Tell and hear for so many seconds.  Telling is repeated: a report may get lost. */
static void exchange(struct comm_base *b, struct roll *roll, double seconds)
{
	double began = clock_seconds(), told = began - 1, now;

	while ((now = clock_seconds()) - began < seconds) {
		struct comm_report other;

		if (now - told >= 1) {
			b->ops->tell(b, roll->own);
			told = now;
		}
		while (b->ops->hear(b, &other))
			note(roll, &other);
		usleep(1000);
	}
}

static int lowest(const struct roll *roll)
{
	int r = 0;

	while (roll->silent[r])
		r++;
	return r;
}

static void missing(struct comm_base *b, const char *what, long seq, double waited_s,
	const struct comm_report *other)
{
	struct comm_report own = {
		.rank = b->c.rank, .seq = seq, .step = b->step, .waited_s = waited_s
	};
	size_t n = (size_t)b->c.size;
	struct roll roll = { &own, xcalloc(n, sizeof own), xmalloc(n), b->c.size };
	double grace = b->timeout_s < GRACE_S ? b->timeout_s : GRACE_S;
	char text[ERR_MAX];

	snprintf(own.what, sizeof own.what, "%s", what);
	memset(roll.silent, 1, n);
	note(&roll, &own);
	note(&roll, other);
	exchange(b, &roll, grace);
	if (lowest(&roll) != own.rank)
		exchange(b, &roll, grace); /* the lowest rank ends the job, unless it died of it */
	describe(text, &roll);
	own.over = 1;
	b->ops->tell(b, &own);
	die(__FILE__, __LINE__, "waiting for other ranks", "%s", text);
}
