// SPDX-License-Identifier: GPL-2.0
// Tests of who may move whom: what counts is who opened tasks, not who writes to it.
#include "selftest.h"

#include <stdatomic.h>

/* All have a container that everybody may open, and a task of root and one of somebody. */
FIXTURE(credentials)
{
	pid_t root;
	pid_t somebody;
};

/* A sleeping child with a real, an effective and a saved user id */
static pid_t sleeper_as(uid_t real, uid_t effective, uid_t saved)
{
	atomic_int *ready = shared_memory(sizeof(*ready));
	pid_t pid = child();

	if (pid == 0) {
		if (setresuid(real, effective, saved) || prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		*ready = 1;
		for (;;)
			pause();
	}
	return wait_until(*ready) ? pid : -ECHILD;
}

/* Opens tasks with this effective user id; keeps its own. */
static int open_as(uid_t uid)
{
	int fd, back;

	if (seteuid(uid))
		return -errno;
	fd = open(TREE "/a/tasks", O_WRONLY);
	back = seteuid(0);
	return back ? -errno : fd;
}

static long write_id(int fd, pid_t id)
{
	const char *number = text("%d", id);
	long written = result(write(fd, number, strlen(number)));

	return written < 0 ? written : 0;
}

static long open_as_and_write(uid_t uid, pid_t id)
{
	int fd = open_as(uid);
	long error = fd < 0 ? fd : write_id(fd, id);

	close(fd);
	return error;
}

FIXTURE_SETUP(credentials)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, chmod(TREE "/a/tasks", 0666));
	self->root = sleeper("");
	self->somebody = sleeper_as(SOMEBODY, SOMEBODY, SOMEBODY);
	ASSERT_LT(0, self->root);
	ASSERT_LT(0, self->somebody);
}

FIXTURE_TEARDOWN(credentials)
{
	EXPECT_EQ(0, clear_tree());
}

TEST_F(credentials, root_moves_everybody)
{
	EXPECT_EQ(0, open_as_and_write(0, self->root));
	EXPECT_EQ(0, open_as_and_write(0, self->somebody));
	EXPECT_STREQ("/a", where_is(self->root));
	EXPECT_STREQ("/a", where_is(self->somebody));
}

TEST_F(credentials, a_user_moves_his_own_tasks)
{
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: attach("/a", self->somebody)));
	EXPECT_STREQ("/a", where_is(self->somebody));
}

TEST_F(credentials, a_user_does_not_move_those_of_others)
{
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?: attach("/a", self->root)));
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: attach("/a", self->somebody)));
	EXPECT_STREQ("/", where_is(self->root));
	EXPECT_STREQ("/", where_is(self->somebody));
}

TEST_F(credentials, what_root_opened_moves_everybody_whoever_writes)
{
	int fd = open_as(0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, forked(become(NOBODY) ?: write_id(fd, self->root)));
	EXPECT_EQ(0, forked(become(NOBODY) ?: write_id(fd, self->somebody)));
	EXPECT_STREQ("/a", where_is(self->root));
	EXPECT_STREQ("/a", where_is(self->somebody));
	close(fd);
}

/* A program with privileges, given such a file as its output, shall not lend them. */
TEST_F(credentials, what_a_user_opened_moves_only_his_own_whoever_writes)
{
	int fd = open_as(SOMEBODY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, write_id(fd, self->root));
	EXPECT_STREQ("/", where_is(self->root));
	EXPECT_EQ(0, write_id(fd, self->somebody));
	EXPECT_STREQ("/a", where_is(self->somebody));
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: write_id(fd, self->root)));
	close(fd);
}

TEST_F(credentials, zero_is_the_writer_and_judged_by_the_opener)
{
	int fd = open_as(SOMEBODY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, write_id(fd, 0));
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: write_id(fd, 0)));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: write_id(fd, 0)));
	EXPECT_STREQ("/", where_am_i());
	close(fd);
}

