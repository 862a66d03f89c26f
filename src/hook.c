// SPDX-License-Identifier: GPL-2.0
/* The hooked functions of the kernel: choosing ftrace or kprobes, arming, parking, disarming. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <containerfs/subsys.h>

#include "container.h"
#include "hook.h"
#include "task.h"

/*
 * Every fork that fails after cgroup_can_fork() has been called undoes perf's part by this. One
 * that fails earlier may call it too, and has no charge then. cgroup_cancel_fork() would not do: it
 * is not called when cgroup_can_fork() itself fails, as for a limit of the pids controller.
 */
#define FORK_FAILED_SYMBOL "perf_event_free_task"

static const struct hook_method *hook_method;

/* The hooks that hook_check() has found good. */
static DEFINE_MUTEX(hook_list_mutex); /* guards hook_list and hook.list */
static LIST_HEAD(hook_list);

static const char *explain(int error)
{
	switch (error) {
	case -EBUSY:
		return " (a live patch or another module redirects it)";
	case -ENODEV:
		return " (an error of the kernel has disabled ftrace until the next boot)";
	}
	return "";
}

/* Name the functions that are to blame, or all of the hook. */
static void complain(const struct hook *hook, int error)
{
	const struct function *f;
	bool known = false;

	for (f = hook->functions; f < hook->functions + hook_nr_functions(hook); f++)
		known |= f->error;
	for (f = hook->functions; f < hook->functions + hook_nr_functions(hook); f++) {
		if (known && !f->error)
			continue;
		if (error == -ENOENT)
			pr_err("this kernel has no function %s that can be hooked\n", f->symbol);
		else
			pr_err("function %s cannot be hooked with %s: error %d%s\n", f->symbol,
			       hook_method->name, error, explain(error));
	}
}

/**
 * hook_check - see whether a function can be hooked here
 * @hook: the hook, not armed
 *
 * Context: Process context, may sleep; waits for a grace period unless hook_init() has looked for
 * the functions.
 * Return: 0, and hook_exit() disarms it; or the error, after a line that names the function:
 * -ENOENT if the kernel has none.
 */
int hook_check(struct hook *hook)
{
	int error = hook_method->check(hook);

	if (error) {
		complain(hook, error);
		return error;
	}
	mutex_lock(&hook_list_mutex);
	list_add_tail(&hook->list, &hook_list);
	mutex_unlock(&hook_list_mutex);
	return 0;
}

/**
 * hook_arm - have a function hooked from now on
 * @hook: the hook; nothing is done if it is armed
 *
 * Context: Process context, may sleep; takes ftrace's or kprobes' locks, and waits for no grace
 * period if the hook has been checked. One call at a time for a hook.
 * Return: 0 or the error, after a line that names the function.
 */
int hook_arm(struct hook *hook)
{
	int error = hook->state == HOOK_ARMED ? 0 : hook_method->arm(hook);

	if (error)
		complain(hook, error);
	return error;
}

/* The kernel goes on calling a hook: its code must stay. The pin is never given back. */
static void pin_module(const struct hook *hook, int error)
{
	static atomic_t pinned;

	if (atomic_xchg(&pinned, 1))
		return;
	__module_get(THIS_MODULE);
	pr_warn("function %s stays hooked: %s failed to let it go: error %d%s; the module cannot be unloaded any more\n",
		hook->functions[0].symbol, hook_method->name, error, explain(error));
}

/**
 * hook_park - have a function not hooked for a while
 * @hook: the hook; nothing is done if it is parked
 *
 * A handler may still be running, or about to run for a call that was made before.
 *
 * Context: Process context, may sleep; takes ftrace's or kprobes' locks, and waits for no grace
 * period.
 * Return: 0; -EAGAIN if memory is short and the hook is still armed; another error if the kernel
 * does not let go: then the hook is still armed, and the module pinned.
 */
int hook_park(struct hook *hook)
{
	bool armed = hook->state == HOOK_ARMED;
	int error = hook->state == HOOK_PARKED ? 0 : hook_method->park(hook);

	if (error && armed && error != -EAGAIN)
		pin_module(hook, error);
	return error;
}

/**
 * hooks_disarm - have functions hooked no more
 * @hooks: the hooks, in any state
 * @nr: the number of elements of @hooks
 *
 * Context: Process context; waits for grace periods, until no handler is running. Functions that a
 * handler has put in the place of the hooked one may still be.
 * Return: 0, or an error if the kernel does not let go of a hook, which keeps its state. Then the
 * module is pinned, or, if it is being unloaded, hook_exit() does not return.
 */
int hooks_disarm(struct hook *const *hooks, size_t nr)
{
	int error = hook_method->disarm(hooks, nr);
	size_t i;

	for (i = 0; i < nr && error; i++)
		if (hooks[i]->state != HOOK_IDLE)
			pin_module(hooks[i], error);
	return error;
}

