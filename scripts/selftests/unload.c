// SPDX-License-Identifier: GPL-2.0
// Tests of loading and unloading: when it is refused, what is hooked when, that nothing is left.
#include "selftest.h"

#include "traces.h"

/* That the kernel refused because the module is in use */
static bool in_use(int error)
{
	return error == -EWOULDBLOCK || error == -EBUSY;
}

FIXTURE(unload)
{
};

FIXTURE_SETUP(unload)
{
	ASSERT_FALSE(module_loaded());
	ASSERT_EQ(0, module_load(module_parameters()));
}

FIXTURE_TEARDOWN(unload)
{
	if (module_loaded()) {
		EXPECT_EQ(0, mount_tree());
		EXPECT_EQ(0, clear_tree());
		EXPECT_EQ(0, module_unload_patiently());
	}
	EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
}

TEST_F(unload, an_unused_module_unloads_and_leaves_nothing)
{
	EXPECT_STREQ("/", where_am_i());
	EXPECT_TRUE(exists("/proc/containers"));
	EXPECT_TRUE(file_has("/proc/filesystems", "\tcontainer\n"));
	EXPECT_EQ(0, module_unload_patiently());
	EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
}

TEST_F(unload, a_used_module_unloads_and_leaves_nothing)
{
	pid_t pid;

	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, make("/a/b"));
	ASSERT_EQ(0, attach("/a", 0));
	ASSERT_EQ(0, forked(attach("/a/b", 0)));
	pid = child();
	if (pid == 0)
		for (;;)
			pause();
	ASSERT_EQ(0, attach("", 0));
	ASSERT_EQ(0, end(pid));
	ASSERT_EQ(0, drop("/a/b"));
	ASSERT_EQ(0, drop("/a"));
	ASSERT_EQ(0, umount(TREE));
	ASSERT_EQ(0, module_unload_patiently());
	EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
}

TEST_F(unload, it_is_refused_while_mounted)
{
	ASSERT_EQ(0, mount_tree());
	EXPECT_TRUE(in_use(module_unload()));
	ASSERT_EQ(0, umount(TREE));
	EXPECT_EQ(0, module_unload_patiently());
}

TEST_F(unload, it_is_refused_while_there_is_a_container)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, umount(TREE));
	EXPECT_TRUE(in_use(module_unload()));
	ASSERT_EQ(0, remount_tree());
	ASSERT_EQ(0, drop("/a"));
	ASSERT_EQ(0, umount(TREE));
	EXPECT_EQ(0, module_unload_patiently());
}

