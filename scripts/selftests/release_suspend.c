// SPDX-License-Identifier: GPL-2.0
// Tests that no announcement is lost while the kernel runs no programs, as during a suspend.
#include "selftest.h"

#include <linux/suspend_ioctls.h>
#include <sys/ioctl.h>

#define AGENT "/tmp/suspend-agent"
#define CALLS "/tmp/suspend-agent.calls"
#define CONTAINERS 300

static int make_agent(void)
{
	int agent = creat(AGENT, 0755), calls = creat(CALLS, 0644);

	if (agent < 0 || calls < 0)
		return -errno;
	close(calls);
	close(agent);
	return write_file(AGENT, "#!/bin/sh\necho \"$1\" >>" CALLS "\n") ?:
	       write_file(TREE "/release_agent", AGENT) ?:
	       write_file(TREE "/notify_on_release", "1");
}

/* How many announcements there were; -1 if a container was announced twice */
static int announced(int containers)
{
	bool seen[CONTAINERS] = { false };
	FILE *calls = fopen(CALLS, "re");
	int count = 0, number;

	while (calls && count >= 0 && fscanf(calls, "/c%d\n", &number) == 1) {
		if (number < 0 || number >= containers || seen[number])
			count = -1;
		else
			count++;
		seen[number] = true;
	}
	if (calls)
		fclose(calls);
	return count;
}

/* All are announced, and none twice. */
static bool all_announced(int containers)
{
	int count = 0;

	return wait_until((count = announced(containers)) == containers || count < 0) &&
	       count == containers;
}

/* Each has one task; @pids are theirs. */
static int fill(pid_t *pids, int containers)
{
	int i;

	for (i = 0; i < containers; i++) {
		if (make(text("/c%d", i)))
			return -errno;
		pids[i] = sleeper(text("/c%d", i));
		if (pids[i] < 0)
			return pids[i];
	}
	return 0;
}

FIXTURE(suspend)
{
};

FIXTURE_SETUP(suspend)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make_agent());
}

FIXTURE_TEARDOWN(suspend)
{
	EXPECT_EQ(0, write_file(TREE "/notify_on_release", "0"));
	EXPECT_EQ(0, clear_tree());
}

/* Between freezing and thawing all tasks, the kernel runs no program. */
TEST_F(suspend, none_is_lost_while_frozen)
{
	int snapshot = open("/dev/snapshot", O_RDONLY | O_CLOEXEC);
	int containers = up_to(CONTAINERS), i;
	pid_t pids[CONTAINERS];
	int moved = 0;

	if (snapshot < 0)
		SKIP(return, "the kernel cannot hibernate");
	ASSERT_EQ(0, fill(pids, containers));
	ASSERT_EQ(0, result(ioctl(snapshot, SNAPSHOT_FREEZE)));
	for (i = 0; i < containers; i++)
		moved += attach("", pids[i]) == 0;
	/* All have been tried in vain, some more than once. */
	usleep(300000);
	EXPECT_EQ(0, announced(containers));
	EXPECT_EQ(0, result(ioctl(snapshot, SNAPSHOT_UNFREEZE)));
	close(snapshot);
	EXPECT_EQ(containers, moved);
	EXPECT_TRUE(all_announced(containers)) TH_LOG("%d", announced(containers));
	for (i = 0; i < containers; i++)
		EXPECT_EQ(0, end(pids[i]));
}

/* Containers that are removed or filled while frozen are not announced, those emptied again are. */
TEST_F(suspend, retries_end_with_what_they_announce)
{
	int snapshot = open("/dev/snapshot", O_RDONLY | O_CLOEXEC);
	pid_t pids[3];
	int i, errors = 0;

	if (snapshot < 0)
		SKIP(return, "the kernel cannot hibernate");
	ASSERT_EQ(0, fill(pids, 3));
	ASSERT_EQ(0, result(ioctl(snapshot, SNAPSHOT_FREEZE)));
	for (i = 0; i < 3; i++)
		errors += !!attach("", pids[i]);
	usleep(300000);
	errors += !!drop("/c0");
	errors += !!attach("/c1", pids[1]);
	errors += !!attach("/c2", pids[2]);
	errors += !!attach("", pids[2]);
	EXPECT_EQ(0, result(ioctl(snapshot, SNAPSHOT_UNFREEZE)));
	close(snapshot);
	EXPECT_EQ(0, errors);
	EXPECT_TRUE(wait_until(file_has(CALLS, "/c2")));
	EXPECT_EQ(0, attach("", pids[1]));
	EXPECT_TRUE(wait_until(file_has(CALLS, "/c1")));
	EXPECT_EQ(2, announced(3));
	EXPECT_FALSE(file_has(CALLS, "/c0"));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, end(pids[i]));
}

/* Without a place for the image this fails, but only after all was frozen. */
static void try_to_hibernate(void)
{
	write_file("/sys/power/state", "disk");
}

TEST_F(suspend, none_is_lost_to_hibernation)
{
	int containers = up_to(CONTAINERS), i;
	pid_t pids[CONTAINERS], killer;

	if (!file_has("/sys/power/state", "disk"))
		SKIP(return, "the kernel cannot hibernate");
	ASSERT_EQ(0, fill(pids, containers));
	killer = child();
	if (killer == 0) {
		for (i = 0; i < containers; i++) {
			kill(pids[i], SIGKILL);
			usleep(10000);
		}
		_exit(0);
	}
	/* Those that die before all is frozen are told to an agent that is not run any more. */
	try_to_hibernate();
	EXPECT_EQ(0, reap(killer));
	for (i = 0; i < containers; i++)
		EXPECT_EQ(128 + SIGKILL, reap(pids[i]));
	EXPECT_TRUE(all_announced(containers)) TH_LOG("%d", announced(containers));
}

TEST_HARNESS_MAIN
