// SPDX-License-Identifier: GPL-2.0
/* The inodes of files, and the attributes that outlive an inode. */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "attr.h"
#include "container.h"
#include "xattr.h"

/*
 * The inode of a file is made by a lookup and evicted with its last reference, as soon as the
 * dcache drops the file. A container keeps a record of each file with an attribute that differs
 * from what a new inode would have.
 */
DECLARE_RWSEM(attr_rwsem); /* container.attrs of all containers; see attr.h */

/* Returns the container that an inode of this filesystem belongs to, and its file in @kind. */
static struct container *inode_identify(const struct inode *inode, struct file_kind *kind)
{
	if (S_ISDIR(inode->i_mode)) {
		*kind = (struct file_kind) {};
		return inode->i_private;
	}
	*kind = *inode_kind(inode);
	return inode_node(inode)->container;
}

static struct kept_attr *find_kind(const struct container *c, const struct file_kind *kind)
{
	struct kept_attr *attr;

	lockdep_assert_held(&attr_rwsem);
	hlist_for_each_entry(attr, &c->attrs, node)
		if (file_kind_equal(&attr->kind, kind))
			return attr;
	return NULL;
}

/**
 * kept_attr_find - find the record of an inode
 * @inode: the inode, of a file or a directory
 *
 * Context: The caller holds attr_rwsem.
 * Return: the record, or NULL if there is none.
 */
struct kept_attr *kept_attr_find(const struct inode *inode)
{
	struct file_kind kind;
	struct container *c = inode_identify(inode, &kind);

	return find_kind(c, &kind);
}

/**
 * kept_attr_alloc - allocate a record
 *
 * Context: Process context, may sleep.
 * Return: the record, for kept_attr_get() or kfree(); NULL if memory is short.
 */
struct kept_attr *kept_attr_alloc(void)
{
	struct kept_attr *attr = kzalloc(sizeof(*attr), GFP_KERNEL_ACCOUNT);

	if (attr)
		INIT_LIST_HEAD(&attr->xattrs);
	return attr;
}

/* Copy the attributes of an inode, whose i_rwsem is held. */
static void kept_attr_copy(struct kept_attr *attr, const struct inode *inode)
{
	attr->mode = inode->i_mode;
	attr->uid = inode->i_uid;
	attr->gid = inode->i_gid;
	compat_get_times(inode, &attr->times);
}

/**
 * kept_attr_get - find the record of an inode, or add one
 * @inode: the inode, of a file or a directory
 * @spare: a record from kept_attr_alloc(), NULL to add none; NULL afterwards if it was added
 *
 * A record that is added has the attributes of @inode.
 *
 * Nothing is added to a container after file_forget_attrs() has taken all from it: the container
 * is marked as removed, or the subsystem as unbound, before file_forget_attrs() takes attr_rwsem.
 *
 * Context: The caller holds attr_rwsem for writing, and the i_rwsem of @inode.
 * Return: the record; ERR_PTR(-ENODEV) if the container no longer has the file; ERR_PTR(-ENODATA)
 * if there is no record and no @spare.
 */
struct kept_attr *kept_attr_get(const struct inode *inode, struct kept_attr **spare)
{
	struct file_kind kind;
	struct container *c = inode_identify(inode, &kind);
	struct kept_attr *attr;

	lockdep_assert_held_write(&attr_rwsem);
	if (!file_kind_is_live(c, &kind))
		return ERR_PTR(-ENODEV);
	attr = find_kind(c, &kind);
	if (attr)
		return attr;
	if (!*spare)
		return ERR_PTR(-ENODATA);
	attr = *spare;
	*spare = NULL;
	attr->kind = kind;
	/* The inode has a reference already. */
	if (kind.subsys)
		__module_get(kind.subsys->owner);
	kept_attr_copy(attr, inode);
	hlist_add_head(&attr->node, &c->attrs);
	return attr;
}

/**
 * file_forget_attrs - forget the attributes that a container keeps
 * @c: the container
 * @all: also those of files that it still has
 *
 * Context: Process context, may sleep; takes attr_rwsem. With @all the caller has removed @c, or
 * nothing can find it any more. Otherwise the caller holds the i_rwsem of @c's directory.
 */
void file_forget_attrs(struct container *c, bool all)
{
	HLIST_HEAD(forgotten);
	struct kept_attr *attr;
	struct hlist_node *next;

	down_write(&attr_rwsem);
	hlist_for_each_entry_safe(attr, next, &c->attrs, node) {
		if (!all && file_kind_is_live(c, &attr->kind))
			continue;
		hlist_del(&attr->node);
		hlist_add_head(&attr->node, &forgotten);
	}
	up_write(&attr_rwsem);

	hlist_for_each_entry_safe(attr, next, &forgotten, node) {
		xattr_free_all(&attr->xattrs);
		if (attr->kind.subsys)
			module_put(attr->kind.subsys->owner);
		kfree(attr);
	}
}

