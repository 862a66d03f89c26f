// SPDX-License-Identifier: GPL-2.0
/* Hooks: handlers are called, or put another function in the place of the hooked one. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "../src/compat.h"
#include "../src/hierarchy.h"
#include "../src/hook.h"
#include "../src/list.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

/* What is hooked. The compiler is not to know that nothing else happens in it. */
static noinline __noclone unsigned long hook_test_target(unsigned long a, unsigned long b)
{
	barrier();
	return a + b;
}

static noinline __noclone unsigned long hook_test_instead(unsigned long a, unsigned long b)
{
	barrier();
	return a * b;
}

static noinline __noclone unsigned long hook_test_other(unsigned long a, unsigned long b)
{
	barrier();
	return a - b;
}

static notrace noinline __noclone unsigned long hook_test_notrace(unsigned long a)
{
	barrier();
	return a;
}

/* What the handlers have seen, and what they return. */
static unsigned int seen;
static unsigned long seen_args[2];
static void *instead;

static __always_inline void *on_target(unsigned long a, unsigned long b)
{
	seen++;
	seen_args[0] = a;
	seen_args[1] = b;
	return instead;
}

DEFINE_HOOK(hook_look, "hook_test_target", on_target, false);
DEFINE_HOOK(hook_redirect, "hook_test_target", on_target, true);
DEFINE_HOOK(hook_redirect_too, "hook_test_target", on_target, true);
DEFINE_HOOK_PAIR(hook_pair, "hook_test_target", "hook_test_other", on_target, true);
DEFINE_HOOK_PAIR(hook_half, "hook_test_target", "containerfs_no_such_function", on_target, true);
DEFINE_HOOK(hook_missing, "containerfs_no_such_function", on_target, false);
DEFINE_HOOK(hook_notrace, "hook_test_notrace", on_target, false);

/* Each case is run with each of them. */
static const char * const methods[] = { "ftrace", "kprobe" };

static void method_description(const char * const *method, char *description)
{
	strscpy(description, *method, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(method, methods, method_description);

static const char *method_of(struct kunit *test)
{
	return test->param_value ? *(const char * const *)test->param_value : "auto";
}

static int hook_start(struct kunit *test)
{
	seen = 0;
	instead = NULL;
	return core_start(test) ?: hook_init(method_of(test), NULL, 0);
}

static void hook_stop(struct kunit *test)
{
	hook_exit();
	core_stop(test);
}

/* Is this a line of the list of hooks? */
static bool listed(struct kunit *test, const char *symbol, const char *state)
{
	struct seq_file m = { .size = PAGE_SIZE };
	char *line;
	bool found;

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	line = kasprintf(GFP_KERNEL, "%s %s %s missed 0\n", symbol, method_of(test), state);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	KUNIT_ASSERT_NOT_NULL(test, line);
	rc_show_hooks(&m);
	found = strstr(m.buf, line);
	kfree(line);
	return found;
}

static void a_handler_sees_the_arguments(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_look), 0);
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, seen, 1);
	KUNIT_EXPECT_EQ(test, seen_args[0], 40);
	KUNIT_EXPECT_EQ(test, seen_args[1], 2);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_look), 0);
}

static void a_handler_may_put_another_function_in_the_place(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
	instead = hook_test_instead;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
	/* It decides each time anew. */
	instead = NULL;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, seen, 2);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect), 0);
}

static void who_only_looks_puts_nothing_in_the_place(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_look), 0);
	instead = hook_test_instead;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, seen, 1);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_look), 0);
}

static void a_disarmed_hook_is_not_called_and_can_be_armed_again(struct kunit *test)
{
	int i;

	for (i = 1; i <= 3; i++) {
		KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
		hook_test_target(1, 2);
		KUNIT_EXPECT_EQ(test, seen, i);
		KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect), 0);
		instead = hook_test_instead;
		KUNIT_EXPECT_EQ(test, hook_test_target(1, 2), 3);
		KUNIT_EXPECT_EQ(test, seen, i);
		instead = NULL;
	}
}

