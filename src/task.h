/* SPDX-License-Identifier: GPL-2.0 */
/* The side hash table that knows the container set of every task that was moved or born there. */
#ifndef CONTAINERFS_TASK_H
#define CONTAINERFS_TASK_H

#include <linux/processor.h>
#include <linux/list.h>
#include <linux/list_bl.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/types.h>

struct container;
struct container_set;
struct task_struct;

/**
 * struct task_entry - that a task is in a set
 * @node: in the task's bucket of the table; changed under the bucket's lock, read under RCU
 * @task: the task; constant. Not a reference: the exit hook removes the entry first.
 * @set: the set; constant: a move replaces the entry, so that readers of one set's list never
 *	stray into another's. The entry being there keeps the set. In a reserve: the set in which
 *	the fork is charged, always that of the entry; NULL if it is not charged. task_lock(@task)
 * @link: in @set's tasks; container_set.lock, read under RCU
 * @reserve: the entry of the task's next child. Made when a fork begins, taken when it can no
 *	longer fail, which therefore needs no memory. If the fork is refused, the error, as an
 *	ERR_PTR(), until task_fork_error() has taken it. task_lock(@task)
 * @next: @link's, which readers may still follow when the entry is out
 * @older: chains those that are out, see entry.c
 * @rcu: when the entry is out, and has no @reserve any more
 * @next_batch: chains those that are to be used again, see entry.c
 *
 * A task without an entry is in all the roots.
 */
struct task_entry {
	struct hlist_bl_node node;
	struct task_struct *task;
	struct container_set *set;
	union {
		struct hlist_node link;
		struct {
			struct hlist_node *next;
			struct task_entry *older;
		};
	};
	union {
		struct task_entry *reserve;
		struct rcu_head rcu;
		struct task_entry *next_batch;
	};
};

/*
 * Counts moves: odd from before a task comes into its new set until it has left the old one and
 * attach() of the subsystems has returned. Written under container_mutex and the task_lock() of the
 * task. Readers take no lock; they wait for the end of a move, during which preemption is disabled.
 */
extern seqcount_mutex_t task_moves;

typedef void (*task_visit_t)(struct task_struct *task, const struct container_set *set, void *arg);

struct container_set *task_set(const struct task_struct *task);
bool task_is_unborn(const struct task_struct *task);
int task_wait_born(struct task_struct *task);
int task_move(struct task_struct *task, struct container_set *set, struct container *from,
	      struct container *to);

int task_fork_begin(void);
int task_fork_error(void);
void task_fork_end(struct task_struct *child);
void task_fork_cancel(void);
void task_exit(void);

struct task_entry *task_entry_in(const struct task_struct *task, const struct container_set *set);
unsigned int task_table_size(void);
void task_table_visit(unsigned int first, unsigned int end, task_visit_t visit, void *arg);

int task_init(unsigned int buckets);
void task_cleanup(void);

#endif
