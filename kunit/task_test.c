// SPDX-License-Identifier: GPL-2.0
/* The task table: who is where, and what fork, failed fork, exit and moving do to it. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "../src/hierarchy.h"
#include "../src/registry.h"
#include "../src/set.h"
#include "../src/task.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

/* Mount the default tree with a recorder, or without. */
static int bind_default(const char *name)
{
	struct hierarchy_options options = { .subsystems = { (char *)name }, .nr_subsystems = 1 };
	struct fs_context fc = {};

	if (!name)
		options.nr_subsystems = 0;
	return hierarchy_bind_default(&fc, &options);
}

static struct recorder a_recorder;

/* A container with a subsystem that counts forks, for remove_counted(). */
static struct container *make_counted(struct kunit *test, const char *name)
{
	struct container *c;

	recorder_init(&a_recorder, "a");
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a_recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, bind_default("a"), 0);
	c = core_mkdir(top, name);
	memset(a_recorder.log, 0, sizeof(a_recorder.log));
	return c;
}

static void remove_counted(struct kunit *test, struct container *c)
{
	core_rmdir(c);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	KUNIT_EXPECT_EQ(test, a_recorder.states, 1);
	KUNIT_EXPECT_EQ(test, bind_default(NULL), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a_recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.states, 0);
}

static void who_was_never_moved_has_no_entry(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, set_of(current));
	/* Its forks and its exit are no matter then. */
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	task_fork_end(current);
	KUNIT_EXPECT_NULL(test, set_of(current));
	task_fork_cancel();
	task_exit();
}

static void moving_there_and_back(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(top, "b");
	struct task_struct *task = fake_task(test);
	unsigned int moves = raw_read_seqcount(&task_moves);

	KUNIT_EXPECT_EQ(test, move(task, a), 0);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(&default_hierarchy, set_of(task)), a);
	KUNIT_EXPECT_EQ(test, move(task, b), 0);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(&default_hierarchy, set_of(task)), b);
	KUNIT_EXPECT_EQ(test, move(task, top), 0);
	KUNIT_EXPECT_NULL(test, set_of(task));
	KUNIT_EXPECT_EQ(test, raw_read_seqcount(&task_moves), moves + 2 * 3);
	core_rmdir(a);
	core_rmdir(b);
}

static void who_is_exiting_is_not_moved(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *task = fake_task(test);

	task->flags |= PF_EXITING;
	KUNIT_EXPECT_EQ(test, move(task, a), -ESRCH);
	KUNIT_EXPECT_NULL(test, set_of(task));
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 0);
	core_settle();
	KUNIT_EXPECT_EQ(test, rc_count_sets(&a->self), 0);
	core_rmdir(a);
}

#define CROWD 1000

static void many_tasks_in_two_buckets(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(top, "b");
	struct task_struct **tasks = kunit_kcalloc(test, CROWD, sizeof(*tasks), GFP_KERNEL);
	unsigned int i, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, tasks);
	for (i = 0; i < CROWD; i++) {
		tasks[i] = fake_task(test);
		wrong += move(tasks[i], i % 3 ? a : b) != 0;
	}
	/* From the middle, the front and the end of a bucket. */
	for (i = 0; i < CROWD; i += 2)
		wrong += move(tasks[i], top) != 0;
	for (i = 0; i < CROWD; i++)
		wrong += hierarchy_container(&default_hierarchy, set_of(tasks[i])) !=
			 (i % 2 ? i % 3 ? a : b : top);
	for (i = 1; i < CROWD; i += 2)
		wrong += move(tasks[i], top) != 0;
	for (i = 0; i < CROWD; i++)
		wrong += !!set_of(tasks[i]);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	core_rmdir(a);
	core_rmdir(b);
}

struct search {
	struct task_struct *task;
	bool done;
	unsigned long looks, misses;
};

