// SPDX-License-Identifier: GPL-2.0
// Tests of what happens when memory is short: each allocation of each operation fails in turn.
#include "rcfstest.h"

#define DEBUGFS "/sys/kernel/debug/"

static int nth_fd = -1;

/* May allocations fail here at will, all kinds of them, and without a word in the log? */
static bool injectable(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (write_file(text(DEBUGFS "%s/verbose", kinds[i]), "0") ||
		    write_file(text(DEBUGFS "%s/ignore-gfp-wait", kinds[i]), "N"))
			return false;
	}
	write_file(DEBUGFS "fail_page_alloc/min-order", "0");
	if (nth_fd < 0)
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return nth_fd >= 0;
}

/* Let the next allocations of this thread succeed but for the @nth; 0: all succeed. */
static void fail_nth(unsigned int nth)
{
	const char *line = text("%u", nth);

	if (pwrite(nth_fd, line, strlen(line), 0) < 0)
		abort();
}

static bool has_failed(void)
{
	char left[16] = "";

	return pread(nth_fd, left, sizeof(left) - 1, 0) > 0 && atoi(left) == 0;
}

/**
 * struct operation - something that must succeed or fail as a whole
 * @run: does it; 0 or a negative errno
 * @undo: undoes it, with memory enough
 * @state: describes all that it may change; lives as text() does
 */
struct operation {
	int (*run)(void);
	int (*undo)(void);
	const char *(*state)(void);
};

/* Let each allocation of an operation fail, one at a time, until all of it is done. */
static void with_each_fault(struct __test_metadata *_metadata, const struct operation *operation)
{
	unsigned int nth, faults = 0, errors = 0;
	char before[4096];
	bool failed = true;
	int error;

	snprintf(before, sizeof(before), "%s", operation->state());
	for (nth = 1; failed; nth++) {
		fail_nth(nth);
		error = operation->run();
		failed = has_failed();
		fail_nth(0);
		faults += failed;
		if (error) {
			errors++;
			EXPECT_TRUE(failed);
			EXPECT_TRUE(error == -ENOMEM || error == -EAGAIN) {
				TH_LOG("allocation %u: error %d", nth, error);
			}
			EXPECT_STREQ(before, operation->state()) {
				TH_LOG("allocation %u has left something", nth);
			}
			/* Now there is memory. */
			ASSERT_EQ(0, operation->run());
		}
		ASSERT_EQ(0, operation->undo());
		ASSERT_STREQ(before, operation->state()) {
			TH_LOG("after allocation %u it is not as it was", nth);
		}
	}
	TH_LOG("%u faults, %u of them errors", faults, errors);
}

static const char *state_of_tree(void)
{
	return text("%d containers, %d tasks, /x: %d /y: %d, I am in %s", count_containers(),
		    count_tracked(), exists(TREE "/x"), exists(TREE "/y"), where_am_i());
}

static int run_mkdir(void)
{
	return make("/x");
}

static int undo_mkdir(void)
{
	return drop("/x");
}

static int run_rename(void)
{
	return result(rename(TREE "/y", TREE "/x"));
}

static int undo_rename(void)
{
	return result(rename(TREE "/x", TREE "/y"));
}

static int run_attach(void)
{
	return attach("/y", 0);
}

static int undo_attach(void)
{
	return attach("/", 0);
}

static pid_t other;

static int run_attach_other(void)
{
	return attach("/y", other);
}

static int undo_attach_other(void)
{
	return attach("/", other);
}

static pid_t last_child;

static int run_fork(void)
{
	last_child = syscall(SYS_fork);
	if (last_child < 0)
		return -errno;
	if (last_child == 0)
		_exit(0);
	return 0;
}

/* A child may be missing in its creator's container for no moment: it is there when it exits. */
static int undo_fork(void)
{
	return reap(last_child);
}

static int run_thread(void)
{
	struct thread thread;
	int error = thread_start(&thread);

	if (!error)
		thread_stop(&thread);
	return error;
}

static int undo_nothing(void)
{
	return 0;
}

