// SPDX-License-Identifier: GPL-2.0
// Tests of the files of subsystems: one of every kind that the public header knows.
#include "selftest.h"
#include "recorder.h"

#include <poll.h>

/* The recording subsystem alpha is bound to a tree that has a container. */
FIXTURE(files)
{
};

FIXTURE_SETUP(files)
{
	ASSERT_EQ(0, recorder_begin());
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	ASSERT_EQ(0, make_at(ONE "/a"));
}

FIXTURE_TEARDOWN(files)
{
	EXPECT_EQ(0, recorder_end());
}

#define FILE_OF(name) ONE "/a/alpha." name

static int open_file(const char *path, int flags)
{
	return result(open(path, flags | O_CLOEXEC));
}

static int count_open(void)
{
	return number(RECORDER_PARAMETER("open_files"));
}

TEST_F(files, a_number_is_written_and_read)
{
	static const char * const numbers[] = {
		"0", "1", "42", "18446744073709551615", "007", " 5", "6 ", "\t7\n",
	};
	static const char * const shown[] = {
		"0", "1", "42", "18446744073709551615", "7", "5", "6", "7",
	};
	size_t i;

	EXPECT_STREQ("0", content(FILE_OF("value")));
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(0, write_file(FILE_OF("value"), "%s", numbers[i])) TH_LOG("%zu", i);
		EXPECT_STREQ(shown[i], content(FILE_OF("value")));
	}
}

TEST_F(files, what_is_no_number_is_refused)
{
	static const char * const texts[] = {
		"", " ", "-1", "+1", "0x10", "5 6", "5a", "a", "\n", "18446744073709551616", "1.0",
	};
	size_t i;

	ASSERT_EQ(0, write_file(FILE_OF("value"), "3"));
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (*texts[i])
			EXPECT_EQ(-EINVAL, write_file(FILE_OF("value"), "%s", texts[i]))
				TH_LOG("%zu", i);
	EXPECT_EQ(-EINVAL, write_bytes(FILE_OF("value"), "1\0002", 3));
	EXPECT_STREQ("3", content(FILE_OF("value")));
}

TEST_F(files, an_error_of_the_subsystem_is_passed_on)
{
	char buffer[64];

	EXPECT_EQ(-EDOM, write_file(FILE_OF("value"), "13"));
	EXPECT_EQ(-EDOM, write_file(FILE_OF("text"), "thirteen"));
	EXPECT_EQ(-EDOM, read_file(FILE_OF("broken"), buffer, sizeof(buffer)));
}

