/* SPDX-License-Identifier: GPL-2.0 */
/* Functions of the kernel that ftrace is to call us for. */
#ifndef CONTAINERFS_FUNCTION_H
#define CONTAINERFS_FUNCTION_H

struct ftrace_ops;

int function_find(const char *symbol, unsigned long *address);
int function_filter(struct ftrace_ops *ops, unsigned long address);

#endif
