// SPDX-License-Identifier: GPL-2.0
/* Files of subsystems: their names, what reading and writing hands on, and how long they last. */
#include <kunit/test.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../src/compat.h"
#include "../src/file.h"
#include "../src/hierarchy.h"
#include "fixture.h"
#include "mount.h"

static struct recorder recorder, other;
static struct vfsmount *mnt;

/* What the files below hold. */
static u64 number;
static char text[32];
static size_t text_len;
static int open_error;
static int opened;

static u64 number_read(struct rc_state *state, const struct rc_cftype *type)
{
	return number;
}

static int number_write(struct rc_state *state, const struct rc_cftype *type, u64 value)
{
	if (value == 13)
		return -EDOM;
	number = value;
	return 0;
}

static int text_show(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type)
{
	seq_puts(m, text);
	return 0;
}

static int text_write(struct rc_state *state, struct file *file, char *buf, size_t len)
{
	text_len = len;
	memcpy(text, buf, min(len, sizeof(text) - 1) + 1);
	text[sizeof(text) - 1] = '\0';
	return 0;
}

static ssize_t raw_read(struct kiocb *iocb, struct iov_iter *to)
{
	return -ENOTTY;
}

static ssize_t raw_write(struct kiocb *iocb, struct iov_iter *from)
{
	return -ESPIPE;
}

static int counted_open(struct rc_state *state, struct file *file)
{
	opened += !open_error;
	return open_error;
}

static void counted_release(struct rc_state *state, struct file *file)
{
	opened--;
}

static __poll_t never_ready(struct file *file, struct poll_table_struct *wait)
{
	return 0;
}

static const struct rc_cftype files[] = {
	{ .name = "number", .read_u64 = number_read, .write_u64 = number_write },
	{ .name = "text", .seq_show = text_show, .write = text_write },
	{ .name = "short", .max_write = 3, .write = text_write },
	{ .name = "none" },
	{ .name = "shown", .seq_show = text_show, .read_u64 = number_read, .write = text_write,
	  .write_u64 = number_write },
	{ .name = "raw", .read_iter = raw_read, .seq_show = text_show, .read_u64 = number_read,
	  .write_iter = raw_write, .write = text_write, .write_u64 = number_write },
	{ .name = "counted", .read_u64 = number_read, .open = counted_open,
	  .release = counted_release },
	{ .name = "polled", .read_u64 = number_read, .poll = never_ready },
	{ .name = "not_here", .flags = RC_NOT_ON_ROOT, .read_u64 = number_read },
	{ .name = "only_here", .flags = RC_ONLY_ON_ROOT, .read_u64 = number_read },
	{}
};

static int file_start(struct kunit *test)
{
	int error;

	number = 0;
	text[0] = '\0';
	open_error = 0;
	opened = 0;
	recorder_init(&recorder, "a");
	recorder.subsys.files = files;
	recorder_init(&other, "b");
	error = mount_start(test) ?: rc_register_subsys(&recorder.subsys) ?:
		rc_register_subsys(&other.subsys);
	if (error)
		return error;
	mnt = mount_type("rcfs", "a");
	return PTR_ERR_OR_ZERO(mnt) ?: make_dir(mnt, "x");
}

static void file_stop(struct kunit *test)
{
	if (is_there(mnt, "x"))
		KUNIT_EXPECT_EQ(test, remove_dir(mnt, "x"), 0);
	mntput(mnt);
	KUNIT_EXPECT_EQ(test, opened, 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&other.subsys), 0);
	KUNIT_EXPECT_EQ(test, recorder.states, 0);
	mount_stop(test);
}

struct number_case {
	struct written written;
	ssize_t result;
	u64 number;
};

static const struct number_case number_cases[] = {
	{ WRITTEN("7"), 1, 7 },
	{ WRITTEN("7\n"), 2, 7 },
	{ WRITTEN(" 7\t\n\n"), 5, 7 },
	{ WRITTEN("007"), 3, 7 },
	{ WRITTEN("18446744073709551615"), 20, U64_MAX },
	{ WRITTEN("18446744073709551616"), -EINVAL },
	{ WRITTEN(""), -EINVAL },
	{ WRITTEN("\n"), -EINVAL },
	{ WRITTEN("x"), -EINVAL },
	{ WRITTEN("-7"), -EINVAL },
	{ WRITTEN("+7"), -EINVAL },
	{ WRITTEN("0x7"), -EINVAL },
	{ WRITTEN("7x"), -EINVAL },
	{ WRITTEN("7 7"), -EINVAL },
	{ WRITTEN("7\0"), 2, 7 },
	{ WRITTEN("7\n\0"), 3, 7 },
	{ WRITTEN("7\0\n"), -EINVAL },
	{ WRITTEN("7\0\0"), -EINVAL },
	{ WRITTEN("\0"), -EINVAL },
	{ WRITTEN("\0007"), -EINVAL },
	/* This one the subsystem refuses. */
	{ WRITTEN("13"), -EDOM },
};

