/* SPDX-License-Identifier: GPL-2.0 */
/* The files of a container. */
#ifndef CONTAINERFS_FILE_H
#define CONTAINERFS_FILE_H

#include <linux/fs.h>

#include <containerfs/subsys.h>

struct container;

/**
 * struct file_kind - identifies a file of a container
 * @type: what it does, NULL for the container's directory
 * @subsys: the subsystem that it belongs to, NULL for the core
 * @nr: its number among the files of @subsys; depends on no other subsystem
 * @binding: @subsys->binding when the container had the file: after an unbind and a bind the file
 *	is another one, although all else is the same
 */
struct file_kind {
	const struct rc_cftype *type;
	struct rc_subsys *subsys;
	unsigned int nr;
	unsigned int binding;
};

static inline bool file_kind_equal(const struct file_kind *a, const struct file_kind *b)
{
	return a->type == b->type && a->subsys == b->subsys && a->nr == b->nr &&
	       a->binding == b->binding;
}

/**
 * struct file_node - the private data of a file's inode
 * @kind: the file; constant
 * @container: the container that the file belongs to; constant; holds a reference
 * @ino: the inode number; constant
 * @rcu: a lookup may still compare an inode that is being evicted
 */
struct file_node {
	struct file_kind kind;
	struct container *container;
	u64 ino;
	struct rcu_head rcu;
};

static inline const struct file_node *inode_node(const struct inode *inode)
{
	return inode->i_private;
}

static inline const struct file_kind *inode_kind(const struct inode *inode)
{
	return &inode_node(inode)->kind;
}

/* No container has more files, and neither the core nor a subsystem more than its share of them. */
#define FILES_MAX 1024
#define FILES_SHARE 60

/* "SUBSYSTEM.NAME" */
#define FILE_NAME_SIZE (NAME_MAX + 1)

/* Those that belong to no subsystem, ended by one without a name. */
extern const struct rc_cftype core_files[];

bool file_kind_at(const struct container *c, unsigned int index, struct file_kind *kind);
size_t file_kind_name(const struct file_kind *kind, char name[FILE_NAME_SIZE]);
bool file_kind_find(const struct container *c, const struct qstr *name, struct file_kind *kind);
bool file_kind_is_live(const struct container *c, const struct file_kind *kind);

/* Those of every file's inode */
extern const struct file_operations file_operations;

#endif
