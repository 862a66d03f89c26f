/* SPDX-License-Identifier: GPL-2.0 */
/* The directories of containers. */
#ifndef CONTAINERFS_DIR_H
#define CONTAINERFS_DIR_H

#include <linux/types.h>

struct container;
struct inode;
struct super_block;

struct inode *dir_new_inode(struct super_block *sb, struct inode *parent, umode_t mode);
void dir_set_container(struct inode *inode, struct container *c);
void dir_evict_inode(struct inode *inode);

#endif
