/* SPDX-License-Identifier: GPL-2.0 */
/* The switches of ftrace and kprobes, which are not to be turned off while we need these. */
#ifndef CONTAINERFS_GUARD_H
#define CONTAINERFS_GUARD_H

int guard_start(void);
int guard_stop(void);
int guard_check(void);

#endif
