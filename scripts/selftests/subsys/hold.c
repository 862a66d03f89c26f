// SPDX-License-Identifier: GPL-2.0
/* Holds a fork after its charge and before its end, so that a test can act in between. */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "recorder.h"

struct kernel_clone_args;

static int hold_fork;

static int held_fork;
module_param(held_fork, int, 0444);
MODULE_PARM_DESC(held_fork, "The thread whose fork is held now; 0 for none");

/* copy_process() calls it after cgroup_can_fork(), before cgroup_post_fork(), without a lock. */
static int (*hold_original)(struct task_struct *child, struct kernel_clone_args *args);

/* Called in the place of the original; may sleep. */
static int hold(struct task_struct *child, struct kernel_clone_args *args)
{
	int result;

	while (READ_ONCE(hold_fork) == task_pid_nr(current))
		schedule_timeout_uninterruptible(1);
	result = hold_original(child, args);
	WRITE_ONCE(held_fork, 0);
	return result;
}

static int hold_begin(struct kprobe *probe, struct pt_regs *regs)
{
	pid_t pid = task_pid_nr(current);

	/* The second call for a fork is that of hold(). */
	if (READ_ONCE(hold_fork) != pid || READ_ONCE(held_fork) == pid)
		return 0;
	WRITE_ONCE(held_fork, pid);
	instruction_pointer_set(regs, (unsigned long)hold);
	return 1;
}

/* Its presence makes kprobes accept a changed instruction pointer. */
static void hold_redirects(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe hold_probe = {
	.symbol_name = "sched_cgroup_fork",
	.pre_handler = hold_begin,
	.post_handler = hold_redirects,
};

#define ENDBR64 0xfa1e0ff3

static int hold_register(void)
{
	int error = register_kprobe(&hold_probe);
	char *address = (char *)hold_probe.addr;

	if (error)
		return error;
	/* The probe is behind the instruction that an indirect call needs. */
	if (*(u32 *)(address - 4) == ENDBR64)
		address -= 4;
	hold_original = (void *)address;
	return 0;
}

/* Registers the probe when it is needed first. Serialized by the lock of the parameters. */
static int hold_set(const char *value, const struct kernel_param *param)
{
	int pid, error = kstrtoint(value, 10, &pid);

	if (!error && pid && !hold_original)
		error = hold_register();
	if (!error)
		WRITE_ONCE(hold_fork, pid);
	return error;
}

static const struct kernel_param_ops hold_ops = { .set = hold_set };
module_param_cb(hold_fork, &hold_ops, NULL, 0200);
MODULE_PARM_DESC(hold_fork, "The thread whose forks are held; 0 for none: what is held goes on");

void hold_end(void)
{
	WRITE_ONCE(hold_fork, 0);
	if (!hold_original)
		return;
	unregister_kprobe(&hold_probe);
	while (READ_ONCE(held_fork))
		msleep(20);
	/* Waits for hold() to return. */
	synchronize_rcu_tasks();
}
