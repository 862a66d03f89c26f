// SPDX-License-Identifier: GPL-2.0
/* The task table: which set each task is in; what fork, exit and moving do to it; listing. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/rculist_bl.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "entry.h"
#include "registry.h"
#include "set.h"
#include "task.h"

seqcount_mutex_t task_moves = SEQCNT_MUTEX_ZERO(task_moves, &container_mutex);

static struct hlist_bl_head *task_table;
static unsigned int task_table_bits;

/* Has the entry been taken out of the table? Under task_lock() of its task. */
static bool entry_is_out(const struct task_entry *entry)
{
	return entry->node.pprev == LIST_POISON2;
}

static struct hlist_bl_head *task_bucket(const struct task_struct *task)
{
	return &task_table[hash_ptr(task, task_table_bits)];
}

/*
 * The entry of @task, under RCU or with preemption off, which is as good and costs less; that is
 * why this is not hlist_bl_for_each_entry_rcu().
 */
static struct task_entry *task_entry(const struct task_struct *task)
{
	unsigned long first = (unsigned long)READ_ONCE(task_bucket(task)->first);
	struct hlist_bl_node *pos = (struct hlist_bl_node *)(first & ~LIST_BL_LOCKMASK);
	struct task_entry *entry;

	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "the task table without RCU");
	for (; pos; pos = READ_ONCE(pos->next)) {
		entry = hlist_bl_entry(pos, struct task_entry, node);
		if (entry->task == task)
			return entry;
	}
	return NULL;
}

/*
 * The entry of @task, under task_lock(@task): while that is held, it is not replaced. It keeps
 * preemption off, and so, for readers, the neighbours in the bucket.
 */
static struct task_entry *task_entry_locked(struct task_struct *task)
{
	lockdep_assert_held(&task->alloc_lock);
	return task_entry(task);
}

/*
 * The entry of the current task, with preemption off; NULL, and it is on, without one. Most tasks
 * have none, so this is all that the hooks do themselves.
 */
static __always_inline struct task_entry *current_entry_find(void)
{
	struct task_entry *entry;

	preempt_disable();
	entry = task_entry(current);
	if (!entry)
		preempt_enable();
	return entry;
}

/*
 * Lock what current_entry_find() has found, and let preemption on. Returns the entry, another one
 * if it was replaced before we had the lock, or NULL, and nothing is held, if it was taken out.
 */
static struct task_entry *current_entry_lock(struct task_entry *entry)
{
	task_lock(current);
	if (unlikely(entry_is_out(entry)))
		entry = task_entry_locked(current);
	/* Sparse is not to know that this one lock is held sometimes. */
	if (entry)
		__release(&current->alloc_lock);
	else
		task_unlock(current);
	preempt_enable();
	return entry;
}

static void current_entry_unlock(void)
{
	__acquire(&current->alloc_lock);
	task_unlock(current);
}

/* Take a fork's reserve away from an entry, under task_lock(), or when the task forks no more. */
static void reserve_cancel(struct task_entry *entry)
{
	struct task_entry *reserve = entry->reserve;

	entry->reserve = NULL;
	if (IS_ERR_OR_NULL(reserve))
		return;
	if (reserve->set)
		container_set_cancel_fork(reserve->set);
	entry_free(reserve);
}

/*
 * Put @new where @old is. Not add and delete: a reader who is already past the head of the bucket
 * would find neither and think that the task is in the roots.
 */
static void bucket_replace(struct hlist_bl_head *head, struct hlist_bl_node *old,
			   struct hlist_bl_node *new)
{
	struct hlist_bl_node *next = old->next;

	new->next = next;
	if (next)
		next->pprev = &new->next;
	if (hlist_bl_first(head) == old) {
		/* The head's lowest bit is its lock; this keeps it. */
		new->pprev = &head->first;
		hlist_bl_set_first_rcu(head, new);
	} else {
		new->pprev = old->pprev;
		rcu_assign_pointer(*(struct hlist_bl_node __rcu **)new->pprev, new);
	}
	old->pprev = LIST_POISON2;
}

static void bucket_unlock(struct hlist_bl_head *head)
{
	/*
	 * The lock is a bit of the head, and the unlock is a plain store of the head. A reader
	 * without the lock ignores that bit, and no other bit changes: the race is intended.
	 */
	data_race(({ hlist_bl_unlock(head); 0; }));
}

static void task_table_add(struct task_entry *new)
{
	struct hlist_bl_head *head = task_bucket(new->task);

	hlist_bl_lock(head);
	hlist_bl_add_head_rcu(&new->node, head);
	bucket_unlock(head);
}

static void task_table_del(struct task_entry *old)
{
	struct hlist_bl_head *head = task_bucket(old->task);

	hlist_bl_lock(head);
	hlist_bl_del_rcu(&old->node);
	bucket_unlock(head);
}

