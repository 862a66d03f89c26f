// SPDX-License-Identifier: GPL-2.0
/* The leavers of the subsystem `cpuacct`: tasks that have exited and are not known to be dead. */
#include <linux/bsearch.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/workqueue.h>

#include "cpuacct.h"

/* Guards leavers from being settled while they are read. Nothing is waited for under it. */
static DEFINE_MUTEX(leavers_mutex);

/**
 * struct leaver - a task that has left its container and is not known to be dead
 * @node: in its bucket of leavers
 * @task: the task, with a reference
 * @acct: the container that it was in, with a reference
 */
struct leaver {
	struct llist_node node;
	struct task_struct *task;
	struct cpuacct *acct;
};

/*
 * The leavers, hashed by their tasks. Exiting tasks add to it without a lock; only who holds
 * leavers_mutex takes away.
 */
static struct llist_head leavers[LEAVERS_BUCKETS];

/*
 * Memory for the leavers to come, where those that are dead have left it; none where memory is
 * checked for use after it is freed. Changed with preemption off.
 */
struct spares {
	struct llist_node *first;
	unsigned int nr;
};

#define SPARES_MAX 128

static DEFINE_PER_CPU(struct spares, spares);

/* Has ever a task left that could not be remembered? */
static bool leavers_incomplete;

static void leavers_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(leavers_work, leavers_work_fn);

static struct llist_head *leavers_bucket(const struct task_struct *task)
{
	return &leavers[hash_ptr(task, ilog2(LEAVERS_BUCKETS))];
}

static struct leaver *leaver_alloc(void)
{
	struct spares *mine = get_cpu_ptr(&spares);
	struct llist_node *node = mine->first;

	if (node) {
		mine->first = node->next;
		mine->nr--;
	}
	put_cpu_ptr(&spares);
	if (!node)
		return kmalloc(sizeof(struct leaver), GFP_ATOMIC | __GFP_NOWARN);
	return llist_entry(node, struct leaver, node);
}

static void leaver_free(struct leaver *leaver)
{
	struct spares *mine = get_cpu_ptr(&spares);

	if (!IS_ENABLED(CONFIG_KASAN) && mine->nr < SPARES_MAX) {
		leaver->node.next = mine->first;
		mine->first = &leaver->node;
		mine->nr++;
		leaver = NULL;
	}
	put_cpu_ptr(&spares);
	kfree(leaver);
}

/* Frees the spares of all CPUs when they are unused. */
static void spares_free(void)
{
	struct leaver *leaver, *next;
	int cpu;

	for_each_possible_cpu(cpu)
		llist_for_each_entry_safe(leaver, next, per_cpu_ptr(&spares, cpu)->first, node)
			kfree(leaver);
}

/* There is no memory: what is known now is all that there will be. */
static void leaver_forget(struct task_struct *task, struct cpuacct *acct)
{
	struct cpuacct_time time = task_time(task);

	WRITE_ONCE(leavers_incomplete, true);
	/* A reader that finds it in the sum also finds that; pairs with that of walk_begin(). */
	smp_mb();
	cpuacct_add(acct, NULL, time.user, time.system);
}

/* Remember a task that exits in a container until it is dead. */
void leaver_add(struct task_struct *task, struct cpuacct *acct)
{
	struct leaver *leaver = leaver_alloc();

	if (unlikely(!leaver)) {
		leaver_forget(task, acct);
		return;
	}
	leaver->task = get_task_struct(task);
	/* The core has a reference, for we are called with a state that is in use. */
	refcount_inc(&acct->ref);
	leaver->acct = acct;
	llist_add(&leaver->node, leavers_bucket(task));
	/*
	 * That was fully ordered, and so is that the work is pending no more before it looks at the
	 * leavers. So if it is pending here, it will find this one.
	 */
	if (!delayed_work_pending(&leavers_work))
		schedule_delayed_work(&leavers_work, 1);
}

/* Is the task off its CPU for the last time? */
static bool task_is_off(struct task_struct *task)
{
	/*
	 * First the state, which is the last that there will be, and only then whether it is on a
	 * CPU. In the other order it might have been preempted when we looked at the one, and have
	 * got on again, and on with dying, until we looked at the other.
	 */
	if (smp_load_acquire(&task->__state) != TASK_DEAD)
		return false;
#ifdef CONFIG_SMP
	/* Pairs with the release when its CPU has switched away: its time is complete. */
	return !smp_load_acquire(&task->on_cpu);
#else
	return task != current;
#endif
}

/* Add a dead task's time to the sum, and forget it. */
static void leaver_settle(struct leaver *leaver)
{
	struct cpuacct_time time = task_time(leaver->task);

	cpuacct_add(leaver->acct, NULL, time.user, time.system);
	put_task_struct(leaver->task);
	cpuacct_put(leaver->acct);
	leaver_free(leaver);
}

static bool cpuacct_is_below(const struct cpuacct *acct, const struct cpuacct *top)
{
	while (acct->level > top->level)
		acct = cpuacct_parent(acct);
	return acct == top;
}

/* For loops over many leavers: a reschedule point, now and then. */
static void pause_at(size_t i)
{
	if (!(i % 4))
		cond_resched();
}

