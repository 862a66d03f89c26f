// SPDX-License-Identifier: GPL-2.0
// The fuzzer: the same by io_uring, inline and by its workers.
#include "fuzz.h"

#include <linux/io_uring.h>

#define ENTRIES 4

static void *map(int fd, size_t size, off_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}

void fuzz_ring_open(struct fuzzer *f)
{
	struct io_uring_params params = { 0 };
	struct fuzz_ring *ring = &f->ring;
	char *queue;

	ring->fd = result(syscall(SYS_io_uring_setup, ENTRIES, &params));
	if (ring->fd < 0)
		return;
	fcntl(ring->fd, F_SETFD, FD_CLOEXEC);
	queue = map(ring->fd, params.sq_off.array + params.sq_entries * sizeof(unsigned int),
		    IORING_OFF_SQ_RING);
	ring->tail = (unsigned int *)(queue + params.sq_off.tail);
	ring->mask = (unsigned int *)(queue + params.sq_off.ring_mask);
	ring->array = (unsigned int *)(queue + params.sq_off.array);
	queue = map(ring->fd, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
		    IORING_OFF_CQ_RING);
	ring->cq_head = (unsigned int *)(queue + params.cq_off.head);
	ring->cq_tail = (unsigned int *)(queue + params.cq_off.tail);
	ring->cq_mask = (unsigned int *)(queue + params.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(queue + params.cq_off.cqes);
	ring->sqes = map(ring->fd, params.sq_entries * sizeof(struct io_uring_sqe),
			 IORING_OFF_SQES);
}

/* Returns the result of one operation. */
static int operate(struct fuzz_ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->tail, at = tail & *ring->mask, head = *ring->cq_head;
	int submit = 1, value;

	ring->sqes[at] = *sqe;
	ring->array[at] = at;
	__atomic_store_n(ring->tail, tail + 1, __ATOMIC_RELEASE);
	while (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
		value = result(syscall(SYS_io_uring_enter, ring->fd, submit, 1,
				       IORING_ENTER_GETEVENTS, NULL, 0));
		if (value > 0)
			submit = 0;
		else if (value < 0 && value != -EINTR && value != -EAGAIN)
			return value;
	}
	value = ring->cqes[head & *ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return value;
}

void fuzz_ring_call(struct fuzzer *f)
{
	static const int opcodes[] = {
		IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV,
		IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_FADVISE, IORING_OP_SYNC_FILE_RANGE,
	};
	struct io_uring_sqe sqe = {
		.opcode = fuzz_pick(f, opcodes),
		.flags = fuzz_one_in(f, 2) ? IOSQE_ASYNC : 0,
		.fd = f->slot->fd,
		.off = fuzz_offset(f),
		.addr = (uintptr_t)f->buffer,
		.len = fuzz_size(f),
	};
	struct iovec segments[4];
	size_t size = sqe.len;
	const bool reads = sqe.opcode == IORING_OP_READ || sqe.opcode == IORING_OP_READV;

	/* io_uring waits until a file that has a poll is ready, and this one may never be. */
	if (f->ring.fd < 0 || (reads && f->slot->target.kind == FUZZ_RAW))
		return;
	fuzz_guard(f, size);
	switch (sqe.opcode) {
	case IORING_OP_READV:
		sqe.len = fuzz_segments(f, segments, f->buffer, size);
		sqe.addr = (uintptr_t)segments;
		__attribute__((fallthrough));
	case IORING_OP_READ:
		fuzz_check_read(f, operate(&f->ring, &sqe), size);
		break;
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE:
		fuzz_value(f, f->slot->target.kind);
		sqe.addr = (uintptr_t)f->value;
		sqe.len = f->length;
		if (sqe.opcode == IORING_OP_WRITEV) {
			sqe.len = fuzz_segments(f, segments, f->value, f->length);
			sqe.addr = (uintptr_t)segments;
		}
		fuzz_check_write(f, operate(&f->ring, &sqe));
		break;
	default:
		operate(&f->ring, &sqe);
	}
}
