// SPDX-License-Identifier: GPL-2.0
/* The filesystem types: superblocks and mount options. */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "attr.h"
#include "compat.h"
#include "dir.h"
#include "file.h"
#include "fs.h"
#include "hierarchy.h"
#include "registry.h"
#include "xattr.h"

#define CONTAINER_SUPER_MAGIC 0x27e0eb

static struct file_system_type container_fs_type;

/* The last use of the tree is gone: no mount, no child. */
static void fs_put_super(struct super_block *sb)
{
	struct hierarchy *h = sb->s_fs_info;

	file_forget_attrs(&h->root, true);
	hierarchy_put(h);
}

/* As mount(2) takes them. */
static int fs_show_options(struct seq_file *m, struct dentry *root)
{
	struct hierarchy *h = root->d_sb->s_fs_info;
	const struct hierarchy_label *label;

	rcu_read_lock();
	label = rcu_dereference(h->label);
	if (label)
		seq_printf(m, "%s,%s", label->subsystems ? "" : ",none", label->text);
	rcu_read_unlock();
	spin_lock(&release_agent_lock);
	if (h->release_agent)
		seq_show_option(m, "release_agent", h->release_agent);
	spin_unlock(&release_agent_lock);
	return 0;
}

/* An unused inode is evicted at once: it pins its container and the module of its subsystem. */
static int fs_drop_inode(struct inode *inode)
{
	return 1;
}

static const struct super_operations fs_super_operations = {
	.statfs = simple_statfs,
	.drop_inode = fs_drop_inode,
	.evict_inode = dir_evict_inode,
	.put_super = fs_put_super,
	.show_options = fs_show_options,
};

/* What a user can ask for, for all mounts of a superblock. */
#define MOUNT_FLAGS (SB_RDONLY | SB_SYNCHRONOUS | SB_DIRSYNC | SB_MANDLOCK | SB_LAZYTIME)

static int fs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct hierarchy *h = sb->s_fs_info;
	struct inode *inode;

	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_magic = CONTAINER_SUPER_MAGIC;
	sb->s_op = &fs_super_operations;
	sb->s_xattr = xattr_handlers;
	sb->s_time_gran = 1;
	/* There is nothing to execute, and there are no devices, whatever the modes say. */
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	/* Refuses overlayfs, ecryptfs and the like on top, as procfs does. */
	sb->s_stack_depth = FILESYSTEM_MAX_STACK_DEPTH;
	/* How it was mounted first is no matter of the tree, which has many mounts. */
	sb->s_flags &= ~MOUNT_FLAGS;

	inode = dir_new_inode(sb, NULL, 0755);
	if (!inode)
		return -ENOMEM;
	dir_set_container(inode, &h->root);
	sb->s_root = d_make_root(inode);
	if (!sb->s_root)
		return -ENOMEM;
	/* For fs_put_super(), which is called if and only if there is a root. */
	hierarchy_get(h);
	return 0;
}

/* What a mount or remount asks for. */
struct fs_options {
	struct hierarchy_options hierarchy;
	char *release_agent;
};

enum { OPT_RELEASE_AGENT, OPT_NAME, OPT_ALL, OPT_NONE };

static const struct fs_parameter_spec container_parameters[] = {
	__fsparam(fs_param_is_string, "release_agent", OPT_RELEASE_AGENT, fs_param_can_be_empty,
		  NULL),
	{}
};

static const struct fs_parameter_spec rcfs_parameters[] = {
	__fsparam(fs_param_is_string, "release_agent", OPT_RELEASE_AGENT, fs_param_can_be_empty,
		  NULL),
	__fsparam(fs_param_is_string, "name", OPT_NAME, fs_param_can_be_empty, NULL),
	fsparam_flag("all", OPT_ALL),
	fsparam_flag("none", OPT_NONE),
	{}
};

/* A word that is no option of ours: the name of a subsystem, or a mistake. */
static int fs_parse_word(struct fs_context *fc, struct fs_parameter *param)
{
	struct hierarchy_options *options = &((struct fs_options *)fc->fs_private)->hierarchy;
	int error = vfs_parse_fs_param_source(fc, param);
	bool known;

	if (error != -ENOPARAM)
		return error;
	if (!*param->key)
		return invalfc(fc, "empty option");
	if (param->type != fs_value_is_flag)
		return invalfc(fc, "unknown option '%s'", param->key);
	mutex_lock(&container_mutex);
	known = subsys_find(param->key);
	mutex_unlock(&container_mutex);
	if (!known) {
		errorfc(fc, "unknown subsystem '%s'", param->key);
		return -ENOENT;
	}
	if (options->nr_subsystems == ARRAY_SIZE(options->subsystems))
		return invalfc(fc, "too many words: '%s'", param->key);
	options->subsystems[options->nr_subsystems] = kstrdup(param->key, GFP_KERNEL);
	if (!options->subsystems[options->nr_subsystems])
		return -ENOMEM;
	options->nr_subsystems++;
	return 0;
}

