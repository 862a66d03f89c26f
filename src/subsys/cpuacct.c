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
 * Reading takes no lock that fork or exit would wait for, so it must see to it that a task which
 * exits meanwhile is not counted twice, as a living one and as a leaver. The sum and the leavers
 * are read first, but not before rc_visit_tasks() has taken the core's lock, under which no task
 * moves; a task that is visited after that is left out if it was among them: see walk_skips(). The
 * other error remains possible: a task that exits after the leavers were read and is gone before it
 * was visited is missing this time. It is there next time, so the error is gone at once; and since
 * no number that is shown is less than one shown before, nobody sees it go back.
 *
 * The core knows nothing of the tasks in a root, but as every task is in the root or below it, what
 * it has used is what the machine has used since it was booted: what /proc/stat shows as user and
 * nice, and as system, irq and softirq. It is known from ticks alone, so it may differ by a little
 * from the sum of all containers.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/kernel_stat.h>
#include <linux/llist.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/sched/cputime.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <containerfs/subsys.h>

/* Guards what is shown, and that no leaver is settled while somebody reads. */
static DEFINE_MUTEX(cpuacct_mutex);

/* CPU time in nanoseconds. */
struct cpuacct_time {
	s64 user, system;
};

/**
 * struct cpuacct - the CPU time of a container
 * @rc: what the core knows of it
 * @level: how many containers are above it; constant
 * @ref: one until destroy(), one for each child and each leaver
 * @user: what tasks have used in it or below, but for those that are there now
 * @system: likewise
 * @shown: the highest that was ever shown; cpuacct_mutex
 * @base: what @shown was when usage was reset; cpuacct_mutex, but bind() only writes it
 */
struct cpuacct {
	struct rc_state rc;
	unsigned int level;
	refcount_t ref;
	atomic64_t user;
	atomic64_t system;
	struct cpuacct_time shown;
	s64 base;
};

/**
 * struct leaver - a task that has left its container and is not known to be dead
 * @node: in its bucket of leavers
 * @task: the task, with a reference
 * @acct: the container that it was in, with a reference
 * @read: a reader has counted it, and any other one will; cpuacct_mutex
 */
struct leaver {
	struct llist_node node;
	struct task_struct *task;
	struct cpuacct *acct;
	bool read;
};

/*
 * The leavers, hashed by their tasks. Exiting tasks add to it without a lock; only who holds
 * cpuacct_mutex takes away.
 */
#define LEAVERS_BITS 6
static struct llist_head leavers[1 << LEAVERS_BITS];

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

/* The root's, which is there as long as this module is. */
static struct cpuacct *cpuacct_root;

static struct cpuacct *cpuacct_of(struct rc_state *state)
{
	return container_of(state, struct cpuacct, rc);
}

/* That of the container above; @acct is not a root's. */
static struct cpuacct *cpuacct_parent(const struct cpuacct *acct)
{
	return cpuacct_of(acct->rc.parent);
}

static void cpuacct_put(struct cpuacct *acct)
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
	if (bound)
		WRITE_ONCE(cpuacct_root->base, 0);
}

static struct cpuacct_time task_time(struct task_struct *task)
{
	u64 user, system;

	/* Neither of them ever goes back, whatever it is that the kernel knows of a task's time. */
	task_cputime_adjusted(task, &user, &system);
	return (struct cpuacct_time) { .user = user, .system = system };
}

/* Add to a container, and to those above it up to but without @end or the root. */
static void cpuacct_add(struct cpuacct *acct, const struct cpuacct *end, s64 user, s64 system)
{
	for (; acct != end && acct->rc.parent; acct = cpuacct_parent(acct)) {
		atomic64_add(user, &acct->user);
		atomic64_add(system, &acct->system);
	}
}

