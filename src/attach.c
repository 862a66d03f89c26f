// SPDX-License-Identifier: GPL-2.0
/* Moving a task into a container, as a user asks for it: finding it and who may do so. */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "attach.h"
#include "hierarchy.h"
#include "registry.h"
#include "set.h"
#include "task.h"

/* The thread with this id in the current task's pid namespace, or the current one for 0. */
static struct task_struct *find_task(pid_t nr)
{
	struct task_struct *task = current;

	rcu_read_lock();
	if (nr)
		task = pid_task(find_vpid(nr), PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/*
 * By the credentials of the opener, not the writer: else a file that was opened without privilege
 * could be handed to a program that has it as its standard output.
 */
static int may_attach(struct task_struct *task, const struct cred *opener)
{
	const struct cred *cred = get_task_cred(task);
	bool may = uid_eq(opener->euid, GLOBAL_ROOT_UID) || uid_eq(opener->euid, cred->uid) ||
		   uid_eq(opener->euid, cred->suid);

	put_cred(cred);
	if (!may)
		return -EACCES;
	/*
	 * kthreadd's children would all follow it; the others are where their work is. The first
	 * flag is constant, but shares its word with bits that the task changes itself.
	 */
	if (data_race((bool)task->no_cgroup_migration) ||
	    READ_ONCE(task->flags) & PF_NO_SETAFFINITY)
		return -EINVAL;
	return 0;
}

/* Under container_mutex, so that neither another move nor rmdir comes in between. */
static int attach_locked(struct container *to, struct task_struct *task)
{
	struct hierarchy *h = to->hierarchy;
	struct container_set *from_set, *set;
	struct container *from;
	int error;

	if (container_is_removed(to))
		return -ENODEV;

	/* If the task exits its set may become empty, but cannot be freed without our mutex. */
	rcu_read_lock();
	from_set = task_set(task);
	rcu_read_unlock();
	from = hierarchy_container(h, from_set);
	if (from == to)
		return READ_ONCE(task->flags) & PF_EXITING ? -ESRCH : 0;
	error = subsys_can_attach(task, from, to);
	if (error)
		return error;

	set = container_set_find(from_set, h->id, to->parent ? to : NULL);
	if (IS_ERR(set))
		return PTR_ERR(set);
	error = task_move(task, set, from, to);
	if (error)
		container_set_put_unused(set);
	return error;
}

/**
 * container_attach - move a thread into a container
 * @to: the container; the caller has a reference
 * @nr: the thread's id in the current task's pid namespace, 0 for the current task
 * @opener: the credentials that were used to open the file which it was written to
 *
 * Context: Process context, may sleep, but waits for no grace period; takes container_mutex.
 * Return: 0, also if it is there already; -ENODEV if @to has been removed; -ESRCH if there is no
 * such thread or it is exiting; -EACCES if @opener may not; -EINVAL for a kernel thread that must
 * not be moved; the error of a subsystem that refuses; -ENOMEM; -EINTR. With an error, nothing has
 * changed.
 */
int container_attach(struct container *to, pid_t nr, const struct cred *opener)
{
	struct task_struct *task = find_task(nr);
	int error;

	if (container_is_removed(to))
		error = -ENODEV;
	else if (!task || READ_ONCE(task->flags) & PF_EXITING)
		error = -ESRCH;
	else
		error = may_attach(task, opener) ?: task_wait_born(task);
	if (!error) {
		mutex_lock(&container_mutex);
		error = attach_locked(to, task);
		mutex_unlock(&container_mutex);
	}
	if (task)
		put_task_struct(task);
	return error;
}
