/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks: code of ours that runs when a function of the kernel is called, or in its place. */
#ifndef CONTAINERFS_HOOK_H
#define CONTAINERFS_HOOK_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>

#include "compat.h"

/**
 * struct hook - a function of the kernel and what we do at its beginning
 * @symbol: the function's name
 * @redirects: the hook may put another function in the place of the hooked one
 * @list: among those that hook_check() has found good; hook_list_mutex
 * @armed: it is called now; hook_list_mutex
 * @func: for ftrace
 * @address: where the function is, once somebody has looked
 * @ops: what ftrace knows of it, as long as it does
 * @probe: for kprobes
 *
 * Made by DEFINE_HOOK() alone.
 */
struct hook {
	const char *symbol;
	bool redirects;
	struct list_head list;
	bool armed;
#ifdef CONFIG_DYNAMIC_FTRACE
	ftrace_func_t func;
	unsigned long address;
	struct ftrace_ops ops;
#endif
	struct kprobe probe;
};

#ifdef CONFIG_DYNAMIC_FTRACE
#define HOOK_FTRACE_CALLBACK(_name, _handler, _redirects) \
static void notrace _name##_ftrace(unsigned long ip, unsigned long parent_ip, \
				   struct ftrace_ops *ops, struct ftrace_regs *fregs) \
{ \
	void *instead = _handler(compat_ftrace_arg(fregs, 0), compat_ftrace_arg(fregs, 1)); \
\
	if ((_redirects) && instead) \
		compat_ftrace_redirect(fregs, instead); \
}

#define HOOK_FTRACE_FUNC(_name) .func = _name##_ftrace,
#else
#define HOOK_FTRACE_CALLBACK(_name, _handler, _redirects)
#define HOOK_FTRACE_FUNC(_name)
#endif

/**
 * DEFINE_HOOK - define a struct hook and its glue
 * @_name: the variable's name
 * @_symbol: the function's name
 * @_handler: void *handler(unsigned long arg0, unsigned long arg1), given the function's first
 *	arguments; returns NULL, or, if @_redirects, a function of the same type to be called
 *	instead. It never sleeps, calls none of the hooked functions, and may be called with
 *	preemption and interrupts on or off.
 * @_redirects: a constant
 *
 * One piece of code a hook, so that the handler is called directly and on nobody else's behalf.
 */
#define DEFINE_HOOK(_name, _symbol, _handler, _redirects) \
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
	.symbol = _symbol, \
	.redirects = _redirects, \
	HOOK_FTRACE_FUNC(_name) \
	.probe = { .pre_handler = _name##_kprobe }, \
}

int hook_check(struct hook *hook);
int hook_arm(struct hook *hook);
void hook_disarm(struct hook *hook);

int fork_hooks_get(void);
void fork_hooks_put(void);

int hook_init(const char *method);
void hook_exit(void);

#endif
