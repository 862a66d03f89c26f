// SPDX-License-Identifier: GPL-2.0
/* What /proc shows of tasks, hierarchies and subsystems, and that it shows all else as ever. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../src/compat.h"
#include "../src/hierarchy.h"
#include "../src/hook.h"
#include "../src/proc.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

static int proc_start(struct kunit *test)
{
	return core_start(test) ?: hook_init("auto", NULL, 0) ?: proc_init(true);
}

/* In the order in which a module that cannot be loaded gives up. */
static void proc_stop(struct kunit *test)
{
	proc_exit();
	proc_wait_unused();
	hook_exit();
	core_stop(test);
}

/* Open a file of a task, whose id goes where the %d is; for __fput_sync(). */
static struct file *open_of(struct task_struct *task, const char *format, int flags)
{
	char *path = kasprintf(GFP_KERNEL, "/proc/%d%s", task_pid_nr(task), format);
	struct file *file = path ? filp_open(path, flags, 0) : ERR_PTR(-ENOMEM);

	kfree(path);
	return file;
}

static void expect_shown(struct kunit *test, struct file *file, const char *expected)
{
	char *found = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	loff_t pos = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_NOT_NULL(test, found);
	KUNIT_EXPECT_EQ(test, kernel_read(file, found, PAGE_SIZE - 1, &pos), strlen(expected));
	KUNIT_EXPECT_STREQ(test, found, expected);
	__fput_sync(file);
}

static void expect_of(struct kunit *test, struct task_struct *task, const char *path,
		      const char *expected)
{
	expect_shown(test, open_of(task, path, O_RDONLY), expected);
}

/* What comes of opening a file. */
static int open_error(struct file *file)
{
	if (IS_ERR(file))
		return PTR_ERR(file);
	__fput_sync(file);
	return 0;
}

static struct task_struct *some_task(struct kunit *test)
{
	return real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
}

static void who_was_never_moved_is_in_the_root(struct kunit *test)
{
	struct task_struct *task = some_task(test);

	expect_of(test, task, "/container", "/\n");
	expect_of(test, task, "/containers", "0::/\n");
	expect_shown(test, filp_open("/proc/self/container", O_RDONLY, 0), "/\n");
	real_task_end(task);
}

static void the_path_is_that_of_the_moment(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(a, "b");
	struct task_struct *task = some_task(test);

	KUNIT_EXPECT_EQ(test, move(task, b), 0);
	expect_of(test, task, "/container", "/a/b\n");
	KUNIT_EXPECT_EQ(test, container_rename(a, "c"), 0);
	expect_of(test, task, "/container", "/c/b\n");
	KUNIT_EXPECT_EQ(test, move(task, a), 0);
	expect_of(test, task, "/container", "/c\n");
	KUNIT_EXPECT_EQ(test, move(task, top), 0);
	expect_of(test, task, "/container", "/\n");
	real_task_end(task);
	core_rmdir(b);
	core_rmdir(a);
}

static void a_thread_has_the_files_too(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *task = some_task(test);
	char path[64];

	KUNIT_EXPECT_EQ(test, move(task, a), 0);
	sprintf(path, "/task/%d/container", task_pid_nr(task));
	expect_of(test, task, path, "/a\n");
	sprintf(path, "/task/%d/containers", task_pid_nr(task));
	expect_of(test, task, path, "0::/a\n");
	move(task, top);
	real_task_end(task);
	core_rmdir(a);
}

/* There can be no newline in it, and so nothing needs to be escaped. */
static void a_name_is_shown_as_it_is(struct kunit *test)
{
	struct container *a = core_mkdir(top, " \\n\"\001\t%s:\303\244");
	struct task_struct *task = some_task(test);

	KUNIT_EXPECT_EQ(test, move(task, a), 0);
	expect_of(test, task, "/container", "/ \\n\"\001\t%s:\303\244\n");
	move(task, top);
	real_task_end(task);
	core_rmdir(a);
}

static struct recorder recorder;

static int bind_default(unsigned int nr)
{
	struct hierarchy_options options = { .subsystems = { "a" }, .nr_subsystems = nr };
	struct fs_context fc = {};

	return hierarchy_bind_default(&fc, &options);
}

static void containers_has_a_line_per_tree(struct kunit *test)
{
	struct hierarchy *one = core_tree("one"), *two = core_tree("two");
	struct container *a = core_mkdir(&one->root, "a");
	struct task_struct *task = some_task(test);

	KUNIT_EXPECT_EQ(test, move(task, a), 0);
	expect_of(test, task, "/containers", "0::/\n1:name=one:/a\n2:name=two:/\n");
	expect_of(test, task, "/container", "/\n");
	move(task, &one->root);
	core_rmdir(a);
	hierarchy_put(one);
	expect_of(test, task, "/containers", "0::/\n2:name=two:/\n");
	hierarchy_put(two);
	recorder_init(&recorder, "a");
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, bind_default(1), 0);
	expect_of(test, task, "/containers", "0:a:/\n");
	KUNIT_EXPECT_EQ(test, bind_default(0), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
	real_task_end(task);
}

