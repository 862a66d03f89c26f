// SPDX-License-Identifier: GPL-2.0
// Tests of the tree as a filesystem: making, removing and renaming containers, modes and owners.
#include "selftest.h"

#include <sys/sysmacros.h>

static const char * const files[] = { "tasks", "notify_on_release", "release_agent" };

static mode_t mode_of(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) ? 0 : stat.st_mode;
}

static bool owned_by(const char *path, uid_t uid)
{
	struct stat stat;

	return lstat(path, &stat) == 0 && stat.st_uid == uid && stat.st_gid == uid;
}

static int entries(const char *directory)
{
	DIR *dir = opendir(directory);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int make_with_umask(const char *container, mode_t mask)
{
	umask(mask);
	return result(mkdir(text(TREE "%s", container), 0777));
}

TEST_F(tree, root_has_its_three_files)
{
	EXPECT_EQ(5, entries(TREE));
	EXPECT_EQ(S_IFDIR | 0755, mode_of(TREE));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/tasks"));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/notify_on_release"));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/release_agent"));
}

TEST_F(tree, mkdir_makes_a_container_with_all_its_files_and_no_agent)
{
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(4, entries(TREE "/a"));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/a/tasks"));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/a/notify_on_release"));
	ASSERT_EQ(0, make("/a/b"));
	EXPECT_EQ(5, entries(TREE "/a"));
	EXPECT_EQ(4, entries(TREE "/a/b"));
}

TEST_F(tree, mode_is_less_the_umask)
{
	ASSERT_EQ(0, forked(make_with_umask("/a", 0)));
	EXPECT_EQ(S_IFDIR | 0777, mode_of(TREE "/a"));
	ASSERT_EQ(0, forked(make_with_umask("/b", 0077)));
	EXPECT_EQ(S_IFDIR | 0700, mode_of(TREE "/b"));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/b/tasks"));
	EXPECT_EQ(S_IFREG | 0644, mode_of(TREE "/b/notify_on_release"));
}

TEST_F(tree, a_new_container_and_its_files_are_owned_by_the_creator)
{
	ASSERT_EQ(0, chmod(TREE, 0777));
	ASSERT_EQ(0, forked(become(SOMEBODY) ?: make("/a")));
	EXPECT_TRUE(owned_by(TREE "/a", SOMEBODY));
	EXPECT_TRUE(owned_by(TREE "/a/tasks", SOMEBODY));
	EXPECT_TRUE(owned_by(TREE "/a/notify_on_release", SOMEBODY));
	ASSERT_EQ(0, chmod(TREE, 0755));
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?: make("/b")));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: make("/a/b")));
}

TEST_F(tree, mkdir_of_what_exists_fails)
{
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-EEXIST, make("/a"));
	EXPECT_EQ(-EEXIST, make("/a/tasks"));
	EXPECT_EQ(-ENOENT, make("/b/c"));
	EXPECT_EQ(-ENOTDIR, make("/a/tasks/c"));
}

TEST_F(tree, names_have_no_newline)
{
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-EINVAL, make("/b\n"));
	EXPECT_EQ(-EINVAL, make("/\n"));
	EXPECT_EQ(-EINVAL, make("/a/b\nc"));
	EXPECT_EQ(-EINVAL, result(rename(TREE "/a", TREE "/a\nb")));
	EXPECT_TRUE(exists(TREE "/a"));
	EXPECT_EQ(6, entries(TREE));
}

TEST_F(tree, a_name_may_have_255_bytes_of_any_other_kind)
{
	char name[258] = "/";

	memset(name + 1, '\\', 255);
	ASSERT_EQ(0, make(name));
	ASSERT_EQ(0, attach(name, getpid()));
	EXPECT_STREQ(name, where_am_i());
	ASSERT_EQ(0, attach("", getpid()));
	name[256] = 'x';
	EXPECT_EQ(-ENAMETOOLONG, make(name));
	EXPECT_EQ(0, make("/ a\tb \x01\xff: *"));
}

TEST_F(tree, rmdir_of_a_container_with_tasks_is_refused)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	EXPECT_EQ(-EBUSY, drop("/a"));
	EXPECT_EQ(1, population("/a"));
	EXPECT_STREQ("/a", where_is(pid));
	ASSERT_EQ(0, end(pid));
	EXPECT_EQ(0, drop("/a"));
}

