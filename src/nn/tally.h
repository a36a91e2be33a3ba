#ifndef NN_TALLY_H
#define NN_TALLY_H

#include "nn/params.h"
#include "nn/profile.h"

/* A device that computes nothing: it adds up what it is asked for.  The memory of a training step,
 * its operations, the bytes they move and the messages between ranks are then known before the job,
 * from the same code that runs it (reliquary pretrain --dry-run).  Its memory has addresses that
 * nothing may read; download gives zeros. */

/* What a card can do at most, by its maker's data sheet. */
struct card {
	const char *name; /* as --gpu takes it */
	const char *title;
	double memory;    /* bytes */
	double bandwidth; /* bytes/s of its memory */
	double rate[3]; /* by enum precision: operations/s of matrix products, dense; 0: it has none
			 */
	double link;    /* bytes/s to its neighbours in the host, one direction */
};

/* The card of that name, or NULL with err, which lists them. */
const struct card *card_find(const char *name, char err[ERR_MAX]);

/* One line of each list; purpose and what are constant strings. */
struct tally_memory {
	const char *purpose;
	size_t bytes, peak; /* now, at most */
};

struct tally_work {
	char layer[PARAM_NAME_MAX]; /* of the network, or a part of the step */
	double operations; /* of matrix products; a multiplication and its addition are two */
	double bytes;      /* read and written, each array once a call */
	double floor_s; /* sum over calls of the larger of operations / rate and bytes / bandwidth
			 */
	long calls;
};

struct tally_message {
	const char *what;
	double bytes; /* that a rank gives, in all calls */
	double largest;
	long calls;
};

struct tally {
	struct device device; /* first */
	const struct card *card;
	void *images[2];
	int image_count[2];
	size_t image_bytes[2];
	size_t workspace, scratch; /* what was given, and what operations need in all */
	struct tally_memory *memory;
	struct tally_work *work;
	struct tally_work kinds[KINDS]; /* the same work by kind of operation; layer is empty */
	struct tally_message *messages;
	int memory_count, work_count, message_count;
	struct tally_piece *pieces; /* the allocations, for free */
	int piece_count;
	size_t next; /* address */
};

/* Elements and rates of that precision; workspace as in struct device_options, not 0. NULL with err
 * if the card has no such arithmetic. */
struct tally *tally_open(
	const struct card *card, enum precision precision, size_t workspace, char err[ERR_MAX]);
void tally_close(struct tally *t); /* NULL is fine */

/* All memory at its peak, scratch included. */
size_t tally_bytes(const struct tally *t);

/* Forget work and messages so far; memory stays. */
void tally_restart(struct tally *t);

#endif
