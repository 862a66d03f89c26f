// SPDX-License-Identifier: GPL-2.0
/* When the release agent is run, how often, and with what. */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>

#include "../src/container.h"
#include "../src/hierarchy.h"
#include "../src/hook.h"
#include "../src/registry.h"
#include "../src/release.h"
#include "../src/task.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

/* What agents have been told: "AGENT PATH\n" for each run. */
static char told[512];
static int told_error;

static int fake_usermodehelper(const char *path, char **argv, char **envp, int wait)
{
	size_t len = strlen(told);

	if (strcmp(path, argv[0]) || argv[2] || strcmp(envp[0], "HOME=/") ||
	    strcmp(envp[1], "PATH=/sbin:/bin:/usr/sbin:/usr/bin") || envp[2])
		scnprintf(told + len, sizeof(told) - len, "nonsense\n");
	else
		scnprintf(told + len, sizeof(told) - len, "%s %s\n", path, argv[1]);
	return told_error;
}

static __always_inline void *on_usermodehelper(unsigned long path, unsigned long argv)
{
	return fake_usermodehelper;
}

DEFINE_HOOK(hook_usermodehelper, "call_usermodehelper", on_usermodehelper, true);

static int release_start(struct kunit *test)
{
	int error = core_start(test) ?: hook_init("auto", NULL, 0) ?:
		    hook_arm(&hook_usermodehelper);

	told[0] = '\0';
	told_error = 0;
	return error;
}

static void release_stop(struct kunit *test)
{
	hook_disarm(&hook_usermodehelper);
	hook_exit();
	core_stop(test);
}

/* What agents have been told since the last time. */
static void expect_told(struct kunit *test, const char *expected)
{
	core_settle();
	KUNIT_EXPECT_STREQ(test, told, expected);
	told[0] = '\0';
}

static void set_agent(const char *path)
{
	char *copy = path ? kstrdup(path, GFP_KERNEL) : NULL;

	hierarchy_swap_release_agent(&default_hierarchy, &copy);
	kfree(copy);
}

static struct container *make_notifying(struct container *parent, const char *name)
{
	struct container *c = core_mkdir(parent, name);

	container_set_notify(c, true);
	return c;
}

static void the_last_task_announces_once(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *first = fake_task(test), *second = fake_task(test);

	/* It is empty, but has not become so. */
	expect_told(test, "");
	move(first, a);
	move(second, a);
	expect_told(test, "");
	move(first, top);
	expect_told(test, "");
	move(second, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	expect_told(test, "");
	core_rmdir(a);
}

static void exit_announces_too(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");

	move(current, a);
	task_exit();
	expect_told(test, "/sbin/container_release_agent /a\n");
	core_rmdir(a);
}

static void who_is_emptied_again_is_announced_again(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);
	int i;

	for (i = 0; i < 3; i++) {
		move(task, a);
		move(task, top);
		expect_told(test, "/sbin/container_release_agent /a\n");
	}
	core_rmdir(a);
}

static void who_is_refilled_in_time_is_not_announced(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);

	move(task, a);
	/* The announcement waits for the mutex. */
	mutex_lock(&container_mutex);
	task_move(task, NULL, a, top);
	task_move(task, container_set_find(NULL, 0, a), top, a);
	mutex_unlock(&container_mutex);
	expect_told(test, "");
	move(task, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	core_rmdir(a);
}

static void the_last_child_announces_an_empty_parent(struct kunit *test)
{
	struct container *a = make_notifying(top, "a"), *b = core_mkdir(a, "b");
	struct container *c = core_mkdir(a, "c");
	struct task_struct *task = fake_task(test);

	container_set_notify(b, false);
	container_set_notify(c, false);
	core_rmdir(b);
	expect_told(test, "");
	core_rmdir(c);
	expect_told(test, "/sbin/container_release_agent /a\n");

	/* Not as long as there is a task, ... */
	b = core_mkdir(a, "b");
	move(task, a);
	core_rmdir(b);
	expect_told(test, "");
	/* ... nor does the task announce it as long as there is a child. */
	b = core_mkdir(a, "b");
	container_set_notify(b, false);
	move(task, top);
	expect_told(test, "");
	core_rmdir(b);
	expect_told(test, "/sbin/container_release_agent /a\n");
	core_rmdir(a);
}

