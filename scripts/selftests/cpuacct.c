// SPDX-License-Identifier: GPL-2.0
// Tests of the subsystem cpuacct, by what the kernel itself counts for a task.
#include "rcfstest.h"
#include "recorder.h"

#include <stdatomic.h>
#include <sys/resource.h>

#include "cgroup.h"

#define A ONE "/a"
#define B ONE "/b"
#define NSEC 1000000000LL

static long long usage_of(const char *container)
{
	return number(text("%s/cpuacct.usage", container));
}

/* The number after a word of cpuacct.stat, in nanoseconds */
static long long stat_of(const char *container, const char *word)
{
	const char *found = strstr(content(text("%s/cpuacct.stat", container)), word);

	return found ? atoll(found + strlen(word) + 1) * (NSEC / sysconf(_SC_CLK_TCK)) : -1;
}

static void burn_a_little(void)
{
	int i;

	for (i = 0; i < 100000; i++)
		asm volatile("");
}

/* Uses processor time, in user mode, until the process has used so much. */
static void burn_until(long long time)
{
	while (own_time() < time)
		burn_a_little();
}

/* The same, in the kernel */
static void burn_kernel_until(long long time)
{
	static char buffer[1 << 20];
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (own_time() < time)
		if (read(zero, buffer, sizeof(buffer)) < 0)
			_exit(1);
}

/* Waits for a child; what it and all that it has waited for have used, or -1 if it failed */
static long long reap_time(pid_t pid)
{
	struct rusage rusage;
	int status;

	if (pid < 0 || wait4(pid, &status, 0, &rusage) != pid || status)
		return -1;
	return (rusage.ru_utime.tv_sec + rusage.ru_stime.tv_sec) * NSEC +
	       (rusage.ru_utime.tv_usec + rusage.ru_stime.tv_usec) * 1000LL;
}

/*
 * A task takes its time to move itself, and where an emulated processor is not always on a real one
 * that can be long. So it looks at its clock before and after, and what it has used in a container
 * is known to be in a span.
 */
static struct move {
	atomic_llong before, after;
} *moves;

static void move_to(const char *container, int which)
{
	moves[which].before = own_time();
	if (enter(container, 0))
		_exit(1);
	moves[which].after = own_time();
}

struct span {
	long long least, most;
};

static struct span between(int first, int second)
{
	return (struct span) { moves[second].before - moves[first].after,
			       moves[second].after - moves[first].before };
}

/* Of a task, or a family, that has used so much before it died */
static struct span since(int which, long long time)
{
	return (struct span) { time - moves[which].after, time - moves[which].before };
}

/* To within 2 % */
#define EXPECT_IN(span_, value) do {						\
	struct span __span = (span_);						\
	long long __value = (value);						\
										\
	EXPECT_LT(0, __span.least);						\
	EXPECT_LE(__span.least - __span.least / 50, __value);			\
	EXPECT_GE(__span.most + __span.most / 50, __value);			\
} while (0)

/*
 * Of a family that entered the cgroup before the container; to be asked after that has been. A
 * task's last instructions, when its parent knows already, are no part of what wait tells. In an
 * emulation those of many tasks can take long, but a cgroup has them in its sum, too.
 */
static struct span of_many_since(int which, long long time)
{
	return (struct span) { since(which, time).least, cgroup_usage() };
}

/* A child that burns some time in a container */
static pid_t burner(const char *container, int which, long long time)
{
	pid_t pid = child();

	if (pid == 0) {
		move_to(container, which);
		burn_until(time);
		_exit(0);
	}
	return pid;
}

/* The same, until it is dead; what it has used there */
static struct span burn_in(const char *container, int which, long long time)
{
	return since(which, reap_time(burner(container, which, time)));
}

/* A tree with cpuacct and the containers a and b */
FIXTURE(cpuacct)
{
};

FIXTURE_SETUP(cpuacct)
{
	moves = shared_memory(4 * sizeof(*moves));
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	ASSERT_EQ(0, mount_rcfs(ONE, "cpuacct"));
	ASSERT_EQ(0, make_at(A));
	ASSERT_EQ(0, make_at(B));
}

FIXTURE_TEARDOWN(cpuacct)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

