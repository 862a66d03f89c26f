// SPDX-License-Identifier: GPL-2.0
// Tests of the filesystem type: who may mount it where, with which options, and what is found.
#include "selftest.h"

#include <linux/capability.h>
#include <sys/statfs.h>

#define OTHER "/tmp/containers"
#define MAGIC 0x27e0eb
#define DEFAULT_AGENT "/sbin/container_release_agent"

static int mount_other(const char *options)
{
	mkdir(OTHER, 0755);
	return result(mount("none", OTHER, "container", 0, options));
}

static int remount_with(unsigned long flags, const char *options)
{
	return result(mount(NULL, TREE, NULL, MS_REMOUNT | flags, options));
}

/* The options of the filesystem itself that /proc/mounts shows for the tree, unescaped */
static const char *shown_options(void)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[8192], options[4096], plain[4096] = "", *option, *rest, *to;
	unsigned int byte;

	*options = '\0';
	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s " TREE " container %4095s", options) == 1)
			break;
	if (mounts)
		fclose(mounts);
	for (option = strtok_r(options, ",", &rest); option; option = strtok_r(NULL, ",", &rest)) {
		if (!strcmp(option, "rw") || !strcmp(option, "relatime"))
			continue;
		to = plain + strlen(plain);
		if (to > plain)
			*to++ = ',';
		for (; *option; to++) {
			if (sscanf(option, "\\%3o", &byte) == 1) {
				*to = byte;
				option += 4;
			} else {
				*to = *option++;
			}
		}
	}
	return text("%s", plain);
}

/* The messages of a filesystem context, all in one */
static const char *messages(int context)
{
	char all[4096] = "", *end = all;
	ssize_t length;

	while ((length = read(context, end, all + sizeof(all) - end - 1)) > 0)
		end += length;
	*end = '\0';
	return text("%s", all);
}

TEST_F(tree, it_has_a_magic_number)
{
	struct statfs statfs_tree;

	ASSERT_EQ(0, statfs(TREE, &statfs_tree));
	EXPECT_EQ(MAGIC, statfs_tree.f_type);
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, statfs(TREE "/a/tasks", &statfs_tree));
	EXPECT_EQ(MAGIC, statfs_tree.f_type);
}

TEST_F(tree, several_mounts_show_the_same_tree)
{
	struct stat here, there;

	ASSERT_EQ(0, mount_other(NULL));
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(0, write_file(OTHER "/a/tasks", "0"));
	EXPECT_STREQ("/a", where_am_i());
	EXPECT_TRUE(listed("/a", getpid()));
	ASSERT_EQ(0, stat(TREE "/a/tasks", &here));
	ASSERT_EQ(0, stat(OTHER "/a/tasks", &there));
	EXPECT_EQ(here.st_dev, there.st_dev);
	EXPECT_EQ(here.st_ino, there.st_ino);
	EXPECT_EQ(0, mkdir(OTHER "/b", 0755));
	EXPECT_EQ(0, rename(TREE "/b", TREE "/c"));
	EXPECT_TRUE(exists(OTHER "/c/tasks"));
	EXPECT_EQ(0, umount(OTHER));
	EXPECT_TRUE(exists(TREE "/c/tasks"));
}

TEST_F(tree, mounting_again_finds_it_as_it_was)
{
	struct stat stat;
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	pid = sleeper("/a/b");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, chmod(TREE "/a/tasks", 0600));
	ASSERT_EQ(0, chmod(TREE, 0711));
	ASSERT_EQ(0, write_file(TREE "/a/notify_on_release", "1"));
	ASSERT_EQ(0, write_file(TREE "/release_agent", "/bin/x"));
	ASSERT_EQ(0, umount(TREE));
	EXPECT_FALSE(exists(TREE "/tasks"));
	EXPECT_STREQ("/a/b", where_is(pid));
	ASSERT_EQ(0, mount_other(NULL));
	EXPECT_EQ(0, lstat(OTHER, &stat));
	EXPECT_EQ(S_IFDIR | 0711, stat.st_mode);
	EXPECT_EQ(0, lstat(OTHER "/a/tasks", &stat));
	EXPECT_EQ(S_IFREG | 0600, stat.st_mode);
	EXPECT_STREQ("1", content(OTHER "/a/notify_on_release"));
	EXPECT_STREQ("0", content(OTHER "/notify_on_release"));
	EXPECT_STREQ("/bin/x", content(OTHER "/release_agent"));
	EXPECT_STREQ(text("%d", pid), content(OTHER "/a/b/tasks"));
	ASSERT_EQ(0, remount_tree());
	ASSERT_EQ(0, umount(OTHER));
	ASSERT_EQ(0, end(pid));
}

