/* SPDX-License-Identifier: GPL-2.0 */
/* The files of a container. */
#ifndef CONTAINERFS_FILE_H
#define CONTAINERFS_FILE_H

#include <linux/fs.h>
#include <linux/seq_file.h>

struct container;

/**
 * struct rc_cftype - a kind of file that containers have
 * @name: its name
 * @root_only: only root containers have it
 * @max_write: the longest write that is taken, in bytes; 0 for PATH_MAX - 1
 * @open: called at open; may refuse; returns file_open_show() or does likewise, with a seq_file in
 *	file->private_data if the file is open for reading
 * @release: undoes what @open did instead of file_open_show(); goes with it
 * @read_u64: what reading shows, if it is a number
 * @seq_show: what reading shows, if it is not
 * @write_u64: called with the unsigned decimal number that was written; else -EINVAL is returned
 * @write: called with what was written, @len bytes and a NUL, which it may change
 *
 * All may be missing; what cannot be read or written then is -EINVAL. All may sleep, are called
 * with the container referenced and without locks, and not begun once it has been removed.
 */
struct rc_cftype {
	const char *name;
	bool root_only;
	size_t max_write;
	int (*open)(struct container *c, struct file *file);
	int (*release)(struct inode *inode, struct file *file);
	u64 (*read_u64)(struct container *c);
	int (*seq_show)(struct seq_file *m, struct container *c);
	int (*write_u64)(struct container *c, u64 value);
	int (*write)(struct container *c, struct file *file, char *buf, size_t len);
};

/* No container has more files. */
#define FILES_MAX 1024

extern const struct file_operations container_file_operations;
extern const struct inode_operations container_file_inode_operations;

const struct rc_cftype *file_type(const struct container *c, unsigned int index);
int file_type_index(const struct container *c, const struct qstr *name);
void file_init_inode(struct inode *inode, struct container *c, const struct rc_cftype *type);
void file_forget_attrs(struct container *c);

#endif
