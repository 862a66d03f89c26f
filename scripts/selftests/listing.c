// SPDX-License-Identifier: GPL-2.0
// Tests of what is read from tasks: which ids, in which order, in which pieces, as seen by whom.
#include "selftest.h"

#include <stdatomic.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define MANY 1500

/* Starts threads in a container; they end with the process. */
static int start_many(const char *container, struct thread *threads, int count)
{
	int i, error = attach(container, getpid());

	for (i = 0; i < count && !error; i++)
		error = thread_start(&threads[i]);
	return error;
}

TEST_F(tree, an_empty_container_lists_nothing)
{
	char buffer[16];

	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(0, read_file(TREE "/a/tasks", buffer, sizeof(buffer)));
}

TEST_F(tree, one_id_a_line)
{
	char buffer[64];

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", getpid()));
	ASSERT_LT(0, read_file(TREE "/a/tasks", buffer, sizeof(buffer)));
	EXPECT_STREQ(text("%d\n", getpid()), buffer);
}

TEST_F(tree, ids_are_of_threads)
{
	struct thread one, two;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", getpid()));
	ASSERT_EQ(0, thread_start(&one));
	ASSERT_EQ(0, thread_start(&two));
	EXPECT_EQ(3, population("/a"));
	EXPECT_TRUE(listed("/a", getpid()));
	EXPECT_TRUE(listed("/a", one.tid));
	EXPECT_TRUE(listed("/a", two.tid));
	thread_stop(&one);
	EXPECT_EQ(2, population("/a"));
	EXPECT_FALSE(listed("/a", one.tid));
	thread_stop(&two);
}

/* They do not fit into one page, nor are they put in by their order. */
TEST_F(tree, ids_ascend_and_each_is_there_once)
{
	const size_t many = up_to(MANY);
	static struct thread threads[MANY];
	struct ids ids;
	size_t i;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, start_many("/a", threads, many));
	for (i = 0; i < many; i += 3) {
		ASSERT_EQ(0, attach("", threads[i].tid));
		ASSERT_EQ(0, attach("/a", threads[i].tid));
	}
	ASSERT_EQ(0, ids_read(&ids, TREE "/a/tasks"));
	ASSERT_EQ(many + 1, ids.count);
	for (i = 1; i < ids.count; i++)
		ASSERT_LT(ids.id[i - 1], ids.id[i]);
	for (i = 0; i < many; i++)
		ASSERT_TRUE(ids_have(&ids, threads[i].tid));
	ids_free(&ids);
}

TEST_F(tree, ids_come_in_pieces_of_every_size)
{
	static const size_t large[] = { 100, 127, 128, 511, 1000, 1024, 4095, 4096, 4097, 65535 };
	static struct thread threads[300];
	char whole[8192], pieces[8192];
	size_t i;
	int fd;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, start_many("/a", threads, up_to(ARRAY_SIZE(threads))));
	ASSERT_LT(0, read_file(TREE "/a/tasks", whole, sizeof(whole)));
	for (i = 1; i < 64 + ARRAY_SIZE(large); i++) {
		fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
		ASSERT_LT(0, read_pieces(fd, pieces, sizeof(pieces), i < 64 ? i : large[i - 64]));
		EXPECT_STREQ(whole, pieces);
		close(fd);
	}
}

TEST_F(tree, any_part_can_be_read_at_its_offset)
{
	static struct thread threads[100];
	char whole[4096], part[4096];
	ssize_t length, at;
	int fd;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, start_many("/a", threads, up_to(ARRAY_SIZE(threads))));
	length = read_file(TREE "/a/tasks", whole, sizeof(whole));
	ASSERT_LT(0, length);
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	for (at = length; at >= 0; at -= 7) {
		ASSERT_EQ(length - at, pread(fd, part, sizeof(part), at));
		ASSERT_EQ(0, memcmp(part, whole + at, length - at));
	}
	close(fd);
}

TEST_F(tree, first_reading_is_as_at_open)
{
	char buffer[64];
	const char *then;
	int fd, early;
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	early = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	then = text("%d\n", pid);
	ASSERT_EQ(0, attach("/a", getpid()));
	ASSERT_EQ(0, attach("", pid));
	ASSERT_LE(0, read_pieces(fd, buffer, sizeof(buffer), 2));
	EXPECT_STREQ(then, buffer);
	ASSERT_EQ(0, end(pid));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	ASSERT_LE(0, read_pieces(fd, buffer, sizeof(buffer), 1));
	EXPECT_STREQ(text("%d\n", getpid()), buffer);
	ASSERT_LE(0, read_pieces(early, buffer, sizeof(buffer), 1));
	EXPECT_STREQ("", buffer);
	close(fd);
	close(early);
}

