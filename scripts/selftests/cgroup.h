/* SPDX-License-Identifier: GPL-2.0 */
/* A group of the kernel's own: it refuses forks, and counts the time of all that ran in it. */
#ifndef CONTAINERFS_SELFTESTS_CGROUP_H
#define CONTAINERFS_SELFTESTS_CGROUP_H

#include "common.h"

/* To drop it waits until nobody is in it. */
int cgroup_make(void);
int cgroup_drop(void);

/* Let no more tasks be in it; an error where there is no pids controller. */
int cgroup_limit(unsigned int tasks);

/* Move there, with all children to come. */
int cgroup_enter(void);

/* The time of all that are and were in it, in nanoseconds */
long long cgroup_usage(void);

#endif
