// SPDX-License-Identifier: GPL-2.0
/* Container sets: equal combinations share one, and it lives as long as a task is in it. */
#include <kunit/test.h>
#include <linux/module.h>

#include "../src/hierarchy.h"
#include "../src/set.h"
#include "../src/task.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

static struct container_set *find(const struct container_set *from, unsigned int id,
				  struct container *to)
{
	struct container_set *set;

	mutex_lock(&container_mutex);
	set = container_set_find(from, id, to);
	mutex_unlock(&container_mutex);
	return set;
}

static void put_unused(struct container_set *set)
{
	mutex_lock(&container_mutex);
	container_set_put_unused(set);
	mutex_unlock(&container_mutex);
}

static void all_roots_need_no_set(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, find(NULL, 0, NULL));
	KUNIT_EXPECT_NULL(test, find(NULL, 3, NULL));
	put_unused(NULL);
}

static void equal_combinations_share_one_set(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a");
	struct container *b = core_mkdir(&tree->root, "b");
	struct container_set *only_a = find(NULL, 0, a);
	struct container_set *only_b = find(NULL, tree->id, b);
	struct container_set *both = find(only_a, tree->id, b);

	KUNIT_EXPECT_PTR_EQ(test, find(NULL, 0, a), only_a);
	KUNIT_EXPECT_PTR_NE(test, only_a, only_b);
	KUNIT_EXPECT_PTR_NE(test, only_a, both);
	/* Whichever way leads there... */
	KUNIT_EXPECT_PTR_EQ(test, find(only_b, 0, a), both);
	/* ... and back. */
	KUNIT_EXPECT_PTR_EQ(test, find(both, tree->id, NULL), only_a);
	KUNIT_EXPECT_PTR_EQ(test, find(both, 0, NULL), only_b);
	KUNIT_EXPECT_NULL(test, find(only_b, tree->id, NULL));

	put_unused(only_a);
	put_unused(only_b);
	put_unused(both);
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static void a_set_ends_with_its_last_place_that_is_no_root(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a");
	struct container *b = core_mkdir(&tree->root, "b");
	struct container_set *only_a = find(NULL, 0, a);
	struct container_set *only_b = find(NULL, tree->id, b);

	KUNIT_EXPECT_EQ(test, only_a->nr_places, 1);
	KUNIT_EXPECT_PTR_EQ(test, container_set_place(only_a, 0), a);
	KUNIT_EXPECT_NULL(test, container_set_place(only_a, tree->id));
	KUNIT_EXPECT_EQ(test, only_b->nr_places, tree->id + 1);
	KUNIT_EXPECT_NULL(test, container_set_place(only_b, 0));
	KUNIT_EXPECT_PTR_EQ(test, container_set_place(only_b, tree->id), b);
	/* A hierarchy that was made later: its root. */
	KUNIT_EXPECT_NULL(test, container_set_place(only_b, HIERARCHIES_MAX - 1));
	KUNIT_EXPECT_NULL(test, container_set_place(NULL, 0));

	put_unused(only_a);
	put_unused(only_b);
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static void a_set_keeps_its_containers(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a");
	struct container *b = core_mkdir(&tree->root, "b");
	unsigned int before = refcount_read(&a->ref);
	struct container_set *both = find(find(NULL, 0, a), tree->id, b);

	/* only_a was made on the way to it. */
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), before + 2);
	KUNIT_EXPECT_EQ(test, rc_count_sets(&a->self), 2);
	KUNIT_EXPECT_EQ(test, rc_count_sets(&b->self), 1);

	put_unused(find(NULL, 0, a));
	put_unused(both);
	core_settle();
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), before);
	KUNIT_EXPECT_EQ(test, rc_count_sets(&a->self), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&a->sets));
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static void the_last_task_frees_the_set(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *first = fake_task(test), *second = fake_task(test);

	KUNIT_EXPECT_EQ(test, move(first, a), 0);
	KUNIT_EXPECT_EQ(test, move(second, a), 0);
	KUNIT_EXPECT_PTR_EQ(test, set_of(first), set_of(second));
	KUNIT_EXPECT_EQ(test, set_of(first)->nr_tasks, 2);

	KUNIT_EXPECT_EQ(test, move(first, top), 0);
	core_settle();
	KUNIT_EXPECT_EQ(test, rc_count_sets(&a->self), 1);
	KUNIT_EXPECT_EQ(test, move(second, top), 0);
	core_settle();
	KUNIT_EXPECT_EQ(test, rc_count_sets(&a->self), 0);
	core_rmdir(a);
}

