// SPDX-License-Identifier: GPL-2.0
/* The memory of task entries: those that readers may still see are freed by the batch. */
#include <linux/percpu.h>
#include <linux/slab.h>

#include "entry.h"
#include "task.h"

/*
 * A call_rcu() for each task that dies, and memory from the slab for each that is born, would cost
 * more than all else that we do about them. So a CPU collects the dead; when a batch of them may be
 * used again, it is kept for the births, if there are not too many already. What is no batch by the
 * time we are unloaded is freed then.
 */
#define BATCH 32

/* So many batches are kept. None where memory is checked for use after it is freed. */
#define BATCHES_MAX (IS_ENABLED(CONFIG_KASAN) ? 0 : num_online_cpus())

/* Changed with preemption off; no hook is called from an interrupt. All are chained by ->older. */
struct entry_cpu {
	struct task_entry *dead;
	unsigned int nr_dead;
	struct task_entry *spare;
};

static DEFINE_PER_CPU(struct entry_cpu, entry_cpus);

/* The batches to be used again, chained by ->next_batch */
static DEFINE_SPINLOCK(batches_lock); /* guards the two below; taken in RCU's callbacks too */
static struct task_entry *batches;
static unsigned int nr_batches;

static struct kmem_cache *entry_cache;

static struct task_entry *batch_get(void)
{
	struct task_entry *batch;
	unsigned long flags;

	if (!READ_ONCE(batches))
		return NULL;
	spin_lock_irqsave(&batches_lock, flags);
	batch = batches;
	if (batch) {
		batches = batch->next_batch;
		nr_batches--;
	}
	spin_unlock_irqrestore(&batches_lock, flags);
	return batch;
}

/* Keep a batch; false if there are enough. */
static bool batch_keep(struct task_entry *batch)
{
	unsigned long flags;
	bool keep;

	spin_lock_irqsave(&batches_lock, flags);
	keep = nr_batches < BATCHES_MAX;
	if (keep) {
		batch->next_batch = batches;
		WRITE_ONCE(batches, batch);
		nr_batches++;
	}
	spin_unlock_irqrestore(&batches_lock, flags);
	return keep;
}

static void batch_free(struct task_entry *batch)
{
	void *entries[BATCH];
	size_t nr = 0;

	for (; batch; batch = batch->older)
		entries[nr++] = batch;
	if (nr)
		kmem_cache_free_bulk(entry_cache, nr, entries);
}

static void batch_rcu(struct rcu_head *rcu)
{
	struct task_entry *batch = container_of(rcu, struct task_entry, rcu);

	if (!batch_keep(batch))
		batch_free(batch);
}

static struct task_entry *spare_get(void)
{
	struct entry_cpu *cpu = get_cpu_ptr(&entry_cpus);
	struct task_entry *entry = cpu->spare;

	if (!entry)
		entry = batch_get();
	if (entry)
		cpu->spare = entry->older;
	put_cpu_ptr(&entry_cpus);
	return entry;
}

/**
 * entry_alloc - memory for an entry, without a set and without a reserve
 * @gfp: how
 *
 * Context: As @gfp says.
 * Return: the entry or NULL; the caller frees it with entry_free() if nobody has seen it, else with
 * entry_free_rcu().
 */
struct task_entry *entry_alloc(gfp_t gfp)
{
	struct task_entry *entry = spare_get();

	if (!entry)
		entry = kmem_cache_alloc(entry_cache, gfp);
	if (entry) {
		entry->reserve = NULL;
		entry->set = NULL;
	}
	return entry;
}

/**
 * entry_free - free an entry that nobody else has ever seen
 * @entry: the entry or NULL
 *
 * Context: Any.
 */
void entry_free(struct task_entry *entry)
{
	if (entry)
		kmem_cache_free(entry_cache, entry);
}

/**
 * entry_free_rcu - free an entry that readers may still see
 * @entry: the entry, in no list any more and without a reserve
 *
 * Context: Any but interrupts; does not sleep.
 */
void entry_free_rcu(struct task_entry *entry)
{
	struct entry_cpu *cpu = get_cpu_ptr(&entry_cpus);

	entry->older = cpu->dead;
	cpu->dead = entry;
	if (++cpu->nr_dead == BATCH) {
		cpu->dead = NULL;
		cpu->nr_dead = 0;
		call_rcu(&entry->rcu, batch_rcu);
	}
	put_cpu_ptr(&entry_cpus);
}

/**
 * entry_init - make memory available
 *
 * Return: 0 or -ENOMEM.
 */
int entry_init(void)
{
	entry_cache = kmem_cache_create("containerfs_task", sizeof(struct task_entry), 0, 0, NULL);
	return entry_cache ? 0 : -ENOMEM;
}

/**
 * entry_cleanup - undo entry_init()
 *
 * Context: Process context; sleeps. There is no entry but those that were freed.
 */
void entry_cleanup(void)
{
	struct task_entry *batch;
	struct entry_cpu *cpu;
	int id;

	/* For batches, and for who may still read what is not one yet. */
	synchronize_rcu();
	rcu_barrier();
	for_each_possible_cpu(id) {
		cpu = per_cpu_ptr(&entry_cpus, id);
		batch_free(cpu->dead);
		batch_free(cpu->spare);
		*cpu = (struct entry_cpu) {};
	}
	while ((batch = batch_get()))
		batch_free(batch);
	kmem_cache_destroy(entry_cache);
}
