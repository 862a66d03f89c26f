// SPDX-License-Identifier: GPL-2.0
/* What /proc shows: of every task, where it is; of every hierarchy, how much is in it. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "hierarchy.h"
#include "hook.h"
#include "proc.h"
#include "registry.h"
#include "set.h"
#include "task.h"

/* A file that we add to /proc/PID and to /proc/PID/task/TID. */
struct task_file {
	const char *name;
	unsigned int len;
	unsigned int nr; /* of hierarchies that it shows */
	int (*show)(struct seq_file *m, struct container *const *where);
};

/*
 * The containers of a set, by the ids of the hierarchies, each with a reference; NULL where there
 * is no hierarchy. Under RCU. Returns false, and no reference is held, if the set is going away.
 */
static bool containers_get(const struct container_set *set, struct container **where,
			   unsigned int nr)
{
	struct container *c;
	struct hierarchy *h;
	unsigned int id;

	for (id = 0; id < nr; id++) {
		c = container_set_place(set, id);
		where[id] = c;
		if (c && !refcount_inc_not_zero(&c->ref))
			break;
		if (c)
			continue;
		h = hierarchy_by_id(id);
		if (h && refcount_inc_not_zero(&h->root.ref))
			where[id] = &h->root;
	}
	if (id == nr)
		return true;
	while (id--)
		if (where[id])
			container_put(where[id]);
	return false;
}

/* Where a task is at one moment, for containers_put(). */
static void task_containers_get(const struct task_struct *task, struct container **where,
				unsigned int nr)
{
	const struct container_set *set;
	bool got;

	do {
		rcu_read_lock();
		set = READ_ONCE(task->flags) & PF_EXITING ? NULL : task_set(task);
		got = containers_get(set, where, nr);
		rcu_read_unlock();
		/* A set that goes away has no task: the next look finds another one. */
	} while (!got);
}

static void containers_put(struct container **where, unsigned int nr)
{
	while (nr--)
		if (where[nr])
			container_put(where[nr]);
}

static int show_path(struct seq_file *m, const struct container *c)
{
	char *path = container_path(c);

	if (!path)
		return -ENOMEM;
	seq_puts(m, path);
	seq_putc(m, '\n');
	kvfree(path);
	return 0;
}

static int container_show(struct seq_file *m, struct container *const *where)
{
	return show_path(m, where[default_hierarchy.id]);
}

static int containers_show(struct seq_file *m, struct container *const *where)
{
	int id, error = 0;

	for (id = 0; id < HIERARCHIES_MAX && !error; id++) {
		if (!where[id])
			continue;
		seq_printf(m, "%d:", id);
		hierarchy_show_label(m, where[id]->hierarchy);
		seq_putc(m, ':');
		error = show_path(m, where[id]);
	}
	return error;
}

#define TASK_FILE(_name, _nr) { #_name, sizeof(#_name) - 1, _nr, _name##_show }

static const struct task_file task_files[] = {
	TASK_FILE(container, 1),
	TASK_FILE(containers, HIERARCHIES_MAX),
};

static const struct task_file *task_file_find(const struct qstr *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(task_files); i++)
		if (name->len == task_files[i].len &&
		    !memcmp(name->name, task_files[i].name, name->len))
			return &task_files[i];
	return NULL;
}

/*
 * The pid that a directory of procfs is for, or NULL if there is no such task any more. procfs
 * keeps it to itself, but the directory is named for it. The number may have gone to another task:
 * that is why procfs is asked, afterwards, whether its own is still there, for then it has been all
 * the time.
 */
static struct pid *proc_dir_pid(struct dentry *dir)
{
	struct pid *pid = NULL;
	int nr;

	if (kstrtoint(dir->d_name.name, 10, &nr))
		return NULL;
	rcu_read_lock();
	pid = get_pid(find_pid_ns(nr, proc_pid_ns(dir->d_sb)));
	rcu_read_unlock();
	if (pid && compat_d_revalidate(dir) <= 0) {
		put_pid(pid);
		pid = NULL;
	}
	return pid;
}

static int task_file_show(struct seq_file *m, void *v)
{
	const struct task_file *type = file_inode(m->file)->i_private;
	struct task_struct *task = get_pid_task(m->private, PIDTYPE_PID);
	struct container *where[HIERARCHIES_MAX];
	int error;

	if (!task)
		return -ESRCH;
	error = task_wait_born(task);
	if (!error) {
		task_containers_get(task, where, type->nr);
		error = type->show(m, where);
		containers_put(where, type->nr);
	}
	put_task_struct(task);
	return error;
}

