// SPDX-License-Identifier: GPL-2.0
/* What the suites share: the core without a mount and without hooks, tasks, and a subsystem. */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../src/container.h"
#include "../src/hierarchy.h"
#include "../src/release.h"
#include "../src/set.h"
#include "../src/task.h"
#include "fixture.h"

/* The state that a recorder gives to a container. */
struct record {
	struct rc_state state;
	struct recorder *recorder;
};

/**
 * core_start - for kunit_suite.init: make what the module's init makes, but for hooks and mounts
 * @test: the test
 *
 * The table of tasks has two buckets only, so that most tasks share one.
 */
int core_start(struct kunit *test)
{
	int error = task_init(2);

	if (error)
		return error;
	error = container_init();
	if (error) {
		task_cleanup();
		return error;
	}
	error = release_init();
	if (error) {
		container_exit();
		task_cleanup();
		return error;
	}
	return hierarchy_init(4);
}

/* core_stop - for kunit_suite.exit; an entry that is left over makes the kernel complain */
void core_stop(struct kunit *test)
{
	release_exit();
	container_exit();
	task_cleanup();
}

/* core_settle - wait for all that was put off: empty sets are freed, agents are told */
void core_settle(void)
{
	flush_workqueue(container_wq);
	flush_workqueue(release_wq);
	rcu_barrier();
}

/* core_mkdir - a container in the tree, for core_rmdir(); NULL if it cannot be made */
struct container *core_mkdir(struct container *parent, const char *name)
{
	struct container *c = hierarchy_mkdir(parent, name, GLOBAL_ROOT_UID, GLOBAL_ROOT_GID);

	if (IS_ERR(c))
		return NULL;
	/* The tree has a reference; the second would be that of the directory's inode. */
	return c;
}

void core_rmdir(struct container *c)
{
	core_settle();
	if (!hierarchy_rmdir(c))
		container_put(c);
}

/* core_tree - a hierarchy without subsystems, for hierarchy_put() */
struct hierarchy *core_tree(const char *name)
{
	struct hierarchy_options options = { .none = true, .name = (char *)name };
	struct fs_context fc = {};
	struct hierarchy *h = hierarchy_mount(&fc, &options);

	return IS_ERR(h) ? NULL : h;
}

/* fake_task - a task that never runs; before the test ends it must be back in the roots */
struct task_struct *fake_task(struct kunit *test)
{
	struct task_struct *task = kunit_kzalloc(test, sizeof(*task), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, task);
	spin_lock_init(&task->alloc_lock);
	/* Readers take references; the last one is the test's, and is never given back. */
	refcount_set(&task->usage, 1);
	INIT_LIST_HEAD(&task->cg_list);
	return task;
}

struct identity {
	kuid_t uid, suid;
};

static int wait_for_the_end(void *arg)
{
	const struct identity *identity = arg;
	struct cred *cred = prepare_creds();

	if (cred) {
		cred->uid = identity->uid;
		cred->suid = identity->suid;
		commit_creds(cred);
	}
	kfree(identity);
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return cred ? 0 : -ENOMEM;
}

/* real_task - a task with an id that does nothing, for real_task_end() */
struct task_struct *real_task(struct kunit *test, kuid_t uid, kuid_t suid)
{
	struct identity *identity = kmalloc(sizeof(*identity), GFP_KERNEL);
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, identity);
	*identity = (struct identity){ .uid = uid, .suid = suid };
	task = kthread_run(wait_for_the_end, identity, "containerfs_test");
	if (IS_ERR(task))
		kfree(identity);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	/* Until it has its credentials, it does not sleep in an interruptible way. */
	while (READ_ONCE(task->__state) != TASK_INTERRUPTIBLE)
		schedule_timeout_uninterruptible(1);
	return task;
}

void real_task_end(struct task_struct *task)
{
	kthread_stop(task);
	put_task_struct(task);
}

/* set_of - the set that a task is in; good as long as the test keeps the task there */
struct container_set *set_of(struct task_struct *task)
{
	struct container_set *set;

	rcu_read_lock();
	set = task_set(task);
	rcu_read_unlock();
	return set;
}

/* move - what a write to `tasks` does, without looking at who may and what subsystems say */
int move(struct task_struct *task, struct container *to)
{
	struct hierarchy *h = to->hierarchy;
	struct container_set *from, *set;
	int error;

	mutex_lock(&container_mutex);
	from = set_of(task);
	set = container_set_find(from, h->id, to->parent ? to : NULL);
	error = PTR_ERR_OR_ZERO(set);
	if (!error) {
		error = task_move(task, set, hierarchy_container(h, from), to);
		if (error)
			container_set_put_unused(set);
	}
	mutex_unlock(&container_mutex);
	return error;
}

struct move_work {
	struct work_struct work;
	struct task_struct *task;
	struct container *to;
	unsigned int fault;
	int error;
};

#ifdef CONFIG_FAULT_INJECTION
static void set_fault(unsigned int nth)
{
	WRITE_ONCE(current->fail_nth, nth);
}

static unsigned int get_fault(void)
{
	return READ_ONCE(current->fail_nth);
}
#else
static void set_fault(unsigned int nth)
{
}

static unsigned int get_fault(void)
{
	return 1;
}
#endif

