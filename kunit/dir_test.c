// SPDX-License-Identifier: GPL-2.0
/* Directories, as programs see them: what can be made, removed, renamed and listed. */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../src/compat.h"
#include "../src/hierarchy.h"
#include "fixture.h"
#include "mount.h"

static struct container *const top = &default_hierarchy.root;
static struct vfsmount *mnt;

static int dir_start(struct kunit *test)
{
	int error = mount_start(test);

	if (error)
		return error;
	mnt = mount_type("container", "");
	return PTR_ERR_OR_ZERO(mnt);
}

static void dir_stop(struct kunit *test)
{
	mntput(mnt);
	mount_stop(test);
}

static void a_directory_is_a_container_with_its_files(struct kunit *test)
{
	struct container *a;

	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a/b"), 0);
	a = container_at(mnt, "a");
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_EXPECT_STREQ(test, container_name(a), "a");
	KUNIT_EXPECT_PTR_EQ(test, a->parent, top);
	KUNIT_EXPECT_PTR_EQ(test, container_at(mnt, "a/b")->parent, a);
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "a/tasks"));
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "a/notify_on_release"));
	KUNIT_EXPECT_FALSE(test, is_there(mnt, "a/release_agent"));
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "release_agent"));
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a/b"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	KUNIT_EXPECT_FALSE(test, is_there(mnt, "a"));
	KUNIT_EXPECT_EQ(test, default_hierarchy.nr_containers, 1);
}

#define X50 "12345678901234567890123456789012345678901234567890"
#define X255 X50 X50 X50 X50 X50 "12345"

struct name_case {
	const char *name;
	int error;
};

static const struct name_case name_cases[] = {
	{ "b", 0 },
	{ "with a space, and \001 \303\244 \\ \"", 0 },
	{ "...", 0 },
	{ X255, 0 },
	{ X255 "6", -ENAMETOOLONG },
	{ "a", -EEXIST },
	{ "tasks", -EEXIST },
	{ "release_agent", -EEXIST },
	{ "\n", -EINVAL },
	{ "b\n", -EINVAL },
	{ "b\nc", -EINVAL },
};

static void name_description(const struct name_case *n, char *description)
{
	const size_t len = strlen(n->name);

	snprintf(description, KUNIT_PARAM_DESC_SIZE, "'%*pE' of %zu", (int)min(len, 20UL), n->name,
		 len);
}

KUNIT_ARRAY_PARAM(name, name_cases, name_description);

static void mkdir_takes_or_refuses_a_name(struct kunit *test)
{
	const struct name_case *n = test->param_value;

	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, n->name), n->error);
	KUNIT_EXPECT_EQ(test, default_hierarchy.nr_containers, n->error ? 2 : 3);
	if (!n->error) {
		KUNIT_EXPECT_STREQ(test, container_name(container_at(mnt, n->name)), n->name);
		KUNIT_EXPECT_EQ(test, remove_dir(mnt, n->name), 0);
	}
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static int rename_at(const char *from, const char *to, unsigned int flags)
{
	struct renamedata data = { .flags = flags };
	struct path from_dir, to_dir;
	struct place place;
	int error;

	/* place_find() locks only one, which does to find out what the directories are. */
	error = place_find(mnt, from, &place);
	if (error)
		return error;
	from_dir = place.dir;
	path_get(&from_dir);
	place_put(&place);
	error = place_find(mnt, to, &place);
	if (error) {
		path_put(&from_dir);
		return error;
	}
	to_dir = place.dir;
	path_get(&to_dir);
	place_put(&place);

	lock_rename(from_dir.dentry, to_dir.dentry);
	from = strrchr(from, '/') ? strrchr(from, '/') + 1 : from;
	to = strrchr(to, '/') ? strrchr(to, '/') + 1 : to;
	data.old_mnt_userns = compat_nop_idmap;
	data.new_mnt_userns = compat_nop_idmap;
	data.old_dir = d_inode(from_dir.dentry);
	data.new_dir = d_inode(to_dir.dentry);
	data.old_dentry = lookup_one_len(from, from_dir.dentry, strlen(from));
	data.new_dentry = lookup_one_len(to, to_dir.dentry, strlen(to));
	error = vfs_rename(&data);
	dput(data.old_dentry);
	dput(data.new_dentry);
	unlock_rename(from_dir.dentry, to_dir.dentry);
	path_put(&from_dir);
	path_put(&to_dir);
	return error;
}

struct rename_case {
	const char *from, *to;
	unsigned int flags;
	int error;
};