static int search(void *arg)
{
	struct search *s = arg;

	while (!READ_ONCE(s->done)) {
		s->looks++;
		s->misses += !set_of(s->task);
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static void a_lookup_misses_nobody_while_others_come_and_go(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(top, "b");
	struct task_struct *others[8], *thread;
	struct search s = { .task = fake_task(test) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = fake_task(test);
	move(s.task, a);
	thread = kthread_run(search, &s, "containerfs_search");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	for (i = 0; i < 3000; i++) {
		move(others[i % ARRAY_SIZE(others)], i & 16 ? a : top);
		/* Its own entry is replaced too, at the front of the bucket and further back. */
		move(s.task, i & 1 ? a : b);
		cond_resched();
	}
	WRITE_ONCE(s.done, true);
	kthread_stop(thread);
	KUNIT_EXPECT_GT(test, s.looks, 0);
	KUNIT_EXPECT_EQ(test, s.misses, 0);

	for (i = 0; i < ARRAY_SIZE(others); i++)
		move(others[i], top);
	move(s.task, top);
	core_rmdir(a);
	core_rmdir(b);
}

static void a_child_is_where_its_creator_is(struct kunit *test)
{
	struct container *a = make_counted(test, "a");
	struct task_struct *child = fake_task(test);

	KUNIT_EXPECT_EQ(test, move(current, a), 0);
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	KUNIT_EXPECT_NULL(test, set_of(child));
	task_fork_end(child);
	KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(current));
	KUNIT_EXPECT_EQ(test, set_of(child)->nr_tasks, 2);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "acf");

	move(child, top);
	move(current, top);
	remove_counted(test, a);
}

static void a_failed_fork_leaves_no_trace(struct kunit *test)
{
	struct container *a = make_counted(test, "a");

	move(current, a);
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	task_fork_cancel();
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	/* The kernel may tell us twice. */
	task_fork_cancel();
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	KUNIT_EXPECT_EQ(test, set_of(current)->nr_tasks, 1);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "acx");
	move(current, top);
	remove_counted(test, a);
}

static void a_refused_fork_has_the_error_of_the_subsystem(struct kunit *test)
{
	struct container *a = make_counted(test, "a");
	struct task_struct *child = fake_task(test);

	move(current, a);
	a_recorder.fork_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, task_fork_begin(), -EDQUOT);
	KUNIT_EXPECT_EQ(test, task_fork_error(), -EDQUOT);
	/* copy_process() undoes what it has done. */
	task_fork_cancel();
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	KUNIT_EXPECT_EQ(test, set_of(current)->nr_tasks, 1);

	a_recorder.fork_error = 0;
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	task_fork_end(child);
	KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(current));
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "accf");
	move(child, top);
	move(current, top);
	remove_counted(test, a);
}

static void a_creator_that_is_moved_while_it_forks_takes_the_child_along(struct kunit *test)
{
	struct container *a = make_counted(test, "a"), *b = core_mkdir(top, "b");
	struct task_struct *child = fake_task(test);

	move(current, a);
	memset(a_recorder.log, 0, sizeof(a_recorder.log));
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	/* Even over a limit: nobody can refuse any more. */
	a_recorder.fork_error = -EAGAIN;
	KUNIT_EXPECT_EQ(test, move_by_another(current, b), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	task_fork_end(child);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(&default_hierarchy, set_of(child)), b);
	KUNIT_EXPECT_EQ(test, set_of(child)->nr_tasks, 2);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	/* Charged there, then uncharged here, moved, done. */
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "chxaf");

	move(child, top);
	move(current, top);
	core_rmdir(b);
	remove_counted(test, a);
}

static void a_creator_that_is_moved_in_while_it_forks(struct kunit *test)
{
	struct container *a = make_counted(test, "a");
	struct task_struct *child = fake_task(test);

	/* It has no entry, and so no reserve, when the fork begins. */
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, a), 0);
	task_fork_end(child);
	KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(current));
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "ahf");
	move(child, top);
	move(current, top);
	remove_counted(test, a);
}

/* As when another tracer calls the original function, which bypasses the redirection. */
static void bypassed_refusal_keeps_the_child(struct kunit *test)
{
	struct container *a = make_counted(test, "a");
	struct task_struct *child = fake_task(test);

	move(current, a);
	a_recorder.fork_error = -EAGAIN;
	KUNIT_EXPECT_EQ(test, task_fork_begin(), -EAGAIN);
	task_fork_end(child);
	KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(current));
	move(child, top);
	move(current, top);
	remove_counted(test, a);
}

static void move_elsewhere_leaves_the_charge(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = make_counted(test, "a"), *b = core_mkdir(&tree->root, "b");
	struct task_struct *child = fake_task(test);

	move(current, a);
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, b), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, &tree->root), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, b), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "ac");
	task_fork_end(child);
	KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(current));
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "acf");

	move(child, &tree->root);
	move(child, top);
	move(current, &tree->root);
	move(current, top);
	core_rmdir(b);
	hierarchy_put(tree);
	remove_counted(test, a);
}

