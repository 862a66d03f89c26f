// SPDX-License-Identifier: GPL-2.0
// Tests of modes and owners, of delegation by them, and of what files cannot be used for.
#include "selftest.h"

#include <grp.h>
#include <sys/statfs.h>

#define GROUP 4321

static mode_t mode_of(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) ? 0 : stat.st_mode & 07777;
}

static gid_t group_of(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) ? (gid_t)-1 : stat.st_gid;
}

TEST_F(tree, mkdir_mode_less_the_umask)
{
	static const struct {
		mode_t mode, umask, expected;
	} cases[] = {
		{ 0777, 022, 0755 }, { 0777, 0, 0777 }, { 0770, 0, 0770 }, { 0770, 007, 0770 },
		{ 0770, 027, 0750 }, { 0700, 022, 0700 }, { 0000, 0, 0000 }, { 0711, 077, 0700 },
		{ 01777, 0, 01777 }, { 01777, 022, 01755 }, { 06777, 0, 0777 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		umask(cases[i].umask);
		ASSERT_EQ(0, mkdir(TREE "/a", cases[i].mode));
		EXPECT_EQ(cases[i].expected, mode_of(TREE "/a")) TH_LOG("case %zu", i);
		EXPECT_EQ(0644, mode_of(TREE "/a/tasks")) TH_LOG("case %zu", i);
		ASSERT_EQ(0, rmdir(TREE "/a"));
	}
	umask(022);
}

/* Becomes a user with a supplementary group alone. */
static int become_member(uid_t uid, gid_t group)
{
	if (setgroups(1, &group) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -errno;
	return result(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

static int member_makes(mode_t mode, const char *container)
{
	umask(007);
	return become_member(SOMEBODY, GROUP) ?:
	       result(mkdir(text(TREE "%s", container), mode));
}

static int member_drops(uid_t uid, const char *container)
{
	return become_member(uid, GROUP) ?: drop(container);
}

TEST_F(tree, group_is_delegated_a_directory)
{
	umask(0);
	ASSERT_EQ(0, mkdir(TREE "/g", 0770));
	ASSERT_EQ(0, chown(TREE "/g", 0, GROUP));
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: make("/g/a")));
	EXPECT_EQ(0, forked(member_makes(0770, "/g/a")));
	EXPECT_EQ(0770, mode_of(TREE "/g/a"));
	EXPECT_EQ(SOMEBODY, group_of(TREE "/g/a"));
	EXPECT_EQ(0644, mode_of(TREE "/g/a/tasks"));
	EXPECT_EQ(0, forked(member_drops(NOBODY, "/g/a")));
}

TEST_F(tree, setgid_directory_gives_its_group)
{
	struct stat stat;

	umask(0);
	ASSERT_EQ(0, mkdir(TREE "/g", 0770));
	ASSERT_EQ(0, chown(TREE "/g", 0, GROUP));
	ASSERT_EQ(0, chmod(TREE "/g", 02770));
	EXPECT_EQ(0, forked(member_makes(0770, "/g/a")));
	EXPECT_EQ(02770, mode_of(TREE "/g/a"));
	EXPECT_EQ(GROUP, group_of(TREE "/g/a"));
	ASSERT_EQ(0, lstat(TREE "/g/a/tasks", &stat));
	EXPECT_EQ(S_IFREG | 0644, stat.st_mode);
	EXPECT_EQ(SOMEBODY, stat.st_uid);
	EXPECT_EQ(GROUP, stat.st_gid);
	/* All of the group may work in it, and what they make is the group's again. */
	EXPECT_EQ(0, forked(become_member(NOBODY, GROUP) ?: make("/g/a/b")));
	EXPECT_EQ(GROUP, group_of(TREE "/g/a/b/tasks"));
	EXPECT_EQ(0, forked(member_drops(NOBODY, "/g/a/b")));
	EXPECT_EQ(0, forked(member_drops(NOBODY, "/g/a")));
}

TEST_F(tree, sticky_directory_protects_its_entries)
{
	umask(0);
	ASSERT_EQ(0, mkdir(TREE "/s", 01777));
	EXPECT_EQ(0, forked(member_makes(0777, "/s/a")));
	EXPECT_EQ(-EPERM, forked(become(NOBODY) ?: drop("/s/a")));
	EXPECT_EQ(-EPERM, forked(become(NOBODY) ?: result(rename(TREE "/s/a", TREE "/s/b"))));
	EXPECT_EQ(0, forked(member_drops(SOMEBODY, "/s/a")));
}

TEST_F(tree, file_cannot_be_executed)
{
	int mark;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, chmod(TREE "/a/tasks", 0755));
	mark = log_mark();
	EXPECT_EQ(-EACCES, forked(result(execl(TREE "/a/tasks", "tasks", NULL))));
	EXPECT_EQ(-EACCES, forked(result(execl(TREE "/a", "a", NULL))));
	EXPECT_FALSE(log_has(mark, "kernel read not supported", ""));
}

static int map(const char *path, int protection, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *memory = mmap(NULL, 4096, protection, flags, fd, 0);
	int error = memory == MAP_FAILED ? -errno : 0;

	close(fd);
	return error;
}

TEST_F(tree, file_cannot_be_mapped)
{
	EXPECT_EQ(-ENODEV, map(TREE "/tasks", PROT_READ, MAP_PRIVATE));
	EXPECT_EQ(-ENODEV, map(TREE "/tasks", PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(-EPERM, map(TREE "/tasks", PROT_READ | PROT_EXEC, MAP_PRIVATE));
}

TEST_F(tree, nothing_but_directories_is_made)
{
	EXPECT_EQ(-EACCES, result(open(TREE "/x", O_CREAT | O_RDWR | O_CLOEXEC, 0600)));
	EXPECT_EQ(-EOPNOTSUPP, result(open(TREE, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)));
	EXPECT_EQ(-EPERM, result(mknod(TREE "/x", S_IFCHR | 0600, 0x103)));
	EXPECT_EQ(-EPERM, result(symlink("tasks", TREE "/x")));
	EXPECT_EQ(-EPERM, result(link(TREE "/tasks", TREE "/x")));
	EXPECT_EQ(-EPERM, result(unlink(TREE "/tasks")));
}

TEST_F(tree, directory_belongs_to_its_new_owner)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, chown(TREE "/a", SOMEBODY, SOMEBODY));
	EXPECT_EQ(-EPERM, forked(become(NOBODY) ?: result(chmod(TREE "/a", 0777))));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: result(chmod(TREE "/a", 0700))));
	EXPECT_EQ(0700, mode_of(TREE "/a"));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: make("/a/b")));
	/* Its files are still those of the user that made it. */
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?:
				  write_file(TREE "/a/notify_on_release", "1")));
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: write_file(TREE "/a/b/notify_on_release", "1")));
}

TEST_HARNESS_MAIN