/* Settles the leavers that are dead. Returns whether none is left. */
static bool leavers_settle(void)
{
	struct leaver *leaver, *next;
	struct llist_node *all;
	bool settled = true;
	size_t i, nr = 0;

	lockdep_assert_held(&leavers_mutex);
	for (i = 0; i < ARRAY_SIZE(leavers); i++) {
		all = llist_del_all(&leavers[i]);
		llist_for_each_entry_safe(leaver, next, all, node) {
			pause_at(nr++);
			if (task_is_off(leaver->task)) {
				leaver_settle(leaver);
				continue;
			}
			settled = false;
			llist_add(&leaver->node, &leavers[i]);
		}
	}
	return settled;
}

static void leavers_work_fn(struct work_struct *work)
{
	mutex_lock(&leavers_mutex);
	if (!leavers_settle())
		schedule_delayed_work(&leavers_work, 1);
	mutex_unlock(&leavers_mutex);
}

/* So many tasks are waited for at a time. */
#define AWAITED_MAX 16

/*
 * Find leavers that a reader of @top must wait for, because others may know that they have died.
 * Returns how many; each has a reference.
 */
static unsigned int leavers_awaited(const struct cpuacct *top, struct task_struct **awaited)
{
	struct leaver *leaver;
	unsigned int nr = 0;
	size_t i, seen = 0;

	lockdep_assert_held(&leavers_mutex);
	for (i = 0; i < ARRAY_SIZE(leavers); i++) {
		llist_for_each_entry(leaver, READ_ONCE(leavers[i].first), node) {
			pause_at(seen++);
			if (!READ_ONCE(leaver->task->exit_state) ||
			    !cpuacct_is_below(leaver->acct, top))
				continue;
			awaited[nr++] = get_task_struct(leaver->task);
			if (nr == AWAITED_MAX)
				return nr;
		}
	}
	return nr;
}

/*
 * A task whose parent knows of its death has a few instructions left until it is dead. Still it may
 * be waiting for a CPU, and that can take long where there are many others. No lock is held.
 */
void leavers_wait(const struct cpuacct *top)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(10);
	struct task_struct *awaited[AWAITED_MAX];
	unsigned int nr, i;

	do {
		mutex_lock(&leavers_mutex);
		leavers_settle();
		nr = leavers_awaited(top, awaited);
		mutex_unlock(&leavers_mutex);
		for (i = 0; i < nr; i++) {
			while (!task_is_off(awaited[i]) && time_before(jiffies, deadline))
				usleep_range(50, 100);
			put_task_struct(awaited[i]);
		}
	} while (nr && time_before(jiffies, deadline));
}

static int walk_add_leaver(struct walk *walk, struct task_struct *task)
{
	struct task_struct **more;

	if (walk->nr == walk->room) {
		more = kvmalloc_array(2 * walk->room + 64, sizeof(*more), GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		if (walk->nr)
			memcpy(more, walk->counted, walk->nr * sizeof(*more));
		kvfree(walk->counted);
		walk->counted = more;
		walk->room = 2 * walk->room + 64;
	}
	walk->counted[walk->nr++] = task;
	walk_add(walk, task);
	return 0;
}

static int task_cmp(const void *a, const void *b)
{
	const struct task_struct *x = *(struct task_struct *const *)a;
	const struct task_struct *y = *(struct task_struct *const *)b;

	return x < y ? -1 : x > y;
}

/* Count the leavers of one bucket. */
static int walk_bucket(struct walk *walk, size_t i)
{
	size_t start = walk->nr, seen = 0;
	struct leaver *leaver;
	int error;

	llist_for_each_entry(leaver, READ_ONCE(leavers[i].first), node) {
		pause_at(seen++);
		if (!cpuacct_is_below(leaver->acct, walk->acct))
			continue;
		error = walk_add_leaver(walk, leaver->task);
		if (error)
			return error;
	}
	if (walk->nr > start)
		sort(walk->counted + start, walk->nr - start, sizeof(*walk->counted), task_cmp,
		     NULL);
	walk->end[i] = walk->nr;
	return 0;
}

/* Count what has been there before: the sum, and the leavers, none of whom is settled meanwhile. */
int walk_begin(struct walk *walk)
{
	int error = 0;
	size_t i;

	mutex_lock(&leavers_mutex);
	walk->time.user = atomic64_read(&walk->acct->user);
	walk->time.system = atomic64_read(&walk->acct->system);
	for (i = 0; i < ARRAY_SIZE(leavers) && !error; i++)
		error = walk_bucket(walk, i);
	mutex_unlock(&leavers_mutex);
	/* The sum before any task; pairs with that of leaver_forget(). */
	smp_rmb();
	return error;
}

/*
 * Is this task in what walk_begin() has read? Not if it is not exiting. Nor if it was none of the
 * leavers then: it may have become one since, but is counted as what it was. (Where leavers have
 * been forgotten this is unknown, so all exiting tasks are left out.)
 */
bool walk_skips(const struct walk *walk, struct task_struct *task)
{
	size_t i = leavers_bucket(task) - leavers;
	size_t start = i ? walk->end[i - 1] : 0;

	if (!(READ_ONCE(task->flags) & PF_EXITING))
		return false;
	if (READ_ONCE(leavers_incomplete))
		return true;
	return walk->end[i] > start && bsearch(&task, walk->counted + start, walk->end[i] - start,
					       sizeof(*walk->counted), task_cmp);
}

/* There are no new leavers, and the rest is about to die: wait for that, and free all memory. */
void leavers_end(void)
{
	bool settled;

	cancel_delayed_work_sync(&leavers_work);
	for (;;) {
		mutex_lock(&leavers_mutex);
		settled = leavers_settle();
		mutex_unlock(&leavers_mutex);
		if (settled)
			break;
		schedule_timeout_uninterruptible(1);
	}
	spares_free();
}
