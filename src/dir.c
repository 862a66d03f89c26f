// SPDX-License-Identifier: GPL-2.0
/* Directories: one for each container, with its files and the containers below it. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "attr.h"
#include "compat.h"
#include "dir.h"
#include "file.h"
#include "hierarchy.h"
#include "hook.h"
#include "xattr.h"

static const struct inode_operations dir_inode_operations;
static const struct file_operations dir_operations;

/* The inode number of a container's directory; those of its files follow. */
static u64 dir_ino(const struct container *c)
{
	return c->serial * FILES_MAX + 1;
}

/* The inode number of a file; it stays when other subsystems are bound and unbound. */
static u64 file_ino(const struct container *c, const struct file_kind *kind)
{
	const unsigned int owner = kind->subsys ? kind->subsys->id + 1 : 0;

	BUILD_BUG_ON(1 + (SUBSYS_MAX + 1) * FILES_SHARE > FILES_MAX);
	return dir_ino(c) + 1 + owner * FILES_SHARE + kind->nr;
}

static struct container *dir_container(const struct inode *dir)
{
	return dir->i_private;
}

/**
 * dir_new_inode - a directory's inode, that becomes a container's with dir_set_container()
 * @sb: the superblock
 * @parent: the directory that it will be in, NULL for a root
 * @mode: its permissions
 *
 * Context: Process context, may sleep.
 * Return: the inode, for iput(), or NULL.
 */
struct inode *dir_new_inode(struct super_block *sb, struct inode *parent, umode_t mode)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	inode_init_owner(compat_nop_idmap, inode, parent, S_IFDIR | mode);
	compat_init_times(inode);
	inode->i_op = &dir_inode_operations;
	inode->i_fop = &dir_operations;
	/* "." has a link too. */
	inc_nlink(inode);
	return inode;
}

/**
 * dir_set_container - make a directory that of a container
 * @inode: the directory
 * @c: the container; the inode takes a reference, for dir_evict_inode() to give back
 */
void dir_set_container(struct inode *inode, struct container *c)
{
	struct compat_times times;

	compat_get_times(inode, &times);
	c->created = timespec64_to_ns(&times.mtime);
	inode->i_private = container_get(c);
	inode->i_ino = dir_ino(c);
}

static struct dentry *dir_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct container *c = dir_container(dir);
	struct file_kind kind;

	/* Directories are in the dcache as long as they exist; files are found anew. */
	if (!file_kind_find(c, &dentry->d_name, &kind))
		return simple_lookup(dir, dentry, flags);
	return d_splice_alias(file_inode_get(dir->i_sb, c, &kind, file_ino(c, &kind)), dentry);
}

/* A name that could not be told from two in what the release agent or /proc shows. */
static bool name_is_bad(const struct dentry *dentry)
{
	return strchr(dentry->d_name.name, '\n');
}

static int dir_make(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct super_block *sb = dir->i_sb;
	struct container *c;
	struct inode *inode;
	int error;

	if (name_is_bad(dentry))
		return -EINVAL;
	error = fork_hooks_get();
	if (error)
		return error;
	inode = dir_new_inode(sb, dir, mode);
	c = inode ? hierarchy_mkdir(dir_container(dir), dentry->d_name.name, inode->i_uid,
				   inode->i_gid) : ERR_PTR(-ENOMEM);
	if (IS_ERR(c)) {
		iput(inode);
		fork_hooks_put();
		return PTR_ERR(c);
	}
	dir_set_container(inode, c);
	container_put(c);
	/* As long as there is a child container, the tree outlives its umount. */
	atomic_inc(&sb->s_active);
	compat_pin(dentry, inode);
	inc_nlink(dir);
	compat_touch(dir);
	return 0;
}

static compat_mkdir_t dir_mkdir(struct compat_idmap *idmap, struct inode *dir,
				struct dentry *dentry, umode_t mode)
{
	return compat_mkdir_result(dir_make(dir, dentry, mode));
}

static int dir_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct super_block *sb = dir->i_sb;
	int error = hierarchy_rmdir(dir_container(inode));

	if (error)
		return error;
	file_forget_attrs(dir_container(inode), true);
	clear_nlink(inode);
	compat_touch_ctime(inode);
	drop_nlink(dir);
	compat_touch(dir);
	compat_unpin(dentry);
	fork_hooks_put();
	/* Not the last one: the caller came here by a mount, and that has one too. */
	deactivate_super(sb);
	return 0;
}

static int dir_rename(struct compat_idmap *idmap, struct inode *old_dir,
		      struct dentry *old_dentry, struct inode *new_dir,
		      struct dentry *new_dentry, unsigned int flags)
{
	int error;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	if (!d_is_dir(old_dentry))
		return -ENOTDIR;
	if (d_really_is_positive(new_dentry))
		return -EEXIST;
	if (old_dir != new_dir)
		return -EIO;
	if (name_is_bad(new_dentry))
		return -EINVAL;
	error = container_rename(dir_container(d_inode(old_dentry)), new_dentry->d_name.name);
	if (error)
		return error;
	compat_touch_ctime(d_inode(old_dentry));
	compat_touch(old_dir);
	return 0;
}

static const struct inode_operations dir_inode_operations = {
	.lookup = dir_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
	.setattr = simple_setattr,
	.listxattr = xattr_list,
};

/* So many children are listed at a time, because mkdir and rmdir wait for i_rwsem meanwhile. */
#define CHILDREN_MAX 1024

/*
 * Positions: the two dots, the files, then the child containers by their serial numbers, which only
 * rise, so that what comes and goes meanwhile shows nothing else twice or not at all.
 */
static int dir_iterate(struct file *file, struct dir_context *ctx)
{
	const loff_t first_child = 2 + FILES_MAX;
	unsigned int left = CHILDREN_MAX;
	struct container *c = dir_container(file_inode(file)), *child;
	char name[FILE_NAME_SIZE];
	struct file_kind kind;
	size_t len;

	if (!dir_emit_dots(file, ctx))
		return 0;
	while (ctx->pos < first_child && file_kind_at(c, ctx->pos - 2, &kind)) {
		len = file_kind_name(&kind, name);
		if (!dir_emit(ctx, name, len, file_ino(c, &kind), DT_REG))
			return 0;
		ctx->pos++;
	}
	/* The directory's i_rwsem, held for us, keeps the list and the names. */
	list_for_each_entry(child, &c->children, sibling) {
		if (first_child + child->serial < ctx->pos)
			continue;
		ctx->pos = first_child + child->serial;
		if (!dir_emit(ctx, container_name(child), strlen(container_name(child)),
			      dir_ino(child), DT_DIR))
			return 0;
		ctx->pos++;
		/* The caller comes again. */
		if (!--left)
			return 0;
	}
	return 0;
}

static const struct file_operations dir_operations = {
	.owner = THIS_MODULE,
	.llseek = generic_file_llseek,
	.read = generic_read_dir,
	.iterate_shared = dir_iterate,
	.fsync = noop_fsync,
};

/**
 * dir_evict_inode - for super_operations.evict_inode, of directories and files
 * @inode: the inode
 */
void dir_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (S_ISDIR(inode->i_mode))
		container_put(dir_container(inode));
	else
		file_evict_inode(inode);
}