TEST_F(files, each_container_and_subsystem_has_its_own)
{
	ASSERT_EQ(0, make_at(ONE "/b"));
	ASSERT_EQ(0, mount_rcfs(TWO, "beta"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	ASSERT_EQ(0, write_file(ONE "/alpha.value", "1"));
	ASSERT_EQ(0, write_file(ONE "/a/alpha.value", "2"));
	ASSERT_EQ(0, write_file(ONE "/b/alpha.value", "3"));
	ASSERT_EQ(0, write_file(TWO "/a/beta.value", "4"));
	EXPECT_STREQ("1", content(ONE "/alpha.value"));
	EXPECT_STREQ("2", content(ONE "/a/alpha.value"));
	EXPECT_STREQ("3", content(ONE "/b/alpha.value"));
	EXPECT_STREQ("4", content(TWO "/a/beta.value"));
	EXPECT_FALSE(exists(ONE "/a/beta.value"));
	EXPECT_FALSE(exists(ONE "/a/value"));
	EXPECT_FALSE(exists(ONE "/a/alpha."));
	EXPECT_FALSE(exists(ONE "/a/alpha"));
	EXPECT_FALSE(exists(ONE "/a/alpha_value"));
}

TEST_F(files, a_text_is_written_and_shown)
{
	EXPECT_STREQ("[] 42", content(FILE_OF("text")));
	EXPECT_EQ(0, write_file(FILE_OF("text"), " hello world\n"));
	EXPECT_STREQ("[hello world] 42", content(FILE_OF("text")));
}

TEST_F(files, a_text_of_4095_bytes_is_taken_and_one_of_4096_is_not)
{
	char bytes[PATH_MAX];

	memset(bytes, 'x', sizeof(bytes));
	EXPECT_EQ(0, write_bytes(FILE_OF("text"), bytes, PATH_MAX - 1));
	EXPECT_EQ(-E2BIG, write_bytes(FILE_OF("text"), bytes, PATH_MAX));
}

TEST_F(files, a_file_may_take_less)
{
	EXPECT_EQ(0, write_file(FILE_OF("short"), "12345678"));
	EXPECT_EQ(-E2BIG, write_file(FILE_OF("short"), "123456789"));
	EXPECT_STREQ("[12345678] 0", content(FILE_OF("short")));
}

TEST_F(files, a_long_file_is_read_in_pieces_of_any_size)
{
	static const size_t pieces[] = { 1 << 20, 4096, 1000, 7 };
	static char whole[1 << 18], pieced[1 << 18];
	ssize_t length;
	size_t i;
	int fd;

	length = read_file(FILE_OF("long"), whole, sizeof(whole));
	ASSERT_LT(100000, length);
	EXPECT_EQ(0, strncmp(whole, "0\n1\n2\n", 6));
	EXPECT_STREQ("\n19999\n", whole + length - 7);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		fd = open_file(FILE_OF("long"), O_RDONLY);
		ASSERT_EQ(length, read_pieces(fd, pieced, sizeof(pieced), pieces[i]));
		EXPECT_EQ(0, memcmp(whole, pieced, length));
		close(fd);
	}
	fd = open_file(FILE_OF("long"), O_RDONLY);
	EXPECT_EQ(3, pread(fd, pieced, 3, 2));
	EXPECT_EQ(0, memcmp("1\n2", pieced, 3));
	EXPECT_EQ(0, pread(fd, pieced, 100, length));
	EXPECT_EQ(0, pread(fd, pieced, 100, 1L << 40));
	close(fd);
}

TEST_F(files, a_read_from_0_is_new)
{
	char buffer[64] = "";
	int fd = open_file(FILE_OF("value"), O_RDWR);
	int shown = open_file(FILE_OF("text"), O_RDONLY);

	EXPECT_EQ(2, read(fd, buffer, sizeof(buffer)));
	EXPECT_EQ(6, read(shown, buffer, sizeof(buffer) - 1));
	ASSERT_EQ(0, write_file(FILE_OF("value"), "123"));
	ASSERT_EQ(0, write_file(FILE_OF("text"), "x"));
	EXPECT_EQ(4, pread(fd, buffer, sizeof(buffer), 0));
	EXPECT_EQ(0, memcmp("123\n", buffer, 4));
	EXPECT_EQ(0, lseek(shown, 0, SEEK_SET));
	EXPECT_EQ(7, read(shown, buffer, sizeof(buffer)));
	EXPECT_EQ(0, memcmp("[x] 42\n", buffer, 7));
	EXPECT_EQ(2, pwrite(fd, "7\n", 2, 100));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(2, read(fd, buffer, sizeof(buffer)));
	EXPECT_EQ(0, memcmp("7\n", buffer, 2));
	close(fd);
	close(shown);
}

TEST_F(files, one_trailing_nul_is_accepted)
{
	EXPECT_EQ(0, write_bytes(FILE_OF("value"), "7\0", 2));
	EXPECT_STREQ("7", content(FILE_OF("value")));
	EXPECT_EQ(-EINVAL, write_bytes(FILE_OF("value"), "8\0\0", 3));
	EXPECT_EQ(-EINVAL, write_bytes(FILE_OF("value"), "8\0008", 3));
	EXPECT_EQ(0, write_bytes(FILE_OF("text"), "hello\0", 6));
	EXPECT_STREQ("[hello] 42", content(FILE_OF("text")));
}

TEST_F(files, raw_reading_and_writing_are_all_up_to_the_subsystem)
{
	char buffer[128], bytes[100];
	int fd = open_file(FILE_OF("raw"), O_RDWR);

	ASSERT_LE(0, fd);
	memset(bytes, 'x', sizeof(bytes));
	EXPECT_EQ(5, write(fd, "he\0lo", 5));
	EXPECT_EQ(4, read(fd, buffer, sizeof(buffer)));
	EXPECT_EQ(0, memcmp("1:he", buffer, 4));
	EXPECT_EQ(0, read(fd, buffer, sizeof(buffer)));
	/* It takes a part. */
	EXPECT_EQ(63, write(fd, bytes, sizeof(bytes)));
	EXPECT_EQ(65, pread(fd, buffer, sizeof(buffer), 0));
	EXPECT_EQ(3, pread(fd, buffer, 3, 1));
	EXPECT_EQ(0, memcmp(":xx", buffer, 3));
	EXPECT_EQ(-EFAULT, result(syscall(SYS_write, fd, NULL, 5)));
	close(fd);
}

TEST_F(files, a_poll_waits_for_the_subsystem)
{
	struct pollfd ready = { .events = POLLIN };
	pid_t pid;

	ready.fd = open_file(FILE_OF("raw"), O_RDONLY);
	ASSERT_LE(0, ready.fd);
	EXPECT_EQ(0, poll(&ready, 1, 0));
	pid = child();
	if (pid == 0)
		_exit(-write_file(FILE_OF("raw"), "now"));
	EXPECT_EQ(1, poll(&ready, 1, -1));
	EXPECT_EQ(POLLIN, ready.revents);
	EXPECT_EQ(0, reap(pid));
	close(ready.fd);
}

TEST_F(files, without_a_poll_a_file_is_always_ready)
{
	struct pollfd ready = { .events = POLLIN | POLLOUT };

	ready.fd = open_file(FILE_OF("value"), O_RDWR);
	ASSERT_LE(0, ready.fd);
	EXPECT_EQ(1, poll(&ready, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, ready.revents);
	close(ready.fd);
}

TEST_F(files, what_was_opened_is_released_once)
{
	static const char * const names[] = { FILE_OF("raw"), FILE_OF("counted") };
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i, j;
	int fd, copy;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			fd = open_file(names[i], flags[j]);
			ASSERT_LE(0, fd);
			EXPECT_EQ(1, count_open());
			copy = dup(fd);
			close(fd);
			EXPECT_EQ(1, count_open());
			close(copy);
			EXPECT_EQ(0, count_open());
		}
	}
	EXPECT_STREQ("[] 0", content(FILE_OF("counted")));
	EXPECT_EQ(0, count_open());
}