static void task_table_replace(struct task_entry *old, struct task_entry *new)
{
	struct hlist_bl_head *head = task_bucket(old->task);

	hlist_bl_lock(head);
	bucket_replace(head, &old->node, &new->node);
	bucket_unlock(head);
}

/**
 * task_set - the container set that a task is in
 * @task: the task
 *
 * Right for a task that has been born, see task_wait_born().
 *
 * Context: Any, under RCU, and the set is good for as long; under container_mutex too, a task that
 * is not exiting stays in it.
 * Return: the set, or NULL for that of all roots.
 */
struct container_set *task_set(const struct task_struct *task)
{
	const struct task_entry *entry = task_entry(task);

	return entry ? entry->set : NULL;
}

static bool task_has_entry(const struct task_struct *task)
{
	bool has;

	rcu_read_lock();
	has = task_entry(task);
	rcu_read_unlock();
	return has;
}

/**
 * task_is_unborn - is a task visible already but not yet in its creator's containers?
 * @task: the task
 *
 * copy_process() makes the child visible, then calls cgroup_post_fork(), at whose beginning we are
 * and whose body puts the child into a css_set. It cannot run before all that, and does not sleep
 * in between. (A css_set is also left for a moment by a task that changes its cgroup, but such a
 * task rarely is new, and then it is only taken for unborn a little longer.)
 *
 * Context: Any.
 */
bool task_is_unborn(const struct task_struct *task)
{
	bool unborn = READ_ONCE(task->__state) == TASK_NEW && list_empty(&task->cg_list);

	/* Pairs with that of task_fork_end(): who sees the task born sees its entry. */
	smp_rmb();
	return unborn;
}

/**
 * task_wait_born - wait until a task that can be seen is in its creator's containers
 * @task: the task; the caller has a reference
 *
 * Its creator is about to put it there, and nothing that a user does can make that take long.
 *
 * Context: Process context without locks; may sleep.
 * Return: 0; -EINTR if the caller is being killed.
 */
int task_wait_born(struct task_struct *task)
{
	while (task_is_unborn(task)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		schedule_timeout_killable(1);
	}
	return 0;
}

/*
 * An entry for @task in @set. If the task has no entry yet and may be in the middle of a fork, that
 * fork has no reserve; then the new entry has one. A task cannot lose its entry meanwhile other
 * than by its exit, because the caller holds container_mutex.
 */
static struct task_entry *entry_for_move(struct task_struct *task, struct container_set *set)
{
	struct task_entry *entry = entry_alloc(GFP_KERNEL);

	if (!entry)
		return NULL;
	entry->task = task;
	entry->set = set;
	/* A task that moves itself is not in a fork. */
	if (task == current || task_has_entry(task))
		return entry;
	entry->reserve = entry_alloc(GFP_KERNEL);
	if (entry->reserve)
		return entry;
	entry_free(entry);
	return NULL;
}

/*
 * Hand the reserve of @old on to @new, which replaces it, under task_lock(). The charges of a fork
 * in progress follow its task in the hierarchy of the move; those in other hierarchies stay as they
 * are.
 */
static void reserve_move(struct task_entry *old, struct task_entry *new, struct container *from,
			 struct container *to)
{
	struct task_entry *reserve = old->reserve;

	if (!reserve)
		return;
	WARN_ON_ONCE(new->reserve);
	old->reserve = NULL;
	new->reserve = reserve;
	if (IS_ERR(reserve) || !reserve->set)
		return;
	subsys_move_fork(from, to);
	reserve->set = new->set;
}

/**
 * task_move - move a task from one container to another
 * @task: the task, which has been born; the caller has a reference
 * @set: the set that it goes into, or NULL for that of all roots
 * @from: the container of one hierarchy that it is in
 * @to: the one that it goes into
 *
 * Threads that fork meanwhile: a child belongs where its creator is when task_fork_end() is called
 * for it, and that and the move exclude each other by task_lock(creator). If the creator has an
 * entry, a fork in progress has been charged: the move transfers the charge in its own hierarchy,
 * and leaves it in all others. If it has none, the fork is not known and not charged: the new entry
 * is born with a reserve, and task_fork_end() charges the child, which comes in as part of the
 * move.
 *
 * Threads that exit meanwhile: PF_EXITING is looked at under task_lock(), which the exit hook takes
 * too after it has been set. So either the exit hook finds the new entry, or there is none.
 *
 * Context: Process context, may sleep; the caller holds container_mutex.
 * Return: 0; -ESRCH if @task is exiting; -ENOMEM.
 */
int task_move(struct task_struct *task, struct container_set *set, struct container *from,
	      struct container *to)
{
	struct task_entry *old, *new = NULL;

