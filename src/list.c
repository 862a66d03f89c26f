// SPDX-License-Identifier: GPL-2.0
/* Listing the tasks of a container: a snapshot, made without a lock. */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "hierarchy.h"
#include "list.h"
#include "set.h"
#include "task.h"

/* Ids in @ns: @nr of them, of @seen that there are, with room for @room. */
struct pid_list {
	struct pid_namespace *ns;
	pid_t *pids;
	size_t nr, seen, room;
};

/* Make room; what is in the list is lost. */
static int pid_list_grow(struct pid_list *list, size_t room)
{
	if (room <= list->room)
		return 0;
	kvfree(list->pids);
	list->pids = kvmalloc_array(room, sizeof(*list->pids), GFP_KERNEL_ACCOUNT);
	list->room = list->pids ? room : 0;
	return list->pids ? 0 : -ENOMEM;
}

/* Call @visit for each task of a container that is not a root, under RCU. */
static void visit_sets(const struct container *c,
		       void (*visit)(struct task_struct *task, void *arg), void *arg)
{
	struct task_entry *entry;
	struct set_place *place;

	list_for_each_entry_rcu(place, &c->sets, link)
		hlist_for_each_entry_rcu(entry, &container_set_of(place, c->hierarchy->id)->tasks,
					 link)
			/* The task itself stays: it dies after its entry, and under RCU. */
			visit(entry->task, arg);
}

static void pid_list_add(struct task_struct *task, void *arg)
{
	struct pid_list *list = arg;
	pid_t pid = task_pid_nr_ns(task, list->ns);

	if (pid && list->seen++ < list->room)
		list->pids[list->nr++] = pid;
}

/* Call @visit for each task in the root of @h, or in any container of it, under RCU. */
static void visit_root(const struct hierarchy *h, bool below,
		       void (*visit)(struct task_struct *task, void *arg), void *arg)
{
	struct task_struct *process, *task;

	for_each_process_thread(process, task)
		if (below || !container_set_place(task_set(task), h->id))
			visit(task, arg);
}

/* Only a task that lives and has been born is in a root; the others are nowhere. */
static void pid_list_add_living(struct task_struct *task, void *arg)
{
	if (!(READ_ONCE(task->flags) & PF_EXITING) && !task_is_unborn(task))
		pid_list_add(task, arg);
}

/* About how many tasks there are in a container; a root's are not counted anywhere. */
static size_t guess_length(const struct container *c)
{
	struct set_place *place;
	size_t nr = 0;

	if (!c->parent)
		return 512;
	rcu_read_lock();
	list_for_each_entry_rcu(place, &c->sets, link)
		nr += READ_ONCE(container_set_of(place, c->hierarchy->id)->nr_tasks);
	rcu_read_unlock();
	return nr;
}

/*
 * Fill the list, and begin again if more come in than there is room for, which is only guessed
 * beforehand. Nothing is kept from one reading to the next, so the first task that ever comes into
 * a container is seen like any other: its set is in the list before it.
 *
 * A thread that replaces its process by another program takes over the process's id, so for a root
 * we go through the processes, where it is always found, and not through the ids.
 */