static void all_other_names_are_the_kernels(struct kunit *test)
{
	struct task_struct *task = some_task(test);

	KUNIT_EXPECT_EQ(test, open_error(open_of(task, "/comm", O_RDONLY)), 0);
	KUNIT_EXPECT_EQ(test, open_error(open_of(task, "/containe", O_RDONLY)), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_error(open_of(task, "/containerss", O_RDONLY)), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_error(open_of(task, "/Container", O_RDONLY)), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_error(open_of(task, "/ns/container", O_RDONLY)), -ENOENT);
	real_task_end(task);
}

/* What a listing has had, and how much more it takes before it pauses. */
struct listing {
	struct dir_context ctx;
	unsigned int nr, left;
	unsigned int container, containers, comm;
	char last[NAME_MAX + 1];
};

static bool list_name(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino,
		      unsigned int type)
{
	struct listing *l = container_of(ctx, struct listing, ctx);

	if (!l->left)
		return false;
	l->left--;
	l->nr++;
	scnprintf(l->last, sizeof(l->last), "%.*s", len, name);
	l->container += !strcmp(l->last, "container");
	l->containers += !strcmp(l->last, "containers");
	l->comm += !strcmp(l->last, "comm");
	return true;
}

static void a_listing_has_the_kernels_files_and_then_ours(struct kunit *test)
{
	struct listing whole = { .ctx.actor = list_name, .left = 10000 };
	struct listing pieces = { .ctx.actor = list_name };
	struct task_struct *task = some_task(test);
	struct file *file = open_of(task, "", O_RDONLY | O_DIRECTORY);
	unsigned int before;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, iterate_dir(file, &whole.ctx), 0);
	KUNIT_EXPECT_EQ(test, whole.container, 1);
	KUNIT_EXPECT_EQ(test, whole.containers, 1);
	KUNIT_EXPECT_EQ(test, whole.comm, 1);
	KUNIT_EXPECT_STREQ(test, whole.last, "containers");
	/* One at a time they are as many. */
	file->f_pos = 0;
	do {
		before = pieces.nr;
		pieces.left = 1;
		KUNIT_EXPECT_EQ(test, iterate_dir(file, &pieces.ctx), 0);
	} while (pieces.nr > before);
	KUNIT_EXPECT_EQ(test, pieces.nr, whole.nr);
	KUNIT_EXPECT_EQ(test, pieces.container, 1);
	KUNIT_EXPECT_EQ(test, pieces.containers, 1);
	KUNIT_EXPECT_STREQ(test, pieces.last, "containers");
	__fput_sync(file);
	real_task_end(task);
}

static void of_a_dead_task_nothing_is_shown(struct kunit *test)
{
	struct task_struct *task = some_task(test);
	struct file *file = open_of(task, "/container", O_RDONLY);
	unsigned long patience = jiffies + 60 * HZ;
	ssize_t result = 0;
	loff_t pos;
	char c;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	get_task_struct(task);
	real_task_end(task);
	/* It takes a moment to die. */
	do {
		pos = 0;
		result = kernel_read(file, &c, 1, &pos);
		if (result == 1)
			KUNIT_EXPECT_EQ(test, c, '/');
		schedule_timeout_uninterruptible(1);
	} while (result == 1 && time_before(jiffies, patience));
	KUNIT_EXPECT_EQ(test, result, -ESRCH);
	KUNIT_EXPECT_EQ(test, open_error(open_of(task, "/container", O_RDONLY)), -ENOENT);
	put_task_struct(task);
	__fput_sync(file);
}

static void owner_and_mode_are_not_to_be_changed(struct kunit *test)
{
	struct iattr attr = { .ia_valid = ATTR_MODE, .ia_mode = S_IFREG | 0666 };
	struct task_struct *task = some_task(test);
	struct file *file = open_of(task, "/container", O_RDONLY);
	struct inode *inode;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	inode = file_inode(file);
	KUNIT_EXPECT_EQ(test, inode->i_mode, S_IFREG | 0444);
	inode_lock(inode);
	KUNIT_EXPECT_EQ(test, notify_change(compat_nop_idmap, file->f_path.dentry, &attr, NULL),
			-EPERM);
	attr = (struct iattr){ .ia_valid = ATTR_UID, .ia_uid = KUIDT_INIT(1000) };
	KUNIT_EXPECT_EQ(test, notify_change(compat_nop_idmap, file->f_path.dentry, &attr, NULL),
			-EPERM);
	inode_unlock(inode);
	KUNIT_EXPECT_EQ(test, inode->i_mode, S_IFREG | 0444);
	KUNIT_EXPECT_EQ(test, __kuid_val(inode->i_uid), 0);
	__fput_sync(file);
	real_task_end(task);
}