	lockdep_assert_held(&container_mutex);
	if (set) {
		new = entry_for_move(task, set);
		if (!new)
			return -ENOMEM;
	}

	task_lock(task);
	/* The lock, then the flag; pairs with that of task_exit(). */
	smp_mb__after_spinlock();
	if (task->flags & PF_EXITING) {
		task_unlock(task);
		if (new)
			entry_free(new->reserve);
		entry_free(new);
		return -ESRCH;
	}
	old = task_entry_locked(task);
	if (old && new)
		reserve_move(old, new, from, to);
	else if (old)
		reserve_cancel(old);
	/* Readers of lists that overlap with this begin anew. */
	write_seqcount_begin(&task_moves);
	if (new)
		container_set_add(set, &new->link);
	if (old && new)
		task_table_replace(old, new);
	else if (new)
		task_table_add(new);
	else if (old)
		task_table_del(old);
	if (old)
		container_set_del(old->set, &old->link);
	subsys_attach(task, from, to);
	write_seqcount_end(&task_moves);
	task_unlock(task);
	if (old)
		entry_free_rcu(old);
	return 0;
}

/* Have a reserve for the child, and leave to charge for it. */
static int reserve_prepare(struct task_entry *entry)
{
	struct task_entry *reserve = entry->reserve;
	int error;

	if (!reserve)
		reserve = entry_alloc(GFP_ATOMIC | __GFP_NOWARN);
	if (!reserve)
		return -ENOMEM;
	error = container_set_can_fork(entry->set);
	if (error) {
		entry_free(reserve);
		return error;
	}
	reserve->set = entry->set;
	entry->reserve = reserve;
	return 0;
}

static noinline int fork_begin(struct task_entry *found)
{
	struct task_entry *entry = current_entry_lock(found);
	int error;

	if (!entry)
		return 0;
	error = reserve_prepare(entry);
	if (error)
		entry->reserve = ERR_PTR(error);
	current_entry_unlock();
	return error;
}

/**
 * task_fork_begin - the current task begins to make a child
 *
 * See to it that task_fork_end() will have an entry for the child. Nobody sees the child yet.
 *
 * Context: The hook on cgroup_can_fork(); may be called with preemption off, never sleeps.
 * Return: 0; an error if the fork must fail: -ENOMEM, or that of a subsystem. task_fork_error()
 * tells it once more.
 */
int task_fork_begin(void)
{
	struct task_entry *entry = current_entry_find();

	return entry ? fork_begin(entry) : 0;
}

/**
 * task_fork_error - why task_fork_begin() has refused
 *
 * Context: Called in the place of cgroup_can_fork().
 * Return: the error.
 */
int task_fork_error(void)
{
	struct task_entry *entry = current_entry_find();
	int error = -EAGAIN;

	if (entry)
		entry = current_entry_lock(entry);
	/* There is none if it has been moved to the roots meanwhile. */
	if (!entry)
		return error;
	if (IS_ERR(entry->reserve)) {
		error = PTR_ERR(entry->reserve);
		entry->reserve = NULL;
	}
	current_entry_unlock();
	return error;
}

/*
 * A fork without a reserve was refused, but goes on, because another tracer of cgroup_can_fork()
 * calls the original function and so bypasses the redirection. The child must not escape.
 */
static noinline struct task_entry *reserve_replace(void)
{
	pr_warn_once("another tracer lets refused forks go on: the child is over the limit\n");
	return entry_alloc(GFP_ATOMIC | __GFP_NOWARN);
}

/* Make the reserve the entry of the child. */
static void reserve_use(struct task_entry *entry, struct task_struct *child)
{
	struct task_entry *new = entry->reserve;

	entry->reserve = NULL;
	if (IS_ERR_OR_NULL(new))
		new = reserve_replace();
	if (WARN_ONCE(!new, "no entry for task %d\n", task_pid_nr(child)))
		return;
	/* The fork began in all the roots and its creator was moved in, or it was refused. */
	if (!new->set)
		container_set_charge_fork(entry->set);
	new->task = child;
	new->set = entry->set;
	/* Our own entry keeps the set from becoming empty. */
	container_set_add(new->set, &new->link);
	task_table_add(new);
	container_set_fork(new->set, child);
}

static noinline void fork_end(struct task_entry *found, struct task_struct *child)
{
	struct task_entry *entry = current_entry_lock(found);

	if (!entry)
		return;
	reserve_use(entry, child);
	current_entry_unlock();
}

/**
 * task_fork_end - the current task's fork has succeeded
 * @child: the new task, visible, but not running yet
 *
 * Puts the child where its creator is. Nobody else can have done so: see task_wait_born().
 *
 * Context: The hook on cgroup_post_fork(); may be called with preemption off, never sleeps.
 */