static const struct rename_case rename_cases[] = {
	{ "a", "c", 0, 0 },
	{ "a", "c", RENAME_NOREPLACE, 0 },
	{ "a", "a", 0, 0 },
	{ "a/x", "a/y", 0, 0 },
	{ "a", X255, 0, 0 },
	{ "a", X255 "6", 0, -ENAMETOOLONG },
	{ "a", "c\n", 0, -EINVAL },
	{ "a", "c", RENAME_EXCHANGE, -EINVAL },
	{ "a", "c", RENAME_WHITEOUT, -EINVAL },
	{ "a", "b", 0, -EEXIST },
	{ "a", "b/c", 0, -EIO },
	{ "a/x", "x", 0, -EIO },
	{ "tasks", "c", 0, -ENOTDIR },
	{ "tasks", "notify_on_release", 0, -ENOTDIR },
	{ "a", "tasks", 0, -ENOTDIR },
};

static void rename_description(const struct rename_case *r, char *description)
{
	const size_t len = strlen(r->to);

	snprintf(description, KUNIT_PARAM_DESC_SIZE, "'%s' to '%*pE' of %zu with %u", r->from,
		 (int)min(len, 20UL), r->to, len, r->flags);
}

KUNIT_ARRAY_PARAM(rename, rename_cases, rename_description);

static void rename_takes_or_refuses(struct kunit *test)
{
	const struct rename_case *r = test->param_value;
	const char *x = "a/x", *a = "a";
	struct container *c;

	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a/x"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "b"), 0);
	c = container_at(mnt, r->error ? "a" : r->from);
	KUNIT_EXPECT_EQ(test, rename_at(r->from, r->to, r->flags), r->error);
	if (!r->error) {
		KUNIT_EXPECT_PTR_EQ(test, container_at(mnt, r->to), c);
		KUNIT_EXPECT_STREQ(test, container_name(c), strrchr(r->to, '/') ? "y" : r->to);
		KUNIT_EXPECT_EQ(test, is_there(mnt, r->from), !strcmp(r->from, r->to));
		if (!strcmp(r->from, x))
			x = r->to;
		else
			a = r->to;
	} else {
		KUNIT_EXPECT_PTR_EQ(test, container_at(mnt, "a"), c);
		KUNIT_EXPECT_STREQ(test, container_name(c), "a");
	}
	/* Where things are by now. */
	x = kasprintf(GFP_KERNEL, "%s%s", a, strrchr(x, '/'));
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, x), 0);
	kfree(x);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, a), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "b"), 0);
}

static void one_with_a_child_or_a_task_is_not_removed(struct kunit *test)
{
	struct task_struct *task = fake_task(test);

	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a/b"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), -EBUSY);
	KUNIT_EXPECT_EQ(test, move(task, container_at(mnt, "a/b")), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a/b"), -EBUSY);
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "a/b/tasks"));
	move(task, top);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a/b"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static unsigned int links_of(const char *path)
{
	unsigned int nr = 0;
	struct place place;

	if (place_find(mnt, path, &place))
		return 0;
	if (d_is_positive(place.dentry))
		nr = d_inode(place.dentry)->i_nlink;
	place_put(&place);
	return nr;
}

/* So that programs know how many directories there are below. */
static void each_child_is_a_link(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, links_of("a"), 2);
	KUNIT_EXPECT_EQ(test, links_of("a/tasks"), 1);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a/b"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a/c"), 0);
	KUNIT_EXPECT_EQ(test, links_of("a"), 4);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a/b"), 0);
	KUNIT_EXPECT_EQ(test, links_of("a"), 3);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a/c"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static void nothing_but_directories_can_be_made(struct kunit *test)
{
	struct inode *dir;
	struct place place;

	KUNIT_ASSERT_EQ(test, place_find(mnt, "new", &place), 0);
	dir = d_inode(place.dir.dentry);
	KUNIT_EXPECT_EQ(test, vfs_create(compat_nop_idmap, dir, place.dentry, 0644, true),
			-EACCES);
	KUNIT_EXPECT_EQ(test, vfs_symlink(compat_nop_idmap, dir, place.dentry, "a"), -EPERM);
	KUNIT_EXPECT_EQ(test, vfs_mknod(compat_nop_idmap, dir, place.dentry, S_IFIFO, 0), -EPERM);
	KUNIT_EXPECT_TRUE(test, d_is_negative(place.dentry));
	place_put(&place);
}

