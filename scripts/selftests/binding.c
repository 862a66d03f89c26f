// SPDX-License-Identifier: GPL-2.0
// Tests of the life of trees and of what is bound to them: from mount to mount, and in /proc.
#include "rcfstest.h"

#include <libgen.h>

#define AGENT "/tmp/agent-of-"
#define CALLS "/tmp/agent-of.calls"

/* What copies of this program do when the kernel runs them as agents */
static __attribute__((constructor)) void record(int argc, char **argv)
{
	char line[512];
	int fd, length;

	if (argc < 1 || strncmp(argv[0], AGENT, strlen(AGENT)))
		return;
	length = snprintf(line, sizeof(line), "%s %s\n", argv[0], argc > 1 ? argv[1] : "");
	fd = open(CALLS, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	_exit(write(fd, line, length) != length);
}

/* The options of the filesystem itself that /proc/mounts shows for a tree; lives as text() does */
static const char *shown_options(const char *directory)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[8192], at[PATH_MAX], options[4096] = "", *option, *rest;
	const char *plain = "";

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %4095s %*s %4095s", at, options) == 2 &&
		    !strcmp(at, directory))
			break;
	if (mounts)
		fclose(mounts);
	for (option = strtok_r(options, ",", &rest); option; option = strtok_r(NULL, ",", &rest))
		if (strcmp(option, "rw") && strcmp(option, "relatime"))
			plain = text("%s%s%s", plain, *plain ? "," : "", option);
	return plain;
}

static bool same_file(const char *one, const char *two)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(two, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

TEST_F(rcfs, the_options_that_are_shown_give_the_same_tree)
{
	static const char * const options[] = {
		"debug", "cpuacct,debug", "all", "", "none,name=x", "debug,name=x.y-z_0",
		"all,name=all", "release_agent=/bin/x,none,name=x", "numtasks,release_agent=/bin/y",
	};
	const char *shown;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		ASSERT_EQ(0, mount_rcfs(ONE, options[i])) TH_LOG("options %zu", i);
		ASSERT_EQ(0, make_at(ONE "/a"));
		shown = shown_options(ONE);
		ASSERT_EQ(0, mount_rcfs(TWO, shown)) TH_LOG("%s", shown);
		EXPECT_TRUE(same_file(ONE "/a/tasks", TWO "/a/tasks")) TH_LOG("%s", shown);
		ASSERT_EQ(0, umount(ONE));
		ASSERT_EQ(0, umount(TWO));
		ASSERT_EQ(0, mount_rcfs(TWO, shown)) TH_LOG("%s", shown);
		EXPECT_TRUE(exists(TWO "/a/tasks")) TH_LOG("%s", shown);
		ASSERT_EQ(0, rmdir(TWO "/a"));
		ASSERT_EQ(0, umount(TWO));
		ASSERT_EQ(0, mount_rcfs(ONE, shown));
		EXPECT_STREQ(shown, shown_options(ONE));
		ASSERT_EQ(0, umount(ONE));
	}
}

TEST_F(rcfs, the_options_that_are_shown_of_the_default_tree_can_be_given_again)
{
	const char *shown;

	ASSERT_EQ(0, mount_at_once("container", ONE, "cpuacct,release_agent=/bin/x,debug"));
	shown = shown_options(ONE);
	EXPECT_STREQ("debug,cpuacct,release_agent=/bin/x", shown);
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, mount_at_once("container", TWO, shown));
	EXPECT_TRUE(exists(TWO "/a/debug.taskcount"));
}

