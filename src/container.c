// SPDX-License-Identifier: GPL-2.0
/* Containers: making and removing them, their paths and flags, and whether they are populated. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "container.h"
#include "hierarchy.h"

DEFINE_MUTEX(container_mutex); /* which containers and sets there are; see container.h */
struct workqueue_struct *container_wq;

/**
 * container_put - give back a reference to a container
 * @c: the container
 *
 * The last reference frees it, and so perhaps the containers above it, if they have been removed
 * before. A root's last reference frees its hierarchy; the default one keeps one for good.
 *
 * Context: Any; does not sleep.
 */
void container_put(struct container *c)
{
	while (c && refcount_dec_and_test(&c->ref)) {
		struct container *parent = c->parent;

		/* A task's set, and so its container, may still be looked at under RCU. */
		if (parent) {
			kfree(c->name);
			kfree_rcu(c, rcu);
		} else {
			kfree_rcu(c->hierarchy, root.rcu);
		}
		c = parent;
	}
}

static void container_setup(struct container *c)
{
	INIT_LIST_HEAD(&c->children);
	INIT_LIST_HEAD(&c->sibling);
	INIT_LIST_HEAD(&c->sets);
	INIT_LIST_HEAD(&c->attrs);
	INIT_LIST_HEAD(&c->extra_files);
	c->self.container = c;
	refcount_set(&c->ref, 1);
}

/**
 * container_init_root - make the root container of a hierarchy
 * @root: zeroed memory within @hierarchy, which outlives it
 * @hierarchy: the hierarchy
 */
void container_init_root(struct container *root, struct hierarchy *hierarchy)
{
	container_setup(root);
	root->hierarchy = hierarchy;
	root->state_users = 1;
	hierarchy->nr_containers = 1;
}

/**
 * container_new - make a container that is not in the tree yet
 * @parent: the container that it will go into
 * @name: its name there, copied; that it is unique is the caller's business
 * @uid: the owner of its files
 * @gid: the group of its files
 *
 * It inherits @parent's notify_on_release.
 *
 * Context: Process context, may sleep; the caller holds container_mutex.
 * Return: the container, with one reference, which container_remove() gives back;
 * ERR_PTR(-ENAMETOOLONG) if the tree would be deeper than CONTAINER_DEPTH_MAX; or ERR_PTR(-ENOMEM).
 */
