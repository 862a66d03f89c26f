// SPDX-License-Identifier: GPL-2.0
/* Extended attributes: trusted.*, security.* and user.*, as on cgroup, kept with the container. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "attr.h"
#include "xattr.h"

/**
 * struct xattr_entry - an extended attribute
 * @list: in kept_attr.xattrs
 * @size: the length of the value
 * @value: the value, in the same memory
 * @name: the full name; constant, as all else
 */
struct xattr_entry {
	struct list_head list;
	size_t size;
	char *value;
	char name[];
};

static struct xattr_entry *entry_new(const char *name, const void *value, size_t size)
{
	const size_t name_size = strlen(name) + 1;
	struct xattr_entry *entry = kvmalloc(sizeof(*entry) + name_size + size, GFP_KERNEL_ACCOUNT);

	if (!entry)
		return NULL;
	memcpy(entry->name, name, name_size);
	entry->value = entry->name + name_size;
	entry->size = size;
	memcpy(entry->value, value, size);
	return entry;
}

/**
 * xattr_free_all - free the extended attributes of a file
 * @xattrs: kept_attr.xattrs, which nothing else can find any more
 *
 * Context: Process context, may sleep.
 */
void xattr_free_all(struct list_head *xattrs)
{
	struct xattr_entry *entry, *next;

	list_for_each_entry_safe(entry, next, xattrs, list)
		kvfree(entry);
}

/* Find an attribute in a record, which may be NULL. */
static struct xattr_entry *entry_find(const struct kept_attr *attr, const char *name)
{
	struct xattr_entry *entry;

	lockdep_assert_held(&attr_rwsem);
	if (!attr)
		return NULL;
	list_for_each_entry(entry, &attr->xattrs, list)
		if (!strcmp(entry->name, name))
			return entry;
	return NULL;
}

static int xattr_get(const struct xattr_handler *handler, struct dentry *dentry,
		     struct inode *inode, const char *suffix, void *buffer, size_t size)
{
	const char *name = xattr_full_name(handler, suffix);
	const struct xattr_entry *entry;
	int result = -ENODATA;

	down_read(&attr_rwsem);
	entry = entry_find(kept_attr_find(inode), name);
	if (entry) {
		result = entry->size;
		if (buffer && size < entry->size)
			result = -ERANGE;
		else if (buffer)
			memcpy(buffer, entry->value, entry->size);
	}
	up_read(&attr_rwsem);
	return result;
}

/* Put @new, or nothing, in the place of @old, or of nothing. */
static int entry_replace(struct kept_attr *attr, struct xattr_entry *old, struct xattr_entry *new,
			 int flags)
{
	const struct xattr_entry *either = new ?: old;
	struct xattr_use *use, next;

	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && (!new || flags & XATTR_REPLACE))
		return -ENODATA;
	use = strstarts(either->name, XATTR_USER_PREFIX) ? &attr->user_xattrs :
							   &attr->other_xattrs;
	next.nr = use->nr - !!old + !!new;
	next.size = use->size - (old ? old->size : 0) + (new ? new->size : 0);
	if (new && (next.nr > XATTR_NR_MAX || next.size > XATTR_TOTAL_MAX))
		return -ENOSPC;
	*use = next;
	if (old)
		list_del(&old->list);
	if (new)
		list_add_tail(&new->list, &attr->xattrs);
	return 0;
}

/* Store @new under its name, or remove what is there. On success @new belongs to the record. */
static int xattr_store(struct inode *inode, const char *name, struct xattr_entry *new, int flags)
{
	struct kept_attr *attr, *spare = new ? kept_attr_alloc() : NULL;
	struct xattr_entry *old = NULL;
	int error;

	if (new && !spare)
		return -ENOMEM;
	down_write(&attr_rwsem);
	attr = kept_attr_get(inode, &spare);
	error = PTR_ERR_OR_ZERO(attr);
	if (!error) {
		old = entry_find(attr, name);
		error = entry_replace(attr, old, new, flags);
	}
	up_write(&attr_rwsem);
	if (!error)
		kvfree(old);
	kfree(spare);
	return error;
}

/* The VFS has checked the lengths, and the right to do it. To remove it passes no value. */
static int xattr_set(const struct xattr_handler *handler, struct compat_idmap *idmap,
		     struct dentry *dentry, struct inode *inode, const char *suffix,
		     const void *value, size_t size, int flags)
{
	const char *name = xattr_full_name(handler, suffix);
	struct xattr_entry *new = NULL;
	int error;

	if (value) {
		new = entry_new(name, value, size);
		if (!new)
			return -ENOMEM;
	}
	error = xattr_store(inode, name, new, flags);
	if (error)
		kvfree(new);
	return error;
}

/*
 * Permission is checked here too. On 6.1 with the BPF security module any user may set any
 * security.* attribute and remove file capabilities. No kernel checks capabilities that are set to
 * an empty value. The kernel removes the capabilities of a file that is written or changed, hence
 * the rule for removal.
 */
static bool may_set_security(struct compat_idmap *idmap, struct inode *inode, const char *suffix,
			     const void *value)
{
	if (strcmp(suffix, XATTR_CAPS_SUFFIX))
		return capable(CAP_SYS_ADMIN);
	if (value)
		return capable_wrt_inode_uidgid(idmap, inode, CAP_SETFCAP);
	return inode_owner_or_capable(idmap, inode) || !inode_permission(idmap, inode, MAY_WRITE);
}

static int xattr_set_security(const struct xattr_handler *handler, struct compat_idmap *idmap,
			      struct dentry *dentry, struct inode *inode, const char *suffix,
			      const void *value, size_t size, int flags)
{
	if (!may_set_security(idmap, inode, suffix, value))
		return -EPERM;
	return xattr_set(handler, idmap, dentry, inode, suffix, value, size, flags);
}

static const struct xattr_handler trusted_handler = {
	.prefix = XATTR_TRUSTED_PREFIX,
	.get = xattr_get,
	.set = xattr_set,
};

static const struct xattr_handler security_handler = {
	.prefix = XATTR_SECURITY_PREFIX,
	.get = xattr_get,
	.set = xattr_set_security,
};

static const struct xattr_handler user_handler = {
	.prefix = XATTR_USER_PREFIX,
	.get = xattr_get,
	.set = xattr_set,
};

const struct xattr_handler *compat_xattr_const xattr_handlers[] = {
	&trusted_handler,
	&security_handler,
	&user_handler,
	NULL
};

/**
 * xattr_list - for inode_operations.listxattr, of directories and files
 * @dentry: the file
 * @buffer: the names go there, each with its NUL; NULL to learn the size
 * @size: the size of @buffer
 *
 * Context: Process context, may sleep; takes attr_rwsem.
 * Return: the size of all names; -ERANGE if @buffer is too small.
 */
ssize_t xattr_list(struct dentry *dentry, char *buffer, size_t size)
{
	const bool trusted = ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
	const struct xattr_entry *entry;
	const struct kept_attr *attr;
	size_t used = 0, len;

	down_read(&attr_rwsem);
	attr = kept_attr_find(d_inode(dentry));
	if (!attr)
		goto out;
	list_for_each_entry(entry, &attr->xattrs, list) {
		if (!trusted && strstarts(entry->name, XATTR_TRUSTED_PREFIX))
			continue;
		len = strlen(entry->name) + 1;
		if (buffer && used + len <= size)
			memcpy(buffer + used, entry->name, len);
		used += len;
	}
out:
	up_read(&attr_rwsem);
	return buffer && used > size ? -ERANGE : used;
}