static int task_file_open(struct inode *inode, struct file *file)
{
	struct pid *pid = proc_dir_pid(file->f_path.dentry->d_parent);
	int error;

	if (!pid)
		return -ESRCH;
	error = single_open(file, task_file_show, pid);
	if (error)
		put_pid(pid);
	return error;
}

static int task_file_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	put_pid(m->private);
	return single_release(inode, file);
}

static const struct file_operations task_file_operations = {
	.owner = THIS_MODULE,
	.open = task_file_open,
	.release = task_file_release,
	.read_iter = seq_read_iter,
	.llseek = seq_lseek,
};

/* As for all other files of procfs: owner and mode are not to be changed. */
static int task_file_setattr(struct compat_idmap *idmap, struct dentry *dentry,
			     struct iattr *iattr)
{
	if (iattr->ia_valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	return setattr_prepare(idmap, dentry, iattr);
}

static const struct inode_operations task_file_inode_operations = {
	.setattr = task_file_setattr,
};

/* The dentry has the reference to our module that its lookup has taken. */
static void task_file_d_release(struct dentry *dentry)
{
	module_put(THIS_MODULE);
}

static const struct dentry_operations task_file_dentry_operations = {
	.d_delete = always_delete_dentry,
	.d_release = task_file_d_release,
};

static struct dentry *task_file_instantiate(struct inode *dir, struct dentry *dentry)
{
	struct pid *pid = proc_dir_pid(dentry->d_parent);
	struct inode *inode;

	if (!pid)
		return ERR_PTR(-ENOENT);
	put_pid(pid);
	inode = new_inode(dir->i_sb);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = get_next_ino();
	inode->i_mode = S_IFREG | 0444;
	inode->i_uid = dir->i_uid;
	inode->i_gid = dir->i_gid;
	inode->i_op = &task_file_inode_operations;
	inode->i_fop = &task_file_operations;
	inode->i_private = (void *)task_file_find(&dentry->d_name);
	compat_init_times(inode);

