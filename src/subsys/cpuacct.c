// SPDX-License-Identifier: GPL-2.0
/* The subsystem `cpuacct`: the CPU time that was used in a container and all below it. */

/*
 *   cpuacct.usage   nanoseconds, user and system together; writing 0 lets it begin at 0 again
 *   cpuacct.stat    `user N` and `system N` in ticks of USER_HZ, not changed by writing to usage
 *
 * The kernel counts each task's CPU time anyway. So nothing is done when tasks are switched; what
 * a container has used is put together when somebody asks: the time of each task that is in it or
 * below it, and of what has been there before, one sum, kept up to date when a task
 *
 *   has died:   its time is added;
 *   moves out:  the time that it has used so far is added, and it is visited here no more;
 *   moves in:   the time that it has used elsewhere is subtracted, for it will be visited here with
 *               all that it has ever used.
 *
 * All of that is done in a container and in those above it. The sum alone may be less than 0. When
 * a task moves while it is running, what it has used since the last tick counts where it goes to.
 *
 * A task exits before it is off its CPU for the last time, and until then the kernel counts its
 * time only with each tick: up to a tick of what it has used is not known yet when it leaves. Where
 * tasks are shorter than a tick, that is all there is. So all that is done when a task leaves is to
 * remember it; it is a leaver until it is dead, when the clock of its time stands still. Then its
 * time is added to the sum: by a work item a tick later, or by a reader who comes before that. A
 * reader even waits, though not for long, so that what a task has used is there for who has learned
 * of its death. (If there is no memory for remembering, what is known by then is added at once, and
 * the rest is lost.) A container that is removed meanwhile is kept for this, and with it those
 * above, which are to have the time too.
 *
 * Reading takes no lock that fork, exit, a move, mkdir or rmdir needs. It must not count any time
 * twice: a number that is too high is shown for ever, because no number is less than one that was
 * shown before. One that is too low is corrected by the next reading.
 *
 *   A task that exits meanwhile might be counted as a leaver and as a living one. The sum and the
 *   leavers are read first, and the tasks after that; a task that was among the leavers is left
 *   out: see walk_skips(). A task that exits later, and is gone before it is visited, is missing.
 *
 *   A task that moves in or out meanwhile might be counted by the time that it has used elsewhere,
 *   or twice. A container counts the moves across its boundary. If the number has changed, the
 *   reading begins anew; after some tries, what was shown before is shown again.
 *
 * The core knows nothing of the tasks in a root, but as every task is in the root or below it, what
 * it has used is what the machine has used since it was booted: what /proc/stat shows as user and
 * nice, and as system, irq and softirq. It is known from ticks alone, so it may differ by a little
 * from the sum of all containers.
 */
#include <linux/err.h>
#include <linux/kernel_stat.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "cpuacct.h"

static DEFINE_SPINLOCK(shown_lock); /* guards cpuacct.shown and cpuacct.base */

/* The root's, which is there as long as this module is. */
static struct cpuacct *cpuacct_root;

/* Give back a reference. */
void cpuacct_put(struct cpuacct *acct)
{
	while (refcount_dec_and_test(&acct->ref)) {
		struct cpuacct *parent = acct->rc.parent ? cpuacct_parent(acct) : NULL;

		kfree(acct);
		if (!parent)
			return;
		acct = parent;
	}
}

static struct rc_state *cpuacct_create(struct rc_state *parent)
{
	struct cpuacct *acct = kzalloc(sizeof(*acct), GFP_KERNEL_ACCOUNT);

	if (!acct)
		return ERR_PTR(-ENOMEM);
	refcount_set(&acct->ref, 1);
	if (parent) {
		refcount_inc(&cpuacct_of(parent)->ref);
		acct->level = cpuacct_of(parent)->level + 1;
	} else {
		cpuacct_root = acct;
	}
	return &acct->rc;
}

static void cpuacct_destroy(struct rc_state *state)
{
	cpuacct_put(cpuacct_of(state));
}

/* A new hierarchy knows nothing of what was written to the root's usage in another one. */
static void cpuacct_bind(struct rc_subsys *subsys, bool bound)
{
	if (!bound)
		return;
	spin_lock(&shown_lock);
	cpuacct_root->base = 0;
	spin_unlock(&shown_lock);
}

/* Add to a container, and to those above it up to but without @end or the root. */
void cpuacct_add(struct cpuacct *acct, const struct cpuacct *end, s64 user, s64 system)
{
	for (; acct != end && acct->rc.parent; acct = cpuacct_parent(acct)) {
		atomic64_add(user, &acct->user);
		atomic64_add(system, &acct->system);
	}
}

static void cpuacct_exit_task(struct task_struct *task, struct rc_state *state)
{
	leaver_add(task, cpuacct_of(state));
}

/* A task crosses the boundaries of a container and those above it up to but without @end. */
static void cpuacct_cross(struct cpuacct *acct, const struct cpuacct *end)
{
	for (; acct != end; acct = cpuacct_parent(acct))
		WRITE_ONCE(acct->crossings, acct->crossings + 1);
}