/* Exit and rmdir of the last child, when each of them has seen what the other one did */
static void a_task_and_a_child_that_go_at_once_are_announced_once(struct kunit *test)
{
	struct container *a = make_notifying(top, "a"), *b = core_mkdir(a, "b");

	container_set_notify(b, false);
	mutex_lock(&container_mutex);
	container_populate(a);
	mutex_unlock(&container_mutex);
	/* The task goes, and is held up before it announces. */
	atomic_set(&a->populated, 0);
	core_rmdir(b);
	expect_told(test, "/sbin/container_release_agent /a\n");
	/* It goes on. */
	atomic_set(&a->populated, 1);
	KUNIT_EXPECT_TRUE(test, container_depopulate(a));
	release_announce(a);
	expect_told(test, "");
	core_rmdir(a);
}

static void two_sets_are_one_container(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = make_notifying(top, "a"), *b = core_mkdir(&tree->root, "b");
	struct task_struct *first = fake_task(test), *second = fake_task(test);

	move(first, a);
	move(second, a);
	move(second, b);
	move(first, top);
	expect_told(test, "");
	/* From one set of a to another one of a. */
	move(second, &tree->root);
	expect_told(test, "");
	move(second, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static void who_has_not_asked_for_it_is_not_announced(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *task = fake_task(test);

	move(task, a);
	move(task, top);
	expect_told(test, "");
	/* Asked too late, or taken back in time. */
	container_set_notify(a, true);
	expect_told(test, "");
	move(task, a);
	container_set_notify(a, false);
	move(task, top);
	expect_told(test, "");
	core_rmdir(a);
}

static void who_was_removed_in_time_is_not_announced(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);

	move(task, a);
	mutex_lock(&container_mutex);
	task_move(task, NULL, a, top);
	KUNIT_EXPECT_EQ(test, container_remove(a), 0);
	release_cancel(a);
	subsys_states_put_locked(a);
	mutex_unlock(&container_mutex);
	container_put(a);
	expect_told(test, "");
	container_put(a);
}

static void a_root_is_never_announced(struct kunit *test)
{
	struct container *a;

	set_bit(CONTAINER_NOTIFY_ON_RELEASE, &top->flags);
	a = core_mkdir(top, "a");
	core_rmdir(a);
	expect_told(test, "");
	clear_bit(CONTAINER_NOTIFY_ON_RELEASE, &top->flags);
}

static void the_path_is_that_of_the_moment(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = make_notifying(a, "b");
	struct task_struct *task = fake_task(test);

	set_agent("/bin/agent");
	move(task, b);
	move(task, top);
	expect_told(test, "/bin/agent /a/b\n");
	container_rename(a, "x y");
	container_rename(b, "z");
	move(task, b);
	move(task, top);
	expect_told(test, "/bin/agent /x y/z\n");
	set_agent(NULL);
	core_rmdir(b);
	core_rmdir(a);
}

static void no_agent_is_told_nothing(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);

	set_agent("");
	move(task, a);
	move(task, top);
	expect_told(test, "");
	set_agent(NULL);
	core_rmdir(a);
}

static void an_agent_that_cannot_be_run_does_no_harm(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);

	told_error = -ENOENT;
	move(task, a);
	move(task, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	/* It is tried again the next time, and holds nothing. */
	told_error = 0;
	move(task, a);
	move(task, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 2);
	core_rmdir(a);
}

/* A container that has just become empty, and whose announcement has failed for now */
static struct container *make_untold(struct kunit *test, int error)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);

	told_error = error;
	move(task, a);
	move(task, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&a->release_work));
	/* Those of the tree and the test, and of the work */
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 3);
	return a;
}

/* Has the agent told at once, and not after the delay. */
static void retry_now(struct container *a)
{
	flush_delayed_work(&a->release_work);
}

static void error_that_passes_is_retried(struct kunit *test)
{
	static const int errors[] = { -EBUSY, -EAGAIN, -ENOMEM };
	struct container *a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		a = make_untold(test, errors[i]);
		retry_now(a);
		expect_told(test, "/sbin/container_release_agent /a\n");
		KUNIT_EXPECT_EQ(test, a->release_tries, 2);
		told_error = 0;
		retry_now(a);
		expect_told(test, "/sbin/container_release_agent /a\n");
		/* Once is enough. */
		KUNIT_EXPECT_FALSE(test, delayed_work_pending(&a->release_work));
		KUNIT_EXPECT_EQ(test, a->release_tries, 0);
		KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 2);
		core_rmdir(a);
	}
}

