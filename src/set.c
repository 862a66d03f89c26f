// SPDX-License-Identifier: GPL-2.0
/* Container sets: finding or making the one for a combination, their tasks, and their end. */
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "hierarchy.h"
#include "registry.h"
#include "release.h"
#include "set.h"
#include "task.h"

/* All sets, by the containers that they consist of; container_mutex, read under RCU. */
static DEFINE_HASHTABLE(all_sets, 12);

static u32 places_hash(struct container *const *places, unsigned int nr)
{
	return jhash(places, nr * sizeof(*places), 0);
}

static bool set_is(const struct container_set *set, struct container *const *places,
		   unsigned int nr)
{
	unsigned int i;

	if (set->nr_places != nr)
		return false;
	for (i = 0; i < nr; i++)
		if (set->place[i].container != places[i])
			return false;
	return true;
}

static void set_free_callers(struct container_set *set)
{
	int call;

	for (call = 0; call < NR_SET_CALLS; call++)
		kfree(set->callers[call]);
}

/* Make a set one of those of a container. */
static void place_link(struct set_place *place, struct container *c)
{
	place->container = container_get(c);
	list_add_tail_rcu(&place->link, &c->sets);
	/* A task comes into the set, and so goes from another one, after this. */
	WRITE_ONCE(c->sets_changes, c->sets_changes + 1);
}

/* ... and no longer. */
static void place_unlink(struct set_place *place)
{
	struct container *c = place->container;

	WRITE_ONCE(c->sets_changes, c->sets_changes + 1);
	/* A reader that does not find it finds that it has changed; pairs with walk_tasks(). */
	smp_wmb();
	list_del_rcu(&place->link);
	container_put(c);
}

/* Free an empty set for good, unless a task has come in since. */
static void set_reap_work(struct work_struct *work)
{
	struct container_set *set = container_of(work, struct container_set, reap_work);
	unsigned int i;
	bool in_use;

	/*
	 * Without container_mutex no task comes into an empty set, so neither does one leave it and
	 * queue this work once more. If that has happened before we had the mutex, the next run,
	 * which cannot begin before this one ends, is the one to free the set.
	 */
	mutex_lock(&container_mutex);
	spin_lock(&set->lock);
	in_use = set->nr_tasks || work_pending(work);
	spin_unlock(&set->lock);
	if (in_use) {
		mutex_unlock(&container_mutex);
		return;
	}
	hash_del_rcu(&set->hash);
	for (i = 0; i < set->nr_places; i++)
		if (set->place[i].container)
			place_unlink(&set->place[i]);
	mutex_unlock(&container_mutex);
	set_free_callers(set);
	kfree_rcu(set, rcu);
}

static bool subsys_wants(const struct rc_subsys *subsys, enum set_call call)
{
	switch (call) {
	case SET_CAN_FORK:
		return subsys->can_fork;
	case SET_CANCEL_FORK:
		return subsys->cancel_fork;
	case SET_FORK:
		return subsys->fork;
	default:
		return subsys->exit;
	}
}

/* Find those who want this @call; store them in @callers, if that is not NULL. Returns how many. */
static unsigned int find_callers(struct container *const *places, unsigned int nr_places,
				 enum set_call call, struct set_caller *callers)
{
	struct rc_subsys *subsys;
	unsigned int i, nr = 0;
	int id;

	for (i = 0; i < nr_places; i++) {
		if (!places[i])
			continue;
		for_each_subsys(subsys, id, places[i]->hierarchy->subsys_mask) {
			if (!subsys_wants(subsys, call))
				continue;
			if (callers)
				callers[nr] = (struct set_caller) { subsys, places[i]->state[id] };
			nr++;
		}
	}
	return nr;
}

/* Find out who wants to know of forks and exits in the set, so that they need not. */
static int set_find_callers(struct container_set *set, struct container *const *places)
{
	unsigned int nr;
	int call;

	for (call = 0; call < NR_SET_CALLS; call++) {
		nr = find_callers(places, set->nr_places, call, NULL);
		if (!nr)
			continue;
		/* The last one stays empty. */
		set->callers[call] = kcalloc(nr + 1, sizeof(struct set_caller), GFP_KERNEL_ACCOUNT);
		if (!set->callers[call])
			return -ENOMEM;
		find_callers(places, set->nr_places, call, set->callers[call]);
	}
	return 0;
}

