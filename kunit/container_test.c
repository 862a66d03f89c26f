// SPDX-License-Identifier: GPL-2.0
/* Containers: references, paths and names, and what removing one needs. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../src/container.h"
#include "../src/hierarchy.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

static void expect_path(struct kunit *test, const struct container *c, const char *expected)
{
	char *path = container_path(c);

	KUNIT_EXPECT_STREQ(test, path, expected);
	kvfree(path);
}

static void a_path_begins_at_the_root_of_the_tree(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(a, "b");
	struct container *c = core_mkdir(b, "a name, with anything in it");

	expect_path(test, top, "/");
	expect_path(test, a, "/a");
	expect_path(test, b, "/a/b");
	expect_path(test, c, "/a/b/a name, with anything in it");
	core_rmdir(c);
	core_rmdir(b);
	core_rmdir(a);
}

static void a_new_name_is_seen_in_the_paths_below(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(a, "b");

	KUNIT_EXPECT_EQ(test, container_rename(a, "much longer than before"), 0);
	expect_path(test, b, "/much longer than before/b");
	KUNIT_EXPECT_EQ(test, container_rename(a, ""), 0);
	expect_path(test, b, "//b");
	core_rmdir(b);
	core_rmdir(a);
}

#define RENAMES 2000

/* First the upper one, then the lower one: the number of the lower is never ahead. */
static int rename_all_the_time(void *arg)
{
	struct container **c = arg;
	char name[16];
	int i, error = 0;

	for (i = 1; i <= RENAMES && !error; i++) {
		sprintf(name, "%d", i);
		error = container_rename(c[0], name) ?: container_rename(c[1], name);
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return error;
}

static void all_names_in_a_path_are_of_one_moment(struct kunit *test)
{
	struct container *c[2] = { core_mkdir(top, "0") };
	int upper = 0, lower = 0, wrong = 0, tries = 0;
	struct task_struct *thread;
	char *path;

	c[1] = core_mkdir(c[0], "0");
	thread = kthread_run(rename_all_the_time, c, "containerfs_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	while (lower < RENAMES && tries++ < 1000 * RENAMES && !wrong) {
		path = container_path(c[1]);
		if (!path || sscanf(path, "/%d/%d", &upper, &lower) != 2 ||
		    upper - lower < 0 || upper - lower > 1)
			wrong++;
		kvfree(path);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, kthread_stop(thread), 0);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, lower, RENAMES);
	core_rmdir(c[1]);
	core_rmdir(c[0]);
}

#define DEEP 300

static void a_path_may_be_longer_than_any_that_programs_may_use(struct kunit *test)
{
	struct container **c = kunit_kcalloc(test, DEEP, sizeof(*c), GFP_KERNEL);
	char *expected = kunit_kzalloc(test, DEEP * 65 + 1, GFP_KERNEL);
	char name[65];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, expected);
	for (i = 0; i < DEEP; i++) {
		sprintf(name, "%064d", i);
		sprintf(expected + i * 65, "/%s", name);
		c[i] = core_mkdir(i ? c[i - 1] : top, name);
	}
	expect_path(test, c[DEEP - 1], expected);
	while (i--)
		core_rmdir(c[i]);
}

static void a_tree_is_not_deeper_than_it_may_be(struct kunit *test)
{
	struct container *deepest = top, *c;
	int i;

	for (i = 0; i < CONTAINER_DEPTH_MAX; i++)
		deepest = core_mkdir(deepest, "x");
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_mkdir(deepest, "x", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID),
			    (struct container *)ERR_PTR(-ENAMETOOLONG));
	KUNIT_EXPECT_EQ(test, default_hierarchy.nr_containers, 1 + CONTAINER_DEPTH_MAX);
	while (deepest != top) {
		c = deepest;
		deepest = c->parent;
		core_rmdir(c);
	}
}