TEST_F(tree, rmdir_of_a_container_with_children_is_refused)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	EXPECT_EQ(-EBUSY, drop("/a"));
	EXPECT_EQ(0, drop("/a/b"));
	EXPECT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENOENT, drop("/a"));
}

TEST_F(tree, rmdir_takes_away_the_container_with_all_its_files)
{
	int before = entries(TREE);

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, drop("/a"));
	EXPECT_FALSE(exists(TREE "/a"));
	EXPECT_FALSE(exists(TREE "/a/tasks"));
	EXPECT_EQ(before, entries(TREE));
	EXPECT_EQ(-ENOTDIR, drop("/tasks"));
}

/* The exit of the last task against its parent's return from wait: the task is out by then. */
TEST_F(tree, rmdir_right_after_wait_works_first_time)
{
	int i;

	for (i = 0; i < scaled(500); i++) {
		ASSERT_EQ(0, make("/a"));
		ASSERT_EQ(0, forked(attach("/a", 0)));
		ASSERT_EQ(0, drop("/a")) TH_LOG("in round %d", i);
	}
}

TEST_F(tree, rmdir_right_after_the_last_task_moved_away_works_first_time)
{
	int i;

	for (i = 0; i < scaled(500); i++) {
		ASSERT_EQ(0, make("/a"));
		ASSERT_EQ(0, attach("/a", getpid()));
		ASSERT_EQ(0, attach("", getpid()));
		ASSERT_EQ(0, drop("/a")) TH_LOG("in round %d", i);
	}
}

TEST_F(tree, zombies_do_not_keep_a_container)
{
	pid_t pid;

	ASSERT_EQ(0, make("/a"));
	pid = sleeper("/a");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, wait_zombie(pid));
	EXPECT_EQ(0, drop("/a"));
	EXPECT_EQ(128 + SIGKILL, reap(pid));
}

TEST_F(tree, rename_in_the_own_parent_changes_the_path_everywhere)
{
	pid_t above, below;
	int directory;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	above = sleeper("/a");
	below = sleeper("/a/b");
	directory = open(TREE "/a/b", O_DIRECTORY | O_PATH | O_CLOEXEC);
	ASSERT_LT(0, above);
	ASSERT_LT(0, below);
	ASSERT_EQ(0, rename(TREE "/a", TREE "/a much longer name"));
	EXPECT_STREQ("/a much longer name", where_is(above));
	EXPECT_STREQ("/a much longer name/b", where_is(below));
	EXPECT_EQ(1, population("/a much longer name"));
	EXPECT_FALSE(exists(TREE "/a"));
	EXPECT_EQ(0, faccessat(directory, "../../a much longer name/b/tasks", F_OK, 0));
	ASSERT_EQ(0, rename(TREE "/a much longer name/b", TREE "/a much longer name/c"));
	EXPECT_STREQ("/a much longer name/c", where_is(below));
	ASSERT_EQ(0, rename(TREE "/a much longer name", TREE "/d"));
	EXPECT_STREQ("/d/c", where_is(below));
	close(directory);
}

TEST_F(tree, rename_of_a_file_is_refused)
{
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-ENOTDIR, result(rename(TREE "/a/tasks", TREE "/a/jobs")));
	EXPECT_EQ(-ENOTDIR, result(rename(TREE "/release_agent", TREE "/agent")));
	EXPECT_TRUE(exists(TREE "/a/tasks"));
	EXPECT_TRUE(exists(TREE "/release_agent"));
}

/* The kernel itself answers when a directory meets a file: only directories come to us. */
TEST_F(tree, rename_onto_an_existing_container_is_refused)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	EXPECT_EQ(-EEXIST, result(rename(TREE "/a", TREE "/b")));
	EXPECT_TRUE(exists(TREE "/a"));
	EXPECT_TRUE(exists(TREE "/b"));
	EXPECT_EQ(0, result(rename(TREE "/a", TREE "/a")));
}

TEST_F(tree, rename_to_another_parent_is_refused)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, make("/b/c"));
	EXPECT_EQ(-EIO, result(rename(TREE "/a", TREE "/b/a")));
	EXPECT_EQ(-EIO, result(rename(TREE "/b/c", TREE "/c")));
	EXPECT_TRUE(exists(TREE "/a"));
	EXPECT_TRUE(exists(TREE "/b/c"));
	EXPECT_EQ(-EXDEV, result(rename(TREE "/a", "/tmp/a")));
}