static void who_uses_a_file_keeps_the_module(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);
	struct file *file = filp_open("/proc/self/container", O_RDONLY, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_GT(test, module_refcount(THIS_MODULE), before);
	__fput_sync(file);
	/* Nothing of it stays in a cache. */
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
}

#define HEADER "#hierarchy\tsubsystems\tcontainers\ttasks\n"

static void expect_hierarchies(struct kunit *test, const char *expected)
{
	expect_shown(test, filp_open("/proc/containers", O_RDONLY, 0), expected);
}

static void the_trees_are_listed_with_what_is_in_them(struct kunit *test)
{
	struct task_struct *task = fake_task(test);
	struct hierarchy *tree;
	struct container *a, *b;

	expect_hierarchies(test, HEADER "0\t-\t1\t0\n");
	tree = core_tree("tree");
	a = core_mkdir(&tree->root, "a");
	b = core_mkdir(a, "b");
	expect_hierarchies(test, HEADER "0\t-\t1\t0\n1\tname=tree\t3\t0\n");
	KUNIT_EXPECT_EQ(test, move(task, b), 0);
	expect_hierarchies(test, HEADER "0\t-\t1\t0\n1\tname=tree\t3\t1\n");
	move(task, &tree->root);
	core_rmdir(b);
	core_rmdir(a);
	expect_hierarchies(test, HEADER "0\t-\t1\t0\n1\tname=tree\t1\t0\n");
	hierarchy_put(tree);
	expect_hierarchies(test, HEADER "0\t-\t1\t0\n");
}

#undef HEADER
#define HEADER "#subsystem\thierarchy\tcontainers\n"

static void expect_subsystems(struct kunit *test, const char *expected)
{
	expect_shown(test, filp_open("/proc/rc_subsys", O_RDONLY, 0), expected);
}

static void the_subsystems_are_listed_with_where_they_are_bound(struct kunit *test)
{
	struct hierarchy_options options = { .subsystems = { "a" }, .nr_subsystems = 1 };
	struct fs_context fc = {};
	struct hierarchy *tree;

	expect_subsystems(test, HEADER);
	recorder_init(&recorder, "a");
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&recorder.subsys), 0);
	expect_subsystems(test, HEADER "a\t0\t0\n");
	tree = hierarchy_mount(&fc, &options);
	KUNIT_EXPECT_FALSE(test, IS_ERR(tree));
	expect_subsystems(test, HEADER "a\t1\t1\n");
	if (!IS_ERR(tree))
		hierarchy_put(tree);
	KUNIT_EXPECT_EQ(test, bind_default(1), 0);
	expect_subsystems(test, HEADER "a\t0\t1\n");
	KUNIT_EXPECT_EQ(test, bind_default(0), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
	expect_subsystems(test, HEADER);
}

static int open_path_error(const char *path)
{
	return open_error(filp_open(path, O_RDONLY, 0));
}

static void tasks_may_be_left_without_files(struct kunit *test)
{
	proc_exit();
	KUNIT_EXPECT_EQ(test, proc_init(false), 0);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/containers"), 0);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/rc_subsys"), 0);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/self/container"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/self/comm"), 0);
}

static void in_the_end_nothing_is_left(struct kunit *test)
{
	proc_exit();
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/containers"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/rc_subsys"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/self/container"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/self/containers"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/self/comm"), 0);
	/* And it can begin anew. */
	KUNIT_EXPECT_EQ(test, hook_init("auto", NULL, 0) ?: proc_init(true), 0);
	KUNIT_EXPECT_EQ(test, open_path_error("/proc/self/container"), 0);
}

static struct kunit_case proc_cases[] = {
	KUNIT_CASE(who_was_never_moved_is_in_the_root),
	KUNIT_CASE(the_path_is_that_of_the_moment),
	KUNIT_CASE(a_thread_has_the_files_too),
	KUNIT_CASE(a_name_is_shown_as_it_is),
	KUNIT_CASE(containers_has_a_line_per_tree),
	KUNIT_CASE(all_other_names_are_the_kernels),
	KUNIT_CASE(a_listing_has_the_kernels_files_and_then_ours),
	KUNIT_CASE(of_a_dead_task_nothing_is_shown),
	KUNIT_CASE(owner_and_mode_are_not_to_be_changed),
	KUNIT_CASE(who_uses_a_file_keeps_the_module),
	KUNIT_CASE(the_trees_are_listed_with_what_is_in_them),
	KUNIT_CASE(the_subsystems_are_listed_with_where_they_are_bound),
	KUNIT_CASE(tasks_may_be_left_without_files),
	KUNIT_CASE(in_the_end_nothing_is_left),
	{}
};

static struct kunit_suite proc_suite = {
	.name = "proc",
	.init = proc_start,
	.exit = proc_stop,
	.test_cases = proc_cases,
};

kunit_test_suite(proc_suite);
