// SPDX-License-Identifier: GPL-2.0
/* The hooked functions of the kernel: choosing ftrace or kprobes, arming, disarming. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <containerfs/subsys.h>

#include "container.h"
#include "function.h"
#include "guard.h"
#include "hook.h"
#include "task.h"

/* A way to hook functions. */
struct hook_method {
	const char *name;
	int (*start)(void);
	void (*stop)(void);
	int (*check)(struct hook *hook);
	int (*arm)(struct hook *hook);
	void (*disarm)(struct hook *hook);
};

/*
 * Every fork that fails after cgroup_can_fork() has been called undoes perf's part by this, and no
 * other does. cgroup_cancel_fork() would not do: it is not called when cgroup_can_fork() itself
 * fails, because of a limit of the pids controller for example.
 */
#define FORK_FAILED_SYMBOL "perf_event_free_task"

static const struct hook_method *hook_method;

/* For those who want to see them. */
static DEFINE_MUTEX(hook_list_mutex); /* guards hook_list, hook.list and hook.armed */
static LIST_HEAD(hook_list);

#ifdef CONFIG_DYNAMIC_FTRACE
/*
 * PERMANENT: while we are registered, ftrace_enabled cannot be set to 0, and we cannot be while it
 * is. No RECURSION: the trampoline calls us without ado, for none of the hooked functions is called
 * from a hook or an interrupt.
 */
static int hook_ftrace_prepare(struct hook *hook)
{
	int error = hook->address ? 0 : function_find(hook->symbol, &hook->address);

	if (error)
		return error;
	/* All anew: what ftrace_free_filter() leaves is not to be used again. */
	hook->ops = (struct ftrace_ops) {
		.func = hook->func,
		.flags = FTRACE_OPS_FL_PERMANENT | COMPAT_FTRACE_FLAGS |
			 (hook->redirects ? FTRACE_OPS_FL_IPMODIFY : 0),
	};
	return function_filter(&hook->ops, hook->address);
}

static int hook_ftrace_check(struct hook *hook)
{
	int error = hook_ftrace_prepare(hook);

	if (!error)
		ftrace_free_filter(&hook->ops);
	return error == -EINVAL ? -ENOENT : error;
}

static int hook_ftrace_arm(struct hook *hook)
{
	int error = hook_ftrace_prepare(hook);

	if (error)
		return error;
	error = register_ftrace_function(&hook->ops);
	if (error)
		ftrace_free_filter(&hook->ops);
	return error;
}

/* Waits until nobody is in the callback or on the way there. */
static void hook_ftrace_disarm(struct hook *hook)
{
	int error = unregister_ftrace_function(&hook->ops);

	WARN_ONCE(error, "%s: ftrace does not let go: error %d\n", hook->symbol, error);
	ftrace_free_filter(&hook->ops);
}

static const struct hook_method hook_ftrace = {
	.name = "ftrace",
	.check = hook_ftrace_check,
	.arm = hook_ftrace_arm,
	.disarm = hook_ftrace_disarm,
};
#endif