TEST_F(tree, a_read_from_0_is_new)
{
	struct iovec segment;
	char buffer[64];
	int fd, pipes[2];
	off_t offset = 0;
	loff_t position = 0;
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	/* The first one is as of open(2). */
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, pread(fd, buffer, sizeof(buffer), 0));
	/* Anything else than offset 0 is of the same snapshot. */
	EXPECT_EQ(0, pread(fd, buffer, sizeof(buffer), 1));
	EXPECT_LT(0, pread(fd, buffer, sizeof(buffer), 0));
	ASSERT_EQ(0, attach("", pid));
	EXPECT_LT(0, pread(fd, buffer, sizeof(buffer), 1));
	EXPECT_EQ(0, pread(fd, buffer, sizeof(buffer), 0));
	EXPECT_EQ(0, pread(fd, buffer, sizeof(buffer), 1));
	ASSERT_EQ(0, attach("/a", pid));
	segment = (struct iovec){ buffer, sizeof(buffer) };
	EXPECT_LT(0, preadv(fd, &segment, 1, 0));
	ASSERT_EQ(0, attach("", pid));
	EXPECT_EQ(0, splice(fd, &position, pipes[1], NULL, 4096, 0));
	ASSERT_EQ(0, attach("/a", pid));
	EXPECT_LT(0, sendfile(pipes[1], fd, &offset, 4096));
	/* A reading in pieces sees no change. */
	EXPECT_EQ(1, read(fd, buffer, 1));
	ASSERT_EQ(0, attach("", pid));
	EXPECT_LT(0, read(fd, buffer, sizeof(buffer)));
	EXPECT_EQ(0, read(fd, buffer, sizeof(buffer)));
	/* How a monitor sees the end of a job */
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(0, read(fd, buffer, sizeof(buffer)));
	ASSERT_EQ(0, end(pid));
	ASSERT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENODEV, result(pread(fd, buffer, sizeof(buffer), 0)));
	close(fd);
}

static atomic_bool reading;

/* Reads anywhere in an open file that others read too. */
static void *read_anywhere(void *data)
{
	const int fd = *(int *)data;
	char buffer[256];
	off_t at;

	for (at = 0; reading; at = (at + 3) % 200)
		if (pread(fd, buffer, sizeof(buffer), at) < 0)
			return (void *)(long)errno;
	return NULL;
}

/* Ids that ascend, one a line, and the whole of each. */
static bool is_list(const char *list)
{
	long last = 0, id;
	char *end;

	for (; *list; list = end + 1) {
		id = strtol(list, &end, 10);
		if (*end != '\n' || id <= last)
			return false;
		last = id;
	}
	return true;
}

TEST_F(tree, readers_share_an_open_file)
{
	pthread_t readers[2];
	struct thread threads[8];
	char buffer[4096];
	ssize_t length;
	void *error;
	size_t i;
	int fd;

	ASSERT_EQ(0, make("/a"));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, thread_start(&threads[i]));
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	reading = true;
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		ASSERT_EQ(0, pthread_create(&readers[i], NULL, read_anywhere, &fd));
	for (i = 0; i < (size_t)scaled(5000); i++) {
		ASSERT_EQ(0, attach(i / 8 % 2 ? "" : "/a", threads[i % 8].tid));
		length = pread(fd, buffer, sizeof(buffer) - 1, 0);
		ASSERT_LE(0, length);
		buffer[length] = '\0';
		/* The very first may be as of open(2). */
		if (i) {
			ASSERT_TRUE(is_list(buffer)) TH_LOG("%s", buffer);
			ASSERT_EQ(i / 8 % 2 == 0, !!strstr(buffer, text("%d\n",
									threads[i % 8].tid)));
		}
	}
	reading = false;
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		pthread_join(readers[i], &error);
		EXPECT_EQ(NULL, error);
	}
	close(fd);
}