static void cpuacct_attach(struct task_struct *task, struct rc_state *from, struct rc_state *to)
{
	struct cpuacct *a = cpuacct_of(from), *b = cpuacct_of(to), *common;
	/* It may be running; but what is taken from the one is what is given to the other. */
	struct cpuacct_time time = task_time(task);

	/* The lowest container that it is in or below before and after: there nothing changes. */
	while (a != b) {
		if (a->level >= b->level)
			a = cpuacct_parent(a);
		else
			b = cpuacct_parent(b);
	}
	common = a;
	cpuacct_cross(cpuacct_of(from), common);
	cpuacct_cross(cpuacct_of(to), common);
	cpuacct_add(cpuacct_of(from), common, time.user, time.system);
	cpuacct_add(cpuacct_of(to), common, -time.user, -time.system);
}

static void walk_visit(struct task_struct *task, void *arg)
{
	struct walk *walk = arg;

	if (!walk_skips(walk, task))
		walk_add(walk, task);
}

static int walk_once(struct cpuacct *acct, struct cpuacct_time *time)
{
	struct walk walk = { .acct = acct };
	int error = walk_begin(&walk) ?: rc_visit_tasks(&acct->rc, true, walk_visit, &walk);

	kvfree(walk.counted);
	*time = walk.time;
	return error;
}

/* What has been used in a container other than the root and below it; may be too little. */
static int container_time(struct cpuacct *acct, struct cpuacct_time *time)
{
	unsigned int crossings;
	int error, tries;

	leavers_wait(acct);
	for (tries = 0; tries < 5; tries++) {
		crossings = READ_ONCE(acct->crossings);
		/* A move that this number includes is over afterwards. */
		rc_sync_attach();
		error = walk_once(acct, time);
		if (error)
			return error;
		rc_sync_attach();
		if (READ_ONCE(acct->crossings) == crossings)
			return 0;
	}
	*time = (struct cpuacct_time) {};
	return 0;
}

/* What has been used in the root and below it. */
static void machine_time(struct cpuacct_time *time)
{
	struct kernel_cpustat stat;
	int cpu;

	*time = (struct cpuacct_time) {};
	/* All that are possible: one that is taken away has used what it has used. */
	for_each_possible_cpu(cpu) {
		/* Another processor counts meanwhile, each number by itself, as for /proc/stat. */
		data_race(({ kcpustat_cpu_fetch(&stat, cpu); 0; }));
		time->user += stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE];
		time->system += stat.cpustat[CPUTIME_SYSTEM] + stat.cpustat[CPUTIME_IRQ] +
				stat.cpustat[CPUTIME_SOFTIRQ];
	}
}

/* Bring what is shown up to date. Returns it, and what usage shows, or lets that begin at 0. */
static int cpuacct_update(struct cpuacct *acct, struct cpuacct_time *shown, s64 *usage, bool reset)
{
	struct cpuacct_time time;
	int error = 0;

	if (acct->rc.parent)
		error = container_time(acct, &time);
	else
		machine_time(&time);
	if (error)
		return error;
	spin_lock(&shown_lock);
	acct->shown.user = max(acct->shown.user, time.user);
	acct->shown.system = max(acct->shown.system, time.system);
	*shown = acct->shown;
	if (reset)
		acct->base = shown->user + shown->system;
	*usage = shown->user + shown->system - acct->base;
	spin_unlock(&shown_lock);
	return 0;
}

static int cpuacct_show_usage(struct seq_file *m, struct rc_state *state,
			      const struct rc_cftype *type)
{
	struct cpuacct_time shown;
	s64 usage;
	int error = cpuacct_update(cpuacct_of(state), &shown, &usage, false);

	if (!error)
		seq_printf(m, "%lld\n", usage);
	return error;
}

static int cpuacct_write_usage(struct rc_state *state, const struct rc_cftype *type, u64 value)
{
	struct cpuacct_time shown;
	s64 usage;

	if (value)
		return -EINVAL;
	return cpuacct_update(cpuacct_of(state), &shown, &usage, true);
}

static int cpuacct_show_stat(struct seq_file *m, struct rc_state *state,
			     const struct rc_cftype *type)
{
	struct cpuacct_time shown;
	s64 usage;
	int error = cpuacct_update(cpuacct_of(state), &shown, &usage, false);

	if (!error)
		seq_printf(m, "user %llu\nsystem %llu\n",
			   div_u64(shown.user, NSEC_PER_SEC / USER_HZ),
			   div_u64(shown.system, NSEC_PER_SEC / USER_HZ));
	return error;
}

static const struct rc_cftype cpuacct_files[] = {
	{
		.name = "usage",
		.seq_show = cpuacct_show_usage,
		.write_u64 = cpuacct_write_usage,
	},
	{
		.name = "stat",
		.seq_show = cpuacct_show_stat,
	},
	{}
};

static struct rc_subsys cpuacct_subsys = {
	.name = "cpuacct",
	.owner = THIS_MODULE,
	.files = cpuacct_files,
	.create = cpuacct_create,
	.destroy = cpuacct_destroy,
	.attach = cpuacct_attach,
	.exit = cpuacct_exit_task,
	.bind = cpuacct_bind,
};

static int __init cpuacct_init(void)
{
	return rc_register_subsys(&cpuacct_subsys);
}

static void __exit cpuacct_exit(void)
{
	/* While it is bound, the core has a reference to this module, and we are not called. */
	WARN_ON(rc_unregister_subsys(&cpuacct_subsys));
	leavers_end();
}

module_init(cpuacct_init);
module_exit(cpuacct_exit);

MODULE_DESCRIPTION("containerfs subsystem that shows the CPU time used in containers");
MODULE_AUTHOR("The containerfs project");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINERFS_VERSION);