static void retry_has_its_delay(struct kunit *test)
{
	struct container *a = make_untold(test, -EBUSY);
	unsigned long delay = a->release_work.timer.expires - jiffies;
	unsigned int i;

	KUNIT_EXPECT_LE(test, delay, HZ / 10);
	for (i = 0; i < 20; i++)
		retry_now(a);
	told[0] = '\0';
	delay = a->release_work.timer.expires - jiffies;
	/* It grows, but not for ever. */
	KUNIT_EXPECT_GT(test, delay, 2 * HZ);
	KUNIT_EXPECT_LE(test, delay, 7 * HZ);
	core_rmdir(a);
}

static void lasting_error_is_not_retried(struct kunit *test)
{
	static const int errors[] = { -ENOENT, -EACCES, -ENOEXEC };
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		told_error = errors[i];
		move(task, a);
		move(task, top);
		expect_told(test, "/sbin/container_release_agent /a\n");
		KUNIT_EXPECT_FALSE(test, delayed_work_pending(&a->release_work));
	}
	core_rmdir(a);
}

static void populated_container_is_not_retried(struct kunit *test)
{
	struct container *a = make_untold(test, -EBUSY);
	struct task_struct *task = fake_task(test);

	move(task, a);
	told_error = 0;
	retry_now(a);
	expect_told(test, "");
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&a->release_work));
	move(task, top);
	expect_told(test, "/sbin/container_release_agent /a\n");
	core_rmdir(a);
}

static void refilled_while_told_is_told_once(struct kunit *test)
{
	struct container *a = make_untold(test, -EBUSY);
	struct task_struct *task = fake_task(test);

	/* Empty again before the retry: the two are one. */
	move(task, a);
	move(task, top);
	told_error = 0;
	retry_now(a);
	expect_told(test, "/sbin/container_release_agent /a\n");
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&a->release_work));
	core_rmdir(a);
}

static void removed_container_is_not_retried(struct kunit *test)
{
	struct container *a = make_untold(test, -EBUSY);

	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), 0);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&a->release_work));
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 1);
	expect_told(test, "");
	container_put(a);
}

#ifdef CONFIG_FAULT_INJECTION
/*
 * The copy of the agent's path cannot be made, or that of the container's. Pages for a slab are
 * counted too, and may fail without consequence.
 */
static void announcement_without_memory_is_retried(struct kunit *test)
{
	struct container *a = make_notifying(top, "a");
	struct task_struct *task = fake_task(test);
	unsigned int round, failures = 0;

	for (round = 0; round < 16; round++) {
		/* Empty without an announcement; the test makes that itself, as the work. */
		container_set_notify(a, false);
		move(task, a);
		move(task, top);
		core_settle();
		container_set_notify(a, true);
		container_get(a);
		WRITE_ONCE(current->fail_nth, 1 + round % 4);
		a->release_work.work.func(&a->release_work.work);
		WRITE_ONCE(current->fail_nth, 0);
		if (delayed_work_pending(&a->release_work)) {
			failures++;
			expect_told(test, "");
			retry_now(a);
		}
		expect_told(test, "/sbin/container_release_agent /a\n");
		KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 2);
	}
	/* The first allocation fails each time. */
	KUNIT_EXPECT_GE(test, failures, 4);
	core_rmdir(a);
}
#endif

static struct kunit_case release_cases[] = {
	KUNIT_CASE(the_last_task_announces_once),
	KUNIT_CASE(exit_announces_too),
	KUNIT_CASE(who_is_emptied_again_is_announced_again),
	KUNIT_CASE(who_is_refilled_in_time_is_not_announced),
	KUNIT_CASE(the_last_child_announces_an_empty_parent),
	KUNIT_CASE(a_task_and_a_child_that_go_at_once_are_announced_once),
	KUNIT_CASE(two_sets_are_one_container),
	KUNIT_CASE(who_has_not_asked_for_it_is_not_announced),
	KUNIT_CASE(who_was_removed_in_time_is_not_announced),
	KUNIT_CASE(a_root_is_never_announced),
	KUNIT_CASE(the_path_is_that_of_the_moment),
	KUNIT_CASE(no_agent_is_told_nothing),
	KUNIT_CASE(an_agent_that_cannot_be_run_does_no_harm),
	KUNIT_CASE(error_that_passes_is_retried),
	KUNIT_CASE(retry_has_its_delay),
	KUNIT_CASE(lasting_error_is_not_retried),
	KUNIT_CASE(populated_container_is_not_retried),
	KUNIT_CASE(refilled_while_told_is_told_once),
	KUNIT_CASE(removed_container_is_not_retried),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(announcement_without_memory_is_retried),
#endif
	{}
};

static struct kunit_suite release_suite = {
	.name = "release",
	.init = release_start,
	.exit = release_stop,
	.test_cases = release_cases,
};

kunit_test_suite(release_suite);
