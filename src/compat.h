/* SPDX-License-Identifier: GPL-2.0 */
/* Every difference between the kernels we support; no other file knows a kernel version. */
#ifndef CONTAINERFS_COMPAT_H
#define CONTAINERFS_COMPAT_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/version.h>

#define COMPAT_SINCE(major, minor) (LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

#ifdef CONFIG_PREEMPT_RT
#error "containerfs does not support PREEMPT_RT yet: its hooks run where spinlocks may not sleep"
#endif
#ifndef CONFIG_CGROUPS
#error "containerfs needs a kernel with CONFIG_CGROUPS: it hooks cgroup_can_fork() and its kin"
#endif
#ifndef CONFIG_PERF_EVENTS
#error "containerfs needs a kernel with CONFIG_PERF_EVENTS: it hooks perf_event_free_task()"
#endif

/* The function that every dying task calls after PF_EXITING is set, before its parent is told. */
#if COMPAT_SINCE(7, 0)
#define COMPAT_EXIT_SYMBOL "cgroup_task_exit"
#else
#define COMPAT_EXIT_SYMBOL "cgroup_exit"
#endif

/* Inode operations are given a struct compat_idmap. */
#if COMPAT_SINCE(6, 3)
#define compat_idmap mnt_idmap
#define compat_nop_idmap (&nop_mnt_idmap)
#else
#define compat_idmap user_namespace
#define compat_nop_idmap (&init_user_ns)
#endif

/* For files that have ->read_iter and no pages. */
#if COMPAT_SINCE(6, 5)
#define compat_splice_read copy_splice_read
#else
#define compat_splice_read generic_file_splice_read
#endif

/* The flags of kernel threads that belong to a process and execute its requests, as io_uring's. */
#ifdef PF_USER_WORKER
#define COMPAT_PF_WORKER (PF_IO_WORKER | PF_USER_WORKER)
#else
#define COMPAT_PF_WORKER PF_IO_WORKER
#endif

/* What ->mkdir returns, made from an error number. */
#if COMPAT_SINCE(6, 15)
#define compat_mkdir_t struct dentry *
#define compat_mkdir_result(error) ERR_PTR(error)
#else
#define compat_mkdir_t int
#define compat_mkdir_result(error) (error)
#endif

static inline void compat_init_times(struct inode *inode)
{
#if COMPAT_SINCE(6, 7)
	simple_inode_init_ts(inode);
#else
	inode->i_mtime = current_time(inode);
	inode->i_atime = inode->i_mtime;
	inode->i_ctime = inode->i_mtime;
#endif
}

struct compat_times {
	struct timespec64 atime;
	struct timespec64 mtime;
	struct timespec64 ctime;
};

static inline void compat_get_times(const struct inode *inode, struct compat_times *times)
{
#if COMPAT_SINCE(6, 7)
	times->atime = inode_get_atime(inode);
	times->mtime = inode_get_mtime(inode);
	times->ctime = inode_get_ctime(inode);
#else
	times->atime = inode->i_atime;
	times->mtime = inode->i_mtime;
	times->ctime = inode->i_ctime;
#endif
}

static inline void compat_set_times(struct inode *inode, const struct compat_times *times)
{
#if COMPAT_SINCE(6, 7)
	inode_set_atime_to_ts(inode, times->atime);
	inode_set_mtime_to_ts(inode, times->mtime);
	inode_set_ctime_to_ts(inode, times->ctime);
#else
	inode->i_atime = times->atime;
	inode->i_mtime = times->mtime;
	inode->i_ctime = times->ctime;
#endif
}

/* The state of @inode has changed. */
static inline void compat_touch_ctime(struct inode *inode)
{
#if COMPAT_SINCE(6, 7)
	inode_set_ctime_current(inode);
#else
	inode->i_ctime = current_time(inode);
#endif
}

/* Something in directory @inode has changed. */
static inline void compat_touch(struct inode *inode)
{
#if COMPAT_SINCE(6, 7)
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));
#else
	inode->i_mtime = current_time(inode);
	inode->i_ctime = inode->i_mtime;
#endif
}

/* A superblock's array of xattr handlers is constant too. */
#if COMPAT_SINCE(6, 7)
#define compat_xattr_const const
#else
#define compat_xattr_const
#endif

/* Make @dentry that of @inode, and keep it until compat_unpin(). */
static inline void compat_pin(struct dentry *dentry, struct inode *inode)
{
#if COMPAT_SINCE(6, 19)
	d_make_persistent(dentry, inode);
#else
	d_instantiate(dentry, inode);
	dget(dentry);
#endif
}

static inline void compat_unpin(struct dentry *dentry)
{
#if COMPAT_SINCE(6, 19)
	d_make_discardable(dentry);
#else
	dput(dentry);
#endif
}

/* Set the operations of a dentry being looked up; @flags are the DCACHE_OP_ ones of @ops. */
static inline void compat_set_d_op(struct dentry *dentry, const struct dentry_operations *ops,
				   unsigned int flags)
{
	spin_lock(&dentry->d_lock);
	dentry->d_op = ops;
	dentry->d_flags |= flags;
	spin_unlock(&dentry->d_lock);
}

/* Ask a dentry's file system whether it is still valid; @dentry has ->d_revalidate. */
static inline int compat_d_revalidate(struct dentry *dentry)
{
#if COMPAT_SINCE(6, 14)
	return dentry->d_op->d_revalidate(d_inode(dentry->d_parent), &dentry->d_name, dentry, 0);
#else
	return dentry->d_op->d_revalidate(dentry, 0);
#endif
}

/* Hand one mount option to the parser; @value may be NULL: a word alone. */
static inline int compat_parse_fs_string(struct fs_context *fc, const char *key, const char *value)
{
#if COMPAT_SINCE(6, 18)
	return vfs_parse_fs_string(fc, key, value);
#else
	return vfs_parse_fs_string(fc, key, value, value ? strlen(value) : 0);
#endif
}

/*
 * A callback may read the first arguments of the function that it hooks, and (if its ftrace_ops
 * has FTRACE_OPS_FL_IPMODIFY) put another function of the same type in its place.
 */
#if COMPAT_SINCE(6, 2)
#define compat_ftrace_arg(fregs, n) ftrace_regs_get_argument(fregs, n)
#define compat_ftrace_redirect(fregs, fn) \
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)(fn))
#else
#define compat_ftrace_arg(fregs, n) regs_get_kernel_argument(&(fregs)->regs, n)
#define compat_ftrace_redirect(fregs, fn) \
	instruction_pointer_set(&(fregs)->regs, (unsigned long)(fn))
#endif

#if defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#define COMPAT_FTRACE_FLAGS 0
#else
#define COMPAT_FTRACE_FLAGS FTRACE_OPS_FL_SAVE_REGS
#endif

#endif