TEST_F(rcfs, a_tree_outlives_its_umount_while_it_has_a_container)
{
	struct stat stat;
	pid_t pid;

	ASSERT_EQ(0, mount_rcfs(ONE, "debug,numtasks,release_agent=/bin/x"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(ONE "/a/b"));
	pid = sleeper_in(ONE "/a/b", NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, chown(ONE "/a/tasks", SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, chmod(ONE "/a/numtasks.limit", 0600));
	ASSERT_EQ(0, write_file(ONE "/a/notify_on_release", "1"));
	ASSERT_EQ(0, write_file(ONE "/a/numtasks.limit", "17"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(3, tree_containers("debug,numtasks"));
	EXPECT_EQ(1, tree_tasks("debug,numtasks"));
	EXPECT_STREQ("/a/b", path_in("debug,numtasks", pid));
	EXPECT_EQ(-EBUSY, mount_rcfs(TWO, "debug"));
	EXPECT_EQ(-EBUSY, mount_at_once("container", TWO, "numtasks"));
	ASSERT_EQ(0, mount_rcfs(TWO, "numtasks,debug"));
	EXPECT_STREQ(text("%d", pid), content(TWO "/a/b/tasks"));
	EXPECT_STREQ("1", content(TWO "/a/notify_on_release"));
	EXPECT_STREQ("17", content(TWO "/a/numtasks.limit"));
	EXPECT_STREQ("1", content(TWO "/a/numtasks.current"));
	EXPECT_STREQ("/bin/x", content(TWO "/release_agent"));
	ASSERT_EQ(0, lstat(TWO "/a/tasks", &stat));
	EXPECT_EQ(SOMEBODY, stat.st_uid);
	ASSERT_EQ(0, lstat(TWO "/a/numtasks.limit", &stat));
	EXPECT_EQ(S_IFREG | 0600, stat.st_mode);
}

TEST_F(rcfs, the_last_use_sets_its_subsystems_free)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,release_agent=/bin/x"));
	ASSERT_EQ(0, write_file(ONE "/notify_on_release", "1"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct"));
	ASSERT_EQ(0, rmdir(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, count_trees());
	EXPECT_EQ(0, subsys_tree_id("debug"));
	EXPECT_EQ(0, subsys_containers("debug"));
	ASSERT_EQ(0, mount_rcfs(ONE, "debug"));
	ASSERT_EQ(0, mount_rcfs(TWO, "cpuacct"));
	EXPECT_NE(subsys_tree_id("debug"), subsys_tree_id("cpuacct"));
	EXPECT_STREQ("0", content(ONE "/notify_on_release"));
	EXPECT_STREQ("/sbin/container_release_agent", content(ONE "/release_agent"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, mount_at_once("container", ONE, "debug"));
}

TEST_F(rcfs, the_last_use_of_the_default_tree_sets_its_subsystems_free)
{
	ASSERT_EQ(0, mount_at_once("container", ONE, "debug"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, subsys_containers("debug"));
	ASSERT_EQ(0, mount_rcfs(ONE, "debug"));
	ASSERT_EQ(0, mount_at_once("container", TWO, NULL));
	EXPECT_FALSE(exists(TWO "/debug.taskcount"));
}

TEST_F(rcfs, a_name_is_free_when_its_tree_is_gone)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,name=x"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(-EINVAL, mount_rcfs(ONE, "name=x"));
	EXPECT_EQ(0, mount_rcfs(ONE, "none,name=x"));
	EXPECT_EQ(0, subsys_tree_id("debug"));
}

TEST_F(rcfs, an_open_file_keeps_its_tree_after_a_lazy_umount)
{
	int fd;

	ASSERT_EQ(0, mount_rcfs(ONE, "debug"));
	fd = open(ONE "/debug.taskcount", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(-EBUSY, result(umount(ONE)));
	ASSERT_EQ(0, umount2(ONE, MNT_DETACH));
	EXPECT_EQ(-EBUSY, mount_rcfs(TWO, "debug,cpuacct"));
	EXPECT_EQ(0, mount_rcfs(TWO, "debug"));
	EXPECT_EQ(0, umount(TWO));
	EXPECT_EQ(1, count_trees());
	close(fd);
	EXPECT_EQ(0, mount_rcfs(TWO, "debug,cpuacct"));
}

TEST_F(rcfs, a_mount_right_after_an_umount_never_fails)
{
	static const char * const options[] = {
		"debug", "debug,cpuacct", "all", "none,name=x", "debug,name=x", "cpuacct,name=x",
	};
	int i;

	for (i = 0; i < scaled(300); i++) {
		ASSERT_EQ(0, mount_rcfs(ONE, options[i % ARRAY_SIZE(options)])) TH_LOG("%d", i);
		ASSERT_EQ(0, umount(ONE)) TH_LOG("in round %d", i);
		ASSERT_EQ(0, count_trees());
	}
}

/* The same tree as a child mounts again and again at another place, with and without containers */
TEST_F(rcfs, a_mount_never_fails_while_others_mount_and_umount)
{
	pid_t pid;
	int i;

	pid = child();
	if (pid == 0) {
		for (i = 0; i < scaled(300); i++)
			if (mount_rcfs(TWO, "debug,numtasks") || umount(TWO))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < scaled(300); i++) {
		ASSERT_EQ(0, mount_rcfs(ONE, "numtasks,debug")) TH_LOG("in round %d", i);
		ASSERT_EQ(0, make_at(ONE "/a"));
		ASSERT_EQ(0, umount(ONE));
		ASSERT_EQ(0, mount_rcfs(ONE, "numtasks,debug")) TH_LOG("in round %d", i);
		ASSERT_EQ(0, rmdir(ONE "/a"));
		ASSERT_EQ(0, umount(ONE));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, count_trees());
}

/* Two trees that want the same subsystem: one at a time has it, and the other is told so. */
TEST_F(rcfs, of_two_that_race_for_a_subsystem_one_gets_it)
{
	int i, error;
	pid_t pid;

	pid = child();
	if (pid == 0) {
		for (i = 0; i < scaled(300); i++) {
			error = mount_rcfs(TWO, "debug,cpuacct");
			if ((error && error != -EBUSY) || (!error && umount(TWO)))
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < scaled(300); i++) {
		error = mount_rcfs(ONE, "debug,numtasks");
		ASSERT_TRUE(error == 0 || error == -EBUSY);
		if (!error)
			ASSERT_EQ(0, umount(ONE));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, count_trees());
	EXPECT_EQ(0, mount_rcfs(ONE, "all"));
}

static int remount(unsigned long flags, const char *options)
{
	return result(mount(NULL, ONE, NULL, MS_REMOUNT | flags, options));
}

TEST_F(rcfs, a_remount_changes_the_agent_of_its_tree)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,name=x"));
	ASSERT_EQ(0, mount_rcfs(TWO, "cpuacct"));
	EXPECT_EQ(0, remount(0, "release_agent=/bin/y"));
	EXPECT_STREQ("/bin/y", content(ONE "/release_agent"));
	EXPECT_STREQ("/sbin/container_release_agent", content(TWO "/release_agent"));
	EXPECT_EQ(0, remount(0, NULL));
	EXPECT_EQ(0, remount(0, "debug,name=x,release_agent=/bin/z"));
	EXPECT_STREQ("/bin/z", content(ONE "/release_agent"));
	EXPECT_LT(0, tree_id("debug,name=x"));
}

TEST_F(rcfs, a_remount_changes_nothing_else)
{
	static const char * const options[] = {
		"cpuacct", "debug,cpuacct", "all", "none", "name=y", "none,name=x", "none,name=y",
		"debug,name=y", "cpuacct,name=x", "release_agent=/bin/y,cpuacct", "colour=green",
		"release_agent=/bin/y,",
	};
	size_t i;

	ASSERT_EQ(0, mount_rcfs(ONE, "debug,name=x,release_agent=/bin/x"));
	for (i = 0; i < ARRAY_SIZE(options); i++)
		EXPECT_EQ(-EINVAL, remount(0, options[i])) TH_LOG("options %zu", i);
	EXPECT_EQ(-EINVAL, remount(MS_RDONLY, NULL));
	EXPECT_EQ(-EINVAL, remount(MS_RDONLY, "release_agent=/bin/y"));
	EXPECT_STREQ("/bin/x", content(ONE "/release_agent"));
	EXPECT_EQ(1, count_trees());
	EXPECT_LT(0, tree_id("debug,name=x"));
	EXPECT_EQ(0, subsys_containers("cpuacct"));
}

TEST_F(rcfs, a_remount_of_the_default_tree_changes_no_subsystem)
{
	ASSERT_EQ(0, mount_at_once("container", ONE, "debug"));
	EXPECT_EQ(-EINVAL, remount(0, "cpuacct"));
	EXPECT_EQ(-EINVAL, remount(0, "debug,cpuacct"));
	EXPECT_EQ(0, remount(0, "debug,release_agent=/bin/y"));
	EXPECT_STREQ("/bin/y", content(ONE "/release_agent"));
	EXPECT_EQ(0, tree_id("debug"));
}

/* A reference that is kept to the pipe would keep its reader from ever seeing the end. */
TEST_F(rcfs, what_is_no_string_is_refused_and_not_kept)
{
	static const char * const keys[] = {
		"source", "name", "release_agent", "debug", "all", "none", "nonesuch",
	};
	int context, pipes[2];
	char byte;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		ASSERT_EQ(0, pipe(pipes));
		context = fsopen("rcfs", FSOPEN_CLOEXEC);
		ASSERT_LE(0, context);
		EXPECT_EQ(-EINVAL,
			  result(fsconfig(context, FSCONFIG_SET_FD, keys[i], NULL, pipes[1])));
		EXPECT_EQ(-EINVAL, result(fsconfig(context, FSCONFIG_SET_PATH, keys[i], "/tmp",
						   AT_FDCWD)));
		EXPECT_EQ(-EINVAL, result(fsconfig(context, FSCONFIG_SET_BINARY, keys[i], "\1\2",
						   2)));
		close(pipes[1]);
		close(context);
		EXPECT_EQ(0, read(pipes[0], &byte, 1));
		close(pipes[0]);
	}
	EXPECT_EQ(0, count_trees());
}

/* A child that is moved to a container and ends there */
static int announce(const char *container)
{
	pid_t pid;

	if (make_at(container) || write_file(text("%s/notify_on_release", container), "1"))
		return -errno;
	pid = sleeper_in(container, NULL);
	return pid < 0 ? pid : end(pid);
}

TEST_F(rcfs, each_tree_has_its_own_agent)
{
	ASSERT_EQ(0, copy_program(AGENT "one"));
	ASSERT_EQ(0, copy_program(AGENT "two"));
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,release_agent=" AGENT "one"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x,release_agent=" AGENT "two"));
	ASSERT_EQ(0, announce(ONE "/first"));
	ASSERT_EQ(0, announce(TWO "/second"));
	EXPECT_TRUE(wait_until(file_has(CALLS, AGENT "one /first\n")));
	EXPECT_TRUE(wait_until(file_has(CALLS, AGENT "two /second\n")));
	ASSERT_EQ(0, announce(TWO "/first"));
	EXPECT_TRUE(wait_until(file_has(CALLS, AGENT "two /first\n")));
	EXPECT_FALSE(file_has(CALLS, AGENT "one /second\n"));
}

/* A task that is in both trees and dies is the last of both of its containers. */
TEST_F(rcfs, a_death_is_announced_in_every_tree)
{
	pid_t pid;

	ASSERT_EQ(0, copy_program(AGENT "three"));
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,release_agent=" AGENT "three"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x,release_agent=" AGENT "three"));
	ASSERT_EQ(0, make_at(ONE "/third"));
	ASSERT_EQ(0, make_at(TWO "/fourth"));
	ASSERT_EQ(0, write_file(ONE "/third/notify_on_release", "1"));
	ASSERT_EQ(0, write_file(TWO "/fourth/notify_on_release", "1"));
	pid = sleeper_in(ONE "/third", TWO "/fourth");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, end(pid));
	EXPECT_TRUE(wait_until(file_has(CALLS, AGENT "three /third\n")));
	EXPECT_TRUE(wait_until(file_has(CALLS, AGENT "three /fourth\n")));
}

TEST_F(rcfs, a_file_of_a_subsystem_that_the_default_tree_has_lost_is_dead)
{
	char buffer[16];
	int fd;

	ASSERT_EQ(0, mount_at_once("container", ONE, "debug"));
	fd = open(ONE "/debug.taskcount", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	if (mount_at_once("container", TWO, "cpuacct") == 0)
		EXPECT_EQ(-ENODEV, result(read(fd, buffer, sizeof(buffer))));
	EXPECT_GT(0, unload("rc_debug"));
	close(fd);
	ASSERT_EQ(0, mount_at_once("container", THREE, "cpuacct"));
	EXPECT_EQ(0, unload_patiently("rc_debug"));
}

TEST_F(rcfs, proc_containers_has_a_line_for_each_tree)
{
	pid_t pid;

	ASSERT_EQ(0, mount_rcfs(ONE, "debug,numtasks"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(ONE "/a/b"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	pid = sleeper_in(ONE "/a/b", TWO "/a");
	ASSERT_LT(0, pid);
	ASSERT_LT(0, sleeper_in(ONE "/a", NULL));
	EXPECT_EQ('#', *content("/proc/containers"));
	EXPECT_EQ(2, count_trees());
	EXPECT_EQ(1, tree_containers(""));
	EXPECT_EQ(0, tree_tasks(""));
	EXPECT_EQ(3, tree_containers("debug,numtasks"));
	EXPECT_EQ(2, tree_tasks("debug,numtasks"));
	EXPECT_EQ(2, tree_containers("name=x"));
	EXPECT_EQ(1, tree_tasks("name=x"));
	ASSERT_EQ(0, enter(ONE, pid));
	EXPECT_EQ(1, tree_tasks("debug,numtasks"));
	EXPECT_EQ(1, tree_tasks("name=x"));
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(0, tree_tasks("name=x"));
}

TEST_F(rcfs, proc_rc_subsys_has_a_line_for_each_subsystem)
{
	EXPECT_NE('\0', *content("/proc/rc_subsys"));
	EXPECT_EQ(0, subsys_tree_id("debug"));
	EXPECT_EQ(0, subsys_containers("debug"));
	EXPECT_EQ(-1, subsys_tree_id("nonesuch"));
	ASSERT_EQ(0, mount_rcfs(ONE, "numtasks,debug"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_LT(0, subsys_tree_id("debug"));
	EXPECT_EQ(subsys_tree_id("numtasks"), subsys_tree_id("debug"));
	EXPECT_EQ(2, subsys_containers("debug"));
	EXPECT_EQ(2, subsys_containers("numtasks"));
	EXPECT_EQ(0, subsys_tree_id("cpuacct"));
	EXPECT_EQ(0, subsys_containers("cpuacct"));
	ASSERT_EQ(0, unload_patiently("rc_cpuacct"));
	EXPECT_EQ(-1, subsys_tree_id("cpuacct"));
}

TEST_F(rcfs, proc_pid_containers_has_a_line_for_each_tree)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,numtasks"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x"));
	ASSERT_EQ(0, mount_rcfs(THREE, "cpuacct,name=y"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(TWO "/b c"));
	ASSERT_EQ(0, enter(ONE "/a", 0));
	ASSERT_EQ(0, enter(TWO "/b c", 0));
	EXPECT_STREQ(text("0::/\n%d:debug,numtasks:/a\n%d:name=x:/b c\n%d:cpuacct,name=y:/",
			  tree_id("debug,numtasks"), tree_id("name=x"), tree_id("cpuacct,name=y")),
		     content("/proc/self/containers"));
	EXPECT_STREQ("/", content("/proc/self/container"));
	EXPECT_STREQ("/", path_in("debug,numtasks", 1));
}

TEST_F(rcfs, proc_pid_containers_shows_the_subsystems_of_the_default_tree)
{
	ASSERT_EQ(0, mount_at_once("container", ONE, "debug"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, enter(ONE "/a", 0));
	EXPECT_STREQ("0:debug:/a", content("/proc/self/containers"));
	EXPECT_STREQ("/a", content("/proc/self/container"));
}

TEST_F(rcfs, a_mount_loads_the_module)
{
	ASSERT_EQ(0, unload_subsystems());
	ASSERT_EQ(0, module_unload_patiently());
	EXPECT_EQ(0, mount_rcfs(ONE, "none,name=x"));
	EXPECT_TRUE(module_loaded());
}

TEST_HARNESS_MAIN
