// SPDX-License-Identifier: GPL-2.0
// Tests of the subsystem numtasks: what it counts, what it limits, and fork bombs.
#include "numtasks.h"

#include <stdatomic.h>
#include <sys/resource.h>

TEST_F(numtasks, a_new_container_has_no_limit)
{
	EXPECT_STREQ("max", content(A "/numtasks.limit"));
	EXPECT_STREQ("0", content(A "/numtasks.current"));
	EXPECT_STREQ("0", content(A "/numtasks.peak"));
	EXPECT_STREQ("refused 0", content(A "/numtasks.events"));
	ASSERT_EQ(0, set_limit(A, "7"));
	ASSERT_EQ(0, make_at(A "/x"));
	EXPECT_STREQ("max", content(A "/x/numtasks.limit"));
}

TEST_F(numtasks, a_limit_is_a_number_or_max)
{
	static const char * const limits[] = { "0", "1", "100", "max", "4000000", "7\n", "max\n" };
	static const char * const shown[] = { "0", "1", "100", "max", "4000000", "7", "max" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		EXPECT_EQ(0, set_limit(A, limits[i])) TH_LOG("limit %zu", i);
		EXPECT_STREQ(shown[i], content(A "/numtasks.limit"));
	}
}

TEST_F(numtasks, what_is_no_limit_is_refused)
{
	static const char * const limits[] = {
		" ", "\n", "-1", "+1", "0x10", "1 2", "maximum", "Max", "1max", "1.5", "none",
		"99999999999999999999",
	};
	size_t i;

	ASSERT_EQ(0, set_limit(A, "3"));
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		EXPECT_EQ(-EINVAL, set_limit(A, limits[i])) TH_LOG("limit %zu", i);
	EXPECT_EQ(-EINVAL, write_bytes(A "/numtasks.limit", "5\0006", 3));
	EXPECT_STREQ("3", content(A "/numtasks.limit"));
}

TEST_F(numtasks, only_the_limit_can_be_written)
{
	EXPECT_EQ(-EINVAL, write_file(A "/numtasks.current", "0"));
	EXPECT_EQ(-EINVAL, write_file(A "/numtasks.peak", "0"));
	EXPECT_EQ(-EINVAL, write_file(A "/numtasks.events", "0"));
}

TEST_F(numtasks, processes_and_threads_are_counted_as_they_come_and_go)
{
	struct thread thread;
	pid_t pid;

	ASSERT_EQ(0, enter(A, 0));
	EXPECT_EQ(1, tasks_now(A));
	pid = fork_sleeper();
	ASSERT_LT(0, pid);
	EXPECT_EQ(2, tasks_now(A));
	ASSERT_EQ(0, thread_start(&thread));
	EXPECT_EQ(3, tasks_now(A));
	thread_stop(&thread);
	EXPECT_EQ(2, tasks_now(A));
	ASSERT_EQ(0, enter(B, pid));
	EXPECT_EQ(1, tasks_now(A));
	EXPECT_EQ(1, tasks_now(B));
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(0, tasks_now(B));
	ASSERT_EQ(0, enter(ONE, 0));
	EXPECT_EQ(0, tasks_now(A));
	EXPECT_EQ(3, most_tasks(A));
	EXPECT_EQ(1, most_tasks(B));
}

TEST_F(numtasks, those_below_are_counted_too)
{
	pid_t pid;

	ASSERT_EQ(0, make_at(A "/x"));
	ASSERT_EQ(0, make_at(A "/x/y"));
	pid = sleeper_in(A "/x/y", NULL);
	ASSERT_LT(0, pid);
	ASSERT_LT(0, sleeper_in(A, NULL));
	EXPECT_EQ(1, tasks_now(A "/x/y"));
	EXPECT_EQ(1, tasks_now(A "/x"));
	EXPECT_EQ(2, tasks_now(A));
	ASSERT_EQ(0, enter(A "/x", pid));
	EXPECT_EQ(0, tasks_now(A "/x/y"));
	EXPECT_EQ(1, tasks_now(A "/x"));
	EXPECT_EQ(2, tasks_now(A));
	EXPECT_EQ(2, most_tasks(A));
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(0, tasks_now(A "/x"));
	EXPECT_EQ(1, tasks_now(A));
}

TEST_F(numtasks, a_zombie_does_not_count)
{
	pid_t pid;
	int i;

	ASSERT_EQ(0, enter(A, 0));
	ASSERT_EQ(0, set_limit(A, "2"));
	for (i = 0; i < scaled(100); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		ASSERT_LT(0, pid) TH_LOG("in round %d", i);
		ASSERT_EQ(0, wait_zombie(pid));
		ASSERT_EQ(1, tasks_now(A));
	}
	EXPECT_EQ(0, refusals(A));
}

static void *do_nothing(void *data)
{
	return data;
}

