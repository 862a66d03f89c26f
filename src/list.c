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

static int pid_list_grow(struct pid_list *list, size_t room)
{
	pid_t *pids;

	if (room <= list->room)
		return 0;
	pids = kvmalloc_array(room, sizeof(*pids), GFP_KERNEL_ACCOUNT);
	if (!pids)
		return -ENOMEM;
	if (list->nr)
		memcpy(pids, list->pids, list->nr * sizeof(*pids));
	kvfree(list->pids);
	list->pids = pids;
	list->room = room;
	return 0;
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

/* About how many tasks there are in a container that is not a root. */
static size_t count_sets(const struct container *c)
{
	struct set_place *place;
	size_t nr = 0;

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
 */
static int list_sets_once(const struct container *c, struct pid_list *list)
{
	size_t room = count_sets(c);
	int error;

	do {
		error = pid_list_grow(list, room + room / 8 + 16);
		if (error)
			return error;
		list->nr = 0;
		list->seen = 0;
		rcu_read_lock();
		visit_sets(c, pid_list_add, list);
		rcu_read_unlock();
		room = list->seen;
	} while (room > list->room);
	return 0;
}

/*
 * A snapshot of the tasks of a container that is not a root. Forks and exits may go on meanwhile.
 * So may moves, but one in another hierarchy takes a task from one set of this container to another
 * one: if the other has been read before it came, and its own after it went, it is missed. Then
 * task_moves has changed, so read again; in the end, without moves.
 */
static int list_sets(const struct container *c, struct pid_list *list)
{
	unsigned long moves;
	int error, tries;

	for (tries = 0; tries < 3; tries++) {
		/* What is read is read after this; pairs with the release in task_move(). */
		moves = smp_load_acquire(&task_moves);
		error = list_sets_once(c, list);
		/* What was read is read before this. */
		smp_rmb();
		if (error || READ_ONCE(task_moves) == moves || list_is_singular(&c->sets))
			return error;
	}
	mutex_lock(&container_mutex);
	error = list_sets_once(c, list);
	mutex_unlock(&container_mutex);
	return error;
}

/* The next task with an id of at least @pid in @ns that is in the root of @h and lives. */
static pid_t next_in_root(struct hierarchy *h, struct pid_namespace *ns, pid_t pid)
{
	struct task_struct *task;
	struct pid *pos;

	for (pos = find_ge_pid(pid, ns); pos; pos = find_ge_pid(pid_nr_ns(pos, ns) + 1, ns)) {
		task = pid_task(pos, PIDTYPE_PID);
		if (task && !(task->flags & PF_EXITING) && !task_is_unborn(task) &&
		    !container_set_place(task_set(task), h->id))
			return pid_nr_ns(pos, ns);
	}
	return 0;
}

/* A snapshot of the tasks of a root: those that are in no other container of the hierarchy. */
static int list_root(const struct container *root, struct pid_list *list)
{
	pid_t pid = 0;
	int error;

	for (;;) {
		error = pid_list_grow(list, list->nr + 512);
		if (error)
			return error;
		rcu_read_lock();
		while (list->nr < list->room) {
			pid = next_in_root(root->hierarchy, list->ns, pid + 1);
			if (!pid)
				break;
			list->pids[list->nr++] = pid;
		}
		rcu_read_unlock();
		if (!pid)
			return 0;
		cond_resched();
	}
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
	int error = c->parent ? list_sets(c, &list) : list_root(c, &list);

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

/* Call @visit for each task in the root, or anywhere, under container_mutex. */
static void visit_root(struct hierarchy *h, bool below,
		       void (*visit)(struct task_struct *task, void *arg), void *arg)
{
	struct task_struct *process, *task;

	rcu_read_lock();
	for_each_process_thread(process, task)
		if (below || !container_set_place(task_set(task), h->id))
			visit(task, arg);
	rcu_read_unlock();
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
		visit_root(top->hierarchy, below, visit, arg);
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
