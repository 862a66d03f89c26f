// SPDX-License-Identifier: GPL-2.0
// Tests of the release agent: of which containers it is told, how often, and as whom it runs.
#include "selftest.h"

#define AGENT "/tmp/agent"
#define SLOW_AGENT "/tmp/slow-agent"
#define PERMISSION "/tmp/slow-agent.may-end"
#define CALLS "/tmp/agent.calls"
#define DETAILS "/tmp/agent.details"

/*
 * Nothing can be waited for that shall not happen. So the first words of a container's name say
 * how often it may be announced, and the last test looks through what all others have left.
 */

static void append(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (write(fd, line, strlen(line)) < 0)
		_exit(1);
	close(fd);
}

/* What a copy of this program does when the kernel runs it as an agent */
static __attribute__((constructor)) void record(int argc, char **argv, char **envp)
{
	char details[512];
	int length;

	if (argc < 1 || (strcmp(argv[0], AGENT) && strcmp(argv[0], SLOW_AGENT)))
		return;
	length = sprintf(details, "%d arguments;", argc - 1);
	while (*envp)
		length += sprintf(details + length, " %.100s", *envp++);
	sprintf(details + length, "; user %d %d; container %s; namespace %d\n",
		getuid(), geteuid(), where_am_i(), getppid() != 0);
	append(DETAILS, details);
	append(CALLS, text("%s\n", argc > 1 ? argv[1] : ""));
	if (!strcmp(argv[0], SLOW_AGENT))
		wait_until(exists(PERMISSION));
	_exit(0);
}

/* How often a container has been announced */
static int announced(const char *container)
{
	static char line[2 * PATH_MAX];
	FILE *calls = fopen(CALLS, "re");
	int count = 0;

	while (calls && fgets(line, sizeof(line), calls)) {
		*strchrnul(line, '\n') = '\0';
		count += !strcmp(line, container);
	}
	if (calls)
		fclose(calls);
	return count;
}

static int notify(const char *container, int flag)
{
	return write_file(text(TREE "%s/notify_on_release", container), "%d\n", flag);
}

static int make_notifying(const char *container)
{
	return make(container) ?: notify(container, 1);
}

/* Puts a task into a container and ends it; by the time a task is dead it has left. */
static int fill_and_empty(const char *container)
{
	pid_t pid = sleeper(container);

	return pid < 0 ? pid : end(pid);
}

FIXTURE(release)
{
};

FIXTURE_SETUP(release)
{
	ASSERT_EQ(0, mount_tree());
	if (!exists(AGENT))
		ASSERT_EQ(0, copy_program(AGENT));
	ASSERT_EQ(0, write_file(TREE "/release_agent", AGENT "\n"));
}

FIXTURE_TEARDOWN(release)
{
	EXPECT_EQ(0, notify("", 0));
	EXPECT_EQ(0, clear_tree());
}

TEST_F(release, the_flag_is_off_and_inherited_at_creation)
{
	EXPECT_STREQ("0", content(TREE "/notify_on_release"));
	ASSERT_EQ(0, make("/quiet-flag"));
	ASSERT_EQ(0, make("/quiet-flag/early"));
	EXPECT_STREQ("0", content(TREE "/quiet-flag/notify_on_release"));
	ASSERT_EQ(0, notify("/quiet-flag", 1));
	EXPECT_STREQ("1", content(TREE "/quiet-flag/notify_on_release"));
	EXPECT_STREQ("0", content(TREE "/quiet-flag/early/notify_on_release"));
	ASSERT_EQ(0, make("/quiet-flag/late"));
	EXPECT_STREQ("1", content(TREE "/quiet-flag/late/notify_on_release"));
	ASSERT_EQ(0, notify("/quiet-flag", 0));
	EXPECT_STREQ("1", content(TREE "/quiet-flag/late/notify_on_release"));
}

TEST_F(release, the_flag_of_the_root_is_inherited_too)
{
	ASSERT_EQ(0, notify("", 1));
	ASSERT_EQ(0, make("/quiet-inherited"));
	EXPECT_STREQ("1", content(TREE "/quiet-inherited/notify_on_release"));
	ASSERT_EQ(0, notify("", 0));
	EXPECT_STREQ("0", content(TREE "/notify_on_release"));
}