static void number_description(const struct number_case *n, char *description)
{
	describe_written(&n->written, description);
}

KUNIT_ARRAY_PARAM(number, number_cases, number_description);

static void a_number_is_decimal_and_unsigned(struct kunit *test)
{
	const struct number_case *n = test->param_value;
	struct file *file = open_at(mnt, "x/a.number", O_WRONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	number = 42;
	KUNIT_EXPECT_EQ(test, write_file(file, n->written.text, n->written.len), n->result);
	KUNIT_EXPECT_EQ(test, number, n->result < 0 ? 42 : n->number);
	close_file(file);
}

static void a_number_is_shown_with_a_newline(struct kunit *test)
{
	expect_text(test, mnt, "x/a.number", "0\n");
	number = U64_MAX;
	expect_text(test, mnt, "x/a.number", "18446744073709551615\n");
}

static void a_text_is_handed_on_as_it_is(struct kunit *test)
{
	struct file *file = open_at(mnt, "x/a.text", O_WRONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, write_file(file, " a\0b\n", 5), 5);
	KUNIT_EXPECT_EQ(test, text_len, 5);
	/* With a NUL behind it. */
	KUNIT_EXPECT_EQ(test, memcmp(text, " a\0b\n", 6), 0);
	/* One trailing NUL is dropped. */
	KUNIT_EXPECT_EQ(test, write_file(file, "a\0", 2), 2);
	KUNIT_EXPECT_EQ(test, text_len, 1);
	KUNIT_EXPECT_EQ(test, memcmp(text, "a\0", 2), 0);
	KUNIT_EXPECT_EQ(test, write_file(file, "a\0\0", 3), 3);
	KUNIT_EXPECT_EQ(test, text_len, 2);
	KUNIT_EXPECT_EQ(test, write_file(file, "", 0), 0);
	KUNIT_EXPECT_EQ(test, text_len, 0);
	close_file(file);
}

static ssize_t write_length(const char *path, size_t len)
{
	struct file *file = open_at(mnt, path, O_WRONLY);
	char *buf = kzalloc(len, GFP_KERNEL);
	ssize_t result;

	if (IS_ERR(file) || !buf) {
		kfree(buf);
		return -ENOMEM;
	}
	memset(buf, 'x', len);
	text_len = 0;
	result = write_file(file, buf, len);
	close_file(file);
	kfree(buf);
	return result;
}

static void a_write_may_be_too_long(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, write_length("x/a.text", PATH_MAX - 1), PATH_MAX - 1);
	KUNIT_EXPECT_EQ(test, text_len, PATH_MAX - 1);
	KUNIT_EXPECT_EQ(test, write_length("x/a.text", PATH_MAX), -E2BIG);
	KUNIT_EXPECT_EQ(test, text_len, 0);
	/* Or as the file has it. */
	KUNIT_EXPECT_EQ(test, write_length("x/a.short", 3), 3);
	KUNIT_EXPECT_EQ(test, text_len, 3);
	KUNIT_EXPECT_EQ(test, write_length("x/a.short", 4), -E2BIG);
	KUNIT_EXPECT_EQ(test, text_len, 0);
}

static ssize_t read_at(const char *path)
{
	struct file *file = open_at(mnt, path, O_RDONLY);
	ssize_t result;
	loff_t pos = 0;
	char c;

	if (IS_ERR(file))
		return PTR_ERR(file);
	result = read_file(file, &c, 1, &pos);
	close_file(file);
	return result;
}