static int fs_parse_release_agent(struct fs_context *fc, struct fs_parameter *param)
{
	struct fs_options *options = fc->fs_private;

	if (fc->user_ns != &init_user_ns || !capable(CAP_SYS_ADMIN)) {
		errorfc(fc, "release_agent: needs CAP_SYS_ADMIN in the initial user namespace");
		return -EPERM;
	}
	kfree(options->release_agent);
	options->release_agent = param->string;
	param->string = NULL;
	return 0;
}

static int fs_parse_name(struct fs_context *fc, struct fs_parameter *param)
{
	struct fs_options *options = fc->fs_private;

	if (options->hierarchy.name)
		return invalfc(fc, "name= is given twice: '%s'", param->string);
	if (!subsys_name_is_valid(param->string) || strlen(param->string) > HIERARCHY_NAME_MAX)
		return invalfc(fc, "name '%s' is not 1 to %d letters, digits, '.', '-' or '_'",
			       param->string, HIERARCHY_NAME_MAX);
	options->hierarchy.name = param->string;
	param->string = NULL;
	return 0;
}

static int fs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	const bool rcfs = fc->fs_type != &container_fs_type;
	struct fs_options *options = fc->fs_private;
	struct fs_parse_result result;
	int opt = fs_parse(fc, rcfs ? rcfs_parameters : container_parameters, param, &result);

	switch (opt) {
	case -ENOPARAM:
		return fs_parse_word(fc, param);
	case OPT_RELEASE_AGENT:
		return fs_parse_release_agent(fc, param);
	case OPT_NAME:
		return fs_parse_name(fc, param);
	case OPT_ALL:
		options->hierarchy.all = true;
		return 0;
	case OPT_NONE:
		options->hierarchy.none = true;
		return 0;
	}
	return opt;
}

/* The options of mount(2). The generic parser would leave out empty ones. */
static int fs_parse_monolithic(struct fs_context *fc, void *data)
{
	char *rest = data, *key, *value;
	int error;

	if (!rest)
		return 0;
	/* Takes the options of a security module out, which may have quotes and commas. */
	error = security_sb_eat_lsm_opts(rest, &fc->security);
	if (!*rest)
		return error;
	while (!error && (key = strsep(&rest, ","))) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		error = compat_parse_fs_string(fc, key, value);
	}
	return error;
}

/* Do the words that choose subsystems go together? */
static int fs_check_options(struct fs_context *fc, const struct hierarchy_options *options)
{
	if (options->all && options->nr_subsystems)
		return invalfc(fc, "'all' and '%s' do not go together", options->subsystems[0]);
	if (options->none && options->nr_subsystems)
		return invalfc(fc, "'none' and '%s' do not go together", options->subsystems[0]);
	if (options->none && options->all)
		return invalfc(fc, "'none' and 'all' do not go together");
	return 0;
}

static void fs_set_release_agent(struct fs_context *fc)
{
	struct fs_options *options = fc->fs_private;

	if (options->release_agent)
		hierarchy_swap_release_agent(fc->root->d_sb->s_fs_info, &options->release_agent);
}

static int rcfs_get_tree(struct fs_context *fc)
{
	struct hierarchy_options *options = &((struct fs_options *)fc->fs_private)->hierarchy;
	int error = fs_check_options(fc, options);
	struct hierarchy *h;

	if (error)
		return error;
	if (options->none && !options->name)
		return invalfc(fc, "'none' needs name=");
	if (!options->none && !options->nr_subsystems && !options->name)
		options->all = true;
	h = hierarchy_mount(fc, options);
	if (IS_ERR(h))
		return PTR_ERR(h);
	error = get_tree_keyed(fc, fs_fill_super, h);
	if (!error)
		fs_set_release_agent(fc);
	hierarchy_put(h);
	return error;
}

/* Drop what the dcache knows of the root's files that belong to subsystems. */
static void forget_files(struct dentry *root)
{
	struct container *c = d_inode(root)->i_private;
	char name[FILE_NAME_SIZE];
	struct dentry *dentry;
	struct file_kind kind;
	struct qstr q;
	unsigned int i;

	for (i = 0; file_kind_at(c, i, &kind); i++) {
		if (!kind.subsys)
			continue;
		q = (struct qstr)QSTR_INIT(name, file_kind_name(&kind, name));
		q.hash = full_name_hash(root, name, q.len);
		dentry = d_lookup(root, &q);
		if (!dentry)
			continue;
		d_invalidate(dentry);
		dput(dentry);
	}
}