TEST_F(unload, it_is_refused_while_a_file_of_the_tree_is_open)
{
	int fd;

	ASSERT_EQ(0, mount_tree());
	fd = open(TREE "/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, umount2(TREE, MNT_DETACH));
	EXPECT_TRUE(in_use(module_unload()));
	close(fd);
	EXPECT_EQ(0, module_unload_patiently());
}

TEST_F(unload, it_is_refused_while_a_file_of_proc_is_open)
{
	static const char * const files[] = {
		"/proc/self/container", "/proc/self/containers", "/proc/thread-self/container",
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd = open(files[i], O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(in_use(module_unload())) TH_LOG("%s", files[i]);
		close(fd);
	}
	EXPECT_EQ(0, module_unload_patiently());
}

/* A file of the kernel's own procfs is closed for us when the module goes. */
TEST_F(unload, an_open_proc_containers_is_no_harm)
{
	int fd = open("/proc/containers", O_RDONLY | O_CLOEXEC);
	char buffer[64];

	ASSERT_LE(0, fd);
	if (module_unload_patiently() == 0)
		EXPECT_GE(0, read(fd, buffer, sizeof(buffer)));
	close(fd);
}

TEST_F(unload, fork_and_exit_are_hooked_between_the_first_mkdir_and_the_last_rmdir)
{
	char *at_first = strdup(hooks());

	EXPECT_TRUE(fork_is_untouched());
	ASSERT_EQ(0, mount_tree());
	EXPECT_STREQ(at_first, hooks());
	ASSERT_EQ(0, make("/a"));
	EXPECT_TRUE(fork_is_hooked());
	ASSERT_EQ(0, make("/b"));
	ASSERT_EQ(0, drop("/a"));
	EXPECT_TRUE(fork_is_hooked());
	ASSERT_EQ(0, umount(TREE));
	EXPECT_TRUE(fork_is_hooked());
	ASSERT_EQ(0, remount_tree());
	ASSERT_EQ(0, drop("/b"));
	EXPECT_TRUE(wait_until(!strcmp(at_first, hooks())));
	EXPECT_TRUE(fork_is_untouched());
	free(at_first);
	ASSERT_EQ(0, make("/c"));
	EXPECT_TRUE(fork_is_hooked());
	ASSERT_EQ(0, attach("/c", 0));
	EXPECT_EQ(0, forked(strcmp("/c", where_am_i()) ? -1 : 0));
}

/* Arming for a new container against disarming, which comes later, for the last one */
TEST_F(unload, arming_races_with_disarming)
{
	int i;

	ASSERT_EQ(0, mount_tree());
	for (i = 0; i < scaled(100); i++) {
		ASSERT_EQ(0, make("/a"));
		ASSERT_EQ(0, attach("/a", 0));
		ASSERT_EQ(0, forked(strcmp("/a", where_am_i()) ? -1 : 0));
		ASSERT_EQ(0, attach("", 0));
		ASSERT_EQ(0, drop("/a"));
		if (i % 10 == 0)
			ASSERT_TRUE(wait_until(fork_is_untouched()));
	}
}

static const char *hook_parameter(void)
{
	return strchr(module_parameters(), '=') + 1;
}

TEST_F(unload, a_line_in_the_log_says_how_it_hooks)
{
	int mark;

	ASSERT_EQ(0, module_unload_patiently());
	mark = log_mark();
	ASSERT_EQ(0, module_load(module_parameters()));
	if (strcmp("auto", hook_parameter()))
		EXPECT_TRUE(log_has(mark, "containerfs", hook_parameter()));
}

TEST_F(unload, auto_is_ftrace_where_there_is_ftrace)
{
	int mark;

	ASSERT_EQ(0, module_unload_patiently());
	mark = log_mark();
	ASSERT_EQ(0, module_load("hook=auto"));
	EXPECT_TRUE(log_has(mark, "containerfs", "ftrace"));
}

TEST_F(unload, an_unknown_hook_is_refused_by_name)
{
	int mark = log_mark();

	ASSERT_EQ(0, module_unload_patiently());
	EXPECT_EQ(-EINVAL, module_load("hook=foo"));
	EXPECT_TRUE(log_has(mark, "containerfs", "foo"));
	EXPECT_EQ(-EINVAL, module_load("hook="));
	EXPECT_EQ(-EINVAL, module_load("proc_files=perhaps"));
	EXPECT_EQ(-EINVAL, module_load("buckets=many"));
	EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
}

#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"
#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"

static bool hook_is_kprobe(void)
{
	return !strcmp("kprobe", hook_parameter());
}

/* While nothing needs ftrace; some kernels never let it be switched off. */
static bool ftrace_can_be_switched_off(void)
{
	return write_file(FTRACE_ENABLED, "0") == 0 && write_file(FTRACE_ENABLED, "1") == 0;
}

TEST_F(unload, switches_are_locked_without_containers)
{
	static const char * const parameters[] = { "proc_files=1", "proc_files=0" };
	int locked;
	size_t i;

	ASSERT_EQ(0, module_unload_patiently());
	locked = ftrace_can_be_switched_off() ? -EBUSY : -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		ASSERT_EQ(0, module_unload_patiently());
		ASSERT_EQ(0, module_load(text("%s %s", module_parameters(), parameters[i])));
		EXPECT_EQ(locked, write_file(FTRACE_ENABLED, "0"));
		EXPECT_STREQ("1", content(FTRACE_ENABLED));
		if (!hook_is_kprobe() || !exists(KPROBES_ENABLED))
			continue;
		EXPECT_EQ(-EBUSY, write_file(KPROBES_ENABLED, "0"));
		EXPECT_STREQ("1", content(KPROBES_ENABLED));
	}
	ASSERT_EQ(0, module_unload_patiently());
	EXPECT_EQ(locked == -EBUSY, ftrace_can_be_switched_off());
}

/* Neither with the files in /proc nor without them does the error suggest what does not help. */
TEST_F(unload, load_error_names_ftrace_enabled)
{
	static const char * const parameters[] = { "proc_files=1", "proc_files=0" };
	int mark = log_mark();
	size_t i;

	ASSERT_EQ(0, module_unload_patiently());
	if (!ftrace_can_be_switched_off())
		SKIP(return, "this kernel never lets ftrace be switched off");
	ASSERT_EQ(0, write_file(FTRACE_ENABLED, "0"));
	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		EXPECT_EQ(-EBUSY, module_load(text("%s %s", module_parameters(), parameters[i])));
		EXPECT_TRUE(log_has(mark, "containerfs: ", "sysctl kernel.ftrace_enabled=1"));
	}
	close(mark);
	mark = log_mark();
	EXPECT_EQ(-EBUSY, module_load(module_parameters()));
	EXPECT_FALSE(log_has(mark, "containerfs: ", "proc_files=0"));
	close(mark);
	EXPECT_EQ(0, write_file(FTRACE_ENABLED, "1"));
	EXPECT_EQ(0, module_load(module_parameters()));
}

