// SPDX-License-Identifier: GPL-2.0
/* Hooks that ftrace calls. */
#include "hook.h"

#ifdef CONFIG_DYNAMIC_FTRACE
/*
 * PERMANENT: while an ops is registered, ftrace_enabled cannot be set to 0, and none can be
 * registered while it is 0. No RECURSION: the trampoline calls the callback without ado, for none
 * of the hooked functions is called from a hook or an interrupt.
 *
 * A hook is armed and parked by changing the filter of its ops, which waits for no grace period.
 * Unregistering waits for several, with ftrace's lock held, which would delay the arming of any
 * hook; therefore it happens only when the module goes. The filter of a parked hook is a function
 * of our own that is never called. It is never empty, which would mean all functions.
 */
static int filter_functions(struct hook *hook)
{
	unsigned long addresses[HOOK_FUNCTIONS];
	size_t i, nr = hook_nr_functions(hook);

	for (i = 0; i < nr; i++)
		addresses[i] = hook->functions[i].address;
	return function_filter(&hook->ops, addresses, nr);
}

static int filter_unused(struct hook *hook)
{
	unsigned long address = (unsigned long)hook->unused;

	return function_filter(&hook->ops, &address, 1);
}

static int find(struct hook *hook)
{
	struct function *functions[HOOK_FUNCTIONS];
	size_t i, nr = hook_nr_functions(hook), nr_missing = 0;
	int error;

	for (i = 0; i < nr; i++) {
		hook->functions[i].error = 0;
		if (!hook->functions[i].address)
			functions[nr_missing++] = &hook->functions[i];
	}
	if (!nr_missing)
		return 0;
	error = functions_find(functions, nr_missing);
	for (i = 0; i < nr_missing && !error; i++)
		error = functions[i]->error;
	return error;
}

/* All anew: what ftrace_free_filter() leaves is not to be used again. */
static void init_ops(struct hook *hook)
{
	hook->ops = (struct ftrace_ops) {
		.func = hook->func,
		.flags = FTRACE_OPS_FL_PERMANENT | COMPAT_FTRACE_FLAGS |
			 (hook->redirects ? FTRACE_OPS_FL_IPMODIFY : 0),
	};
}

/* One function at a time, so that the one to blame is known. */
static int hook_ftrace_check(struct hook *hook)
{
	int error = find(hook);
	struct function *f = hook->functions;

	if (error || hook->state != HOOK_IDLE)
		return error;
	init_ops(hook);
	for (; f < hook->functions + hook_nr_functions(hook) && !error; f++) {
		f->error = function_filter(&hook->ops, &f->address, 1);
		if (f->error == -EINVAL)
			f->error = -ENOENT;
		error = f->error;
	}
	ftrace_free_filter(&hook->ops);
	return error;
}

static int register_filtered(struct hook *hook, int (*filter)(struct hook *hook))
{
	int error;

	init_ops(hook);
	error = filter(hook) ?: register_ftrace_function(&hook->ops);
	if (error)
		ftrace_free_filter(&hook->ops);
	return error;
}

static int hook_ftrace_arm(struct hook *hook)
{
	int error = find(hook);

	if (error)
		return error;
	if (hook->state == HOOK_IDLE)
		error = register_filtered(hook, filter_functions);
	else
		error = filter_functions(hook);
	if (!error)
		WRITE_ONCE(hook->state, HOOK_ARMED);
	return error;
}

static int hook_ftrace_park(struct hook *hook)
{
	int error;

	if (hook->state == HOOK_IDLE)
		error = register_filtered(hook, filter_unused);
	else
		error = filter_unused(hook);
	if (!error)
		WRITE_ONCE(hook->state, HOOK_PARKED);
	else if (error == -ENOMEM && hook->state == HOOK_ARMED)
		error = -EAGAIN;
	return error;
}

static int hook_ftrace_disarm(struct hook *const *hooks, size_t nr)
{
	int error, first_error = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (hooks[i]->state == HOOK_IDLE)
			continue;
		error = unregister_ftrace_function(&hooks[i]->ops);
		if (error) {
			first_error = first_error ?: error;
			continue;
		}
		ftrace_free_filter(&hooks[i]->ops);
		WRITE_ONCE(hooks[i]->state, HOOK_IDLE);
	}
	return first_error;
}

const struct hook_method hook_ftrace = {
	.name = "ftrace",
	.by_address = true,
	.check = hook_ftrace_check,
	.arm = hook_ftrace_arm,
	.park = hook_ftrace_park,
	.disarm = hook_ftrace_disarm,
};
#endif
