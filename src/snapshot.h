/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot: a sorted list of tasks, or of their ids, without duplicates. */
#ifndef CONTAINERFS_SNAPSHOT_H
#define CONTAINERFS_SNAPSHOT_H

#include <linux/types.h>

struct pid_namespace;
struct task_struct;

/**
 * struct snapshot - a list of tasks or of their ids
 * @ns: the pid namespace of the ids; NULL: the items are tasks, each with a reference
 * @items: the ids, or the tasks as numbers
 * @nr: number of items
 * @room: number of items that fit
 * @full: set when an item did not fit
 *
 * Zeroed memory is an empty snapshot; snapshot_free() frees what it holds.
 */
struct snapshot {
	struct pid_namespace *ns;
	unsigned long *items;
	size_t nr, room;
	bool full;
};

int snapshot_reserve(struct snapshot *s, size_t more);
void snapshot_add(struct snapshot *s, struct task_struct *task);
int snapshot_sort(struct snapshot *s);
void snapshot_clear(struct snapshot *s);
void snapshot_free(struct snapshot *s);

#endif
