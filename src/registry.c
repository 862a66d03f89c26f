// SPDX-License-Identifier: GPL-2.0
/* The registry of subsystems: registering, binding, and their states in containers. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hierarchy.h"
#include "registry.h"

struct rc_subsys *subsys_table[SUBSYS_MAX]; /* container_mutex, read under RCU */

/**
 * subsys_name_is_valid - may a subsystem or a hierarchy be called so?
 * @name: the name
 *
 * Return: whether it has letters, digits, `.`, `-` and `_` alone, and one at least.
 */
bool subsys_name_is_valid(const char *name)
{
	const char *pos;

	for (pos = name; *pos; pos++)
		if (!isascii(*pos) || (!isalnum(*pos) && !strchr(".-_", *pos)))
			return false;
	return *name;
}

/**
 * subsys_find - find a registered subsystem
 * @name: its name
 *
 * Context: The caller holds container_mutex.
 * Return: the subsystem or NULL.
 */
struct rc_subsys *subsys_find(const char *name)
{
	struct rc_subsys *subsys;
	int id;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, ~0UL)
		if (!strcmp(subsys->name, name))
			return subsys;
	return NULL;
}

/**
 * subsys_all - all registered subsystems
 *
 * Context: The caller holds container_mutex.
 * Return: a mask of their ids.
 */
unsigned long subsys_all(void)
{
	struct rc_subsys *subsys;
	unsigned long mask = 0;
	int id;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, ~0UL)
		mask |= BIT(id);
	return mask;
}

static int subsys_register_locked(struct rc_subsys *subsys)
{
	struct rc_state *state;
	int id;

	if (subsys_find(subsys->name))
		return -EEXIST;
	for (id = 0; id < SUBSYS_MAX; id++)
		if (!subsys_table[id])
			break;
	if (id == SUBSYS_MAX)
		return -ENOSPC;

	state = subsys->create(NULL);
	if (IS_ERR_OR_NULL(state))
		return state ? PTR_ERR(state) : -ENOMEM;
	state->container = NULL;
	state->parent = NULL;
	subsys->id = id;
	subsys->hierarchy = NULL;
	subsys->root_state = state;
	/* Complete before it is read without a lock. */
	smp_store_release(&subsys_table[id], subsys);
	return 0;
}

/**
 * rc_register_subsys - make a subsystem known
 * @subsys: the subsystem, which stays until it is unregistered
 *
 * Makes its root state.
 *
 * Context: Process context, may sleep.
 * Return: 0; -EINVAL if the name is missing, longer than 32 characters, one of the mount options
 * `all` and `none`, or has other characters than letters, digits, `.`, `-` and `_`, or if create or
 * destroy are missing; -EEXIST if the name is taken; -ENOSPC if there are too many; the error of
 * create. Then nothing is registered.
 */
int rc_register_subsys(struct rc_subsys *subsys)
{
	int error;

	if (!subsys->name || strlen(subsys->name) > RC_SUBSYS_NAME_MAX ||
	    !subsys_name_is_valid(subsys->name) || !strcmp(subsys->name, "all") ||
	    !strcmp(subsys->name, "none") || !subsys->create || !subsys->destroy)
		return -EINVAL;

	mutex_lock(&container_mutex);
	error = subsys_register_locked(subsys);
	mutex_unlock(&container_mutex);
	return error;
}
EXPORT_SYMBOL_GPL(rc_register_subsys);

/**
 * rc_unregister_subsys - undo rc_register_subsys()
 * @subsys: the subsystem
 *
 * Destroys its root state. There is no other left, not even of a removed container: its module
 * cannot be unloaded before.
 *
 * Context: Process context, may sleep; waits for a grace period.
 * Return: 0; -EBUSY if it is bound; -ENOENT if it is not registered.
 */
int rc_unregister_subsys(struct rc_subsys *subsys)
{
	int error = -ENOENT;

	mutex_lock(&container_mutex);
	if (subsys->name && subsys_find(subsys->name) == subsys)
		error = subsys->hierarchy ? -EBUSY : 0;
	if (!error) {
		WRITE_ONCE(subsys_table[subsys->id], NULL);
		subsys->destroy(subsys->root_state);
		subsys->root_state = NULL;
	}
	mutex_unlock(&container_mutex);
	/* Readers of /proc/rc_subsys may still look at it. */
	if (!error)
		synchronize_rcu();
	return error;
}
EXPORT_SYMBOL_GPL(rc_unregister_subsys);

