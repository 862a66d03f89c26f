// SPDX-License-Identifier: GPL-2.0
// Tests that one system call is one read or write, whichever it is, as on cgroup's own files.
#include "rcfstest.h"
#include "ring.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define ROOT "/tmp/io"
#define PLAIN "/tmp/io.plain"
#define BAD ((void *)16)

/* A tree with a container /a, which is empty, and a task in the root. */
FIXTURE(io)
{
	int fd;
	pid_t pid;
	const char *line;
	size_t length;
};

FIXTURE_VARIANT(io)
{
	const char *type;
	const char *options;
};

FIXTURE_VARIANT_ADD(io, container)
{
	.type = "container",
};

FIXTURE_VARIANT_ADD(io, rcfs)
{
	.type = "rcfs",
	.options = "none,name=io",
};

FIXTURE_VARIANT_ADD(io, cgroup_v1)
{
	.type = "cgroup",
	.options = "none,name=io",
};

FIXTURE_SETUP(io)
{
	umask(022);
	ASSERT_EQ(0, mount_at_once(variant->type, ROOT, variant->options));
	ASSERT_EQ(0, make_at(ROOT "/a"));
	self->fd = open(ROOT "/a/tasks", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->pid = sleeper_in(ROOT, NULL);
	ASSERT_LT(0, self->pid);
	self->line = strdup(text("%d\n", self->pid));
	self->length = strlen(self->line);
}

FIXTURE_TEARDOWN(io)
{
	close(self->fd);
	EXPECT_EQ(0, end(self->pid));
	EXPECT_EQ(0, enter(ROOT, 0));
	EXPECT_TRUE(wait_until(!rmdir(ROOT "/a")));
	EXPECT_EQ(0, umount(ROOT));
}

/* A call that writes the task's line to tasks of /a */
#define EXPECT_MOVES(call) do {						\
	EXPECT_EQ((long)self->length, result(call));			\
	EXPECT_EQ(1, count_tasks(ROOT "/a"));				\
	EXPECT_TRUE(has_task(ROOT "/a", self->pid));			\
	EXPECT_EQ(0, enter(ROOT, self->pid));				\
} while (0)

#define EXPECT_REFUSED(error, call) do {				\
	EXPECT_EQ(error, result(call));					\
	EXPECT_EQ(0, count_tasks(ROOT "/a"));				\
} while (0)

/* Put the task into /a and open tasks there, for reading: what is shown is of the time of open. */
static int enter_and_open(int *fd, pid_t pid)
{
	int error = enter(ROOT "/a", pid);

	close(*fd);
	*fd = open(ROOT "/a/tasks", O_RDWR | O_CLOEXEC);
	return error ?: *fd < 0 ? -errno : 0;
}

/* Segments of one byte each, with an empty one behind each; returns their number. */
static int split(const char *line, struct iovec *segments)
{
	int count = 0;

	for (; *line; line++) {
		segments[count++] = (struct iovec){ (void *)line, 1 };
		segments[count++] = (struct iovec){ BAD, 0 };
	}
	return count;
}

TEST_F(io, writev_is_one_write)
{
	char padded[300];
	struct iovec segments[2 * sizeof(padded)];

	EXPECT_MOVES(writev(self->fd, segments, split(self->line, segments)));
	EXPECT_MOVES(pwritev(self->fd, segments, split(self->line, segments), 0));
	EXPECT_MOVES(pwritev(self->fd, segments, split(self->line, segments), 1000));
	/* As some C libraries flush their buffers. */
	segments[0] = (struct iovec){ (void *)self->line, 1 };
	segments[1] = (struct iovec){ (void *)self->line + 1, self->length - 1 };
	EXPECT_MOVES(writev(self->fd, segments, 2));
	/* Hundreds of segments. */
	snprintf(padded, sizeof(padded), "%298d\n", self->pid);
	self->length = strlen(padded);
	EXPECT_MOVES(writev(self->fd, segments, split(padded, segments)));
}

TEST_F(io, a_bad_segment_changes_nothing)
{
	struct iovec segments[3] = {
		{ (void *)self->line, self->length },
		{ BAD, 1 },
		{ (void *)self->line, self->length },
	};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_REFUSED(-EFAULT, writev(self->fd, segments, 3));
	EXPECT_REFUSED(-EFAULT, writev(self->fd, segments, 2));
	EXPECT_REFUSED(-EFAULT, writev(self->fd, segments + 1, 2));
	/* Readable up to the end of a page only. */
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	memcpy(page + 4096 - self->length, self->line, self->length);
	segments[0] = (struct iovec){ page + 4096 - self->length, self->length + 1 };
	EXPECT_REFUSED(-EFAULT, writev(self->fd, segments, 1));
	EXPECT_REFUSED(-EFAULT, write(self->fd, page + 4096 - self->length, self->length + 1));
	EXPECT_MOVES(write(self->fd, page + 4096 - self->length, self->length));
}