void task_fork_end(struct task_struct *child)
{
	struct task_entry *entry = current_entry_find();

	if (entry)
		fork_end(entry, child);
	/* Before the child is put into a css_set; pairs with that of task_is_unborn(). */
	smp_wmb();
}

/**
 * task_fork_cancel - the current task's fork has failed
 *
 * Context: The hook on perf_event_free_task(); may be called with preemption off, never sleeps.
 */
void task_fork_cancel(void)
{
	struct task_entry *entry = current_entry_find();

	if (entry)
		entry = current_entry_lock(entry);
	if (!entry)
		return;
	reserve_cancel(entry);
	current_entry_unlock();
}

/* Take the dying current task out of the table; @found is its entry, if it had one just now. */
static noinline void exit_take(struct task_entry *found)
{
	struct task_entry *entry = found;

	task_lock(current);
	if (!entry || entry_is_out(entry))
		entry = task_entry_locked(current);
	if (entry)
		task_table_del(entry);
	task_unlock(current);
	preempt_enable();
	if (!entry)
		return;
	reserve_cancel(entry);
	container_set_exit(entry->set, current);
	/* Last, for it lets go of the set, its containers and their states. */
	container_set_del(entry->set, &entry->link);
	entry_free_rcu(entry);
}

/**
 * task_exit - the current task is dying
 *
 * It goes to the roots for good. PF_EXITING is set, its parent does not know yet. A move takes the
 * lock before it looks at that, see task_move(). So if nobody has the lock here, all moves that are
 * still to come give up, and what those before have left is in the table.
 *
 * Context: The hook on cgroup_exit(); may be called with preemption off, never sleeps.
 */
void task_exit(void)
{
	struct task_entry *entry;
	bool moving;

	preempt_disable();
	/* PF_EXITING, then the lock; pairs with that of task_move(). */
	smp_mb();
	moving = spin_is_locked(&current->alloc_lock);
	/* The lock, then the table: who has released the one has changed the other. */
	smp_rmb();
	entry = task_entry(current);
	if (entry || moving)
		exit_take(entry);
	else
		preempt_enable();
}

/**
 * task_entry_in - the entry of a task if the task is in a certain set
 * @task: the task
 * @set: the set; only its address is used
 *
 * Context: RCU. An entry that is returned was in the list of @set, which was valid, at some moment
 * of this RCU section, so both can be followed as long as the section lasts.
 * Return: the entry; NULL if the task is in another set or in none.
 */
struct task_entry *task_entry_in(const struct task_struct *task, const struct container_set *set)
{
	struct task_entry *entry = task_entry(task);

	return entry && entry->set == set ? entry : NULL;
}

/**
 * task_table_size - the number of buckets of the table
 */
unsigned int task_table_size(void)
{
	return 1U << task_table_bits;
}

/**
 * task_table_visit - visit the tasks in some buckets of the table
 * @first: the first bucket
 * @end: the bucket after the last
 * @visit: called with each task and its set
 * @arg: passed to @visit
 *
 * A move replaces an entry in place, see bucket_replace(). So a task that has an entry all the time
 * is visited exactly once, no matter how often it is moved.
 *
 * Context: RCU; does not sleep.
 */
void task_table_visit(unsigned int first, unsigned int end, task_visit_t visit, void *arg)
{
	struct hlist_bl_node *pos;
	struct task_entry *entry;
	unsigned int bucket;

	for (bucket = first; bucket < end; bucket++)
		hlist_bl_for_each_entry_rcu(entry, pos, &task_table[bucket], node)
			visit(entry->task, entry->set, arg);
}

/**
 * task_init - make the table
 * @buckets: its size, rounded up to a power of two; 0 for one that suits the machine
 *
 * Return: 0, -EINVAL if @buckets is out of reason, -ENOMEM.
 */
int task_init(unsigned int buckets)
{
	int error;

	if (!buckets)
		buckets = clamp_val(totalram_pages() / 8, 1024UL, 1UL << 18);
	if (buckets < 2 || buckets > 1U << 24) {
		pr_err("buckets=%u: must be between 2 and %u\n", buckets, 1U << 24);
		return -EINVAL;
	}
	task_table_bits = order_base_2(buckets);
	task_table = kvcalloc(1UL << task_table_bits, sizeof(*task_table), GFP_KERNEL);
	if (!task_table)
		return -ENOMEM;
	error = entry_init();
	if (error)
		kvfree(task_table);
	return error;
}

/**
 * task_cleanup - undo task_init()
 *
 * Context: Process context; sleeps. The hooks are gone and the table is empty.
 */
void task_cleanup(void)
{
	entry_cleanup();
	kvfree(task_table);
}