TEST_F(files, what_was_refused_is_not_released)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_EQ(-EDOM, open_file(FILE_OF("refusing"), flags[i]));
	EXPECT_EQ(0, count_open());
	EXPECT_EQ(0, rmdir(ONE "/a"));
	EXPECT_STREQ("1,1", recorder_has("states"));
}

TEST_F(files, what_cannot_be_read_or_written_says_so)
{
	char buffer[16];

	EXPECT_EQ(-EINVAL, read_file(FILE_OF("nothing"), buffer, sizeof(buffer)));
	EXPECT_EQ(-EINVAL, write_file(FILE_OF("nothing"), "1"));
	EXPECT_EQ(-EINVAL, read_file(FILE_OF("write_only"), buffer, sizeof(buffer)));
	EXPECT_EQ(0, write_file(FILE_OF("write_only"), "1"));
	EXPECT_EQ(-EINVAL, write_file(FILE_OF("read_only"), "2"));
	EXPECT_STREQ("1", content(FILE_OF("read_only")));
}

TEST_F(files, a_file_may_be_in_roots_alone_or_in_no_root)
{
	EXPECT_TRUE(exists(ONE "/alpha.root"));
	EXPECT_FALSE(exists(ONE "/a/alpha.root"));
	EXPECT_FALSE(exists(ONE "/alpha.not_root"));
	EXPECT_TRUE(exists(ONE "/a/alpha.not_root"));
	EXPECT_EQ(1, entries_named(ONE, "alpha.root"));
	EXPECT_EQ(0, entries_named(ONE, "alpha.not_root"));
	EXPECT_EQ(0, entries_named(ONE "/a", "alpha.root"));
	EXPECT_EQ(1, entries_named(ONE "/a", "alpha.not_root"));
}

TEST_F(files, populate_may_add_files_to_a_container)
{
	ASSERT_EQ(0, write_file(RECORDER_PARAMETER("add_files"), "1"));
	ASSERT_EQ(0, make_at(ONE "/b"));
	EXPECT_EQ(1, entries_named(ONE "/b", "alpha.added"));
	EXPECT_EQ(0, write_file(ONE "/b/alpha.added", "5"));
	EXPECT_STREQ("5", content(ONE "/b/alpha.value"));
	EXPECT_FALSE(exists(ONE "/b/alpha.added_to_root"));
	EXPECT_FALSE(exists(ONE "/a/alpha.added"));
	EXPECT_FALSE(exists(ONE "/alpha.added"));
	ASSERT_EQ(0, mount_rcfs(TWO, "beta"));
	EXPECT_TRUE(exists(TWO "/beta.added"));
	EXPECT_TRUE(exists(TWO "/beta.added_to_root"));
	ASSERT_EQ(0, umount(TWO));
	ASSERT_EQ(0, write_file(RECORDER_PARAMETER("add_files"), "0"));
	ASSERT_EQ(0, mount_rcfs(TWO, "beta"));
	EXPECT_FALSE(exists(TWO "/beta.added"));
	EXPECT_EQ(0, rmdir(ONE "/b"));
}

TEST_F(files, of_several_ways_to_read_and_to_write_the_first_is_used)
{
	EXPECT_EQ(0, write_file(FILE_OF("ways"), "7"));
	EXPECT_STREQ("[7] 0", content(FILE_OF("ways")));
	EXPECT_STREQ("0", content(FILE_OF("value")));
}

