// SPDX-License-Identifier: GPL-2.0
/* What the suites share that look at directories and files: mounts, and a program's memory. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "../src/compat.h"
#include "../src/fs.h"
#include "../src/hook.h"
#include "fixture.h"
#include "mount.h"

/*
 * Files are read and written with a program's memory, which a test, being a thread of the kernel,
 * has none of. So it borrows that of the program that loads the suites, and waits for their end.
 */
#define MEMORY_SIZE (4 * PAGE_SIZE)

static struct mm_struct *program;
static unsigned long memory;

/* mount_suite_start - for kunit_suite.suite_init, which runs in the program */
int mount_suite_start(struct kunit_suite *suite)
{
	memory = vm_mmap(NULL, 0, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (IS_ERR_VALUE(memory))
		return memory;
	program = current->mm;
	return 0;
}

/* mount_suite_stop - for kunit_suite.suite_exit */
void mount_suite_stop(struct kunit_suite *suite)
{
	vm_munmap(memory, MEMORY_SIZE);
}

/* mount_start - for kunit_suite.init: core_start(), the hooks and the filesystem types */
int mount_start(struct kunit *test)
{
	return core_start(test) ?: hook_init("auto", NULL, 0) ?: fs_init();
}

/* mount_stop - for kunit_suite.exit; nothing is mounted any more, and there is no container */
void mount_stop(struct kunit *test)
{
	core_settle();
	fs_exit();
	hook_exit();
	core_stop(test);
}

/* mount_type - a mount that no path leads to, for mntput(), which then waits for its end */
struct vfsmount *mount_type(const char *name, const char *options)
{
	struct file_system_type *type = get_fs_type(name);
	char *copy = kstrdup(options, GFP_KERNEL);
	struct vfsmount *mnt = ERR_PTR(-ENOMEM);

	if (copy)
		mnt = vfs_kern_mount(type, SB_KERNMOUNT, "none", copy);
	kfree(copy);
	module_put(type->owner);
	return mnt;
}

static int find_dir(struct vfsmount *mnt, const char *name, struct path *dir)
{
	struct file *file = open_at(mnt, name, O_PATH | O_DIRECTORY);

	if (IS_ERR(file))
		return PTR_ERR(file);
	*dir = file->f_path;
	path_get(dir);
	close_file(file);
	return 0;
}

/* place_find - find a directory, lock it, and look a name in it up; place_put() is owed */
int place_find(struct vfsmount *mnt, const char *path, struct place *place)
{
	const char *slash = strrchr(path, '/');
	char *dir = kasprintf(GFP_KERNEL, "./%.*s", slash ? (int)(slash - path) : 0, path);
	int error;

	if (!dir)
		return -ENOMEM;
	error = find_dir(mnt, dir, &place->dir);
	kfree(dir);
	if (error)
		return error;
	path = slash ? slash + 1 : path;
	inode_lock_nested(d_inode(place->dir.dentry), I_MUTEX_PARENT);
	place->dentry = lookup_one_len(path, place->dir.dentry, strlen(path));
	if (!IS_ERR(place->dentry))
		return 0;
	inode_unlock(d_inode(place->dir.dentry));
	path_put(&place->dir);
	return PTR_ERR(place->dentry);
}

void place_put(struct place *place)
{
	dput(place->dentry);
	inode_unlock(d_inode(place->dir.dentry));
	path_put(&place->dir);
}

/* make_dir - what mkdir(2) does */
int make_dir(struct vfsmount *mnt, const char *path)
{
	struct place place;
	int error = place_find(mnt, path, &place);

	if (error)
		return error;
	error = vfs_mkdir(compat_nop_idmap, d_inode(place.dir.dentry), place.dentry, 0777);
	place_put(&place);
	return error;
}

/* remove_dir - what rmdir(2) does, when all that was put off has been done */
int remove_dir(struct vfsmount *mnt, const char *path)
{
	struct place place;
	int error;

	core_settle();
	error = place_find(mnt, path, &place);
	if (error)
		return error;
	error = d_is_negative(place.dentry) ? -ENOENT :
		vfs_rmdir(compat_nop_idmap, d_inode(place.dir.dentry), place.dentry);
	place_put(&place);
	return error;
}

bool is_there(struct vfsmount *mnt, const char *path)
{
	struct place place;
	bool there;

	if (place_find(mnt, path, &place))
		return false;
	there = d_is_positive(place.dentry);
	place_put(&place);
	return there;
}

/* container_at - the container that a directory is of, good as long as the directory is there */
struct container *container_at(struct vfsmount *mnt, const char *path)
{
	struct container *c = NULL;
	struct path dir;

	if (find_dir(mnt, path, &dir))
		return NULL;
	c = d_inode(dir.dentry)->i_private;
	path_put(&dir);
	return c;
}

/* open_at - what open(2) does, for close_file() */
struct file *open_at(struct vfsmount *mnt, const char *path, int flags)
{
	struct path root = { .mnt = mnt, .dentry = mnt->mnt_root };

	return file_open_root(&root, path, flags, 0);
}

/* close_file - what close(2) does, and not a little later, as a thread's fput() would */
void close_file(struct file *file)
{
	/* After an assertion has failed it is the program that cleans up. */
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file);
}