static void the_last_reference_frees_those_above_too(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(a, "b");
	unsigned int top_ref = refcount_read(&top->ref);

	/* The tree's, ours, and that of the child. */
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 3);
	KUNIT_EXPECT_EQ(test, refcount_read(&b->ref), 2);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(b), 0);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), 0);
	container_put(a);
	/* Both have been removed, but we can still walk up from b. */
	KUNIT_EXPECT_PTR_EQ(test, b->parent->parent, top);
	KUNIT_EXPECT_EQ(test, refcount_read(&a->ref), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), top_ref);
	container_put(b);
	KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), top_ref - 1);
}

static void one_with_a_child_or_a_task_is_not_removed(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(a, "b");
	struct task_struct *task = fake_task(test);

	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), -EBUSY);
	KUNIT_EXPECT_FALSE(test, container_is_removed(a));
	core_rmdir(b);

	move(task, a);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), -EBUSY);
	move(task, top);
	/* At once: the empty set need not have been freed. */
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), 0);
	KUNIT_EXPECT_TRUE(test, container_is_removed(a));
	container_put(a);
}

static void nothing_comes_into_one_that_was_removed(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");

	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), 0);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_mkdir(a, "b", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID),
			    (struct container *)ERR_PTR(-ENODEV));
	KUNIT_EXPECT_EQ(test, container_set_notify(a, true), -ENODEV);
	container_put(a);
}

static void a_child_inherits_notify_on_release(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b, *c;

	KUNIT_EXPECT_FALSE(test, test_bit(CONTAINER_NOTIFY_ON_RELEASE, &a->flags));
	KUNIT_EXPECT_EQ(test, container_set_notify(a, true), 0);
	b = core_mkdir(a, "b");
	KUNIT_EXPECT_TRUE(test, test_bit(CONTAINER_NOTIFY_ON_RELEASE, &b->flags));
	/* From then on each has its own. */
	KUNIT_EXPECT_EQ(test, container_set_notify(a, false), 0);
	KUNIT_EXPECT_TRUE(test, test_bit(CONTAINER_NOTIFY_ON_RELEASE, &b->flags));
	c = core_mkdir(a, "c");
	KUNIT_EXPECT_FALSE(test, test_bit(CONTAINER_NOTIFY_ON_RELEASE, &c->flags));
	KUNIT_EXPECT_EQ(test, container_set_notify(b, false), 0);
	core_rmdir(c);
	core_rmdir(b);
	core_rmdir(a);
}

static void serial_numbers_only_rise(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b;
	u64 serial = a->serial;

	KUNIT_EXPECT_EQ(test, top->serial, 0);
	KUNIT_EXPECT_GT(test, serial, 0);
	core_rmdir(a);
	a = core_mkdir(top, "a");
	b = core_mkdir(a, "b");
	KUNIT_EXPECT_GT(test, a->serial, serial);
	KUNIT_EXPECT_GT(test, b->serial, a->serial);
	KUNIT_EXPECT_EQ(test, default_hierarchy.nr_containers, 3);
	core_rmdir(b);
	core_rmdir(a);
	KUNIT_EXPECT_EQ(test, default_hierarchy.nr_containers, 1);
}

static struct kunit_case container_cases[] = {
	KUNIT_CASE(a_path_begins_at_the_root_of_the_tree),
	KUNIT_CASE(a_new_name_is_seen_in_the_paths_below),
	KUNIT_CASE(all_names_in_a_path_are_of_one_moment),
	KUNIT_CASE(a_path_may_be_longer_than_any_that_programs_may_use),
	KUNIT_CASE(a_tree_is_not_deeper_than_it_may_be),
	KUNIT_CASE(the_last_reference_frees_those_above_too),
	KUNIT_CASE(one_with_a_child_or_a_task_is_not_removed),
	KUNIT_CASE(nothing_comes_into_one_that_was_removed),
	KUNIT_CASE(a_child_inherits_notify_on_release),
	KUNIT_CASE(serial_numbers_only_rise),
	{}
};

static struct kunit_suite container_suite = {
	.name = "container",
	.init = core_start,
	.exit = core_stop,
	.test_cases = container_cases,
};

kunit_test_suite(container_suite);
