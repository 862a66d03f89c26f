// SPDX-License-Identifier: GPL-2.0
/* Listing the tasks of a container: a snapshot, made without a lock, in batches. */
#include <linux/export.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "hierarchy.h"
#include "list.h"
#include "set.h"
#include "snapshot.h"
#include "task.h"

/* Between two reschedule points: tasks and sets that are looked at, and buckets of the table. */
#define BATCH 256
#define BUCKETS 64

/**
 * struct walk - a walk over the tasks of a container
 * @top: the container; the caller has a reference
 * @below: also the tasks of all containers below
 * @snapshot: where the tasks go
 * @left: steps until the next reschedule point
 * @listed: in the second pass over a root, how many of @snapshot's ids are below the present one
 * @nr_listed: how many of them are from the first pass
 */
struct walk {
	struct container *top;
	bool below;
	struct snapshot *snapshot;
	int left;
	size_t listed, nr_listed;
};

/* A reschedule point, outside of RCU. */
static int walk_pause(struct walk *w)
{
	w->left = BATCH;
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	/* Some steps add two. */
	return snapshot_reserve(w->snapshot, 2 * BATCH);
}

/*
 * A reschedule point between containers: leave RCU and come back. Returns -EAGAIN if @c has been
 * removed. Otherwise its links can be followed: if CONTAINER_REMOVED is not seen, no grace period
 * has passed since it was set, so whatever @c leads to is freed after this RCU section.
 */
static int walk_pause_in(struct walk *w, struct container *c)
{
	int error;

	if (!refcount_inc_not_zero(&c->ref))
		return -EAGAIN;
	rcu_read_unlock();
	error = walk_pause(w);
	rcu_read_lock();
	if (!error && container_is_removed(c))
		error = -EAGAIN;
	container_put(c);
	return error;
}

/*
 * A reschedule point in the middle of the list of a set of @c. The task at *@entry marks the
 * position: the list only grows at its head, so what comes after a task in it does not change but
 * for what goes. Returns -EAGAIN if the task has left the set.
 */
static int walk_pause_at(struct walk *w, struct container *c, struct container_set *set,
			 struct task_entry **entry)
{
	struct task_struct *task = get_task_struct((*entry)->task);
	int error = walk_pause_in(w, c);

	*entry = task_entry_in(task, set);
	/* Another set may be at the same address by now. */
	if (!error && (!*entry || container_set_place(set, c->hierarchy->id) != c))
		error = -EAGAIN;
	put_task_struct(task);
	return error;
}

/* Add the tasks of one container, not a root; called under RCU, which is left in between. */
static int walk_sets(struct walk *w, struct container *c)
{
	struct container_set *set;
	struct task_entry *entry;
	struct set_place *place;
	int error;

	list_for_each_entry_rcu(place, &c->sets, link) {
		set = container_set_of(place, c->hierarchy->id);
		/* No task marks the position in a row of sets that are empty and about to go. */
		if (w->left-- < -BATCH)
			return -EAGAIN;
		hlist_for_each_entry_rcu(entry, &set->tasks, link) {
			/* The task itself stays: it dies after its entry, and under RCU. */
			snapshot_add(w->snapshot, entry->task);
			if (--w->left > 0)
				continue;
			error = walk_pause_at(w, c, set, &entry);
			if (error)
				return error;
		}
	}
	return 0;
}

/* The next container of the tree below @top in pre-order, after @c; under RCU. */
static struct container *next_below(struct container *c, const struct container *top)
{
	struct container *next;

	next = list_first_or_null_rcu(&c->children, struct container, sibling);
	for (; !next && c != top; c = c->parent)
		next = list_next_or_null_rcu(&c->parent->children, &c->sibling, struct container,
					     sibling);
	return next;
}

/* Add the tasks by the sets of the container, or of all containers of the subtree. */
static int walk_tree(struct walk *w)
{
	struct container *c = w->top;
	int error = walk_pause(w);

	if (error)
		return error;
	rcu_read_lock();
	while (c && !error) {
		error = walk_sets(w, c);
		if (!error && --w->left <= 0)
			error = walk_pause_in(w, c);
		if (!error)
			c = w->below ? next_below(c, w->top) : NULL;
	}
	rcu_read_unlock();
	return error;
}

static bool is_below(const struct container *c, const struct container *top)
{
	while (c && c->depth > top->depth)
		c = c->parent;
	return c == top;
}

static void walk_entry(struct task_struct *task, const struct container_set *set, void *arg)
{
	const struct walk *w = arg;
	struct container *c = container_set_place(set, w->top->hierarchy->id);

	if (c == w->top || (c && w->below && is_below(c, w->top)))
		snapshot_add(w->snapshot, task);
}