/* Not armed yet. */
static int hook_kprobe_register(struct hook *hook)
{
	struct kprobe *probe = &hook->probe;
	int error;

	probe->addr = NULL;
	probe->symbol_name = hook->symbol;
	probe->flags = KPROBE_FLAG_DISABLED;
	probe->post_handler = NULL;
	error = register_kprobe(probe);
	if (error)
		return error;
	/* A breakpoint's handler runs as if in an NMI, where no memory can be had. */
	if (!kprobe_ftrace(probe)) {
		unregister_kprobe(probe);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int hook_kprobe_check(struct hook *hook)
{
	int error = hook_kprobe_register(hook);

	if (!error)
		unregister_kprobe(&hook->probe);
	return error;
}

/* That there is one tells kprobes that the instruction pointer may be changed. */
static void hook_kprobe_redirects(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

/*
 * That we redirect is said only after the probe is registered. If it is alone, that is in time for
 * arming it. Beside somebody else's, armed long since, it is too late, and has to be: else, when
 * that one goes, kprobes would disarm it as if it had always been one that redirects, fail, and
 * leave it in their lists after its memory is free. Ours is called with it, and can redirect.
 */
static int hook_kprobe_arm(struct hook *hook)
{
	int error = guard_check() ?: hook_kprobe_register(hook);

	if (error)
		return error;
	if (hook->redirects)
		hook->probe.post_handler = hook_kprobe_redirects;
	error = enable_kprobe(&hook->probe);
	if (error)
		unregister_kprobe(&hook->probe);
	return error;
}

static void hook_kprobe_disarm(struct hook *hook)
{
	unregister_kprobe(&hook->probe);
}

static const struct hook_method hook_kprobe = {
	.name = "kprobe",
	.start = guard_start,
	.stop = guard_stop,
	.check = hook_kprobe_check,
	.arm = hook_kprobe_arm,
	.disarm = hook_kprobe_disarm,
};

/**
 * hook_check - see whether a function can be hooked here
 * @hook: the hook, not armed
 *
 * Context: Process context, may sleep.
 * Return: 0 or the error, after a line that names the function: -ENOENT if the kernel has none.
 */
int hook_check(struct hook *hook)
{
	int error = hook_method->check(hook);

	if (error == -ENOENT)
		pr_err("this kernel has no function %s that can be hooked\n", hook->symbol);
	else if (error)
		pr_err("function %s cannot be hooked with %s: error %d\n", hook->symbol,
		       hook_method->name, error);
	if (error)
		return error;
	mutex_lock(&hook_list_mutex);
	list_add_tail(&hook->list, &hook_list);
	mutex_unlock(&hook_list_mutex);
	return 0;
}

static void hook_set_armed(struct hook *hook, bool armed)
{
	mutex_lock(&hook_list_mutex);
	hook->armed = armed;
	mutex_unlock(&hook_list_mutex);
}

/**
 * hook_arm - have a function hooked from now on
 * @hook: the hook, not armed
 *
 * Context: Process context, may sleep; takes ftrace's or kprobes' locks.
 * Return: 0 or the error, after a line that names the function.
 */
int hook_arm(struct hook *hook)
{
	int error = hook_method->arm(hook);

	if (error)
		pr_err("function %s cannot be hooked with %s: error %d%s\n", hook->symbol,
		       hook_method->name, error,
		       error == -EBUSY ? " (is ftrace_enabled 0, or does a live patch have it?)" :
		       "");
	else
		hook_set_armed(hook, true);
	return error;
}

/**
 * hook_disarm - have a function hooked no more
 * @hook: the hook, armed
 *
 * Context: Process context; sleeps until nobody is in the handler. Others may still be in a
 * function that a handler has put in the place of the hooked one.
 */
void hook_disarm(struct hook *hook)
{
	hook_method->disarm(hook);
	hook_set_armed(hook, false);
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

	mutex_lock(&hook_list_mutex);
	list_for_each_entry(hook, &hook_list, list)
		seq_printf(m, "%s %s %s missed %lu\n", hook->symbol, hook_method->name,
			   hook->armed ? "armed" : "idle", hook->probe.nmissed);
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

/* Guards the two below; taken inside i_rwsem. */
static DEFINE_MUTEX(fork_hooks_mutex);
static unsigned int fork_hooks_users;
static bool fork_hooks_armed;

static void fork_hooks_disarm_first(size_t nr)
{
	while (nr--)
		hook_disarm(fork_hooks[nr]);
}

static int fork_hooks_arm(void)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(fork_hooks); i++) {
		error = hook_arm(fork_hooks[i]);
		if (error) {
			fork_hooks_disarm_first(i);
			return error;
		}
	}
	fork_hooks_armed = true;
	return 0;
}

static void fork_hooks_disarm(void)
{
	fork_hooks_disarm_first(ARRAY_SIZE(fork_hooks));
	fork_hooks_armed = false;
}

static void fork_hooks_disarm_work(struct work_struct *work)
{
	mutex_lock(&fork_hooks_mutex);
	if (!fork_hooks_users && fork_hooks_armed)
		fork_hooks_disarm();
	mutex_unlock(&fork_hooks_mutex);
}

static DECLARE_DELAYED_WORK(fork_hooks_work, fork_hooks_disarm_work);

/**
 * fork_hooks_get - have fork and exit hooked as long as there is a container
 *
 * Every task is in the roots when they are armed, so it is no matter which of them a fork or an
 * exit that is under way still meets: task_move(), and not they, makes the first entry.
 *
 * Context: Process context, may sleep.
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
 * After the last one the hooks are disarmed, but a little later: that waits for grace periods, and
 * a script may be about to make the next container.
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

static int hook_check_all(void)
{
	size_t i;
	int error;

	INIT_LIST_HEAD(&hook_list);
	for (i = 0; i < ARRAY_SIZE(fork_hooks); i++) {
		error = hook_check(fork_hooks[i]);
		if (error)
			return error;
	}
	return 0;
}

/**
 * hook_init - choose how to hook functions, and see whether fork and exit can be hooked
 * @method: "ftrace", "kprobe", or "auto" for the better one that works
 *
 * Return: 0, or an error after a line that tells why: -EINVAL for another @method.
 */
int hook_init(const char *method)
{
	bool any = !strcmp(method, "auto");
	int error = -EINVAL;

#ifdef CONFIG_DYNAMIC_FTRACE
	if (any || !strcmp(method, hook_ftrace.name)) {
		hook_method = &hook_ftrace;
		error = hook_check_all();
	}
#endif
	if ((any && error) || !strcmp(method, hook_kprobe.name)) {
		hook_method = &hook_kprobe;
		error = hook_check_all();
	}
	if (!error && hook_method->start)
		error = hook_method->start();
	if (!hook_method)
		pr_err("hook=%s: must be auto, ftrace or kprobe\n", method);
	if (!error)
		pr_info("fork and exit are hooked with %s while there is a container\n",
			hook_method->name);
	return error;
}

/**
 * hook_exit - undo hook_init()
 *
 * Context: Process context; sleeps until no task is in code of ours that a hook has led it to and
 * that does not sleep.
 */
void hook_exit(void)
{
	cancel_delayed_work_sync(&fork_hooks_work);
	if (fork_hooks_armed)
		fork_hooks_disarm();
	if (hook_method->stop)
		hook_method->stop();
	synchronize_rcu_tasks();
}