TEST_F(tree, the_root_lists_every_task_that_is_in_no_other_container)
{
	struct ids before, listed;
	size_t i;
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ids_of_system(&before));
	ASSERT_EQ(0, ids_read(&listed, TREE "/tasks"));
	EXPECT_FALSE(ids_have(&listed, pid));
	EXPECT_TRUE(ids_have(&listed, 1));
	EXPECT_TRUE(ids_have(&listed, 2));
	EXPECT_TRUE(ids_have(&listed, getpid()));
	/* One that was there before and still is after was there all the time. */
	for (i = 0; i < before.count; i++)
		if (before.id[i] != pid && exists(text("/proc/%d", before.id[i])))
			EXPECT_TRUE(ids_have(&listed, before.id[i]))
				TH_LOG("%d is missing", before.id[i]);
	for (i = 1; i < listed.count; i++)
		EXPECT_LT(listed.id[i - 1], listed.id[i]);
	ids_free(&before);
	ids_free(&listed);
}

TEST_F(tree, the_root_lists_every_task_when_there_is_no_container)
{
	struct thread thread;

	ASSERT_EQ(0, thread_start(&thread));
	EXPECT_TRUE(listed("", getpid()));
	EXPECT_TRUE(listed("", thread.tid));
	thread_stop(&thread);
	EXPECT_FALSE(listed("", thread.tid));
}

TEST_F(tree, zombies_are_in_no_list)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, wait_zombie(pid));
	EXPECT_EQ(0, population("/a"));
	EXPECT_FALSE(listed("", pid));
	reap(pid);
}

/* Runs as process 1 of a new pid namespace, in a container with a task outside of it. */
static int read_inside(void)
{
	struct ids ids;
	pid_t pid;
	int error;

	error = ids_read(&ids, TREE "/a/tasks");
	if (error || ids.count != 1 || ids.id[0] != 1)
		return error ?: -EDOM;
	ids_free(&ids);
	pid = child();
	if (pid == 0)
		for (;;)
			pause();
	error = ids_read(&ids, TREE "/a/tasks");
	if (error || ids.count != 2 || ids.id[0] != 1 || ids.id[1] != pid)
		return error ?: -ERANGE;
	ids_free(&ids);
	error = ids_read(&ids, TREE "/tasks");
	return error ?: ids.count ? -EXDEV : 0;
}

TEST_F(tree, a_reader_sees_the_ids_of_his_pid_namespace)
{
	pid_t outside, inside;

	ASSERT_EQ(0, make("/a"));
	outside = sleeper("/a");
	ASSERT_LT(0, outside);
	ASSERT_EQ(0, attach("/a", getpid()));
	inside = fork_with(CLONE_NEWPID);
	if (inside == 0)
		_exit(-read_inside());
	ASSERT_LT(0, inside);
	ASSERT_EQ(0, attach("", getpid()));
	EXPECT_EQ(0, reap(inside));
}

TEST_F(tree, outside_the_ids_of_outside_are_seen)
{
	pid_t inside;

	ASSERT_EQ(0, make("/a"));
	inside = fork_with(CLONE_NEWPID);
	if (inside == 0)
		for (;;)
			pause();
	ASSERT_EQ(0, attach("/a", inside));
	EXPECT_TRUE(listed("/a", inside));
	EXPECT_EQ(1, population("/a"));
	EXPECT_STREQ("/a", where_is(inside));
	EXPECT_EQ(0, end(inside));
}

static int write_inside(pid_t outside)
{
	pid_t pid;

	/* Process 1 is this one here, and not the init of the system. */
	if (attach("/a", 1) || strcmp("/a", where_am_i()))
		return -EDOM;
	pid = child();
	if (pid == 0)
		for (;;)
			pause();
	if (attach("/b", pid) || population("/b") != 1 || attach("/b", 0))
		return -ERANGE;
	/* Whoever has no id here cannot be named. */
	return attach("/a", outside) == -ESRCH ? end(pid) : -EXDEV;
}

TEST_F(tree, a_writer_names_threads_by_the_ids_of_his_pid_namespace)
{
	pid_t outside = getpid(), inside;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	inside = fork_with(CLONE_NEWPID);
	if (inside == 0)
		_exit(-write_inside(outside));
	ASSERT_LT(0, inside);
	EXPECT_EQ(0, reap(inside));
	EXPECT_STREQ("/", where_is(1));
}

TEST_HARNESS_MAIN