static struct container_set *set_create(struct container *const *places, unsigned int nr)
{
	struct container_set *set = kzalloc(struct_size(set, place, nr), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!set)
		return NULL;
	spin_lock_init(&set->lock);
	INIT_HLIST_HEAD(&set->tasks);
	INIT_WORK(&set->reap_work, set_reap_work);
	set->nr_places = nr;
	if (set_find_callers(set, places)) {
		set_free_callers(set);
		kfree(set);
		return NULL;
	}
	for (i = 0; i < nr; i++)
		if (places[i])
			place_link(&set->place[i], places[i]);
	return set;
}

/**
 * container_set_find - the set that differs from another one in one hierarchy
 * @from: the other set, NULL for all roots
 * @id: the hierarchy
 * @to: the container that is to be in it there, NULL for the root
 *
 * Equal combinations share one set: it is made where there is none yet.
 *
 * Context: Process context, may sleep; the caller holds container_mutex. The set stays until
 * that is released, and then as long as there is a task in it; who puts none in calls
 * container_set_put_unused().
 * Return: the set, NULL for all roots, ERR_PTR(-ENOMEM).
 */
struct container_set *container_set_find(const struct container_set *from, unsigned int id,
					 struct container *to)
{
	struct container *places[HIERARCHIES_MAX];
	struct container_set *set;
	unsigned int i, nr = 0, end = id + 1;
	u32 hash;

	lockdep_assert_held(&container_mutex);
	if (from)
		end = max(end, from->nr_places);
	for (i = 0; i < end; i++) {
		places[i] = i == id ? to : container_set_place(from, i);
		if (places[i])
			nr = i + 1;
	}
	if (!nr)
		return NULL;

	hash = places_hash(places, nr);
	hash_for_each_possible(all_sets, set, hash, hash)
		if (set_is(set, places, nr))
			return set;
	set = set_create(places, nr);
	if (!set)
		return ERR_PTR(-ENOMEM);
	hash_add_rcu(all_sets, &set->hash, hash);
	return set;
}

/**
 * container_set_put_unused - let a set go into which no task was put after all
 * @set: what container_set_find() returned, not an error
 *
 * Context: Process context; the caller holds container_mutex.
 */
void container_set_put_unused(struct container_set *set)
{
	lockdep_assert_held(&container_mutex);
	if (set)
		queue_work(container_wq, &set->reap_work);
}

/**
 * container_set_add - put a task into a set
 * @set: the set
 * @link: the task's entry
 *
 * Context: Any; does not sleep. @set has a task that cannot leave meanwhile, as at a fork; or else
 * the caller holds container_mutex.
 */
void container_set_add(struct container_set *set, struct hlist_node *link)
{
	unsigned int i;

	spin_lock(&set->lock);
	hlist_add_head_rcu(link, &set->tasks);
	if (!set->nr_tasks++)
		for (i = 0; i < set->nr_places; i++)
			if (set->place[i].container)
				container_populate(set->place[i].container);
	spin_unlock(&set->lock);
}

/* The last task has left the set; under its lock. Apart, for most exits do not get here. */
static noinline void set_emptied(struct container_set *set)
{
	struct container *c;
	unsigned int i;

	for (i = 0; i < set->nr_places; i++) {
		c = set->place[i].container;
		if (c && container_depopulate(c))
			release_announce(c);
	}
	/*
	 * Within the lock: once it is released, the holder of container_mutex may refill the set,
	 * and another CPU may empty and reap it. The work takes the lock, so it frees the set only
	 * after this caller has released it.
	 */
	queue_work(container_wq, &set->reap_work);
}

/**
 * container_set_del - take a task out of a set
 * @set: the set, which may be gone afterwards
 * @link: the task's entry, which may be freed when an RCU grace period is over
 *
 * Context: Any, the exit hook included; does not sleep.
 */
void container_set_del(struct container_set *set, struct hlist_node *link)
{
	spin_lock(&set->lock);
	hlist_del_rcu(link);
	if (!--set->nr_tasks)
		set_emptied(set);
	spin_unlock(&set->lock);
}

/* What container_set_can_fork() and the others do when there is anybody to be told. */

