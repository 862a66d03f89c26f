// SPDX-License-Identifier: GPL-2.0
/* The switches of ftrace and kprobes, which are not to be turned off while we need these. */
#define pr_fmt(fmt) KBUILD_MODNAME ": hook=kprobe: " fmt

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/printk.h>

#include "compat.h"
#include "function.h"
#include "guard.h"

/*
 * ftrace itself sees to it that nobody turns it off under hooks that it calls. Kprobes do not: to
 * write 0 to ftrace_enabled or to kprobes/enabled disarms ours without our being told, and forks
 * would be missed in silence. So, as long as we are loaded,
 *
 * - a hook by ftrace is on the kernel's function for writing to kprobes/enabled, and refuses. That
 *   it is registered also keeps ftrace_enabled from being written to;
 * - a kprobe on a function of our own tells whether kprobes were off before we came.
 */
#define SWITCH_SYMBOL "write_enabled_file_bool"

static unsigned int canary_probed;

static int __kprobes canary_probe(struct kprobe *probe, struct pt_regs *regs)
{
	WRITE_ONCE(canary_probed, canary_probed + 1);
	return 0;
}

static noinline void canary(void)
{
	/* So that the call is not taken for one that does nothing. */
	barrier();
}

static struct kprobe canary_kprobe = { .pre_handler = canary_probe };

/**
 * guard_check - see whether kprobes are called
 *
 * Context: Process context; the callers see to it that there is one at a time.
 * Return: 0; -EBUSY, after a line that tells why, if somebody has switched them off.
 */
int guard_check(void)
{
	unsigned int before = READ_ONCE(canary_probed);

	canary();
	if (READ_ONCE(canary_probed) != before)
		return 0;
	pr_err("kprobes are off: is /sys/kernel/debug/kprobes/enabled 0?\n");
	return -EBUSY;
}

static bool canary_registered;

static int canary_start(void)
{
	int error;

	canary_kprobe.addr = (kprobe_opcode_t *)canary;
	canary_kprobe.flags = 0;
	error = register_kprobe(&canary_kprobe);
	if (error) {
		pr_err("no kprobe can be registered: error %d\n", error);
		return error;
	}
	canary_registered = true;
	return guard_check();
}

/* A kprobe that the kernel did not let go has lost its address. */
static int canary_stop(void)
{
	if (!canary_registered)
		return 0;
	unregister_kprobe(&canary_kprobe);
	if (!canary_kprobe.addr)
		return -EBUSY;
	canary_registered = false;
	return 0;
}

#ifdef CONFIG_DYNAMIC_FTRACE
/*
 * Called in the place of SWITCH_SYMBOL. It does not look at what is written, for that may sleep,
 * and unloading waits only for who does not.
 */
static ssize_t refuse_write(struct file *file, const char __user *buffer, size_t count,
			    loff_t *position)
{
	pr_warn_ratelimited("kprobes/enabled is left as it is, for fork and exit to be hooked\n");
	return -EBUSY;
}

static void notrace guard_switch_func(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	compat_ftrace_redirect(fregs, refuse_write);
}

/* Never called. Nothing else redirects it, so its registering fails for one reason with -EBUSY. */
static noinline __noclone void guard_unused(void)
{
	barrier();
}

static struct ftrace_ops guard_switch;
static bool guard_switch_registered;

static int lock_ftrace_enabled(void)
{
	unsigned long address = (unsigned long)guard_unused;
	int error;

	/* All anew: what ftrace_free_filter() leaves is not to be used again. */
	guard_switch = (struct ftrace_ops) {
		.func = guard_switch_func,
		.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_IPMODIFY | COMPAT_FTRACE_FLAGS,
	};
	error = function_filter(&guard_switch, &address, 1) ?:
		register_ftrace_function(&guard_switch);
	guard_switch_registered = !error;
	if (error)
		ftrace_free_filter(&guard_switch);
	if (error == -EBUSY)
		pr_err("ftrace_enabled is 0: \"sysctl kernel.ftrace_enabled=1\" is needed first\n");
	else if (error)
		pr_err("ftrace_enabled cannot be locked: error %d\n", error);
	return error;
}

static int guard_functions(void)
{
	int error = lock_ftrace_enabled();
	unsigned long address;

	/* Without debugfs there is no such switch. */
	if (error || !IS_ENABLED(CONFIG_DEBUG_FS))
		return error;
	error = function_find(SWITCH_SYMBOL, &address) ?:
		function_filter(&guard_switch, &address, 1);
	if (error)
		pr_err("%s cannot be guarded: error %d\n", SWITCH_SYMBOL, error);
	return error;
}

static int guard_functions_no_more(void)
{
	int error;

	if (!guard_switch_registered)
		return 0;
	error = unregister_ftrace_function(&guard_switch);
	if (error)
		return error;
	guard_switch_registered = false;
	ftrace_free_filter(&guard_switch);
	return 0;
}
#else
/* Here kprobes are not called through ftrace, and hook_kprobe.c refuses those. */
static int guard_functions(void)
{
	return -EOPNOTSUPP;
}

static int guard_functions_no_more(void)
{
	return 0;
}
#endif

/**
 * guard_start - from now on nobody switches off what kprobes need
 *
 * Context: Process context; sleeps for a grace period of RCU.
 * Return: 0, or an error after a line that tells why: -EBUSY if it is off already. guard_stop() is
 * due in any case.
 */
int guard_start(void)
{
	return guard_functions() ?: canary_start();
}

/**
 * guard_stop - undo guard_start(), also one that has failed
 *
 * Context: Process context; sleeps for grace periods. A task may still be in code that a guard has
 * led it to, which does not sleep.
 * Return: 0, or an error if the kernel does not let go, and may still call us.
 */
int guard_stop(void)
{
	int error = canary_stop();

	return guard_functions_no_more() ?: error;
}
