// SPDX-License-Identifier: GPL-2.0
/* Functions of the kernel that ftrace is to call us for, and no others. */
#include <linux/ftrace.h>
#include <linux/kprobes.h>

#include "function.h"

/**
 * function_find - where a function is
 * @symbol: its name
 * @address: where to put that
 *
 * A kprobe is told, even one that is never armed.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOENT if there is no such function; another error of register_kprobe().
 */
int function_find(const char *symbol, unsigned long *address)
{
	struct kprobe probe = { .symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED };
	int error = register_kprobe(&probe);

	if (error)
		return error;
	*address = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

#ifdef CONFIG_DYNAMIC_FTRACE
/**
 * function_filter - have an ops called for one function
 * @ops: the ops, which has not been used since it was cleared
 * @address: the function
 *
 * By address, for ftrace_set_filter() says that all is well when it has had no memory to note the
 * one function that it found; and no function noted means all that there are.
 *
 * Context: Process context, may sleep; takes ftrace's locks.
 * Return: 0, and the caller owes ftrace_free_filter(); -EINVAL if ftrace cannot be called for it;
 * -ENOMEM.
 */
int function_filter(struct ftrace_ops *ops, unsigned long address)
{
	int error = ftrace_set_filter_ip(ops, address, 0, 1);

	if (error)
		ftrace_free_filter(ops);
	return error;
}
#endif
