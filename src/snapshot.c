// SPDX-License-Identifier: GPL-2.0
/* Snapshots: growing, sorting and freeing them, with a reschedule point in every batch of items. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "snapshot.h"

/* For loops over many items: a reschedule point, now and then. */
static void pause_at(size_t i)
{
	if (!(i % 1024))
		cond_resched();
}

static unsigned long *items_alloc(size_t nr)
{
	return kvmalloc_array(nr, sizeof(unsigned long), GFP_KERNEL_ACCOUNT);
}

/**
 * snapshot_reserve - make room
 * @s: the snapshot
 * @more: number of items that snapshot_add() can add afterwards
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM; the snapshot keeps its items in either case.
 */
int snapshot_reserve(struct snapshot *s, size_t more)
{
	unsigned long *items;
	size_t room;

	if (s->room - s->nr >= more)
		return 0;
	room = max(s->nr + more, 2 * s->room);
	items = items_alloc(room);
	if (!items)
		return -ENOMEM;
	if (s->nr)
		memcpy(items, s->items, s->nr * sizeof(*items));
	kvfree(s->items);
	s->items = items;
	s->room = room;
	return 0;
}

/**
 * snapshot_add - add a task
 * @s: the snapshot; @s->full is set if there is no room
 * @task: the task; ignored if the namespace of the snapshot does not have it
 *
 * Context: RCU, which keeps @task; does not sleep.
 */
void snapshot_add(struct snapshot *s, struct task_struct *task)
{
	unsigned long item = s->ns ? task_pid_nr_ns(task, s->ns) : (unsigned long)task;

	if (!item)
		return;
	if (s->nr == s->room) {
		s->full = true;
		return;
	}
	if (!s->ns)
		get_task_struct(task);
	s->items[s->nr++] = item;
}

/* The length of the ascending run at the beginning; a descending one is reversed. */
static size_t make_run(unsigned long *items, size_t nr)
{
	size_t i, len = 1;

	if (nr < 2)
		return nr;
	if (items[0] <= items[1]) {
		for (; len < nr && items[len - 1] <= items[len]; len++)
			pause_at(len);
		return len;
	}
	for (; len < nr && items[len - 1] >= items[len]; len++)
		pause_at(len);
	for (i = 0; i < len / 2; i++) {
		swap(items[i], items[len - 1 - i]);
		pause_at(i);
	}
	return len;
}

/* Merge the ascending @a[0..nr_a) and @b[0..nr_b) into @to. */
static void merge(unsigned long *to, const unsigned long *a, size_t nr_a,
		  const unsigned long *b, size_t nr_b)
{
	size_t i = 0, j = 0, nr = nr_a + nr_b;

	while (i + j < nr) {
		pause_at(i + j);
		if (j == nr_b || (i < nr_a && a[i] <= b[j])) {
			to[i + j] = a[i];
			i++;
		} else {
			to[i + j] = b[j];
			j++;
		}
	}
}

/* Merge neighbouring runs of @from, pair by pair, into @to. */
static void merge_runs(unsigned long *to, unsigned long *from, size_t nr)
{
	size_t i, a, b;

	for (i = 0; i < nr; i += a + b) {
		a = make_run(from + i, nr - i);
		b = make_run(from + i + a, nr - i - a);
		merge(to + i, from + i, a, from + i + a, b);
	}
}

static void item_drop(const struct snapshot *s, unsigned long item)
{
	if (!s->ns)
		put_task_struct((struct task_struct *)item);
}

/* Drop the duplicates of a sorted snapshot. */
static void make_unique(struct snapshot *s)
{
	size_t i, nr = 0;

	for (i = 0; i < s->nr; i++) {
		pause_at(i);
		if (nr && s->items[nr - 1] == s->items[i])
			item_drop(s, s->items[i]);
		else
			s->items[nr++] = s->items[i];
	}
	s->nr = nr;
}

/**
 * snapshot_sort - sort the items and drop duplicates
 * @s: the snapshot
 *
 * A natural merge sort. Usually there are a few descending runs, because the list of a set begins
 * with the youngest task; then it takes a few passes.
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM; the snapshot is valid in either case.
 */
int snapshot_sort(struct snapshot *s)
{
	unsigned long *to;

	if (make_run(s->items, s->nr) < s->nr) {
		to = items_alloc(s->room);
		if (!to)
			return -ENOMEM;
		do {
			merge_runs(to, s->items, s->nr);
			swap(to, s->items);
		} while (make_run(s->items, s->nr) < s->nr);
		kvfree(to);
	}
	make_unique(s);
	return 0;
}

/**
 * snapshot_clear - drop all items, but keep the room
 * @s: the snapshot
 *
 * Context: Process context, may sleep.
 */
void snapshot_clear(struct snapshot *s)
{
	size_t i;

	for (i = 0; !s->ns && i < s->nr; i++) {
		pause_at(i);
		item_drop(s, s->items[i]);
	}
	s->nr = 0;
}

/**
 * snapshot_free - free what a snapshot holds
 * @s: the snapshot
 *
 * Context: Process context, may sleep.
 */
void snapshot_free(struct snapshot *s)
{
	snapshot_clear(s);
	kvfree(s->items);
	*s = (struct snapshot) {};
}