TEST_F(cpuacct, a_new_container_has_used_nothing)
{
	EXPECT_EQ(0, usage_of(A));
	EXPECT_STREQ("user 0\nsystem 0", content(A "/cpuacct.stat"));
}

TEST_F(cpuacct, what_a_child_has_used_is_there_when_it_is_dead)
{
	struct span time = burn_in(A, 0, 2 * NSEC);

	EXPECT_IN(time, usage_of(A));
	EXPECT_EQ(0, usage_of(B));
}

TEST_F(cpuacct, what_a_living_task_has_used_is_there)
{
	pid_t pid = child();
	struct span time;
	long long seen;

	if (pid == 0) {
		move_to(A, 0);
		burn_until(2 * NSEC);
		/* To where it is already */
		move_to(A, 1);
		for (;;)
			pause();
	}
	ASSERT_TRUE(wait_until(moves[1].after));
	seen = usage_of(A);
	time = between(0, 1);
	EXPECT_IN(time, seen);
	kill(pid, SIGKILL);
	reap(pid);
	EXPECT_LE(seen, usage_of(A));
	EXPECT_IN(time, usage_of(A));
}

TEST_F(cpuacct, what_a_task_has_used_elsewhere_is_not_there)
{
	pid_t pid = child();

	if (pid == 0) {
		burn_until(2 * NSEC);
		move_to(A, 0);
		burn_until(4 * NSEC);
		_exit(0);
	}
	EXPECT_IN(since(0, reap_time(pid)), usage_of(A));
}

TEST_F(cpuacct, a_child_that_is_moved_half_way_has_used_some_of_each)
{
	pid_t pid = child();
	long long time;

	if (pid == 0) {
		move_to(A, 0);
		burn_until(2 * NSEC);
		move_to(B, 1);
		burn_until(4 * NSEC);
		_exit(0);
	}
	time = reap_time(pid);
	EXPECT_IN(between(0, 1), usage_of(A));
	EXPECT_IN(since(1, time), usage_of(B));
	EXPECT_IN(since(0, time), usage_of(A) + usage_of(B));
}

TEST_F(cpuacct, a_task_that_is_moved_often_loses_nothing)
{
	pid_t pid = child();
	int i;

	if (pid == 0) {
		move_to(A, 0);
		for (i = 1; i <= 200; i++) {
			burn_until(i * NSEC / 100);
			move_to(i % 2 ? B : A, 1);
		}
		_exit(0);
	}
	EXPECT_IN(since(0, reap_time(pid)), usage_of(A) + usage_of(B));
}

TEST_F(cpuacct, many_short_tasks_are_all_there)
{
	long long time, seen;
	pid_t pid;
	int i;

	ASSERT_EQ(0, cgroup_make());
	pid = child();
	if (pid == 0) {
		if (cgroup_enter())
			_exit(1);
		move_to(A, 0);
		for (i = 0; i < 300; i++) {
			pid = child();
			if (pid == 0) {
				burn_until(NSEC / 100);
				_exit(0);
			}
			if (reap(pid))
				_exit(1);
		}
		_exit(0);
	}
	time = reap_time(pid);
	seen = usage_of(A);
	EXPECT_IN(of_many_since(0, time), seen);
	EXPECT_EQ(0, cgroup_drop());
}

/* Tasks that are gone before the next tick, many at a time */
TEST_F(cpuacct, very_short_tasks_are_all_there)
{
	long long time, seen;
	pid_t pid;
	int i, j;

	ASSERT_EQ(0, cgroup_make());
	pid = child();
	if (pid == 0) {
		if (cgroup_enter())
			_exit(1);
		move_to(A, 0);
		for (i = 0; i < 100; i++) {
			for (j = 0; j < 10; j++)
				if (child() == 0)
					_exit(0);
			while (wait(NULL) > 0)
				;
		}
		_exit(0);
	}
	time = reap_time(pid);
	seen = usage_of(A);
	EXPECT_IN(of_many_since(0, time), seen);
	EXPECT_EQ(0, cgroup_drop());
}

static void *burn_in_thread(void *data)
{
	long long until = clock_of(CLOCK_THREAD_CPUTIME_ID) + NSEC / 2;

	while (clock_of(CLOCK_THREAD_CPUTIME_ID) < until)
		burn_a_little();
	return data;
}

