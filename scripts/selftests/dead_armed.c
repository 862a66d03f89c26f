// SPDX-License-Identifier: GPL-2.0
// Tests that the module cannot be unloaded after ftrace has died while fork is hooked.
#include "selftest.h"

static int fork_stays_inside(int rounds)
{
	int i, error = 0;

	for (i = 0; i < rounds && !error; i++)
		error = forked(strcmp("/a", where_am_i()) ? -1 : 0);
	return error;
}

/* ftrace is dead until the next boot, so this is the only test here. */
TEST(module_is_pinned_when_hooks_stay)
{
	int i, mark;

	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, load("meddler", ""));
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	ASSERT_EQ(0, write_file("/sys/module/meddler/parameters/kill_ftrace", "1"));
	EXPECT_EQ(0, fork_stays_inside(scaled(100)));
	ASSERT_EQ(0, attach("", 0));
	mark = log_mark();
	ASSERT_EQ(0, drop("/a"));
	EXPECT_TRUE(wait_until(log_has(mark, "containerfs: ", "cannot be unloaded")));
	/* The hooks are still armed, and used again. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, make("/a"));
		ASSERT_EQ(0, attach("/a", 0));
		EXPECT_EQ(0, fork_stays_inside(scaled(100)));
		ASSERT_EQ(0, attach("", 0));
		ASSERT_EQ(0, drop("/a"));
		/* Parking is tried again, and the log is told once. */
		sleep(2);
	}
	EXPECT_FALSE(log_has(mark, "containerfs: ", "cannot be unloaded"));
	ASSERT_EQ(0, umount(TREE));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(-EWOULDBLOCK, module_unload());
		ASSERT_EQ(0, forked(exists("/proc/self/container") ? 0 : -1));
	}
}

TEST_HARNESS_MAIN
