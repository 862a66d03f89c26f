// SPDX-License-Identifier: GPL-2.0
/* Control files: which a container has, and what is common to all kinds of them. */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "compat.h"
#include "file.h"
#include "hierarchy.h"
#include "registry.h"

/*
 * Uses the file's own inode, because a stacked filesystem may supply a path of its own: overlayfs
 * on 6.1 opens the lower inode with the overlay's path.
 */
static struct container *file_container(const struct file *file)
{
	return inode_node(file_inode(file))->container;
}

static const struct rc_cftype *file_type(const struct file *file)
{
	return inode_kind(file_inode(file))->type;
}

/**
 * rc_file_state - the state that belongs to an open file
 * @file: the file, of a kind that a subsystem has defined
 *
 * Context: Any, between the file's open and release.
 */
struct rc_state *rc_file_state(const struct file *file)
{
	const struct rc_subsys *subsys = inode_kind(file_inode(file))->subsys;
	struct container *c = file_container(file);

	if (!subsys)
		return &c->self;
	/* A root state stays even when it is taken away from this root. */
	return c->parent ? c->state[subsys->id] : subsys->root_state;
}
EXPORT_SYMBOL_GPL(rc_file_state);

/* The container has been removed, or the subsystem has been taken away from this root. */
static bool file_is_dead(const struct file *file)
{
	return !file_kind_is_live(file_container(file), inode_kind(file_inode(file)));
}

/**
 * file_kind_is_live - does a container still have a file?
 * @c: the container
 * @kind: the file, of a kind that @c once had
 *
 * Context: Any. The answer may be out of date unless the caller holds what keeps it.
 * Return: false once @c has been removed, or the subsystem has been unbound, even if it is bound
 * again.
 */
bool file_kind_is_live(const struct container *c, const struct file_kind *kind)
{
	if (container_is_removed(c))
		return false;
	return !kind->subsys || (READ_ONCE(kind->subsys->hierarchy) == c->hierarchy &&
				 READ_ONCE(kind->subsys->binding) == kind->binding);
}

/* Find the @left-th file of a table that @c has. */
static const struct rc_cftype *table_at(const struct container *c, const struct rc_cftype *table,
					unsigned int *left)
{
	const unsigned int not_here = c->parent ? RC_ONLY_ON_ROOT : RC_NOT_ON_ROOT;

	for (; table && table->name; table++)
		if (!(table->flags & not_here) && !(*left)--)
			return table;
	return NULL;
}

/* The number of files of a table that @c has. */
static unsigned int table_count(const struct container *c, const struct rc_cftype *table)
{
	unsigned int nr = 0, left = 0;

	while (table_at(c, table, &left))
		left = ++nr;
	return nr;
}

/* The number of files of a subsystem that come before those of @extra. */
static unsigned int files_before(const struct container *c, const struct container_files *extra)
{
	unsigned int nr = table_count(c, extra->subsys->files);
	const struct container_files *pos = extra;

	list_for_each_entry_continue_reverse(pos, &c->extra_files, list)
		if (pos->subsys == extra->subsys)
			nr += table_count(c, pos->files);
	return nr;
}

/*
 * Find the @left-th file of a table. @kind already has the subsystem, and in @nr the number of its
 * files that come before the table.
 */
static bool kind_at(const struct container *c, const struct rc_cftype *table, unsigned int *left,
		    struct file_kind *kind)
{
	kind->nr += *left;
	kind->type = table_at(c, table, left);
	return kind->type;
}

static void kind_init(struct file_kind *kind, struct rc_subsys *subsys, unsigned int nr)
{
	kind->type = NULL;
	kind->subsys = subsys;
	kind->nr = nr;
	kind->binding = subsys ? subsys->binding : 0;
}

/**
 * file_kind_at - one of the files of a container
 * @c: the container
 * @index: which one
 * @kind: what it is
 *
 * Context: The caller holds the i_rwsem of @c's directory, which keeps what it has.
 * Return: false if @index is past the last.
 */
bool file_kind_at(const struct container *c, unsigned int index, struct file_kind *kind)
{
	const struct container_files *extra;
	struct rc_subsys *subsys;
	int id;

	kind_init(kind, NULL, 0);
	if (kind_at(c, core_files, &index, kind))
		return true;
	for_each_subsys(subsys, id, c->hierarchy->subsys_mask) {
		kind_init(kind, subsys, 0);
		if (kind_at(c, subsys->files, &index, kind))
			return true;
	}
	list_for_each_entry(extra, &c->extra_files, list) {
		kind_init(kind, extra->subsys, files_before(c, extra));
		if (kind_at(c, extra->files, &index, kind))
			return true;
	}
	return false;
}

/**
 * file_kind_name - the name of a file
 * @kind: the file
 * @name: where it goes
 *
 * Return: its length.
 */
size_t file_kind_name(const struct file_kind *kind, char name[FILE_NAME_SIZE])
{
	return scnprintf(name, FILE_NAME_SIZE, "%s%s%s", kind->subsys ? kind->subsys->name : "",
			 kind->subsys ? "." : "", kind->type->name);
}

/* Is @name that of the file? */
static bool file_kind_is(const struct file_kind *kind, const struct qstr *name)
{
	size_t prefix = kind->subsys ? strlen(kind->subsys->name) + 1 : 0;
	size_t len = strlen(kind->type->name);

	if (name->len != prefix + len || memcmp(name->name + prefix, kind->type->name, len))
		return false;
	return !prefix || (!memcmp(name->name, kind->subsys->name, prefix - 1) &&
			   name->name[prefix - 1] == '.');
}