/**
 * hook_disarm - have a function hooked no more
 * @hook: the hook
 *
 * Context, Return: As for hooks_disarm().
 */
int hook_disarm(struct hook *hook)
{
	return hooks_disarm(&hook, 1);
}

/**
 * rc_show_hooks - print a line for each hooked function: its name, how it is hooked, and whether
 * @m: where to
 *
 * And how often the kernel says that it has failed to call us, which is to be 0.
 *
 * Context: Process context, may sleep.
 * Return: 0.
 */
int rc_show_hooks(struct seq_file *m)
{
	const struct hook *hook;
	size_t i;

	mutex_lock(&hook_list_mutex);
	list_for_each_entry(hook, &hook_list, list)
		for (i = 0; i < hook_nr_functions(hook); i++)
			seq_printf(m, "%s %s %s missed %lu\n", hook->functions[i].symbol,
				   hook_method->name,
				   READ_ONCE(hook->state) == HOOK_ARMED ? "armed" : "idle",
				   hook->probes[i].nmissed);
	mutex_unlock(&hook_list_mutex);
	return 0;
}
EXPORT_SYMBOL_GPL(rc_show_hooks);

/* Called in the place of cgroup_can_fork(), whose error makes the fork fail. */
static int refuse_fork(struct task_struct *child, struct kernel_clone_args *args)
{
	return task_fork_error();
}

static __always_inline void *on_can_fork(unsigned long child, unsigned long args)
{
	return task_fork_begin() ? refuse_fork : NULL;
}

static __always_inline void *on_fork_failed(unsigned long child, unsigned long none)
{
	task_fork_cancel();
	return NULL;
}

static __always_inline void *on_post_fork(unsigned long child, unsigned long args)
{
	task_fork_end((struct task_struct *)child);
	return NULL;
}

static __always_inline void *on_exit(unsigned long task, unsigned long none)
{
	task_exit();
	return NULL;
}

DEFINE_HOOK(hook_can_fork, "cgroup_can_fork", on_can_fork, true);
DEFINE_HOOK(hook_fork_failed, FORK_FAILED_SYMBOL, on_fork_failed, false);
DEFINE_HOOK(hook_post_fork, "cgroup_post_fork", on_post_fork, false);
DEFINE_HOOK(hook_exit_task, COMPAT_EXIT_SYMBOL, on_exit, false);

static struct hook *const fork_hooks[] = {
	&hook_exit_task, &hook_post_fork, &hook_fork_failed, &hook_can_fork,
};

/* Guards the two below, and the states of fork_hooks; taken inside i_rwsem. */
static DEFINE_MUTEX(fork_hooks_mutex);
static unsigned int fork_hooks_users;
static bool fork_hooks_armed; /* all of them */

static void fork_hooks_park_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(fork_hooks_work, fork_hooks_park_work);

static int fork_hooks_arm(void)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(fork_hooks); i++) {
		error = hook_arm(fork_hooks[i]);
		if (error) {
			mod_delayed_work(container_wq, &fork_hooks_work, 0);
			return error;
		}
	}
	fork_hooks_armed = true;
	return 0;
}

/* No grace period passes here, so nothing that takes the mutex waits for one. */
static void fork_hooks_park_work(struct work_struct *work)
{
	size_t i = ARRAY_SIZE(fork_hooks);
	int error = 0;

	mutex_lock(&fork_hooks_mutex);
	while (!fork_hooks_users && i-- && !error) {
		if (fork_hooks[i]->state != HOOK_ARMED)
			continue;
		error = hook_park(fork_hooks[i]);
		if (!error)
			fork_hooks_armed = false;
	}
	if (error == -EAGAIN)
		mod_delayed_work(container_wq, &fork_hooks_work, HZ);
	mutex_unlock(&fork_hooks_mutex);
}

/**
 * fork_hooks_get - have fork and exit hooked as long as there is a container
 *
 * No task has an entry when they are armed, so it does not matter which of them a fork or an exit
 * under way still meets: task_move(), and not they, makes the first entry, and gives it a reserve
 * for a fork under way. Nor does it matter that parking waits for no handler: one that was on its
 * way when the hooks were parked, and runs when they are armed again, does for the current task
 * what it would do if it were called now. What it finds in the table is true, for the table is
 * looked at by the handler and not before.
 *
 * Context: Process context, may sleep; waits for no grace period.
 * Return: 0, or an error if the kernel does not let us, after a line that tells why.
 */
int fork_hooks_get(void)
{
	int error = 0;

	mutex_lock(&fork_hooks_mutex);
	if (!fork_hooks_armed)
		error = fork_hooks_arm();
	if (!error)
		fork_hooks_users++;
	mutex_unlock(&fork_hooks_mutex);
	return error;
}

/**
 * fork_hooks_put - one container less
 *
 * After the last one the hooks are parked, but a little later: that changes the code of the kernel,
 * which interrupts all processors, and a script may be about to make the next container.
 *
 * Context: Process context, may sleep.
 */