static void parked_hook_is_not_called(struct kunit *test)
{
	int i;

	instead = hook_test_instead;
	KUNIT_ASSERT_EQ(test, hook_park(&hook_redirect), 0);
	KUNIT_EXPECT_EQ(test, hook_test_target(1, 2), 3);
	for (i = 1; i <= 3; i++) {
		KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
		KUNIT_EXPECT_EQ(test, hook_redirect.state, HOOK_ARMED);
		KUNIT_EXPECT_EQ(test, hook_arm(&hook_redirect), 0);
		KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
		KUNIT_ASSERT_EQ(test, hook_park(&hook_redirect), 0);
		KUNIT_EXPECT_EQ(test, hook_redirect.state, HOOK_PARKED);
		KUNIT_EXPECT_EQ(test, hook_park(&hook_redirect), 0);
		KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
		KUNIT_EXPECT_EQ(test, seen, i);
	}
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect), 0);
	KUNIT_EXPECT_EQ(test, hook_redirect.state, HOOK_IDLE);
}

static void parking_changes_no_other_hook(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_look), 0);
	KUNIT_ASSERT_EQ(test, hook_park(&hook_redirect), 0);
	instead = hook_test_instead;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, seen, 1);
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
	KUNIT_ASSERT_EQ(test, hook_park(&hook_look), 0);
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
	KUNIT_EXPECT_EQ(test, seen, 2);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect), 0);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_look), 0);
}

static void one_hook_has_two_functions(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, hook_check(&hook_pair), 0);
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_pair), 0);
	KUNIT_EXPECT_TRUE(test, listed(test, "hook_test_target", "armed"));
	KUNIT_EXPECT_TRUE(test, listed(test, "hook_test_other", "armed"));
	instead = hook_test_instead;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
	KUNIT_EXPECT_EQ(test, hook_test_other(40, 2), 80);
	KUNIT_EXPECT_EQ(test, seen, 2);
	KUNIT_ASSERT_EQ(test, hook_park(&hook_pair), 0);
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, hook_test_other(40, 2), 38);
	KUNIT_EXPECT_EQ(test, seen, 2);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_pair), 0);
}

static void one_of_two_functions_is_missing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, hook_check(&hook_half), -ENOENT);
	KUNIT_EXPECT_EQ(test, hook_arm(&hook_half), -ENOENT);
	KUNIT_EXPECT_EQ(test, hook_half.state, HOOK_IDLE);
	instead = hook_test_instead;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, seen, 0);
}

#ifdef CONFIG_FAULT_INJECTION
/* Each allocation fails once: the hook stays armed until one attempt succeeds. */
static void parking_without_memory_changes_nothing(struct kunit *test)
{
	unsigned int nth, failed = 0;
	int error;

	instead = hook_test_instead;
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
	for (nth = 1; nth < 100; nth++) {
		WRITE_ONCE(current->fail_nth, nth);
		error = hook_park(&hook_redirect);
		WRITE_ONCE(current->fail_nth, 0);
		if (!error)
			break;
		KUNIT_ASSERT_EQ(test, error, -EAGAIN);
		KUNIT_EXPECT_EQ(test, hook_redirect.state, HOOK_ARMED);
		KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
		failed++;
	}
	KUNIT_EXPECT_GT(test, failed, 0);
	KUNIT_EXPECT_EQ(test, hook_redirect.state, HOOK_PARKED);
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 42);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect), 0);
}
#endif

/* Of those that ftrace calls; kprobes share one such place among themselves. */
static void one_hook_alone_may_redirect_a_function(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect), 0);
	KUNIT_EXPECT_EQ(test, hook_arm(&hook_redirect_too), -EBUSY);
	KUNIT_EXPECT_EQ(test, hook_redirect_too.state, HOOK_IDLE);
	instead = hook_test_instead;
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
	KUNIT_EXPECT_EQ(test, seen, 1);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect), 0);
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_redirect_too), 0);
	KUNIT_EXPECT_EQ(test, hook_test_target(40, 2), 80);
	KUNIT_EXPECT_EQ(test, seen, 2);
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_redirect_too), 0);
}

