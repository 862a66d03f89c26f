// SPDX-License-Identifier: GPL-2.0
// Tests of the inodes of files: each file has one, and what belongs to it outlives the caches.
#include "rcfstest.h"

#include <stdatomic.h>
#include <sys/file.h>
#include <sys/inotify.h>

/* The events that wait in an inotify instance, all masks in one */
static unsigned int events(int notify)
{
	/* Events of files have no names. */
	struct inotify_event event[64];
	unsigned int mask = 0;
	ssize_t length, i;

	while ((length = read(notify, event, sizeof(event))) > 0)
		for (i = 0; i < length / (ssize_t)sizeof(*event); i++)
			mask |= event[i].mask;
	return mask;
}

static ino_t inode_of(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) ? 0 : stat.st_ino;
}

TEST_F(tree, watch_outlives_the_caches)
{
	int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), i;

	ASSERT_EQ(0, make("/a"));
	ASSERT_LE(0, inotify_add_watch(notify, TREE "/a/notify_on_release", IN_MODIFY));
	for (i = 0; i < 5; i++) {
		forget_caches();
		ASSERT_EQ(0, write_file(TREE "/a/notify_on_release", "%d", i % 2));
		EXPECT_EQ(IN_MODIFY, events(notify)) TH_LOG("round %d", i);
	}
}

TEST_F(tree, each_file_keeps_its_watch)
{
	static const char * const files[] = { "tasks", "notify_on_release", "release_agent" };
	int notify[ARRAY_SIZE(files)];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		notify[i] = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		ASSERT_LE(0, inotify_add_watch(notify[i], text(TREE "/%s", files[i]), IN_OPEN));
	}
	forget_caches();
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		close(open(text(TREE "/%s", files[i]), O_RDONLY | O_CLOEXEC));
		for (j = 0; j < ARRAY_SIZE(files); j++)
			EXPECT_EQ(i == j ? IN_OPEN : 0, events(notify[j])) TH_LOG("%s", files[i]);
	}
}

TEST_F(tree, new_container_has_new_inodes)
{
	int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ino_t old;

	ASSERT_EQ(0, make("/a"));
	old = inode_of(TREE "/a/tasks");
	ASSERT_LE(0, inotify_add_watch(notify, TREE "/a/tasks", IN_MODIFY | IN_OPEN));
	ASSERT_EQ(0, drop("/a"));
	events(notify);
	ASSERT_EQ(0, make("/a"));
	EXPECT_NE(old, inode_of(TREE "/a/tasks"));
	EXPECT_EQ(0, attach("/a", 0));
	EXPECT_EQ(0, events(notify));
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_attributes(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_gid == b->st_gid && a->st_nlink == b->st_nlink &&
	       same_time(&a->st_atim, &b->st_atim) && same_time(&a->st_mtim, &b->st_mtim) &&
	       same_time(&a->st_ctim, &b->st_ctim);
}

TEST_F(tree, attributes_outlive_the_caches)
{
	const struct timespec times[] = { { 1000000000, 1 }, { 2000000000, 999999999 } };
	static const char * const files[] = { "/a", "/a/tasks", "/a/notify_on_release" };
	struct stat before, after;
	size_t i;

	ASSERT_EQ(0, make("/a"));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_EQ(0, lstat(text(TREE "%s", files[i]), &before));
		forget_caches();
		/* The clock of files ticks. */
		usleep(20000);
		ASSERT_EQ(0, lstat(text(TREE "%s", files[i]), &after));
		EXPECT_TRUE(same_attributes(&before, &after)) TH_LOG("new %s", files[i]);
		ASSERT_EQ(0, utimensat(AT_FDCWD, text(TREE "%s", files[i]), times, 0));
		ASSERT_EQ(0, chmod(text(TREE "%s", files[i]), 0640));
		ASSERT_EQ(0, chown(text(TREE "%s", files[i]), SOMEBODY, NOBODY));
		ASSERT_EQ(0, lstat(text(TREE "%s", files[i]), &before));
		EXPECT_TRUE(same_time(&times[0], &before.st_atim));
		EXPECT_TRUE(same_time(&times[1], &before.st_mtim));
		forget_caches();
		ASSERT_EQ(0, lstat(text(TREE "%s", files[i]), &after));
		EXPECT_TRUE(same_attributes(&before, &after)) TH_LOG("changed %s", files[i]);
	}
	/* They go with the container. */
	ASSERT_EQ(0, drop("/a"));
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, lstat(TREE "/a/tasks", &after));
	EXPECT_EQ(S_IFREG | 0644, after.st_mode);
	EXPECT_EQ(0, after.st_uid);
}