/* Does a file list these tasks, in any order, and no other? 0 is none. */
static bool lists(const char *path, pid_t first, pid_t second, pid_t third)
{
	const pid_t pids[] = { first, second, third };
	struct ids ids;
	size_t i, nr = 0;
	bool all = true;

	if (ids_read(&ids, path))
		return false;
	ids_sort(&ids);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		nr += pids[i] != 0;
		all = all && (!pids[i] || ids_have(&ids, pids[i]));
	}
	all = all && ids.count == nr;
	ids_free(&ids);
	return all;
}

TEST_F(files, a_subsystem_can_visit_the_tasks_of_a_container)
{
	pid_t first, second, third;

	ASSERT_EQ(0, make_at(ONE "/a/b"));
	ASSERT_EQ(0, make_at(ONE "/a/b/c"));
	first = sleeper_in(ONE "/a", NULL);
	second = sleeper_in(ONE "/a/b", NULL);
	third = sleeper_in(ONE "/a/b/c", NULL);
	ASSERT_TRUE(first > 0 && second > 0 && third > 0);
	EXPECT_STREQ(text("%d", first), content(FILE_OF("tasks")));
	EXPECT_TRUE(lists(FILE_OF("all_tasks"), first, second, third));
	EXPECT_STREQ(text("%d", second), content(ONE "/a/b/alpha.tasks"));
	EXPECT_TRUE(lists(ONE "/a/b/alpha.all_tasks", second, third, 0));
	EXPECT_TRUE(file_has(ONE "/alpha.tasks", text("%d\n", getpid())));
	EXPECT_FALSE(file_has(ONE "/alpha.tasks", text("%d\n", third)));
	EXPECT_TRUE(file_has(ONE "/alpha.all_tasks", text("%d\n", third)));
	ASSERT_EQ(0, enter(ONE, second));
	EXPECT_TRUE(lists(FILE_OF("all_tasks"), first, third, 0));
}

TEST_F(files, the_files_of_a_removed_container_are_dead)
{
	static const char * const names[] = {
		"value", "text", "raw", "counted", "long", "tasks", "nothing", "read_only",
	};
	struct pollfd ready = { .events = POLLIN };
	int fds[ARRAY_SIZE(names)];
	char buffer[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		fds[i] = open_file(text(FILE_OF("%s"), names[i]), O_RDWR);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, rmdir(ONE "/a"));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-ENODEV, result(read(fds[i], buffer, sizeof(buffer))));
		EXPECT_EQ(-ENODEV, result(write(fds[i], "1", 1)));
		ready.fd = fds[i];
		EXPECT_EQ(1, poll(&ready, 1, 0));
		close(fds[i]);
	}
	EXPECT_EQ(0, count_open());
	EXPECT_STREQ("1,1", recorder_has("states"));
	EXPECT_EQ(-ENOENT, open_file(FILE_OF("value"), O_RDONLY));
}

TEST_F(files, owners_and_modes_are_kept)
{
	struct stat stat;

	ASSERT_EQ(0, lstat(FILE_OF("value"), &stat));
	EXPECT_EQ(S_IFREG | 0644, stat.st_mode);
	ASSERT_EQ(0, chmod(FILE_OF("value"), 0600));
	ASSERT_EQ(0, chown(FILE_OF("text"), SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, write_file("/proc/sys/vm/drop_caches", "3"));
	ASSERT_EQ(0, lstat(FILE_OF("value"), &stat));
	EXPECT_EQ(S_IFREG | 0600, stat.st_mode);
	EXPECT_EQ(0, forked(become(SOMEBODY) ?: write_file(FILE_OF("text"), "mine")));
	EXPECT_STREQ("[mine] 42", content(FILE_OF("text")));
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?: write_file(FILE_OF("value"), "1")));
}

/* Opens, writes, reads and closes a file; what has come of it */
static int use_file(const char *path)
{
	int fd = open_file(path, O_RDWR), error;
	char buffer[64];

	if (fd < 0)
		return fd;
	error = result(write(fd, "x", 1));
	if (error > 0)
		error = result(read(fd, buffer, sizeof(buffer)));
	close(fd);
	return error > 0 ? 0 : error;
}

TEST_F(files, using_them_races_with_removing_their_container)
{
	pid_t pid;
	int i, error;

	pid = child();
	if (pid == 0) {
		do {
			error = use_file(FILE_OF("raw"));
		} while (!error || error == -ENOENT || error == -ENODEV);
		_exit(1);
	}
	for (i = 0; i < scaled(1000); i++) {
		ASSERT_EQ(0, rmdir(ONE "/a"));
		ASSERT_EQ(0, make_at(ONE "/a"));
	}
	EXPECT_EQ(0, end(pid));
	EXPECT_EQ(0, count_open());
	EXPECT_STREQ("2,1", recorder_has("states"));
}

TEST_HARNESS_MAIN