TEST_F(tree, it_begins_anew_when_its_last_use_is_gone)
{
	ASSERT_EQ(0, write_file(TREE "/release_agent", "/bin/x"));
	ASSERT_EQ(0, write_file(TREE "/notify_on_release", "1"));
	ASSERT_EQ(0, umount(TREE));
	ASSERT_EQ(0, remount_tree());
	EXPECT_STREQ(DEFAULT_AGENT, content(TREE "/release_agent"));
	EXPECT_STREQ("0", content(TREE "/notify_on_release"));
}

TEST_F(tree, the_source_is_free)
{
	static const char * const sources[] = { "none", "container", "", "/dev/null", "x,y=z" };
	size_t i;

	mkdir(OTHER, 0755);
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		ASSERT_EQ(0, mount(sources[i], OTHER, "container", 0, ""));
		ASSERT_EQ(0, umount(OTHER));
	}
	ASSERT_EQ(0, mount(NULL, OTHER, "container", 0, NULL));
	ASSERT_EQ(0, umount(OTHER));
}

TEST_F(tree, mounting_needs_the_capability)
{
	EXPECT_EQ(-EPERM, forked(become(NOBODY) ?: mount_other(NULL)));
	EXPECT_EQ(-EPERM, forked(drop_capability(CAP_SYS_ADMIN) ?: mount_other(NULL)));
}

TEST_F(tree, mounting_in_another_user_namespace_is_refused)
{
	EXPECT_EQ(-EPERM, forked(enter_user_namespace() ?: mount_other(NULL)));
	EXPECT_EQ(-EPERM, forked(become(SOMEBODY) ?: enter_user_namespace() ?: mount_other(NULL)));
}

TEST_F(tree, it_lives_while_files_are_open_after_a_lazy_umount)
{
	char buffer[64];
	int tasks, agent;

	tasks = open(TREE "/tasks", O_RDWR | O_CLOEXEC);
	agent = open(TREE "/release_agent", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, tasks);
	ASSERT_LE(0, agent);
	ASSERT_EQ(-EBUSY, result(umount(TREE)));
	ASSERT_EQ(0, umount2(TREE, MNT_DETACH));
	EXPECT_EQ(1, write(tasks, "0", 1));
	EXPECT_EQ(6, write(agent, "/bin/x", 6));
	EXPECT_LT(0, read(tasks, buffer, sizeof(buffer)));
	ASSERT_EQ(0, remount_tree());
	EXPECT_STREQ("/bin/x", content(TREE "/release_agent"));
	close(tasks);
	close(agent);
	EXPECT_STREQ("/bin/x", content(TREE "/release_agent"));
}

TEST_F(tree, a_removed_container_that_somebody_is_in_is_empty_and_keeps_nothing)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, chdir(TREE "/a"));
	ASSERT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENOENT, result(mkdir("b", 0755)));
	EXPECT_EQ(-ENOENT, result(open("tasks", O_RDONLY)));
	ASSERT_EQ(0, umount2(TREE, MNT_DETACH));
	ASSERT_EQ(0, chdir("/"));
	ASSERT_EQ(0, remount_tree());
}

TEST_F(tree, an_unknown_subsystem_is_refused_by_name)
{
	int mark = log_mark();

	EXPECT_EQ(-ENOENT, mount_other("nonesuch"));
	EXPECT_TRUE(log_has(mark, "container", "nonesuch"));
	EXPECT_EQ(-ENOENT, mount_other("release_agent=/x,nonesuch"));
	EXPECT_FALSE(exists(OTHER "/tasks"));
	EXPECT_STREQ(DEFAULT_AGENT, content(TREE "/release_agent"));
}