static int read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[256];
	int error = 0;
	ssize_t length;

	if (fd < 0)
		return -errno;
	while ((length = read(fd, buffer, sizeof(buffer))) > 0)
		;
	if (length < 0)
		error = -errno;
	close(fd);
	return error;
}

static int run_read_tasks(void)
{
	return read_all(TREE "/y/tasks");
}

static int run_read_tasks_of_root(void)
{
	return read_all(TREE "/tasks");
}

static int run_read_agent(void)
{
	return read_all(TREE "/release_agent");
}

static int run_read_proc(void)
{
	return read_all("/proc/self/container") ?: read_all("/proc/self/containers") ?:
	       read_all("/proc/containers") ?: read_all("/proc/rc_subsys");
}

static int run_set_agent(void)
{
	return write_file(TREE "/release_agent", "/bin/x");
}

static int undo_set_agent(void)
{
	return write_file(TREE "/release_agent", "/bin/y");
}

static const char *state_of_agent(void)
{
	return content(TREE "/release_agent");
}

static int run_chmod(void)
{
	return result(chmod(TREE "/y/tasks", 0600));
}

static int undo_chmod(void)
{
	return result(chmod(TREE "/y/tasks", 0644));
}

static const char *state_of_mode(void)
{
	struct stat stat;

	return text("%o", lstat(TREE "/y/tasks", &stat) ? 0 : stat.st_mode);
}

/* The programs' files are looked up before, so that no fault is spent on them. */
FIXTURE(faults)
{
};

FIXTURE_SETUP(faults)
{
	if (!injectable())
		SKIP(return, "this kernel cannot make allocations fail");
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/y"));
}

FIXTURE_TEARDOWN(faults)
{
	if (nth_fd >= 0)
		EXPECT_EQ(0, clear_tree());
}

TEST_F(faults, in_mkdir)
{
	static const struct operation mkdir = { run_mkdir, undo_mkdir, state_of_tree };

	with_each_fault(_metadata, &mkdir);
}

TEST_F(faults, in_mkdir_of_the_first_container)
{
	static const struct operation mkdir = { run_mkdir, undo_mkdir, state_of_tree };

	/* Fork and exit have to be hooked for it, and are hooked no more a second later. */
	ASSERT_EQ(0, drop("/y"));
	ASSERT_EQ(0, clear_tree());
	ASSERT_EQ(0, module_unload_patiently());
	ASSERT_EQ(0, module_load(module_parameters()));
	ASSERT_EQ(0, mount_tree());
	with_each_fault(_metadata, &mkdir);
}

TEST_F(faults, in_rename)
{
	static const struct operation rename = { run_rename, undo_rename, state_of_tree };

	with_each_fault(_metadata, &rename);
}

TEST_F(faults, in_a_move)
{
	static const struct operation attach = { run_attach, undo_attach, state_of_tree };

	with_each_fault(_metadata, &attach);
}

TEST_F(faults, in_a_move_of_another_task)
{
	static const struct operation attach = {
		run_attach_other, undo_attach_other, state_of_tree
	};

	other = sleeper("/");
	ASSERT_LT(0, other);
	with_each_fault(_metadata, &attach);
	ASSERT_EQ(0, end(other));
}

TEST_F(faults, in_a_fork)
{
	static const struct operation fork = { run_fork, undo_fork, state_of_tree };

	ASSERT_EQ(0, attach("/y", 0));
	with_each_fault(_metadata, &fork);
	EXPECT_EQ(1, population("/y"));
}

TEST_F(faults, in_a_new_thread)
{
	static const struct operation thread = { run_thread, undo_nothing, state_of_tree };

	ASSERT_EQ(0, attach("/y", 0));
	with_each_fault(_metadata, &thread);
	EXPECT_EQ(1, population("/y"));
}

TEST_F(faults, in_reading_tasks)
{
	static const struct operation tasks = { run_read_tasks, undo_nothing, state_of_tree };
	static const struct operation root = {
		run_read_tasks_of_root, undo_nothing, state_of_tree
	};

	ASSERT_EQ(0, attach("/y", 0));
	with_each_fault(_metadata, &tasks);
	with_each_fault(_metadata, &root);
}

