/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of task entries. */
#ifndef CONTAINERFS_ENTRY_H
#define CONTAINERFS_ENTRY_H

#include <linux/gfp.h>

struct task_entry;

struct task_entry *entry_alloc(gfp_t gfp);
void entry_free(struct task_entry *entry);
void entry_free_rcu(struct task_entry *entry);

int entry_init(void);
void entry_cleanup(void);

#endif