TEST_F(release, every_number_but_0_is_on)
{
	static const char * const on[] = { "1", "1\n", "2", "01", "256", "4294967296" };
	static const char * const off[] = { "0", "0\n", "00", "000000000000" };
	size_t i;

	ASSERT_EQ(0, make("/quiet-number"));
	for (i = 0; i < ARRAY_SIZE(on); i++) {
		EXPECT_EQ(0, write_file(TREE "/quiet-number/notify_on_release", "%s", on[i]));
		EXPECT_STREQ("1", content(TREE "/quiet-number/notify_on_release"));
		ASSERT_EQ(0, notify("/quiet-number", 0));
	}
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		ASSERT_EQ(0, notify("/quiet-number", 1));
		EXPECT_EQ(0, write_file(TREE "/quiet-number/notify_on_release", "%s", off[i]));
		EXPECT_STREQ("0", content(TREE "/quiet-number/notify_on_release"));
	}
}

TEST_F(release, what_is_no_unsigned_decimal_number_is_refused)
{
	static const char * const junk[] = { "\n", "x", "-1", "1x", "0 1", "0x1", "1.0", "on" };
	size_t i;
	int error;

	ASSERT_EQ(0, make("/quiet-junk"));
	for (i = 0; i < ARRAY_SIZE(junk); i++)
		EXPECT_EQ(-EINVAL,
			  write_file(TREE "/quiet-junk/notify_on_release", "%s", junk[i]))
			TH_LOG("junk %zu", i);
	error = write_file(TREE "/quiet-junk/notify_on_release", "18446744073709551616");
	EXPECT_TRUE(error == -EINVAL || error == -ERANGE);
	EXPECT_STREQ("0", content(TREE "/quiet-junk/notify_on_release"));
}

TEST_F(release, the_exit_of_the_last_task_is_announced)
{
	ASSERT_EQ(0, make_notifying("/once-exit"));
	ASSERT_EQ(0, fill_and_empty("/once-exit"));
	EXPECT_TRUE(wait_until(announced("/once-exit")));
}

TEST_F(release, the_agent_is_run_as_promised)
{
	ASSERT_EQ(0, unlink(DETAILS));
	ASSERT_EQ(0, make_notifying("/once-details"));
	ASSERT_EQ(0, attach("/once-details", 0));
	ASSERT_EQ(0, forked(0));
	ASSERT_EQ(0, attach("", 0));
	ASSERT_TRUE(wait_until(announced("/once-details")));
	EXPECT_STREQ("1 arguments; HOME=/ PATH=/sbin:/bin:/usr/sbin:/usr/bin; user 0 0; "
		     "container /; namespace 1", content(DETAILS));
}

static int empty_as_somebody(const char *container)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS))
		return -errno;
	pid = fork();
	if (pid == 0)
		_exit(attach(container, 0) || chdir("/tmp") || become(SOMEBODY) ? 1 : 0);
	return -reap(pid);
}

/* Whoever leaves last, and wherever he is: the agent is root's, in the initial namespaces. */
TEST_F(release, the_agent_is_run_as_promised_whoever_leaves)
{
	ASSERT_EQ(0, unlink(DETAILS));
	ASSERT_EQ(0, make_notifying("/once-somebody"));
	ASSERT_EQ(0, forked(empty_as_somebody("/once-somebody")));
	ASSERT_TRUE(wait_until(announced("/once-somebody")));
	EXPECT_STREQ("1 arguments; HOME=/ PATH=/sbin:/bin:/usr/sbin:/usr/bin; user 0 0; "
		     "container /; namespace 1", content(DETAILS));
}

TEST_F(release, the_last_task_that_moves_away_is_announced)
{
	pid_t pid;

	ASSERT_EQ(0, make_notifying("/once-move"));
	ASSERT_EQ(0, make("/quiet-target"));
	pid = sleeper("/once-move");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, attach("/quiet-target", pid));
	EXPECT_TRUE(wait_until(announced("/once-move")));
}

TEST_F(release, only_the_last_of_many_is_announced)
{
	struct thread threads[4];
	pid_t pids[8];
	int i;

	ASSERT_EQ(0, make_notifying("/once-many"));
	ASSERT_EQ(0, attach("/once-many", 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, thread_start(&threads[i]));
	for (i = 0; i < 8; i++)
		pids[i] = sleeper("/once-many");
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, end(pids[i]));
	ASSERT_EQ(0, attach("", 0));
	for (i = 0; i < 4; i++)
		thread_stop(&threads[i]);
	EXPECT_TRUE(wait_until(announced("/once-many")));
}