/* Makes a function that the module needs one that no kernel has. */
static int load_without(const char *function, const char *other)
{
	size_t length, size = strlen(function) + 1;
	char *image = module_image(&length), *at;
	int error = -ENODATA;

	if (!image)
		return -ENOMEM;
	for (at = image; (at = memmem(at, image + length - at, function, size)); at += size) {
		/* The whole name, and not the end of another */
		if (at > image && at[-1] == '\0') {
			memcpy(at, other, size);
			error = 0;
		}
	}
	if (!error)
		error = module_load_image(image, length, module_parameters());
	munmap(image, length);
	return error;
}

TEST_F(unload, a_kernel_without_a_function_is_refused_by_name)
{
	static const char * const functions[][2] = {
		{ "cgroup_can_fork", "cgroup_can_qork" },
		{ "cgroup_post_fork", "cgroup_post_qork" },
		{ "proc_tgid_base_lookup", "proc_tgid_base_qookup" },
		{ "proc_tid_base_readdir", "proc_tid_base_qeaddir" },
	};
	int mark = log_mark();
	size_t i;

	ASSERT_EQ(0, module_unload_patiently());
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		EXPECT_EQ(-ENOENT, load_without(functions[i][0], functions[i][1]));
		EXPECT_TRUE(log_has(mark, "containerfs", functions[i][1]));
		EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
	}
}

TEST_F(unload, without_proc_files_procfs_is_left_alone)
{
	ASSERT_EQ(0, module_unload_patiently());
	ASSERT_EQ(0, module_load(text("%s proc_files=0", module_parameters())));
	EXPECT_FALSE(exists("/proc/self/container"));
	EXPECT_FALSE(exists("/proc/thread-self/containers"));
	EXPECT_EQ(0, entries_named("/proc/self", "container"));
	EXPECT_EQ(0, entries_named("/proc/self", "containers"));
	EXPECT_FALSE(hooked("proc_tgid_base"));
	EXPECT_FALSE(hooked("proc_tid_base"));
	EXPECT_TRUE(exists("/proc/containers"));
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	EXPECT_EQ(0, forked(listed("/a", getpid()) ? 0 : -1));
}

/* All tasks in very few chains, which are then long */
TEST_F(unload, a_small_table_works)
{
	static struct thread threads[200];
	const int many = up_to(ARRAY_SIZE(threads));
	int i;

	ASSERT_EQ(0, module_unload_patiently());
	ASSERT_EQ(0, module_load(text("%s buckets=2", module_parameters())));
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", 0));
	for (i = 0; i < many; i++)
		ASSERT_EQ(0, thread_start(&threads[i]));
	EXPECT_EQ(1 + many, population("/a"));
	for (i = 0; i < many; i++)
		EXPECT_STREQ("/a", where_is(threads[i].tid));
	for (i = 0; i < many; i++)
		thread_stop(&threads[i]);
	EXPECT_EQ(1, population("/a"));
}

TEST_F(unload, loading_twice_is_refused)
{
	EXPECT_EQ(-EEXIST, module_load(module_parameters()));
	EXPECT_STREQ("/", where_am_i());
}

TEST_HARNESS_MAIN