TEST_F(faults, in_reading_other_files)
{
	static const struct operation agent = { run_read_agent, undo_nothing, state_of_tree };
	static const struct operation proc = { run_read_proc, undo_nothing, state_of_tree };

	with_each_fault(_metadata, &agent);
	with_each_fault(_metadata, &proc);
}

TEST_F(faults, in_setting_the_agent)
{
	static const struct operation agent = { run_set_agent, undo_set_agent, state_of_agent };

	ASSERT_EQ(0, undo_set_agent());
	with_each_fault(_metadata, &agent);
}

TEST_F(faults, in_chmod)
{
	static const struct operation chmod = { run_chmod, undo_chmod, state_of_mode };

	ASSERT_EQ(0, undo_chmod());
	with_each_fault(_metadata, &chmod);
}

static const char *state_of_trees(void)
{
	return text("%d trees, debug %d, cpuacct %d, numtasks %d", count_trees(),
		    subsys_tree_id("debug"), subsys_tree_id("cpuacct"), subsys_tree_id("numtasks"));
}

static int run_mount(void)
{
	return result(mount("none", ONE, "rcfs", 0, "debug,cpuacct,numtasks,name=x"));
}

static int run_mount_in_steps(void)
{
	return mount_in_steps("rcfs", ONE, "debug,cpuacct,numtasks,name=x,release_agent=/bin/x");
}

static int undo_mount(void)
{
	return result(umount(ONE));
}

static int run_mount_default(void)
{
	return result(mount("none", ONE, "container", 0, "cpuacct,numtasks"));
}

static int run_mkdir_bound(void)
{
	return result(mkdir(ONE "/x", 0755));
}

static int undo_mkdir_bound(void)
{
	return result(rmdir(ONE "/x"));
}

static const char *state_of_bound(void)
{
	return text("%s, %d containers, %d tasks, x %d", state_of_trees(),
		    subsys_containers("numtasks"), tree_tasks("debug,cpuacct,numtasks"),
		    exists(ONE "/x"));
}

static int run_load(void)
{
	return load("rc_debug", "");
}

static int undo_load(void)
{
	return unload("rc_debug");
}

/* Trees of type rcfs, with the subsystems that come with it */
FIXTURE(faults_rcfs)
{
};

FIXTURE_SETUP(faults_rcfs)
{
	if (!injectable())
		SKIP(return, "this kernel cannot make allocations fail");
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	mkdir(ONE, 0755);
}

FIXTURE_TEARDOWN(faults_rcfs)
{
	if (nth_fd < 0)
		return;
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

TEST_F(faults_rcfs, in_a_mount)
{
	static const struct operation mount = { run_mount, undo_mount, state_of_trees };
	static const struct operation by_default = {
		run_mount_default, undo_mount, state_of_trees
	};

	with_each_fault(_metadata, &mount);
	with_each_fault(_metadata, &by_default);
}

TEST_F(faults_rcfs, in_a_mount_in_steps)
{
	static const struct operation mount = { run_mount_in_steps, undo_mount, state_of_trees };

	with_each_fault(_metadata, &mount);
}

TEST_F(faults_rcfs, in_mkdir_with_subsystems)
{
	static const struct operation mkdir = { run_mkdir_bound, undo_mkdir_bound, state_of_bound };

	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,numtasks"));
	with_each_fault(_metadata, &mkdir);
}

TEST_F(faults_rcfs, in_a_fork_that_subsystems_count)
{
	static const struct operation fork = { run_fork, undo_fork, state_of_bound };

	ASSERT_EQ(0, mount_rcfs(ONE, "debug,cpuacct,numtasks"));
	ASSERT_EQ(0, mkdir(ONE "/y", 0755));
	ASSERT_EQ(0, enter(ONE "/y", 0));
	with_each_fault(_metadata, &fork);
	EXPECT_EQ(1, number(ONE "/y/numtasks.current"));
}

TEST_F(faults_rcfs, in_loading_a_subsystem)
{
	static const struct operation module = { run_load, undo_load, state_of_trees };

	ASSERT_EQ(0, unload("rc_debug"));
	with_each_fault(_metadata, &module);
	ASSERT_EQ(0, run_load());
}

TEST_HARNESS_MAIN
