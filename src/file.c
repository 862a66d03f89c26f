// SPDX-License-Identifier: GPL-2.0
/* Control files: what every kind has in common, and the core's own. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "attach.h"
#include "compat.h"
#include "file.h"
#include "hierarchy.h"
#include "list.h"

/* A file never leaves its directory, which stays with it. */
static struct container *dentry_container(const struct dentry *file)
{
	return d_inode(file->d_parent)->i_private;
}

static struct container *file_container(const struct file *file)
{
	return dentry_container(file->f_path.dentry);
}

static const struct rc_cftype *inode_type(const struct inode *inode)
{
	return inode->i_private;
}

/* --- tasks --- */

struct task_snapshot {
	pid_t *pids;
	size_t nr;
};

static void *tasks_start(struct seq_file *m, loff_t *pos)
{
	struct task_snapshot *snapshot = m->private;

	return *pos < snapshot->nr ? &snapshot->pids[*pos] : NULL;
}

static void *tasks_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return tasks_start(m, pos);
}

static void tasks_stop(struct seq_file *m, void *v)
{
}

static int tasks_show(struct seq_file *m, void *v)
{
	seq_put_decimal_ull(m, "", *(pid_t *)v);
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations tasks_seq_operations = {
	.start = tasks_start,
	.next = tasks_next,
	.stop = tasks_stop,
	.show = tasks_show,
};

static int tasks_open(struct container *c, struct file *file)
{
	struct task_snapshot *snapshot;
	int error;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	snapshot = __seq_open_private(file, &tasks_seq_operations, sizeof(*snapshot));
	if (!snapshot)
		return -ENOMEM;
	error = task_list(c, task_active_pid_ns(current), &snapshot->pids, &snapshot->nr);
	if (error)
		seq_release_private(file_inode(file), file);
	return error;
}

static int tasks_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct task_snapshot *snapshot = m->private;

	kvfree(snapshot->pids);
	return seq_release_private(inode, file);
}

static int tasks_write(struct container *c, struct file *file, char *buf, size_t len)
{
	char *number;
	pid_t nr;

	if (strlen(buf) != len)
		return -EIO;
	number = strim(buf);
	/* kstrtoint() would take a sign too. */
	if (!isdigit(*number) || kstrtoint(number, 10, &nr))
		return -EIO;
	return container_attach(c, nr, file->f_cred);
}

/* --- notify_on_release --- */

static u64 notify_on_release_read(struct container *c)
{
	return test_bit(CONTAINER_NOTIFY_ON_RELEASE, &c->flags);
}

static int notify_on_release_write(struct container *c, u64 value)
{
	return container_set_notify(c, value);
}

/* --- release_agent --- */

/* The agent runs as root in the initial namespaces: only who is that anyway may choose it. */
static int release_agent_open(struct container *c, struct file *file)
{
	if (file->f_mode & FMODE_WRITE && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

static int release_agent_show(struct seq_file *m, struct container *c)
{
	mutex_lock(&container_mutex);
	seq_printf(m, "%s\n", hierarchy_release_agent(c->hierarchy));
	mutex_unlock(&container_mutex);
	return 0;
}

static int release_agent_write(struct container *c, struct file *file, char *buf, size_t len)
{
	char *path;

	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (strlen(buf) != len)
		return -EINVAL;
	buf = strim(buf);
	if (strlen(buf) >= PATH_MAX)
		return -E2BIG;
	path = kstrdup(buf, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	hierarchy_swap_release_agent(c->hierarchy, &path);
	kfree(path);
	return 0;
}

static const struct rc_cftype core_files[] = {
	{
		.name = "tasks",
		.open = tasks_open,
		.release = tasks_release,
		.write = tasks_write,
	},
	{
		.name = "notify_on_release",
		.read_u64 = notify_on_release_read,
		.write_u64 = notify_on_release_write,
	},
	{
		.name = "release_agent",
		.root_only = true,
		/* A newline may follow the longest path. */
		.max_write = PATH_MAX,
		.open = release_agent_open,
		.seq_show = release_agent_show,
		.write = release_agent_write,
	},
};

/* --- what all have in common --- */

/**
 * file_type - one of the files of a container
 * @c: the container
 * @index: which one
 *
 * Return: the kind of file, or NULL if @index is past the last.
 */
const struct rc_cftype *file_type(const struct container *c, unsigned int index)
{
	if (index >= ARRAY_SIZE(core_files) || (core_files[index].root_only && c->parent))
		return NULL;
	return &core_files[index];
}

/**
 * file_type_index - find a file of a container by its name
 * @c: the container
 * @name: the name
 *
 * Return: the index for file_type(), or -1.
 */
int file_type_index(const struct container *c, const struct qstr *name)
{
	const struct rc_cftype *type;
	int i;

	for (i = 0; (type = file_type(c, i)); i++)
		if (strlen(type->name) == name->len && !memcmp(type->name, name->name, name->len))
			return i;
	return -1;
}

static int file_show(struct seq_file *m, void *v)
{
	const struct rc_cftype *type = inode_type(file_inode(m->file));
	struct container *c = file_container(m->file);

	if (type->seq_show)
		return type->seq_show(m, c);
	if (!type->read_u64)
		return -EINVAL;
	seq_put_decimal_ull(m, "", type->read_u64(c));
	seq_putc(m, '\n');
	return 0;
}

static int file_open(struct inode *inode, struct file *file)
{
	const struct rc_cftype *type = inode_type(inode);
	struct container *c = file_container(file);
	int error;

	if (container_is_removed(c))
		return -ENODEV;
	if (type->open) {
		error = type->open(c, file);
		if (error)
			return error;
	}
	if (!type->release && file->f_mode & FMODE_READ)
		return single_open(file, file_show, NULL);
	return 0;
}

static int file_release(struct inode *inode, struct file *file)
{
	const struct rc_cftype *type = inode_type(inode);

	if (!(file->f_mode & FMODE_READ))
		return 0;
	return type->release ? type->release(inode, file) : single_release(inode, file);
}

static ssize_t file_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	if (container_is_removed(file_container(iocb->ki_filp)))
		return -ENODEV;
	return seq_read_iter(iocb, iter);
}

static loff_t file_llseek(struct file *file, loff_t offset, int whence)
{
	if (!(file->f_mode & FMODE_READ))
		return noop_llseek(file, offset, whence);
	return seq_lseek(file, offset, whence);
}

static int file_write_u64(const struct rc_cftype *type, struct container *c, char *buf,
			  size_t len)
{
	char *number;
	u64 value;
	int error;

	if (strlen(buf) != len)
		return -EINVAL;
	number = strim(buf);
	/* kstrtoull() would take a plus sign too. */
	error = isdigit(*number) ? kstrtoull(number, 10, &value) : -EINVAL;
	return error ?: type->write_u64(c, value);
}

static ssize_t file_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	const struct rc_cftype *type = inode_type(file_inode(file));
	struct container *c = file_container(file);
	int error;
	char *buf;

	if (!type->write && !type->write_u64)
		return -EINVAL;
	if (len > (type->max_write ?: PATH_MAX - 1))
		return -E2BIG;
	buf = memdup_user_nul(from, len);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	if (container_is_removed(c))
		error = -ENODEV;
	else if (type->write)
		error = type->write(c, file, buf, len);
	else
		error = file_write_u64(type, c, buf, len);
	kfree(buf);
	return error ?: len;
}

const struct file_operations container_file_operations = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.read_iter = file_read_iter,
	.write = file_write,
	.llseek = file_llseek,
};

