// SPDX-License-Identifier: GPL-2.0
// Tests that the kernel's own threads for io_uring are in the container of who made the ring.
#include "selftest.h"

#include "ring.h"

#define FIFO "/tmp/io_uring.fifo"

/* Asks a worker to open a FIFO that nobody writes to, where it waits. */
static int ring_submit_open(struct ring *ring)
{
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT,
		.flags = IOSQE_ASYNC,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)FIFO,
		.open_flags = O_RDONLY,
	};

	return ring_submit(ring, &sqe);
}

/* The threads of this process whose name begins like this */
static int threads_named(const char *name, struct ids *found)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *thread;

	memset(found, 0, sizeof(*found));
	while ((thread = readdir(threads)))
		if (!strncmp(content(text("/proc/self/task/%s/comm", thread->d_name)), name,
			     strlen(name)))
			ids_add(found, atoi(thread->d_name));
	closedir(threads);
	return found->count;
}

static bool threads_are(const char *name, struct ids *found, int count)
{
	if (threads_named(name, found) >= count)
		return true;
	ids_free(found);
	return false;
}

/* The test process is in /a, and /b is there too. */
FIXTURE(io_uring)
{
	struct ring ring;
	struct ids workers;
};

FIXTURE_SETUP(io_uring)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, attach("/a", getpid()));
	unlink(FIFO);
	ASSERT_EQ(0, mkfifo(FIFO, 0600));
}

FIXTURE_TEARDOWN(io_uring)
{
	EXPECT_EQ(0, clear_tree());
}

TEST_F(io_uring, its_workers_inherit)
{
	size_t i;

	if (io_uring_is_missing())
		SKIP(return, "this kernel has no io_uring");
	ASSERT_EQ(0, ring_open(&self->ring, 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(1, ring_submit_open(&self->ring));
	ASSERT_TRUE(wait_until(threads_are("iou-wrk-", &self->workers, 2)));
	for (i = 0; i < self->workers.count; i++) {
		EXPECT_STREQ("/a", where_is(self->workers.id[i]));
		EXPECT_TRUE(listed("/a", self->workers.id[i]));
	}
}

TEST_F(io_uring, workers_inherit_from_the_thread_they_work_for)
{
	if (io_uring_is_missing())
		SKIP(return, "this kernel has no io_uring");
	ASSERT_EQ(0, ring_open(&self->ring, 0));
	ASSERT_EQ(0, attach("/b", getpid()));
	ASSERT_EQ(1, ring_submit_open(&self->ring));
	ASSERT_TRUE(wait_until(threads_are("iou-wrk-", &self->workers, 1)));
	EXPECT_STREQ("/b", where_is(self->workers.id[0]));
	EXPECT_EQ(0, population("/a"));
}

TEST_F(io_uring, the_thread_that_polls_for_submissions_inherits)
{
	if (io_uring_is_missing())
		SKIP(return, "this kernel has no io_uring");
	ASSERT_EQ(0, ring_open(&self->ring, IORING_SETUP_SQPOLL));
	ASSERT_TRUE(wait_until(threads_are("iou-sqp-", &self->workers, 1)));
	EXPECT_STREQ("/a", where_is(self->workers.id[0]));
	EXPECT_TRUE(listed("/a", self->workers.id[0]));
}

static int work_and_exit(void)
{
	struct ring ring;
	struct ids workers;

	if (ring_open(&ring, 0) || ring_submit_open(&ring) != 1)
		return -EDOM;
	return wait_until(threads_are("iou-wrk-", &workers, 1)) ? 0 : -ERANGE;
}

TEST_F(io_uring, workers_are_out_when_their_process_is_waited_for)
{
	if (io_uring_is_missing())
		SKIP(return, "this kernel has no io_uring");
	EXPECT_EQ(0, forked(work_and_exit()));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(1, count_tracked());
}

TEST_HARNESS_MAIN
