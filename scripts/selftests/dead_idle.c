// SPDX-License-Identifier: GPL-2.0
// Tests that the module's code stays when ftrace has died and it is too late to refuse unloading.
#include "selftest.h"

/* ftrace is dead until the next boot, so this is the only test here. */
TEST(code_stays_when_unloading_fails)
{
	int i, mark, status;
	pid_t remover;

	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, load("meddler", ""));
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, forked(attach("/a", 0)));
	ASSERT_EQ(0, drop("/a"));
	ASSERT_EQ(0, umount(TREE));
	ASSERT_EQ(0, write_file("/sys/module/meddler/parameters/kill_ftrace", "1"));
	mark = log_mark();
	remover = fork();
	if (remover == 0) {
		/* It outlives the test, and a reader of the output waits for all writers. */
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		_exit(-module_unload());
	}
	EXPECT_TRUE(wait_until(log_has(mark, "containerfs: ", "until the next boot")));
	/* Whatever is still hooked leads into code that is still there. */
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, forked(exists("/proc/self/stat") ? 0 : -1));
		EXPECT_FALSE(exists("/proc/self/missing"));
		EXPECT_FALSE(exists("/proc/self/container"));
	}
	kill(remover, SIGKILL);
	EXPECT_EQ(0, waitpid(remover, &status, WNOHANG));
	EXPECT_TRUE(module_loaded());
}

TEST_HARNESS_MAIN
