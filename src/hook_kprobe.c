// SPDX-License-Identifier: GPL-2.0
/* Hooks that kprobes call, which are called by ftrace themselves. */
#include <linux/errno.h>

#include "guard.h"
#include "hook.h"

/* That there is one tells kprobes that the instruction pointer may be changed. */
static void redirects(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

/*
 * Those that kprobes did not let go have lost their address. For all of them one grace period
 * passes.
 */
static int unregister(struct kprobe **probes, size_t nr)
{
	int error = 0;
	size_t i;

	if (nr)
		unregister_kprobes(probes, nr);
	for (i = 0; i < nr; i++)
		if (!probes[i]->addr)
			error = -EBUSY;
	return error;
}

static int register_probe(struct hook *hook, size_t i)
{
	struct kprobe *probe = &hook->probes[i];

	probe->addr = NULL;
	probe->symbol_name = hook->functions[i].symbol;
	probe->flags = KPROBE_FLAG_DISABLED;
	probe->post_handler = NULL;
	hook->functions[i].error = register_kprobe(probe);
	return hook->functions[i].error;
}

/*
 * From idle to parked: registered and not armed. The probes stay registered as long as the module
 * is loaded, for to unregister them takes a grace period, and to arm and disarm them does not.
 *
 * That a probe redirects is said only after it is registered. If it is alone, that is in time for
 * arming it. Next to a foreign one that has been armed it is too late, and has to be: else, when
 * that one goes, kprobes would disarm it as if it had always been one that redirects, fail, and
 * leave it in their lists after its memory is free. Ours is called with it, and can redirect. It
 * is said for good: a foreign probe that joins later, whether ours is armed or not, is armed and
 * disarmed as one that redirects.
 */
static int hook_kprobe_register(struct hook *hook)
{
	struct kprobe *probes[HOOK_FUNCTIONS];
	size_t i, nr = hook_nr_functions(hook);
	int error = 0;

	for (i = 0; i < nr && !error; i++) {
		probes[i] = &hook->probes[i];
		error = register_probe(hook, i);
		if (error)
			break;
		/* A breakpoint's handler runs as if in an NMI, where no memory can be had. */
		if (!kprobe_ftrace(probes[i]))
			error = -EOPNOTSUPP;
		hook->functions[i].error = error;
	}
	if (error) {
		/* None of these has been armed, so that cannot fail. */
		unregister(probes, i);
		return error;
	}
	for (i = 0; i < nr && hook->redirects; i++)
		hook->probes[i].post_handler = redirects;
	WRITE_ONCE(hook->state, HOOK_PARKED);
	return 0;
}

static int hook_kprobe_check(struct hook *hook)
{
	return hook->state == HOOK_IDLE ? hook_kprobe_register(hook) : 0;
}

static int hook_kprobe_arm(struct hook *hook)
{
	int error = guard_check() ?: hook_kprobe_check(hook);
	size_t i, nr = hook_nr_functions(hook);

	for (i = 0; i < nr && !error; i++)
		error = enable_kprobe(&hook->probes[i]);
	if (!error) {
		WRITE_ONCE(hook->state, HOOK_ARMED);
		return 0;
	}
	/* One that stays enabled makes the hook armed; the next attempt to park it fails, too. */
	for (i = 0; i < nr && hook->state != HOOK_IDLE; i++)
		if (disable_kprobe(&hook->probes[i]))
			WRITE_ONCE(hook->state, HOOK_ARMED);
	return error;
}

/*
 * When one cannot be disabled, kprobes have lost track of it. To try again would make it worse.
 */
static int hook_kprobe_park(struct hook *hook)
{
	int error = hook_kprobe_check(hook);
	size_t i, nr = hook_nr_functions(hook);

	for (i = 0; i < nr && !error; i++)
		error = disable_kprobe(&hook->probes[i]);
	if (error)
		return error == -EAGAIN ? -EIO : error;
	WRITE_ONCE(hook->state, HOOK_PARKED);
	return 0;
}

/* The number of functions that are let go within one grace period. */
#define BATCH 16

static int disarm_batch(struct hook *const *hooks, size_t nr)
{
	struct kprobe *probes[BATCH];
	size_t i, j, nr_probes = 0;
	int error;

	for (i = 0; i < nr; i++)
		for (j = 0; j < hook_nr_functions(hooks[i]); j++)
			if (hooks[i]->state != HOOK_IDLE && hooks[i]->probes[j].addr)
				probes[nr_probes++] = &hooks[i]->probes[j];
	error = unregister(probes, nr_probes);
	for (i = 0; i < nr; i++) {
		if (hooks[i]->state == HOOK_IDLE)
			continue;
		for (j = 0; j < hook_nr_functions(hooks[i]); j++)
			if (!hooks[i]->probes[j].addr)
				break;
		if (j == hook_nr_functions(hooks[i]))
			WRITE_ONCE(hooks[i]->state, HOOK_IDLE);
		else
			error = -EBUSY;
	}
	return error;
}

static int hook_kprobe_disarm(struct hook *const *hooks, size_t nr)
{
	const size_t step = BATCH / HOOK_FUNCTIONS;
	int error = 0;

	for (; nr > step; hooks += step, nr -= step)
		error = disarm_batch(hooks, step) ?: error;
	return disarm_batch(hooks, nr) ?: error;
}

const struct hook_method hook_kprobe = {
	.name = "kprobe",
	.start = guard_start,
	.stop = guard_stop,
	.check = hook_kprobe_check,
	.arm = hook_kprobe_arm,
	.park = hook_kprobe_park,
	.disarm = hook_kprobe_disarm,
};
