/* SPDX-License-Identifier: GPL-2.0 */
/* A hierarchy: one tree of containers. */
#ifndef CONTAINERFS_HIERARCHY_H
#define CONTAINERFS_HIERARCHY_H

#include "container.h"

struct container_set;

/**
 * struct hierarchy - one tree of containers
 * @id: what it is called in /proc, and its place in every set; constant
 * @root: the container of all tasks that nobody has moved; not counted as a reference to @root
 * @release_agent: the program that is told of released containers, "" for none, NULL for the
 *	default; see hierarchy_release_agent(); container_mutex
 * @last_serial: the highest container.serial so far; container_mutex
 * @nr_containers: how many containers it has, the root included; container_mutex
 */
struct hierarchy {
	int id;
	struct container root;
	char *release_agent;
	u64 last_serial;
	unsigned long nr_containers;
};

/* The tree of filesystem type `container`. */
extern struct hierarchy default_hierarchy;

/* The release agent, which is never NULL; under container_mutex. */
static inline const char *hierarchy_release_agent(const struct hierarchy *h)
{
	lockdep_assert_held(&container_mutex);
	return h->release_agent ?: "/sbin/container_release_agent";
}

void hierarchy_swap_release_agent(struct hierarchy *h, char **path);
struct container *hierarchy_container(struct hierarchy *h, const struct container_set *set);
unsigned long hierarchy_nr_tasks(struct hierarchy *h);

void hierarchy_reset(struct hierarchy *h);
void hierarchy_init(void);

#endif