static void of_several_ways_the_first_is_used(struct kunit *test)
{
	strscpy(text, "text", sizeof(text));
	expect_text(test, mnt, "x/a.shown", "text");
	KUNIT_EXPECT_EQ(test, write_at(mnt, "x/a.shown", "7"), 1);
	KUNIT_EXPECT_STREQ(test, text, "7");
	KUNIT_EXPECT_EQ(test, read_at("x/a.raw"), -ENOTTY);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "x/a.raw", "8"), -ESPIPE);
	KUNIT_EXPECT_STREQ(test, text, "7");
	KUNIT_EXPECT_EQ(test, number, 0);
}

static void without_a_way_it_is_an_error(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, read_at("x/a.none"), -EINVAL);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "x/a.none", "7"), -EINVAL);
	KUNIT_EXPECT_EQ(test, read_at("x/a.short"), -EINVAL);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "x/a.polled", "7"), -EINVAL);
}

struct offset_case {
	loff_t pos;
	size_t len;
	const char *expected;
};

static const struct offset_case offset_cases[] = {
	{ 0, 4, "0123" },
	{ 0, 100, "0123456789" },
	{ 3, 4, "3456" },
	{ 9, 100, "9" },
	{ 10, 1, "" },
	{ 11, 100, "" },
	{ 1LL << 40, 100, "" },
	{ 0, 0, "" },
};

static void offset_description(const struct offset_case *o, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "%zu from %lld", o->len, o->pos);
}

KUNIT_ARRAY_PARAM(offset, offset_cases, offset_description);

static void reading_begins_anywhere(struct kunit *test)
{
	struct file *file = open_at(mnt, "x/a.text", O_RDONLY);
	const struct offset_case *o = test->param_value;
	char found[101] = {};
	loff_t pos = o->pos;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	strscpy(text, "0123456789", sizeof(text));
	KUNIT_EXPECT_EQ(test, read_file(file, found, o->len, &pos), strlen(o->expected));
	KUNIT_EXPECT_STREQ(test, found, o->expected);
	KUNIT_EXPECT_EQ(test, pos, o->pos + strlen(o->expected));
	close_file(file);
}

static void a_file_is_where_its_flags_say(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "x/a.not_here"));
	KUNIT_EXPECT_FALSE(test, is_there(mnt, "a.not_here"));
	KUNIT_EXPECT_FALSE(test, is_there(mnt, "x/a.only_here"));
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "a.only_here"));
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "x/a.none"));
	KUNIT_EXPECT_TRUE(test, is_there(mnt, "a.none"));
}

struct name_case {
	const char *name;
	bool there;
};

static const struct name_case name_cases[] = {
	{ "a.number", true },
	{ "tasks", true },
	{ "a.tasks", false },
	{ "number", false },
	{ ".number", false },
	{ "a.", false },
	{ "a", false },
	{ "a_number", false },
	{ "A.number", false },
	{ "b.number", false },
	{ "a.numbe", false },
	{ "a.numberx", false },
	{ "a..number", false },
};