static void a_set_that_is_refilled_in_time_stays(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *task = fake_task(test);
	struct hlist_node link;
	struct container_set *set;

	KUNIT_EXPECT_EQ(test, move(task, a), 0);
	set = set_of(task);

	/* What queues the work that frees it; it waits for our mutex. */
	mutex_lock(&container_mutex);
	task_move(task, NULL, a, top);
	KUNIT_EXPECT_PTR_EQ(test, container_set_find(NULL, 0, a), set);
	container_set_add(set, &link);
	mutex_unlock(&container_mutex);
	core_settle();
	KUNIT_EXPECT_PTR_EQ(test, find(NULL, 0, a), set);
	KUNIT_EXPECT_EQ(test, set->nr_tasks, 1);

	/* Emptied, refilled and emptied again before the work has run. */
	mutex_lock(&container_mutex);
	container_set_del(set, &link);
	container_set_add(set, &link);
	container_set_del(set, &link);
	mutex_unlock(&container_mutex);
	core_settle();
	KUNIT_EXPECT_EQ(test, rc_count_sets(&a->self), 0);
	core_rmdir(a);
}

static void a_container_counts_sets_with_tasks(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a");
	struct container *b = core_mkdir(&tree->root, "b");
	struct task_struct *first = fake_task(test), *second = fake_task(test);

	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 0);
	move(first, a);
	move(second, a);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 1);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), -EBUSY);
	move(second, b);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&b->populated), 1);
	move(first, top);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 1);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), -EBUSY);
	move(second, top);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b->populated), 1);
	move(second, &tree->root);
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static void tasks_are_counted_by_hierarchy(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a");
	struct container *b = core_mkdir(&tree->root, "b");
	struct task_struct *first = fake_task(test), *second = fake_task(test);
	unsigned long nr[HIERARCHIES_MAX];

	move(first, a);
	move(second, a);
	move(second, b);
	/* The count must not depend on the lock of moves. */
	mutex_lock(&container_mutex);
	container_sets_count_tasks(nr);
	mutex_unlock(&container_mutex);
	KUNIT_EXPECT_EQ(test, nr[0], 2);
	KUNIT_EXPECT_EQ(test, nr[tree->id], 1);
	KUNIT_EXPECT_EQ(test, nr[HIERARCHIES_MAX - 1], 0);

	move(first, top);
	move(second, top);
	move(second, &tree->root);
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static struct kunit_case set_cases[] = {
	KUNIT_CASE(all_roots_need_no_set),
	KUNIT_CASE(equal_combinations_share_one_set),
	KUNIT_CASE(a_set_ends_with_its_last_place_that_is_no_root),
	KUNIT_CASE(a_set_keeps_its_containers),
	KUNIT_CASE(the_last_task_frees_the_set),
	KUNIT_CASE(a_set_that_is_refilled_in_time_stays),
	KUNIT_CASE(a_container_counts_sets_with_tasks),
	KUNIT_CASE(tasks_are_counted_by_hierarchy),
	{}
};

static struct kunit_suite set_suite = {
	.name = "set",
	.init = core_start,
	.exit = core_stop,
	.test_cases = set_cases,
};

kunit_test_suite(set_suite);

MODULE_DESCRIPTION("Tests of containerfs from within");
MODULE_LICENSE("GPL");
