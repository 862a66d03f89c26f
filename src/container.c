// SPDX-License-Identifier: GPL-2.0
/* Containers: making and removing them, their paths and flags, and whether they are populated. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "container.h"
#include "hierarchy.h"

DEFINE_MUTEX(container_mutex); /* which containers and sets there are; see container.h */
struct workqueue_struct *container_wq;

/*
 * Serializes renames, and lets container_path() see that one came in between. Nothing else is done
 * under the mutex, so only a rename ever waits for a path that is being made.
 */
static DEFINE_MUTEX(rename_mutex);
static seqcount_mutex_t rename_count = SEQCNT_MUTEX_ZERO(rename_count, &rename_mutex);

static struct container_name *name_new(const char *text)
{
	size_t size = strlen(text) + 1;
	struct container_name *name = kmalloc(struct_size(name, text, size), GFP_KERNEL_ACCOUNT);

	if (name)
		memcpy(name->text, text, size);
	return name;
}

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
			struct container_name *name = rcu_access_pointer(c->name);

			if (name)
				kfree_rcu(name, rcu);
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
	INIT_HLIST_HEAD(&c->attrs);
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
	atomic_set(&root->state_users, 1);
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
	RCU_INIT_POINTER(c->name, name_new(name));
	if (!rcu_access_pointer(c->name)) {
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
	WRITE_ONCE(c->hierarchy->nr_containers, c->hierarchy->nr_containers + 1);
	clear_bit(CONTAINER_TOLD, &c->parent->flags);
	list_add_tail_rcu(&c->sibling, &c->parent->children);
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
	list_del_rcu(&c->sibling);
	WRITE_ONCE(c->hierarchy->nr_containers, c->hierarchy->nr_containers - 1);
	return 0;
}

/**
 * container_rename - give a container another name in the same parent
 * @c: the container, not a root
 * @name: the new name, copied
 *
 * Context: Process context, may sleep; takes rename_mutex. The caller holds the i_rwsem of the
 * parent's directory.
 * Return: 0 or -ENOMEM.
 */
int container_rename(struct container *c, const char *name)
{
	struct container_name *new = name_new(name), *old;

	if (!new)
		return -ENOMEM;
	mutex_lock(&rename_mutex);
	write_seqcount_begin(&rename_count);
	old = rcu_replace_pointer(c->name, new, lockdep_is_held(&rename_mutex));
	write_seqcount_end(&rename_count);
	mutex_unlock(&rename_mutex);
	kfree_rcu(old, rcu);
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

/* The length of a path without the final NUL; 0 for a root. */
static size_t path_length(const struct container *c)
{
	size_t len = 0;

	for (; c->parent; c = c->parent) {
		rcu_read_lock();
		len += 1 + strlen(container_name(c));
		rcu_read_unlock();
		cond_resched();
	}
	return len;
}

/* Put a path at the end of @path[0..@len). Returns what is left in front of it, or -ENOSPC. */
static ssize_t path_copy(const struct container *c, char *path, size_t len)
{
	const char *name;
	size_t name_len;
	bool fits;

	for (; c->parent; c = c->parent) {
		rcu_read_lock();
		name = container_name(c);
		name_len = strlen(name);
		fits = name_len < len;
		if (fits) {
			len -= name_len;
			memcpy(path + len, name, name_len);
			path[--len] = '/';
		}
		rcu_read_unlock();
		if (!fits)
			return -ENOSPC;
		cond_resched();
	}
	return len;
}

/* Make a path without a lock. Returns -EAGAIN if something was renamed meanwhile. */
static char *path_try(const struct container *c)
{
	unsigned int count = read_seqcount_begin(&rename_count);
	size_t len = path_length(c);
	char *path = kvmalloc(len + 1, GFP_KERNEL);

	if (!path)
		return NULL;
	path[len] = '\0';
	if (!path_copy(c, path, len) && !read_seqcount_retry(&rename_count, count))
		return path;
	kvfree(path);
	return ERR_PTR(-EAGAIN);
}

/* Make a path while renames wait, for as long as it takes to copy at most the longest path. */
static char *path_locked(const struct container *c)
{
	size_t len = c->depth * (NAME_MAX + 1);
	char *path = kvmalloc(len + 1, GFP_KERNEL);
	ssize_t start;

	if (!path)
		return NULL;
	path[len] = '\0';
	mutex_lock(&rename_mutex);
	start = path_copy(c, path, len);
	mutex_unlock(&rename_mutex);
	if (WARN_ON_ONCE(start < 0)) {
		kvfree(path);
		return NULL;
	}
	memmove(path, path + start, len + 1 - start);
	return path;
}

/**
 * container_path - the path of a container from the root of its tree
 * @c: the container; the caller has a reference, which keeps those above it, too
 *
 * All names in it are of one moment. Takes no lock, unless something is renamed again and again.
 *
 * Context: Process context, may sleep.
 * Return: the path, "/" for a root; the caller frees it with kvfree(). NULL if memory is short.
 */
char *container_path(const struct container *c)
{
	char *path = ERR_PTR(-EAGAIN);
	int tries;

	if (!c->parent)
		return kstrdup("/", GFP_KERNEL);
	for (tries = 0; path == ERR_PTR(-EAGAIN) && tries < 3; tries++)
		path = path_try(c);
	return path == ERR_PTR(-EAGAIN) ? path_locked(c) : path;
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
 * Context: Process context.
 */
unsigned long rc_count_references(struct rc_state *state)
{
	const struct container *c;
	unsigned long nr;

	/* Keeps a root that the subsystem is being unbound from. */
	rcu_read_lock();
	c = READ_ONCE(state->container);
	nr = c ? refcount_read(&c->ref) : 0;
	rcu_read_unlock();
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
