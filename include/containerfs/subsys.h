/* SPDX-License-Identifier: GPL-2.0 */
/* What a subsystem module needs: the one public header of containerfs. */
#ifndef _CONTAINERFS_SUBSYS_H
#define _CONTAINERFS_SUBSYS_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/types.h>
#include <linux/uio.h>

/**
 * DOC: Subsystems
 *
 * A subsystem gives containers files and behaviour. It is a module that defines a struct rc_subsys
 * and registers it. From then on its name is a mount option: `mount -t rcfs -o NAME none /mnt`
 * binds it to a hierarchy, and it has a state of its own for each container of that.
 *
 * It has one state all the time, that of the root: made at registration, given to the root
 * container of whatever hierarchy it is bound to.
 *
 * Tasks in a root container cost nothing: for them no callback of fork or exit is called. What a
 * subsystem wants to know of them it must ask the kernel.
 *
 * Locks: the core calls nothing with a lock that a subsystem could know of. Callbacks that may
 * sleep say so; the others are called with spinlocks held. None may call rc_register_subsys(),
 * rc_unregister_subsys() or rc_visit_tasks(), except the handlers of files.
 */

struct container;
struct rc_subsys;

/**
 * struct rc_state - what a subsystem knows of a container; embed it in a struct of your own
 * @container: the container; NULL in the root state while the subsystem is unbound
 * @parent: the state of the container above, NULL for that of a root. It stays as long as this one.
 *
 * Both are set by the core after create() has returned.
 */
struct rc_state {
	struct container *container;
	struct rc_state *parent;
};

/**
 * enum rc_cftype_flags - where a file is
 * @RC_NOT_ON_ROOT: root containers do not have it
 * @RC_ONLY_ON_ROOT: only root containers have it
 */
enum rc_cftype_flags {
	RC_NOT_ON_ROOT = 1,
	RC_ONLY_ON_ROOT = 2,
};

/**
 * struct rc_cftype - a kind of file that containers have
 * @name: its name, without that of the subsystem: `limit` is seen as `SUBSYSTEM.limit`
 * @flags: of enum rc_cftype_flags
 * @max_write: the longest write that is taken, in bytes; 0: PATH_MAX - 1. Longer ones are -E2BIG.
 * @private: for the subsystem's own use
 * @open: called first; may refuse with an error, and may leave something in file->private_data if
 *	@read_iter is given or the file is not open for reading
 * @release: called last, if @open has succeeded or there is none
 * @read_u64: reading shows this number and a newline
 * @seq_show: reading shows what this prints; it may also return an error, as in seq_file. A read
 *	from offset 0 calls it anew, as it does @read_u64.
 * @write_u64: takes the unsigned decimal number that was written; the core answers -EINVAL to
 *	anything else
 * @write: takes the text that was written, @len bytes followed by a NUL; it may change @buf
 * @read_iter: handles every read itself: of read(2), readv(2), splice(2), io_uring and others. It
 *	copies to @to with copy_to_iter() from @iocb->ki_pos on, advances that, and returns the
 *	number of bytes. rc_file_state(@iocb->ki_filp) is the state. Reads of one open file may run
 *	concurrently.
 * @write_iter: handles every write itself, likewise: one call for one system call, with
 *	copy_from_iter()
 * @poll: for poll(2); without it the file is always ready
 *
 * Any may be missing. A file without a way to read answers -EINVAL to read(2), likewise for
 * writing. Of several ways the first in this order is used: @read_iter, @seq_show, @read_u64;
 * @write_iter, @write, @write_u64.
 *
 * @write and @write_u64 get what one system call writes, whatever number of segments it has. One
 * trailing NUL is dropped.
 *
 * All are called in process context, without locks, may sleep, and return 0 or a negative error
 * where they return int. They are not begun once the container has been removed: the core answers
 * -ENODEV. The state stays until the last open file of the container is closed, and the module
 * until the last inode of such a file is gone.
 */
struct rc_cftype {
	const char *name;
	unsigned int flags;
	size_t max_write;
	unsigned long private;

	int (*open)(struct rc_state *state, struct file *file);
	void (*release)(struct rc_state *state, struct file *file);
	u64 (*read_u64)(struct rc_state *state, const struct rc_cftype *type);
	int (*seq_show)(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type);
	int (*write_u64)(struct rc_state *state, const struct rc_cftype *type, u64 value);
	int (*write)(struct rc_state *state, struct file *file, char *buf, size_t len);
	ssize_t (*read_iter)(struct kiocb *iocb, struct iov_iter *to);
	ssize_t (*write_iter)(struct kiocb *iocb, struct iov_iter *from);
	__poll_t (*poll)(struct file *file, struct poll_table_struct *wait);
};

