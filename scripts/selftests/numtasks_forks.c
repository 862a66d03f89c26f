// SPDX-License-Identifier: GPL-2.0
// Tests that numtasks counts right whatever races, and whatever a fork fails of.
#include "numtasks.h"

#include <sys/resource.h>
#include <sys/time.h>

#include "cgroup.h"

static int tries_to_fork(int expected)
{
	pid_t pid;
	int i, error;

	for (i = 0; i < 100; i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		error = pid < 0 ? errno : 0;
		if (error != expected)
			return -EDOM;
	}
	return 0;
}

static int clone3_tries(struct clone_args *args, int expected)
{
	pid_t pid;
	int i, error;

	for (i = 0; i < 100; i++) {
		pid = syscall(SYS_clone3, args, sizeof(*args));
		if (pid == 0)
			_exit(0);
		error = pid < 0 ? errno : 0;
		if (error != expected)
			return -EDOM;
	}
	return 0;
}

static int fork_with_bad_flags(void)
{
	struct clone_args args = { .flags = CLONE_THREAD, .exit_signal = SIGCHLD };

	return clone3_tries(&args, EINVAL);
}

static int fork_without_room_for_a_pidfd(void)
{
	const struct rlimit none = { 0, 0 };
	int pidfd;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};

	return result(setrlimit(RLIMIT_NOFILE, &none)) ?: clone3_tries(&args, EMFILE);
}

static int fork_with_a_bad_address(void)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = 8,
		.exit_signal = SIGCHLD,
	};

	return clone3_tries(&args, EFAULT);
}

static int fork_with_a_taken_pid(void)
{
	pid_t taken = getpid();
	struct clone_args args = {
		.set_tid = (uintptr_t)&taken,
		.set_tid_size = 1,
		.exit_signal = SIGCHLD,
	};

	return clone3_tries(&args, EEXIST);
}

static int fork_into_no_cgroup(void)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = 1000,
	};

	return clone3_tries(&args, EBADF);
}

static int fork_beyond_the_limit_of_the_user(void)
{
	const struct rlimit none = { 1, 1 };

	return result(setrlimit(RLIMIT_NPROC, &none)) ?: become(SOMEBODY) ?: tries_to_fork(EAGAIN);
}

static int fork_beyond_the_limit_of_a_cgroup(void)
{
	return cgroup_enter() ?: tries_to_fork(EAGAIN);
}

static int fork_into_a_dead_pid_namespace(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return -errno;
	pid = fork();
	if (pid == 0)
		_exit(0);
	return reap(pid) ? -ECHILD : tries_to_fork(ENOMEM);
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
	for (i = 1; i <= 300 && !error; i++) {
		once.it_value.tv_usec = i * 20;
		setitimer(ITIMER_REAL, &once, NULL);
		pid = fork();
		if (pid == 0)
			_exit(0);
		error = reap(pid);
	}
	return -error;
}

/* Runs in a child in A, which may leave nothing there; the limit allows what it tries. */
static int fails_without_a_trace(int (*way)(void))
{
	int error = forked(enter(A, 0) ?: way());

	/* What forks that were killed have left dies on its own. */
	if (!wait_until(count_tasks(A) == 0) || tasks_now(A))
		return -ESTALE;
	return error;
}

TEST_F(numtasks, a_fork_with_bad_flags_is_not_counted)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_with_bad_flags));
}

TEST_F(numtasks, a_fork_whose_pidfd_cannot_be_installed_is_not_counted)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_without_room_for_a_pidfd));
	EXPECT_EQ(0, fails_without_a_trace(fork_with_a_bad_address));
}

TEST_F(numtasks, a_fork_with_a_taken_pid_is_not_counted)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_with_a_taken_pid));
}

TEST_F(numtasks, a_fork_into_no_cgroup_is_not_counted)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_into_no_cgroup));
}

TEST_F(numtasks, a_fork_beyond_the_limit_of_the_user_is_not_counted)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_beyond_the_limit_of_the_user));
}

TEST_F(numtasks, a_fork_that_a_cgroup_refuses_is_not_counted)
{
	ASSERT_EQ(0, cgroup_make());
	if (cgroup_limit(1)) {
		EXPECT_EQ(0, cgroup_drop());
		SKIP(return, "there is no pids controller");
	}
	EXPECT_EQ(0, fails_without_a_trace(fork_beyond_the_limit_of_a_cgroup));
	EXPECT_EQ(0, cgroup_drop());
}

TEST_F(numtasks, a_fork_into_a_dead_pid_namespace_is_not_counted)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_into_a_dead_pid_namespace));
}

TEST_F(numtasks, a_fork_that_signals_interrupt_is_counted_once)
{
	EXPECT_EQ(0, fails_without_a_trace(fork_under_signals));
}

static void fork_and_reap_for_ever(void)
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

TEST_F(numtasks, a_fork_that_is_killed_is_not_counted)
{
	pid_t pid;
	int i;

	for (i = 0; i < 300; i++) {
		pid = child();
		if (pid == 0) {
			if (enter(A, 0))
				_exit(1);
			fork_and_reap_for_ever();
		}
		usleep(i * 50);
		ASSERT_EQ(0, end(pid));
	}
	EXPECT_TRUE(wait_until(count_tasks(A) == 0));
	EXPECT_EQ(0, tasks_now(A));
}

