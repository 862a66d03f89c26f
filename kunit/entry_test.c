// SPDX-License-Identifier: GPL-2.0
/* The memory of task entries: who is out is used again by the batch, after a grace period. */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../src/task.h"

/*
 * A copy of it all, under other names, so that we can see what it keeps, and that keeps it on a
 * kernel that looks for memory used after it was freed, too.
 */
#define entry_alloc copy_alloc
#define entry_free copy_free
#define entry_free_rcu copy_free_rcu
#define entry_init copy_init
#define entry_cleanup copy_cleanup
#undef CONFIG_KASAN
#include "../src/entry.c"

static struct task_entry *entries[BATCH];

/* On one CPU, for each has its own. The thread is the case's, so nobody else is held there. */
static int entry_start(struct kunit *test)
{
	return entry_init() ?: set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
}

static void entry_stop(struct kunit *test)
{
	entry_cleanup();
}

static void alloc_some(struct kunit *test, struct task_entry **some, unsigned int nr)
{
	while (nr--) {
		some[nr] = entry_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, some[nr]);
	}
}

static void free_some_rcu(struct task_entry **some, unsigned int nr)
{
	while (nr--)
		entry_free_rcu(some[nr]);
}

/* Let @nr batches die and be kept. */
static void make_batches(struct kunit *test, unsigned int nr)
{
	struct task_entry **some = kunit_kcalloc(test, nr, BATCH * sizeof(*some), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, some);
	alloc_some(test, some, nr * BATCH);
	free_some_rcu(some, nr * BATCH);
	rcu_barrier();
}

static unsigned int nr_dead_here(void)
{
	return raw_cpu_ptr(&entry_cpus)->nr_dead;
}

static void an_entry_begins_without_set_and_reserve(struct kunit *test)
{
	struct task_entry *entry;
	unsigned int i;

	alloc_some(test, entries, BATCH);
	for (i = 0; i < BATCH; i++) {
		entries[i]->set = (struct container_set *)entries;
		entries[i]->reserve = entries[0];
	}
	free_some_rcu(entries, BATCH);
	rcu_barrier();
	/* Also one that is used again. */
	KUNIT_ASSERT_EQ(test, nr_batches, 1);
	for (i = 0; i < BATCH; i++) {
		entry = entry_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, entry);
		KUNIT_EXPECT_NULL(test, entry->set);
		KUNIT_EXPECT_NULL(test, entry->reserve);
		entry_free(entry);
	}
	KUNIT_EXPECT_EQ(test, nr_batches, 0);
}

static void the_dead_are_collected_until_there_is_a_batch(struct kunit *test)
{
	unsigned int i;

	alloc_some(test, entries, BATCH);
	for (i = 0; i < BATCH - 1; i++) {
		entry_free_rcu(entries[i]);
		KUNIT_EXPECT_EQ(test, nr_dead_here(), i + 1);
	}
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, nr_batches, 0);
	entry_free_rcu(entries[i]);
	KUNIT_EXPECT_EQ(test, nr_dead_here(), 0);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, nr_batches, 1);
}

static void a_batch_waits_for_those_who_read(struct kunit *test)
{
	struct task_entry *seen;

	alloc_some(test, entries, BATCH);
	seen = entries[0];
	seen->task = current;
	rcu_read_lock();
	free_some_rcu(entries, BATCH);
	/* Long enough for a grace period, if nobody were reading. */
	mdelay(200);
	KUNIT_EXPECT_EQ(test, nr_batches, 0);
	KUNIT_EXPECT_PTR_EQ(test, seen->task, current);
	rcu_read_unlock();
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, nr_batches, 1);
}

static bool is_one_of(const struct task_entry *entry, struct task_entry **some, unsigned int nr)
{
	while (nr--)
		if (some[nr] == entry)
			return true;
	return false;
}

