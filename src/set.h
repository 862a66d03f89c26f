/* SPDX-License-Identifier: GPL-2.0 */
/* A container set: the combination of containers, one per hierarchy, that tasks are in. */
#ifndef CONTAINERFS_SET_H
#define CONTAINERFS_SET_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "container.h"

/* The default one and as many others as the module parameter can allow. */
#define HIERARCHIES_MAX 65

/* What subsystems may want to be called for. */
enum set_call {
	SET_CAN_FORK,
	SET_CANCEL_FORK,
	SET_FORK,
	SET_EXIT,
	NR_SET_CALLS
};

/* A subsystem, and its state in one of a set's containers. */
struct set_caller {
	struct rc_subsys *subsys;
	struct rc_state *state;
};

/**
 * struct container_set - a combination of containers
 * @lock: guards @nr_tasks and changes of @tasks; taken inside task_lock()
 * @nr_tasks: how many tasks are in it; rises from 0 under container_mutex only
 * @tasks: their entries, through task_entry.link, read under RCU
 * @hash: among all sets; container_mutex, read under RCU
 * @reap_work: removes the set if it is still empty
 * @rcu: readers may still be looking at it
 * @nr_places: the length of @place
 * @callers: for each call the subsystems that want it, ended by one that is NULL; NULL if there are
 *	none. Constant: what is bound to a hierarchy does not change while it has a container. Their
 *	states stay as long as there is a task in the set, which keeps its containers.
 * @place: for each hierarchy, by its id: the container, or NULL for its root (as for all beyond
 *	@nr_places), constant, with a reference; and the link in that container's @sets. The last
 *	one is no root's.
 *
 * The combination of all roots has no set: NULL stands for it.
 */
struct container_set {
	spinlock_t lock; /* nr_tasks, tasks */
	unsigned int nr_tasks;
	struct hlist_head tasks;
	struct hlist_node hash;
	struct work_struct reap_work;
	struct rcu_head rcu;
	unsigned int nr_places;
	struct set_caller *callers[NR_SET_CALLS];
	struct set_place {
		struct container *container;
		struct list_head link;
	} place[];
};

static inline struct container *container_set_place(const struct container_set *set,
						    unsigned int id)
{
	return set && id < set->nr_places ? set->place[id].container : NULL;
}

/* The set that @place is of, when it is that of the hierarchy with this @id. */
static inline struct container_set *container_set_of(struct set_place *place, unsigned int id)
{
	return container_of(place - id, struct container_set, place[0]);
}

struct container_set *container_set_find(const struct container_set *from, unsigned int id,
					 struct container *to);
void container_set_put_unused(struct container_set *set);
void container_set_add(struct container_set *set, struct hlist_node *link);
void container_set_del(struct container_set *set, struct hlist_node *link);

int callers_can_fork(const struct set_caller *callers);
void callers_charge_fork(const struct set_caller *caller);
void callers_cancel_fork(const struct set_caller *caller);
void callers_fork(const struct set_caller *caller, struct task_struct *child);
void callers_exit(const struct set_caller *caller, struct task_struct *task);

/**
 * container_set_can_fork - ask the subsystems whether a task of the set may make a child
 * @set: the set
 *
 * Context: Does not sleep; the caller holds task_lock() of the task, which keeps it in the set.
 * Return: 0, and container_set_cancel_fork() or container_set_fork() is owed; or the first error,
 * and those who had allowed it have been told that it will not be.
 */
static inline int container_set_can_fork(const struct container_set *set)
{
	const struct set_caller *callers = set->callers[SET_CAN_FORK];

	return callers ? callers_can_fork(callers) : 0;
}

/**
 * container_set_charge_fork - have the subsystems charge a fork that can no longer be refused
 * @set: the set
 *
 * Context: As for container_set_can_fork().
 */
static inline void container_set_charge_fork(const struct container_set *set)
{
	if (set->callers[SET_CAN_FORK])
		callers_charge_fork(set->callers[SET_CAN_FORK]);
}

/**
 * container_set_cancel_fork - tell the subsystems that there will be no child after all
 * @set: the set
 *
 * Context: As for container_set_can_fork().
 */
static inline void container_set_cancel_fork(const struct container_set *set)
{
	if (set->callers[SET_CANCEL_FORK])
		callers_cancel_fork(set->callers[SET_CANCEL_FORK]);
}

/**
 * container_set_fork - tell the subsystems that there is a child
 * @set: the set
 * @child: the child
 *
 * Context: As for container_set_can_fork().
 */
static inline void container_set_fork(const struct container_set *set, struct task_struct *child)
{
	if (set->callers[SET_FORK])
		callers_fork(set->callers[SET_FORK], child);
}

/**
 * container_set_exit - tell the subsystems that a task is dying
 * @set: the set, which the task has not been taken out of yet: that keeps the states
 * @task: the task
 *
 * Context: The exit hook; does not sleep.
 */
static inline void container_set_exit(const struct container_set *set, struct task_struct *task)
{
	if (set->callers[SET_EXIT])
		callers_exit(set->callers[SET_EXIT], task);
}

void container_sets_count_tasks(unsigned long nr[HIERARCHIES_MAX]);

#endif