TEST_F(release, the_removal_of_the_last_child_is_announced)
{
	ASSERT_EQ(0, make_notifying("/once-parent"));
	ASSERT_EQ(0, make("/once-parent/quiet-one"));
	ASSERT_EQ(0, make("/once-parent/quiet-two"));
	ASSERT_EQ(0, drop("/once-parent/quiet-one"));
	ASSERT_EQ(0, drop("/once-parent/quiet-two"));
	EXPECT_TRUE(wait_until(announced("/once-parent")));
}

TEST_F(release, a_container_with_children_is_not_announced)
{
	ASSERT_EQ(0, make_notifying("/quiet-parent"));
	ASSERT_EQ(0, make("/quiet-parent/quiet-child"));
	ASSERT_EQ(0, fill_and_empty("/quiet-parent"));
	ASSERT_EQ(0, notify("/quiet-parent", 0));
	ASSERT_EQ(0, drop("/quiet-parent/quiet-child"));
}

TEST_F(release, a_container_with_tasks_is_not_announced_when_its_last_child_goes)
{
	pid_t pid;

	ASSERT_EQ(0, make_notifying("/quiet-full"));
	ASSERT_EQ(0, make("/quiet-full/quiet-child"));
	pid = sleeper("/quiet-full");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, drop("/quiet-full/quiet-child"));
	ASSERT_EQ(0, notify("/quiet-full", 0));
	ASSERT_EQ(0, end(pid));
}

TEST_F(release, nothing_is_announced_when_the_flag_is_off)
{
	ASSERT_EQ(0, make("/quiet-off"));
	ASSERT_EQ(0, fill_and_empty("/quiet-off"));
	ASSERT_EQ(0, make("/quiet-off/child"));
	ASSERT_EQ(0, drop("/quiet-off/child"));
	/* Too late */
	ASSERT_EQ(0, notify("/quiet-off", 1));
}

TEST_F(release, an_empty_container_that_comes_and_goes_is_not_announced)
{
	ASSERT_EQ(0, make_notifying("/quiet-empty"));
	ASSERT_EQ(0, drop("/quiet-empty"));
}

TEST_F(release, roots_are_never_announced)
{
	ASSERT_EQ(0, notify("", 1));
	ASSERT_EQ(0, make("/quiet-below-root"));
	ASSERT_EQ(0, notify("/quiet-below-root", 0));
	ASSERT_EQ(0, fill_and_empty(""));
	ASSERT_EQ(0, drop("/quiet-below-root"));
}

TEST_F(release, a_container_that_is_refilled_and_emptied_is_announced_again)
{
	ASSERT_EQ(0, make_notifying("/twice"));
	ASSERT_EQ(0, fill_and_empty("/twice"));
	ASSERT_TRUE(wait_until(announced("/twice") == 1));
	ASSERT_EQ(0, fill_and_empty("/twice"));
	EXPECT_TRUE(wait_until(announced("/twice") == 2));
}

TEST_F(release, the_path_is_that_from_the_root_of_the_tree)
{
	ASSERT_EQ(0, make("/quiet-a"));
	ASSERT_EQ(0, make("/quiet-a/quiet b"));
	ASSERT_EQ(0, make_notifying("/quiet-a/quiet b/once-deep"));
	ASSERT_EQ(0, fill_and_empty("/quiet-a/quiet b/once-deep"));
	EXPECT_TRUE(wait_until(announced("/quiet-a/quiet b/once-deep")));
}

TEST_F(release, a_renamed_container_is_announced_by_its_new_name)
{
	pid_t pid;

	ASSERT_EQ(0, make("/quiet-old"));
	ASSERT_EQ(0, make_notifying("/quiet-old/quiet-old"));
	pid = sleeper("/quiet-old/quiet-old");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, rename(TREE "/quiet-old/quiet-old", TREE "/quiet-old/once-new"));
	ASSERT_EQ(0, rename(TREE "/quiet-old", TREE "/quiet-new"));
	ASSERT_EQ(0, end(pid));
	EXPECT_TRUE(wait_until(announced("/quiet-new/once-new")));
}

static int announced_deep(int depth)
{
	char path[2 * PATH_MAX] = "";
	int i;

	for (i = 0; i < depth; i++)
		memset(stpcpy(path + strlen(path), "/"), 'd', NAME_MAX);
	return announced(path);
}

