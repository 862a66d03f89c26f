/* SPDX-License-Identifier: GPL-2.0 */
/* The files in /proc. */
#ifndef CONTAINERFS_PROC_H
#define CONTAINERFS_PROC_H

#include <linux/types.h>

int proc_init(bool task_files);
void proc_exit(void);
void proc_wait_unused(void);

#endif
