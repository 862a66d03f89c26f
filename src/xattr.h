/* SPDX-License-Identifier: GPL-2.0 */
/* Extended attributes of directories and files. */
#ifndef CONTAINERFS_XATTR_H
#define CONTAINERFS_XATTR_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xattr.h>

#include "compat.h"

/* Limits for user.*, as cgroup has them, and for all others, of one file or directory */
#define XATTR_NR_MAX 128
#define XATTR_TOTAL_MAX (128 << 10)

extern const struct xattr_handler *compat_xattr_const xattr_handlers[];

ssize_t xattr_list(struct dentry *dentry, char *buffer, size_t size);
void xattr_free_all(struct list_head *xattrs);

#endif
