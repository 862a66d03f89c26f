// SPDX-License-Identifier: GPL-2.0
// Tests that a new task is in its creator's container from the beginning, however it is made.
#include "selftest.h"

#include <spawn.h>
#include <stdatomic.h>

#define STACK 65536

/* 0 if the caller is in the container, else an exit status that no signal looks like */
static int is_in(const char *container)
{
	return strcmp(container, where_am_i()) ? 1 : 0;
}

/* What this program does when the tests execute it: PROGRAM --is-in CONTAINER */
static __attribute__((constructor)) void answer(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--is-in"))
		_exit(is_in(argv[2]));
}

static char **question(const char *container)
{
	static char *argv[4] = { "inherit", "--is-in" };

	argv[2] = (char *)container;
	return argv;
}

static int execute(const char *container)
{
	execv("/proc/thread-self/exe", question(container));
	return -errno;
}

/* The test process is in /a, and /b is there too. */
FIXTURE(inherit)
{
};

FIXTURE_SETUP(inherit)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, attach("/a", getpid()));
}

FIXTURE_TEARDOWN(inherit)
{
	EXPECT_EQ(0, clear_tree());
}

TEST_F(inherit, fork_inherits)
{
	int i;

	for (i = 0; i < scaled(500); i++)
		ASSERT_EQ(0, forked(-is_in("/a")));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(1, count_tracked());
}

static int vforked(const char *container)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(is_in(container));
	return reap(pid);
}

TEST_F(inherit, vfork_inherits)
{
	int i;

	for (i = 0; i < scaled(100); i++)
		ASSERT_EQ(0, vforked("/a"));
	EXPECT_EQ(1, population("/a"));
}

static int cloned(void *container)
{
	return is_in(container);
}

TEST_F(inherit, clone_inherits)
{
	static const unsigned long flags[] = {
		SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, 0,
		CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_IO | CLONE_SYSVSEM | SIGCHLD,
		CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, CLONE_NEWPID | SIGCHLD,
		CLONE_NEWUSER | SIGCHLD, CLONE_VM | CLONE_SIGHAND | SIGCHLD,
		CLONE_NEWCGROUP | SIGCHLD,
	};
	char *stack = malloc(STACK);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_EQ(0, reap(clone(cloned, stack + STACK, flags[i], "/a")))
			TH_LOG("with flags %#lx", flags[i]);
	EXPECT_EQ(1, population("/a"));
	free(stack);
}

static pid_t clone3(struct clone_args *args)
{
	return result(syscall(SYS_clone3, args, sizeof(*args)));
}

TEST_F(inherit, clone3_inherits)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = clone3(&args);

	if (pid == 0)
		_exit(is_in("/a"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_LE(0, pidfd);
}

TEST_F(inherit, clone_for_another_parent_inherits_from_the_creator)
{
	atomic_int *found = shared_memory(sizeof(*found));

	if (fork_with(CLONE_PARENT) == 0) {
		*found = 1 + is_in("/a");
		_exit(0);
	}
	ASSERT_TRUE(wait_until(*found));
	EXPECT_EQ(1, *found);
}

TEST_F(inherit, posix_spawn_inherits)
{
	pid_t pid;

	ASSERT_EQ(0, posix_spawn(&pid, "/proc/self/exe", NULL, NULL, question("/a"), NULL));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, population("/a"));
}

/* Starts threads in threads, and gives NULL if all are where they should be. */
static void *thread_of_threads(void *data)
{
	long level = (long)data;
	pthread_t threads[2];
	void *problem[2];
	int i;

	if (is_in("/a"))
		return "not there";
	if (level == 0)
		return NULL;
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, thread_of_threads, (void *)(level - 1)))
			return "not made";
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], &problem[i]);
	return problem[0] ?: problem[1];
}

TEST_F(inherit, pthread_create_inherits)
{
	EXPECT_NULL(thread_of_threads((void *)1));
	EXPECT_TRUE(wait_until(population("/a") == 1));
}

TEST_F(inherit, threads_of_threads_inherit)
{
	EXPECT_NULL(thread_of_threads((void *)6));
	EXPECT_TRUE(wait_until(population("/a") == 1));
}

/* A thread that has been moved away from its process, and what it makes */
static void *move_and_fork(void *data)
{
	if (attach(data, 0))
		return "not moved";
	return forked(-is_in(data)) || vforked(data) ? "not there" : NULL;
}

TEST_F(inherit, what_a_thread_makes_inherits_from_the_thread)
{
	pthread_t thread;
	void *problem;

	ASSERT_EQ(0, pthread_create(&thread, NULL, move_and_fork, "/b"));
	ASSERT_EQ(0, pthread_join(thread, &problem));
	EXPECT_NULL(problem);
	EXPECT_STREQ("/a", where_am_i());
}

TEST_F(inherit, exec_changes_nothing)
{
	EXPECT_EQ(0, forked(execute("/a")));
	EXPECT_EQ(0, forked(attach("/b", 0) ?: execute("/b")));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(0, population("/b"));
}

static void *execute_in_b(void *leader_is_dead)
{
	if (leader_is_dead)
		wait_until(strstr(content(text("/proc/%d/stat", getpid())), ") Z"));
	_exit(attach("/b", 0) ?: execute("/b"));
}

