/* SPDX-License-Identifier: GPL-2.0 */
/* The side hash table that knows the container set of every task that was moved or born there. */
#ifndef CONTAINERFS_TASK_H
#define CONTAINERFS_TASK_H

#include <linux/types.h>

struct container;
struct container_set;
struct pid_namespace;
struct task_struct;

struct container_set *task_set(const struct task_struct *task);
int task_wait_born(struct task_struct *task);
int task_move(struct task_struct *task, struct container_set *to);

int task_fork_begin(void);
void task_fork_end(struct task_struct *child);
void task_fork_cancel(void);
void task_exit(void);

int task_list(const struct container *c, struct pid_namespace *ns, pid_t **pids, size_t *nr);

int task_init(unsigned int buckets);
void task_cleanup(void);

#endif