TEST_F(numtasks, every_fork_over_the_limit_fails_with_EAGAIN)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pthread_t thread;

	ASSERT_EQ(0, enter(A, 0));
	ASSERT_EQ(0, set_limit(A, "3"));
	ASSERT_LT(0, fork_sleeper());
	ASSERT_LT(0, fork_sleeper());
	EXPECT_EQ(0, refusals(A));
	EXPECT_EQ(-EAGAIN, result(fork()));
	EXPECT_EQ(-EAGAIN, result(vfork()));
	EXPECT_EQ(-EAGAIN, result(fork_with(CLONE_PARENT)));
	EXPECT_EQ(-EAGAIN, result(syscall(SYS_clone3, &args, sizeof(args))));
	EXPECT_EQ(EAGAIN, pthread_create(&thread, NULL, do_nothing, NULL));
	EXPECT_EQ(5, refusals(A));
	EXPECT_EQ(3, tasks_now(A));
	EXPECT_EQ(3, most_tasks(A));
	EXPECT_EQ(3, count_tasks(A));
}

TEST_F(numtasks, a_limit_of_nothing_refuses_all)
{
	ASSERT_EQ(0, set_limit(A, "0"));
	ASSERT_EQ(0, enter(A, 0));
	EXPECT_EQ(-EAGAIN, result(fork()));
	EXPECT_EQ(1, tasks_now(A));
}

TEST_F(numtasks, elsewhere_nothing_is_limited)
{
	ASSERT_EQ(0, set_limit(A, "0"));
	ASSERT_LT(0, sleeper_in(A, NULL));
	EXPECT_EQ(0, forked(0));
	EXPECT_EQ(0, forked(enter(B, 0) ?: forked(0)));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	EXPECT_EQ(0, forked(enter(TWO "/a", 0) ?: forked(0)));
	EXPECT_EQ(0, refusals(A));
}

TEST_F(numtasks, a_move_is_not_refused)
{
	int i;

	ASSERT_EQ(0, set_limit(A, "1"));
	for (i = 1; i <= 3; i++) {
		ASSERT_LT(0, sleeper_in(A, NULL));
		EXPECT_EQ(i, tasks_now(A));
		EXPECT_EQ(i, most_tasks(A));
	}
	EXPECT_EQ(0, refusals(A));
	ASSERT_EQ(0, enter(A, 0));
	EXPECT_EQ(-EAGAIN, result(fork()));
	EXPECT_EQ(4, tasks_now(A));
}

TEST_F(numtasks, under_a_limit_below_the_number_forks_fail_until_enough_are_gone)
{
	pid_t pids[4];
	int i;

	ASSERT_EQ(0, enter(A, 0));
	for (i = 0; i < 4; i++) {
		pids[i] = fork_sleeper();
		ASSERT_LT(0, pids[i]);
	}
	ASSERT_EQ(0, set_limit(A, "2"));
	EXPECT_EQ(5, tasks_now(A));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-EAGAIN, result(fork()));
		ASSERT_EQ(0, end(pids[i]));
		EXPECT_EQ(4 - i, tasks_now(A));
	}
	EXPECT_EQ(4, refusals(A));
	EXPECT_EQ(0, forked(0));
	EXPECT_EQ(5, most_tasks(A));
}

TEST_F(numtasks, without_the_limit_forks_go_on)
{
	ASSERT_EQ(0, enter(A, 0));
	ASSERT_EQ(0, set_limit(A, "1"));
	EXPECT_EQ(-EAGAIN, result(fork()));
	ASSERT_EQ(0, set_limit(A, "2"));
	EXPECT_EQ(0, forked(0));
	ASSERT_EQ(0, set_limit(A, "1"));
	EXPECT_EQ(-EAGAIN, result(fork()));
	ASSERT_EQ(0, set_limit(A, "max"));
	EXPECT_EQ(0, forked(0));
	EXPECT_EQ(2, refusals(A));
}

TEST_F(numtasks, the_limits_above_hold_too)
{
	pid_t pid;

	ASSERT_EQ(0, make_at(A "/x"));
	ASSERT_EQ(0, make_at(A "/y"));
	ASSERT_EQ(0, set_limit(A, "2"));
	ASSERT_EQ(0, set_limit(A "/x", "5"));
	pid = sleeper_in(A "/y", NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, enter(A "/x", 0));
	EXPECT_EQ(-EAGAIN, result(fork()));
	EXPECT_EQ(1, refusals(A));
	EXPECT_EQ(0, refusals(A "/x"));
	EXPECT_EQ(2, tasks_now(A));
	EXPECT_EQ(1, tasks_now(A "/x"));
	EXPECT_EQ(1, most_tasks(A "/x"));
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(0, forked(0));
	ASSERT_EQ(0, set_limit(A "/x", "1"));
	EXPECT_EQ(-EAGAIN, result(fork()));
	EXPECT_EQ(1, refusals(A "/x"));
	EXPECT_EQ(1, refusals(A));
	EXPECT_EQ(1, tasks_now(A));
}

