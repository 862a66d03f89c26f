/* SPDX-License-Identifier: GPL-2.0 */
/* Trees of type rcfs, the subsystems that are bound to them, and what /proc shows of both. */
#ifndef CONTAINERFS_SELFTESTS_RCFS_H
#define CONTAINERFS_SELFTESTS_RCFS_H

#include "common.h"

/* Where the tests mount trees. Containers are named by the path of their directory. */
#define ONE "/tmp/one"
#define TWO "/tmp/two"
#define THREE "/tmp/three"

/* Mount a tree at a directory, which is made; by mount(2), and by a filesystem context. */
int mount_at_once(const char *type, const char *directory, const char *options);
int mount_in_steps(const char *type, const char *directory, const char *options);
int mount_rcfs(const char *directory, const char *options);
int make_at(const char *directory);

/* Ends the children and all that they have made, but for who has left the process group. */
void end_children(void);
/* The same, then removes all containers of all trees, and unmounts them all. */
int clear_trees(void);

/* debug, cpuacct and numtasks, in this order */
int load_subsystems(void);
int unload_subsystems(void);

/*
 * A tree is called in /proc by the names of its subsystems, as "debug,cpuacct", and its own, as
 * "name=x"; "" is the default tree without any.
 */

/* From /proc/containers; -1 if there is no such tree */
int tree_id(const char *tree);
int tree_containers(const char *tree);
int tree_tasks(const char *tree);
/* The number of trees without the default one */
int count_trees(void);

/* From /proc/rc_subsys; -1 if there is no such subsystem */
int subsys_tree_id(const char *subsystem);
int subsys_containers(const char *subsystem);

/* A thread's container in a tree as /proc has it; lives as text() does. */
const char *path_in(const char *tree, pid_t tid);

/* A child that does nothing, in two containers; either may be NULL. */
pid_t sleeper_in(const char *first, const char *second);

/* The number in a file, or a negative error */
long long number(const char *path);

#endif
