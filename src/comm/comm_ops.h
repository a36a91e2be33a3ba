#ifndef COMM_COMM_OPS_H
#define COMM_COMM_OPS_H

#include "comm/comm.h"

/* Inside comm/: what the ways to reach other ranks implement, and what they share. */

enum comm_reduction { COMM_SUM_FLOAT, COMM_SUM_DOUBLE, COMM_MAX_INT, COMM_REDUCTIONS };

/* A collective, as messages name it: "sum of 2 doubles". */
struct comm_call {
	const char *verb, *unit; /* constant strings */
	size_t n;
	long seq; /* from 1, in the order of the calls */
};

enum { COMM_WHAT = 80 };

/* Where a rank waits, told to the others. */
struct comm_report {
	int32_t rank;
	int32_t over; /* the job ends: the sender has said why */
	int64_t seq, step;
	double waited_s;
	char what[COMM_WHAT];
};

struct comm_base; /* a struct comm of some kind; below */

struct comm_ops {
	/* The collectives of comm.h; n elements, or bytes.  They wait by comm_wait. */
	void (*reduce)(struct comm_base *b, void *x, size_t n, enum comm_reduction how);
	void (*gather)(struct comm_base *b, void *all, const void *x, size_t bytes);
	void (*broadcast)(struct comm_base *b, void *x, size_t bytes, int root);
	void (*sum_start)(struct comm_base *b, float *x, size_t n);
	void (*sum_finish)(struct comm_base *b);
	/* As comm_describe. */
	void (*describe)(char text[ERR_MAX]);
	/* Leave the other ranks, which all leave too; frees b. */
	void (*close)(struct comm_base *b);

	/* Has a rank died?  Then the job ends here. */
	void (*look)(struct comm_base *b);
	/* Send the report to all other ranks, without waiting for them; may be repeated. */
	void (*tell)(struct comm_base *b, const struct comm_report *own);
	/* Fetch the report of another rank, if one has come: 1, else 0. */
	int (*hear)(struct comm_base *b, struct comm_report *other);
};

struct comm_base {
	struct comm c; /* first: what users see */
	const struct comm_ops *ops;
	double timeout_s;
	int64_t step;          /* -1: no steps are counted */
	struct comm_call call; /* the newest collective */
	double began;          /* its wait; put forward when something came */
	int leaving;           /* comm_close is at work: connections may close */
};

static inline struct comm_base *comm_base_of(struct comm *c)
{
	return (struct comm_base *)c;
}

/* How each way begins; as comm_open. */
struct comm_base *comm_mpi_open(const struct comm_options *options, char err[ERR_MAX]);
struct comm_base *comm_tcp_open(const struct comm_options *options, char err[ERR_MAX]);

/* Number and name the collective that begins. */
void comm_begin(struct comm_base *b, const char *verb, size_t n, const char *unit);

/* As comm_waiting, for the collective that has begun. */
void comm_wait(struct comm_base *b);

/* Append to a message. */
void comm_say(char text[ERR_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append "rank 3" or "ranks 1, 4-7" for those whose entry is not 0; returns how many they are. */
int comm_say_ranks(char text[ERR_MAX], const char *chosen, int ranks);

/* Which rank this is, as the launcher says in the environment. */
struct comm_place {
	int rank, size;
	int local_rank; /* -1: not said */
};
int comm_environment(struct comm_place *p, char err[ERR_MAX]);
/* 1 when it says that all ranks are on this host, or names no launcher. */
int comm_environment_one_host(void);

#endif