static void move_work(struct work_struct *work)
{
	struct move_work *m = container_of(work, struct move_work, work);

	set_fault(m->fault);
	m->error = move(m->task, m->to);
	m->fault = get_fault();
	set_fault(0);
}

/* move_by_another - move(), but not by the current task itself */
int move_by_another(struct task_struct *task, struct container *to)
{
	unsigned int none = 0;

	return move_with_fault(task, to, &none);
}

/* move_with_fault - the same; the @nth allocation fails, and 0 is stored there if there is one */
int move_with_fault(struct task_struct *task, struct container *to, unsigned int *nth)
{
	struct move_work m = { .task = task, .to = to, .fault = *nth };

	INIT_WORK_ONSTACK(&m.work, move_work);
	schedule_work(&m.work);
	flush_work(&m.work);
	destroy_work_on_stack(&m.work);
	*nth = m.fault;
	return m.error;
}

/* Which recorder a root state is to belong to; create() is not told. */
static struct recorder *recorder_of(struct rc_state *state)
{
	return container_of(state, struct record, state)->recorder;
}

static void record(struct recorder *recorder, char what)
{
	size_t len = strlen(recorder->log);

	if (len < sizeof(recorder->log) - 1)
		recorder->log[len] = what;
}

#define NR_RECORDERS 3
static struct recorder *recorders[NR_RECORDERS];

static struct rc_state *recorder_create(struct recorder *recorder)
{
	struct record *new;

	record(recorder, 'C');
	if (recorder->create_error)
		return ERR_PTR(recorder->create_error);
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->recorder = recorder;
	recorder->states++;
	return &new->state;
}

/* create() of a root is not told which subsystem it is for: one function each. */
#define RECORDER_CREATE(n) \
static struct rc_state *recorder_create_##n(struct rc_state *parent) \
{ \
	return recorder_create(recorders[n]); \
}

RECORDER_CREATE(0)
RECORDER_CREATE(1)
RECORDER_CREATE(2)

static struct rc_state *(*const recorder_creates[NR_RECORDERS])(struct rc_state *parent) = {
	recorder_create_0, recorder_create_1, recorder_create_2,
};

static void recorder_destroy(struct rc_state *state)
{
	struct recorder *recorder = recorder_of(state);

	record(recorder, 'D');
	recorder->states--;
	kfree(container_of(state, struct record, state));
}

static int recorder_populate(struct rc_state *state)
{
	record(recorder_of(state), 'P');
	return recorder_of(state)->populate_error;
}

static int recorder_can_attach(struct task_struct *task, struct rc_state *from,
			       struct rc_state *to)
{
	return recorder_of(to)->attach_error;
}

static void recorder_attach(struct task_struct *task, struct rc_state *from, struct rc_state *to)
{
	record(recorder_of(to), 'a');
}

static int recorder_can_fork(struct rc_state *state)
{
	struct recorder *recorder = recorder_of(state);

	record(recorder, 'c');
	if (recorder->fork_error)
		return recorder->fork_error;
	recorder->charges++;
	return 0;
}

static void recorder_charge_fork(struct rc_state *state)
{
	record(recorder_of(state), 'h');
	recorder_of(state)->charges++;
}

static void recorder_cancel_fork(struct rc_state *state)
{
	struct recorder *recorder = recorder_of(state);

	record(recorder, 'x');
	recorder->charges--;
	if (recorder->cancelled)
		recorder->cancelled();
}

static void recorder_move_fork(struct rc_state *from, struct rc_state *to)
{
	struct recorder *recorder = recorder_of(to);

	record(recorder, 'm');
	recorder->charges += !!to->parent - !!from->parent;
}

static void recorder_fork(struct task_struct *child, struct rc_state *state)
{
	record(recorder_of(state), 'f');
	recorder_of(state)->charges--;
}

static void recorder_exit(struct task_struct *task, struct rc_state *state)
{
	record(recorder_of(state), 'e');
}

static void recorder_bind(struct rc_subsys *subsys, bool bound)
{
	record(recorder_of(subsys->root_state), bound ? 'B' : 'U');
}

/* recorder_init - make a subsystem that can be registered; there may be three at a time */
void recorder_init(struct recorder *recorder, const char *name)
{
	unsigned int i;

	memset(recorder, 0, sizeof(*recorder));
	/* Of the three names "a", "b", "c" each has its create(). */
	i = (name[0] - 'a') % NR_RECORDERS;
	recorders[i] = recorder;
	recorder->subsys = (struct rc_subsys){
		.name = name,
		.owner = THIS_MODULE,
		.create = recorder_creates[i],
		.destroy = recorder_destroy,
		.populate = recorder_populate,
		.can_attach = recorder_can_attach,
		.attach = recorder_attach,
		.can_fork = recorder_can_fork,
		.charge_fork = recorder_charge_fork,
		.cancel_fork = recorder_cancel_fork,
		.fork = recorder_fork,
		.exit = recorder_exit,
		.bind = recorder_bind,
	};
}

/* recorder_moves_forks - let a recorder transfer the charges of forks itself */
void recorder_moves_forks(struct recorder *recorder)
{
	recorder->subsys.move_fork = recorder_move_fork;
}