/*
 * The inode of a file is made when it is looked up, and may go when nobody uses it. An owner or a
 * mode that differs from what a new one would have is kept here.
 */
struct kept_attr {
	struct list_head list;
	const struct rc_cftype *type;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
};

static struct kept_attr *kept_attr_find(struct container *c, const struct rc_cftype *type)
{
	struct kept_attr *attr;

	lockdep_assert_held(&container_mutex);
	list_for_each_entry(attr, &c->attrs, list)
		if (attr->type == type)
			return attr;
	return NULL;
}

/**
 * file_init_inode - make a new inode that of a file of a container
 * @inode: the inode
 * @c: the container
 * @type: the kind of file
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
void file_init_inode(struct inode *inode, struct container *c, const struct rc_cftype *type)
{
	const struct kept_attr *attr;

	inode->i_mode = S_IFREG | 0644;
	inode->i_uid = c->uid;
	inode->i_gid = c->gid;
	mutex_lock(&container_mutex);
	attr = kept_attr_find(c, type);
	if (attr) {
		inode->i_mode = attr->mode;
		inode->i_uid = attr->uid;
		inode->i_gid = attr->gid;
	}
	mutex_unlock(&container_mutex);
	inode->i_op = &container_file_inode_operations;
	inode->i_fop = &container_file_operations;
	inode->i_private = (void *)type;
}

/**
 * file_forget_attrs - forget which owners and modes of files were changed
 * @c: the container, on its way out
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
void file_forget_attrs(struct container *c)
{
	struct kept_attr *attr, *next;

	mutex_lock(&container_mutex);
	list_for_each_entry_safe(attr, next, &c->attrs, list)
		kfree(attr);
	INIT_LIST_HEAD(&c->attrs);
	mutex_unlock(&container_mutex);
}

/* Keep the owner and the mode that a file has been given. */
static int kept_attr_set(struct container *c, const struct inode *inode)
{
	struct kept_attr *attr, *spare = kmalloc(sizeof(*spare), GFP_KERNEL_ACCOUNT);
	int error = 0;

	if (!spare)
		return -ENOMEM;
	mutex_lock(&container_mutex);
	attr = kept_attr_find(c, inode_type(inode));
	if (container_is_removed(c)) {
		error = -ENODEV;
	} else if (!attr) {
		attr = spare;
		spare = NULL;
		attr->type = inode_type(inode);
		list_add_tail(&attr->list, &c->attrs);
	}
	if (!error) {
		attr->mode = inode->i_mode;
		attr->uid = inode->i_uid;
		attr->gid = inode->i_gid;
	}
	mutex_unlock(&container_mutex);
	kfree(spare);
	return error;
}

static int file_setattr(struct compat_idmap *idmap, struct dentry *dentry, struct iattr *iattr)
{
	struct inode *inode = d_inode(dentry);
	const umode_t mode = inode->i_mode;
	const kuid_t uid = inode->i_uid;
	const kgid_t gid = inode->i_gid;
	int error;

	/* To truncate it, as the shell's `>` does, is allowed and changes nothing. */
	iattr->ia_valid &= ~ATTR_SIZE;
	error = setattr_prepare(idmap, dentry, iattr);
	if (error)
		return error;
	setattr_copy(idmap, inode, iattr);
	if (!(iattr->ia_valid & (ATTR_MODE | ATTR_UID | ATTR_GID)))
		return 0;
	error = kept_attr_set(dentry_container(dentry), inode);
	if (error) {
		inode->i_mode = mode;
		inode->i_uid = uid;
		inode->i_gid = gid;
	}
	return error;
}

const struct inode_operations container_file_inode_operations = {
	.setattr = file_setattr,
};
