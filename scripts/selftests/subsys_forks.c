// SPDX-License-Identifier: GPL-2.0
// Tests of what subsystems are told of forks and exits, and of forks that they refuse.
#include "selftest.h"
#include "recorder.h"

/* The recording subsystems alpha and beta are bound to one tree, and the test is in /a of it. */
FIXTURE(forks)
{
};

FIXTURE_SETUP(forks)
{
	ASSERT_EQ(0, recorder_begin());
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(ONE "/b"));
	ASSERT_EQ(0, enter(ONE "/a", 0));
	calls();
}

FIXTURE_TEARDOWN(forks)
{
	EXPECT_EQ(0, recorder_end());
}

/* What is told of a task that is born in /a and dies there; lives as text() does. */
static const char *life_of(pid_t pid)
{
	return text("alpha can_fork in 1\nbeta can_fork in 1\n"
		    "alpha fork %d in 1\nbeta fork %d in 1\n"
		    "alpha exit %d from 1\nbeta exit %d from 1", pid, pid, pid, pid);
}

TEST_F(forks, fork_and_exit_are_told)
{
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	ASSERT_EQ(0, reap(pid));
	EXPECT_STREQ(life_of(pid), calls());
	EXPECT_STREQ("1,1", recorder_has("members"));
	EXPECT_STREQ("0,0", recorder_has("pending"));
}

TEST_F(forks, a_thread_is_a_fork_too)
{
	struct thread thread;

	ASSERT_EQ(0, thread_start(&thread));
	EXPECT_STREQ(text("alpha can_fork in 1\nbeta can_fork in 1\n"
			  "alpha fork %d in 1\nbeta fork %d in 1", thread.tid, thread.tid),
		     calls());
	EXPECT_STREQ("2,2", recorder_has("members"));
	thread_stop(&thread);
	EXPECT_STREQ("1,1", recorder_has("members"));
}

TEST_F(forks, in_the_root_nobody_is_called)
{
	ASSERT_EQ(0, enter(ONE, 0));
	ASSERT_EQ(0, recorder_fail("can_fork", text("%d,%d", EDOM, EDOM)));
	calls();
	EXPECT_EQ(0, forked(0));
	EXPECT_STREQ("", calls());
}

TEST_F(forks, in_a_container_of_another_tree_nobody_is_called)
{
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	ASSERT_EQ(0, enter(TWO "/a", 0));
	ASSERT_EQ(0, enter(ONE, 0));
	ASSERT_EQ(0, recorder_fail("can_fork", text("%d,%d", EDOM, EDOM)));
	calls();
	EXPECT_EQ(0, forked(has_task(TWO "/a", getpid()) ? 0 : -1));
	EXPECT_STREQ("", calls());
}

TEST_F(forks, after_a_move_the_new_container_is_told)
{
	pid_t pid;

	ASSERT_EQ(0, enter(ONE "/b", 0));
	calls();
	pid = child();
	if (pid == 0)
		for (;;)
			pause();
	ASSERT_EQ(0, enter(ONE "/a", pid));
	ASSERT_EQ(0, end(pid));
	EXPECT_STREQ(text("alpha can_fork in 2\nbeta can_fork in 2\n"
			  "alpha fork %d in 2\nbeta fork %d in 2\n"
			  "alpha can_attach %d from 2 to 1\nbeta can_attach %d from 2 to 1\n"
			  "alpha attach %d from 2 to 1\nbeta attach %d from 2 to 1\n"
			  "alpha exit %d from 1\nbeta exit %d from 1",
			  pid, pid, pid, pid, pid, pid, pid, pid), calls());
}

TEST_F(forks, a_refused_fork_fails_with_the_error_of_the_subsystem)
{
	static const int errors[] = { EAGAIN, ENOMEM, EDOM, EPERM, EIO };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		ASSERT_EQ(0, recorder_fail("can_fork", text("%d,0", errors[i])));
		EXPECT_EQ(-errors[i], result(fork()));
	}
	ASSERT_EQ(0, recorder_fail("can_fork", "0,0"));
	EXPECT_EQ(0, forked(0));
	EXPECT_EQ(1, count_tasks(ONE "/a"));
	EXPECT_STREQ("1,1", recorder_has("members"));
}

static void *do_nothing(void *data)
{
	return data;
}

TEST_F(forks, every_way_to_make_a_task_is_refused)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pthread_t thread;

	ASSERT_EQ(0, recorder_fail("can_fork", text("0,%d", EDOM)));
	EXPECT_EQ(-EDOM, result(fork()));
	EXPECT_EQ(-EDOM, result(vfork()));
	EXPECT_EQ(-EDOM, result(fork_with(CLONE_PARENT)));
	EXPECT_EQ(-EDOM, result(fork_with(CLONE_NEWPID)));
	EXPECT_EQ(-EDOM, result(syscall(SYS_clone3, &args, sizeof(args))));
	EXPECT_EQ(EDOM, pthread_create(&thread, NULL, do_nothing, NULL));
	EXPECT_EQ(1, count_tasks(ONE "/a"));
	EXPECT_STREQ("0,0", recorder_has("pending"));
}

