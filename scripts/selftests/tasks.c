// SPDX-License-Identifier: GPL-2.0
// Tests of what is written to tasks: how a thread is named, the order of the checks, what moves.
#include "selftest.h"

#include <stdatomic.h>

#define PF_KTHREAD 0x00200000
#define PF_NO_SETAFFINITY 0x04000000

/* A kernel thread with all the flags wanted and none of the others */
static pid_t kernel_thread(unsigned int wanted, unsigned int others)
{
	struct ids ids;
	unsigned int flags;
	pid_t pid = 0;
	size_t i;
	char *end;

	if (ids_of_system(&ids))
		return 0;
	for (i = 0; i < ids.count && !pid; i++) {
		/* PID (name) state ppid pgrp session tty tpgid flags */
		end = strrchr(content(text("/proc/%d/stat", ids.id[i])), ')');
		if (!end || sscanf(end, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
			continue;
		if (ids.id[i] > 2 && (flags & (wanted | others)) == wanted)
			pid = ids.id[i];
	}
	ids_free(&ids);
	return pid;
}

static int write_removed(const char *bytes, size_t length)
{
	int fd = make_removed("/removed", "tasks", O_WRONLY);
	long written = fd < 0 ? fd : result(write(fd, bytes, length));

	close(fd);
	return written;
}

TEST_F(tree, a_number_moves_that_thread)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	EXPECT_STREQ("/a", where_is(pid));
	ASSERT_EQ(0, attach("/a/b", pid));
	EXPECT_STREQ("/a/b", where_is(pid));
	EXPECT_TRUE(listed("/a/b", pid));
	EXPECT_EQ(0, population("/a"));
	EXPECT_FALSE(listed("", pid));
	ASSERT_EQ(0, attach("", pid));
	EXPECT_STREQ("/", where_is(pid));
	EXPECT_TRUE(listed("", pid));
	EXPECT_EQ(0, population("/a/b"));
}

TEST_F(tree, zero_is_the_writer)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	EXPECT_STREQ("/a", where_am_i());
	EXPECT_EQ(1, population("/a"));
	EXPECT_STREQ("/", where_is(getppid()));
}

TEST_F(tree, zero_is_who_writes_and_not_who_opened)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, make("/a"));
	fd = open(TREE "/a/tasks", O_WRONLY);
	pid = child();
	if (pid == 0)
		_exit(write(fd, "0", 1) == 1 && !strcmp("/a", where_am_i()) ? 0 : 1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("/", where_am_i());
}

static void *attach_self(void *container)
{
	return attach(container, 0) || strcmp(container, where_am_i()) ? "not there" : NULL;
}

TEST_F(tree, zero_is_the_writing_thread_and_not_its_process)
{
	pthread_t thread;
	void *problem;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_self, "/a"));
	ASSERT_EQ(0, pthread_join(thread, &problem));
	EXPECT_NULL(problem);
	EXPECT_STREQ("/", where_am_i());
}

TEST_F(tree, threads_move_one_at_a_time)
{
	struct thread one, two;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, thread_start(&one));
	ASSERT_EQ(0, thread_start(&two));
	ASSERT_EQ(0, attach("/a", one.tid));
	EXPECT_STREQ("/a", where_is(one.tid));
	EXPECT_STREQ("/", where_is(two.tid));
	EXPECT_STREQ("/", where_is(getpid()));
	ASSERT_EQ(0, attach("/b", getpid()));
	EXPECT_STREQ("/a", where_is(one.tid));
	EXPECT_STREQ("/", where_is(two.tid));
	EXPECT_STREQ("/b", where_am_i());
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(1, population("/b"));
	thread_stop(&one);
	thread_stop(&two);
	EXPECT_EQ(0, population("/a"));
}

TEST_F(tree, every_write_counts_by_itself)
{
	pid_t one, two;
	int fd;

	ASSERT_EQ(0, make("/a"));
	one = sleeper("");
	two = sleeper("");
	fd = open(TREE "/a/tasks", O_RDWR | O_CREAT | O_TRUNC, 0644);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, write(fd, text("%d", one), strlen(text("%d", one))));
	EXPECT_EQ(-EIO, result(write(fd, "x", 1)));
	EXPECT_LT(0, write(fd, text("%d\n", two), strlen(text("%d\n", two))));
	EXPECT_STREQ("/a", where_is(one));
	EXPECT_STREQ("/a", where_is(two));
	close(fd);
}

