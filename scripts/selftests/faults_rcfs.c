// SPDX-License-Identifier: GPL-2.0
// Tests of what happens to trees of type rcfs and subsystems when memory is short.
#include "rcfstest.h"

#include "faults.h"

static const char *state_of_trees(void)
{
	return text("%d trees, debug %d, cpuacct %d, numtasks %d", count_trees(),
		    subsys_tree_id("debug"), subsys_tree_id("cpuacct"), subsys_tree_id("numtasks"));
}

static int run_mount(void)
{
	return result(mount("none", ONE, "rcfs", 0, "debug,cpuacct,numtasks,name=x"));
}

static int run_mount_in_steps(void)
{
	return mount_in_steps("rcfs", ONE, "debug,cpuacct,numtasks,name=x,release_agent=/bin/x");
}

static int undo_mount(void)
{
	return result(umount(ONE));
}

static int run_mount_default(void)
{
	return result(mount("none", ONE, "container", 0, "cpuacct,numtasks"));
}

static int run_mkdir_bound(void)
{
	return result(mkdir(ONE "/x", 0755));
}

static int undo_mkdir_bound(void)
{
	return result(rmdir(ONE "/x"));
}

static const char *state_of_bound(void)
{
	/* The inode of a file holds a reference, so the inodes of all files in use must exist. */
	if (!exists(ONE "/tasks") || !exists(ONE "/debug.setcount"))
		return "files are missing";
	return text("%s, %d containers, %d tasks, x %d, %lld sets, %lld references",
		    state_of_trees(), subsys_containers("numtasks"),
		    tree_tasks("debug,cpuacct,numtasks"), exists(ONE "/x"),
		    number(ONE "/debug.setcount"), number(ONE "/debug.refcount"));
}

static int run_attach(void)
{
	return enter(ONE "/y", 0);
}

static int undo_attach(void)
{
	return enter(ONE, 0);
}

static int run_remount(void)
{
	return result(mount("none", ONE, NULL, MS_REMOUNT, "release_agent=/bin/x"));
}

static int undo_remount(void)
{
	return result(mount("none", ONE, NULL, MS_REMOUNT, "release_agent=/bin/y"));
}

static const char *state_of_agent(void)
{
	return content(ONE "/release_agent");
}

static int run_load(void)
{
	return load("rc_debug", "");
}

static int undo_load(void)
{
	return unload("rc_debug");
}

/* A child that uses some time in y, at least @used, and then finds no memory to exit */
static pid_t exits_without_memory(unsigned int nth, long long *used)
{
	pid_t pid = child();
	long long begin, now;

	if (pid == 0) {
		if (enter(ONE "/y", 0))
			_exit(1);
		begin = own_time();
		for (now = begin; now < begin + 1000000; now = own_time())
			;
		*used = now - begin;
		fail_later(nth);
		_exit(0);
	}
	return pid;
}

/* Trees of type rcfs, with the subsystems that come with it */
FIXTURE(faults_rcfs)
{
};

FIXTURE_SETUP(faults_rcfs)
{
	if (!injectable()) {
		SKIP(_metadata->passed = 0, "this kernel cannot make allocations fail");
		/* Else its tests would be run. */
		return;
	}
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	mkdir(ONE, 0755);
}

FIXTURE_TEARDOWN(faults_rcfs)
{
	if (!injectable())
		return;
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

TEST_F(faults_rcfs, in_a_mount)
{
	EXPECT_ALL_OR_NOTHING(run_mount, undo_mount, state_of_trees);
	EXPECT_ALL_OR_NOTHING(run_mount_default, undo_mount, state_of_trees);
}

TEST_F(faults_rcfs, in_a_mount_in_steps)
{
	EXPECT_ALL_OR_NOTHING(run_mount_in_steps, undo_mount, state_of_trees);
}

TEST_F(faults_rcfs, in_mkdir_with_subsystems)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,numtasks"));
	EXPECT_ALL_OR_NOTHING(run_mkdir_bound, undo_mkdir_bound, state_of_bound);
}

TEST_F(faults_rcfs, in_a_fork_that_subsystems_count)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,numtasks"));
	ASSERT_EQ(0, mkdir(ONE "/y", 0755));
	ASSERT_EQ(0, enter(ONE "/y", 0));
	EXPECT_ALL_OR_NOTHING(run_fork, undo_fork, state_of_bound);
	EXPECT_EQ(1, number(ONE "/y/numtasks.current"));
}

TEST_F(faults_rcfs, in_a_move_that_subsystems_are_told_of)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,numtasks"));
	ASSERT_EQ(0, mkdir(ONE "/y", 0755));
	EXPECT_ALL_OR_NOTHING(run_attach, undo_attach, state_of_bound);
	EXPECT_EQ(0, number(ONE "/y/numtasks.current"));
}

/* It goes on all the same; but what the task has used must not be lost. */
TEST_F(faults_rcfs, in_an_exit_that_is_accounted)
{
	long long *used = shared_memory(sizeof(*used)), before;
	unsigned int nth;

	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,numtasks"));
	ASSERT_EQ(0, mkdir(ONE "/y", 0755));
	for (nth = 1; nth <= 10; nth++) {
		before = number(ONE "/y/cpuacct.usage");
		ASSERT_EQ(0, reap(exits_without_memory(nth, used)));
		EXPECT_LE(before + *used, number(ONE "/y/cpuacct.usage")) TH_LOG("%u", nth);
		EXPECT_EQ(0, number(ONE "/y/numtasks.current"));
	}
}

TEST_F(faults_rcfs, in_a_remount)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "none,name=x"));
	ASSERT_EQ(0, undo_remount());
	EXPECT_ALL_OR_NOTHING(run_remount, undo_remount, state_of_agent);
}

TEST_F(faults_rcfs, in_loading_a_subsystem)
{
	ASSERT_EQ(0, unload("rc_debug"));
	EXPECT_ALL_OR_NOTHING_SLOWLY(run_load, undo_load, state_of_trees);
	ASSERT_EQ(0, run_load());
}

TEST_HARNESS_MAIN