TEST_F(tree, containers_are_not_exchanged)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/b"));
	EXPECT_GT(0, result(renameat2(AT_FDCWD, TREE "/a", AT_FDCWD, TREE "/b", RENAME_EXCHANGE)));
	EXPECT_GT(0, result(renameat2(AT_FDCWD, TREE "/a", AT_FDCWD, TREE "/c", RENAME_WHITEOUT)));
	EXPECT_EQ(0, result(renameat2(AT_FDCWD, TREE "/a", AT_FDCWD, TREE "/c", RENAME_NOREPLACE)));
	EXPECT_TRUE(exists(TREE "/b"));
	EXPECT_TRUE(exists(TREE "/c"));
}

TEST_F(tree, files_can_be_opened_as_a_shell_does_for_its_output)
{
	static const int flags[] = { O_CREAT | O_TRUNC, O_CREAT | O_APPEND, O_TRUNC, O_APPEND };
	size_t i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			fd = open(text(TREE "/%s", files[i]), O_WRONLY | flags[j], 0666);
			EXPECT_LE(0, fd);
			EXPECT_EQ(2, write(fd, "0\n", 2));
			close(fd);
		}
	}
	EXPECT_STREQ("0", content(TREE "/release_agent"));
}

#define EXPECT_REFUSED(call) do {					\
	long __error = result(call);					\
									\
	EXPECT_TRUE(__error == -EPERM || __error == -EACCES)		\
		TH_LOG(#call " gives %ld", __error);			\
} while (0)

TEST_F(tree, nothing_but_containers_can_be_made)
{
	int before;

	ASSERT_EQ(0, make("/a"));
	before = entries(TREE "/a");
	EXPECT_REFUSED(open(TREE "/a/x", O_CREAT | O_RDWR, 0644));
	EXPECT_REFUSED(open(TREE "/a/x", O_CREAT | O_EXCL | O_WRONLY, 0644));
	EXPECT_REFUSED(symlink("tasks", TREE "/a/x"));
	EXPECT_REFUSED(link(TREE "/a/tasks", TREE "/a/x"));
	EXPECT_REFUSED(mknod(TREE "/a/x", S_IFREG | 0644, 0));
	EXPECT_REFUSED(mknod(TREE "/a/x", S_IFIFO | 0644, 0));
	EXPECT_REFUSED(mknod(TREE "/a/x", S_IFCHR | 0644, makedev(1, 3)));
	EXPECT_EQ(before, entries(TREE "/a"));
}

TEST_F(tree, files_cannot_be_unlinked)
{
	size_t i;

	ASSERT_EQ(0, make("/a"));
	EXPECT_REFUSED(unlink(TREE "/a/tasks"));
	EXPECT_REFUSED(unlink(TREE "/a/notify_on_release"));
	EXPECT_TRUE(exists(TREE "/a/tasks"));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		EXPECT_REFUSED(unlink(text(TREE "/%s", files[i])));
		EXPECT_TRUE(exists(text(TREE "/%s", files[i])));
	}
	EXPECT_EQ(-EISDIR, result(unlink(TREE "/a")));
}

TEST_F(tree, files_of_a_removed_container_cannot_be_read)
{
	char buffer[16];
	int fd, i;

	for (i = 0; i < 2; i++) {
		fd = make_removed("/a", files[i], O_RDWR);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-ENODEV, result(read(fd, buffer, sizeof(buffer))));
		EXPECT_EQ(-ENODEV, result(pread(fd, buffer, sizeof(buffer), 1000)));
		close(fd);
	}
}

TEST_F(tree, files_of_a_removed_container_cannot_be_written)
{
	int fd, i;

	for (i = 0; i < 2; i++) {
		fd = make_removed("/a", files[i], O_RDWR);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-ENODEV, result(write(fd, "0", 1)));
		close(fd);
	}
	EXPECT_STREQ("/", where_am_i());
}

TEST_F(tree, a_snapshot_of_tasks_is_gone_with_its_container)
{
	char buffer[16];
	int fd;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", getpid()));
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(1, read(fd, buffer, 1));
	ASSERT_EQ(0, attach("", getpid()));
	ASSERT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENODEV, result(read(fd, buffer, sizeof(buffer))));
	close(fd);
}

TEST_F(tree, a_new_container_of_the_same_name_is_another_one)
{
	int fd = make_removed("/a", "tasks", O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, make("/a"));
	EXPECT_EQ(-ENODEV, result(write(fd, "0", 1)));
	EXPECT_EQ(0, population("/a"));
	close(fd);
}