static void name_description(const struct name_case *n, char *description)
{
	strscpy(description, n->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(name, name_cases, name_description);

static void a_file_is_found_by_its_whole_name(struct kunit *test)
{
	const struct name_case *n = test->param_value;

	KUNIT_EXPECT_EQ(test, is_there(mnt, n->name), n->there);
}

static void the_files_are_numbered_from_0_on(struct kunit *test)
{
	struct container *x = container_at(mnt, "x");
	struct file_kind kind, found;
	char name[FILE_NAME_SIZE];
	struct qstr q = { .name = name };
	unsigned int i;

	for (i = 0; file_kind_at(x, i, &kind); i++) {
		q.len = file_kind_name(&kind, name);
		KUNIT_EXPECT_EQ(test, q.len, strlen(name));
		KUNIT_ASSERT_TRUE(test, file_kind_find(x, &q, &found));
		KUNIT_EXPECT_TRUE(test, file_kind_equal(&found, &kind));
		KUNIT_EXPECT_TRUE(test, file_kind_is_live(x, &kind));
		KUNIT_EXPECT_EQ(test, kind.nr, kind.subsys ? i - 2 : i);
	}
	/* Two of the core's, and all that the subsystem has but one. */
	KUNIT_EXPECT_EQ(test, i, 2 + ARRAY_SIZE(files) - 2);
}

static void an_open_file_has_the_state_of_its_container(struct kunit *test)
{
	struct file *in_x = open_at(mnt, "x/a.number", O_RDONLY);
	struct file *in_root = open_at(mnt, "a.number", O_RDONLY);
	struct file *of_core = open_at(mnt, "x/tasks", O_RDONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(in_x) || IS_ERR(in_root) || IS_ERR(of_core));
	KUNIT_EXPECT_PTR_EQ(test, rc_file_state(in_x)->container, container_at(mnt, "x"));
	KUNIT_EXPECT_PTR_EQ(test, rc_file_state(in_root), recorder.subsys.root_state);
	KUNIT_EXPECT_PTR_EQ(test, rc_file_state(of_core), &container_at(mnt, "x")->self);
	close_file(in_x);
	close_file(in_root);
	close_file(of_core);
}

static void a_file_of_a_removed_container_is_dead(struct kunit *test)
{
	static const char * const paths[] = { "x/a.number", "x/a.none", "x/a.raw", "x/tasks" };
	struct file *opened_files[ARRAY_SIZE(paths)];
	loff_t pos = 0;
	unsigned int i;
	char c;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		opened_files[i] = open_at(mnt, paths[i], O_RDWR);
		KUNIT_ASSERT_FALSE(test, IS_ERR(opened_files[i]));
	}
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "x"), 0);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		KUNIT_EXPECT_EQ(test, read_file(opened_files[i], &c, 1, &pos), -ENODEV);
		KUNIT_EXPECT_EQ(test, write_file(opened_files[i], "7", 1), -ENODEV);
		KUNIT_EXPECT_TRUE(test, opened_files[i]->f_op->poll(opened_files[i], NULL) ==
				  (EPOLLERR | EPOLLHUP));
		/* The directory is closed to who would open them once more. */
		close_file(opened_files[i]);
	}
	KUNIT_EXPECT_EQ(test, number, 0);
}

static void a_file_of_a_root_is_dead_when_its_subsystem_goes(struct kunit *test)
{
	struct vfsmount *first, *second;
	struct file *file;
	loff_t pos = 0;
	char c;

	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "x"), 0);
	mntput(mnt);
	first = mount_type("container", "a");
	KUNIT_ASSERT_FALSE(test, IS_ERR(first));
	file = open_at(first, "a.number", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, read_file(file, &c, 1, &pos), 1);
	second = mount_type("container", "b");
	KUNIT_ASSERT_FALSE(test, IS_ERR(second));
	KUNIT_EXPECT_EQ(test, read_file(file, &c, 1, &pos), -ENODEV);
	KUNIT_EXPECT_EQ(test, write_file(file, "7", 1), -ENODEV);
	KUNIT_EXPECT_FALSE(test, is_there(first, "a.number"));
	close_file(file);
	mntput(second);
	mntput(first);
	mnt = mount_type("rcfs", "a");
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
}

static void the_state_stays_until_the_last_file_is_closed(struct kunit *test)
{
	struct file *first = open_at(mnt, "x/a.counted", O_RDONLY);
	struct file *second = open_at(mnt, "x/a.counted", O_RDONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(first) || IS_ERR(second));
	KUNIT_EXPECT_EQ(test, opened, 2);
	KUNIT_EXPECT_EQ(test, recorder.states, 2);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "x"), 0);
	close_file(first);
	KUNIT_EXPECT_EQ(test, opened, 1);
	KUNIT_EXPECT_EQ(test, recorder.states, 2);
	close_file(second);
	KUNIT_EXPECT_EQ(test, opened, 0);
	KUNIT_EXPECT_EQ(test, recorder.states, 1);
}

static void an_open_that_is_refused_leaves_nothing(struct kunit *test)
{
	open_error = -ENXIO;
	KUNIT_EXPECT_EQ(test, read_at("x/a.counted"), -ENXIO);
	KUNIT_EXPECT_EQ(test, opened, 0);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "x"), 0);
	KUNIT_EXPECT_EQ(test, recorder.states, 1);
}

static void a_file_is_ready_unless_it_says_otherwise(struct kunit *test)
{
	struct file *plain = open_at(mnt, "x/a.number", O_RDONLY);
	struct file *polled = open_at(mnt, "x/a.polled", O_RDONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(plain) || IS_ERR(polled));
	KUNIT_EXPECT_TRUE(test, plain->f_op->poll(plain, NULL) == DEFAULT_POLLMASK);
	KUNIT_EXPECT_FALSE(test, polled->f_op->poll(polled, NULL));
	close_file(plain);
	close_file(polled);
}