TEST_F(tree, an_empty_option_is_refused)
{
	static const char * const options[] = {
		",", ",,", ",release_agent=/x", "release_agent=/x,",
		"release_agent=/x,,release_agent=/y", "=", "=x",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		EXPECT_EQ(-EINVAL, mount_other(options[i])) TH_LOG("options %zu", i);
	EXPECT_STREQ(DEFAULT_AGENT, content(TREE "/release_agent"));
}

TEST_F(tree, a_malformed_option_is_refused_by_name)
{
	static const char * const options[][2] = {
		{ "release_agent", "release_agent" },
		{ "colour=green", "colour" },
		{ "name=a!b", "name" },
		{ "tasks=1", "tasks" },
		{ "release_agent=/x,colour=green", "colour" },
	};
	int mark = log_mark();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		EXPECT_EQ(-EINVAL, mount_other(options[i][0])) TH_LOG("options %zu", i);
		EXPECT_TRUE(log_has(mark, "container", options[i][1])) TH_LOG("options %zu", i);
	}
	EXPECT_STREQ(DEFAULT_AGENT, content(TREE "/release_agent"));
}

TEST_F(tree, a_filesystem_context_is_told_what_is_wrong)
{
	static const char * const words[] = { "nonesuch", "release_agent" };
	size_t i;
	int context;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		context = fsopen("container", FSOPEN_CLOEXEC);
		ASSERT_LE(0, context);
		EXPECT_GT(0, fsconfig(context, FSCONFIG_SET_FLAG, words[i], NULL, 0));
		EXPECT_NE(NULL, strstr(messages(context), words[i]));
		close(context);
	}
	context = fsopen("container", FSOPEN_CLOEXEC);
	EXPECT_EQ(-EINVAL, result(fsconfig(context, FSCONFIG_SET_STRING, "colour", "green", 0)));
	EXPECT_NE(NULL, strstr(messages(context), "colour"));
	close(context);
}

TEST_F(tree, a_filesystem_context_makes_the_same_tree)
{
	int context, mounted;

	ASSERT_EQ(0, make("/a"));
	context = fsopen("container", FSOPEN_CLOEXEC);
	ASSERT_LE(0, context);
	EXPECT_EQ(0, fsconfig(context, FSCONFIG_SET_STRING, "source", "anything", 0));
	EXPECT_EQ(0, fsconfig(context, FSCONFIG_SET_STRING, "release_agent", "/bin/y", 0));
	EXPECT_EQ(0, fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mounted = fsmount(context, FSMOUNT_CLOEXEC, 0);
	ASSERT_LE(0, mounted);
	EXPECT_EQ(0, faccessat(mounted, "a/tasks", F_OK, 0));
	EXPECT_STREQ("/bin/y", content(TREE "/release_agent"));
	close(mounted);
	close(context);
}

/* A reference that is kept to the pipe would keep its reader from ever seeing the end. */
TEST_F(tree, what_is_no_string_is_refused_and_not_kept)
{
	static const char * const keys[] = { "source", "release_agent", "nonesuch" };
	int context, pipes[2];
	char byte;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		ASSERT_EQ(0, pipe(pipes));
		context = fsopen("container", FSOPEN_CLOEXEC);
		ASSERT_LE(0, context);
		EXPECT_EQ(-EINVAL,
			  result(fsconfig(context, FSCONFIG_SET_FD, keys[i], NULL, pipes[1])));
		EXPECT_EQ(-EINVAL, result(fsconfig(context, FSCONFIG_SET_PATH, keys[i], "/tmp",
						   AT_FDCWD)));
		EXPECT_EQ(-EINVAL, result(fsconfig(context, FSCONFIG_SET_PATH_EMPTY, keys[i], "",
						   pipes[1])));
		EXPECT_EQ(-EINVAL, result(fsconfig(context, FSCONFIG_SET_BINARY, keys[i], "\1\2",
						   2)));
		close(pipes[1]);
		close(context);
		EXPECT_EQ(0, read(pipes[0], &byte, 1));
		close(pipes[0]);
	}
}

TEST_F(tree, proc_mounts_shows_an_agent_as_it_can_be_given_again)
{
	static const char * const options[] = {
		"release_agent=/bin/x", "release_agent=/a b\\c#d\te", "release_agent=",
	};
	size_t i;

	EXPECT_STREQ("", shown_options());
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		ASSERT_EQ(0, write_file(TREE "/release_agent", "/other"));
		ASSERT_EQ(0, mount_other(options[i])) TH_LOG("options %zu", i);
		EXPECT_STREQ(options[i], shown_options());
		EXPECT_STREQ(strchr(options[i], '=') + 1, content(TREE "/release_agent"));
		ASSERT_EQ(0, umount(OTHER));
	}
}