static void a_file_is_neither_linked_nor_unlinked(struct kunit *test)
{
	struct place tasks;
	struct dentry *new;
	struct inode *dir;

	KUNIT_ASSERT_EQ(test, place_find(mnt, "tasks", &tasks), 0);
	dir = d_inode(tasks.dir.dentry);
	new = lookup_one_len("new", tasks.dir.dentry, 3);
	KUNIT_EXPECT_EQ(test, vfs_link(tasks.dentry, compat_nop_idmap, dir, new, NULL), -EPERM);
	dput(new);
	KUNIT_EXPECT_EQ(test, vfs_unlink(compat_nop_idmap, dir, tasks.dentry, NULL), -EPERM);
	KUNIT_EXPECT_EQ(test, vfs_rmdir(compat_nop_idmap, dir, tasks.dentry), -ENOTDIR);
	place_put(&tasks);
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "tasks"));
}

/* A listing: names, each followed by a space; at most @left of them. */
struct listing {
	struct dir_context ctx;
	char names[256];
	unsigned int left;
	u64 last_ino;
};

static bool list_name(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino,
		      unsigned int type)
{
	struct listing *l = container_of(ctx, struct listing, ctx);
	size_t end = strlen(l->names);

	if (!l->left)
		return false;
	l->left--;
	l->last_ino = ino;
	scnprintf(l->names + end, sizeof(l->names) - end, "%.*s%s ", len, name,
		  type == DT_DIR ? "/" : "");
	return true;
}

/* The next @nr names of an open directory. */
static void expect_next(struct kunit *test, struct file *file, unsigned int nr,
			const char *expected)
{
	struct listing l = { .ctx.actor = list_name, .left = nr };

	KUNIT_EXPECT_EQ(test, iterate_dir(file, &l.ctx), 0);
	KUNIT_EXPECT_STREQ(test, l.names, expected);
}

static void a_listing_has_the_files_and_then_the_children(struct kunit *test)
{
	struct file *file = open_at(mnt, ".", O_RDONLY | O_DIRECTORY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "b"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	expect_next(test, file, 100, "./ ../ tasks notify_on_release release_agent b/ a/ ");
	expect_next(test, file, 100, "");
	close_file(file);
	file = open_at(mnt, "a", O_RDONLY | O_DIRECTORY);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	expect_next(test, file, 100, "./ ../ tasks notify_on_release ");
	close_file(file);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "b"), 0);
}

static void what_comes_and_goes_does_not_disturb_a_listing(struct kunit *test)
{
	struct file *file = open_at(mnt, ".", O_RDONLY | O_DIRECTORY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "b"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "c"), 0);
	expect_next(test, file, 4, "./ ../ tasks notify_on_release ");
	expect_next(test, file, 2, "release_agent a/ ");
	/* One that was listed, and one that was not; what is new comes last. */
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "b"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	expect_next(test, file, 1, "c/ ");
	expect_next(test, file, 100, "a/ ");
	close_file(file);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "c"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static u64 ino_of(const char *path)
{
	struct place place;
	u64 ino = 0;

	if (place_find(mnt, path, &place))
		return 0;
	if (d_is_positive(place.dentry))
		ino = d_inode(place.dentry)->i_ino;
	place_put(&place);
	return ino;
}

static void a_listing_has_the_inode_numbers_of_lookups(struct kunit *test)
{
	static const char * const names[] = {
		"tasks", "notify_on_release", "release_agent", "a", "b",
	};
	struct file *file = open_at(mnt, ".", O_RDONLY | O_DIRECTORY);
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "b"), 0);
	expect_next(test, file, 2, "./ ../ ");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct listing l = { .ctx.actor = list_name, .left = 1 };

		KUNIT_EXPECT_EQ(test, iterate_dir(file, &l.ctx), 0);
		KUNIT_EXPECT_EQ(test, l.last_ino, ino_of(names[i]));
	}
	KUNIT_EXPECT_NE(test, ino_of("a/tasks"), ino_of("b/tasks"));
	close_file(file);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "b"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static void a_directory_and_its_files_belong_to_who_made_it(struct kunit *test)
{
	struct cred *cred = prepare_creds();
	const struct cred *old;
	struct place place;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cred->fsuid = KUIDT_INIT(1000);
	cred->fsgid = KGIDT_INIT(2000);
	old = override_creds(cred);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	revert_creds(old);
	put_cred(cred);
	KUNIT_ASSERT_EQ(test, place_find(mnt, "a/tasks", &place), 0);
	KUNIT_EXPECT_EQ(test, __kuid_val(d_inode(place.dir.dentry)->i_uid), 1000);
	KUNIT_EXPECT_EQ(test, __kgid_val(d_inode(place.dir.dentry)->i_gid), 2000);
	/* Whatever the mode that mkdir(2) was given. */
	KUNIT_EXPECT_EQ(test, d_inode(place.dir.dentry)->i_mode, S_IFDIR | 0755);
	KUNIT_EXPECT_EQ(test, __kuid_val(d_inode(place.dentry)->i_uid), 1000);
	KUNIT_EXPECT_EQ(test, __kgid_val(d_inode(place.dentry)->i_gid), 2000);
	KUNIT_EXPECT_EQ(test, d_inode(place.dentry)->i_mode, S_IFREG | 0644);
	place_put(&place);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
}