static int change(const char *path, unsigned int valid)
{
	struct iattr attr = {
		.ia_valid = valid,
		.ia_mode = S_IFREG | 0660,
		.ia_uid = KUIDT_INIT(1000),
		.ia_gid = KGIDT_INIT(2000),
	};
	struct place place;
	int error = place_find(mnt, path, &place);

	if (error)
		return error;
	inode_lock(d_inode(place.dentry));
	error = notify_change(compat_nop_idmap, place.dentry, &attr, NULL);
	inode_unlock(d_inode(place.dentry));
	place_put(&place);
	return error;
}

/* The attributes of a file that nobody has looked up since the last time. */
static void expect_attrs(struct kunit *test, const char *path, umode_t mode, uid_t uid, gid_t gid)
{
	struct place place;

	shrink_dcache_sb(mnt->mnt_sb);
	KUNIT_ASSERT_EQ(test, place_find(mnt, path, &place), 0);
	KUNIT_EXPECT_EQ(test, d_inode(place.dentry)->i_mode, S_IFREG | mode);
	KUNIT_EXPECT_EQ(test, __kuid_val(d_inode(place.dentry)->i_uid), uid);
	KUNIT_EXPECT_EQ(test, __kgid_val(d_inode(place.dentry)->i_gid), gid);
	place_put(&place);
}

static void owner_and_mode_last_as_long_as_the_container(struct kunit *test)
{
	expect_attrs(test, "x/a.number", 0644, 0, 0);
	KUNIT_EXPECT_EQ(test, change("x/a.number", ATTR_MODE), 0);
	expect_attrs(test, "x/a.number", 0660, 0, 0);
	KUNIT_EXPECT_EQ(test, change("x/a.number", ATTR_UID | ATTR_GID), 0);
	expect_attrs(test, "x/a.number", 0660, 1000, 2000);
	/* Others are as ever. */
	expect_attrs(test, "x/a.text", 0644, 0, 0);
	expect_attrs(test, "a.number", 0644, 0, 0);
	/* Another one of the same name is another one. */
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "x"), 0);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "x"), 0);
	expect_attrs(test, "x/a.number", 0644, 0, 0);
}

static void truncating_is_allowed_and_changes_nothing(struct kunit *test)
{
	struct container *x = container_at(mnt, "x");

	number = 7;
	KUNIT_EXPECT_EQ(test, change("x/a.number", ATTR_SIZE), 0);
	expect_text(test, mnt, "x/a.number", "7\n");
	KUNIT_EXPECT_TRUE(test, hlist_empty(&x->attrs));
}

static struct kunit_case file_cases[] = {
	KUNIT_CASE_PARAM(a_number_is_decimal_and_unsigned, number_gen_params),
	KUNIT_CASE(a_number_is_shown_with_a_newline),
	KUNIT_CASE(a_text_is_handed_on_as_it_is),
	KUNIT_CASE(a_write_may_be_too_long),
	KUNIT_CASE(of_several_ways_the_first_is_used),
	KUNIT_CASE(without_a_way_it_is_an_error),
	KUNIT_CASE_PARAM(reading_begins_anywhere, offset_gen_params),
	KUNIT_CASE(a_file_is_where_its_flags_say),
	KUNIT_CASE_PARAM(a_file_is_found_by_its_whole_name, name_gen_params),
	KUNIT_CASE(the_files_are_numbered_from_0_on),
	KUNIT_CASE(an_open_file_has_the_state_of_its_container),
	KUNIT_CASE(a_file_of_a_removed_container_is_dead),
	KUNIT_CASE(a_file_of_a_root_is_dead_when_its_subsystem_goes),
	KUNIT_CASE(the_state_stays_until_the_last_file_is_closed),
	KUNIT_CASE(an_open_that_is_refused_leaves_nothing),
	KUNIT_CASE(a_file_is_ready_unless_it_says_otherwise),
	KUNIT_CASE(owner_and_mode_last_as_long_as_the_container),
	KUNIT_CASE(truncating_is_allowed_and_changes_nothing),
	{}
};

static struct kunit_suite file_suite = {
	.name = "file",
	.suite_init = mount_suite_start,
	.suite_exit = mount_suite_stop,
	.init = file_start,
	.exit = file_stop,
	.test_cases = file_cases,
};

kunit_test_suite(file_suite);