/*
 * Add the tasks by the table. That takes longer, as it has the tasks of all containers, but finds
 * each task that is there all the time, even if it is moved in other hierarchies meanwhile.
 */
static int walk_table(struct walk *w)
{
	unsigned int first = 0, end;
	size_t more = 2 * BATCH;
	int error = 0;

	while (first < task_table_size() && !error) {
		w->snapshot->full = false;
		end = min(first + BUCKETS, task_table_size());
		rcu_read_lock();
		task_table_visit(first, end, walk_entry, w);
		rcu_read_unlock();
		/* Once more if there was no room; duplicates are dropped later. */
		if (w->snapshot->full)
			more *= 2;
		else
			first = end;
		error = walk_pause(w) ?: snapshot_reserve(w->snapshot, more);
	}
	return error;
}

/* Only a task that lives and has been born is in a root; the others are nowhere. */
static void walk_root_task(struct walk *w, struct task_struct *task)
{
	if (!task || READ_ONCE(task->flags) & PF_EXITING || task_is_unborn(task))
		return;
	if (w->below || !container_set_place(task_set(task), w->top->hierarchy->id))
		snapshot_add(w->snapshot, task);
}

/* Has the first pass listed this id? The ids that are asked for only rise. */
static bool id_is_listed(struct walk *w, int nr)
{
	const unsigned long *ids = w->snapshot->items;

	if (!w->snapshot->ns)
		return false;
	while (w->listed < w->nr_listed && ids[w->listed] < nr)
		w->listed++;
	return w->listed < w->nr_listed && ids[w->listed] == nr;
}

/*
 * Add the leader with this id. If an exec is about to give the id to another thread, add
 * that thread: the id may still be the old leader's when it is looked at first, but then the thread
 * is found in group_exec_task, which is cleared after the id has been given.
 */
static void walk_leader(struct walk *w, struct pid *pid, int nr)
{
	struct task_struct *leader = pid_task(pid, PIDTYPE_PID);

	if (!leader || !pid_has_task(pid, PIDTYPE_TGID) || id_is_listed(w, nr))
		return;
	walk_root_task(w, READ_ONCE(leader->signal->group_exec_task));
	/* group_exec_task, then the id: the id is written before the other is cleared. */
	smp_rmb();
	walk_root_task(w, pid_task(pid, PIDTYPE_PID));
}

/* Go through the ids of a namespace: all, or those of leaders. */
static int walk_ids(struct walk *w, struct pid_namespace *ns, bool leaders)
{
	int nr = 1, error = walk_pause(w);
	struct pid *pid;

	if (error)
		return error;
	rcu_read_lock();
	while ((pid = idr_get_next(&ns->idr, &nr))) {
		if (leaders)
			walk_leader(w, pid, nr);
		else
			walk_root_task(w, pid_task(pid, PIDTYPE_PID));
		nr++;
		if (--w->left > 0)
			continue;
		rcu_read_unlock();
		error = walk_pause(w);
		rcu_read_lock();
		if (error)
			break;
	}
	rcu_read_unlock();
	return error;
}

/*
 * Add the tasks of a root, which are in no list of ours. A task keeps its id, with one exception: a
 * thread that executes another program takes over the id of its leader, and may so be missed. It is
 * a leader from then on, and keeps the id for good, so the second pass finds it.
 */
static int walk_root(struct walk *w)
{
	struct pid_namespace *ns = w->snapshot->ns ?: &init_pid_ns;
	int error = walk_ids(w, ns, false);

	w->nr_listed = w->snapshot->nr;
	return error ?: walk_ids(w, ns, true);
}

/* Is at most one set, the same all the time, all that there has been since @changes was read? */
static bool is_one_set(const struct container *c, unsigned int changes)
{
	bool one = list_empty(&c->sets) || list_is_singular(&c->sets);

	/* Pairs with that of place_unlink(). */
	smp_rmb();
	return one && READ_ONCE(c->sets_changes) == changes;
}

/*
 * Take a snapshot. Forks and exits may go on meanwhile. So may moves, but one in another hierarchy
 * takes a task from one set of this container to another one: if the other has been read before it
 * came, and its own after it went, it is missed. Then task_moves has changed, and there is more
 * than one set, or was. In that case, and if the position was lost, read again; in the end by the
 * table, which misses none.
 */
static int walk_tasks(struct walk *w)
{
	unsigned int changes, moves;
	int error, tries;

	if (!w->top->parent)
		return walk_root(w);
	for (tries = 0; tries < 3; tries++) {
		/* The lists are read after this, ... */
		changes = smp_load_acquire(&w->top->sets_changes);
		moves = read_seqcount_begin(&task_moves);
		error = walk_tree(w);
		if (error && error != -EAGAIN)
			return error;
		/* ... and before the comparison. */
		smp_rmb();
		if (!error && (!read_seqcount_retry(&task_moves, moves) ||
			       (!w->below && is_one_set(w->top, changes))))
			return 0;
		snapshot_clear(w->snapshot);
	}
	return walk_table(w);
}