	/* Nothing of it stays cached: when nobody uses it, it goes. */
	__module_get(THIS_MODULE);
	compat_set_d_op(dentry, &task_file_dentry_operations, DCACHE_OP_DELETE);
	return d_splice_alias(inode, dentry);
}

/*
 * Two functions that are called in the place of procfs's own. on_lookup() and on_readdir() have
 * taken a reference to the module for each call. After it is given back there is a little left to
 * run; hook_exit() waits for that.
 */
static struct dentry *task_file_lookup(struct inode *dir, struct dentry *dentry,
				       unsigned int flags)
{
	struct dentry *result = task_file_instantiate(dir, dentry);

	module_put(THIS_MODULE);
	return result;
}

/* For finding out whether the kernel's own readdir ended because it had no more. */
struct task_dir_context {
	struct dir_context ctx;
	struct dir_context *caller;
	bool full;
};

static bool task_dir_actor(struct dir_context *ctx, const char *name, int len, loff_t pos,
			   u64 ino, unsigned int type)
{
	struct task_dir_context *own = container_of(ctx, struct task_dir_context, ctx);

	own->full = !own->caller->actor(own->caller, name, len, pos, ino, type);
	return !own->full;
}

/* The positions of our files: beyond whatever procfs itself has. */
#define TASK_FILES_POS BIT(30)

static int task_dir_readdir(struct file *file, struct dir_context *ctx)
{
	struct task_dir_context own = { .ctx = *ctx, .caller = ctx };
	const struct task_file *type;
	int error = 0;

	own.ctx.actor = task_dir_actor;
	if (ctx->pos < TASK_FILES_POS) {
		error = file->f_op->iterate_shared(file, &own.ctx);
		ctx->pos = own.ctx.pos;
		if (!error && !own.full)
			ctx->pos = TASK_FILES_POS;
	}
	for (; !error && ctx->pos >= TASK_FILES_POS &&
	     ctx->pos - TASK_FILES_POS < ARRAY_SIZE(task_files); ctx->pos++) {
		type = &task_files[ctx->pos - TASK_FILES_POS];
		if (!dir_emit(ctx, type->name, type->len, get_next_ino(), DT_REG))
			break;
	}
	module_put(THIS_MODULE);
	return error;
}

static __always_inline void *on_lookup(unsigned long dir, unsigned long dentry)
{
	if (likely(!task_file_find(&((struct dentry *)dentry)->d_name)))
		return NULL;
	return try_module_get(THIS_MODULE) ? task_file_lookup : NULL;
}

static __always_inline void *on_readdir(unsigned long file, unsigned long ctx)
{
	/* Our own call of what we are called in the place of. */
	if (((struct dir_context *)ctx)->actor == task_dir_actor)
		return NULL;
	return try_module_get(THIS_MODULE) ? task_dir_readdir : NULL;
}

DEFINE_HOOK_PAIR(hook_lookup, "proc_tgid_base_lookup", "proc_tid_base_lookup", on_lookup, true);
DEFINE_HOOK_PAIR(hook_readdir, "proc_tgid_base_readdir", "proc_tid_base_readdir", on_readdir, true);

struct hook *const proc_hooks[PROC_HOOKS] = { &hook_lookup, &hook_readdir };

static int proc_hooks_arm(void)
{
	int error = 0;
	size_t i;

	for (i = 0; i < PROC_HOOKS && !error; i++)
		error = hook_check(proc_hooks[i]);
	for (i = 0; i < PROC_HOOKS && !error; i++)
		error = hook_arm(proc_hooks[i]);
	return error;
}

/* /proc/containers */
static int hierarchies_show(struct seq_file *m, void *v)
{
	unsigned long nr_tasks[HIERARCHIES_MAX];
	const struct hierarchy_label *label;
	const struct hierarchy *h;
	int id;

	seq_puts(m, "#hierarchy\tsubsystems\tcontainers\ttasks\n");
	container_sets_count_tasks(nr_tasks);
	rcu_read_lock();
	for (id = 0; id < HIERARCHIES_MAX; id++) {
		h = hierarchy_by_id(id);
		if (!h)
			continue;
		seq_printf(m, "%d\t", id);
		/* Reads it once, because a mount may change it. */
		label = rcu_dereference(h->label);
		seq_puts(m, label ? label->text : "-");
		seq_printf(m, "\t%lu\t%lu\n", READ_ONCE(h->nr_containers), nr_tasks[id]);
	}
	rcu_read_unlock();
	return 0;
}

/* /proc/rc_subsys */
static int subsystems_show(struct seq_file *m, void *v)
{
	const struct rc_subsys *subsys;
	const struct hierarchy *h;
	int id;

	seq_puts(m, "#subsystem\thierarchy\tcontainers\n");
	/* Keeps the subsystems and the hierarchies that are found. */
	rcu_read_lock();
	for (id = 0; id < SUBSYS_MAX; id++) {
		subsys = READ_ONCE(subsys_table[id]);
		if (!subsys)
			continue;
		h = READ_ONCE(subsys->hierarchy);
		seq_printf(m, "%s\t%d\t%lu\n", subsys->name, h ? h->id : 0,
			   h ? READ_ONCE(h->nr_containers) : 0);
	}
	rcu_read_unlock();
	return 0;
}

/**
 * proc_init - make the files in /proc
 * @task_files: also those of every task, which needs hooks
 *
 * Return: 0, or an error after a line that tells why.
 */
int proc_init(bool task_files)
{
	int error = 0;

	if (!proc_create_single("containers", 0444, NULL, hierarchies_show)) {
		pr_err("/proc/containers cannot be made\n");
		return -ENOMEM;
	}
	if (!proc_create_single("rc_subsys", 0444, NULL, subsystems_show)) {
		pr_err("/proc/rc_subsys cannot be made\n");
		remove_proc_entry("containers", NULL);
		return -ENOMEM;
	}
	if (task_files)
		error = proc_hooks_arm();
	if (error) {
		pr_err("/proc/PID/container cannot be made; proc_files=0 does without\n");
		proc_exit();
	}
	return error;
}

/**
 * proc_exit - undo proc_init()
 *
 * Context: Process context; sleeps. hook_exit() and proc_wait_unused() tell what is left.
 */
void proc_exit(void)
{
	/* hook_exit() sees to those that the kernel does not let go. */
	hooks_disarm(proc_hooks, PROC_HOOKS);
	remove_proc_entry("rc_subsys", NULL);
	remove_proc_entry("containers", NULL);
}

/**
 * proc_wait_unused - wait until nobody uses a file of ours in /proc
 *
 * For the case that loading fails after proc_init(): nothing else waits for them then. When the
 * module is unloaded, nobody does any more.
 *
 * Context: Process context, in the module's init function; sleeps.
 */
void proc_wait_unused(void)
{
	/* One reference is that of the module being loaded. */
	while (module_refcount(THIS_MODULE) > 1)
		msleep(20);
}
