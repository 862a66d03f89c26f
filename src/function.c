// SPDX-License-Identifier: GPL-2.0
/* Functions of the kernel that ftrace is to call us for, and no others. */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/slab.h>

#include "function.h"

/**
 * functions_find - find the addresses of functions
 * @functions: the functions; those with an address already are skipped
 * @nr: the number of elements of @functions
 *
 * The address comes from a kprobe that is registered and never armed. All kprobes are unregistered
 * at once, which costs one grace period; that of a kprobe that is not armed cannot fail.
 *
 * Context: Process context, sleeps for a grace period of RCU.
 * Return: 0, also if some were not found; each of these has an @error: -ENOENT if the kernel has no
 * such function, or another one of register_kprobe(). -ENOMEM.
 */
int functions_find(struct function *const *functions, size_t nr)
{
	struct kprobe *probes = kcalloc(nr, sizeof(*probes), GFP_KERNEL);
	struct kprobe **registered = kcalloc(nr, sizeof(*registered), GFP_KERNEL);
	size_t i, nr_registered = 0;
	int error = -ENOMEM;

	if (!probes || !registered)
		goto out;
	error = 0;
	for (i = 0; i < nr; i++) {
		if (functions[i]->address)
			continue;
		probes[i].symbol_name = functions[i]->symbol;
		probes[i].flags = KPROBE_FLAG_DISABLED;
		functions[i]->error = register_kprobe(&probes[i]);
		if (functions[i]->error)
			continue;
		functions[i]->address = (unsigned long)probes[i].addr;
		registered[nr_registered++] = &probes[i];
	}
	if (nr_registered)
		unregister_kprobes(registered, nr_registered);
out:
	kfree(registered);
	kfree(probes);
	return error;
}

/**
 * function_find - find the address of one function
 * @symbol: its name
 * @address: set to the address on success
 *
 * Context: Process context, sleeps for a grace period of RCU.
 * Return: 0; -ENOENT if there is no such function; another error of register_kprobe(); -ENOMEM.
 */
int function_find(const char *symbol, unsigned long *address)
{
	struct function function = { .symbol = symbol };
	struct function *const functions[] = { &function };
	int error = functions_find(functions, 1) ?: function.error;

	if (!error)
		*address = function.address;
	return error;
}

#ifdef CONFIG_DYNAMIC_FTRACE
/**
 * function_filter - have an ops called for these functions and for no others
 * @ops: the ops; it may be registered
 * @addresses: the addresses of the functions
 * @nr: the number of elements of @addresses; not 0, which would mean all functions that there are
 *
 * By address, for ftrace_set_filter() says that all is well when it has had no memory to note the
 * one function that it found. If @ops is registered, the code of the kernel changes at once, and no
 * grace period passes: a callback may still run for a function that is no longer in the filter.
 *
 * Context: Process context, may sleep; takes ftrace's locks.
 * Return: 0, and the caller owes ftrace_free_filter(), which @ops must not be registered for. On an
 * error nothing has changed: -EINVAL if ftrace cannot be called for a function; -EBUSY if @ops
 * redirects and another ops redirects a function already; -ENODEV if ftrace is dead; -ENOMEM.
 */
int function_filter(struct ftrace_ops *ops, unsigned long *addresses, unsigned int nr)
{
	return ftrace_set_filter_ips(ops, addresses, nr, 0, 1);
}
#endif