/* Change the attributes of a file's inode, and keep them. */
static int change_attrs(struct compat_idmap *idmap, struct inode *inode, const struct iattr *iattr)
{
	struct kept_attr *attr, *spare = kept_attr_alloc();

	if (!spare)
		return -ENOMEM;
	down_write(&attr_rwsem);
	attr = kept_attr_get(inode, &spare);
	if (!IS_ERR(attr)) {
		setattr_copy(idmap, inode, iattr);
		kept_attr_copy(attr, inode);
	}
	up_write(&attr_rwsem);
	kfree(spare);
	return PTR_ERR_OR_ZERO(attr);
}

#define KEPT_ATTRS (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME | ATTR_CTIME)

static int file_setattr(struct compat_idmap *idmap, struct dentry *dentry, struct iattr *iattr)
{
	int error;

	/*
	 * To truncate a file, as the shell's `>` does, is allowed and changes nothing. What may
	 * come with it is that a set-user-ID bit is cleared.
	 */
	if (iattr->ia_valid & ATTR_SIZE) {
		iattr->ia_valid &= ~(ATTR_SIZE | ATTR_MTIME);
		if (!(iattr->ia_valid & ATTR_MODE))
			iattr->ia_valid &= ~ATTR_CTIME;
	}
	error = setattr_prepare(idmap, dentry, iattr);
	if (error || !(iattr->ia_valid & KEPT_ATTRS))
		return error;
	return change_attrs(idmap, d_inode(dentry), iattr);
}

static const struct inode_operations file_inode_operations = {
	.setattr = file_setattr,
	.listxattr = xattr_list,
};

static struct file_node *node_new(struct container *c, const struct file_kind *kind, u64 ino)
{
	struct file_node *node = kmalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (!node)
		return NULL;
	node->kind = *kind;
	node->ino = ino;
	node->container = container_get(c);
	/* It is bound, so there is a reference already. */
	if (kind->subsys)
		__module_get(kind->subsys->owner);
	return node;
}

/* A lookup on another CPU may be in inode_matches(), hence kfree_rcu(). */
static void node_free(struct file_node *node)
{
	if (node->kind.subsys)
		module_put(node->kind.subsys->owner);
	container_put(node->container);
	kfree_rcu(node, rcu);
}

/*
 * Is @inode that of node @data? Called under inode_hash_lock or RCU, also for an inode that is
 * being evicted. Only files are in the hash table of inodes, so @inode has a node.
 */
static int inode_matches(struct inode *inode, void *data)
{
	const struct file_node *node = inode_node(inode), *wanted = data;

	return node->container == wanted->container && node->ino == wanted->ino &&
	       file_kind_equal(&node->kind, &wanted->kind);
}

static int inode_adopt(struct inode *inode, void *data)
{
	inode->i_private = data;
	return 0;
}

/* Give a new inode, which has its node, everything else. */
static void init_inode(struct inode *inode)
{
	const struct file_node *node = inode_node(inode);
	const struct container *c = node->container;
	const struct timespec64 created = ns_to_timespec64(c->created);
	struct compat_times times = { .atime = created, .mtime = created, .ctime = created };
	const struct kept_attr *attr;

	inode->i_ino = node->ino;
	inode->i_op = &file_inode_operations;
	inode->i_fop = &file_operations;
	inode->i_mode = S_IFREG | 0644;
	inode->i_uid = c->uid;
	inode->i_gid = c->gid;
	down_read(&attr_rwsem);
	attr = find_kind(c, &node->kind);
	if (attr) {
		inode->i_mode = attr->mode;
		inode->i_uid = attr->uid;
		inode->i_gid = attr->gid;
		times = attr->times;
	}
	up_read(&attr_rwsem);
	compat_set_times(inode, &times);
}

/**
 * file_inode_get - find the inode of a file, or make one
 * @sb: the superblock
 * @c: the container
 * @kind: the file
 * @ino: the inode number
 *
 * A watch or an open file pins the inode but not its name in the dcache, so a lookup may meet an
 * inode that exists. There is never a second one: iget5_locked() compares and inserts under
 * inode_hash_lock, and waits for the end of an eviction.
 *
 * Context: Process context, may sleep; takes attr_rwsem. The caller holds the i_rwsem of @c's
 * directory.
 * Return: the inode, for iput(); ERR_PTR(-ENOMEM). An inode holds a reference to @c and to the
 * module of the subsystem.
 */
struct inode *file_inode_get(struct super_block *sb, struct container *c,
			     const struct file_kind *kind, u64 ino)
{
	struct file_node *node = node_new(c, kind, ino);
	struct inode *inode;

	if (!node)
		return ERR_PTR(-ENOMEM);
	inode = iget5_locked(sb, (unsigned long)c ^ ino, inode_matches, inode_adopt, node);
	if (inode && inode_node(inode) == node) {
		init_inode(inode);
		unlock_new_inode(inode);
		return inode;
	}
	node_free(node);
	return inode ?: ERR_PTR(-ENOMEM);
}

/**
 * file_evict_inode - release what the inode of a file holds
 * @inode: the inode
 *
 * Context: Any that an inode is evicted in.
 */
void file_evict_inode(struct inode *inode)
{
	if (!inode->i_private)
		return;
	/* No lookup finds the node after its grace period has begun. */
	remove_inode_hash(inode);
	node_free(inode->i_private);
}