struct container *container_new(struct container *parent, const char *name, kuid_t uid,
				kgid_t gid)
{
	struct container *c;

	lockdep_assert_held(&container_mutex);
	if (parent->depth == CONTAINER_DEPTH_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return ERR_PTR(-ENOMEM);
	container_setup(c);
	c->hierarchy = parent->hierarchy;
	c->parent = container_get(parent);
	c->depth = parent->depth + 1;
	c->self.parent = &parent->self;
	c->uid = uid;
	c->gid = gid;
	c->name = kstrdup(name, GFP_KERNEL_ACCOUNT);
	if (!c->name) {
		container_put(c);
		return ERR_PTR(-ENOMEM);
	}
	if (test_bit(CONTAINER_NOTIFY_ON_RELEASE, &parent->flags))
		set_bit(CONTAINER_NOTIFY_ON_RELEASE, &c->flags);
	return c;
}

/**
 * container_add - put a new container into its tree
 * @c: what container_new() has made
 *
 * Context: Process context; the caller holds container_mutex and the i_rwsem of the parent's
 * directory.
 */
void container_add(struct container *c)
{
	lockdep_assert_held(&container_mutex);
	c->serial = ++c->hierarchy->last_serial;
	c->hierarchy->nr_containers++;
	clear_bit(CONTAINER_TOLD, &c->parent->flags);
	list_add_tail(&c->sibling, &c->parent->children);
}

/**
 * container_remove - take a container out of its tree
 * @c: the container, not a root
 *
 * No task can come in meanwhile: a fork puts tasks only where there is one already, and moving one
 * in takes container_mutex. Zombies do not count: a task has left before its parent can learn of
 * its death.
 *
 * Context: Process context; the caller holds container_mutex and the i_rwsem of the parent's
 * directory, and still needs the reference of container_new(), which is now its own.
 * Return: 0, and the caller calls release_cancel(), and release_announce() for the parent; -EBUSY
 * if there is a task or a child in it.
 */
int container_remove(struct container *c)
{
	lockdep_assert_held(&container_mutex);
	if (atomic_read(&c->populated) || !list_empty(&c->children))
		return -EBUSY;
	set_bit(CONTAINER_REMOVED, &c->flags);
	list_del_init(&c->sibling);
	c->hierarchy->nr_containers--;
	return 0;
}

/**
 * container_rename - give a container another name in the same parent
 * @c: the container, not a root
 * @name: the new name, copied
 *
 * Context: Process context, may sleep; takes container_mutex.
 * Return: 0 or -ENOMEM.
 */
int container_rename(struct container *c, const char *name)
{
	char *copy = kstrdup(name, GFP_KERNEL_ACCOUNT);

	if (!copy)
		return -ENOMEM;
	/* Paths are made under the same lock, so nobody sees half of a change. */
	mutex_lock(&container_mutex);
	swap(c->name, copy);
	mutex_unlock(&container_mutex);
	kfree(copy);
	return 0;
}

/**
 * container_set_notify - say whether the release agent is to be told of a container
 * @c: the container
 * @on: yes or no
 *
 * Context: Process context, may sleep; takes container_mutex.
 * Return: 0; -ENODEV if @c has been removed.
 */
int container_set_notify(struct container *c, bool on)
{
	int error = 0;

	mutex_lock(&container_mutex);
	if (container_is_removed(c))
		error = -ENODEV;
	else
		assign_bit(CONTAINER_NOTIFY_ON_RELEASE, &c->flags, on);
	mutex_unlock(&container_mutex);
	return error;
}

/**
 * container_path - the path of a container from the root of its tree
 * @c: the container
 *
 * Context: Process context, may sleep; the caller holds container_mutex.
 * Return: the path, "/" for a root; the caller frees it with kvfree(). NULL if memory is short.
 */
char *container_path(const struct container *c)
{
	const struct container *pos;
	size_t len = 1;
	char *path, *end;

	lockdep_assert_held(&container_mutex);
	for (pos = c; pos->parent; pos = pos->parent)
		len += 1 + strlen(pos->name);
	if (!c->parent)
		return kstrdup("/", GFP_KERNEL);

	/* It may be longer than any that programs may use. */
	path = kvmalloc(len, GFP_KERNEL);
	if (!path)
		return NULL;
	end = path + len - 1;
	*end = '\0';
	for (pos = c; pos->parent; pos = pos->parent) {
		len = strlen(pos->name);
		end -= len;
		memcpy(end, pos->name, len);
		*--end = '/';
	}
	return path;
}

/**
 * container_populate - one more set of the container has a task
 * @c: the container, not removed
 *
 * Context: Any; the caller holds container_mutex.
 */
void container_populate(struct container *c)
{
	lockdep_assert_held(&container_mutex);
	clear_bit(CONTAINER_TOLD, &c->flags);
	atomic_inc(&c->populated);
}

/**
 * container_depopulate - one set less of the container has a task
 * @c: the container
 *
 * Context: Any, the exit hook included; does not sleep.
 * Return: whether that was the last one; then the caller calls release_announce().
 */
bool container_depopulate(struct container *c)
{
	return atomic_dec_and_test(&c->populated);
}

/**
 * rc_count_references - how many references there are to a container
 * @state: a state of the container, in a handler of a file
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
unsigned long rc_count_references(struct rc_state *state)
{
	unsigned long nr = 0;

	mutex_lock(&container_mutex);
	if (state->container)
		nr = refcount_read(&state->container->ref);
	mutex_unlock(&container_mutex);
	return nr;
}
EXPORT_SYMBOL_GPL(rc_count_references);

/**
 * container_init - get ready for containers
 *
 * Return: 0 or -ENOMEM.
 */
int container_init(void)
{
	container_wq = alloc_workqueue("containerfs", WQ_UNBOUND, 0);
	return container_wq ? 0 : -ENOMEM;
}

/**
 * container_exit - undo container_init()
 *
 * Context: Process context; waits for work in progress, which queues no more.
 */
void container_exit(void)
{
	destroy_workqueue(container_wq);
}