TEST_F(release, a_path_of_almost_PATH_MAX_bytes_is_announced)
{
	ASSERT_EQ(0, make_deep(15));
	ASSERT_EQ(0, write_file("notify_on_release", "1"));
	ASSERT_EQ(0, forked(write_file("tasks", "0")));
	EXPECT_TRUE(wait_until(announced_deep(15) == 1));
	ASSERT_EQ(0, drop_deep(15));
}

TEST_F(release, an_empty_agent_is_none)
{
	ASSERT_EQ(0, write_file(TREE "/release_agent", "\n"));
	EXPECT_STREQ("", content(TREE "/release_agent"));
	ASSERT_EQ(0, make_notifying("/quiet-nobody"));
	ASSERT_EQ(0, fill_and_empty("/quiet-nobody"));
	ASSERT_EQ(0, drop("/quiet-nobody"));
}

TEST_F(release, an_agent_that_cannot_be_run_harms_nobody)
{
	static const char * const agents[] = {
		"/nowhere/agent", "/tmp", "/proc/self/mem", "no path at all", AGENT "/x",
		CALLS,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(agents); i++) {
		ASSERT_EQ(0, write_file(TREE "/release_agent", "%s", agents[i]));
		ASSERT_EQ(0, make_notifying("/quiet-missing"));
		ASSERT_EQ(0, fill_and_empty("/quiet-missing"));
		ASSERT_EQ(0, drop("/quiet-missing"));
	}
	ASSERT_EQ(0, write_file(TREE "/release_agent", AGENT));
	ASSERT_EQ(0, make_notifying("/once-found"));
	ASSERT_EQ(0, fill_and_empty("/once-found"));
	EXPECT_TRUE(wait_until(announced("/once-found")));
}

TEST_F(release, nobody_waits_for_the_agent)
{
	unlink(PERMISSION);
	ASSERT_EQ(0, copy_program(SLOW_AGENT));
	ASSERT_EQ(0, write_file(TREE "/release_agent", SLOW_AGENT));
	ASSERT_EQ(0, make_notifying("/once-slow"));
	ASSERT_EQ(0, fill_and_empty("/once-slow"));
	ASSERT_TRUE(wait_until(announced("/once-slow")));
	/* From here on it runs and does not end. */
	ASSERT_EQ(0, attach("/once-slow", 0));
	ASSERT_EQ(0, notify("/once-slow", 0));
	ASSERT_EQ(0, attach("", 0));
	ASSERT_EQ(0, drop("/once-slow"));
	ASSERT_EQ(0, make_notifying("/once-meanwhile"));
	ASSERT_EQ(0, fill_and_empty("/once-meanwhile"));
	EXPECT_TRUE(wait_until(announced("/once-meanwhile")));
	close(open(PERMISSION, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

/* The last task's exit, which only leaves word, against the removal by who saw it exit. */
TEST_F(release, removal_races_with_the_announcement)
{
	int i;

	for (i = 0; i < scaled(200); i++) {
		ASSERT_EQ(0, make_notifying("/race"));
		ASSERT_EQ(0, fill_and_empty("/race"));
		ASSERT_EQ(0, drop("/race"));
	}
	EXPECT_GE(scaled(200), announced("/race"));
}

TEST_F(release, in_the_end_nothing_was_announced_too_often)
{
	static char line[2 * PATH_MAX];
	const char *name;
	FILE *calls;

	ASSERT_EQ(0, make_notifying("/once-last"));
	ASSERT_EQ(0, fill_and_empty("/once-last"));
	ASSERT_TRUE(wait_until(announced("/once-last")));
	calls = fopen(CALLS, "re");
	ASSERT_NE(NULL, calls);
	while (fgets(line, sizeof(line), calls)) {
		*strchrnul(line, '\n') = '\0';
		name = strrchr(line, '/');
		ASSERT_NE(NULL, name) TH_LOG("announced: '%s'", line);
		EXPECT_STRNE("/", line);
		EXPECT_NE(0, strncmp(name, "/quiet", 6)) TH_LOG("announced: '%s'", line);
		if (!strncmp(name, "/once", 5))
			EXPECT_EQ(1, announced(line)) TH_LOG("announced: '%s'", line);
		if (!strncmp(name, "/twice", 6))
			EXPECT_EQ(2, announced(line));
	}
	fclose(calls);
}

TEST_HARNESS_MAIN
