/* SPDX-License-Identifier: GPL-2.0 */
/* A container: a group of tasks, one directory of a hierarchy. */
#ifndef CONTAINERFS_CONTAINER_H
#define CONTAINERFS_CONTAINER_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include <containerfs/subsys.h>

struct hierarchy;

#define SUBSYS_MAX 16

/*
 * How many containers may be one in another. With a subsystem a fork may have to look at all that
 * are above, without a pause.
 */
#define CONTAINER_DEPTH_MAX 4096

/* Files that a subsystem has added to one container. */
struct container_files {
	struct list_head list;
	struct rc_subsys *subsys;
	const struct rc_cftype *files;
};

/* The name of a container, freed by RCU. */
struct container_name {
	struct rcu_head rcu;
	char text[];
};

/**
 * container_mutex - guards which hierarchies, containers and container sets there are
 *
 * Taken inside i_rwsem and outside task_lock(). Fork, exit and the reading of files that any user
 * may read never take it.
 */
extern struct mutex container_mutex;

/* For short work items that take container_mutex. */
extern struct workqueue_struct *container_wq;

/**
 * struct container - a group of tasks
 * @hierarchy: the tree that it belongs to; constant
 * @parent: the container above it, NULL for a root; constant; holds a reference
 * @depth: how many containers are above it; constant
 * @serial: distinguishes it from all others of its hierarchy, rising as they are made; 0 is the
 *	root; constant
 * @name: the last component of its path, NULL for a root; changed by container_rename(), read
 *	under RCU or the i_rwsem of the parent's directory
 * @children: the containers right below it, by rising @serial; changed under both container_mutex
 *	and the i_rwsem of its directory, so that either suffices to read it; or RCU
 * @sibling: in @parent's @children
 * @sets: the sets that it is part of, through set_place.link; changed under container_mutex, read
 *	under RCU. A root has none: it is what a set does not mention.
 * @sets_changes: how often @sets has changed, counted after something came and before it goes;
 *	container_mutex, read by who goes through @sets, see walk_tasks()
 * @populated: how many of @sets have a task. Rises under container_mutex only (the first task of a
 *	set is always one that was moved); falls at any time, under the lock of the set that
 *	becomes empty.
 * @flags: CONTAINER_ bits; changed under container_mutex, read at any time
 * @uid: the owner of its files, as long as nobody changes that; constant
 * @gid: likewise
 * @created: when its directory was made, in ns since the epoch; the times of its files, as long as
 *	they are not changed; constant once there is a directory
 * @attrs: attributes of its files and its directory that outlive their inodes, struct kept_attr;
 *	attr_rwsem
 * @extra_files: files that only it has, struct container_files; changed under container_mutex while
 *	nobody can look at its directory
 * @self: the state that its own files, which belong to no subsystem, are given; constant
 * @state: of each bound subsystem, by its id; changed under container_mutex, but there as long as
 *	the container has not been removed or @state_users is not 0
 * @state_users: one for being in the tree, one for each open file of a subsystem, one for each
 *	child container that has states; falls to 0 under container_mutex only
 * @ref: one for being in the tree, one for each inode, set, child and pending work
 * @release_work: announces that it has become empty; see release.c
 * @release_tries: how often that has failed for now; only @release_work uses it
 * @rcu: readers may still be looking at it
 */
struct container {
	struct hierarchy *hierarchy;
	struct container *parent;
	unsigned int depth;
	u64 serial;
	struct container_name __rcu *name;
	struct list_head children;
	struct list_head sibling;
	struct list_head sets;
	unsigned int sets_changes;
	atomic_t populated;
	unsigned long flags;
	kuid_t uid;
	kgid_t gid;
	s64 created;
	struct hlist_head attrs;
	struct list_head extra_files;
	struct rc_state self;
	struct rc_state *state[SUBSYS_MAX];
	atomic_t state_users;
	refcount_t ref;
	struct delayed_work release_work;
	unsigned int release_tries;
	struct rcu_head rcu;
};

#define CONTAINER_NOTIFY_ON_RELEASE 0 /* the agent is told when it becomes empty */
#define CONTAINER_REMOVED 1 /* rmdir has been: no task and no child can come in any more */
#define CONTAINER_TOLD 2 /* it was announced since it became empty; container_mutex */

/* The last component of the path of a container that is not a root, see container.name. */
static inline const char *container_name(const struct container *c)
{
	return rcu_dereference_raw(c->name)->text;
}

static inline bool container_is_removed(const struct container *c)
{
	return test_bit(CONTAINER_REMOVED, &c->flags);
}

static inline struct container *container_get(struct container *c)
{
	refcount_inc(&c->ref);
	return c;
}

void container_put(struct container *c);

void container_init_root(struct container *root, struct hierarchy *hierarchy);
struct container *container_new(struct container *parent, const char *name, kuid_t uid,
				kgid_t gid);
void container_add(struct container *c);
int container_remove(struct container *c);
int container_rename(struct container *c, const char *name);
int container_set_notify(struct container *c, bool on);
char *container_path(const struct container *c);
void container_populate(struct container *c);
bool container_depopulate(struct container *c);

int container_init(void);
void container_exit(void);

#endif
