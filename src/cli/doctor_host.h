#ifndef CLI_DOCTOR_HOST_H
#define CLI_DOCTOR_HOST_H

#include <sched.h>
#include <stdint.h>

#include "base/config.h"
#include "comm/comm.h"
#include "nn/about.h"

enum { HOST_NAME = 64, DISK_NAME = 80, DISK_ERROR = 400 };

/* What one rank finds out about its host.  Of one size and without pointers: ranks send it as it
 * is.  Bytes unless said otherwise; UINT64_MAX: without a limit. */
struct doctor_rank {
	char host[HOST_NAME];
	int32_t rank, local_rank;
	int32_t online;      /* cores of the host */
	int32_t threads;     /* of computing, as a run would take them */
	int32_t decoders;    /* likewise, of decoding */
	cpu_set_t cores;     /* that this rank may use */
	cpu_set_t siblings;  /* those, and hyperthreads of the same cores */
	uint64_t open_files; /* most, a count */
	uint64_t locked;     /* most memory that may be locked */
	uint64_t memory;     /* of the host, or what the job's control group allows of it */
	uint64_t available;  /* of that, now */
	char huge_pages[16]; /* of the kernel: always, madvise, never; empty: unknown */
	char release[HOST_NAME], system[DISK_NAME]; /* kernel, distribution */
	/* with the device open */
	struct device_about device;
	char device_error[DISK_ERROR]; /* empty: it opens */
	/* of the first rank of each host, where the settings name the folders */
	char data_disk[DISK_NAME], run_disk[DISK_NAME]; /* "lustre on /scratch" */
	int32_t data_shared, run_shared;                /* over a network */
	char data_error[DISK_ERROR];                    /* empty: the data set is as it should be */
	uint64_t images, shards;                        /* of the data set */
	uint64_t image_bytes;                           /* of its largest image, decoded */
	uint64_t read_bytes;
	double read_s;
	/* of rank 0 */
	char run_error[DISK_ERROR]; /* empty: a run may begin or go on there */
	uint64_t run_free, write_bytes;
	double write_s;
};

/* Fill in what needs neither device nor files: from host to system.  c's threads are settled. */
void doctor_look(struct doctor_rank *r, const struct comm *comm, const struct config *c);

/* Open the device, ask it, close it. */
void doctor_look_at_device(struct doctor_rank *r, const struct comm *comm, const struct config *c);

/* Was the rank bound to some of its host's cores? */
int doctor_is_bound(const struct doctor_rank *r);

int doctor_same_host(const struct doctor_rank *a, const struct doctor_rank *b);

#endif