TEST_F(numtasks, the_numbers_stay_when_it_is_not_mounted)
{
	ASSERT_EQ(0, set_limit(A, "2"));
	ASSERT_EQ(0, enter(A, 0));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_LT(0, fork_sleeper());
	EXPECT_EQ(-EAGAIN, result(fork()));
	ASSERT_EQ(0, mount_rcfs(ONE, "numtasks"));
	EXPECT_EQ(2, tasks_now(A));
	EXPECT_EQ(1, refusals(A));
}

TEST_F(numtasks, a_removed_container_leaves_nothing_in_the_number_of_its_parent)
{
	pid_t pid;

	ASSERT_EQ(0, make_at(A "/x"));
	pid = sleeper_in(A "/x", NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, end(pid));
	ASSERT_EQ(0, rmdir(A "/x"));
	EXPECT_EQ(0, tasks_now(A));
	EXPECT_EQ(1, most_tasks(A));
}

TEST_F(numtasks, refused_forks_leave_no_trace_however_many)
{
	int i, count = scaled(10000);

	ASSERT_EQ(0, enter(A, 0));
	ASSERT_EQ(0, set_limit(A, "1"));
	for (i = 0; i < count; i++)
		ASSERT_EQ(-EAGAIN, result(fork()));
	EXPECT_EQ(1, tasks_now(A));
	EXPECT_EQ(1, most_tasks(A));
	EXPECT_EQ(count, refusals(A));
	EXPECT_EQ(1, count_tasks(A));
	EXPECT_EQ(1, tree_tasks("numtasks"));
	ASSERT_EQ(0, set_limit(A, "2"));
	EXPECT_EQ(0, forked(0));
	ASSERT_EQ(0, enter(ONE, 0));
	EXPECT_EQ(0, tasks_now(A));
	EXPECT_EQ(0, rmdir(A));
}

/* What the processes of a bomb share */
struct bomb {
	atomic_int alive;
	atomic_int cap;		/* it stops by itself when there are so many */
	atomic_int refused;
	atomic_int wrong;	/* forks that failed otherwise */
};

/* Forks for ever, and so do all the children. They are patient with others who want to run. */
static void explode(struct bomb *bomb)
{
	setpriority(PRIO_PROCESS, 0, 19);
	for (;;) {
		if (atomic_load(&bomb->alive) >= atomic_load(&bomb->cap)) {
			sched_yield();
			continue;
		}
		switch (fork()) {
		case 0:
			break;
		case -1:
			atomic_fetch_add(errno == EAGAIN ? &bomb->refused : &bomb->wrong, 1);
			sched_yield();
			break;
		default:
			atomic_fetch_add(&bomb->alive, 1);
		}
	}
}

TEST_F(numtasks, a_fork_bomb_never_passes_the_limit)
{
	struct bomb *bomb = shared_memory(sizeof(*bomb));
	pid_t pid;
	int i;

	ASSERT_EQ(0, set_limit(A, "100"));
	atomic_store(&bomb->cap, 300);
	pid = child();
	if (pid == 0) {
		if (enter(A, 0))
			_exit(1);
		atomic_fetch_add(&bomb->alive, 1);
		explode(bomb);
	}
	/* Some of those that are counted are still being made. */
	do {
		ASSERT_GE(100, tasks_now(A));
		i = count_tasks(A);
		ASSERT_GE(100, i);
	} while (i < 100 || !atomic_load(&bomb->refused));
	for (i = 0; i < scaled(300); i++) {
		ASSERT_EQ(100, tasks_now(A)) TH_LOG("in round %d", i);
		ASSERT_EQ(100, count_tasks(A)) TH_LOG("in round %d", i);
		/* The machine is usable. */
		ASSERT_EQ(0, forked(0));
	}
	EXPECT_EQ(100, most_tasks(A));
	EXPECT_EQ(0, atomic_load(&bomb->wrong));
	EXPECT_LE(atomic_load(&bomb->refused), refusals(A));

	/* Without the limit it goes on, here up to its own cap. */
	ASSERT_EQ(0, set_limit(A, "max"));
	EXPECT_TRUE(wait_until(tasks_now(A) >= 300));
	EXPECT_EQ(0, atomic_load(&bomb->wrong));

	/* And with it again, now by those who die. */
	ASSERT_EQ(0, set_limit(A, "50"));
	i = refusals(A);
	atomic_store(&bomb->cap, INT_MAX);
	EXPECT_TRUE(wait_until(refusals(A) > i));
	EXPECT_LE(300, tasks_now(A));
	end_children();
	EXPECT_TRUE(wait_until(tasks_now(A) == 0));
	EXPECT_EQ(0, count_tasks(A));
}

TEST_HARNESS_MAIN
