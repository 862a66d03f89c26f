/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks: code of ours that runs when a function of the kernel is called, or in its place. */
#ifndef CONTAINERFS_HOOK_H
#define CONTAINERFS_HOOK_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>

#include "compat.h"
#include "function.h"

/* The number of functions that may share a hook. */
#define HOOK_FUNCTIONS 2

/**
 * enum hook_state - what the kernel knows of a hook
 * @HOOK_IDLE: nothing
 * @HOOK_PARKED: it is registered, and called for no function
 * @HOOK_ARMED: it is called for its functions
 *
 * A change between parked and armed waits for no grace period; one to idle does.
 */
enum hook_state {
	HOOK_IDLE,
	HOOK_PARKED,
	HOOK_ARMED,
};

/**
 * struct hook - functions of the kernel and what we do at their beginning
 * @functions: the functions, all of one type; those without a symbol do not exist
 * @redirects: the hook may put another function in the place of the hooked one
 * @list: in the list of those that hook_check() has found good
 * @state: written by the caller of hook_arm(), hook_park() and hook_disarm(), one at a time
 * @func: the callback for ftrace
 * @unused: for ftrace, a function of our own that is never called: the filter of a parked hook
 * @ops: what ftrace knows of it; in use unless the hook is idle
 * @probes: what kprobes know of it, one for each function; in use unless the hook is idle
 *
 * Made by DEFINE_HOOK() or DEFINE_HOOK_PAIR() alone.
 */
struct hook {
	struct function functions[HOOK_FUNCTIONS];
	bool redirects;
	struct list_head list;
	enum hook_state state;
#ifdef CONFIG_DYNAMIC_FTRACE
	ftrace_func_t func;
	void *(*unused)(void);
	struct ftrace_ops ops;
#endif
	struct kprobe probes[HOOK_FUNCTIONS];
};

/**
 * struct hook_method - a way to hook functions
 * @name: as the parameter of the module has it
 * @by_address: functions_find() is called for the hooks before they are checked
 * @start: lock the switches that would disarm the hooks; optional, as is @stop
 * @stop: undo @start; on an error the kernel may still call us
 * @check: find out whether the functions can be hooked; may leave the hook parked
 * @arm: HOOK_IDLE or HOOK_PARKED to HOOK_ARMED
 * @park: HOOK_IDLE or HOOK_ARMED to HOOK_PARKED; from HOOK_ARMED -EAGAIN means that memory was
 *	short, and any other error that it can never be done
 * @disarm: any state to HOOK_IDLE for many hooks, waiting until no callback runs; an error, after
 *	which those that the kernel has not let go keep their state, means that it can never be done
 *
 * Each sets hook.state.
 */
struct hook_method {
	const char *name;
	bool by_address;
	int (*start)(void);
	int (*stop)(void);
	int (*check)(struct hook *hook);
	int (*arm)(struct hook *hook);
	int (*park)(struct hook *hook);
	int (*disarm)(struct hook *const *hooks, size_t nr);
};

extern const struct hook_method hook_ftrace;
extern const struct hook_method hook_kprobe;

static inline size_t hook_nr_functions(const struct hook *hook)
{
	size_t nr = 0;

	while (nr < HOOK_FUNCTIONS && hook->functions[nr].symbol)
		nr++;
	return nr;
}

#ifdef CONFIG_DYNAMIC_FTRACE
/* Each hook has an unused function of its own: only one that redirects may have a function. */
#define HOOK_FTRACE_CALLBACK(_name, _handler, _redirects) \
static struct hook _name; \
static noinline __noclone void *_name##_unused(void) \
{ \
	barrier(); \
	return &_name; \
} \
static void notrace _name##_ftrace(unsigned long ip, unsigned long parent_ip, \
				   struct ftrace_ops *ops, struct ftrace_regs *fregs) \
{ \
	void *instead = _handler(compat_ftrace_arg(fregs, 0), compat_ftrace_arg(fregs, 1)); \
\
	if ((_redirects) && instead) \
		compat_ftrace_redirect(fregs, instead); \
}

#define HOOK_FTRACE_FUNC(_name) .func = _name##_ftrace, .unused = _name##_unused,
#else
#define HOOK_FTRACE_CALLBACK(_name, _handler, _redirects)
#define HOOK_FTRACE_FUNC(_name)
#endif

/**
 * DEFINE_HOOK_PAIR - define a struct hook for two functions, and its glue
 * @_name: the variable's name
 * @_symbol: the first function's name
 * @_other: the second function's name, or NULL
 * @_handler: void *handler(unsigned long arg0, unsigned long arg1), given the function's first
 *	arguments; returns NULL, or, if @_redirects, a function of the same type to be called
 *	instead. It never sleeps, calls none of the hooked functions, and may be called with
 *	preemption and interrupts on or off.
 * @_redirects: a constant
 *
 * One piece of code a hook, so that the handler is called directly and on nobody else's behalf.
 */
#define DEFINE_HOOK_PAIR(_name, _symbol, _other, _handler, _redirects) \
HOOK_FTRACE_CALLBACK(_name, _handler, _redirects) \
static int _name##_kprobe(struct kprobe *probe, struct pt_regs *regs) \
{ \
	void *instead = _handler(regs_get_kernel_argument(regs, 0), \
				 regs_get_kernel_argument(regs, 1)); \
\
	if (!(_redirects) || !instead) \
		return 0; \
	instruction_pointer_set(regs, (unsigned long)instead); \
	return 1; \
} \
NOKPROBE_SYMBOL(_name##_kprobe); \
static struct hook _name = { \
	.functions = { { .symbol = _symbol }, { .symbol = _other } }, \
	.redirects = _redirects, \
	HOOK_FTRACE_FUNC(_name) \
	.probes = { { .pre_handler = _name##_kprobe }, { .pre_handler = _name##_kprobe } }, \
}

/**
 * DEFINE_HOOK - define a struct hook for one function, and its glue
 * @_name: as for DEFINE_HOOK_PAIR(), likewise the following
 * @_symbol: the function's name
 * @_handler: the handler
 * @_redirects: a constant
 */
#define DEFINE_HOOK(_name, _symbol, _handler, _redirects) \
	DEFINE_HOOK_PAIR(_name, _symbol, NULL, _handler, _redirects)

int hook_check(struct hook *hook);
int hook_arm(struct hook *hook);
int hook_park(struct hook *hook);
int hook_disarm(struct hook *hook);
int hooks_disarm(struct hook *const *hooks, size_t nr);

int fork_hooks_get(void);
void fork_hooks_put(void);

int hook_init(const char *method, struct hook *const *others, size_t nr_others);
void hook_exit(void);

#endif