/* Forks until it has been refused for so often that nobody else can be forking with success. */
static int fork_all_there_is(const char *container, int cpu)
{
	cpu_set_t cpus;
	int refused = 0;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || enter(container, 0))
		return -errno;
	while (refused < 1000) {
		switch (fork()) {
		case 0:
			for (;;)
				pause();
		case -1:
			if (errno != EAGAIN)
				return -errno;
			refused++;
		}
	}
	return 0;
}

/*
 * Two containers below A that may have 7 tasks each, and together 10. The racers themselves are
 * moved in and count, until they are done.
 */
TEST_F(numtasks, racing_forkers_share_what_there_is)
{
	int round, x, y, all;
	pid_t racers[2];

	ASSERT_EQ(0, make_at(A "/x"));
	ASSERT_EQ(0, make_at(A "/y"));
	ASSERT_EQ(0, set_limit(A, "10"));
	ASSERT_EQ(0, set_limit(A "/x", "7"));
	ASSERT_EQ(0, set_limit(A "/y", "7"));
	for (round = 0; round < scaled(30); round++) {
		racers[0] = child();
		if (racers[0] == 0)
			_exit(-fork_all_there_is(A "/x", 0));
		racers[1] = child();
		if (racers[1] == 0)
			_exit(-fork_all_there_is(A "/y", 1));
		do {
			x = tasks_now(A "/x");
			y = tasks_now(A "/y");
			all = tasks_now(A);
			ASSERT_TRUE(x <= 7 && y <= 7 && all <= 10) TH_LOG("%d %d %d", x, y, all);
			ASSERT_GE(7, count_tasks(A "/x"));
			ASSERT_GE(7, count_tasks(A "/y"));
		} while (waitpid(racers[0], NULL, WNOHANG) == 0);
		reap(racers[1]);
		/* All is taken but for the places of the racers, of which each took one. */
		all = tasks_now(A);
		EXPECT_TRUE(all >= 8 && all <= 10) TH_LOG("%d", all);
		EXPECT_EQ(all, tasks_now(A "/x") + tasks_now(A "/y"));
		EXPECT_EQ(all, count_tasks(A "/x") + count_tasks(A "/y"));
		end_children();
		ASSERT_TRUE(wait_until(count_tasks(A "/x") + count_tasks(A "/y") == 0));
		ASSERT_EQ(0, tasks_now(A));
	}
	EXPECT_EQ(10, most_tasks(A));
}

/* Forks are refused in one container and allowed in the other, while the parent is between them. */
TEST_F(numtasks, forks_are_counted_right_while_their_parent_is_moved)
{
	pid_t forkers[3], mover;
	int i;

	ASSERT_EQ(0, set_limit(A, "3"));
	ASSERT_EQ(0, make_at(A "/x"));
	for (i = 0; i < 3; i++) {
		forkers[i] = child();
		if (forkers[i] == 0)
			fork_and_reap_for_ever();
	}
	mover = child();
	if (mover == 0)
		for (i = 0;; i++)
			if (enter(i / 3 % 3 == 0 ? A : i / 3 % 3 == 1 ? A "/x" : B, forkers[i % 3]))
				_exit(1);
	for (i = 0; i < scaled(2000); i++) {
		/* Three are in it with a child each, which came with them or was made there. */
		ASSERT_GE(6, tasks_now(A));
		ASSERT_GE(tasks_now(A) + 6, count_tasks(A));
	}
	ASSERT_EQ(0, end(mover));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, end(forkers[i]));
	EXPECT_TRUE(wait_until(tree_tasks("numtasks") == 0));
	EXPECT_EQ(0, tasks_now(A));
	EXPECT_EQ(0, tasks_now(A "/x"));
	EXPECT_EQ(0, tasks_now(B));
	EXPECT_LT(0, refusals(A));
}

/* The limit is changed all the time; a fork is let through by the one limit or by the other. */
TEST_F(numtasks, a_limit_that_changes_is_never_passed)
{
	pid_t forkers[4];
	int i, refused;

	/* Until all are there none may fork, for a move into a full container passes the limit. */
	ASSERT_EQ(0, set_limit(A, "0"));
	for (i = 0; i < 4; i++) {
		forkers[i] = child();
		if (forkers[i] == 0) {
			if (enter(A, 0))
				_exit(1);
			fork_and_reap_for_ever();
		}
	}
	ASSERT_TRUE(wait_until(tasks_now(A) == 4));
	refused = refusals(A);
	for (i = 0; i < scaled(3000); i++) {
		ASSERT_EQ(0, set_limit(A, i % 2 ? "6" : "5"));
		ASSERT_GE(6, tasks_now(A));
		ASSERT_GE(6, most_tasks(A));
	}
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, end(forkers[i]));
	EXPECT_TRUE(wait_until(count_tasks(A) == 0));
	EXPECT_EQ(0, tasks_now(A));
	EXPECT_LT(refused, refusals(A));
}

TEST_HARNESS_MAIN
