#ifndef PACK_POOL_H
#define PACK_POOL_H

/* Threads that work on a bounded queue of jobs; one caller puts jobs in and takes them out in the
 * same order, so that the outcome does not depend on the number of threads. */

struct pool;

/* work(arg, job, thread) runs in thread 0..threads-1; capacity is how many jobs may be inside. */
struct pool *pool_open(
	int threads, int capacity, void (*work)(void *arg, void *job, int thread), void *arg);

/* Ends the threads after what they are at; jobs still inside stay the caller's. NULL is fine. */
void pool_close(struct pool *p);

/* At capacity; without any job. */
int pool_full(const struct pool *p);
int pool_empty(const struct pool *p);
void pool_put(struct pool *p, void *job); /* not when full */
/* The oldest job, when it is done and, at capacity, half of all jobs are: as many can then be put
 * in without waiting again.  Not when empty. */
void *pool_take(struct pool *p);

/* Without waiting: the oldest job, or NULL when it is not done.  Not when empty. */
void *pool_try(struct pool *p);

/* Cores that this process may run on. */
int pool_cores(void);

#endif