/**
 * rc_add_files - give a container files that others do not have
 * @state: the state whose populate() is being called
 * @files: the files, ended by one without a name; they stay as long as the state
 *
 * Context: In populate() alone.
 * Return: 0 or -ENOMEM.
 */
int rc_add_files(struct rc_state *state, const struct rc_cftype *files)
{
	struct container *c = state->container;
	struct container_files *extra;
	struct rc_subsys *subsys;
	int id;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, ~0UL) {
		if (c->state[id] != state)
			continue;
		extra = kmalloc(sizeof(*extra), GFP_KERNEL_ACCOUNT);
		if (!extra)
			return -ENOMEM;
		extra->subsys = subsys;
		extra->files = files;
		list_add_tail(&extra->list, &c->extra_files);
		return 0;
	}
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(rc_add_files);

static void extra_files_drop(struct container *c, const struct rc_subsys *subsys)
{
	struct container_files *extra, *next;

	list_for_each_entry_safe(extra, next, &c->extra_files, list) {
		if (extra->subsys != subsys)
			continue;
		list_del(&extra->list);
		kfree(extra);
	}
}

/**
 * subsys_bind - bind a subsystem to a hierarchy that has no container but the root
 * @subsys: the subsystem, registered and not bound
 * @root: the hierarchy's root container
 *
 * Context: Process context, may sleep; the caller holds container_mutex, and either nothing is
 * mounted or the i_rwsem of the root directory, which gets files.
 * Return: 0; -ENOENT if the subsystem's module is being unloaded; the error of populate.
 */
int subsys_bind(struct rc_subsys *subsys, struct container *root)
{
	struct rc_state *state = subsys->root_state;
	int error = 0;

	lockdep_assert_held(&container_mutex);
	if (!try_module_get(subsys->owner))
		return -ENOENT;
	WRITE_ONCE(state->container, root);
	WRITE_ONCE(subsys->binding, subsys->binding + 1);
	root->state[subsys->id] = state;
	if (subsys->populate)
		error = subsys->populate(state);
	if (error) {
		extra_files_drop(root, subsys);
		root->state[subsys->id] = NULL;
		WRITE_ONCE(state->container, NULL);
		module_put(subsys->owner);
		return error;
	}
	WRITE_ONCE(subsys->hierarchy, root->hierarchy);
	root->hierarchy->subsys_mask |= BIT(subsys->id);
	if (subsys->bind)
		subsys->bind(subsys, true);
	return 0;
}

/**
 * subsys_unbind - undo subsys_bind()
 * @subsys: the subsystem, bound to a hierarchy that has no container but the root, and no state of
 *	one that has been removed
 *
 * Context: As for subsys_bind().
 */
void subsys_unbind(struct rc_subsys *subsys)
{
	struct hierarchy *h = subsys->hierarchy;

	lockdep_assert_held(&container_mutex);
	if (subsys->bind)
		subsys->bind(subsys, false);
	extra_files_drop(&h->root, subsys);
	h->subsys_mask &= ~BIT(subsys->id);
	h->root.state[subsys->id] = NULL;
	WRITE_ONCE(subsys->root_state->container, NULL);
	WRITE_ONCE(subsys->hierarchy, NULL);
	module_put(subsys->owner);
}

/* Destroy what states there are, in the reverse order of their making. */
static void states_destroy(struct container *c)
{
	int id;

	for (id = SUBSYS_MAX - 1; id >= 0; id--) {
		if (!c->state[id])
			continue;
		extra_files_drop(c, subsys_table[id]);
		subsys_table[id]->destroy(c->state[id]);
		c->state[id] = NULL;
	}
}

/**
 * subsys_states_create - make the states of a new container, and let subsystems add files
 * @c: the container, which nobody sees yet
 *
 * Context: Process context, may sleep; the caller holds container_mutex.
 * Return: 0, and subsys_states_put() is owed; or the error of the create or populate that failed,
 * and the states that had been made are destroyed.
 */
