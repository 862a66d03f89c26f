// SPDX-License-Identifier: GPL-2.0
// Tests that failed forks leave no trace, and that a task is out before its parent knows it died.
#include "selftest.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "cgroup.h"

/* The test process is in /a. */
FIXTURE(exits)
{
};

FIXTURE_SETUP(exits)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", getpid()));
}

FIXTURE_TEARDOWN(exits)
{
	EXPECT_EQ(0, clear_tree());
}

/* Nobody but the caller is or was left in /a, and it can fork and leave as ever. */
static int traces(void)
{
	if (population("/a") != 1 || count_tracked() != 1)
		return -ESTALE;
	if (forked(strcmp("/a", where_am_i()) ? -1 : 0) || population("/a") != 1)
		return -ECHILD;
	if (attach("", 0) || population("/a") || count_tracked() || drop("/a"))
		return -EBUSY;
	return make("/a") ?: attach("/a", 0);
}

static int clone3_fails(__u64 flags, int cgroup)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	reap(pid);
	return 0;
}

TEST_F(exits, a_fork_with_bad_flags_leaves_no_trace)
{
	EXPECT_EQ(-EINVAL, clone3_fails(CLONE_THREAD, 0));
	EXPECT_EQ(-EINVAL, clone3_fails(CLONE_SIGHAND, 0));
	EXPECT_EQ(-EINVAL, clone3_fails(CLONE_NEWNS | CLONE_FS, 0));
	EXPECT_EQ(0, traces());
}

/* This one fails in the very function that tells us of a fork. */
TEST_F(exits, a_fork_into_no_cgroup_leaves_no_trace)
{
	int i;

	for (i = 0; i < scaled(100); i++)
		ASSERT_EQ(-EBADF, clone3_fails(CLONE_INTO_CGROUP, 1000));
	EXPECT_EQ(0, traces());
}

static int forks_are_refused(void)
{
	pid_t pid;
	int i;

	for (i = 0; i < scaled(100); i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid > 0 || errno != EAGAIN)
			return -EDOM;
	}
	return 0;
}

static int fork_beyond_limit(void)
{
	const struct rlimit none = { 1, 1 };

	return result(setrlimit(RLIMIT_NPROC, &none)) ?: become(SOMEBODY) ?: forks_are_refused();
}

TEST_F(exits, a_fork_beyond_the_users_limit_leaves_no_trace)
{
	EXPECT_EQ(0, forked(fork_beyond_limit()));
	EXPECT_EQ(0, traces());
}

static int fork_beyond_cgroup(void)
{
	return cgroup_enter() ?: forks_are_refused();
}

TEST_F(exits, a_fork_that_a_cgroup_refuses_leaves_no_trace)
{
	ASSERT_EQ(0, cgroup_make());
	if (cgroup_limit(1)) {
		EXPECT_EQ(0, cgroup_drop());
		SKIP(return, "there is no pids controller");
	}
	EXPECT_EQ(0, forked(fork_beyond_cgroup()));
	EXPECT_EQ(0, traces());
	EXPECT_EQ(0, cgroup_drop());
}

/* The pid namespace is dead with its first process: nobody can be born there any more. */
static int fork_into_dead_namespace(void)
{
	pid_t pid;
	int i;

	if (unshare(CLONE_NEWPID))
		return -errno;
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (reap(pid))
		return -ECHILD;
	for (i = 0; i < scaled(100); i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid > 0 || errno != ENOMEM)
			return -EDOM;
	}
	return 0;
}

TEST_F(exits, a_fork_into_a_dead_pid_namespace_leaves_no_trace)
{
	EXPECT_EQ(0, forked(fork_into_dead_namespace()));
	EXPECT_EQ(0, traces());
}

/*
 * A fatal signal that comes while a fork is under way makes it fail at the last moment, with all
 * the bookkeeping done. When it strikes is up to chance, so many are sent.
 */