/*
 * The default tree gets the subsystems that this mount names, if it names any. Its root directory
 * may lose files and get others: i_rwsem keeps lookups out meanwhile, so that nothing of what goes
 * comes back into the dcache.
 */
static int container_bind(struct fs_context *fc, const struct hierarchy_options *options)
{
	struct inode *inode = d_inode(fc->root);
	int error;

	if (!options->nr_subsystems)
		return 0;
	inode_lock(inode);
	forget_files(fc->root);
	error = hierarchy_bind_default(fc, options);
	file_forget_attrs(inode->i_private, false);
	inode_unlock(inode);
	return error;
}

static int container_get_tree(struct fs_context *fc)
{
	struct hierarchy_options *options = &((struct fs_options *)fc->fs_private)->hierarchy;
	struct super_block *sb;
	int error;

	hierarchy_get(&default_hierarchy);
	error = get_tree_keyed(fc, fs_fill_super, &default_hierarchy);
	if (error)
		goto out;
	error = container_bind(fc, options);
	if (error) {
		sb = fc->root->d_sb;
		dput(fc->root);
		fc->root = NULL;
		deactivate_locked_super(sb);
		goto out;
	}
	fs_set_release_agent(fc);
out:
	hierarchy_put(&default_hierarchy);
	return error;
}

static int fs_reconfigure(struct fs_context *fc)
{
	struct hierarchy_options *options = &((struct fs_options *)fc->fs_private)->hierarchy;
	struct super_block *sb = fc->root->d_sb;
	int error = fs_check_options(fc, options);

	if (error)
		return error;
	if ((fc->sb_flags ^ sb->s_flags) & fc->sb_flags_mask & MOUNT_FLAGS)
		return invalfc(fc, "remount can change release_agent only, not ro or sync");
	error = hierarchy_check_remount(fc, sb->s_fs_info, options);
	if (!error)
		fs_set_release_agent(fc);
	return error;
}

static void fs_free_fc(struct fs_context *fc)
{
	struct fs_options *options = fc->fs_private;

	while (options->hierarchy.nr_subsystems)
		kfree(options->hierarchy.subsystems[--options->hierarchy.nr_subsystems]);
	kfree(options->hierarchy.name);
	kfree(options->release_agent);
	kfree(options);
}

static const struct fs_context_operations container_context_operations = {
	.free = fs_free_fc,
	.parse_param = fs_parse_param,
	.parse_monolithic = fs_parse_monolithic,
	.get_tree = container_get_tree,
	.reconfigure = fs_reconfigure,
};

static const struct fs_context_operations rcfs_context_operations = {
	.free = fs_free_fc,
	.parse_param = fs_parse_param,
	.parse_monolithic = fs_parse_monolithic,
	.get_tree = rcfs_get_tree,
	.reconfigure = fs_reconfigure,
};

static int fs_init_fs_context(struct fs_context *fc)
{
	struct fs_options *options = kzalloc(sizeof(*options), GFP_KERNEL);

	if (!options)
		return -ENOMEM;
	fc->fs_private = options;
	fc->ops = fc->fs_type == &container_fs_type ? &container_context_operations :
						      &rcfs_context_operations;
	return 0;
}

static struct file_system_type container_fs_type = {
	.owner = THIS_MODULE,
	.name = "container",
	.init_fs_context = fs_init_fs_context,
	.parameters = container_parameters,
	.kill_sb = kill_anon_super,
};
MODULE_ALIAS_FS("container");

static struct file_system_type rcfs_fs_type = {
	.owner = THIS_MODULE,
	.name = "rcfs",
	.init_fs_context = fs_init_fs_context,
	.parameters = rcfs_parameters,
	.kill_sb = kill_anon_super,
};
MODULE_ALIAS_FS("rcfs");

/**
 * fs_init - register the filesystem types
 *
 * Return: 0, or -EBUSY if there is another one with the same name.
 */
int fs_init(void)
{
	int error = register_filesystem(&container_fs_type);

	if (error)
		return error;
	error = register_filesystem(&rcfs_fs_type);
	if (error)
		unregister_filesystem(&container_fs_type);
	return error;
}

/**
 * fs_exit - undo fs_init(); nothing is mounted
 */
void fs_exit(void)
{
	unregister_filesystem(&rcfs_fs_type);
	unregister_filesystem(&container_fs_type);
}
