// SPDX-License-Identifier: GPL-2.0
// Tests of what /proc shows of containers, for processes and for threads.
#include "selftest.h"

#define OTHER_PROC "/tmp/proc"

/* Reads a directory with a buffer that holds few names; counts one name and all. */
static int count_in_pieces(const char *path, const char *name, int *all)
{
	struct {
		ino64_t inode;
		off64_t offset;
		unsigned short length;
		unsigned char type;
		char name[];
	} *entry;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
	unsigned long buffer[8];
	long length, at;

	*all = 0;
	while ((length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < length; at += entry->length) {
			entry = (void *)buffer + at;
			count += !strcmp(entry->name, name);
			++*all;
		}
	}
	close(fd);
	return length < 0 ? -errno : count;
}

static int count_at_once(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

TEST_F(tree, container_is_the_path_in_one_line)
{
	char buffer[64];

	ASSERT_LT(0, read_file("/proc/self/container", buffer, sizeof(buffer)));
	EXPECT_STREQ("/\n", buffer);
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b c"));
	ASSERT_EQ(0, attach("/a", 0));
	ASSERT_LT(0, read_file("/proc/self/container", buffer, sizeof(buffer)));
	EXPECT_STREQ("/a\n", buffer);
	ASSERT_EQ(0, attach("/a/b c", 0));
	ASSERT_LT(0, read_file("/proc/self/container", buffer, sizeof(buffer)));
	EXPECT_STREQ("/a/b c\n", buffer);
}

TEST_F(tree, containers_has_the_default_hierarchy_first)
{
	char buffer[64];

	ASSERT_LT(0, read_file("/proc/self/containers", buffer, sizeof(buffer)));
	EXPECT_EQ(0, strncmp("0::/\n", buffer, 5));
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	ASSERT_EQ(0, attach("/a/b", 0));
	ASSERT_LT(0, read_file("/proc/self/containers", buffer, sizeof(buffer)));
	EXPECT_EQ(0, strncmp("0::/a/b\n", buffer, 8));
}

TEST_F(tree, a_path_of_any_length_is_whole_or_an_error)
{
	static char path[3 * PATH_MAX];
	ssize_t length;
	int depth;

	for (depth = 15; depth <= 17; depth++) {
		ASSERT_EQ(0, make_deep(depth));
		ASSERT_EQ(0, write_file("tasks", "0"));
		length = read_file("/proc/self/container", path, sizeof(path));
		EXPECT_TRUE(length == depth * 256 + 1 || length == -ENAMETOOLONG)
			TH_LOG("%zd bytes for depth %d", length, depth);
		ASSERT_EQ(0, attach("", 0));
		ASSERT_EQ(0, drop_deep(depth));
	}
}

TEST_F(tree, they_are_there_without_a_mount)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	ASSERT_EQ(0, umount(TREE));
	EXPECT_STREQ("/a", where_am_i());
	EXPECT_STREQ("0::/a", content("/proc/self/containers"));
	ASSERT_EQ(0, remount_tree());
}

TEST_F(tree, every_thread_has_its_own)
{
	struct thread thread;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, attach("/a", 0));
	ASSERT_EQ(0, thread_start(&thread));
	ASSERT_EQ(0, attach("/b", thread.tid));
	EXPECT_STREQ("/a", content("/proc/self/container"));
	EXPECT_STREQ("/a", content(text("/proc/self/task/%d/container", getpid())));
	EXPECT_STREQ("/b", content(text("/proc/self/task/%d/container", thread.tid)));
	EXPECT_STREQ("0::/b", content(text("/proc/self/task/%d/containers", thread.tid)));
	EXPECT_STREQ("/b", content(text("/proc/%d/container", thread.tid)));
	EXPECT_STREQ("/a", content("/proc/thread-self/container"));
	thread_stop(&thread);
}

TEST_F(tree, listing_a_process_shows_both_once)
{
	EXPECT_EQ(1, entries_named("/proc/self", "container"));
	EXPECT_EQ(1, entries_named("/proc/self", "containers"));
	EXPECT_EQ(1, entries_named("/proc/1", "container"));
	EXPECT_EQ(1, entries_named("/proc/2", "containers"));
}

TEST_F(tree, listing_a_thread_shows_both_once)
{
	EXPECT_EQ(1, entries_named("/proc/thread-self", "container"));
	EXPECT_EQ(1, entries_named("/proc/thread-self", "containers"));
}

TEST_F(tree, listing_in_small_pieces_shows_all_once)
{
	static const char * const directories[] = { "/proc/self", "/proc/thread-self" };
	size_t i;
	int all;

	for (i = 0; i < ARRAY_SIZE(directories); i++) {
		EXPECT_EQ(1, count_in_pieces(directories[i], "container", &all));
		EXPECT_EQ(1, count_in_pieces(directories[i], "containers", &all));
		EXPECT_EQ(1, count_in_pieces(directories[i], "status", &all));
		EXPECT_EQ(count_at_once(directories[i]), all);
	}
}

TEST_F(tree, listing_other_directories_shows_neither)
{
	EXPECT_EQ(0, entries_named("/proc", "container"));
	EXPECT_EQ(1, entries_named("/proc", "containers"));
	EXPECT_EQ(0, entries_named("/proc/self/task", "container"));
	EXPECT_EQ(0, entries_named("/proc/self/fd", "container"));
	EXPECT_FALSE(exists("/proc/self/task/container"));
	EXPECT_FALSE(exists("/proc/self/net/container"));
}

