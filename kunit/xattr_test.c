// SPDX-License-Identifier: GPL-2.0
/* Extended attributes: what is stored, what it counts for, and what happens without memory. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xattr.h>

#include "../src/attr.h"
#include "../src/compat.h"
#include "../src/hierarchy.h"
#include "../src/xattr.h"
#include "fixture.h"
#include "mount.h"

static struct vfsmount *mnt;
static struct place tasks;

static int xattr_start(struct kunit *test)
{
	int error = mount_start(test);

	if (error)
		return error;
	mnt = mount_type("container", "");
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	error = make_dir(mnt, "a") ?: place_find(mnt, "a/tasks", &tasks);
	if (!error)
		inode_unlock(d_inode(tasks.dir.dentry));
	return error;
}

static void xattr_stop(struct kunit *test)
{
	inode_lock(d_inode(tasks.dir.dentry));
	place_put(&tasks);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	mntput(mnt);
	mount_stop(test);
}

static int set(const char *name, const char *value, size_t size, int flags)
{
	return vfs_setxattr(compat_nop_idmap, tasks.dentry, name, value, size, flags);
}

static int remove(const char *name)
{
	return vfs_removexattr(compat_nop_idmap, tasks.dentry, name);
}

/* The record of the file, which nothing else uses */
static const struct kept_attr *record(void)
{
	const struct kept_attr *attr;

	down_read(&attr_rwsem);
	attr = kept_attr_find(d_inode(tasks.dentry));
	up_read(&attr_rwsem);
	return attr;
}

static void expect_value(struct kunit *test, const char *name, const char *value)
{
	char found[32] = "";
	int len = vfs_getxattr(compat_nop_idmap, tasks.dentry, name, found, sizeof(found));

	KUNIT_EXPECT_EQ(test, len, (int)strlen(value));
	KUNIT_EXPECT_STREQ(test, found, value);
}

static void number_and_size_are_counted(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, remove("trusted.a"), -ENODATA);
	KUNIT_EXPECT_NULL(test, record());
	KUNIT_EXPECT_EQ(test, set("trusted.a", "12345", 5, 0), 0);
	KUNIT_EXPECT_EQ(test, set("user.a", "123", 3, 0), 0);
	KUNIT_ASSERT_NOT_NULL(test, record());
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.nr, 1);
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.size, 5);
	KUNIT_EXPECT_EQ(test, record()->user_xattrs.nr, 1);
	KUNIT_EXPECT_EQ(test, record()->user_xattrs.size, 3);
	KUNIT_EXPECT_EQ(test, set("trusted.a", "1234567", 7, XATTR_REPLACE), 0);
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.nr, 1);
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.size, 7);
	KUNIT_EXPECT_EQ(test, set("trusted.a", "1", 1, XATTR_CREATE), -EEXIST);
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.size, 7);
	KUNIT_EXPECT_EQ(test, remove("trusted.a"), 0);
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.nr, 0);
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.size, 0);
	KUNIT_EXPECT_EQ(test, record()->user_xattrs.size, 3);
}

static void files_and_directory_are_apart(struct kunit *test)
{
	struct dentry *dir = tasks.dir.dentry;

	KUNIT_EXPECT_EQ(test, set("trusted.a", "file", 4, 0), 0);
	KUNIT_EXPECT_EQ(test, vfs_setxattr(compat_nop_idmap, dir, "trusted.a", "dir", 3,
					   XATTR_CREATE), 0);
	expect_value(test, "trusted.a", "file");
	KUNIT_EXPECT_EQ(test, vfs_removexattr(compat_nop_idmap, dir, "trusted.a"), 0);
	expect_value(test, "trusted.a", "file");
}

/* What is asked of the handlers that the VFS has already refused */
static void handlers_refuse_bad_flags(struct kunit *test)
{
	const struct xattr_handler *trusted = xattr_handlers[0];
	const char *name = "trusted.a" + strlen(XATTR_TRUSTED_PREFIX);
	struct inode *inode = d_inode(tasks.dentry);

	inode_lock(inode);
	KUNIT_EXPECT_EQ(test, trusted->set(trusted, compat_nop_idmap, tasks.dentry, inode, name,
					   NULL, 0, 0), -ENODATA);
	KUNIT_EXPECT_EQ(test, trusted->set(trusted, compat_nop_idmap, tasks.dentry, inode, name,
					   "1", 1, XATTR_CREATE | XATTR_REPLACE), -ENODATA);
	inode_unlock(inode);
	KUNIT_EXPECT_EQ(test, trusted->get(trusted, tasks.dentry, inode, name, NULL, 0), -ENODATA);
}

#ifdef CONFIG_FAULT_INJECTION
static void set_without_memory_changes_nothing(struct kunit *test)
{
	unsigned int nth;
	int error = -ENOMEM;

	KUNIT_EXPECT_EQ(test, set("trusted.a", "old", 3, 0), 0);
	for (nth = 1; error; nth++) {
		expect_value(test, "trusted.a", "old");
		KUNIT_EXPECT_EQ(test, record()->other_xattrs.size, 3);
		current->fail_nth = nth;
		error = set("trusted.a", "newer", 5, 0);
		current->fail_nth = 0;
		KUNIT_EXPECT_TRUE(test, !error || error == -ENOMEM);
		KUNIT_ASSERT_LT(test, nth, 20);
	}
	expect_value(test, "trusted.a", "newer");
	KUNIT_EXPECT_EQ(test, record()->other_xattrs.size, 5);
	KUNIT_EXPECT_GT(test, nth, 2);
}
#endif

static struct kunit_case xattr_cases[] = {
	KUNIT_CASE(number_and_size_are_counted),
	KUNIT_CASE(files_and_directory_are_apart),
	KUNIT_CASE(handlers_refuse_bad_flags),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(set_without_memory_changes_nothing),
#endif
	{}
};

static struct kunit_suite xattr_suite = {
	.name = "xattr",
	.suite_init = mount_suite_start,
	.suite_exit = mount_suite_stop,
	.init = xattr_start,
	.exit = xattr_stop,
	.test_cases = xattr_cases,
};

kunit_test_suite(xattr_suite);