TEST_F(tree, a_remount_changes_the_agent)
{
	EXPECT_EQ(0, remount_with(0, "release_agent=/bin/y"));
	EXPECT_STREQ("/bin/y", content(TREE "/release_agent"));
	EXPECT_EQ(0, remount_with(0, NULL));
	EXPECT_STREQ("/bin/y", content(TREE "/release_agent"));
}

TEST_F(tree, a_remount_changes_nothing_else)
{
	int error;

	ASSERT_EQ(0, write_file(TREE "/release_agent", "/bin/x"));
	EXPECT_EQ(-EINVAL, remount_with(0, "name=x"));
	EXPECT_EQ(-EINVAL, remount_with(0, "release_agent=/bin/y,name=x"));
	EXPECT_EQ(-EINVAL, remount_with(0, "release_agent=/bin/y,"));
	EXPECT_EQ(-EINVAL, remount_with(MS_RDONLY, NULL));
	EXPECT_EQ(-EINVAL, remount_with(MS_RDONLY, "release_agent=/bin/y"));
	error = remount_with(0, "nonesuch");
	EXPECT_TRUE(error == -EINVAL || error == -ENOENT);
	EXPECT_STREQ("/bin/x", content(TREE "/release_agent"));
	EXPECT_EQ(0, make("/a"));
}

TEST_F(tree, no_mount_decides_for_the_others)
{
	static const unsigned long flags[] = { MS_RDONLY, MS_SYNCHRONOUS, MS_LAZYTIME };
	size_t i;

	mkdir(OTHER, 0755);
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		ASSERT_EQ(0, result(umount(TREE)));
		/* The first one, which is gone from here, but not from the tree. */
		ASSERT_EQ(0, result(mount("none", OTHER, "container", flags[i], NULL)));
		ASSERT_EQ(0, remount_tree());
		EXPECT_EQ(flags[i] == MS_RDONLY ? -EROFS : 0, result(mkdir(OTHER "/a", 0755)));
		EXPECT_EQ(flags[i] == MS_RDONLY ? 0 : -EEXIST, make("/a"));
		EXPECT_EQ(-EINVAL, remount_with(flags[i], NULL));
		EXPECT_EQ(0, remount_with(0, NULL));
		EXPECT_EQ(0, drop("/a"));
		ASSERT_EQ(0, result(umount(OTHER)));
	}
}

/* Making a tree against taking the last of it down */
TEST_F(tree, a_mount_right_after_an_umount_never_fails)
{
	int i;

	ASSERT_EQ(0, umount(TREE));
	for (i = 0; i < scaled(300); i++) {
		ASSERT_EQ(0, remount_tree()) TH_LOG("in round %d", i);
		ASSERT_EQ(0, umount(TREE)) TH_LOG("in round %d", i);
	}
	ASSERT_EQ(0, remount_tree());
}

/* The same with two who do it at different places, and a container that comes and goes */
TEST_F(tree, a_mount_never_fails_while_others_mount_and_umount)
{
	pid_t pid;
	int i;

	ASSERT_EQ(0, umount(TREE));
	pid = child();
	if (pid == 0) {
		for (i = 0; i < scaled(300); i++)
			if (mount_other(NULL) || umount(OTHER))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < scaled(300); i++) {
		ASSERT_EQ(0, remount_tree()) TH_LOG("in round %d", i);
		ASSERT_EQ(0, make("/a"));
		ASSERT_EQ(0, umount(TREE));
		ASSERT_EQ(0, remount_tree()) TH_LOG("in round %d", i);
		ASSERT_EQ(0, drop("/a"));
		ASSERT_EQ(0, umount(TREE));
	}
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, remount_tree());
}

TEST_F(tree, a_mount_loads_the_module)
{
	ASSERT_EQ(0, umount(TREE));
	ASSERT_EQ(0, module_unload_patiently());
	EXPECT_FALSE(module_loaded());
	EXPECT_EQ(0, remount_tree());
	EXPECT_TRUE(module_loaded());
}

TEST_HARNESS_MAIN