static void the_newborn_get_what_the_dead_have_left(struct kunit *test)
{
	struct task_entry *again[BATCH];
	unsigned int i;

	alloc_some(test, entries, BATCH);
	free_some_rcu(entries, BATCH);
	rcu_barrier();
	alloc_some(test, again, BATCH);
	for (i = 0; i < BATCH; i++) {
		KUNIT_EXPECT_TRUE(test, is_one_of(again[i], entries, BATCH));
		/* Each once. */
		KUNIT_EXPECT_FALSE(test, is_one_of(again[i], again, i));
	}
	for (i = 0; i < BATCH; i++)
		entry_free(again[i]);
}

static void one_birth_takes_a_whole_batch_to_its_cpu(struct kunit *test)
{
	struct task_entry *entry;

	make_batches(test, 2);
	KUNIT_EXPECT_EQ(test, nr_batches, 2);
	alloc_some(test, &entry, 1);
	KUNIT_EXPECT_EQ(test, nr_batches, 1);
	KUNIT_EXPECT_NOT_NULL(test, raw_cpu_ptr(&entry_cpus)->spare);
	/* And the next births take none. */
	alloc_some(test, entries, BATCH - 1);
	KUNIT_EXPECT_EQ(test, nr_batches, 1);
	KUNIT_EXPECT_NULL(test, raw_cpu_ptr(&entry_cpus)->spare);
	free_some_rcu(entries, BATCH - 1);
	entry_free_rcu(entry);
}

static void no_more_batches_than_processors_are_kept(struct kunit *test)
{
	make_batches(test, num_online_cpus());
	KUNIT_EXPECT_EQ(test, nr_batches, num_online_cpus());
	/* These come out of those that are kept, and more. */
	make_batches(test, num_online_cpus() + 3);
	KUNIT_EXPECT_EQ(test, nr_batches, num_online_cpus());
}

static void who_was_never_seen_is_not_kept(struct kunit *test)
{
	unsigned int i;

	alloc_some(test, entries, BATCH);
	for (i = 0; i < BATCH; i++)
		entry_free(entries[i]);
	KUNIT_EXPECT_EQ(test, nr_dead_here(), 0);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, nr_batches, 0);
}

static unsigned int die_here(struct task_entry *entry)
{
	entry_free_rcu(entry);
	return nr_dead_here();
}

/* If anything were left, the kernel would complain of objects that remain. */
static void all_is_given_back_in_the_end(struct kunit *test)
{
	const struct entry_cpu *cpu;
	struct task_entry *entry;
	int id;

	make_batches(test, 2);
	/* Spares here, and one dead on each processor. */
	for_each_online_cpu(id) {
		alloc_some(test, &entry, 1);
		KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(id)), 0);
		KUNIT_EXPECT_EQ(test, die_here(entry), 1);
	}
	entry_cleanup();
	KUNIT_EXPECT_EQ(test, nr_batches, 0);
	for_each_possible_cpu(id) {
		cpu = per_cpu_ptr(&entry_cpus, id);
		KUNIT_EXPECT_NULL(test, cpu->dead);
		KUNIT_EXPECT_NULL(test, cpu->spare);
		KUNIT_EXPECT_EQ(test, cpu->nr_dead, 0);
	}
	/* And it can begin anew. */
	KUNIT_EXPECT_EQ(test, entry_init(), 0);
}

static struct kunit_case entry_cases[] = {
	KUNIT_CASE(an_entry_begins_without_set_and_reserve),
	KUNIT_CASE(the_dead_are_collected_until_there_is_a_batch),
	KUNIT_CASE(a_batch_waits_for_those_who_read),
	KUNIT_CASE(the_newborn_get_what_the_dead_have_left),
	KUNIT_CASE(one_birth_takes_a_whole_batch_to_its_cpu),
	KUNIT_CASE(no_more_batches_than_processors_are_kept),
	KUNIT_CASE(who_was_never_seen_is_not_kept),
	KUNIT_CASE(all_is_given_back_in_the_end),
	{}
};

static struct kunit_suite entry_suite = {
	.name = "entry",
	.init = entry_start,
	.exit = entry_stop,
	.test_cases = entry_cases,
};

kunit_test_suite(entry_suite);