TEST_F(tree, truncation_changes_no_times)
{
	struct stat before, after;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, lstat(TREE "/a/notify_on_release", &before));
	ASSERT_EQ(0, truncate(TREE "/a/notify_on_release", 0));
	close(open(TREE "/a/notify_on_release", O_WRONLY | O_TRUNC | O_CLOEXEC));
	ASSERT_EQ(0, lstat(TREE "/a/notify_on_release", &after));
	EXPECT_TRUE(same_attributes(&before, &after));
}

TEST_F(tree, directory_changes_set_its_times)
{
	const struct timespec old[] = { { 1, 0 }, { 1, 0 } };
	struct stat stat;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, utimensat(AT_FDCWD, TREE, old, 0));
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, lstat(TREE, &stat));
	EXPECT_LT(1, stat.st_mtim.tv_sec);
	ASSERT_EQ(0, utimensat(AT_FDCWD, TREE, old, 0));
	ASSERT_EQ(0, drop("/b"));
	ASSERT_EQ(0, lstat(TREE, &stat));
	EXPECT_LT(1, stat.st_mtim.tv_sec);
	ASSERT_EQ(0, utimensat(AT_FDCWD, TREE, old, 0));
	ASSERT_EQ(0, utimensat(AT_FDCWD, TREE "/a", old, 0));
	ASSERT_EQ(0, rename(TREE "/a", TREE "/c"));
	ASSERT_EQ(0, lstat(TREE, &stat));
	EXPECT_LT(1, stat.st_mtim.tv_sec);
	ASSERT_EQ(0, lstat(TREE "/c", &stat));
	EXPECT_EQ(1, stat.st_mtim.tv_sec);
}

/* Whether the numbers of a directory's entries are those of lookups, and no two are the same */
static bool numbers_are_right(const char *directory)
{
	DIR *dir = opendir(directory);
	ino_t seen[64];
	size_t count = 0, i;
	struct dirent *entry;
	bool right = dir;

	while (right && (entry = readdir(dir)) && count < ARRAY_SIZE(seen)) {
		if (!strcmp(entry->d_name, ".."))
			continue;
		right = entry->d_ino == inode_of(text("%s/%s", directory, entry->d_name));
		for (i = 0; i < count; i++)
			right = right && entry->d_ino != seen[i];
		seen[count++] = entry->d_ino;
	}
	if (dir)
		closedir(dir);
	return right && count > 4;
}