static struct llist_head *leavers_bucket(const struct task_struct *task)
{
	return &leavers[hash_ptr(task, LEAVERS_BITS)];
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

/* Nobody uses them any more. */
static void spares_free(void)
{
	struct leaver *leaver, *next;
	int cpu;

	for_each_possible_cpu(cpu)
		llist_for_each_entry_safe(leaver, next, per_cpu_ptr(&spares, cpu)->first, node)
			kfree(leaver);
}

/* There is no memory: what is known now is all that there will be. */
static void cpuacct_exit_forgotten(struct task_struct *task, struct cpuacct *acct)
{
	struct cpuacct_time time = task_time(task);

	WRITE_ONCE(leavers_incomplete, true);
	/* Who finds it in the sum also finds that; pairs with that of walk_begin(). */
	smp_mb();
	cpuacct_add(acct, NULL, time.user, time.system);
}

static void cpuacct_exit_task(struct task_struct *task, struct rc_state *state)
{
	struct cpuacct *acct = cpuacct_of(state);
	struct leaver *leaver = leaver_alloc();

	if (unlikely(!leaver)) {
		cpuacct_exit_forgotten(task, acct);
		return;
	}
	leaver->task = get_task_struct(task);
	/* The core has a reference, for we are called with a state that is in use. */
	refcount_inc(&acct->ref);
	leaver->acct = acct;
	leaver->read = false;
	llist_add(&leaver->node, leavers_bucket(task));
	/*
	 * That was fully ordered, and so is that the work is pending no more before it looks at the
	 * leavers. So if it is pending here, it will find this one.
	 */
	if (!delayed_work_pending(&leavers_work))
		schedule_delayed_work(&leavers_work, 1);
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
	/* No reader can come in between: both he and the caller have the core's lock. */
	cpuacct_add(cpuacct_of(from), common, time.user, time.system);
	cpuacct_add(cpuacct_of(to), common, -time.user, -time.system);
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

/* Must a reader of @top wait for this one? Only if others may know that it has died. */
static bool leaver_is_awaited(const struct leaver *leaver, const struct cpuacct *top)
{
	return READ_ONCE(leaver->task->exit_state) && cpuacct_is_below(leaver->acct, top);
}

/*
 * Settle the leavers that are dead; the caller holds cpuacct_mutex. Returns whether nobody is left
 * whom a reader of @top must wait for, or nobody at all if that is NULL.
 */
static bool leavers_settle(const struct cpuacct *top)
{
	struct leaver *leaver, *next;
	struct llist_node *all;
	bool settled = true;
	size_t i;

	lockdep_assert_held(&cpuacct_mutex);
	for (i = 0; i < ARRAY_SIZE(leavers); i++) {
		all = llist_del_all(&leavers[i]);
		llist_for_each_entry_safe(leaver, next, all, node) {
			if (task_is_off(leaver->task)) {
				leaver_settle(leaver);
				continue;
			}
			if (!top || leaver_is_awaited(leaver, top))
				settled = false;
			llist_add(&leaver->node, &leavers[i]);
		}
	}
	return settled;
}

static void leavers_work_fn(struct work_struct *work)
{
	mutex_lock(&cpuacct_mutex);
	if (!leavers_settle(NULL))
		schedule_delayed_work(&leavers_work, 1);
	mutex_unlock(&cpuacct_mutex);
}

/**
 * struct walk - a visit to all tasks in a container and below it
 * @acct: the container
 * @begun: are the sum and the leavers already in @time?
 * @time: what they have used
 */
struct walk {
	struct cpuacct *acct;
	bool begun;
	struct cpuacct_time time;
};

static void walk_add(struct walk *walk, struct task_struct *task)
{
	struct cpuacct_time time = task_time(task);

	walk->time.user += time.user;
	walk->time.system += time.system;
}

static void walk_begin(struct walk *walk)
{
	struct leaver *leaver;
	size_t i;

	lockdep_assert_held(&cpuacct_mutex);
	walk->begun = true;
	walk->time.user = atomic64_read(&walk->acct->user);
	walk->time.system = atomic64_read(&walk->acct->system);
	for (i = 0; i < ARRAY_SIZE(leavers); i++) {
		llist_for_each_entry(leaver, READ_ONCE(leavers[i].first), node) {
			leaver->read = true;
			if (cpuacct_is_below(leaver->acct, walk->acct))
				walk_add(walk, leaver->task);
		}
	}
	/* The sum before any task; pairs with that of cpuacct_exit_forgotten(). */
	smp_rmb();
}

/*
 * Is this task in what walk_begin() has read? Not if it is not exiting. Nor if it was none of the
 * leavers then: it may have become one since, but is counted as what it was. (Where leavers have
 * been forgotten, nobody knows, so that all who exit are left out.)
 */
static bool walk_skips(const struct task_struct *task)
{
	struct leaver *leaver;

	if (!(READ_ONCE(task->flags) & PF_EXITING))
		return false;
	llist_for_each_entry(leaver, READ_ONCE(leavers_bucket(task)->first), node)
		if (leaver->task == task)
			return leaver->read;
	return READ_ONCE(leavers_incomplete);
}

static void walk_visit(struct task_struct *task, void *arg)
{
	struct walk *walk = arg;

	/* Not earlier: now that the core has its lock, no task moves. */
	if (!walk->begun)
		walk_begin(walk);
	if (!walk_skips(task))
		walk_add(walk, task);
}

/* What has been used in a container other than the root and below it; may be too little. */
static int container_time(struct cpuacct *acct, struct cpuacct_time *time)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(10);
	struct walk walk = { .acct = acct };
	int error;

	/*
	 * A task whose parent knows of its death has a few instructions left until it is dead.
	 * Still it may be waiting for a CPU, and that can take long where there are many others.
	 */
	while (!leavers_settle(acct) && time_before(jiffies, deadline))
		usleep_range(50, 100);
	error = rc_visit_tasks(&acct->rc, true, walk_visit, &walk);
	/* There is no task. One that comes in right now can only make the sum less. */
	if (!walk.begun)
		walk_begin(&walk);
	*time = walk.time;
	return error;
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

/* Bring what is shown up to date; the caller holds cpuacct_mutex. */
static int cpuacct_update(struct cpuacct *acct)
{
	struct cpuacct_time time;
	int error = 0;

	lockdep_assert_held(&cpuacct_mutex);
	if (acct->rc.parent)
		error = container_time(acct, &time);
	else
		machine_time(&time);
	if (error)
		return error;
	acct->shown.user = max(acct->shown.user, time.user);
	acct->shown.system = max(acct->shown.system, time.system);
	return 0;
}

static int cpuacct_show_usage(struct seq_file *m, struct rc_state *state,
			      const struct rc_cftype *type)
{
	struct cpuacct *acct = cpuacct_of(state);
	int error;

	mutex_lock(&cpuacct_mutex);
	error = cpuacct_update(acct);
	if (!error)
		seq_printf(m, "%lld\n",
			   acct->shown.user + acct->shown.system - READ_ONCE(acct->base));
	mutex_unlock(&cpuacct_mutex);
	return error;
}

static int cpuacct_write_usage(struct rc_state *state, const struct rc_cftype *type, u64 value)
{
	struct cpuacct *acct = cpuacct_of(state);
	int error;

	if (value)
		return -EINVAL;
	mutex_lock(&cpuacct_mutex);
	error = cpuacct_update(acct);
	if (!error)
		WRITE_ONCE(acct->base, acct->shown.user + acct->shown.system);
	mutex_unlock(&cpuacct_mutex);
	return error;
}

static int cpuacct_show_stat(struct seq_file *m, struct rc_state *state,
			     const struct rc_cftype *type)
{
	struct cpuacct *acct = cpuacct_of(state);
	int error;

	mutex_lock(&cpuacct_mutex);
	error = cpuacct_update(acct);
	if (!error)
		seq_printf(m, "user %llu\nsystem %llu\n",
			   div_u64(acct->shown.user, NSEC_PER_SEC / USER_HZ),
			   div_u64(acct->shown.system, NSEC_PER_SEC / USER_HZ));
	mutex_unlock(&cpuacct_mutex);
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
	bool settled;

	/* While it is bound, the core has a reference to this module, and we are not called. */
	WARN_ON(rc_unregister_subsys(&cpuacct_subsys));

	/* There are no new leavers now, and the rest is about to die. */
	cancel_delayed_work_sync(&leavers_work);
	for (;;) {
		mutex_lock(&cpuacct_mutex);
		settled = leavers_settle(NULL);
		mutex_unlock(&cpuacct_mutex);
		if (settled)
			break;
		schedule_timeout_uninterruptible(1);
	}
	spares_free();
}

module_init(cpuacct_init);
module_exit(cpuacct_exit);

MODULE_DESCRIPTION("containerfs subsystem that shows the CPU time used in containers");
MODULE_AUTHOR("The containerfs project");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINERFS_VERSION);
