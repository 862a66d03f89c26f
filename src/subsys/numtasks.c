// SPDX-License-Identifier: GPL-2.0
/* The subsystem `numtasks`: limits the number of tasks in a container and all below it. */

/*
 * A container counts the tasks in itself and in all containers below it. A fork that would raise
 * this number above the container's limit fails with EAGAIN. A new container has no limit, but is
 * subject to those of its ancestors.
 *
 *   numtasks.limit     the limit, or `max` for none
 *   numtasks.current   the number of tasks
 *   numtasks.peak      the highest number so far
 *   numtasks.events    `refused N`: the number of forks that this container's own limit refused
 *
 * Roots have none of these files: the core reports nothing about the tasks in a root.
 *
 * A task is uncharged when it exits, before its parent can reap it. A zombie is therefore not
 * counted, although it still has a pid: a fork bomb is limited in the tasks that run, not in its
 * zombies.
 *
 * Only forks are limited. A task may be moved in above the limit, and a limit may be set below the
 * present number; then forks fail until enough tasks are gone. No fork that is charged here raises
 * the number above the limit, regardless of what races with it:
 *
 * - A fork is charged before its task exists, and uncharged after that has exited. There are never
 *   more tasks than are charged.
 * - The number and the limit are the two halves of one word, which a fork changes with one
 *   compare-and-exchange. Neither another fork nor a new limit can come between the check and the
 *   charge, and a reader never sees a number that a fork has raised above the limit.
 * - A fork in progress stays charged while its task is moved. A move in another hierarchy leaves
 *   the charge alone. A move in this one transfers it under task_lock() of the task, and the lowest
 *   common ancestor and all above stay charged throughout, so no other fork can take the place.
 *
 * A move of a task during a fork brings two charges, because the child comes with it. There is one
 * case in which the second one comes late: a fork that begins while the task is in the root of
 * every hierarchy is not charged, since such a task costs nothing and the core does not know of the
 * fork. When another task moves it in before the fork ends, its child is charged at the end of the
 * fork, above the limit if need be, like any task that is moved in. A task that moves itself is
 * never in a fork.
 *
 * No lock is taken here. The cost of a fork grows with the depth of its container, but not with the
 * number of containers or tasks. A fork is charged from the container upwards, so one that its own
 * container refuses does not touch the ancestors. One that an ancestor refuses is charged below for
 * a moment, in which the lower limit may refuse another fork that the ancestor has yet to refuse.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <containerfs/subsys.h>

/**
 * struct numtasks - the tasks of a container and those below it
 * @rc: what the core knows of it
 * @level: how many containers are above it; constant
 * @count: the number of tasks in the upper half, the limit in the lower. In this order nothing that
 *	happens to the number can spill into the limit.
 * @peak: the highest number so far; only rises
 * @refused: the number of forks that @count has refused
 *
 * In a root's, only @rc and @level have a meaning.
 */
struct numtasks {
	struct rc_state rc;
	unsigned int level;
	atomic64_t count;
	u32 peak;
	atomic64_t refused;
};

/* One task, as added to numtasks.count */
#define NUMTASKS_ONE ((s64)BIT_ULL(32))
/* The limit that is none: there are never so many tasks, for each has a pid of its own. */
#define NUMTASKS_MAX U32_MAX

static u32 count_tasks(s64 count)
{
	return upper_32_bits(count);
}

static u32 count_limit(s64 count)
{
	return lower_32_bits(count);
}

static struct numtasks *numtasks_of(struct rc_state *state)
{
	return container_of(state, struct numtasks, rc);
}

/* That of the container above; @n is not a root's. */
static struct numtasks *numtasks_parent(const struct numtasks *n)
{
	return numtasks_of(n->rc.parent);
}

/* Lowest common ancestor */
static struct numtasks *numtasks_common(struct numtasks *a, struct numtasks *b)
{
	while (a != b) {
		if (a->level >= b->level)
			a = numtasks_parent(a);
		else
			b = numtasks_parent(b);
	}
	return a;
}