static int take_snapshot(struct snapshot *s, struct container *top, bool below)
{
	struct walk w = { .top = top, .below = below, .snapshot = s };

	return walk_tasks(&w) ?: snapshot_sort(s);
}

/**
 * task_list - a snapshot of the ids of a container's tasks
 * @c: the container; the caller has a reference
 * @ns: the pid namespace that the ids are in; tasks that it does not know are left out
 * @pids: where the ids go, ascending, each once; the caller frees them with kvfree()
 * @nr: how many there are
 *
 * Takes no lock, and holds RCU for a batch of tasks at most.
 *
 * Context: Process context, may sleep.
 * Return: 0, -ENOMEM, or -EINTR if the caller is being killed.
 */
int task_list(struct container *c, struct pid_namespace *ns, pid_t **pids, size_t *nr)
{
	struct snapshot s = { .ns = ns };
	int error = take_snapshot(&s, c, false);
	size_t i;

	if (error) {
		snapshot_free(&s);
		return error;
	}
	/* The ids take less room than the items, and are put into the same memory. */
	*pids = (pid_t *)s.items;
	for (i = 0; i < s.nr; i++) {
		(*pids)[i] = s.items[i];
		if (!(i % BATCH))
			cond_resched();
	}
	*nr = s.nr;
	return 0;
}

/* The container of a state, with a reference; NULL in a root state that is not bound. */
static struct container *state_container_get(const struct rc_state *state)
{
	struct container *c;

	rcu_read_lock();
	c = READ_ONCE(state->container);
	if (c && !refcount_inc_not_zero(&c->ref))
		c = NULL;
	rcu_read_unlock();
	return c;
}

static int state_snapshot(struct rc_state *state, bool below, struct snapshot *s)
{
	struct container *c = state_container_get(state);
	int error;

	if (!c)
		return -ENODEV;
	error = take_snapshot(s, c, below);
	container_put(c);
	return error;
}

/**
 * rc_visit_tasks - look at each task of a container
 * @state: a state of the container, in a handler of a file
 * @below: also at those of all containers below
 * @visit: called with each task once, under RCU; does not sleep
 * @arg: passed to @visit
 *
 * Takes a snapshot first, then visits the tasks in it by rising addresses. No lock is held: forks,
 * exits, moves, mkdir and rmdir go on. Each task that is in the container from the beginning to the
 * end is visited. A task that comes or goes meanwhile may be visited, even after it has gone.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENODEV if the subsystem is not bound; -ENOMEM; -EINTR if the caller is being killed.
 * With an error, @visit has not been called.
 */
int rc_visit_tasks(struct rc_state *state, bool below,
		   void (*visit)(struct task_struct *task, void *arg), void *arg)
{
	struct snapshot s = {};
	int error = state_snapshot(state, below, &s);
	size_t i;

	for (i = 0; !error && i < s.nr; i++) {
		rcu_read_lock();
		visit((struct task_struct *)s.items[i], arg);
		rcu_read_unlock();
		if (!(i % BATCH))
			cond_resched();
	}
	snapshot_free(&s);
	return error;
}
EXPORT_SYMBOL_GPL(rc_visit_tasks);

/**
 * rc_count_tasks - how many tasks a container has
 * @state: a state of the container, in a handler of a file
 *
 * Context: Process context, may sleep.
 * Return: the number; 0 also if memory is short.
 */
unsigned long rc_count_tasks(struct rc_state *state)
{
	struct snapshot s = {};
	unsigned long nr = state_snapshot(state, false, &s) ? 0 : s.nr;

	snapshot_free(&s);
	return nr;
}
EXPORT_SYMBOL_GPL(rc_count_tasks);

/**
 * rc_sync_attach - wait until attach() has returned if a move is under way
 *
 * With it, a subsystem that counts moves in attach() can tell whether one came in between two
 * moments: it reads the number, calls rc_sync_attach(), and looks at what moves change; then it
 * calls rc_sync_attach() again, and reads the number again. If the number is the same, no move has
 * had an effect in between, because a move that the first number includes was over before.
 *
 * Context: Process context. Spins for as long as a move takes, during which preemption is disabled.
 */
void rc_sync_attach(void)
{
	/* What was read before this is read before the end of the move is seen. */
	smp_rmb();
	read_seqcount_begin(&task_moves);
}
EXPORT_SYMBOL_GPL(rc_sync_attach);