/* To another container, to the root and back; another hierarchy keeps the fork known. */
static void move_transfers_the_charge(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *x = core_mkdir(&tree->root, "x");
	struct container *a = make_counted(test, "a"), *b = core_mkdir(top, "b");
	struct task_struct *child = fake_task(test);

	recorder_moves_forks(&a_recorder);
	move(current, x);
	move(current, a);
	memset(a_recorder.log, 0, sizeof(a_recorder.log));
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, b), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	KUNIT_EXPECT_EQ(test, move_by_another(current, top), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, a), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "cmamama");
	/* A fork that fails is uncharged where its task is now. */
	task_fork_cancel();
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "cmamamax");

	/* Begun in the root of this hierarchy: the move charges it. */
	move(current, top);
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, b), 0);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 1);
	task_fork_end(child);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "cmamamaxamaf");

	move(child, &tree->root);
	move(child, top);
	move(current, &tree->root);
	move(current, top);
	core_rmdir(b);
	core_rmdir(x);
	hierarchy_put(tree);
	remove_counted(test, a);
}

/* A move has all memory that the child will need, or it fails. */
static void a_creator_that_is_moved_in_while_memory_is_short(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *child = fake_task(test);
	unsigned int nth, left, round, last = 0;
	int error;

	/* Pages for a slab are counted too, and may fail without consequence: hence the rounds. */
	for (round = 0; round < 32; round++) {
		nth = 1 + round % 8;
		/* So that there is no set yet. */
		core_settle();
		KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
		left = nth;
		error = move_with_fault(current, a, &left);
		task_fork_end(child);
		KUNIT_EXPECT_PTR_EQ(test, set_of(child), set_of(current));
		if (error) {
			KUNIT_EXPECT_EQ(test, error, -ENOMEM);
			KUNIT_EXPECT_NULL(test, set_of(current));
			last = max(last, nth);
			continue;
		}
		KUNIT_EXPECT_NOT_NULL(test, set_of(current));
		move(child, top);
		move(current, top);
	}
	/* The set, the entry and the reserve */
	if (IS_ENABLED(CONFIG_FAULT_INJECTION))
		KUNIT_EXPECT_GE(test, last, 3);
	core_rmdir(a);
}

static void a_creator_that_is_moved_out_while_it_forks(struct kunit *test)
{
	struct container *a = make_counted(test, "a");
	struct task_struct *child = fake_task(test);

	move(current, a);
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	KUNIT_EXPECT_EQ(test, move_by_another(current, top), 0);
	task_fork_end(child);
	KUNIT_EXPECT_NULL(test, set_of(child));
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);
	remove_counted(test, a);
}

static void a_refusal_survives_a_move(struct kunit *test)
{
	struct container *a = make_counted(test, "a"), *b = core_mkdir(top, "b");

	move(current, a);
	a_recorder.fork_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, task_fork_begin(), -EDQUOT);
	KUNIT_EXPECT_EQ(test, move_by_another(current, b), 0);
	KUNIT_EXPECT_EQ(test, task_fork_error(), -EDQUOT);

	KUNIT_EXPECT_EQ(test, task_fork_begin(), -EDQUOT);
	KUNIT_EXPECT_EQ(test, move_by_another(current, top), 0);
	/* Nobody knows any more why, but it must fail all the same. */
	KUNIT_EXPECT_EQ(test, task_fork_error(), -EAGAIN);
	task_fork_cancel();
	core_rmdir(b);
	remove_counted(test, a);
}

static void exit_leaves_and_gives_the_reserve_back(struct kunit *test)
{
	struct container *a = make_counted(test, "a");

	/* Born with a reserve, which it never uses. */
	KUNIT_EXPECT_EQ(test, move_by_another(current, a), 0);
	task_exit();
	KUNIT_EXPECT_NULL(test, set_of(current));
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 0);
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "ae");
	/* Twice is once. */
	task_exit();
	KUNIT_EXPECT_STREQ(test, a_recorder.log, "ae");
	remove_counted(test, a);
}

/* Somebody who has the lock of a task, in a move or as in one, until the task wants it too. */
static struct mover {
	struct task_struct *task;
	struct container *to;
	struct completion begun;
	bool waited_for;
	atomic_t left;
} mover;

static void keep_lock(void)
{
	complete(&mover.begun);
	while (!spin_is_contended(&mover.task->alloc_lock) && !atomic_read(&mover.left))
		cpu_relax();
	mover.waited_for = !atomic_read(&mover.left);
}