static void what_cannot_be_hooked_is_refused(struct kunit *test)
{
	bool ftrace = !strcmp(method_of(test), "ftrace");

	KUNIT_ASSERT_EQ(test, hook_test_notrace(42), 42);
	KUNIT_EXPECT_EQ(test, hook_check(&hook_missing), -ENOENT);
	KUNIT_EXPECT_EQ(test, hook_arm(&hook_missing), -ENOENT);
	KUNIT_EXPECT_FALSE(test, listed(test, "containerfs_no_such_function", "idle"));
	/* It is there, but nobody is called at its beginning. */
	KUNIT_EXPECT_EQ(test, hook_check(&hook_notrace), ftrace ? -ENOENT : -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hook_arm(&hook_notrace), ftrace ? -EINVAL : -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hook_notrace.state, HOOK_IDLE);
	hook_test_notrace(42);
	KUNIT_EXPECT_EQ(test, seen, 0);
}

static void the_list_has_those_that_were_checked(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, listed(test, "hook_test_target", "idle"));
	KUNIT_EXPECT_EQ(test, hook_check(&hook_look), 0);
	KUNIT_EXPECT_TRUE(test, listed(test, "hook_test_target", "idle"));
	/* To look is not to arm. */
	hook_test_target(1, 2);
	KUNIT_EXPECT_EQ(test, seen, 0);
	KUNIT_ASSERT_EQ(test, hook_arm(&hook_look), 0);
	KUNIT_EXPECT_TRUE(test, listed(test, "hook_test_target", "armed"));
	KUNIT_EXPECT_EQ(test, hook_disarm(&hook_look), 0);
	KUNIT_EXPECT_TRUE(test, listed(test, "hook_test_target", "idle"));
}

static bool fork_hooks_are(struct kunit *test, const char *state)
{
	return listed(test, "cgroup_can_fork", state) && listed(test, "cgroup_post_fork", state) &&
	       listed(test, "perf_event_free_task", state) &&
	       listed(test, COMPAT_EXIT_SYMBOL, state);
}

static void fork_and_exit_are_hooked_as_long_as_somebody_wants_it(struct kunit *test)
{
	unsigned long patience = jiffies + 60 * HZ;

	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "idle"));
	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "armed"));
	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	fork_hooks_put();
	schedule_timeout_uninterruptible(2 * HZ);
	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "armed"));
	/* After the last one not at once, but soon. */
	fork_hooks_put();
	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "armed"));
	while (!fork_hooks_are(test, "idle") && time_before(jiffies, patience))
		schedule_timeout_uninterruptible(HZ / 4);
	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "idle"));
}

static void who_comes_soon_after_the_last_finds_them_armed(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	fork_hooks_put();
	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	schedule_timeout_uninterruptible(2 * HZ);
	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "armed"));
	fork_hooks_put();
}

static void leaving_disarms_at_once(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	fork_hooks_put();
	hook_exit();
	KUNIT_EXPECT_TRUE(test, fork_hooks_are(test, "idle"));
	KUNIT_ASSERT_EQ(test, hook_init(method_of(test), NULL, 0), 0);
}

static void there_are_two_methods_and_auto(struct kunit *test)
{
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	KUNIT_EXPECT_EQ(test, hook_init("magic", NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, hook_init("", NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, hook_init("ftrac", NULL, 0), -EINVAL);
	/* The better one, here. */
	KUNIT_ASSERT_EQ(test, hook_init("auto", NULL, 0), 0);
	rc_show_hooks(&m);
	KUNIT_EXPECT_STREQ(test, m.buf, COMPAT_EXIT_SYMBOL " ftrace idle missed 0\n"
			   "cgroup_post_fork ftrace idle missed 0\n"
			   "perf_event_free_task ftrace idle missed 0\n"
			   "cgroup_can_fork ftrace idle missed 0\n");
}

static int idle(void *arg)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 50);
	return 0;
}

/* kthreadd, which forks for all who want a thread; a test cannot fork itself. */
static struct task_struct *creator(void)
{
	return rcu_access_pointer(current->real_parent);
}

/* Remove a container that the creator is in, and perhaps a thread that the kernel has needed. */
static void empty_and_remove(struct kunit *test, struct container *c)
{
	struct task_struct *task;
	pid_t *pids;
	size_t i, nr;
	struct pid *pid;

	do {
		KUNIT_ASSERT_EQ(test, task_list(c, &init_pid_ns, &pids, &nr), 0);
		/* By rising ids: first who makes others. */
		for (i = 0; i < nr; i++) {
			pid = find_get_pid(pids[i]);
			task = get_pid_task(pid, PIDTYPE_PID);
			put_pid(pid);
			if (!task)
				continue;
			move(task, top);
			put_task_struct(task);
		}
		kvfree(pids);
	} while (nr);
	core_rmdir(c);
}

