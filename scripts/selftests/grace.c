// SPDX-License-Identifier: GPL-2.0
// Tests that containers can be made and removed while no grace period ends.
#include "selftest.h"

#include "traces.h"

#define HOLD "/sys/module/meddler/parameters/hold"

FIXTURE(grace)
{
};

/* The last processor is the holder's alone. */
FIXTURE_SETUP(grace)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(first), &first));
	ASSERT_FALSE(module_loaded());
	ASSERT_EQ(0, load("meddler", ""));
	ASSERT_EQ(0, module_load(module_parameters()));
	ASSERT_EQ(0, mount_tree());
}

FIXTURE_TEARDOWN(grace)
{
	write_file(HOLD, "0");
	EXPECT_EQ(0, clear_tree());
	EXPECT_EQ(0, module_unload_patiently());
	EXPECT_EQ(0, unload_patiently("meddler"));
}

static bool alone(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) < 2;
}

static int use(const char *container)
{
	return make(container) ?: forked(attach(container, 0)) ?: drop(container);
}

/* Letting go gives ETIME if the holder has given up before. */
TEST_F(grace, first_mkdir_waits_for_none)
{
	if (alone())
		SKIP(return, "one processor is not enough");
	ASSERT_EQ(0, write_file(HOLD, "1"));
	EXPECT_EQ(0, use("/a"));
	EXPECT_EQ(0, write_file(HOLD, "0"));
}

TEST_F(grace, mkdir_after_last_rmdir_waits_for_none)
{
	if (alone())
		SKIP(return, "one processor is not enough");
	ASSERT_EQ(0, use("/a"));
	ASSERT_EQ(0, write_file(HOLD, "1"));
	EXPECT_EQ(0, use("/a"));
	/* As long as the hooks change, the kernel's list of them cannot be read. */
	EXPECT_TRUE(wait_until(fork_is_untouched()));
	EXPECT_EQ(0, use("/a"));
	EXPECT_EQ(0, write_file(HOLD, "0"));
}

TEST_F(grace, stat_during_mkdir_waits_for_none)
{
	struct stat status;
	pid_t maker;
	int i;

	if (alone())
		SKIP(return, "one processor is not enough");
	ASSERT_EQ(0, use("/a"));
	ASSERT_EQ(0, write_file(HOLD, "1"));
	maker = child();
	if (maker == 0) {
		wait_until(fork_is_untouched());
		_exit(-use("/a"));
	}
	/* A lookup of a name that is not there takes the lock that mkdir holds. */
	for (i = 0; i < 1000 && waitpid(maker, NULL, WNOHANG | WNOWAIT) == 0; i++) {
		EXPECT_EQ(-1, stat(TREE "/missing", &status));
		usleep(1000);
	}
	EXPECT_EQ(0, reap(maker));
	EXPECT_EQ(0, write_file(HOLD, "0"));
}

TEST_HARNESS_MAIN