static int move_slowly(void *arg)
{
	if (mover.to) {
		move(mover.task, mover.to);
	} else {
		task_lock(mover.task);
		keep_lock();
		task_unlock(mover.task);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Returns when the mover has the lock of the current task; for mover_end(). */
static struct task_struct *mover_begin(struct kunit *test, struct container *to)
{
	struct task_struct *thread;

	mover = (struct mover){ .task = current, .to = to };
	init_completion(&mover.begun);
	thread = kthread_run(move_slowly, NULL, "containerfs_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	wait_for_completion(&mover.begun);
	return thread;
}

static void mover_end(struct kunit *test, struct task_struct *thread)
{
	atomic_set(&mover.left, 1);
	kthread_stop(thread);
	KUNIT_EXPECT_TRUE(test, mover.waited_for);
}

static void exit_waits_for_a_move_that_is_under_way(struct kunit *test)
{
	struct task_struct *thread;

	if (num_online_cpus() == 1)
		kunit_skip(test, "two processors are needed");
	thread = mover_begin(test, NULL);
	/* We are nowhere yet, but may be put somewhere. */
	task_exit();
	mover_end(test, thread);
}

static void a_fork_that_waits_for_a_move_goes_on_where_that_has_led(struct kunit *test)
{
	struct container *a, *b;
	struct task_struct *child, *thread;

	if (num_online_cpus() == 1)
		kunit_skip(test, "two processors are needed");
	a = make_counted(test, "a");
	b = core_mkdir(top, "b");
	child = fake_task(test);
	move(current, a);
	KUNIT_EXPECT_EQ(test, task_fork_begin(), 0);
	/* The move has the lock then, and our entry is not replaced yet. */
	a_recorder.cancelled = keep_lock;
	thread = mover_begin(test, b);
	task_fork_end(child);
	mover_end(test, thread);
	a_recorder.cancelled = NULL;
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(&default_hierarchy, set_of(child)), b);
	KUNIT_EXPECT_EQ(test, a_recorder.charges, 0);

	move(child, top);
	move(current, top);
	core_rmdir(b);
	remove_counted(test, a);
}

static void a_task_is_unborn_until_it_has_a_css_set(struct kunit *test)
{
	struct task_struct *child = fake_task(test);
	LIST_HEAD(css_set);

	child->__state = TASK_NEW;
	KUNIT_EXPECT_TRUE(test, task_is_unborn(child));
	list_add(&child->cg_list, &css_set);
	KUNIT_EXPECT_FALSE(test, task_is_unborn(child));
	KUNIT_EXPECT_EQ(test, task_wait_born(child), 0);
	child->__state = TASK_RUNNING;
	KUNIT_EXPECT_FALSE(test, task_is_unborn(child));
}

/* The case's fixture has made the table with two buckets already. */
static void the_table_has_a_reasonable_size(struct kunit *test)
{
	core_stop(test);
	KUNIT_EXPECT_EQ(test, task_init(1), -EINVAL);
	KUNIT_EXPECT_EQ(test, task_init((1U << 24) + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, task_init(3), 0);
	task_cleanup();
	KUNIT_EXPECT_EQ(test, task_init(0), 0);
	task_cleanup();
	KUNIT_EXPECT_EQ(test, core_start(test), 0);
}

static struct kunit_case task_cases[] = {
	KUNIT_CASE(who_was_never_moved_has_no_entry),
	KUNIT_CASE(moving_there_and_back),
	KUNIT_CASE(who_is_exiting_is_not_moved),
	KUNIT_CASE(many_tasks_in_two_buckets),
	KUNIT_CASE(a_lookup_misses_nobody_while_others_come_and_go),
	KUNIT_CASE(a_child_is_where_its_creator_is),
	KUNIT_CASE(a_failed_fork_leaves_no_trace),
	KUNIT_CASE(a_refused_fork_has_the_error_of_the_subsystem),
	KUNIT_CASE(bypassed_refusal_keeps_the_child),
	KUNIT_CASE(a_creator_that_is_moved_while_it_forks_takes_the_child_along),
	KUNIT_CASE(a_creator_that_is_moved_in_while_it_forks),
	KUNIT_CASE(move_elsewhere_leaves_the_charge),
	KUNIT_CASE(move_transfers_the_charge),
	KUNIT_CASE(a_creator_that_is_moved_in_while_memory_is_short),
	KUNIT_CASE(a_creator_that_is_moved_out_while_it_forks),
	KUNIT_CASE(a_refusal_survives_a_move),
	KUNIT_CASE(exit_leaves_and_gives_the_reserve_back),
	KUNIT_CASE(exit_waits_for_a_move_that_is_under_way),
	KUNIT_CASE(a_fork_that_waits_for_a_move_goes_on_where_that_has_led),
	KUNIT_CASE(a_task_is_unborn_until_it_has_a_css_set),
	KUNIT_CASE(the_table_has_a_reasonable_size),
	{}
};

static struct kunit_suite task_suite = {
	.name = "task",
	.init = core_start,
	.exit = core_stop,
	.test_cases = task_cases,
};

kunit_test_suite(task_suite);