TEST_F(io, segments_are_too_long_together)
{
	char spaces[3000];
	struct iovec segments[3] = {
		{ (void *)self->line, self->length },
		{ spaces, sizeof(spaces) },
		{ spaces, sizeof(spaces) },
	};

	memset(spaces, ' ', sizeof(spaces));
	EXPECT_REFUSED(-E2BIG, writev(self->fd, segments, 3));
	self->length += sizeof(spaces);
	EXPECT_MOVES(writev(self->fd, segments, 2));
}

TEST_F(io, flags_of_pwritev2)
{
	static const int flags[] = { 0, RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_APPEND };
	struct iovec line = { (void *)self->line, self->length };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_MOVES(pwritev2(self->fd, &line, 1, 0, flags[i]));
		EXPECT_MOVES(pwritev2(self->fd, &line, 1, -1, flags[i]));
	}
	EXPECT_REFUSED(-EOPNOTSUPP, pwritev2(self->fd, &line, 1, 0, RWF_NOWAIT));
	EXPECT_REFUSED(-EOPNOTSUPP, preadv2(self->fd, &line, 1, 0, RWF_NOWAIT));
}

TEST_F(io, readv_fills_its_segments)
{
	char bytes[32] = "";
	struct iovec segments[2 * sizeof(bytes)];
	size_t i;

	ASSERT_EQ(0, enter_and_open(&self->fd, self->pid));
	for (i = 0; i < ARRAY_SIZE(segments); i += 2) {
		segments[i] = (struct iovec){ bytes + i / 2, 1 };
		segments[i + 1] = (struct iovec){ BAD, 0 };
	}
	EXPECT_EQ((ssize_t)self->length, readv(self->fd, segments, ARRAY_SIZE(segments)));
	EXPECT_STREQ(self->line, bytes);
	EXPECT_EQ(0, readv(self->fd, segments, ARRAY_SIZE(segments)));
	memset(bytes, 0, sizeof(bytes));
	EXPECT_EQ((ssize_t)self->length - 1, preadv(self->fd, segments, ARRAY_SIZE(segments), 1));
	EXPECT_STREQ(self->line + 1, bytes);
	segments[0].iov_base = BAD;
	EXPECT_EQ(-EFAULT, result(preadv(self->fd, segments, 2, 0)));
}

