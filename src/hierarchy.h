/* SPDX-License-Identifier: GPL-2.0 */
/* Hierarchies: trees of containers, with the subsystems that are bound to them. */
#ifndef CONTAINERFS_HIERARCHY_H
#define CONTAINERFS_HIERARCHY_H

#include "container.h"
#include "set.h"

struct fs_context;
struct seq_file;

#define HIERARCHY_NAME_MAX 63

/**
 * struct hierarchy_label - what a hierarchy is called: its subsystems, and name=NAME if it has one
 * @rcu: readers may still be looking at it
 * @subsystems: is there a subsystem in it?
 * @text: as in mount options, separated by commas
 */
struct hierarchy_label {
	struct rcu_head rcu;
	bool subsystems;
	char text[];
};

/**
 * struct hierarchy - one tree of containers
 * @id: what it is called in /proc, and its place in every set; constant
 * @name: what name= has given it, or NULL; constant
 * @name_text: the memory of @name
 * @label: made of @name and @subsys_mask; NULL without both; container_mutex, read under RCU
 * @subsys_mask: the subsystems that are bound to it, by their ids; container_mutex. Changes only
 *	while there is no container but the root and no state of a removed one.
 * @root: the container of all tasks that nobody has moved. Its last reference frees the hierarchy.
 * @release_agent: the program that is told of released containers, "" for none, NULL for the
 *	default; see hierarchy_release_agent(); release_agent_lock
 * @last_serial: the highest container.serial so far; container_mutex
 * @nr_containers: how many containers it has, the root included; container_mutex, read at any time
 * @nr_states: how many containers but the root have states of subsystems, also those that have been
 *	removed while a file was open; container_mutex
 * @users: its superblock, and mounts that are under way; container_mutex. A superblock has a use
 *	itself for each child container.
 */
struct hierarchy {
	int id;
	char *name;
	char name_text[HIERARCHY_NAME_MAX + 1];
	struct hierarchy_label __rcu *label;
	unsigned long subsys_mask;
	struct container root;
	char *release_agent;
	u64 last_serial;
	unsigned long nr_containers;
	unsigned long nr_states;
	unsigned int users;
};

/**
 * struct hierarchy_options - which hierarchy a mount asks for
 * @subsystems: names of subsystems
 * @nr_subsystems: how many
 * @all: all that are registered
 * @none: no subsystem
 * @name: the name, or NULL
 */
struct hierarchy_options {
	char *subsystems[SUBSYS_MAX];
	unsigned int nr_subsystems;
	bool all;
	bool none;
	char *name;
};

/* The tree of filesystem type `container`. */
extern struct hierarchy default_hierarchy;

/* Guards hierarchy.release_agent. */
extern spinlock_t release_agent_lock;

/* The release agent, which is never NULL; under release_agent_lock. */
static inline const char *hierarchy_release_agent(const struct hierarchy *h)
{
	lockdep_assert_held(&release_agent_lock);
	return h->release_agent ?: "/sbin/container_release_agent";
}

/* Which container of a hierarchy a set stands for; NULL is that of all roots. */
static inline struct container *hierarchy_container(struct hierarchy *h,
						    const struct container_set *set)
{
	return container_set_place(set, h->id) ?: &h->root;
}

struct hierarchy *hierarchy_by_id(unsigned int id);
struct hierarchy *hierarchy_mount(struct fs_context *fc, const struct hierarchy_options *options);
int hierarchy_bind_default(struct fs_context *fc, const struct hierarchy_options *options);
int hierarchy_check_remount(struct fs_context *fc, struct hierarchy *h,
			    const struct hierarchy_options *options);
void hierarchy_get(struct hierarchy *h);
void hierarchy_put(struct hierarchy *h);
void hierarchy_swap_release_agent(struct hierarchy *h, char **path);
char *hierarchy_copy_release_agent(struct hierarchy *h);
void hierarchy_show_label(struct seq_file *m, const struct hierarchy *h);

struct container *hierarchy_mkdir(struct container *parent, const char *name, kuid_t uid,
				  kgid_t gid);
int hierarchy_rmdir(struct container *c);

int hierarchy_init(unsigned int max);

#endif