TEST_F(exits, a_fork_that_is_killed_leaves_no_trace)
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
	/* Children that outlived their killed parent end on their own. */
	EXPECT_TRUE(wait_until(population("/a") == 1));
	EXPECT_EQ(0, traces());
}

static void ignore(int signal)
{
	(void)signal;
}

/* A signal that comes during a fork makes it fail and begin anew. */
static int fork_under_signals(void)
{
	const struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	struct itimerval once = { 0 };
	int i, error = 0;
	pid_t pid;

	sigaction(SIGALRM, &action, NULL);
	for (i = 1; i <= scaled(300) && !error; i++) {
		once.it_value.tv_usec = i * 20;
		setitimer(ITIMER_REAL, &once, NULL);
		pid = fork();
		if (pid == 0)
			_exit(strcmp("/a", where_am_i()) ? 1 : 0);
		error = reap(pid);
	}
	return -error;
}

TEST_F(exits, a_fork_that_signals_interrupt_leaves_no_trace)
{
	EXPECT_EQ(0, forked(fork_under_signals()));
	EXPECT_EQ(0, traces());
}

TEST_F(exits, a_task_is_out_when_wait_returns)
{
	pid_t pid;
	int i;

	for (i = 0; i < scaled(500); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		ASSERT_EQ(0, reap(pid));
		ASSERT_EQ(1, population("/a"));
		ASSERT_EQ(1, count_tracked());
	}
}

TEST_F(exits, a_task_is_out_when_its_parent_can_wait_for_it)
{
	pid_t pid;
	int i;

	for (i = 0; i < scaled(300); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		ASSERT_EQ(0, wait_zombie(pid));
		ASSERT_EQ(1, population("/a"));
		ASSERT_STREQ("/", where_is(pid));
		ASSERT_EQ(0, reap(pid));
	}
}

TEST_F(exits, a_task_is_out_when_its_pidfd_is_ready)
{
	struct pollfd ready = { .events = POLLIN };
	pid_t pid;
	int i;

	for (i = 0; i < scaled(300); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		ready.fd = syscall(SYS_pidfd_open, pid, 0);
		ASSERT_LE(0, ready.fd);
		ASSERT_EQ(1, poll(&ready, 1, -1));
		ASSERT_EQ(1, population("/a"));
		close(ready.fd);
		ASSERT_EQ(0, reap(pid));
	}
}

TEST_F(exits, a_task_is_out_when_its_parent_gets_SIGCHLD)
{
	sigset_t set;
	pid_t pid;
	int i, signal;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < scaled(300); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		ASSERT_EQ(0, sigwait(&set, &signal));
		ASSERT_EQ(1, population("/a"));
		ASSERT_EQ(0, reap(pid));
	}
}

TEST_F(exits, threads_are_out_when_their_process_is_waited_for)
{
	struct thread threads[10];
	pid_t pid;
	int i, j;

	for (i = 0; i < scaled(50); i++) {
		pid = child();
		if (pid == 0) {
			for (j = 0; j < 10; j++)
				if (thread_start(&threads[j]))
					_exit(1);
			_exit(0);
		}
		ASSERT_EQ(0, reap(pid));
		ASSERT_EQ(1, population("/a"));
	}
}

TEST_F(exits, killed_tasks_are_out_too)
{
	pid_t pid;
	int i;

	for (i = 0; i < scaled(100); i++) {
		pid = sleeper("/a");
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, end(pid));
		ASSERT_EQ(1, population("/a"));
	}
}

/* A task that dies while it is moved ends in no container. */
TEST_F(exits, a_task_that_dies_while_it_is_moved_is_out)
{
	pid_t pid;
	int i, error;

	ASSERT_EQ(0, make("/b"));
	for (i = 0; i < scaled(500); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		do {
			error = attach("/b", pid) ?: attach("/a", pid);
		} while (!error);
		ASSERT_EQ(-ESRCH, error);
		ASSERT_EQ(0, reap(pid));
		ASSERT_EQ(1, count_tracked());
		ASSERT_EQ(0, population("/b"));
	}
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(0, drop("/b"));
}

TEST_HARNESS_MAIN
