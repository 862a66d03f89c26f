// SPDX-License-Identifier: GPL-2.0
/* The filesystem: types, mount options, superblocks, directories. */
#include <linux/cred.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "file.h"
#include "fs.h"
#include "hierarchy.h"
#include "hook.h"

#define CONTAINER_SUPER_MAGIC 0x27e0eb

static const struct inode_operations dir_inode_operations;
static const struct file_operations dir_operations;

/* The inode numbers of a container's directory and, from the next on, its files. */
static u64 dir_ino(const struct container *c)
{
	return c->serial * FILES_MAX + 1;
}

static struct container *dir_container(const struct inode *dir)
{
	return dir->i_private;
}

/* A directory's inode; it becomes that of a container with dir_set_container(). */
static struct inode *dir_new_inode(struct super_block *sb, struct inode *parent, umode_t mode)
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

static void dir_set_container(struct inode *inode, struct container *c)
{
	inode->i_private = container_get(c);
	inode->i_ino = dir_ino(c);
}

static struct dentry *dir_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct container *c = dir_container(dir);
	int index = file_type_index(c, &dentry->d_name);
	struct inode *inode;

	/* Directories are in the dcache as long as they exist; files are found anew. */
	if (index < 0)
		return simple_lookup(dir, dentry, flags);
	inode = new_inode(dir->i_sb);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	compat_init_times(inode);
	inode->i_ino = dir_ino(c) + 1 + index;
	file_init_inode(inode, c, file_type(c, index));
	return d_splice_alias(inode, dentry);
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
	inode = dir_new_inode(sb, dir, mode & 0755);
	c = inode ? container_create(dir_container(dir), dentry->d_name.name, inode->i_uid,
				     inode->i_gid) : ERR_PTR(-ENOMEM);
	if (IS_ERR(c)) {
		iput(inode);
		fork_hooks_put();
		return PTR_ERR(c);
	}
	dir_set_container(inode, c);
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
	int error = container_remove(dir_container(inode));

	if (error)
		return error;
	file_forget_attrs(dir_container(inode));
	clear_nlink(inode);
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
	if (!error)
		compat_touch(old_dir);
	return error;
}

static const struct inode_operations dir_inode_operations = {
	.lookup = dir_lookup,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.rename = dir_rename,
	.setattr = simple_setattr,
};

/*
 * Positions: the two dots, the files, then the child containers by their serial numbers, which only
 * rise, so that what comes and goes meanwhile shows nothing else twice or not at all.
 */
static int dir_iterate(struct file *file, struct dir_context *ctx)
{
	const loff_t first_child = 2 + FILES_MAX;
	struct container *c = dir_container(file_inode(file)), *child;
	const struct rc_cftype *type;

	if (!dir_emit_dots(file, ctx))
		return 0;
	while (ctx->pos < first_child && (type = file_type(c, ctx->pos - 2))) {
		if (!dir_emit(ctx, type->name, strlen(type->name), dir_ino(c) + ctx->pos - 1,
			      DT_REG))
			return 0;
		ctx->pos++;
	}
	/* The directory's i_rwsem, held for us, keeps the list and the names. */
	list_for_each_entry(child, &c->children, sibling) {
		if (first_child + child->serial < ctx->pos)
			continue;
		ctx->pos = first_child + child->serial;
		if (!dir_emit(ctx, child->name, strlen(child->name), dir_ino(child), DT_DIR))
			return 0;
		ctx->pos++;
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

static void fs_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (S_ISDIR(inode->i_mode))
		container_put(dir_container(inode));
}

/* The last use of the tree is gone: no mount, no child. The next mount finds it as if new. */
static void fs_put_super(struct super_block *sb)
{
	struct hierarchy *h = sb->s_fs_info;

	file_forget_attrs(&h->root);
	hierarchy_reset(h);
}

static int fs_show_options(struct seq_file *m, struct dentry *root)
{
	struct hierarchy *h = root->d_sb->s_fs_info;

	mutex_lock(&container_mutex);
	if (h->release_agent)
		seq_show_option(m, "release_agent", h->release_agent);
	mutex_unlock(&container_mutex);
	return 0;
}

static const struct super_operations fs_super_operations = {
	.statfs = simple_statfs,
	.evict_inode = fs_evict_inode,
	.put_super = fs_put_super,
	.show_options = fs_show_options,
};

static int fs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct hierarchy *h = sb->s_fs_info;
	struct inode *inode;

	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_magic = CONTAINER_SUPER_MAGIC;
	sb->s_op = &fs_super_operations;
	sb->s_time_gran = 1;

	inode = dir_new_inode(sb, NULL, 0755);
	if (!inode)
		return -ENOMEM;
	dir_set_container(inode, &h->root);
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}

