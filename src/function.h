/* SPDX-License-Identifier: GPL-2.0 */
/* Functions of the kernel that ftrace is to call us for. */
#ifndef CONTAINERFS_FUNCTION_H
#define CONTAINERFS_FUNCTION_H

#include <linux/types.h>

struct ftrace_ops;

/**
 * struct function - a function of the kernel, by name
 * @symbol: its name
 * @address: where it is; 0 until functions_find() has found it
 * @error: why it has not been found
 */
struct function {
	const char *symbol;
	unsigned long address;
	int error;
};

int functions_find(struct function *const *functions, size_t nr);
int function_find(const char *symbol, unsigned long *address);
int function_filter(struct ftrace_ops *ops, unsigned long *addresses, unsigned int nr);

#endif
