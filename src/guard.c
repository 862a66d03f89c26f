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
 * - a hook by ftrace that does nothing, on a function that is called for failing forks alone, keeps
 *   ftrace_enabled from being written to;
 * - another is on the kernel's function for writing to kprobes/enabled, and refuses;
 * - a kprobe on a function of our own tells whether kprobes were off before we came.
 */
#define QUIET_SYMBOL "perf_event_free_task"
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

static int canary_start(void)
{
	int error;

	canary_kprobe.addr = (kprobe_opcode_t *)canary;
	canary_kprobe.flags = 0;
	error = register_kprobe(&canary_kprobe);
	if (error) {
		pr_err("no kprobe can be registered: error %d: is ftrace_enabled 0?\n", error);
		return error;
	}
	error = guard_check();
	if (error)
		unregister_kprobe(&canary_kprobe);
	return error;
}

#ifdef CONFIG_DYNAMIC_FTRACE
static void notrace guard_nothing(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static struct ftrace_ops guard_quiet;

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

static struct ftrace_ops guard_switch;

/* All anew: what ftrace_free_filter() leaves is not to be used again. */
static int guard_function(struct ftrace_ops *ops, ftrace_func_t func, unsigned long flags,
			  const char *symbol)
{
	unsigned long address;
	int error;

	*ops = (struct ftrace_ops) { .func = func, .flags = FTRACE_OPS_FL_PERMANENT | flags };
	error = function_find(symbol, &address) ?: function_filter(ops, address);
	if (!error) {
		error = register_ftrace_function(ops);
		if (error)
			ftrace_free_filter(ops);
	}
	if (error)
		pr_err("%s cannot be guarded, error %d: is ftrace_enabled 0?\n", symbol, error);
	return error;
}

static void guard_function_no_more(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_free_filter(ops);
}

static int guard_functions(void)
{
	int error = guard_function(&guard_quiet, guard_nothing, 0, QUIET_SYMBOL);

	/* Without debugfs there is no such switch. */
	if (error || !IS_ENABLED(CONFIG_DEBUG_FS))
		return error;
	error = guard_function(&guard_switch, guard_switch_func,
			       FTRACE_OPS_FL_IPMODIFY | COMPAT_FTRACE_FLAGS, SWITCH_SYMBOL);
	if (error)
		guard_function_no_more(&guard_quiet);
	return error;
}

static void guard_functions_no_more(void)
{
	if (IS_ENABLED(CONFIG_DEBUG_FS))
		guard_function_no_more(&guard_switch);
	guard_function_no_more(&guard_quiet);
}
#else
/* Here kprobes are not called through ftrace, and hook.c refuses those. */
static int guard_functions(void)
{
	return -EOPNOTSUPP;
}

static void guard_functions_no_more(void)
{
}
#endif

/**
 * guard_start - from now on nobody switches off what kprobes need
 *
 * Return: 0, or an error after a line that tells why: -EBUSY if it is off already.
 */
int guard_start(void)
{
	int error = guard_functions();

	if (error)
		return error;
	error = canary_start();
	if (error)
		guard_functions_no_more();
	return error;
}

/**
 * guard_stop - undo guard_start()
 *
 * Context: Process context; somebody may still be in code that a guard has led him to, which does
 * not sleep.
 */
void guard_stop(void)
{
	unregister_kprobe(&canary_kprobe);
	guard_functions_no_more();
}