static void a_tree_with_a_container_outlives_its_umount(struct kunit *test)
{
	struct container *a;

	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	a = container_at(mnt, "a");
	mntput(mnt);
	mnt = mount_type("container", "");
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	KUNIT_EXPECT_PTR_EQ(test, container_at(mnt, "a"), a);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	/* Now nothing keeps it. */
	mntput(mnt);
	KUNIT_EXPECT_EQ(test, default_hierarchy.users, 0);
	mnt = mount_type("container", "");
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
}

static void nothing_is_made_in_a_directory_that_was_removed(struct kunit *test)
{
	struct file *file;
	struct path dir;

	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a"), 0);
	file = open_at(mnt, "a", O_RDONLY | O_DIRECTORY);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	dir = file->f_path;
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	inode_lock(d_inode(dir.dentry));
	KUNIT_EXPECT_PTR_EQ(test, lookup_one_len("b", dir.dentry, 1),
			    (struct dentry *)ERR_PTR(-ENOENT));
	inode_unlock(d_inode(dir.dentry));
	KUNIT_EXPECT_EQ(test, d_inode(dir.dentry)->i_nlink, 0);
	close_file(file);
}

static struct recorder recorder;

static void a_mkdir_that_fails_leaves_nothing(struct kunit *test)
{
	struct vfsmount *other;

	recorder_init(&recorder, "a");
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&recorder.subsys), 0);
	other = mount_type("rcfs", "a");
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	recorder.create_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, make_dir(other, "x"), -EDQUOT);
	recorder.create_error = 0;
	recorder.populate_error = -ENOSPC;
	KUNIT_EXPECT_EQ(test, make_dir(other, "x"), -ENOSPC);
	KUNIT_EXPECT_FALSE(test, is_there(other, "x"));
	KUNIT_EXPECT_EQ(test, d_inode(other->mnt_root)->i_nlink, 2);
	KUNIT_EXPECT_EQ(test, recorder.states, 1);
	recorder.populate_error = 0;
	KUNIT_EXPECT_EQ(test, make_dir(other, "x"), 0);
	KUNIT_EXPECT_EQ(test, remove_dir(other, "x"), 0);
	/* Its containers do not keep the tree either. */
	mntput(other);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
}

static struct kunit_case dir_cases[] = {
	KUNIT_CASE(a_directory_is_a_container_with_its_files),
	KUNIT_CASE_PARAM(mkdir_takes_or_refuses_a_name, name_gen_params),
	KUNIT_CASE_PARAM(rename_takes_or_refuses, rename_gen_params),
	KUNIT_CASE(one_with_a_child_or_a_task_is_not_removed),
	KUNIT_CASE(each_child_is_a_link),
	KUNIT_CASE(nothing_but_directories_can_be_made),
	KUNIT_CASE(a_file_is_neither_linked_nor_unlinked),
	KUNIT_CASE(a_listing_has_the_files_and_then_the_children),
	KUNIT_CASE(what_comes_and_goes_does_not_disturb_a_listing),
	KUNIT_CASE(a_listing_has_the_inode_numbers_of_lookups),
	KUNIT_CASE(a_directory_and_its_files_belong_to_who_made_it),
	KUNIT_CASE(a_tree_with_a_container_outlives_its_umount),
	KUNIT_CASE(nothing_is_made_in_a_directory_that_was_removed),
	KUNIT_CASE(a_mkdir_that_fails_leaves_nothing),
	{}
};

static struct kunit_suite dir_suite = {
	.name = "dir",
	.suite_init = mount_suite_start,
	.suite_exit = mount_suite_stop,
	.init = dir_start,
	.exit = dir_stop,
	.test_cases = dir_cases,
};

kunit_test_suite(dir_suite);
