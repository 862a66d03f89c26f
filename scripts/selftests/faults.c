// SPDX-License-Identifier: GPL-2.0
// Tests of what happens when memory is short: each allocation of each operation fails in turn.
#include "selftest.h"

#include "faults.h"
#include "traces.h"

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

/* Fork and exit are hooked no more a moment after the last container has gone. */
static int undo_first_mkdir(void)
{
	return drop("/x") ?: wait_until(fork_is_untouched()) ? 0 : -EBUSY;
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

static int run_thread(void)
{
	struct thread thread;
	int error = thread_start(&thread);

	if (!error)
		thread_stop(&thread);
	return error;
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

FIXTURE(faults)
{
};

FIXTURE_SETUP(faults)
{
	if (!injectable()) {
		SKIP(_metadata->passed = 0, "this kernel cannot make allocations fail");
		/* Else its tests would be run. */
		return;
	}
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/y"));
}

FIXTURE_TEARDOWN(faults)
{
	if (injectable())
		EXPECT_EQ(0, clear_tree());
}

TEST_F(faults, in_mkdir)
{
	EXPECT_ALL_OR_NOTHING(run_mkdir, undo_mkdir, state_of_tree);
}

TEST_F(faults, in_mkdir_of_the_first_container)
{
	ASSERT_EQ(0, drop("/y"));
	ASSERT_TRUE(wait_until(fork_is_untouched()));
	EXPECT_ALL_OR_NOTHING_SLOWLY(run_mkdir, undo_first_mkdir, state_of_tree);
}

TEST_F(faults, in_rmdir)
{
	ASSERT_EQ(0, make("/x"));
	EXPECT_ALL_OR_NOTHING(undo_mkdir, run_mkdir, state_of_tree);
}

TEST_F(faults, in_rename)
{
	EXPECT_ALL_OR_NOTHING(run_rename, undo_rename, state_of_tree);
}

TEST_F(faults, in_a_move)
{
	EXPECT_ALL_OR_NOTHING(run_attach, undo_attach, state_of_tree);
}

TEST_F(faults, in_a_move_of_another_task)
{
	other = sleeper("/");
	ASSERT_LT(0, other);
	EXPECT_ALL_OR_NOTHING(run_attach_other, undo_attach_other, state_of_tree);
	ASSERT_EQ(0, end(other));
}

TEST_F(faults, in_a_fork)
{
	ASSERT_EQ(0, attach("/y", 0));
	EXPECT_ALL_OR_NOTHING(run_fork, undo_fork, state_of_tree);
	EXPECT_EQ(1, population("/y"));
}

TEST_F(faults, in_a_new_thread)
{
	ASSERT_EQ(0, attach("/y", 0));
	EXPECT_ALL_OR_NOTHING(run_thread, undo_nothing, state_of_tree);
	EXPECT_EQ(1, population("/y"));
}

TEST_F(faults, in_reading_tasks)
{
	ASSERT_EQ(0, attach("/y", 0));
	EXPECT_ALL_OR_NOTHING(run_read_tasks, undo_nothing, state_of_tree);
	EXPECT_ALL_OR_NOTHING(run_read_tasks_of_root, undo_nothing, state_of_tree);
}

static int kept_open;

static int run_read_again(void)
{
	char buffer[64];

	return pread(kept_open, buffer, sizeof(buffer), 0) < 0 ? -errno : 0;
}

/* The rest of the snapshot, which remains if there is no new one */
static const char *state_of_snapshot(void)
{
	char buffer[64] = "";

	return pread(kept_open, buffer, sizeof(buffer) - 1, 1) < 0 ? text("error %d", errno) :
								     text("%s", buffer);
}

TEST_F(faults, in_reading_tasks_again)
{
	ASSERT_EQ(0, attach("/y", 0));
	kept_open = open(TREE "/y/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, run_read_again());
	ASSERT_STREQ(text("%d\n", getpid()) + 1, state_of_snapshot());
	EXPECT_ALL_OR_NOTHING(run_read_again, undo_nothing, state_of_snapshot);
	close(kept_open);
}

TEST_F(faults, in_reading_other_files)
{
	EXPECT_ALL_OR_NOTHING(run_read_agent, undo_nothing, state_of_tree);
	EXPECT_ALL_OR_NOTHING(run_read_proc, undo_nothing, state_of_tree);
}

TEST_F(faults, in_setting_the_agent)
{
	ASSERT_EQ(0, undo_set_agent());
	EXPECT_ALL_OR_NOTHING(run_set_agent, undo_set_agent, state_of_agent);
}

TEST_F(faults, in_chmod)
{
	ASSERT_EQ(0, undo_chmod());
	EXPECT_ALL_OR_NOTHING(run_chmod, undo_chmod, state_of_mode);
}

static int run_mount(void)
{
	return remount_tree();
}

static int undo_mount(void)
{
	return result(umount(TREE));
}

static int run_load(void)
{
	return module_load(module_parameters());
}

static int undo_load(void)
{
	return module_unload_patiently();
}

static const char *state_of_module(void)
{
	return text("%d loaded, %d in /proc, hooks: %s", module_loaded(),
		    exists("/proc/containers") + exists("/proc/self/container"), hooks());
}

TEST_F(faults, in_a_mount)
{
	ASSERT_EQ(0, clear_tree());
	EXPECT_ALL_OR_NOTHING(run_mount, undo_mount, state_of_tree);
	ASSERT_EQ(0, run_mount());
}

TEST_F(faults, in_loading_the_module)
{
	ASSERT_EQ(0, clear_tree());
	ASSERT_EQ(0, module_unload_patiently());
	EXPECT_ALL_OR_NOTHING_SLOWLY(run_load, undo_load, state_of_module);
	EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
	ASSERT_EQ(0, run_load());
	ASSERT_EQ(0, run_mount());
}

TEST_HARNESS_MAIN
