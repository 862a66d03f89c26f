// SPDX-License-Identifier: GPL-2.0
/* A module that meddles with the kernel: it holds off grace periods, and kills ftrace. */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/* No longer than this: the kernel complains of a processor that does nothing else. */
#define HOLD_MAX (60 * HZ)

static DEFINE_MUTEX(holder_mutex);
static struct task_struct *holder;
static DECLARE_COMPLETION(holder_began);
static bool held; /* the holder has not reached HOLD_MAX */
static bool let_go;

/* A reader that never ends, on a processor where nothing else runs. */
static int hold(void *arg)
{
	unsigned long end = jiffies + HOLD_MAX;

	preempt_disable();
	rcu_read_lock();
	complete(&holder_began);
	while (!READ_ONCE(let_go) && time_before(jiffies, end))
		cpu_relax();
	WRITE_ONCE(held, time_before(jiffies, end));
	rcu_read_unlock();
	preempt_enable();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 50);
	return 0;
}

static int hold_begin(void)
{
	struct task_struct *task;

	if (holder)
		return -EBUSY;
	WRITE_ONCE(let_go, false);
	WRITE_ONCE(held, true);
	reinit_completion(&holder_began);
	task = kthread_create(hold, NULL, "containerfs_holder");
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpumask_last(cpu_online_mask));
	holder = task;
	wake_up_process(task);
	wait_for_completion(&holder_began);
	return 0;
}

/* -ETIME if it has not held until now. */
static int hold_end(void)
{
	bool until_now;

	if (!holder)
		return 0;
	until_now = READ_ONCE(held);
	WRITE_ONCE(let_go, true);
	kthread_stop(holder);
	holder = NULL;
	return until_now && READ_ONCE(held) ? 0 : -ETIME;
}

/* 1: hold off all grace periods, 0: let go */
static int hold_set(const char *value, const struct kernel_param *param)
{
	bool on;
	int error = kstrtobool(value, &on);

	if (error)
		return error;
	mutex_lock(&holder_mutex);
	error = on ? hold_begin() : hold_end();
	mutex_unlock(&holder_mutex);
	return error;
}

static const struct kernel_param_ops hold_ops = { .set = hold_set };
module_param_cb(hold, &hold_ops, NULL, 0200);

/* What the kernel itself does when it has found an error in its own code. */
static int kill_ftrace_set(const char *value, const struct kernel_param *param)
{
	struct kprobe probe = { .symbol_name = "ftrace_kill", .flags = KPROBE_FLAG_DISABLED };
	int error = register_kprobe(&probe);
	void (*kill)(void);

	if (error)
		return error;
	kill = (void (*)(void))probe.addr;
	unregister_kprobe(&probe);
	kill();
	return 0;
}

static const struct kernel_param_ops kill_ftrace_ops = { .set = kill_ftrace_set };
module_param_cb(kill_ftrace, &kill_ftrace_ops, NULL, 0200);

static int __init meddler_init(void)
{
	return 0;
}

static void __exit meddler_exit(void)
{
	hold_end();
}

module_init(meddler_init);
module_exit(meddler_exit);

MODULE_DESCRIPTION("Holds off grace periods and kills ftrace, for the tests of containerfs");
MODULE_LICENSE("GPL");
