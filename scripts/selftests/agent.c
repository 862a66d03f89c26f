// SPDX-License-Identifier: GPL-2.0
// Tests of the file release_agent: who may say which program the kernel runs, and what it holds.
#include "selftest.h"

#include <linux/capability.h>

#define FIRST "/sbin/first"

FIXTURE(agent)
{
};

FIXTURE_SETUP(agent)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, write_file(TREE "/release_agent", FIRST));
}

FIXTURE_TEARDOWN(agent)
{
	EXPECT_EQ(0, chmod(TREE "/release_agent", 0644));
	EXPECT_EQ(0, clear_tree());
}

static int stay_root(void)
{
	return 0;
}

static int become_nobody(void)
{
	return become(NOBODY);
}

static int lose_capability(void)
{
	return drop_capability(CAP_SYS_ADMIN);
}

/* The ways to be: the first may set the agent, no other may. */
static int (* const ways[])(void) = {
	stay_root, become_nobody, lose_capability, enter_user_namespace,
};

#define NO_FD 64

/* Opens the file in a child that shares our open files. */
static int open_by(int (*way)(void))
{
	pid_t pid = fork_with(CLONE_FILES);
	int fd, error;

	if (pid == 0) {
		error = way();
		fd = error ? error : result(open(TREE "/release_agent", O_RDWR));
		_exit(fd < 0 ? NO_FD - fd : fd);
	}
	fd = reap(pid);
	return fd < NO_FD ? fd : NO_FD - fd;
}

static int write_by(int (*way)(void), int fd, const char *agent)
{
	long error = way() ?: result(write(fd, agent, strlen(agent)));

	return error < 0 ? error : 0;
}

TEST_F(agent, what_is_written_is_read)
{
	EXPECT_STREQ(FIRST, content(TREE "/release_agent"));
	EXPECT_EQ(0, write_file(TREE "/release_agent", "/bin/second one\n"));
	EXPECT_STREQ("/bin/second one", content(TREE "/release_agent"));
	EXPECT_EQ(0, write_file(TREE "/release_agent", "\n"));
	EXPECT_STREQ("", content(TREE "/release_agent"));
}

TEST_F(agent, only_the_root_has_one)
{
	ASSERT_EQ(0, make("/a"));
	EXPECT_FALSE(exists(TREE "/a/release_agent"));
}

TEST_F(agent, a_path_of_4095_bytes_is_taken_whole)
{
	char path[PATH_MAX] = "/", seen[2 * PATH_MAX];

	memset(path + 1, 'p', PATH_MAX - 2);
	ASSERT_EQ(PATH_MAX - 1, strlen(path));
	EXPECT_EQ(0, write_bytes(TREE "/release_agent", path, PATH_MAX - 1));
	EXPECT_LE(PATH_MAX - 1, read_file(TREE "/release_agent", seen, sizeof(seen)));
	EXPECT_EQ(0, memcmp(path, seen, PATH_MAX - 1));
}

TEST_F(agent, a_path_of_4096_bytes_or_more_is_refused)
{
	static const size_t lengths[] = { PATH_MAX, PATH_MAX + 1, 65536 };
	char path[65536];
	size_t i;

	memset(path, '/', sizeof(path));
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		EXPECT_EQ(-E2BIG, write_bytes(TREE "/release_agent", path, lengths[i]));
	EXPECT_STREQ(FIRST, content(TREE "/release_agent"));
}

TEST_F(agent, opener_and_writer_must_have_the_capability)
{
	size_t opener, writer;
	int fd, error;

	ASSERT_EQ(0, chmod(TREE "/release_agent", 0666));
	for (opener = 0; opener < ARRAY_SIZE(ways); opener++) {
		for (writer = 0; writer < ARRAY_SIZE(ways); writer++) {
			fd = open_by(ways[opener]);
			error = fd < 0 ? fd : forked(write_by(ways[writer], fd, "/bin/evil"));
			EXPECT_EQ(opener || writer ? -EPERM : 0, error)
				TH_LOG("opener %zu, writer %zu", opener, writer);
			close(fd);
			EXPECT_STREQ(opener || writer ? FIRST : "/bin/evil",
				     content(TREE "/release_agent"));
			ASSERT_EQ(0, write_file(TREE "/release_agent", FIRST));
		}
	}
}

TEST_F(agent, without_the_right_to_open_it_cannot_be_set)
{
	EXPECT_EQ(-EACCES, forked(become_nobody() ?: write_file(TREE "/release_agent", "/x")));
	EXPECT_STREQ(FIRST, content(TREE "/release_agent"));
}

/* Its owner may change its mode and open it, and still may not set it. */
TEST_F(agent, its_owner_is_not_enough)
{
	ASSERT_EQ(0, chown(TREE "/release_agent", NOBODY, NOBODY));
	EXPECT_EQ(-EPERM, forked(become_nobody() ?: write_file(TREE "/release_agent", "/x")));
	ASSERT_EQ(0, chown(TREE "/release_agent", 0, 0));
	EXPECT_STREQ(FIRST, content(TREE "/release_agent"));
}

TEST_F(agent, everybody_may_read_it)
{
	char buffer[64];

	EXPECT_EQ(0, forked(become_nobody() ?:
			    read_file(TREE "/release_agent", buffer, sizeof(buffer)) > 0 ? 0 : -1));
}

static int remount_by(int (*way)(void))
{
	return way() ?: result(mount(NULL, TREE, NULL, MS_REMOUNT, "release_agent=/bin/evil"));
}

TEST_F(agent, a_remount_needs_the_capability_too)
{
	size_t i;

	for (i = 1; i < ARRAY_SIZE(ways); i++)
		EXPECT_EQ(-EPERM, forked(remount_by(ways[i])));
	EXPECT_STREQ(FIRST, content(TREE "/release_agent"));
}

TEST_HARNESS_MAIN