TEST_F(io, the_position_advances)
{
	char bytes[32];

	EXPECT_MOVES(write(self->fd, self->line, self->length));
	EXPECT_EQ((off_t)self->length, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_MOVES(pwrite(self->fd, self->line, self->length, 100));
	EXPECT_EQ((off_t)self->length, lseek(self->fd, 0, SEEK_CUR));
	ASSERT_EQ(0, enter_and_open(&self->fd, self->pid));
	EXPECT_EQ((ssize_t)self->length, read(self->fd, bytes, sizeof(bytes)));
	EXPECT_EQ((off_t)self->length, lseek(self->fd, 0, SEEK_CUR));
}

TEST_F(io, appending_after_seeking_to_the_end)
{
	int fd = open(ROOT "/a/tasks", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	FILE *stream = fopen(ROOT "/a/tasks", "a+");

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	EXPECT_MOVES(write(fd, self->line, self->length));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(-ENXIO, result(lseek(fd, 0, SEEK_DATA)));
	EXPECT_EQ(-ENXIO, result(lseek(fd, 0, SEEK_HOLE)));
	EXPECT_EQ(-EINVAL, result(lseek(fd, -1, SEEK_SET)));
	EXPECT_EQ(-EINVAL, result(lseek(fd, -1, SEEK_END)));
	EXPECT_EQ(1000, lseek(fd, 1000, SEEK_SET));
	close(fd);
	ASSERT_NE(NULL, stream);
	EXPECT_EQ(0, fseek(stream, 0, SEEK_END));
	EXPECT_MOVES(fputs(self->line, stream) < 0 || fclose(stream) ? -1 : (long)self->length);
}

TEST_F(io, fsync_succeeds)
{
	int read_only = open(ROOT "/a/notify_on_release", O_RDONLY | O_CLOEXEC);
	int synchronous = open(ROOT "/a/tasks", O_WRONLY | O_SYNC | O_DSYNC | O_CLOEXEC);

	EXPECT_MOVES(write(self->fd, self->line, self->length));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_EQ(0, fsync(read_only));
	EXPECT_MOVES(write(synchronous, self->line, self->length));
	close(read_only);
	close(synchronous);
}

TEST_F(io, splice_to_a_file)
{
	int pipes[2];

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC | O_DIRECT));
	ASSERT_EQ((ssize_t)self->length, write(pipes[1], self->line, self->length));
	EXPECT_MOVES(splice(pipes[0], NULL, self->fd, NULL, 4096, 0));
	/* Two buffers of the pipe are one write. */
	ASSERT_EQ(1, write(pipes[1], self->line, 1));
	ASSERT_EQ((ssize_t)self->length - 1, write(pipes[1], self->line + 1, self->length - 1));
	EXPECT_MOVES(splice(pipes[0], NULL, self->fd, NULL, self->length, 0));
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(io, splice_from_a_file)
{
	char bytes[32] = "";
	loff_t offset = 0;
	int pipes[2];

	ASSERT_EQ(0, enter_and_open(&self->fd, self->pid));
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	EXPECT_EQ((ssize_t)self->length, splice(self->fd, NULL, pipes[1], NULL, 4096, 0));
	EXPECT_EQ(0, splice(self->fd, NULL, pipes[1], NULL, 4096, 0));
	EXPECT_EQ((ssize_t)self->length, read(pipes[0], bytes, sizeof(bytes)));
	EXPECT_STREQ(self->line, bytes);
	EXPECT_EQ((ssize_t)self->length, splice(self->fd, &offset, pipes[1], NULL, 4096, 0));
	EXPECT_EQ((loff_t)self->length, offset);
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(io, sendfile_in_both_directions)
{
	int plain = open(PLAIN, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char bytes[32] = "";
	off_t offset = 0;

	ASSERT_EQ((ssize_t)self->length, write(plain, self->line, self->length));
	EXPECT_MOVES(sendfile(self->fd, plain, &offset, 4096));
	EXPECT_EQ((off_t)self->length, offset);
	ASSERT_EQ(0, enter_and_open(&self->fd, self->pid));
	ASSERT_EQ(0, lseek(plain, 0, SEEK_SET));
	ASSERT_EQ(0, ftruncate(plain, 0));
	offset = 0;
	EXPECT_EQ((ssize_t)self->length, sendfile(plain, self->fd, &offset, 4096));
	EXPECT_EQ((ssize_t)self->length, pread(plain, bytes, sizeof(bytes), 0));
	EXPECT_STREQ(self->line, bytes);
	close(plain);
}

/* The size of a control file is 0, and the other file is on another filesystem. */
TEST_F(io, copy_file_range_copies_nothing)
{
	int plain = open(PLAIN, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int other = open(ROOT "/tasks", O_RDWR | O_CLOEXEC);

	ASSERT_EQ((ssize_t)self->length, pwrite(plain, self->line, self->length, 0));
	EXPECT_REFUSED(-EXDEV, copy_file_range(plain, NULL, self->fd, NULL, 4096, 0));
	EXPECT_REFUSED(-EXDEV, copy_file_range(self->fd, NULL, plain, NULL, 4096, 0));
	EXPECT_REFUSED(0, copy_file_range(other, NULL, self->fd, NULL, 4096, 0));
	close(other);
	close(plain);
}

/* What libaio does */
static long aio(int fd, unsigned int opcode, const void *bytes, size_t length, off_t offset)
{
	struct iocb request = {
		.aio_fildes = fd,
		.aio_lio_opcode = opcode,
		.aio_buf = (uintptr_t)bytes,
		.aio_nbytes = length,
		.aio_offset = offset,
	}, *requests[] = { &request };
	aio_context_t context = 0;
	struct io_event event;
	long error = result(syscall(SYS_io_setup, 1, &context));

	if (!error && syscall(SYS_io_submit, context, 1, requests) != 1)
		error = -errno;
	else if (!error && syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		error = -errno;
	syscall(SYS_io_destroy, context);
	return error ?: event.res;
}

#define EXPECT_MOVES_BY(call) do {					\
	long __written = call;						\
									\
	errno = -__written;						\
	EXPECT_MOVES(__written < 0 ? -1 : __written);			\
} while (0)

TEST_F(io, libaio_reads_and_writes)
{
	struct iovec segments[64], whole;
	char bytes[32] = "";

	EXPECT_MOVES_BY(aio(self->fd, IOCB_CMD_PWRITE, self->line, self->length, 0));
	EXPECT_MOVES_BY(aio(self->fd, IOCB_CMD_PWRITEV, segments, split(self->line, segments), 0));
	EXPECT_EQ(0, aio(self->fd, IOCB_CMD_FSYNC, NULL, 0, 0));
	ASSERT_EQ(0, enter_and_open(&self->fd, self->pid));
	EXPECT_EQ((long)self->length, aio(self->fd, IOCB_CMD_PREAD, bytes, sizeof(bytes), 0));
	EXPECT_STREQ(self->line, bytes);
	memset(bytes, 0, sizeof(bytes));
	whole = (struct iovec){ bytes, sizeof(bytes) };
	EXPECT_EQ((long)self->length - 1, aio(self->fd, IOCB_CMD_PREADV, &whole, 1, 1));
	EXPECT_STREQ(self->line + 1, bytes);
	/* It is this thread that writes. */
	ASSERT_EQ(0, enter(ROOT, self->pid));
	EXPECT_EQ(1, aio(self->fd, IOCB_CMD_PWRITE, "0", 1, 0));
	EXPECT_TRUE(has_task(ROOT "/a", getpid()));
}

static int uring(struct ring *ring, int fd, unsigned int opcode, const void *from, size_t length,
		 off_t offset)
{
	const struct io_uring_sqe sqe = {
		.opcode = opcode,
		.fd = fd,
		.addr = (uintptr_t)from,
		.len = length,
		.off = offset,
	};

	return ring_run(ring, &sqe);
}

TEST_F(io, io_uring_reads_and_writes)
{
	static const unsigned int kinds[] = { 0, IORING_SETUP_SQPOLL };
	struct iovec segments[64], whole;
	char bytes[32] = "";
	struct ring ring;
	size_t i;

	if (io_uring_is_missing())
		SKIP(return, "this kernel has no io_uring");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, ring_open(&ring, kinds[i]));
		EXPECT_MOVES_BY(uring(&ring, self->fd, IORING_OP_WRITE, self->line, self->length,
				      0));
		EXPECT_MOVES_BY(uring(&ring, self->fd, IORING_OP_WRITE, self->line, self->length,
				      -1));
		EXPECT_MOVES_BY(uring(&ring, self->fd, IORING_OP_WRITEV, segments,
				      split(self->line, segments), 0));
		EXPECT_EQ(0, uring(&ring, self->fd, IORING_OP_FSYNC, NULL, 0, 0));
		whole = (struct iovec){ bytes, sizeof(bytes) };
		ASSERT_EQ(0, result(syscall(SYS_io_uring_register, ring.fd,
					    IORING_REGISTER_BUFFERS, &whole, 1)));
		strcpy(bytes, self->line);
		EXPECT_MOVES_BY(uring(&ring, self->fd, IORING_OP_WRITE_FIXED, bytes, self->length,
				      0));
		ASSERT_EQ(0, enter_and_open(&self->fd, self->pid));
		EXPECT_EQ((int)self->length, uring(&ring, self->fd, IORING_OP_READ, bytes,
						   sizeof(bytes), 0));
		EXPECT_STREQ(self->line, bytes);
		EXPECT_EQ((int)self->length - 1, uring(&ring, self->fd, IORING_OP_READV, &whole, 1,
						       1));
		EXPECT_EQ(0, memcmp(self->line + 1, bytes, self->length - 1));
		EXPECT_EQ((int)self->length, uring(&ring, self->fd, IORING_OP_READ_FIXED, bytes,
						   sizeof(bytes), 0));
		EXPECT_STREQ(self->line, bytes);
		EXPECT_EQ(-EFAULT, uring(&ring, self->fd, IORING_OP_READ, BAD, 8, 0));
		ASSERT_EQ(0, enter(ROOT, self->pid));
		EXPECT_EQ(-EFAULT, uring(&ring, self->fd, IORING_OP_WRITE, BAD, 8, 0));
		close(ring.fd);
	}
}

TEST_F(tree, a_worker_of_io_uring_is_not_the_writer)
{
	static const char * const zeros[] = { "0", "0\n", " 00 " };
	static const unsigned int kinds[] = { 0, IORING_SETUP_SQPOLL };
	struct ring ring;
	size_t i, j;
	int fd;

	if (io_uring_is_missing())
		SKIP(return, "this kernel has no io_uring");
	ASSERT_EQ(0, make("/a"));
	fd = open(TREE "/a/tasks", O_WRONLY | O_CLOEXEC);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, ring_open(&ring, kinds[i]));
		for (j = 0; j < ARRAY_SIZE(zeros); j++)
			EXPECT_EQ(-EINVAL, uring(&ring, fd, IORING_OP_WRITE, zeros[j],
						 strlen(zeros[j]), 0));
		EXPECT_EQ(0, population("/a"));
		EXPECT_EQ(0, count_tracked());
		close(ring.fd);
	}
	close(fd);
}

TEST_HARNESS_MAIN
