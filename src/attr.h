/* SPDX-License-Identifier: GPL-2.0 */
/* The inodes of files, and the attributes that outlive an inode. */
#ifndef CONTAINERFS_ATTR_H
#define CONTAINERFS_ATTR_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/rwsem.h>

#include "compat.h"
#include "file.h"

struct container;

/**
 * attr_rwsem - guards container.attrs and all that hangs there
 *
 * Taken inside i_rwsem; no lock of this module is taken inside it.
 */
extern struct rw_semaphore attr_rwsem;

/* The extended attributes that one limit is for: their number and the size of their values */
struct xattr_use {
	unsigned int nr;
	size_t size;
};

/**
 * struct kept_attr - what a container keeps of a file or its directory
 * @node: in container.attrs
 * @kind: the file, with a reference to the module of its subsystem; of the directory all is zero
 * @mode: of a file, the mode that its next inode has; the inode of a directory is never evicted
 * @uid: likewise
 * @gid: likewise
 * @times: likewise
 * @xattrs: struct xattr_entry
 * @user_xattrs: those of @xattrs that any user with the right to write may set
 * @other_xattrs: the others, for which users must not take the space
 */
struct kept_attr {
	struct hlist_node node;
	struct file_kind kind;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	struct compat_times times;
	struct list_head xattrs;
	struct xattr_use user_xattrs;
	struct xattr_use other_xattrs;
};

struct kept_attr *kept_attr_alloc(void);
struct kept_attr *kept_attr_find(const struct inode *inode);
struct kept_attr *kept_attr_get(const struct inode *inode, struct kept_attr **spare);

struct inode *file_inode_get(struct super_block *sb, struct container *c,
			     const struct file_kind *kind, u64 ino);
void file_evict_inode(struct inode *inode);
void file_forget_attrs(struct container *c, bool all);

#endif
