/* SPDX-License-Identifier: GPL-2.0 */
/* A fixture for tests of the subsystem numtasks, and its files. */
#ifndef CONTAINERFS_SELFTESTS_NUMTASKS_H
#define CONTAINERFS_SELFTESTS_NUMTASKS_H

#include "selftest.h"
#include "rcfs.h"

#define A ONE "/a"
#define B ONE "/b"

/* A tree with numtasks and the containers a and b */
FIXTURE(numtasks)
{
};

FIXTURE_SETUP(numtasks)
{
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	ASSERT_EQ(0, mount_rcfs(ONE, "numtasks"));
	ASSERT_EQ(0, make_at(A));
	ASSERT_EQ(0, make_at(B));
}

FIXTURE_TEARDOWN(numtasks)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

static inline int set_limit(const char *container, const char *limit)
{
	return write_file(text("%s/numtasks.limit", container), "%s", limit);
}

static inline int tasks_now(const char *container)
{
	return number(text("%s/numtasks.current", container));
}

static inline int most_tasks(const char *container)
{
	return number(text("%s/numtasks.peak", container));
}

/* The N of `refused N` */
static inline int refusals(const char *container)
{
	const char *events = content(text("%s/numtasks.events", container));

	return strncmp(events, "refused ", 8) ? -1 : atoi(events + 8);
}

/* Forks a child that sleeps until it is killed; a negative errno if that cannot be done. */
static inline pid_t fork_sleeper(void)
{
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	return pid < 0 ? -errno : pid;
}

#endif