void fork_hooks_put(void)
{
	mutex_lock(&fork_hooks_mutex);
	if (!--fork_hooks_users)
		mod_delayed_work(container_wq, &fork_hooks_work, HZ);
	mutex_unlock(&fork_hooks_mutex);
}

/* Look for all functions at once; each caller names those that are missing. */
static int find_functions(struct hook *const *others, size_t nr_others)
{
	const size_t max = (ARRAY_SIZE(fork_hooks) + nr_others) * HOOK_FUNCTIONS;
	struct function **functions = kcalloc(max, sizeof(*functions), GFP_KERNEL);
	size_t i, j, nr = 0;
	struct hook *hook;
	int error;

	if (!functions)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(fork_hooks) + nr_others; i++) {
		hook = i < nr_others ? others[i] : fork_hooks[i - nr_others];
		for (j = 0; j < hook_nr_functions(hook); j++)
			functions[nr++] = &hook->functions[j];
	}
	error = functions_find(functions, nr);
	kfree(functions);
	return error;
}

static int fork_hooks_check(void)
{
	int error = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fork_hooks) && !error; i++)
		error = hook_check(fork_hooks[i]);
	return error;
}

/* With ftrace, one parked hook keeps ftrace_enabled set, and blocks no other tracer. */
static int lock_ftrace(void)
{
	int error = hook_park(fork_hooks[0]);

	if (error == -EBUSY)
		pr_err("ftrace_enabled is 0: \"sysctl kernel.ftrace_enabled=1\" is needed first\n");
	else if (error)
		complain(fork_hooks[0], error);
	return error;
}

/* Returning would free code that the kernel still calls, and no function that calls us can fail. */
static void __noreturn wait_for_reboot(int error)
{
	pr_crit("the kernel failed to let go of the hooks: error %d%s; the module stays until the next boot\n",
		error, explain(error));
	for (;;) {
		set_current_state(TASK_IDLE | TASK_FREEZABLE);
		schedule();
	}
}

/* Disarm all hooks that hook_check() has found good. Does not return if one stays. */
static void disarm_all(void)
{
	int error = hooks_disarm(fork_hooks, ARRAY_SIZE(fork_hooks));
	struct hook *hook;

	list_for_each_entry(hook, &hook_list, list)
		if (hook->state != HOOK_IDLE)
			error = hook_disarm(hook) ?: error;
	if (hook_method->stop)
		error = hook_method->stop() ?: error;
	if (error)
		wait_for_reboot(error);
}

static int start_with(const struct hook_method *method, struct hook *const *others,
		      size_t nr_others)
{
	int error = 0;

	hook_method = method;
	INIT_LIST_HEAD(&hook_list);
	if (method->by_address)
		error = find_functions(others, nr_others);
	if (!error)
		error = fork_hooks_check();
	if (!error && method->start)
		error = method->start();
	if (!error)
		error = lock_ftrace();
	if (error)
		disarm_all();
	return error;
}

/**
 * hook_init - choose how to hook functions, and see whether fork and exit can be hooked
 * @method: "ftrace", "kprobe", or "auto" for the better one that works
 * @others: hooks whose functions are looked for at the same time, within one grace period; whether
 *	they are there is said when these hooks are checked or armed
 * @nr_others: the number of elements of @others
 *
 * Context: Process context; waits for a grace period of RCU.
 * Return: 0, or an error after a line that tells why: -EINVAL for another @method; -EBUSY if what
 * calls hooks is switched off.
 */
int hook_init(const char *method, struct hook *const *others, size_t nr_others)
{
	bool any = !strcmp(method, "auto"), known = false;
	int error = -EINVAL;

#ifdef CONFIG_DYNAMIC_FTRACE
	if (any || !strcmp(method, hook_ftrace.name)) {
		known = true;
		error = start_with(&hook_ftrace, others, nr_others);
	}
#endif
	/* Where ftrace is switched off, so are kprobes. */
	if ((any && error && error != -EBUSY) || !strcmp(method, hook_kprobe.name)) {
		known = true;
		error = start_with(&hook_kprobe, others, nr_others);
	}
	if (!known)
		pr_err("hook=%s: must be auto, ftrace or kprobe\n", method);
	if (!error)
		pr_info("fork and exit are hooked with %s while there is a container\n",
			hook_method->name);
	return error;
}

/**
 * hook_exit - undo hook_init(), and disarm all hooks
 *
 * If the kernel does not let go of a hook, this never returns: it is called when the module goes,
 * or has failed to load, and neither can be refused any more.
 *
 * Context: Process context; sleeps until no task is in code of ours that a hook has led it to and
 * that does not sleep.
 */
void hook_exit(void)
{
	cancel_delayed_work_sync(&fork_hooks_work);
	disarm_all();
	fork_hooks_armed = false;
	synchronize_rcu_tasks();
}
