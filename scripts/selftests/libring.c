// SPDX-License-Identifier: GPL-2.0
// What the selftests share: a ring of io_uring.
#include "ring.h"

#define ENTRIES 8

/* Where there is one, a ring of no entries is an invalid argument. */
bool io_uring_is_missing(void)
{
	struct io_uring_params params = { 0 };

	return result(syscall(SYS_io_uring_setup, 0, &params)) != -EINVAL;
}

static char *map_ring(const struct ring *ring, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, what);
}

int ring_open(struct ring *ring, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	char *submissions, *completions, *sqes;

	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, &params);
	if (ring->fd < 0)
		return -errno;
	submissions = map_ring(ring, params.sq_off.array +
				     params.sq_entries * sizeof(unsigned int), IORING_OFF_SQ_RING);
	completions = map_ring(ring, params.cq_off.cqes +
				     params.cq_entries * sizeof(struct io_uring_cqe),
			       IORING_OFF_CQ_RING);
	sqes = map_ring(ring, ENTRIES * sizeof(*ring->sqes), IORING_OFF_SQES);
	if (submissions == MAP_FAILED || completions == MAP_FAILED || sqes == MAP_FAILED)
		return -errno;
	ring->sqes = (struct io_uring_sqe *)sqes;
	ring->tail = (unsigned int *)(submissions + params.sq_off.tail);
	ring->mask = (unsigned int *)(submissions + params.sq_off.ring_mask);
	ring->array = (unsigned int *)(submissions + params.sq_off.array);
	ring->cq_head = (unsigned int *)(completions + params.cq_off.head);
	ring->cq_tail = (unsigned int *)(completions + params.cq_off.tail);
	ring->cq_mask = (unsigned int *)(completions + params.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(completions + params.cq_off.cqes);
	return 0;
}

int ring_submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->tail;
	unsigned int at = tail & *ring->mask;

	ring->sqes[at] = *sqe;
	ring->array[at] = at;
	__atomic_store_n(ring->tail, tail + 1, __ATOMIC_RELEASE);
	return result(syscall(SYS_io_uring_enter, ring->fd, 1, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0));
}

static bool ring_is_done(const struct ring *ring)
{
	return *ring->cq_head != __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
}

int ring_run(struct ring *ring, const struct io_uring_sqe *sqe)
{
	int error = ring_submit(ring, sqe);

	if (error != 1)
		return error < 0 ? error : -EAGAIN;
	while (!ring_is_done(ring)) {
		error = result(syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS,
				       NULL, 0));
		if (error < 0 && error != -EINTR)
			return error;
	}
	error = ring->cqes[*ring->cq_head & *ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, *ring->cq_head + 1, __ATOMIC_RELEASE);
	return error;
}
