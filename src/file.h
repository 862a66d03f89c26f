/* SPDX-License-Identifier: GPL-2.0 */
/* The files of a container. */
#ifndef CONTAINERFS_FILE_H
#define CONTAINERFS_FILE_H

#include <linux/fs.h>

#include <containerfs/subsys.h>

struct container;

/* A file of a container: its kind, and whose it is, NULL for the core. */
struct file_kind {
	const struct rc_cftype *type;
	struct rc_subsys *subsys;
};

/* No container has more files. */
#define FILES_MAX 1024

/* "SUBSYSTEM.NAME" */
#define FILE_NAME_SIZE (NAME_MAX + 1)

/* Those that belong to no subsystem, ended by one without a name. */
extern const struct rc_cftype core_files[];

bool file_kind_at(const struct container *c, unsigned int index, struct file_kind *kind);
size_t file_kind_name(const struct file_kind *kind, char name[FILE_NAME_SIZE]);
int file_kind_find(const struct container *c, const struct qstr *name, struct file_kind *kind);

int file_init_inode(struct inode *inode, struct container *c, const struct file_kind *kind);
void file_evict_inode(struct inode *inode);
void file_forget_attrs(struct container *c, bool all);

#endif
