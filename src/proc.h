/* SPDX-License-Identifier: GPL-2.0 */
/* The files in /proc. */
#ifndef CONTAINERFS_PROC_H
#define CONTAINERFS_PROC_H

#include <linux/types.h>

struct hook;

/* The hooks that proc_init() arms; hook_init() is told of them. */
#define PROC_HOOKS 2
extern struct hook *const proc_hooks[PROC_HOOKS];

int proc_init(bool task_files);
void proc_exit(void);
void proc_wait_unused(void);

#endif