/* An offset beyond the end once made the length that was left a huge one. */
TEST_F(tree, reading_past_the_end_gives_nothing_at_any_offset)
{
	static const off_t beyond[] = {
		0, 1, 4095, 4096, 65536, INT_MAX, 1L + INT_MAX, UINT_MAX, 1L + UINT_MAX,
		LONG_MAX / 2, LONG_MAX - 65536,
	};
	char buffer[16384];
	size_t i, j;
	ssize_t end;
	int fd;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd = open(text(TREE "/%s", files[i]), O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		end = read_pieces(fd, buffer, sizeof(buffer), sizeof(buffer));
		ASSERT_LE(0, end);
		EXPECT_EQ(0, read(fd, buffer, sizeof(buffer)));
		for (j = 0; j < ARRAY_SIZE(beyond); j++) {
			memset(buffer, '#', sizeof(buffer));
			if (beyond[j] < LONG_MAX - end)
				EXPECT_EQ(0, pread(fd, buffer, 4096, end + beyond[j]));
			EXPECT_EQ(beyond[j], lseek(fd, beyond[j], SEEK_SET));
			if (beyond[j] >= end)
				EXPECT_EQ(0, read(fd, buffer, 4096));
			EXPECT_TRUE(beyond[j] < end || buffer[0] == '#');
		}
		close(fd);
	}
}

TEST_F(tree, a_file_can_be_read_again_from_its_beginning)
{
	char first[4096], again[4096];
	int fd;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", getpid()));
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_LT(0, read_pieces(fd, first, sizeof(first), 1));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	ASSERT_LT(0, read_pieces(fd, again, sizeof(again), sizeof(again)));
	EXPECT_STREQ(first, again);
	close(fd);
}

TEST_F(tree, modes_and_owners_last)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	ASSERT_EQ(0, chmod(TREE "/a", 01710));
	ASSERT_EQ(0, chmod(TREE "/a/b/tasks", 0600));
	ASSERT_EQ(0, chown(TREE "/a", SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, chown(TREE "/a/b/tasks", SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, chown(TREE "/notify_on_release", SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, umount(TREE));
	ASSERT_EQ(0, write_file("/proc/sys/vm/drop_caches", "3"));
	ASSERT_EQ(0, remount_tree());
	ASSERT_EQ(0, write_file("/proc/sys/vm/drop_caches", "3"));
	EXPECT_EQ(S_IFDIR | 01710, mode_of(TREE "/a"));
	EXPECT_EQ(S_IFREG | 0600, mode_of(TREE "/a/b/tasks"));
	EXPECT_TRUE(owned_by(TREE "/a", SOMEBODY));
	EXPECT_TRUE(owned_by(TREE "/a/b/tasks", SOMEBODY));
	EXPECT_TRUE(owned_by(TREE "/a/b", 0));
	EXPECT_TRUE(owned_by(TREE "/notify_on_release", SOMEBODY));
	ASSERT_EQ(0, rename(TREE "/a", TREE "/c"));
	EXPECT_EQ(S_IFDIR | 01710, mode_of(TREE "/c"));
	ASSERT_EQ(0, chown(TREE "/notify_on_release", 0, 0));
}

static int work_as_delegate(pid_t other)
{
	if (make("/a/b") || attach("/a/b", getpid()) || strcmp("/a/b", where_am_i()))
		return -EBADMSG;
	if (attach("/a", 0) || drop("/a/b") || make("/a/c"))
		return -EREMOTEIO;
	/* Only what was delegated, and only one's own tasks. */
	if (make("/b") != -EACCES || attach("", 0) != -EACCES || drop("/a") != -EACCES)
		return -EDOM;
	if (rename(TREE "/a", TREE "/b") == 0 || write_file(TREE "/a/notify_on_release", "1") == 0)
		return -EXDEV;
	if (chown(TREE "/a/c", 0, 0) == 0 || chmod(TREE, 0777) == 0)
		return -EUCLEAN;
	return attach("/a", other) == -EACCES ? 0 : -ESTALE;
}

TEST_F(tree, a_container_can_be_delegated_to_a_user)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, chown(TREE "/a", SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, chown(TREE "/a/tasks", SOMEBODY, SOMEBODY));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: work_as_delegate(getppid())));
	EXPECT_STREQ("/", where_am_i());
}

TEST_HARNESS_MAIN
