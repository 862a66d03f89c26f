// SPDX-License-Identifier: GPL-2.0
/* The inodes of files: which lookups share one, what it pins, what is kept of it. */
#include <kunit/test.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/module.h>

#include "../src/attr.h"
#include "../src/compat.h"
#include "../src/hierarchy.h"
#include "fixture.h"
#include "mount.h"

static struct container *const top = &default_hierarchy.root;
static struct recorder recorder, other_recorder;
static struct vfsmount *mnt;

static u64 read_number(struct rc_state *state, const struct rc_cftype *type)
{
	return 0;
}

static const struct rc_cftype files[] = {
	{ .name = "x", .read_u64 = read_number },
	{ .name = "y", .read_u64 = read_number },
	{}
};

static int attr_start(struct kunit *test)
{
	int error = mount_start(test);

	if (error)
		return error;
	recorder_init(&recorder, "a");
	recorder.subsys.files = files;
	recorder_init(&other_recorder, "b");
	error = rc_register_subsys(&recorder.subsys) ?: rc_register_subsys(&other_recorder.subsys);
	if (error)
		return error;
	mnt = mount_type("container", "");
	return PTR_ERR_OR_ZERO(mnt);
}

static void attr_stop(struct kunit *test)
{
	mntput(mnt);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&other_recorder.subsys), 0);
	mount_stop(test);
}

/* Bind a subsystem to the default tree, and unbind the other. */
static void bind_default(struct kunit *test, const char *options)
{
	struct vfsmount *other = mount_type("container", options);

	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	mntput(other);
}

/* Look a file up; iput() is owed. */
static struct inode *find_inode(const char *path)
{
	struct inode *inode = NULL;
	struct place place;

	if (place_find(mnt, path, &place))
		return NULL;
	if (d_is_positive(place.dentry)) {
		inode = d_inode(place.dentry);
		ihold(inode);
	}
	place_put(&place);
	return inode;
}

/* What drop_caches does to the names below a directory that nothing uses */
static void forget_names(void)
{
	shrink_dcache_parent(mnt->mnt_root);
}

static void lookup_finds_the_pinned_inode(struct kunit *test)
{
	struct inode *first, *second, *other;

	KUNIT_ASSERT_EQ(test, make_dir(mnt, "a"), 0);
	first = find_inode("a/tasks");
	KUNIT_ASSERT_NOT_NULL(test, first);
	forget_names();
	KUNIT_EXPECT_TRUE(test, hlist_empty(&first->i_dentry));
	second = find_inode("a/tasks");
	other = find_inode("tasks");
	KUNIT_EXPECT_PTR_EQ(test, second, first);
	KUNIT_EXPECT_PTR_NE(test, other, first);
	iput(other);
	iput(second);
	iput(first);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static void unused_inode_pins_nothing(struct kunit *test)
{
	int modules, containers;
	struct inode *inode;

	bind_default(test, "a");
	forget_names();
	modules = module_refcount(THIS_MODULE);
	containers = refcount_read(&top->ref);
	inode = find_inode("a.x");
	KUNIT_ASSERT_NOT_NULL(test, inode);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), modules + 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), containers + 1);
	/* Nor does a lookup that finds it. */
	forget_names();
	iput(find_inode("a.x"));
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), modules + 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), containers + 1);
	iput(inode);
	forget_names();
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), modules);
	KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), containers);
}

static int change_mode(const char *path, umode_t mode)
{
	struct iattr iattr = { .ia_valid = ATTR_MODE | ATTR_FORCE, .ia_mode = mode };
	struct place place;
	int error = place_find(mnt, path, &place);

	if (error)
		return error;
	inode_lock(d_inode(place.dentry));
	error = notify_change(compat_nop_idmap, place.dentry, &iattr, NULL);
	inode_unlock(d_inode(place.dentry));
	place_put(&place);
	return error;
}

