/* SPDX-License-Identifier: GPL-2.0 */
/* A ring of io_uring, by its system calls. */
#ifndef CONTAINERFS_SELFTESTS_RING_H
#define CONTAINERFS_SELFTESTS_RING_H

#include "common.h"

#include <linux/io_uring.h>

struct ring {
	int fd;
	unsigned int *tail;
	unsigned int *mask;
	unsigned int *array;
	struct io_uring_sqe *sqes;
	unsigned int *cq_head;
	unsigned int *cq_tail;
	unsigned int *cq_mask;
	struct io_uring_cqe *cqes;
};

/* Is there no io_uring in this kernel? */
bool io_uring_is_missing(void);

int ring_open(struct ring *ring, unsigned int flags);

/* Returns the number of requests that were submitted, which is 1. */
int ring_submit(struct ring *ring, const struct io_uring_sqe *sqe);

/* Submits a request and waits for it; returns its result. */
int ring_run(struct ring *ring, const struct io_uring_sqe *sqe);

#endif