TEST_F(tree, white_space_around_the_number_is_fine)
{
	static const char * const formats[] = {
		"%d", "%d\n", " %d", "%d ", "\t%d\t\n", "\n\n%d\n\n", " \v\f\r%d\r\n", "000%d",
	};
	pid_t pid;
	size_t i;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("");
	ASSERT_LT(0, pid);
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		const char *number = text(formats[i], pid);

		EXPECT_EQ(0, write_bytes(TREE "/a/tasks", number, strlen(number)))
			TH_LOG("format %zu", i);
		EXPECT_STREQ("/a", where_is(pid));
		ASSERT_EQ(0, attach("", pid));
	}
	EXPECT_EQ(0, write_file(TREE "/a/tasks", " 00\n"));
	EXPECT_STREQ("/a", where_am_i());
}

TEST_F(tree, less_than_PATH_MAX_bytes_are_fine)
{
	char bytes[PATH_MAX];

	ASSERT_EQ(0, make("/a"));
	memset(bytes, ' ', sizeof(bytes));
	bytes[PATH_MAX - 2] = '0';
	EXPECT_EQ(0, write_bytes(TREE "/a/tasks", bytes, PATH_MAX - 1));
	EXPECT_STREQ("/a", where_am_i());
}

TEST_F(tree, PATH_MAX_bytes_or_more_are_too_many)
{
	static const size_t lengths[] = { PATH_MAX, PATH_MAX + 1, 2 * PATH_MAX, 1 << 20 };
	char *bytes = malloc(1 << 20);
	size_t i;

	ASSERT_EQ(0, make("/a"));
	memset(bytes, ' ', 1 << 20);
	bytes[0] = '0';
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		EXPECT_EQ(-E2BIG, write_bytes(TREE "/a/tasks", bytes, lengths[i]));
	EXPECT_STREQ("/", where_am_i());
	free(bytes);
}

TEST_F(tree, too_many_bytes_are_noticed_before_a_removed_container)
{
	static char bytes[PATH_MAX];

	EXPECT_EQ(-E2BIG, write_removed(bytes, sizeof(bytes)));
}

TEST_F(tree, a_removed_container_takes_nobody)
{
	EXPECT_EQ(-ENODEV, write_removed("0", 1));
	EXPECT_STREQ("/", where_am_i());
}

TEST_F(tree, a_removed_container_is_noticed_before_what_is_written)
{
	EXPECT_EQ(-ENODEV, write_removed("nonsense", 8));
	EXPECT_EQ(-ENODEV, write_removed("4194303", 7));
	EXPECT_EQ(-ENODEV, write_removed("2", 1));
}

TEST_F(tree, what_is_not_one_decimal_number_is_refused)
{
	static const char * const formats[] = {
		"", " ", "\n", "x", "-", "+", "-%d", "+%d", "%d-", "%dx", "x%d", "%d,", "%d %d",
		"%d\n%d", "%d\n%d\n", "0x%x", "%d.", "%d.0", "-0", "self", "%d\n#",
	};
	pid_t pid;
	size_t i;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("");
	ASSERT_LT(0, pid);
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		const char *number = text(formats[i], pid, pid);

		EXPECT_EQ(-EIO, write_bytes(TREE "/a/tasks", number, strlen(number)))
			TH_LOG("format '%s'", formats[i]);
	}
	EXPECT_STREQ("/", where_is(pid));
	EXPECT_STREQ("/", where_am_i());
	EXPECT_EQ(0, population("/a"));
}

/* A C program may write the end of its string too. */
TEST_F(tree, only_one_trailing_nul_is_accepted)
{
	char bytes[32];
	int length;
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("");
	ASSERT_LT(0, pid);
	length = sprintf(bytes, "%d%c%d", pid, 0, pid);
	EXPECT_EQ(-EIO, write_bytes(TREE "/a/tasks", bytes, length));
	length = sprintf(bytes, "%c%d", 0, pid);
	EXPECT_EQ(-EIO, write_bytes(TREE "/a/tasks", bytes, length));
	length = sprintf(bytes, "%d%c%c", pid, 0, 0);
	EXPECT_EQ(-EIO, write_bytes(TREE "/a/tasks", bytes, length));
	length = sprintf(bytes, "%d%c\n", pid, 0);
	EXPECT_EQ(-EIO, write_bytes(TREE "/a/tasks", bytes, length));
	EXPECT_EQ(-EIO, write_bytes(TREE "/a/tasks", "", 1));
	EXPECT_STREQ("/", where_is(pid));
	length = sprintf(bytes, "%d%c", pid, 0);
	EXPECT_EQ(0, write_bytes(TREE "/a/tasks", bytes, length));
	EXPECT_STREQ("/a", where_is(pid));
	ASSERT_EQ(0, attach("", pid));
	length = sprintf(bytes, "%d\n%c", pid, 0);
	EXPECT_EQ(0, write_bytes(TREE "/a/tasks", bytes, length));
	EXPECT_STREQ("/a", where_is(pid));
}