static void a_real_fork_and_exit_are_seen(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	unsigned long patience = jiffies + 60 * HZ;
	struct task_struct *child;

	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	KUNIT_EXPECT_EQ(test, move(creator(), a), 0);
	child = kthread_run(idle, NULL, "containerfs_test");
	KUNIT_EXPECT_FALSE(test, IS_ERR(child));
	if (!IS_ERR(child)) {
		get_task_struct(child);
		KUNIT_EXPECT_NOT_NULL(test, set_of(child));
		KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(creator()));
		kthread_stop(child);
		while (set_of(child) && time_before(jiffies, patience))
			schedule_timeout_uninterruptible(HZ / 50);
		KUNIT_EXPECT_NULL(test, set_of(child));
		put_task_struct(child);
	}
	empty_and_remove(test, a);
	fork_hooks_put();
}

static struct recorder recorder;

static int bind_default(unsigned int nr)
{
	struct hierarchy_options options = { .subsystems = { "a" }, .nr_subsystems = nr };
	struct fs_context fc = {};

	return hierarchy_bind_default(&fc, &options);
}

static void a_real_fork_fails_with_the_error_of_the_subsystem(struct kunit *test)
{
	struct task_struct *child;
	struct container *a;

	recorder_init(&recorder, "a");
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, bind_default(1), 0);
	a = core_mkdir(top, "a");
	KUNIT_ASSERT_EQ(test, fork_hooks_get(), 0);
	recorder.fork_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, move(creator(), a), 0);
	child = kthread_run(idle, NULL, "containerfs_test");
	KUNIT_EXPECT_PTR_EQ(test, child, (struct task_struct *)ERR_PTR(-EDQUOT));
	recorder.fork_error = 0;
	child = kthread_run(idle, NULL, "containerfs_test");
	KUNIT_EXPECT_FALSE(test, IS_ERR(child));
	if (!IS_ERR(child))
		kthread_stop(child);
	empty_and_remove(test, a);
	KUNIT_EXPECT_EQ(test, recorder.charges, 0);
	fork_hooks_put();
	KUNIT_EXPECT_EQ(test, bind_default(0), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
}

static struct kunit_case hook_cases[] = {
	KUNIT_CASE_PARAM(a_handler_sees_the_arguments, method_gen_params),
	KUNIT_CASE_PARAM(a_handler_may_put_another_function_in_the_place, method_gen_params),
	KUNIT_CASE_PARAM(who_only_looks_puts_nothing_in_the_place, method_gen_params),
	KUNIT_CASE_PARAM(a_disarmed_hook_is_not_called_and_can_be_armed_again, method_gen_params),
	KUNIT_CASE_PARAM(parked_hook_is_not_called, method_gen_params),
	KUNIT_CASE_PARAM(parking_changes_no_other_hook, method_gen_params),
	KUNIT_CASE_PARAM(one_hook_has_two_functions, method_gen_params),
	KUNIT_CASE_PARAM(one_of_two_functions_is_missing, method_gen_params),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(parking_without_memory_changes_nothing),
#endif
	KUNIT_CASE(one_hook_alone_may_redirect_a_function),
	KUNIT_CASE_PARAM(what_cannot_be_hooked_is_refused, method_gen_params),
	KUNIT_CASE_PARAM(the_list_has_those_that_were_checked, method_gen_params),
	KUNIT_CASE_PARAM(fork_and_exit_are_hooked_as_long_as_somebody_wants_it,
			 method_gen_params),
	KUNIT_CASE_PARAM(who_comes_soon_after_the_last_finds_them_armed, method_gen_params),
	KUNIT_CASE_PARAM(leaving_disarms_at_once, method_gen_params),
	KUNIT_CASE(there_are_two_methods_and_auto),
	KUNIT_CASE_PARAM(a_real_fork_and_exit_are_seen, method_gen_params),
	KUNIT_CASE_PARAM(a_real_fork_fails_with_the_error_of_the_subsystem, method_gen_params),
	{}
};

static struct kunit_suite hook_suite = {
	.name = "hook",
	.init = hook_start,
	.exit = hook_stop,
	.test_cases = hook_cases,
};

kunit_test_suite(hook_suite);