TEST_F(rcfs, numbers_do_not_depend_on_other_subsystems)
{
	ino_t number;

	ASSERT_EQ(0, mount_at_once("container", ONE, "cpuacct"));
	EXPECT_TRUE(numbers_are_right(ONE));
	number = inode_of(ONE "/cpuacct.usage");
	ASSERT_EQ(0, mount_at_once("container", TWO, "debug,cpuacct,numtasks"));
	EXPECT_TRUE(numbers_are_right(TWO));
	EXPECT_EQ(number, inode_of(ONE "/cpuacct.usage"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	EXPECT_TRUE(numbers_are_right(TWO "/a"));
}

TEST_F(rcfs, binding_others_keeps_the_inode)
{
	struct flock lock = { .l_type = F_WRLCK };
	struct stat one, two;
	int first, second, notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ASSERT_EQ(0, mount_at_once("container", ONE, "cpuacct"));
	first = open(ONE "/cpuacct.usage", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, first);
	ASSERT_LE(0, inotify_add_watch(notify, ONE "/cpuacct.usage", IN_OPEN));
	ASSERT_EQ(0, flock(first, LOCK_EX));
	ASSERT_EQ(0, fcntl(first, F_SETLK, &lock));
	/* The dcache forgets the files of subsystems. */
	ASSERT_EQ(0, mount_at_once("container", TWO, "debug,cpuacct"));
	second = open(TWO "/cpuacct.usage", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, fstat(first, &one));
	ASSERT_EQ(0, fstat(second, &two));
	EXPECT_EQ(one.st_ino, two.st_ino);
	EXPECT_EQ(IN_OPEN, events(notify));
	EXPECT_EQ(-EWOULDBLOCK, result(flock(second, LOCK_EX | LOCK_NB)));
	EXPECT_EQ(-EAGAIN, forked(result(fcntl(second, F_SETLK, &lock))));
}

TEST_F(rcfs, rebound_file_is_a_new_one)
{
	int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), fd;
	struct stat stat;

	ASSERT_EQ(0, mount_at_once("container", ONE, "debug"));
	ASSERT_LE(0, inotify_add_watch(notify, ONE "/debug.taskcount", IN_OPEN));
	ASSERT_EQ(0, chown(ONE "/debug.taskcount", SOMEBODY, SOMEBODY));
	fd = open(ONE "/debug.taskcount", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mount_at_once("container", TWO, "cpuacct"));
	EXPECT_EQ(-ENOENT, result(lstat(TWO "/debug.taskcount", &stat)));
	EXPECT_EQ(-ENODEV, result(fchmod(fd, 0666)));
	ASSERT_EQ(0, mount_at_once("container", THREE, "debug"));
	ASSERT_EQ(0, lstat(ONE "/debug.taskcount", &stat));
	EXPECT_EQ(0, stat.st_uid);
	/* What was open before has no power over the new file. */
	EXPECT_EQ(-ENODEV, result(fchmod(fd, 0666)));
	EXPECT_EQ(-ENODEV, result(read(fd, &stat, 1)));
	forget_caches();
	ASSERT_EQ(0, lstat(ONE "/debug.taskcount", &stat));
	EXPECT_EQ(0, stat.st_uid);
	EXPECT_EQ(S_IFREG | 0644, stat.st_mode);
}

TEST_F(rcfs, umount_ends_watch_and_frees_module)
{
	int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ASSERT_EQ(0, mount_rcfs(ONE, "debug"));
	ASSERT_LE(0, inotify_add_watch(notify, ONE "/debug.taskcount", IN_OPEN));
	EXPECT_EQ(-EAGAIN, unload("rc_debug"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(IN_UNMOUNT | IN_IGNORED, events(notify));
	EXPECT_EQ(0, unload_patiently("rc_debug"));
}

TEST_F(tree, unused_inode_pins_no_container)
{
	/* As many inodes as there are lookups would remain if they were kept for later use. */
	static const char * const files[] = { "tasks", "notify_on_release" };
	unsigned long count[2];
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 2000; i++) {
			ASSERT_EQ(0, make("/a"));
			ASSERT_NE(0, inode_of(text(TREE "/a/%s", files[0])));
			ASSERT_NE(0, inode_of(text(TREE "/a/%s", files[1])));
			ASSERT_EQ(0, drop("/a"));
		}
		ASSERT_EQ(1, sscanf(content("/proc/sys/fs/inode-nr"), "%lu", &count[round]));
	}
	EXPECT_GT(count[0] + 1000, count[1]);
}

/* What races with each other: each does one of these again and again until told to stop. */
struct race {
	atomic_bool stop;
	atomic_ulong done[5];
};

static int look(struct race *race)
{
	struct stat stat;
	char buffer[64];
	int fd;

	fd = open(TREE "/a/notify_on_release", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	if (fstat(fd, &stat) || stat.st_ino == 0 || (stat.st_mode & 07777) != 0644)
		return -EBADMSG;
	if (pread(fd, buffer, sizeof(buffer), 0) < 0 && errno != ENODEV)
		return -errno;
	race->done[0]++;
	return result(close(fd));
}

static int shrink(struct race *race)
{
	race->done[1]++;
	return write_file("/proc/sys/vm/drop_caches", "2");
}

static int watch(struct race *race)
{
	int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), one, two;

	if (notify < 0)
		return -errno;
	one = inotify_add_watch(notify, TREE "/a/notify_on_release", IN_ALL_EVENTS);
	two = inotify_add_watch(notify, TREE "/a/notify_on_release", IN_ALL_EVENTS);
	/* Two names of one file, if no other container came in between. */
	race->done[2] += one >= 0 && one == two;
	inotify_rm_watch(notify, one);
	return result(close(notify));
}

static int change(struct race *race)
{
	const struct timespec times[2] = { { 5, 0 }, { 6, 0 } };

	if (utimensat(AT_FDCWD, TREE "/a/notify_on_release", times, 0))
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	race->done[3]++;
	return 0;
}

static int renew(struct race *race)
{
	int error = drop("/a");

	race->done[4]++;
	return error ?: make("/a");
}

static int (*const racers[])(struct race *race) = { look, shrink, watch, change, renew };

TEST_F(tree, lookups_evictions_and_removals_race)
{
	struct race *race = shared_memory(sizeof(*race));
	pid_t pids[ARRAY_SIZE(racers)];
	int error;
	size_t i;

	ASSERT_EQ(0, make("/a"));
	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			do {
				error = racers[i](race);
			} while (!error && !race->stop);
			_exit(-error);
		}
		ASSERT_LT(0, pids[i]);
	}
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		EXPECT_TRUE(wait_until(race->done[i] >= (unsigned long)scaled(1000)))
			TH_LOG("racer %zu: %lu", i, race->done[i]);
	race->stop = true;
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		EXPECT_EQ(0, reap(pids[i])) TH_LOG("racer %zu", i);
	EXPECT_EQ(0, drop("/a"));
}

TEST_HARNESS_MAIN