TEST_F(cpuacct, what_threads_have_used_is_there)
{
	pid_t pid = child();
	pthread_t threads[4];
	int i;

	if (pid == 0) {
		move_to(A, 0);
		for (i = 0; i < 4; i++)
			if (pthread_create(&threads[i], NULL, burn_in_thread, NULL))
				_exit(1);
		for (i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		_exit(0);
	}
	EXPECT_IN(since(0, reap_time(pid)), usage_of(A));
}

static void *move_and_burn(void *data)
{
	return enter(B, 0) ? "not moved" : burn_in_thread(data);
}

TEST_F(cpuacct, a_thread_is_counted_where_it_is)
{
	pid_t pid = child();
	pthread_t threads[2];

	if (pid == 0) {
		move_to(A, 0);
		if (pthread_create(&threads[0], NULL, burn_in_thread, NULL) ||
		    pthread_create(&threads[1], NULL, move_and_burn, NULL))
			_exit(1);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		_exit(0);
	}
	EXPECT_IN(since(0, reap_time(pid)), usage_of(A) + usage_of(B));
	EXPECT_LT(NSEC / 3, usage_of(A));
	EXPECT_LT(NSEC / 3, usage_of(B));
}

TEST_F(cpuacct, what_is_used_below_is_there_too_also_when_it_is_removed)
{
	struct span first, both;
	long long seen;

	ASSERT_EQ(0, make_at(A "/x"));
	ASSERT_EQ(0, make_at(A "/x/y"));
	first = burn_in(A "/x/y", 0, NSEC);
	EXPECT_IN(first, usage_of(A "/x/y"));
	both = burn_in(A "/x", 1, NSEC);
	both.least += first.least;
	both.most += first.most;
	EXPECT_IN(both, usage_of(A "/x"));
	EXPECT_IN(both, usage_of(A));
	seen = usage_of(A);
	ASSERT_EQ(0, rmdir(A "/x/y"));
	ASSERT_EQ(0, rmdir(A "/x"));
	EXPECT_LE(seen, usage_of(A));
	EXPECT_IN(both, usage_of(A));
	/* A new one of the same name begins with nothing. */
	ASSERT_EQ(0, make_at(A "/x"));
	EXPECT_EQ(0, usage_of(A "/x"));
}

/* What is known of the root is counted in ticks, of which many may be lost to an emulation. */
TEST_F(cpuacct, what_is_used_in_a_container_is_used_in_the_root_too)
{
	long long before = usage_of(ONE);

	ASSERT_LT(0, reap_time(burner(A, 0, NSEC)));
	EXPECT_LT(before, usage_of(ONE));
	EXPECT_EQ(0, write_file(ONE "/cpuacct.usage", "0"));
	EXPECT_GT(before, usage_of(ONE));
}

TEST_F(cpuacct, writing_0_resets_the_usage)
{
	struct span time;

	time = burn_in(A, 0, NSEC);
	EXPECT_IN(time, usage_of(A));
	EXPECT_EQ(0, write_file(A "/cpuacct.usage", "0"));
	EXPECT_EQ(0, usage_of(A));
	time = burn_in(A, 0, NSEC);
	EXPECT_IN(time, usage_of(A));
}

TEST_F(cpuacct, a_reset_does_not_touch_the_other_containers)
{
	struct span below, above;

	ASSERT_EQ(0, make_at(A "/x"));
	below = burn_in(A "/x", 0, NSEC);
	EXPECT_EQ(0, write_file(A "/cpuacct.usage", "0"));
	EXPECT_EQ(0, usage_of(A));
	EXPECT_IN(below, usage_of(A "/x"));
	above = burn_in(A, 0, NSEC);
	EXPECT_EQ(0, write_file(A "/x/cpuacct.usage", "0"));
	EXPECT_EQ(0, usage_of(A "/x"));
	EXPECT_IN(above, usage_of(A));
}

TEST_F(cpuacct, writing_anything_else_is_refused)
{
	static const char * const values[] = { "1", "-0", "", "x", "0x0", "0 0", "max" };
	long long seen;
	size_t i;

	ASSERT_LT(0, reap_time(burner(A, 0, NSEC / 10)));
	seen = usage_of(A);
	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (*values[i])
			EXPECT_EQ(-EINVAL, write_file(A "/cpuacct.usage", "%s", values[i]))
				TH_LOG("value %zu", i);
	EXPECT_EQ(-EINVAL, write_file(A "/cpuacct.stat", "0"));
	EXPECT_EQ(seen, usage_of(A));
}

TEST_F(cpuacct, stat_tells_user_from_system)
{
	const long long tick = NSEC / sysconf(_SC_CLK_TCK);
	long long both_modes;
	pid_t pid;

	ASSERT_LT(0, reap_time(burner(A, 0, NSEC)));
	EXPECT_LT(stat_of(A, "system"), stat_of(A, "user"));
	both_modes = stat_of(A, "user") + stat_of(A, "system");
	EXPECT_LE(both_modes, usage_of(A));
	EXPECT_GT(both_modes + 2 * tick, usage_of(A));
	pid = child();
	if (pid == 0) {
		move_to(B, 0);
		burn_kernel_until(NSEC);
		_exit(0);
	}
	ASSERT_LT(0, reap_time(pid));
	EXPECT_LT(stat_of(B, "user"), stat_of(B, "system"));
}

TEST_F(cpuacct, it_is_kept_while_the_tree_is_not_mounted)
{
	pid_t pid = burner(A, 0, NSEC);
	struct span time;

	ASSERT_TRUE(wait_until(moves[0].after));
	ASSERT_EQ(0, umount(ONE));
	time = since(0, reap_time(pid));
	ASSERT_EQ(0, mount_rcfs(ONE, "cpuacct"));
	EXPECT_IN(time, usage_of(A));
}

static bool is_dead(pid_t pid)
{
	siginfo_t info = {};

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid;
}

/* The recorder, told later, keeps a task among those of A when cpuacct knows of its exit. */
TEST_F(cpuacct, who_exits_is_counted_once)
{
	pid_t pid;

	ASSERT_EQ(0, recorder_begin());
	ASSERT_EQ(0, mount_rcfs(ONE, "cpuacct,alpha"));
	ASSERT_EQ(0, make_at(A));
	ASSERT_EQ(0, recorder_delay_exit(50));
	pid = burner(A, 0, NSEC);
	ASSERT_LT(0, pid);
	while (!is_dead(pid))
		usage_of(A);
	EXPECT_IN(since(0, reap_time(pid)), usage_of(A));
	EXPECT_EQ(0, recorder_end());
}

static void fork_move_and_die(void)
{
	pid_t pid;
	int i;

	for (i = 0;; i++) {
		pid = child();
		if (pid == 0) {
			if (i % 4 == 0 && enter(i % 8 ? B : A "/x", 0))
				_exit(1);
			burn_until(own_time() + NSEC / 1000 * (i % 5));
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* The sum of A, and that of B, may be moved to another container, but never lost. */
TEST_F(cpuacct, usage_never_goes_back_while_tasks_move_and_die)
{
	static const char * const containers[] = { A, A "/x", B, ONE };
	long long last[ARRAY_SIZE(containers)] = { 0 }, last_user = 0, now;
	pid_t forkers[3], mover;
	int round;
	size_t i;

	ASSERT_EQ(0, make_at(A "/x"));
	for (i = 0; i < 3; i++) {
		forkers[i] = child();
		if (forkers[i] == 0)
			fork_move_and_die();
		ASSERT_EQ(0, enter(containers[i], forkers[i]));
	}
	mover = child();
	if (mover == 0)
		for (i = 0;; i++)
			if (enter(containers[(i + i / 3) % 3], forkers[i % 3]))
				_exit(1);
	for (round = 0; round < 2000; round++) {
		for (i = 0; i < ARRAY_SIZE(containers); i++) {
			now = usage_of(containers[i]);
			ASSERT_LE(last[i], now) TH_LOG("%s in round %d", containers[i], round);
			last[i] = now;
		}
		now = stat_of(A, "user");
		ASSERT_LE(last_user, now) TH_LOG("in round %d", round);
		last_user = now;
	}
	ASSERT_EQ(0, end(mover));
	EXPECT_LT(0, usage_of(A));
}

TEST_HARNESS_MAIN