static void rebinding_makes_a_new_inode(struct kunit *test)
{
	struct inode *first, *second;

	bind_default(test, "a");
	first = find_inode("a.x");
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_EXPECT_EQ(test, change_mode("a.x", S_IFREG | 0666), 0);
	bind_default(test, "b");
	KUNIT_EXPECT_PTR_EQ(test, find_inode("a.x"), (struct inode *)NULL);
	bind_default(test, "a");
	second = find_inode("a.x");
	KUNIT_ASSERT_NOT_NULL(test, second);
	KUNIT_EXPECT_PTR_NE(test, second, first);
	KUNIT_EXPECT_EQ(test, second->i_mode, S_IFREG | 0644);
	iput(second);
	iput(first);
}

static void only_changes_take_memory(struct kunit *test)
{
	struct container *a;
	struct inode *inode;

	KUNIT_ASSERT_EQ(test, make_dir(mnt, "a"), 0);
	a = container_at(mnt, "a");
	inode = find_inode("a/notify_on_release");
	KUNIT_EXPECT_EQ(test, write_at(mnt, "a/notify_on_release", "1"), 1);
	KUNIT_EXPECT_TRUE(test, hlist_empty(&a->attrs));
	KUNIT_EXPECT_EQ(test, change_mode("a/notify_on_release", S_IFREG | 0600), 0);
	KUNIT_EXPECT_FALSE(test, hlist_empty(&a->attrs));
	KUNIT_EXPECT_EQ(test, change_mode("a", S_IFDIR | 0700), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	/* A removed container keeps nothing, and gets nothing to keep. */
	a = inode_node(inode)->container;
	KUNIT_EXPECT_TRUE(test, hlist_empty(&a->attrs));
	iput(inode);
}

#ifdef CONFIG_FAULT_INJECTION
static void change_without_memory_changes_nothing(struct kunit *test)
{
	struct inode *inode = find_inode("tasks");
	int error;

	KUNIT_ASSERT_NOT_NULL(test, inode);
	current->fail_nth = 1;
	error = change_mode("tasks", S_IFREG | 0600);
	current->fail_nth = 0;
	KUNIT_EXPECT_EQ(test, error, -ENOMEM);
	KUNIT_EXPECT_EQ(test, inode->i_mode, S_IFREG | 0644);
	KUNIT_EXPECT_TRUE(test, hlist_empty(&top->attrs));
	iput(inode);
}

/* A lookup that fails, at whichever allocation, leaves nothing, and the next one succeeds. */
static void lookup_without_memory_fails(struct kunit *test)
{
	struct place place;
	unsigned int nth;
	int error = -ENOMEM, refs;

	forget_names();
	refs = refcount_read(&top->ref);
	KUNIT_ASSERT_EQ(test, place_find(mnt, "notify_on_release", &place), 0);
	d_drop(place.dentry);
	place_put(&place);
	for (nth = 1; error; nth++) {
		inode_lock(d_inode(mnt->mnt_root));
		current->fail_nth = nth;
		place.dentry = lookup_one_len("tasks", mnt->mnt_root, 5);
		current->fail_nth = 0;
		inode_unlock(d_inode(mnt->mnt_root));
		error = PTR_ERR_OR_ZERO(place.dentry);
		KUNIT_EXPECT_TRUE(test, !error || error == -ENOMEM);
		KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), refs + !error);
		KUNIT_ASSERT_LT(test, nth, 20);
	}
	dput(place.dentry);
	KUNIT_EXPECT_GT(test, nth, 2);
}
#endif

static struct kunit_case attr_cases[] = {
	KUNIT_CASE(lookup_finds_the_pinned_inode),
	KUNIT_CASE(unused_inode_pins_nothing),
	KUNIT_CASE(rebinding_makes_a_new_inode),
	KUNIT_CASE(only_changes_take_memory),
#ifdef CONFIG_FAULT_INJECTION
	KUNIT_CASE(change_without_memory_changes_nothing),
	KUNIT_CASE(lookup_without_memory_fails),
#endif
	{}
};

static struct kunit_suite attr_suite = {
	.name = "attr",
	.suite_init = mount_suite_start,
	.suite_exit = mount_suite_stop,
	.init = attr_start,
	.exit = attr_stop,
	.test_cases = attr_cases,
};

kunit_test_suite(attr_suite);
