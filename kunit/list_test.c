// SPDX-License-Identifier: GPL-2.0
/* Listing the tasks of a container: all, each once, by rising ids. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>

#include "../src/hierarchy.h"
#include "../src/list.h"
#include "fixture.h"

#define CROWD 40

static struct container *const top = &default_hierarchy.root;

static void three_sets_make_one_ascending_list(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a");
	struct container *b = core_mkdir(&tree->root, "b"), *c = core_mkdir(&tree->root, "c");
	struct task_struct *tasks[CROWD];
	pid_t *pids = NULL, before = 0;
	size_t i, nr = 0;

	for (i = 0; i < CROWD; i++) {
		tasks[i] = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
		KUNIT_EXPECT_EQ(test, move(tasks[i], a), 0);
		if (i % 3)
			KUNIT_EXPECT_EQ(test, move(tasks[i], i % 3 == 1 ? b : c), 0);
	}
	KUNIT_EXPECT_EQ(test, task_list(a, &init_pid_ns, &pids, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, CROWD);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_GT(test, pids[i], before);
		before = pids[i];
	}
	kvfree(pids);
	KUNIT_EXPECT_EQ(test, task_list(b, &init_pid_ns, &pids, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, 13);
	kvfree(pids);
	KUNIT_EXPECT_EQ(test, rc_count_tasks(&a->self), CROWD);
	KUNIT_EXPECT_EQ(test, rc_count_tasks(&c->self), 13);

	for (i = 0; i < CROWD; i++) {
		move(tasks[i], top);
		move(tasks[i], &tree->root);
		real_task_end(tasks[i]);
	}
	core_rmdir(a);
	core_rmdir(b);
	core_rmdir(c);
	hierarchy_put(tree);
}

static bool listed(pid_t pid, const pid_t *pids, size_t nr)
{
	while (nr--)
		if (pids[nr] == pid)
			return true;
	return false;
}

static void a_root_has_whom_nobody_moved(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *there = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
	struct task_struct *away = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
	pid_t *pids = NULL;
	size_t nr = 0;

	move(away, a);
	KUNIT_EXPECT_EQ(test, task_list(top, &init_pid_ns, &pids, &nr), 0);
	KUNIT_EXPECT_TRUE(test, listed(1, pids, nr));
	KUNIT_EXPECT_TRUE(test, listed(2, pids, nr));
	KUNIT_EXPECT_TRUE(test, listed(task_pid_nr(there), pids, nr));
	KUNIT_EXPECT_TRUE(test, listed(task_pid_nr(current), pids, nr));
	KUNIT_EXPECT_FALSE(test, listed(task_pid_nr(away), pids, nr));
	kvfree(pids);
	move(away, top);
	real_task_end(there);
	real_task_end(away);
	core_rmdir(a);
}

static void an_empty_container_has_an_empty_list(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	pid_t *pids = NULL;
	size_t nr = 1;

	KUNIT_EXPECT_EQ(test, task_list(a, &init_pid_ns, &pids, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, 0);
	kvfree(pids);
	core_rmdir(a);
}

static void count(struct task_struct *task, void *nr)
{
	++*(unsigned int *)nr;
}

static unsigned int count_below(struct container *c)
{
	unsigned int nr = 0;

	rc_visit_tasks(&c->self, true, count, &nr);
	return nr;
}

static void tasks_below_are_visited_too(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(a, "b");
	struct container *c = core_mkdir(b, "c"), *d = core_mkdir(a, "d");
	struct container *e = core_mkdir(top, "e");
	struct container *where[] = { a, b, c, d, e };
	struct task_struct *tasks[ARRAY_SIZE(where)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		tasks[i] = fake_task(test);
		move(tasks[i], where[i]);
	}
	for (i = 0; i < ARRAY_SIZE(where); i++)
		KUNIT_EXPECT_EQ(test, rc_count_tasks(&where[i]->self), 1);
	KUNIT_EXPECT_EQ(test, count_below(a), 4);
	KUNIT_EXPECT_EQ(test, count_below(b), 2);
	KUNIT_EXPECT_EQ(test, count_below(e), 1);
	for (i = 0; i < ARRAY_SIZE(where); i++)
		move(tasks[i], top);
	core_rmdir(c);
	core_rmdir(d);
	core_rmdir(b);
	core_rmdir(a);
	core_rmdir(e);
}

static struct kunit_case list_cases[] = {
	KUNIT_CASE(three_sets_make_one_ascending_list),
	KUNIT_CASE(a_root_has_whom_nobody_moved),
	KUNIT_CASE(an_empty_container_has_an_empty_list),
	KUNIT_CASE(tasks_below_are_visited_too),
	{}
};

static struct kunit_suite list_suite = {
	.name = "list",
	.init = core_start,
	.exit = core_stop,
	.test_cases = list_cases,
};

kunit_test_suite(list_suite);