/* What a mount or remount asks for. */
struct fs_options {
	char *release_agent;
};

enum { OPT_RELEASE_AGENT };

static const struct fs_parameter_spec fs_parameters[] = {
	__fsparam(fs_param_is_string, "release_agent", OPT_RELEASE_AGENT, fs_param_can_be_empty,
		  NULL),
	{}
};

/* A word that is no option of ours: the name of a subsystem, or a mistake. */
static int fs_parse_word(struct fs_context *fc, struct fs_parameter *param)
{
	int error = vfs_parse_fs_param_source(fc, param);

	if (error != -ENOPARAM)
		return error;
	if (param->type != fs_value_is_flag)
		return invalfc(fc, "unknown option '%s'", param->key);
	errorfc(fc, "unknown subsystem '%s'", param->key);
	return -ENOENT;
}

static int fs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct fs_options *options = fc->fs_private;
	struct fs_parse_result result;
	int opt = fs_parse(fc, fs_parameters, param, &result);

	if (opt == -ENOPARAM)
		return fs_parse_word(fc, param);
	if (opt < 0)
		return opt;
	if (fc->user_ns != &init_user_ns || !capable(CAP_SYS_ADMIN)) {
		errorfc(fc, "release_agent: needs CAP_SYS_ADMIN in the initial user namespace");
		return -EPERM;
	}
	kfree(options->release_agent);
	options->release_agent = param->string;
	param->string = NULL;
	return 0;
}

/* The options of mount(2). The generic parser would not notice an empty one. */
static int fs_parse_monolithic(struct fs_context *fc, void *data)
{
	char *rest = data, *key, *value;
	int error = 0;

	if (!rest || !*rest)
		return 0;
	while (!error && (key = strsep(&rest, ","))) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		error = *key ? compat_parse_fs_string(fc, key, value) :
			       invalfc(fc, "empty option");
	}
	return error;
}

static void fs_set_options(struct hierarchy *h, struct fs_options *options)
{
	if (options->release_agent)
		hierarchy_swap_release_agent(h, &options->release_agent);
}

static int fs_get_tree(struct fs_context *fc)
{
	int error = get_tree_keyed(fc, fs_fill_super, &default_hierarchy);

	if (!error)
		fs_set_options(fc->root->d_sb->s_fs_info, fc->fs_private);
	return error;
}

static int fs_reconfigure(struct fs_context *fc)
{
	struct super_block *sb = fc->root->d_sb;

	if ((fc->sb_flags ^ sb->s_flags) & fc->sb_flags_mask & SB_RDONLY)
		return invalfc(fc, "remount can change release_agent only, not ro or rw");
	fs_set_options(sb->s_fs_info, fc->fs_private);
	return 0;
}

static void fs_free_fc(struct fs_context *fc)
{
	struct fs_options *options = fc->fs_private;

	kfree(options->release_agent);
	kfree(options);
}

static const struct fs_context_operations fs_context_operations = {
	.free = fs_free_fc,
	.parse_param = fs_parse_param,
	.parse_monolithic = fs_parse_monolithic,
	.get_tree = fs_get_tree,
	.reconfigure = fs_reconfigure,
};

static int fs_init_fs_context(struct fs_context *fc)
{
	struct fs_options *options = kzalloc(sizeof(*options), GFP_KERNEL);

	if (!options)
		return -ENOMEM;
	fc->fs_private = options;
	fc->ops = &fs_context_operations;
	return 0;
}

static struct file_system_type container_fs_type = {
	.owner = THIS_MODULE,
	.name = "container",
	.init_fs_context = fs_init_fs_context,
	.parameters = fs_parameters,
	.kill_sb = kill_anon_super,
};
MODULE_ALIAS_FS("container");

/**
 * fs_init - register the filesystem types
 *
 * Return: 0, or -EBUSY if there is another one with the same name.
 */
int fs_init(void)
{
	return register_filesystem(&container_fs_type);
}

/**
 * fs_exit - undo fs_init(); nothing is mounted
 */
void fs_exit(void)
{
	unregister_filesystem(&container_fs_type);
}