/**
 * file_kind_find - find a file of a container by its name
 * @c: the container
 * @name: the name
 * @kind: what it is
 *
 * Context: As for file_kind_at().
 * Return: false if there is none.
 */
bool file_kind_find(const struct container *c, const struct qstr *name, struct file_kind *kind)
{
	int i;

	for (i = 0; file_kind_at(c, i, kind); i++)
		if (file_kind_is(kind, name))
			return true;
	return false;
}

static int file_show(struct seq_file *m, void *v)
{
	const struct rc_cftype *type = file_type(m->file);
	struct rc_state *state = rc_file_state(m->file);

	if (type->seq_show)
		return type->seq_show(m, state, type);
	seq_put_decimal_ull(m, "", type->read_u64(state, type));
	seq_putc(m, '\n');
	return 0;
}

/* Is it read through a seq_file that is ours, and not the subsystem's? */
static bool file_has_seq(const struct file *file)
{
	const struct rc_cftype *type = file_type(file);

	return file->f_mode & FMODE_READ && !type->read_iter && (type->seq_show || type->read_u64);
}

static int file_open_kind(struct file *file)
{
	const struct rc_cftype *type = file_type(file);
	struct rc_state *state = rc_file_state(file);
	int error = 0;

	if (file_is_dead(file))
		return -ENODEV;
	if (type->open) {
		error = type->open(state, file);
		if (error)
			return error;
	}
	if (file_has_seq(file))
		error = single_open(file, file_show, NULL);
	if (error && type->release)
		type->release(state, file);
	/* seq_open() clears it, but cgroup v1 allows pwrite(2). */
	if (file->f_mode & FMODE_WRITE && file->f_mode & FMODE_LSEEK)
		file->f_mode |= FMODE_PWRITE;
	return error;
}

/* The states must stay while a file of a subsystem is open. The core's own is part of @c. */
static int file_open(struct inode *inode, struct file *file)
{
	const bool counted = inode_kind(inode)->subsys;
	struct container *c = file_container(file);
	int error;

	if (counted && !subsys_states_get(c))
		return -ENODEV;
	error = file_open_kind(file);
	if (error && counted)
		subsys_states_put(c);
	return error;
}

static int file_release(struct inode *inode, struct file *file)
{
	const struct file_kind *kind = inode_kind(inode);

	if (file_has_seq(file))
		single_release(inode, file);
	if (kind->type->release)
		kind->type->release(rc_file_state(file), file);
	if (kind->subsys)
		subsys_states_put(file_container(file));
	return 0;
}

/* A read from offset 0 calls ->seq_show or ->read_u64 again. */
static ssize_t file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	const struct file *file = iocb->ki_filp;
	const struct rc_cftype *type = file_type(file);

	if (file_is_dead(file))
		return -ENODEV;
	if (type->read_iter)
		return type->read_iter(iocb, to);
	return file_has_seq(file) ? seq_read_iter(iocb, to) : -EINVAL;
}

static int write_u64(const struct rc_cftype *type, struct rc_state *state, char *buf, size_t len)
{
	char *number;
	u64 value;

	if (strlen(buf) != len)
		return -EINVAL;
	number = strim(buf);
	/* kstrtoull() would take a plus sign too. */
	if (!isdigit(*number) || kstrtoull(number, 10, &value))
		return -EINVAL;
	return type->write_u64(state, type, value);
}

/* Copies all segments and adds a NUL. Returns a buffer for kfree(), or -EFAULT or -ENOMEM. */
static char *copy_written(struct iov_iter *from, size_t len)
{
	char *buf = kmalloc(len + 1, GFP_KERNEL);

	if (!buf)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_iter_full(buf, len, from)) {
		kfree(buf);
		return ERR_PTR(-EFAULT);
	}
	buf[len] = '\0';
	return buf;
}

static int write_buffer(struct file *file, char *buf, size_t len)
{
	const struct rc_cftype *type = file_type(file);

	/* C programs write the terminating NUL too. One counts as white space. */
	if (len && !buf[len - 1])
		len--;
	if (file_is_dead(file))
		return -ENODEV;
	if (type->write)
		return type->write(rc_file_state(file), file, buf, len);
	return write_u64(type, rc_file_state(file), buf, len);
}

/* All segments of one system call are one write, which is taken as a whole or not at all. */
static ssize_t file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	const struct rc_cftype *type = file_type(file);
	const size_t len = iov_iter_count(from);
	int error;
	char *buf;

	if (type->write_iter)
		return file_is_dead(file) ? -ENODEV : type->write_iter(iocb, from);
	if (!type->write && !type->write_u64)
		return file_is_dead(file) ? -ENODEV : -EINVAL;
	if (len > (type->max_write ?: PATH_MAX - 1))
		return -E2BIG;
	buf = copy_written(from, len);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	error = write_buffer(file, buf, len);
	kfree(buf);
	if (error)
		return error;
	iocb->ki_pos += len;
	return len;
}

static __poll_t file_poll(struct file *file, struct poll_table_struct *wait)
{
	const struct rc_cftype *type = file_type(file);

	if (file_is_dead(file))
		return EPOLLERR | EPOLLHUP;
	return type->poll ? type->poll(file, wait) : DEFAULT_POLLMASK;
}

const struct file_operations file_operations = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.read_iter = file_read_iter,
	.write_iter = file_write_iter,
	.splice_read = compat_splice_read,
	.splice_write = iter_file_splice_write,
	.poll = file_poll,
	/* The size is 0, also for SEEK_END. */
	.llseek = generic_file_llseek,
	.fsync = noop_fsync,
};