TEST_F(tree, names_like_theirs_are_not_there)
{
	EXPECT_FALSE(exists("/proc/self/containe"));
	EXPECT_FALSE(exists("/proc/self/container2"));
	EXPECT_FALSE(exists("/proc/self/containerss"));
	EXPECT_TRUE(exists("/proc/self/comm"));
	EXPECT_TRUE(exists("/proc/thread-self/comm"));
}

TEST_F(tree, they_are_regular_files_that_all_may_read_and_none_write)
{
	struct stat stat;

	ASSERT_EQ(0, lstat("/proc/self/container", &stat));
	EXPECT_EQ(S_IFREG | 0444, stat.st_mode);
	ASSERT_EQ(0, lstat("/proc/thread-self/containers", &stat));
	EXPECT_EQ(S_IFREG | 0444, stat.st_mode);
	EXPECT_EQ(0, forked(become(NOBODY) ?: strcmp("/", where_is(1)) ? -1 : 0));
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: write_file("/proc/self/container", "/")));
	EXPECT_GT(0, write_file("/proc/self/container", "/"));
}

TEST_F(tree, an_open_file_follows_the_task)
{
	char buffer[64];
	int fd;

	ASSERT_EQ(0, make("/a"));
	fd = open("/proc/self/container", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, attach("/a", 0));
	ASSERT_EQ(3, read_pieces(fd, buffer, sizeof(buffer), sizeof(buffer)));
	EXPECT_STREQ("/a\n", buffer);
	ASSERT_EQ(0, attach("", 0));
	ASSERT_EQ(2, pread(fd, buffer, sizeof(buffer), 0));
	close(fd);
}

TEST_F(tree, zombies_are_in_the_root)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	EXPECT_STREQ("/a", where_is(pid));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, wait_zombie(pid));
	EXPECT_STREQ("/", where_is(pid));
	EXPECT_STREQ("0::/", content(text("/proc/%d/containers", pid)));
	EXPECT_STREQ("/", content(text("/proc/%d/task/%d/container", pid, pid)));
	reap(pid);
	EXPECT_FALSE(exists(text("/proc/%d/container", pid)));
}

TEST_F(tree, an_open_file_of_a_dead_process_says_so)
{
	pid_t pid = sleeper("");
	char buffer[64];
	int fd, fds;

	ASSERT_LT(0, pid);
	fd = open(text("/proc/%d/container", pid), O_RDONLY | O_CLOEXEC);
	fds = open(text("/proc/%d/containers", pid), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, fds);
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(-ESRCH, result(read(fd, buffer, sizeof(buffer))));
	EXPECT_EQ(-ESRCH, result(read(fds, buffer, sizeof(buffer))));
	close(fd);
	close(fds);
}

/* Process 1 of a new pid namespace, with that namespace's own proc */
static int look_inside(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -EPERM;
	mkdir(OTHER_PROC, 0755);
	if (mount("proc", OTHER_PROC, "proc", 0, NULL))
		return -errno;
	if (strcmp("/a", content(OTHER_PROC "/1/container")) ||
	    strcmp("/a", content(OTHER_PROC "/self/container")) ||
	    strcmp("0::/a", content(OTHER_PROC "/1/containers")))
		return -EDOM;
	if (!entries_named(OTHER_PROC "/1", "container"))
		return -ERANGE;
	pid = sleeper("");
	if (pid != 2 || strcmp("/", content(OTHER_PROC "/2/container")))
		return -EXDEV;
	return end(pid);
}

TEST_F(tree, the_proc_of_another_pid_namespace_names_its_own_processes)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	pid = fork_with(CLONE_NEWPID);
	if (pid == 0)
		_exit(-look_inside());
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, reap(pid));
	rmdir(OTHER_PROC);
}

TEST_F(tree, proc_containers_has_a_header_and_the_default_hierarchy)
{
	char buffer[1024];

	ASSERT_LT(0, read_file("/proc/containers", buffer, sizeof(buffer)));
	EXPECT_EQ('#', buffer[0]);
	ASSERT_NE(NULL, strchr(buffer, '\n'));
	EXPECT_EQ('0', strchr(buffer, '\n')[1]);
}

TEST_F(tree, proc_containers_counts_containers)
{
	int before = count_containers();

	ASSERT_LE(0, before);
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	EXPECT_EQ(before + 2, count_containers());
	ASSERT_EQ(0, drop("/a/b"));
	EXPECT_EQ(before + 1, count_containers());
	ASSERT_EQ(0, drop("/a"));
	EXPECT_EQ(before, count_containers());
}

TEST_F(tree, proc_containers_counts_tracked_tasks)
{
	struct thread thread;

	EXPECT_EQ(0, count_tracked());
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(0, count_tracked());
	ASSERT_EQ(0, attach("/a", 0));
	EXPECT_EQ(1, count_tracked());
	ASSERT_EQ(0, thread_start(&thread));
	EXPECT_EQ(2, count_tracked());
	ASSERT_EQ(0, attach("", thread.tid));
	EXPECT_EQ(1, count_tracked());
	ASSERT_EQ(0, attach("", 0));
	EXPECT_EQ(0, count_tracked());
	thread_stop(&thread);
}

/* Lookups of a process that is going: each either finds a path or that it is gone. */
TEST_F(tree, lookups_race_with_exits)
{
	const char *found = "";
	pid_t pid;
	int i;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	for (i = 0; i < scaled(300); i++) {
		pid = child();
		if (pid == 0)
			_exit(0);
		do {
			found = where_is(pid);
		} while (!strcmp("/a", found));
		ASSERT_STREQ("/", found);
		ASSERT_EQ(0, reap(pid));
		found = where_is(pid);
		ASSERT_STREQ(text("error %d", ENOENT), found);
	}
}

TEST_HARNESS_MAIN
