// SPDX-License-Identifier: GPL-2.0
/* Reading what any user may read: it never waits for container_mutex. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../src/hierarchy.h"
#include "../src/hook.h"
#include "../src/proc.h"
#include "../src/set.h"
#include "../src/task.h"
#include "fixture.h"
#include "mount.h"

/* A thread that holds container_mutex until it is told to let go, or for a minute. */
struct holder {
	struct completion held, release;
	struct task_struct *thread;
};

static int hold(void *arg)
{
	struct holder *holder = arg;
	bool released;

	mutex_lock(&container_mutex);
	complete(&holder->held);
	released = wait_for_completion_timeout(&holder->release, msecs_to_jiffies(60000));
	mutex_unlock(&container_mutex);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return released ? 0 : -ETIMEDOUT;
}

static void holder_start(struct kunit *test, struct holder *holder)
{
	init_completion(&holder->held);
	init_completion(&holder->release);
	holder->thread = kthread_run(hold, holder, "containerfs_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(holder->thread));
	wait_for_completion(&holder->held);
}

/* A task that waited for the mutex waited until the holder gave up. */
static void holder_end(struct kunit *test, struct holder *holder)
{
	complete(&holder->release);
	KUNIT_EXPECT_EQ(test, kthread_stop(holder->thread), 0);
}

/* The first opening of each makes an inode, for which the mutex may be needed. */
static const char * const files[] = {
	"tasks", "notify_on_release", "release_agent", "a/tasks", "a/notify_on_release",
	"c.number", "a/c.number",
};

static const char * const proc_files[] = {
	"/proc/containers", "/proc/rc_subsys", "/proc/self/container", "/proc/self/containers",
};

static u64 read_number(struct rc_state *state, const struct rc_cftype *type)
{
	return rc_count_tasks(state) + rc_count_sets(state) + rc_count_references(state);
}

static const struct rc_cftype number_files[] = {
	{ .name = "number", .read_u64 = read_number },
	{}
};

static struct recorder recorder;
static struct vfsmount *mnt;

static int readers_start(struct kunit *test)
{
	int error = mount_start(test) ?: proc_init(true);

	if (error)
		return error;
	recorder_init(&recorder, "c");
	recorder.subsys.files = number_files;
	error = rc_register_subsys(&recorder.subsys);
	if (error)
		return error;
	mnt = mount_type("container", "c");
	return PTR_ERR_OR_ZERO(mnt) ?: make_dir(mnt, "a");
}

static void readers_stop(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	mntput(mnt);
	flush_delayed_fput();
	core_settle();
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
	proc_exit();
	proc_wait_unused();
	mount_stop(test);
}

static ssize_t read_some(struct file *file, char *text, loff_t *pos)
{
	/* Those of procfs do not need a program's memory. */
	if (file_inode(file)->i_sb == mnt->mnt_sb)
		return read_file(file, text, PAGE_SIZE - 1, pos);
	return kernel_read(file, text, PAGE_SIZE - 1, pos);
}

static void read_all(struct kunit *test, struct file *file, const char *name)
{
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(file), "%s", name);
	if (IS_ERR(file))
		return;
	KUNIT_EXPECT_GE_MSG(test, read_some(file, text, &pos), 0, "%s", name);
	close_file(file);
}

static void files_are_read_without_the_mutex(struct kunit *test)
{
	struct container *b = core_mkdir(container_at(mnt, "a"), "b");
	struct task_struct *task = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
	struct holder holder;
	size_t i;

	/* So that there is a path and a set. */
	KUNIT_EXPECT_EQ(test, move(task, b), 0);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		read_all(test, open_at(mnt, files[i], O_RDONLY), files[i]);
	holder_start(test, &holder);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		read_all(test, open_at(mnt, files[i], O_RDONLY), files[i]);
	holder_end(test, &holder);
	move(task, &default_hierarchy.root);
	real_task_end(task);
	core_rmdir(b);
}

static void proc_is_read_without_the_mutex(struct kunit *test)
{
	struct container *a = container_at(mnt, "a");
	struct holder holder;
	size_t i;

	KUNIT_EXPECT_EQ(test, move(current, a), 0);
	holder_start(test, &holder);
	for (i = 0; i < ARRAY_SIZE(proc_files); i++)
		read_all(test, filp_open(proc_files[i], O_RDONLY, 0), proc_files[i]);
	holder_end(test, &holder);
	KUNIT_EXPECT_EQ(test, move(current, &default_hierarchy.root), 0);
}

static void options_are_shown_without_the_mutex(struct kunit *test)
{
	struct seq_file m = { .size = PAGE_SIZE };
	struct holder holder;

	m.buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	holder_start(test, &holder);
	KUNIT_EXPECT_EQ(test, mnt->mnt_sb->s_op->show_options(&m, mnt->mnt_root), 0);
	holder_end(test, &holder);
	KUNIT_EXPECT_STREQ(test, m.buf, ",c");
}

static struct kunit_case readers_cases[] = {
	KUNIT_CASE(files_are_read_without_the_mutex),
	KUNIT_CASE(proc_is_read_without_the_mutex),
	KUNIT_CASE(options_are_shown_without_the_mutex),
	{}
};

static struct kunit_suite readers_suite = {
	.name = "readers",
	.suite_init = mount_suite_start,
	.suite_exit = mount_suite_stop,
	.init = readers_start,
	.exit = readers_stop,
	.test_cases = readers_cases,
};

kunit_test_suite(readers_suite);