TEST_F(tree, a_number_out_of_range_is_refused)
{
	static const char * const numbers[] = {
		"2147483648", "4294967295", "4294967296", "9223372036854775808",
		"18446744073709551615", "18446744073709551616", "99999999999999999999999999999",
	};
	size_t i;

	ASSERT_EQ(0, make("/a"));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		EXPECT_EQ(-EIO, write_file(TREE "/a/tasks", "%s", numbers[i]))
			TH_LOG("number %zu", i);
	EXPECT_EQ(-EIO, write_file(TREE "/a/tasks", "%llu", (1ULL << 32) + getpid()));
	EXPECT_STREQ("/", where_am_i());
}

TEST_F(tree, no_such_thread_is_said)
{
	pid_t pid = sleeper("");

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(-ESRCH, attach("/a", pid));
	EXPECT_EQ(-ESRCH, write_file(TREE "/a/tasks", "4194303"));
	EXPECT_EQ(0, population("/a"));
}

TEST_F(tree, a_zombie_is_no_thread)
{
	pid_t pid = zombie();

	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-ESRCH, attach("/a", pid));
	EXPECT_EQ(-ESRCH, attach("", pid));
	EXPECT_EQ(0, population("/a"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, drop("/a"));
}

static void *wait_for_leader(void *tid)
{
	*(atomic_int *)tid = gettid();
	for (;;)
		pause();
	return NULL;
}

TEST_F(tree, a_dead_leader_is_no_thread_while_the_others_are)
{
	atomic_int *tid = shared_memory(sizeof(*tid));
	pthread_t thread;
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = child();
	if (pid == 0) {
		pthread_create(&thread, NULL, wait_for_leader, tid);
		if (wait_until(*tid))
			syscall(SYS_exit, 0);
	}
	ASSERT_TRUE(wait_until(strstr(content(text("/proc/%d/stat", pid)), ") Z")));
	EXPECT_EQ(-ESRCH, attach("/a", pid));
	EXPECT_EQ(0, attach("/a", *tid));
	EXPECT_STREQ("/a", where_is(*tid));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(0, end(pid));
	EXPECT_EQ(0, drop("/a"));
}

TEST_F(tree, kthreadd_must_not_move)
{
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-EINVAL, attach("/a", 2));
	EXPECT_STREQ("/", where_is(2));
	EXPECT_EQ(0, population("/a"));
}

TEST_F(tree, a_bound_kernel_thread_must_not_move)
{
	pid_t pid = kernel_thread(PF_KTHREAD | PF_NO_SETAFFINITY, 0);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-EINVAL, attach("/a", pid));
	EXPECT_STREQ("/", where_is(pid));
	EXPECT_EQ(0, population("/a"));
}

TEST_F(tree, it_is_noticed_that_a_kernel_thread_must_not_move_before_where_it_is)
{
	EXPECT_EQ(-EINVAL, attach("", 2));
}

TEST_F(tree, other_kernel_threads_move)
{
	pid_t pid = kernel_thread(PF_KTHREAD, PF_NO_SETAFFINITY);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(0, attach("/a", pid));
	EXPECT_STREQ("/a", where_is(pid));
	EXPECT_EQ(0, attach("", pid));
	EXPECT_STREQ("/", where_is(pid));
}

TEST_F(tree, a_thread_that_is_there_already_is_no_error)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(0, attach("", getpid()));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, attach("/a", pid));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(1, count_tracked());
	EXPECT_STREQ("/a", where_is(pid));
}

/* Two movers of one thread against each other: it ends in one container and in one only. */
TEST_F(tree, two_who_move_the_same_thread_end_in_one_place)
{
	pid_t pid = sleeper(""), mover;
	int i;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	mover = child();
	if (mover == 0)
		for (;;)
			attach("/a", pid);
	for (i = 0; i < scaled(1000); i++)
		ASSERT_EQ(0, attach("/b", pid));
	ASSERT_EQ(0, end(mover));
	EXPECT_EQ(1, listed("/a", pid) + listed("/b", pid));
	EXPECT_FALSE(listed("", pid));
	EXPECT_EQ(1, population("/a") + population("/b"));
}

TEST_HARNESS_MAIN