TEST_F(forks, who_has_allowed_a_fork_is_told_that_another_refused_it)
{
	ASSERT_EQ(0, recorder_fail("can_fork", text("0,%d", EDOM)));
	EXPECT_EQ(-EDOM, result(fork()));
	EXPECT_STREQ("alpha can_fork in 1\nbeta can_fork in 1\nalpha cancel_fork in 1", calls());
	ASSERT_EQ(0, recorder_fail("can_fork", text("%d,0", EDOM)));
	EXPECT_EQ(-EDOM, result(fork()));
	EXPECT_STREQ("alpha can_fork in 1", calls());
	EXPECT_STREQ("0,0", recorder_has("pending"));
}

TEST_F(forks, who_has_allowed_a_fork_is_told_that_one_of_another_tree_refused_it)
{
	ASSERT_EQ(0, enter(ONE, 0));
	ASSERT_EQ(0, rmdir(ONE "/a"));
	ASSERT_EQ(0, rmdir(ONE "/b"));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, mount_rcfs(ONE, "beta"));
	ASSERT_EQ(0, mount_rcfs(TWO, "alpha"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	ASSERT_EQ(0, enter(ONE "/a", 0));
	ASSERT_EQ(0, enter(TWO "/a", 0));
	ASSERT_EQ(0, recorder_fail("can_fork", text("0,%d", EDOM)));
	EXPECT_EQ(-EDOM, result(fork()));
	EXPECT_STREQ("0,0", recorder_has("pending"));
	ASSERT_EQ(0, recorder_fail("can_fork", text("%d,0", EDOM)));
	EXPECT_EQ(-EDOM, result(fork()));
	EXPECT_STREQ("0,0", recorder_has("pending"));
	ASSERT_EQ(0, recorder_fail("can_fork", "0,0"));
	EXPECT_EQ(0, forked(0));
	EXPECT_STREQ("1,1", recorder_has("members"));
	EXPECT_STREQ("0,0", recorder_has("pending"));
}

/* It fails in the very function that tells us of a fork. */
TEST_F(forks, a_fork_into_no_cgroup_is_cancelled)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = 1000,
	};

	EXPECT_EQ(-EBADF, result(syscall(SYS_clone3, &args, sizeof(args))));
	EXPECT_STREQ("alpha can_fork in 1\nbeta can_fork in 1\n"
		     "alpha cancel_fork in 1\nbeta cancel_fork in 1", calls());
}

TEST_F(forks, a_fork_that_fails_before_is_not_told)
{
	pid_t pid;

	EXPECT_EQ(-EINVAL, result(fork_with(CLONE_THREAD)));
	EXPECT_STREQ("", calls());
	/* In a pid namespace whose first process is dead nobody can be born any more. */
	ASSERT_EQ(0, result(unshare(CLONE_NEWPID)));
	pid = fork();
	if (pid == 0)
		_exit(0);
	ASSERT_EQ(0, reap(pid));
	calls();
	EXPECT_EQ(-ENOMEM, result(fork()));
	EXPECT_STREQ("", calls());
}

/* Forks that fail at the last moment, for a fatal signal has come */
TEST_F(forks, forks_that_are_killed_are_cancelled)
{
	pid_t pid;
	int i;

	for (i = 0; i < scaled(200); i++) {
		pid = child();
		if (pid == 0) {
			signal(SIGCHLD, SIG_IGN);
			for (;;)
				if (fork() == 0)
					_exit(0);
		}
		usleep(i * 50);
		ASSERT_EQ(0, end(pid));
	}
	EXPECT_TRUE(wait_until(count_tasks(ONE "/a") == 1));
	EXPECT_TRUE(wait_until(!strcmp("1,1", recorder_has("members"))));
	EXPECT_STREQ("0,0", recorder_has("pending"));
}

static void fork_for_ever(void)
{
	pid_t pid;

	for (;;) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

/* Two move a third to and fro, which forks as fast as it can, while forks come to be refused. */
TEST_F(forks, forks_are_counted_right_while_their_parents_are_moved_and_refused)
{
	static const char * const places[] = { ONE "/a", ONE "/b", ONE };
	pid_t forkers[3], mover;
	int i;

	ASSERT_EQ(0, enter(ONE, 0));
	for (i = 0; i < 3; i++) {
		forkers[i] = child();
		if (forkers[i] == 0)
			fork_for_ever();
		ASSERT_EQ(0, enter(ONE "/a", forkers[i]));
	}
	mover = child();
	if (mover == 0)
		for (i = 0;; i++)
			if (enter(places[i / 3 % 3], forkers[i % 3]))
				_exit(1);
	for (i = 0; i < scaled(1000); i++) {
		ASSERT_EQ(0, recorder_fail("can_fork", text("%d,%d", i % 3 == 1 ? EAGAIN : 0,
							    i % 3 == 2 ? EAGAIN : 0)));
		sched_yield();
	}
	ASSERT_EQ(0, recorder_fail("can_fork", "0,0"));
	ASSERT_EQ(0, end(mover));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, end(forkers[i]));
	/* Their last children end on their own. */
	EXPECT_TRUE(wait_until(tree_tasks("alpha,beta") == 0));
	EXPECT_STREQ("0,0", recorder_has("members"));
	EXPECT_STREQ("0,0", recorder_has("pending"));
	EXPECT_EQ(0, rmdir(ONE "/a"));
	EXPECT_EQ(0, rmdir(ONE "/b"));
}

TEST_F(forks, exec_is_not_told)
{
	pid_t pid = child();

	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ(life_of(pid), calls());
}

TEST_HARNESS_MAIN
