// SPDX-License-Identifier: GPL-2.0
/* Listing the tasks of a container: a snapshot, made without a lock. */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "hierarchy.h"
#include "list.h"
#include "set.h"
#include "task.h"

struct pid_list {
	pid_t *pids;
	size_t nr, room;
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

/*
 * A snapshot of the tasks of a container that is not a root. If more come in than there is room
 * for, which is only guessed beforehand, count them all and begin again.
 */
static int list_sets(const struct container *c, struct pid_namespace *ns, struct pid_list *list)
{
	const unsigned int id = c->hierarchy->id;
	struct task_entry *entry;
	struct set_place *place;
	size_t seen = 16;
	int error;
	pid_t pid;

	do {
		error = pid_list_grow(list, seen + seen / 8);
		if (error)
			return error;
		list->nr = 0;
		seen = 0;
		rcu_read_lock();
		list_for_each_entry_rcu(place, &c->sets, link) {
			struct container_set *set = container_set_of(place, id);

			list_for_each_entry_rcu(entry, &set->tasks, link) {
				/* The task itself stays: it dies after its entry, and under RCU. */
				pid = task_pid_nr_ns(entry->task, ns);
				if (pid && seen++ < list->room)
					list->pids[list->nr++] = pid;
			}
		}
		rcu_read_unlock();
	} while (seen > list->room);
	return 0;
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
static int list_root(const struct container *root, struct pid_namespace *ns,
		     struct pid_list *list)
{
	pid_t pid = 0;
	int error;

	for (;;) {
		error = pid_list_grow(list, list->nr + 512);
		if (error)
			return error;
		rcu_read_lock();
		while (list->nr < list->room) {
			pid = next_in_root(root->hierarchy, ns, pid + 1);
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

	/* Most often they are in order already: children come after their elders. */
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
	struct pid_list list = {};
	int error = c->parent ? list_sets(c, ns, &list) : list_root(c, ns, &list);

	if (error) {
		kvfree(list.pids);
		return error;
	}
	pid_list_sort(&list);
	*pids = list.pids;
	*nr = list.nr;
	return 0;
}