static struct rc_state *numtasks_create(struct rc_state *parent)
{
	struct numtasks *n = kzalloc(sizeof(*n), GFP_KERNEL_ACCOUNT);

	if (!n)
		return ERR_PTR(-ENOMEM);
	n->level = parent ? numtasks_of(parent)->level + 1 : 0;
	atomic64_set(&n->count, NUMTASKS_MAX);
	return &n->rc;
}

static void numtasks_destroy(struct rc_state *state)
{
	struct numtasks *n = numtasks_of(state);

	/* The core destroys no state as long as there is a task that it would still tell us of. */
	WARN_ONCE(count_tasks(atomic64_read(&n->count)), "numtasks: %u tasks were never uncounted\n",
		  count_tasks(atomic64_read(&n->count)));
	kfree(n);
}

/* Two may get here in the other order than they were counted in; so never make it less. */
static void numtasks_note_peak(struct numtasks *n, s64 count)
{
	u32 peak = READ_ONCE(n->peak);

	while (peak < count_tasks(count))
		if (try_cmpxchg(&n->peak, &peak, count_tasks(count)))
			break;
}

/* Count a task from @n up to but without @end or the root, over a limit if need be. */
static void numtasks_charge(struct numtasks *n, const struct numtasks *end)
{
	for (; n != end && n->rc.parent; n = numtasks_parent(n))
		numtasks_note_peak(n, atomic64_add_return(NUMTASKS_ONE, &n->count));
}

/* Uncount a task from @n up to but without @end or the root. */
static void numtasks_uncharge(struct numtasks *n, const struct numtasks *end)
{
	for (; n != end && n->rc.parent; n = numtasks_parent(n))
		WARN_ONCE(!count_tasks(atomic64_fetch_sub(NUMTASKS_ONE, &n->count)),
			  "numtasks: a task was uncounted that was never counted\n");
}

/* Count a task in @n alone if its limit allows. */
static bool numtasks_try_charge_one(struct numtasks *n)
{
	s64 count = atomic64_read(&n->count);

	/*
	 * The exchange succeeds only if neither half has changed since it was looked at. That makes
	 * it impossible that two forks take the last place, or that a fork is counted by a limit
	 * that has been lowered meanwhile.
	 */
	do {
		if (count_tasks(count) >= count_limit(count))
			return false;
	} while (!atomic64_try_cmpxchg(&n->count, &count, count + NUMTASKS_ONE));
	return true;
}

static int numtasks_can_fork(struct rc_state *state)
{
	struct numtasks *first = numtasks_of(state), *n;

	for (n = first; n->rc.parent; n = numtasks_parent(n)) {
		if (numtasks_try_charge_one(n))
			continue;
		atomic64_inc(&n->refused);
		numtasks_uncharge(first, n);
		return -EAGAIN;
	}
	/* Only now, so that a fork that is refused above is not noted below. */
	for (n = first; n->rc.parent; n = numtasks_parent(n))
		numtasks_note_peak(n, atomic64_read(&n->count));
	return 0;
}

static void numtasks_charge_fork(struct rc_state *state)
{
	numtasks_charge(numtasks_of(state), NULL);
}

static void numtasks_cancel_fork(struct rc_state *state)
{
	numtasks_uncharge(numtasks_of(state), NULL);
}

static void numtasks_exit_task(struct task_struct *task, struct rc_state *state)
{
	numtasks_uncharge(numtasks_of(state), NULL);
}

/*
 * Transfer the charge of a fork in progress. The common ancestors stay charged all the time:
 * neither does their peak show a task too many, nor can another fork take the place meanwhile.
 */
static void numtasks_move_fork(struct rc_state *from, struct rc_state *to)
{
	struct numtasks *common = numtasks_common(numtasks_of(from), numtasks_of(to));

	numtasks_charge(numtasks_of(to), common);
	numtasks_uncharge(numtasks_of(from), common);
}