int subsys_states_create(struct container *c)
{
	struct rc_subsys *subsys;
	struct rc_state *state;
	int id, error = 0;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, c->hierarchy->subsys_mask) {
		state = subsys->create(c->parent->state[id]);
		if (IS_ERR_OR_NULL(state)) {
			error = state ? PTR_ERR(state) : -ENOMEM;
			break;
		}
		state->container = c;
		state->parent = c->parent->state[id];
		c->state[id] = state;
	}
	for_each_subsys(subsys, id, c->hierarchy->subsys_mask) {
		if (!error && subsys->populate)
			error = subsys->populate(c->state[id]);
	}
	if (error) {
		states_destroy(c);
		return error;
	}
	atomic_set(&c->state_users, 1);
	atomic_inc(&c->parent->state_users);
	c->hierarchy->nr_states++;
	return 0;
}

/**
 * subsys_states_get - keep the states of a container, for a file that is opened
 * @c: the container
 *
 * Context: Process context, may sleep. Takes container_mutex only if the container is removed.
 * Return: false if the container has been removed.
 */
bool subsys_states_get(struct container *c)
{
	if (!atomic_inc_not_zero(&c->state_users))
		return false;
	if (!container_is_removed(c))
		return true;
	subsys_states_put(c);
	return false;
}

/* The last user of the states of a container is gone, and perhaps so of those above. */
static void states_end(struct container *c)
{
	/* A state's parent outlives it. A root always has a user. */
	do {
		states_destroy(c);
		c->hierarchy->nr_states--;
		c = c->parent;
	} while (atomic_dec_and_test(&c->state_users));
}

/**
 * subsys_states_put_locked - give back subsys_states_get() or subsys_states_create()
 * @c: the container
 *
 * The last one destroys the states: of a removed container, when its last file is closed.
 *
 * Context: Process context, may sleep; the caller holds container_mutex.
 */
void subsys_states_put_locked(struct container *c)
{
	lockdep_assert_held(&container_mutex);
	if (atomic_dec_and_test(&c->state_users))
		states_end(c);
}

/**
 * subsys_states_put - give back subsys_states_get()
 * @c: the container
 *
 * Context: Process context, may sleep. The last one takes container_mutex.
 */
void subsys_states_put(struct container *c)
{
	if (!atomic_dec_and_mutex_lock(&c->state_users, &container_mutex))
		return;
	states_end(c);
	mutex_unlock(&container_mutex);
}

/**
 * subsys_can_attach - ask the subsystems of a hierarchy whether a task may be moved in it
 * @task: the task
 * @from: the container that it is in
 * @to: the one that it is to be moved to
 *
 * Context: Process context, may sleep; the caller holds container_mutex.
 * Return: 0 or the first error.
 */
int subsys_can_attach(struct task_struct *task, struct container *from, struct container *to)
{
	struct rc_subsys *subsys;
	int id, error;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, to->hierarchy->subsys_mask) {
		if (!subsys->can_attach)
			continue;
		error = subsys->can_attach(task, from->state[id], to->state[id]);
		if (error)
			return error;
	}
	return 0;
}

/**
 * subsys_attach - tell the subsystems of a hierarchy that a task has been moved in it
 * @task: the task
 * @from: the container that it was in
 * @to: the one that it is in
 *
 * Context: The caller holds container_mutex and task_lock(@task). Does not sleep.
 */
void subsys_attach(struct task_struct *task, struct container *from, struct container *to)
{
	struct rc_subsys *subsys;
	int id;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, to->hierarchy->subsys_mask)
		if (subsys->attach)
			subsys->attach(task, from->state[id], to->state[id]);
}

/**
 * subsys_move_fork - transfer the charges of a fork in progress whose task is moved
 * @from: the container that the task was in
 * @to: the one that it is moved to
 *
 * A root is never charged.
 *
 * Context: The caller holds container_mutex and task_lock() of the task. Does not sleep.
 */
void subsys_move_fork(struct container *from, struct container *to)
{
	struct rc_subsys *subsys;
	int id;

	lockdep_assert_held(&container_mutex);
	for_each_subsys(subsys, id, to->hierarchy->subsys_mask) {
		if (subsys->move_fork) {
			subsys->move_fork(from->state[id], to->state[id]);
			continue;
		}
		if (to->parent && subsys->charge_fork)
			subsys->charge_fork(to->state[id]);
		if (from->parent && subsys->cancel_fork)
			subsys->cancel_fork(from->state[id]);
	}
}
