// SPDX-License-Identifier: GPL-2.0
// Tests of attach and mkdir next to a reader that never stops; times are reported, not judged.
#include "rcfstest.h"

#define ROUNDS 10000
#define CROWD 2000
#define FIRST TREE "/first"
#define SECOND TREE "/second"

/* Everything that any user may read, and that is made up from more than the one container */
static const char * const files[] = {
	"", "/proc/containers", "/proc/rc_subsys", "/proc/self/container", "/proc/self/containers",
	"/proc/mounts", TREE "/tasks", TREE "/crowd/tasks", TREE "/release_agent",
	ONE "/crowd/cpuacct.usage", ONE "/crowd/cpuacct.stat", ONE "/crowd/debug.taskcount",
	ONE "/crowd/debug.setcount", ONE "/debug.taskcount", ONE "/debug.setcount",
	ONE "/debug.refcount", TREE,
};

/* How long each call has taken, in nanoseconds */
static long long times[2 * ROUNDS];

static int compare_times(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int read_all(const char *path)
{
	static char buffer[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	do
		length = read(fd, buffer, sizeof(buffer));
	while (length > 0);
	close(fd);
	return length ? -errno : 0;
}

static int list_all(const char *path)
{
	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while (readdir(dir))
		;
	closedir(dir);
	return 0;
}

/* A child that reads until it is killed; it ends by itself on an error. */
static pid_t start_reader(const char *path)
{
	pid_t pid = child();
	int error = 0;

	if (pid)
		return pid;
	run_on(1);
	while (!error)
		error = strcmp(path, TREE) ? read_all(path) : list_all(path);
	_exit(-error);
}

/* Moves itself to and fro, and makes and removes a container. Returns the number of times. */
static int attach_and_mkdir(int rounds)
{
	long long start;
	int i, error = 0;

	for (i = 0; i < rounds && !error; i++) {
		start = clock_of(CLOCK_MONOTONIC);
		error = enter(i % 2 ? FIRST : SECOND, 0);
		times[i] = clock_of(CLOCK_MONOTONIC) - start;
		start = clock_of(CLOCK_MONOTONIC);
		error = error ?: result(mkdir(TREE "/made", 0755));
		times[rounds + i] = clock_of(CLOCK_MONOTONIC) - start;
		error = error ?: result(rmdir(TREE "/made"));
	}
	return error;
}

static void report(const char *path, const char *what, long long *first, int count)
{
	qsort(first, count, sizeof(*first), compare_times);
	printf("# %-28s %-6s median %6lld us, 99.9%% %7lld us, slowest %7lld us\n",
	       *path ? path : "without a reader", what, first[count / 2] / 1000,
	       first[count - 1 - count / 1000] / 1000, first[count - 1] / 1000);
}

/* As many container sets as tasks: each is in a container of its own in one of the trees. */
static int make_crowd(int count)
{
	int i, error;

	error = make("/crowd") ?: make_at(ONE "/crowd");
	for (i = 0; i < count && !error; i++) {
		error = make_at(text(ONE "/crowd/%d", i));
		if (!error && sleeper_in(TREE "/crowd", text(ONE "/crowd/%d", i)) < 0)
			error = -ECHILD;
	}
	return error;
}

TEST_F(rcfs, attach_and_mkdir_next_to_a_reader)
{
	const int rounds = up_to(ROUNDS);
	pid_t reader;
	size_t i;

	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct"));
	ASSERT_EQ(0, make_crowd(up_to(CROWD)));
	ASSERT_EQ(0, make("/first"));
	ASSERT_EQ(0, make("/second"));
	ASSERT_EQ(0, run_on(0));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		reader = *files[i] ? start_reader(files[i]) : sleeper_in(NULL, NULL);
		ASSERT_LT(0, reader);
		ASSERT_EQ(0, attach_and_mkdir(rounds));
		report(files[i], "attach", times, rounds);
		report(files[i], "mkdir", times + rounds, rounds);
		fflush(stdout);
		/* It has read all the time, and nothing but what there is. */
		EXPECT_EQ(0, end(reader)) TH_LOG("%s", files[i]);
	}
	ASSERT_EQ(0, enter(TREE, 0));
}

TEST_HARNESS_MAIN
