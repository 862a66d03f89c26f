/* SPDX-License-Identifier: GPL-2.0 */
/* Listing the tasks of a container. */
#ifndef CONTAINERFS_LIST_H
#define CONTAINERFS_LIST_H

#include <linux/types.h>

struct container;
struct pid_namespace;

int task_list(struct container *c, struct pid_namespace *ns, pid_t **pids, size_t *nr);

#endif