TEST_F(credentials, the_real_user_of_the_task_counts)
{
	pid_t pid = sleeper_as(SOMEBODY, 0, 0);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, open_as_and_write(SOMEBODY, pid));
	EXPECT_STREQ("/a", where_is(pid));
}

TEST_F(credentials, the_saved_user_of_the_task_counts)
{
	pid_t pid = sleeper_as(0, 0, SOMEBODY);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, open_as_and_write(SOMEBODY, pid));
	EXPECT_STREQ("/a", where_is(pid));
}

TEST_F(credentials, the_effective_user_of_the_task_does_not_count)
{
	pid_t pid = sleeper_as(0, SOMEBODY, 0);

	ASSERT_LT(0, pid);
	EXPECT_EQ(-EACCES, open_as_and_write(SOMEBODY, pid));
	EXPECT_STREQ("/", where_is(pid));
}

static int write_as_effective(uid_t real, uid_t effective, pid_t id)
{
	if (setresuid(real, effective, real))
		return -errno;
	return attach("/a", id);
}

TEST_F(credentials, the_effective_user_of_the_opener_counts)
{
	EXPECT_EQ(0, forked(write_as_effective(NOBODY, SOMEBODY, self->somebody)));
	EXPECT_EQ(0, forked(write_as_effective(NOBODY, 0, self->root)));
	EXPECT_STREQ("/a", where_is(self->somebody));
	EXPECT_STREQ("/a", where_is(self->root));
}

TEST_F(credentials, the_real_user_of_the_opener_does_not_count)
{
	EXPECT_EQ(-EACCES, forked(write_as_effective(SOMEBODY, NOBODY, self->somebody)));
	EXPECT_EQ(-EACCES, forked(write_as_effective(0, NOBODY, self->root)));
	EXPECT_STREQ("/", where_is(self->somebody));
	EXPECT_STREQ("/", where_is(self->root));
}

/* Inside, it is user 0 with all capabilities; outside, it is still somebody. */
TEST_F(credentials, root_of_a_user_namespace_is_an_ordinary_user)
{
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?: enter_user_namespace() ?:
				  attach("/a", self->root)));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: enter_user_namespace() ?:
			    attach("/a", self->somebody)));
	EXPECT_STREQ("/", where_is(self->root));
	EXPECT_STREQ("/a", where_is(self->somebody));
}

TEST_F(credentials, without_the_right_to_open_nothing_moves)
{
	ASSERT_EQ(0, chmod(TREE "/a/tasks", 0644));
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?: attach("/a", self->somebody)));
	EXPECT_STREQ("/", where_is(self->somebody));
}

TEST_F(credentials, nonsense_is_noticed_before_the_permission)
{
	EXPECT_EQ(-EIO, forked(become(NOBODY) ?: write_file(TREE "/a/tasks", "%dx", self->root)));
	EXPECT_EQ(-EIO, forked(become(NOBODY) ?: write_file(TREE "/a/tasks", "2 2")));
}

TEST_F(credentials, no_such_thread_is_noticed_before_the_permission)
{
	pid_t pid = zombie();

	EXPECT_EQ(-ESRCH, forked(become(NOBODY) ?: attach("/a", 4194303)));
	EXPECT_EQ(-ESRCH, forked(become(NOBODY) ?: attach("/a", pid)));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(credentials, the_permission_is_noticed_before_a_kernel_thread)
{
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: attach("/a", 2)));
}

TEST_F(credentials, the_permission_is_noticed_before_where_it_is)
{
	ASSERT_EQ(0, attach("/a", self->root));
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: attach("/a", self->root)));
	EXPECT_STREQ("/a", where_is(self->root));
}

TEST_F(credentials, a_removed_container_is_noticed_before_the_permission)
{
	int fd = open_as(NOBODY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENODEV, write_id(fd, self->root));
	close(fd);
}

TEST_HARNESS_MAIN