/* The thread that calls exec takes the leader's id, and its own container with it. */
static int execute_in_thread(void *leader_is_dead)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, execute_in_b, leader_is_dead))
		return -EAGAIN;
	if (leader_is_dead)
		syscall(SYS_exit, 0);
	for (;;)
		pause();
	return 0;
}

TEST_F(inherit, exec_by_a_thread_that_is_not_the_leader_changes_nothing)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, forked(execute_in_thread(NULL)));
		ASSERT_EQ(1, population("/a"));
		ASSERT_EQ(0, population("/b"));
	}
	EXPECT_EQ(1, count_tracked());
	EXPECT_EQ(0, drop("/b"));
}

TEST_F(inherit, exec_by_a_thread_whose_leader_is_dead_changes_nothing)
{
	EXPECT_EQ(0, forked(execute_in_thread("dead")));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(0, population("/b"));
	EXPECT_EQ(0, drop("/b"));
}

static int leave_an_orphan(atomic_int *found)
{
	pid_t parent = getpid();

	if (fork() == 0) {
		wait_until(getppid() != parent);
		setsid();
		*found = 1 + is_in("/a");
		_exit(0);
	}
	return 0;
}

TEST_F(inherit, an_orphan_stays)
{
	atomic_int *found = shared_memory(sizeof(*found));

	ASSERT_EQ(0, forked(leave_an_orphan(found)));
	ASSERT_TRUE(wait_until(*found));
	EXPECT_EQ(1, *found);
	EXPECT_TRUE(wait_until(population("/a") == 1));
}

TEST_F(inherit, all_of_many_children_are_listed)
{
	pid_t pids[200];
	int i, many = up_to(ARRAY_SIZE(pids));

	for (i = 0; i < many; i++) {
		pids[i] = child();
		if (pids[i] == 0)
			for (;;)
				pause();
	}
	EXPECT_EQ(1 + many, population("/a"));
	for (i = 0; i < many; i++) {
		EXPECT_TRUE(listed("/a", pids[i]));
		ASSERT_EQ(0, end(pids[i]));
	}
	EXPECT_EQ(1, population("/a"));
}

TEST_F(inherit, in_the_root_nothing_is_tracked)
{
	ASSERT_EQ(0, attach("", getpid()));
	EXPECT_EQ(0, count_tracked());
	EXPECT_EQ(0, forked(count_tracked() || is_in("/") ? -1 : 0));
	EXPECT_EQ(0, count_tracked());
}

/*
 * The parent is moved to and fro while it forks, so also between the two steps of a fork: the
 * child is where its parent was before or after, and never in the root or in both.
 */
TEST_F(inherit, a_fork_while_its_parent_is_moved_inherits)
{
	pid_t parent = getpid(), mover;
	int i;

	mover = child();
	if (mover == 0)
		for (;;)
			if (attach("/b", parent) || attach("/a", parent))
				_exit(1);
	for (i = 0; i < scaled(2000); i++)
		ASSERT_EQ(0, forked(-(is_in("/a") && is_in("/b"))));
	ASSERT_EQ(0, end(mover));
	EXPECT_EQ(1, population("/a") + population("/b"));
	EXPECT_EQ(1, count_tracked());
}

/* The child is moved by its parent while it may not have run yet. */
TEST_F(inherit, a_child_that_is_moved_at_once_is_there_and_nowhere_else)
{
	atomic_int *moved = shared_memory(sizeof(*moved));
	pid_t pid;
	int i;

	for (i = 0; i < scaled(500); i++) {
		*moved = 0;
		pid = child();
		if (pid == 0) {
			while (!*moved)
				if (is_in("/a") && is_in("/b"))
					_exit(2);
			_exit(is_in("/b"));
		}
		ASSERT_EQ(0, attach("/b", pid));
		*moved = 1;
		ASSERT_EQ(0, reap(pid));
	}
	EXPECT_EQ(0, population("/b"));
	EXPECT_EQ(1, count_tracked());
}

/* Moves whoever has the guessed id, from the first moment on; a kernel thread stays where it is. */
static void move_the_next(const atomic_int *next)
{
	int fd = open(TREE "/b/tasks", O_WRONLY | O_CLOEXEC);
	const char *line;

	for (;;) {
		line = text("%d", *next);
		if (write(fd, line, strlen(line)) < 0 && errno != ESRCH && errno != EINVAL)
			_exit(1);
	}
}

/* The child can be found some instructions before it is where its parent is. */
TEST_F(inherit, a_child_that_is_moved_while_it_is_being_born_is_nowhere_else)
{
	atomic_int *next = shared_memory(sizeof(*next));
	pid_t pid, mover;
	int i;

	*next = INT_MAX;
	mover = child();
	if (mover == 0)
		move_the_next(next);
	pid = mover;
	for (i = 0; i < scaled(2000); i++) {
		*next = kill(pid + 1, 0) ? pid + 1 : INT_MAX;
		pid = child();
		if (pid == 0)
			_exit(is_in("/a") && is_in("/b"));
		ASSERT_EQ(0, reap(pid));
	}
	ASSERT_EQ(0, end(mover));
	EXPECT_EQ(0, population("/b"));
	EXPECT_EQ(1, count_tracked());
}

TEST_HARNESS_MAIN