int callers_can_fork(const struct set_caller *callers)
{
	const struct set_caller *caller;
	int error;

	for (caller = callers; caller->subsys; caller++) {
		error = caller->subsys->can_fork(caller->state);
		if (!error)
			continue;
		while (--caller >= callers)
			if (caller->subsys->cancel_fork)
				caller->subsys->cancel_fork(caller->state);
		return error;
	}
	return 0;
}

void callers_charge_fork(const struct set_caller *caller)
{
	for (; caller->subsys; caller++)
		if (caller->subsys->charge_fork)
			caller->subsys->charge_fork(caller->state);
}

void callers_cancel_fork(const struct set_caller *caller)
{
	for (; caller->subsys; caller++)
		caller->subsys->cancel_fork(caller->state);
}

void callers_fork(const struct set_caller *caller, struct task_struct *child)
{
	for (; caller->subsys; caller++)
		caller->subsys->fork(child, caller->state);
}

void callers_exit(const struct set_caller *caller, struct task_struct *task)
{
	for (; caller->subsys; caller++)
		caller->subsys->exit(task, caller->state);
}

/* Call @visit for each set, with a reschedule point after each bucket. */
static void for_all_sets(void (*visit)(const struct container_set *set, void *arg), void *arg)
{
	struct container_set *set;
	unsigned int bucket;

	for (bucket = 0; bucket < HASH_SIZE(all_sets); bucket++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(set, &all_sets[bucket], hash)
			visit(set, arg);
		rcu_read_unlock();
		cond_resched();
	}
}

static void add_tasks(unsigned long *nr, const struct container_set *set, unsigned int nr_tasks)
{
	unsigned int id;

	for (id = 0; id < set->nr_places; id++)
		if (set->place[id].container)
			nr[id] += nr_tasks;
}

static void count_tasks_of(const struct container_set *set, void *nr)
{
	add_tasks(nr, set, READ_ONCE(set->nr_tasks));
}

static void count_task(struct task_struct *task, const struct container_set *set, void *nr)
{
	add_tasks(nr, set, 1);
}

/* Buckets of the table of tasks between two reschedule points */
#define BUCKETS 64

/* Count by the table, where a task is found exactly once even while it is moved. */
static void count_by_table(unsigned long *nr)
{
	unsigned int first, end;

	for (first = 0; first < task_table_size(); first = end) {
		end = min(first + BUCKETS, task_table_size());
		rcu_read_lock();
		task_table_visit(first, end, count_task, nr);
		rcu_read_unlock();
		cond_resched();
	}
}

/**
 * container_sets_count_tasks - count the tasks that are in a container other than a root
 * @nr: where the numbers go, by the ids of the hierarchies
 *
 * Takes no lock. Each task is counted once, even if it is moved in another hierarchy meanwhile.
 *
 * Context: Process context, may sleep.
 */
void container_sets_count_tasks(unsigned long nr[HIERARCHIES_MAX])
{
	unsigned int moves;
	int tries;

	for (tries = 0; tries < 3; tries++) {
		memset(nr, 0, HIERARCHIES_MAX * sizeof(*nr));
		moves = read_seqcount_begin(&task_moves);
		for_all_sets(count_tasks_of, nr);
		if (!read_seqcount_retry(&task_moves, moves))
			return;
	}
	memset(nr, 0, HIERARCHIES_MAX * sizeof(*nr));
	count_by_table(nr);
}

struct set_count {
	unsigned int id;
	const struct container *place;
	unsigned long nr;
};

static void count_set(const struct container_set *set, void *arg)
{
	struct set_count *count = arg;

	count->nr += container_set_place(set, count->id) == count->place;
}

/**
 * rc_count_sets - how many combinations with other hierarchies a container is part of
 * @state: a state of the container, in a handler of a file
 *
 * For a root, that of all roots is not counted: it has no object.
 *
 * Context: Process context, may sleep.
 */
unsigned long rc_count_sets(struct rc_state *state)
{
	struct set_count count = {};
	const struct container *c;

	rcu_read_lock();
	c = READ_ONCE(state->container);
	if (c) {
		count.id = c->hierarchy->id;
		/* Its address is compared, and not followed. */
		count.place = c->parent ? c : NULL;
	}
	rcu_read_unlock();
	if (c)
		for_all_sets(count_set, &count);
	return count.nr;
}
EXPORT_SYMBOL_GPL(rc_count_sets);