/* write_file - what write(2) does, when the file is not positioned */
ssize_t write_file(struct file *file, const char *text, size_t len)
{
	ssize_t result = -EFAULT;
	struct iov_iter iter;
	struct kiocb iocb;
	struct iovec iov;

	kthread_use_mm(program);
	init_sync_kiocb(&iocb, file);
	if (len <= MEMORY_SIZE && !copy_to_user((void __user *)memory, text, len) &&
	    !import_single_range(WRITE, (void __user *)memory, len, &iov, &iter))
		result = file->f_op->write_iter(&iocb, &iter);
	kthread_unuse_mm(program);
	return result;
}

/* describe_written - for the descriptions of KUNIT_ARRAY_PARAM() */
void describe_written(const struct written *written, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "'%*pE'", (int)written->len, written->text);
}

/* read_file - what pread(2) does */
ssize_t read_file(struct file *file, char *to, size_t len, loff_t *pos)
{
	ssize_t result = -EFAULT;
	struct iov_iter iter;
	struct kiocb iocb;
	struct iovec iov;

	kthread_use_mm(program);
	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = *pos;
	len = min(len, MEMORY_SIZE);
	if (!import_single_range(READ, (void __user *)memory, len, &iov, &iter))
		result = file->f_op->read_iter(&iocb, &iter);
	if (result > 0 && copy_from_user(to, (void __user *)memory, result))
		result = -EFAULT;
	*pos = iocb.ki_pos;
	kthread_unuse_mm(program);
	return result;
}

/* write_at - what a shell's "echo -n >" does; the error or how much was written */
ssize_t write_at(struct vfsmount *mnt, const char *path, const char *text)
{
	struct file *file = open_at(mnt, path, O_WRONLY | O_TRUNC);
	ssize_t result;

	if (IS_ERR(file))
		return PTR_ERR(file);
	result = write_file(file, text, strlen(text));
	close_file(file);
	return result;
}

/* expect_text - what a file shows when it is read in one go */
void expect_text(struct kunit *test, struct vfsmount *mnt, const char *path, const char *text)
{
	struct file *file = open_at(mnt, path, O_RDONLY);
	static char found[PAGE_SIZE + 1];
	ssize_t len;
	loff_t pos = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	len = read_file(file, found, PAGE_SIZE, &pos);
	found[max(len, 0L)] = '\0';
	KUNIT_EXPECT_STREQ(test, found, text);
	/* Then there is no more. */
	KUNIT_EXPECT_EQ(test, read_file(file, found, PAGE_SIZE, &pos), 0);
	close_file(file);
}
