// SPDX-License-Identifier: GPL-2.0
/* Hierarchies: the default tree, and what is asked of any tree. */
#include <linux/slab.h>
#include <linux/string.h>

#include "hierarchy.h"
#include "set.h"

struct hierarchy default_hierarchy = {
	.nr_containers = 1,
};

/**
 * hierarchy_swap_release_agent - set the program that is told of released containers
 * @h: the hierarchy
 * @path: its path, "" for none, allocated, or NULL for the default; afterwards the old one, for the
 *	caller to free
 *
 * That the caller may do so has been checked.
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
void hierarchy_swap_release_agent(struct hierarchy *h, char **path)
{
	mutex_lock(&container_mutex);
	swap(h->release_agent, *path);
	mutex_unlock(&container_mutex);
}

/**
 * hierarchy_container - which container of a hierarchy a set stands for
 * @h: the hierarchy
 * @set: the set, or NULL for that of all roots
 *
 * Context: Any. Under container_mutex the container stays; under RCU its memory does.
 */
struct container *hierarchy_container(struct hierarchy *h, const struct container_set *set)
{
	return container_set_place(set, h->id) ?: &h->root;
}

/**
 * hierarchy_nr_tasks - how many tasks are in a container of the hierarchy other than its root
 * @h: the hierarchy
 *
 * Context: Process context; the caller holds container_mutex.
 */
unsigned long hierarchy_nr_tasks(struct hierarchy *h)
{
	return container_sets_count_tasks(h->id);
}

/**
 * hierarchy_reset - forget what was set of a hierarchy that is in use no more
 * @h: the hierarchy: not mounted, without a container but the root
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
void hierarchy_reset(struct hierarchy *h)
{
	char *agent = NULL;

	hierarchy_swap_release_agent(h, &agent);
	kfree(agent);
	container_set_notify(&h->root, false);
}

/**
 * hierarchy_init - make the default hierarchy
 */
void hierarchy_init(void)
{
	container_init_root(&default_hierarchy.root, &default_hierarchy);
}