static void numtasks_attach(struct task_struct *task, struct rc_state *from, struct rc_state *to)
{
	numtasks_move_fork(from, to);
}

static int numtasks_show_limit(struct seq_file *m, struct rc_state *state,
			       const struct rc_cftype *type)
{
	u32 limit = count_limit(atomic64_read(&numtasks_of(state)->count));

	if (limit == NUMTASKS_MAX)
		seq_puts(m, "max\n");
	else
		seq_printf(m, "%u\n", limit);
	return 0;
}

/* A number that is too large for a limit is an error: `max` is how to ask for none. */
static int numtasks_parse_limit(char *buf, size_t len, u32 *limit)
{
	/* A NUL would hide what comes after it. */
	if (strlen(buf) != len)
		return -EINVAL;
	buf = strstrip(buf);
	*limit = NUMTASKS_MAX;
	if (!strcmp(buf, "max"))
		return 0;
	/* kstrtou32() would take a sign. */
	if (!isdigit(*buf) || kstrtou32(buf, 10, limit) || *limit == NUMTASKS_MAX)
		return -EINVAL;
	return 0;
}

static int numtasks_write_limit(struct rc_state *state, struct file *file, char *buf, size_t len)
{
	struct numtasks *n = numtasks_of(state);
	s64 count = atomic64_read(&n->count);
	u32 limit;
	int error;

	error = numtasks_parse_limit(buf, len, &limit);
	if (error)
		return error;
	/* Forks go on meanwhile. Each is counted either before this or by the new limit. */
	while (!atomic64_try_cmpxchg(&n->count, &count,
				     count_tasks(count) * NUMTASKS_ONE + limit))
		;
	return 0;
}

static u64 numtasks_read_current(struct rc_state *state, const struct rc_cftype *type)
{
	return count_tasks(atomic64_read(&numtasks_of(state)->count));
}

static u64 numtasks_read_peak(struct rc_state *state, const struct rc_cftype *type)
{
	return READ_ONCE(numtasks_of(state)->peak);
}

static int numtasks_show_events(struct seq_file *m, struct rc_state *state,
				const struct rc_cftype *type)
{
	seq_printf(m, "refused %llu\n", (u64)atomic64_read(&numtasks_of(state)->refused));
	return 0;
}

static const struct rc_cftype numtasks_files[] = {
	{
		.name = "limit",
		.flags = RC_NOT_ON_ROOT,
		.seq_show = numtasks_show_limit,
		.write = numtasks_write_limit,
	},
	{
		.name = "current",
		.flags = RC_NOT_ON_ROOT,
		.read_u64 = numtasks_read_current,
	},
	{
		.name = "peak",
		.flags = RC_NOT_ON_ROOT,
		.read_u64 = numtasks_read_peak,
	},
	{
		.name = "events",
		.flags = RC_NOT_ON_ROOT,
		.seq_show = numtasks_show_events,
	},
	{}
};

static struct rc_subsys numtasks_subsys = {
	.name = "numtasks",
	.owner = THIS_MODULE,
	.files = numtasks_files,
	.create = numtasks_create,
	.destroy = numtasks_destroy,
	.attach = numtasks_attach,
	.can_fork = numtasks_can_fork,
	.charge_fork = numtasks_charge_fork,
	.cancel_fork = numtasks_cancel_fork,
	.move_fork = numtasks_move_fork,
	.exit = numtasks_exit_task,
};

static int __init numtasks_init(void)
{
	return rc_register_subsys(&numtasks_subsys);
}

static void __exit numtasks_exit(void)
{
	/* While it is bound, the core has a reference to this module, and we are not called. */
	WARN_ON(rc_unregister_subsys(&numtasks_subsys));
}

module_init(numtasks_init);
module_exit(numtasks_exit);

MODULE_DESCRIPTION("containerfs subsystem that limits the number of tasks");
MODULE_AUTHOR("The containerfs project");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINERFS_VERSION);