static int list_once(const struct container *c, struct pid_list *list)
{
	size_t room = guess_length(c);
	int error;

	do {
		error = pid_list_grow(list, room + room / 8 + 64);
		if (error)
			return error;
		list->nr = 0;
		list->seen = 0;
		rcu_read_lock();
		if (c->parent)
			visit_sets(c, pid_list_add, list);
		else
			visit_root(c->hierarchy, false, pid_list_add_living, list);
		rcu_read_unlock();
		room = list->seen;
	} while (room > list->room);
	return 0;
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
 * A snapshot of the tasks of a container. Forks and exits may go on meanwhile. So may moves, but
 * one in another hierarchy takes a task from one set of this container to another one: if the other
 * has been read before it came, and its own after it went, it is missed. Then task_moves has
 * changed, and there is more than one set, or was; so read again; in the end, without moves. A
 * root's tasks are not found by their sets, and none is missed.
 */
static int list_tasks(const struct container *c, struct pid_list *list)
{
	unsigned int changes;
	unsigned long moves;
	int error, tries;

	for (tries = 0; tries < 3; tries++) {
		/* What is read is read after this, ... */
		changes = smp_load_acquire(&c->sets_changes);
		/* ... and this; pairs with the release in task_move(). */
		moves = smp_load_acquire(&task_moves);
		error = list_once(c, list);
		/* What was read is read before this. */
		smp_rmb();
		if (error || !c->parent || READ_ONCE(task_moves) == moves || is_one_set(c, changes))
			return error;
	}
	mutex_lock(&container_mutex);
	error = list_once(c, list);
	mutex_unlock(&container_mutex);
	return error;
}

static int pid_cmp(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/* Sort, and drop what is there twice because it was moved from set to set meanwhile. */
static void pid_list_sort(struct pid_list *list)
{
	size_t i, nr = 0;

	/* Most often they are in order, but the other way round: the youngest is the first. */
	if (list->nr && list->pids[0] > list->pids[list->nr - 1])
		for (i = 0; i < list->nr / 2; i++)
			swap(list->pids[i], list->pids[list->nr - 1 - i]);
	for (i = 1; i < list->nr; i++)
		if (list->pids[i - 1] > list->pids[i])
			break;
	if (i < list->nr)
		sort(list->pids, list->nr, sizeof(pid_t), pid_cmp, NULL);
	for (i = 0; i < list->nr; i++)
		if (!nr || list->pids[nr - 1] != list->pids[i])
			list->pids[nr++] = list->pids[i];
	list->nr = nr;
}

/**
 * task_list - a snapshot of the ids of a container's tasks
 * @c: the container; the caller has a reference
 * @ns: the pid namespace that the ids are in; tasks that it does not know are left out
 * @pids: where the ids go, ascending, each once; the caller frees them with kvfree()
 * @nr: how many there are
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int task_list(const struct container *c, struct pid_namespace *ns, pid_t **pids, size_t *nr)
{
	struct pid_list list = { .ns = ns };
	int error = list_tasks(c, &list);

	if (error) {
		kvfree(list.pids);
		return error;
	}
	pid_list_sort(&list);
	*pids = list.pids;
	*nr = list.nr;
	return 0;
}

/* The next container of the tree below @top in pre-order, after @c; under container_mutex. */
static struct container *next_below(struct container *c, const struct container *top)
{
	if (!list_empty(&c->children))
		return list_first_entry(&c->children, struct container, sibling);
	for (; c != top; c = c->parent)
		if (!list_is_last(&c->sibling, &c->parent->children))
			return list_next_entry(c, sibling);
	return NULL;
}

/**
 * rc_visit_tasks - look at each task of a container
 * @state: a state of the container, in a handler of a file
 * @below: also at those of all containers below
 * @visit: called with each task once, under RCU; does not sleep
 * @arg: handed on to @visit
 *
 * Meanwhile no task is moved, and no container made or removed. Tasks may come by fork, and may be
 * missed then, and go by exit.
 *
 * Context: Process context, may sleep; takes container_mutex.
 * Return: 0; -ENODEV if the subsystem is not bound.
 */
int rc_visit_tasks(struct rc_state *state, bool below,
		   void (*visit)(struct task_struct *task, void *arg), void *arg)
{
	struct container *top, *c;
	int error = -ENODEV;

	mutex_lock(&container_mutex);
	top = state->container;
	if (top && !top->parent) {
		rcu_read_lock();
		visit_root(top->hierarchy, below, visit, arg);
		rcu_read_unlock();
		error = 0;
	} else if (top) {
		for (c = top; c; c = below ? next_below(c, top) : NULL) {
			rcu_read_lock();
			visit_sets(c, visit, arg);
			rcu_read_unlock();
		}
		error = 0;
	}
	mutex_unlock(&container_mutex);
	return error;
}
EXPORT_SYMBOL_GPL(rc_visit_tasks);

static void count_task(struct task_struct *task, void *arg)
{
	++*(unsigned long *)arg;
}

/**
 * rc_count_tasks - how many tasks a container has
 * @state: a state of the container, in a handler of a file
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
unsigned long rc_count_tasks(struct rc_state *state)
{
	unsigned long nr = 0;

	rc_visit_tasks(state, false, count_task, &nr);
	return nr;
}
EXPORT_SYMBOL_GPL(rc_count_tasks);