#define RC_SUBSYS_NAME_MAX 32

/**
 * struct rc_subsys - a subsystem
 * @name: at most 32 letters, digits, `.`, `-` or `_`; also the prefix of its files
 * @owner: THIS_MODULE; cannot be unloaded while the subsystem is bound
 * @files: its files in every container, ended by one without a name; may be NULL
 * @create: a container comes to be, or the subsystem is registered (@parent is NULL). Returns the
 *	state, in a struct of the subsystem's own, or an ERR_PTR(): then there will be no such
 *	container. May sleep.
 * @destroy: frees a state that create() has made. May sleep.
 * @populate: the container's directory is made; may call rc_add_files(). An error undoes the
 *	container; no destroy() is called but for states that were made. Not called for a root
 *	unless it is bound. May sleep.
 * @can_attach: may the task be moved from @from to @to? It has no effect of its own, for others may
 *	refuse after it. May sleep.
 * @attach: the task has been moved. It does not fork or exit meanwhile. Does not sleep.
 * @can_fork: the current task, in a container that is not a root, begins to make a child: charge
 *	the child, or refuse it. Then fork fails with this error, and nothing else is called. Does
 *	not sleep.
 * @charge_fork: as can_fork(), but the child exists or comes in with a move, and cannot be refused:
 *	the task that makes it was moved here during the fork, or another tracer let a refused fork
 *	go on. Does not sleep.
 * @cancel_fork: the fork fails: undo the charge. Does not sleep.
 * @move_fork: a task is moved during a fork that is charged: transfer the charge from @from to @to.
 *	Called right before attach(). Either may be the root's state, which is never charged. If
 *	this is missing, charge_fork() is called for @to, then cancel_fork() for @from, except for
 *	a root. A subsystem whose charges include those of the containers below needs it, because
 *	in between the common ancestors would be charged twice. Does not sleep.
 * @fork: the child exists, but has not run yet. Does not sleep.
 * @exit: the current task is dying and leaves the container; PF_EXITING is set. Does not sleep.
 * @bind: it has been bound to a hierarchy (@bound), or released. Its root state's container tells
 *	which. May sleep.
 *
 * A fork is charged in the container that its task is in, at each moment: moves in other
 * hierarchies change nothing. One exception: a fork that begins while the task is in the root of
 * every hierarchy costs nothing, and so is not known. If the task is moved during it, charge_fork()
 * is called when the child exists.
 *
 * @charge_fork, @cancel_fork and @move_fork are for subsystems that have @can_fork. @create and
 * @destroy are required. Fork and exit cost nothing for subsystems that do not ask for
 * them. The rest is the core's own.
 */
struct rc_subsys {
	const char *name;
	struct module *owner;
	const struct rc_cftype *files;

	struct rc_state *(*create)(struct rc_state *parent);
	void (*destroy)(struct rc_state *state);
	int (*populate)(struct rc_state *state);
	int (*can_attach)(struct task_struct *task, struct rc_state *from, struct rc_state *to);
	void (*attach)(struct task_struct *task, struct rc_state *from, struct rc_state *to);
	int (*can_fork)(struct rc_state *state);
	void (*charge_fork)(struct rc_state *state);
	void (*cancel_fork)(struct rc_state *state);
	void (*move_fork)(struct rc_state *from, struct rc_state *to);
	void (*fork)(struct task_struct *child, struct rc_state *state);
	void (*exit)(struct task_struct *task, struct rc_state *state);
	void (*bind)(struct rc_subsys *subsys, bool bound);

	/* private: */
	int id;
	struct hierarchy *hierarchy;
	unsigned int binding;
	struct rc_state *root_state;
};

int rc_register_subsys(struct rc_subsys *subsys);
int rc_unregister_subsys(struct rc_subsys *subsys);

int rc_add_files(struct rc_state *state, const struct rc_cftype *files);
struct rc_state *rc_file_state(const struct file *file);
/* No lock is held: forks, exits, moves, mkdir and rmdir go on while tasks are visited. */
int rc_visit_tasks(struct rc_state *state, bool below,
		   void (*visit)(struct task_struct *task, void *arg), void *arg);
void rc_sync_attach(void);

/* The core's own bookkeeping. */
unsigned long rc_count_tasks(struct rc_state *state);
unsigned long rc_count_sets(struct rc_state *state);
unsigned long rc_count_references(struct rc_state *state);
int rc_show_hooks(struct seq_file *m);

#endif
