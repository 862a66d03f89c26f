// SPDX-License-Identifier: GPL-2.0
// Tests of extended attributes: as on cgroup v1, kept with the container.
#include "selftest.h"

#include <sys/xattr.h>

#define GROUPS "/tmp/groups"

static int set(const char *path, const char *name, const char *value)
{
	return result(setxattr(path, name, value, strlen(value), 0));
}

/* A value, or "error N"; lives as text() does. */
static const char *get(const char *path, const char *name)
{
	char value[4096];
	ssize_t length = getxattr(path, name, value, sizeof(value) - 1);

	if (length < 0)
		return text("error %d", errno);
	value[length] = '\0';
	return text("%s", value);
}

/* All names in order, each followed by a space; lives as text() does. */
static const char *list(const char *path)
{
	char names[4096], *words[64], *name;
	ssize_t length = listxattr(path, names, sizeof(names));
	const char *all = "";
	int count = 0, i, j;

	if (length < 0)
		return text("error %d", errno);
	for (name = names; name < names + length; name += strlen(name) + 1)
		words[count++] = name;
	for (i = 0; i < count; i++)
		for (j = i + 1; j < count; j++)
			if (strcmp(words[i], words[j]) > 0) {
				name = words[i];
				words[i] = words[j];
				words[j] = name;
			}
	for (i = 0; i < count; i++)
		all = text("%s%s ", all, words[i]);
	return all;
}

/* What is done with a file, of ours and of cgroup v1 */
struct step {
	enum { SET, GET, LIST, REMOVE } what;
	const char *name;
	size_t size;
	int flags;
	long expected;
	const char *found;
};

static const struct step steps[] = {
	{ LIST, NULL, 100, 0, 0, "" },
	{ GET, "trusted.a", 100, 0, -ENODATA, NULL },
	{ REMOVE, "trusted.a", 0, 0, -ENODATA, NULL },
	{ SET, "trusted.a", 3, XATTR_REPLACE, -ENODATA, NULL },
	{ SET, "trusted.a", 3, XATTR_CREATE, 0, NULL },
	{ SET, "trusted.a", 3, XATTR_CREATE, -EEXIST, NULL },
	{ GET, "trusted.a", 100, 0, 3, "xxx" },
	{ GET, "trusted.a", 3, 0, 3, "xxx" },
	{ GET, "trusted.a", 2, 0, -ERANGE, NULL },
	{ GET, "trusted.a", 0, 0, 3, NULL },
	{ SET, "trusted.a", 5, XATTR_REPLACE, 0, NULL },
	{ GET, "trusted.a", 100, 0, 5, "xxxxx" },
	{ SET, "trusted.a", 4, 0, 0, NULL },
	{ GET, "trusted.a", 100, 0, 4, "xxxx" },
	{ SET, "trusted.b", 0, 0, 0, NULL },
	{ GET, "trusted.b", 100, 0, 0, "" },
	{ GET, "trusted", 100, 0, -EOPNOTSUPP, NULL },
	{ SET, "trusted.", 1, 0, -EINVAL, NULL },
	{ SET, "security.a", 1, 0, 0, NULL },
	{ GET, "security.a", 100, 0, 1, "x" },
	{ SET, "security.a", 65536, 0, 0, NULL },
	{ GET, "security.a", 0, 0, 65536, NULL },
	{ SET, "security.a", 65537, 0, -E2BIG, NULL },
	{ SET, "security.capability", 1, 0, -EINVAL, NULL },
	{ GET, "security.capability", 100, 0, -ENODATA, NULL },
	{ LIST, NULL, 0, 0, 31, NULL },
	{ LIST, NULL, 30, 0, -ERANGE, NULL },
	{ REMOVE, "trusted.b", 0, 0, 0, NULL },
	{ REMOVE, "trusted.b", 0, 0, -ENODATA, NULL },
	{ LIST, NULL, 100, 0, 21, "trusted.a security.a " },
	{ REMOVE, "security.a", 0, 0, 0, NULL },
	{ LIST, NULL, 100, 0, 10, "trusted.a " },
	{ GET, "user.a", 100, 0, -ENODATA, NULL },
	{ REMOVE, "user.a", 0, 0, -ENODATA, NULL },
	{ SET, "user.a", 2, 0, 0, NULL },
	{ GET, "user.a", 100, 0, 2, "xx" },
	{ LIST, NULL, 100, 0, 17, "trusted.a user.a " },
	{ SET, "user.b", 65536, 0, 0, NULL },
	{ SET, "user.c", 65536, 0, -ENOSPC, NULL },
	{ SET, "user.c", 65534, 0, 0, NULL },
	{ SET, "user.d", 1, 0, -ENOSPC, NULL },
	{ REMOVE, "user.b", 0, 0, 0, NULL },
	{ SET, "user.d", 1, 0, 0, NULL },
	{ REMOVE, "user.a", 0, 0, 0, NULL },
	{ SET, "system.a", 1, 0, -EOPNOTSUPP, NULL },
	{ GET, "system.posix_acl_access", 100, 0, -EOPNOTSUPP, NULL },
	{ SET, "a", 1, 0, -EOPNOTSUPP, NULL },
	{ SET, "", 1, 0, -ERANGE, NULL },
};

/* Takes a step; "found" becomes what was read, NULs of a list as spaces. */
static long take(const struct step *step, const char *path, const char **found)
{
	static char value[65537], buffer[101];
	long length;

	memset(value, 'x', sizeof(value));
	*found = NULL;
	switch (step->what) {
	case SET:
		return result(setxattr(path, step->name, value, step->size, step->flags));
	case REMOVE:
		return result(removexattr(path, step->name));
	case GET:
		length = result(getxattr(path, step->name, buffer, step->size));
		break;
	default:
		length = result(listxattr(path, buffer, step->size));
	}
	if (length >= 0 && length <= 100 && step->size) {
		for (long i = 0; i < length; i++)
			if (!buffer[i])
				buffer[i] = ' ';
		*found = text("%.*s", (int)length, buffer);
	}
	return length;
}

static int mount_groups(void)
{
	mkdir(GROUPS, 0755);
	return result(mount("none", GROUPS, "cgroup", 0, "none,name=containerfs")) ?:
	       result(mkdir(GROUPS "/a", 0755));
}

static int clear_groups(void)
{
	rmdir(GROUPS "/a");
	return result(umount(GROUPS));
}

/* Names are listed in no particular order. */
static bool same_names(const char *a, const char *b)
{
	const char *name;

	if (strlen(a) != strlen(b))
		return false;
	for (name = a; *name; name = strchr(name, ' ') + 1)
		if (!strstr(b, text("%.*s", (int)(strchr(name, ' ') + 1 - name), name)))
			return false;
	return true;
}

TEST_F(tree, they_behave_as_on_cgroup)
{
	static const char * const files[] = { "", "/tasks", "/notify_on_release" };
	const char *ours, *theirs;
	size_t file, i;

	ASSERT_EQ(0, mount_groups());
	ASSERT_EQ(0, make("/a"));
	for (file = 0; file < ARRAY_SIZE(files); file++)
		for (i = 0; i < ARRAY_SIZE(steps); i++) {
			EXPECT_EQ(steps[i].expected,
				  take(&steps[i], text(TREE "/a%s", files[file]), &ours))
				TH_LOG("step %zu of '%s'", i, files[file]);
			EXPECT_EQ(steps[i].expected,
				  take(&steps[i], text(GROUPS "/a%s", files[file]), &theirs))
				TH_LOG("step %zu of '%s' on cgroup", i, files[file]);
			if (steps[i].found && steps[i].what == LIST) {
				EXPECT_TRUE(same_names(steps[i].found, ours));
				EXPECT_TRUE(same_names(steps[i].found, theirs));
			} else if (steps[i].found) {
				EXPECT_STREQ(steps[i].found, ours);
				EXPECT_STREQ(steps[i].found, theirs);
			}
		}
	EXPECT_EQ(0, clear_groups());
}

TEST_F(tree, they_outlive_caches_renames_and_umount)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, set(TREE "/a", "trusted.x", "directory"));
	ASSERT_EQ(0, set(TREE "/a/tasks", "trusted.x", "tasks"));
	ASSERT_EQ(0, set(TREE "/a/notify_on_release", "security.x", "notify"));
	ASSERT_EQ(0, set(TREE, "trusted.x", "root"));
	forget_caches();
	EXPECT_STREQ("tasks", get(TREE "/a/tasks", "trusted.x"));
	ASSERT_EQ(0, rename(TREE "/a", TREE "/b"));
	ASSERT_EQ(0, umount(TREE));
	forget_caches();
	ASSERT_EQ(0, remount_tree());
	EXPECT_STREQ("directory", get(TREE "/b", "trusted.x"));
	EXPECT_STREQ("tasks", get(TREE "/b/tasks", "trusted.x"));
	EXPECT_STREQ("notify", get(TREE "/b/notify_on_release", "security.x"));
	EXPECT_STREQ("root", get(TREE, "trusted.x"));
	EXPECT_STREQ("", list(TREE "/tasks"));
}

TEST_F(tree, they_go_with_the_container)
{
	int directory, file;

	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, set(TREE "/a", "trusted.x", "1"));
	ASSERT_EQ(0, set(TREE "/a/tasks", "trusted.x", "1"));
	directory = open(TREE "/a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENODATA, result(fgetxattr(directory, "trusted.x", NULL, 0)));
	EXPECT_EQ(-ENODATA, result(fgetxattr(file, "trusted.x", NULL, 0)));
	EXPECT_EQ(-ENODEV, result(fsetxattr(directory, "trusted.x", "1", 1, 0)));
	EXPECT_EQ(-ENODEV, result(fsetxattr(file, "trusted.x", "1", 1, 0)));
	close(directory);
	close(file);
	ASSERT_EQ(0, make("/a"));
	EXPECT_STREQ("", list(TREE "/a"));
	EXPECT_STREQ("", list(TREE "/a/tasks"));
	/* Those of a root go with the last use of the tree. */
	ASSERT_EQ(0, set(TREE, "trusted.x", "1"));
	ASSERT_EQ(0, drop("/a"));
	ASSERT_EQ(0, umount(TREE));
	ASSERT_EQ(0, remount_tree());
	EXPECT_STREQ("", list(TREE));
}

static int user_sees(const char *path)
{
	int error = become(SOMEBODY);

	if (error)
		return error;
	if (set(path, "trusted.a", "2") != -EPERM || set(path, "security.a", "2") != -EPERM ||
	    removexattr(path, "security.a") == 0 || set(path, "user.a", "2"))
		return -EACCES;
	if (strcmp(get(path, "trusted.a"), text("error %d", ENODATA)))
		return -EBADMSG;
	return strcmp(get(path, "security.a"), "1") || strcmp(list(path), "security.a user.a ") ?
	       -EBADMSG : 0;
}

TEST_F(tree, user_sees_no_trusted_ones)
{
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, chown(TREE "/a/tasks", SOMEBODY, SOMEBODY));
	ASSERT_EQ(0, set(TREE "/a/tasks", "trusted.a", "1"));
	ASSERT_EQ(0, set(TREE "/a/tasks", "security.a", "1"));
	EXPECT_STREQ("security.a trusted.a ", list(TREE "/a/tasks"));
	EXPECT_EQ(0, forked(user_sees(TREE "/a/tasks")));
	/* A user that may not write may set none. */
	EXPECT_EQ(-EACCES, forked(become(NOBODY) ?: set(TREE "/a/tasks", "user.a", "3")));
	EXPECT_EQ(-EACCES, forked(become(SOMEBODY) ?: set(TREE "/a", "user.a", "3")));
	/* The kernel does not check capabilities that are set to an empty value. */
	EXPECT_EQ(-EPERM, forked(become(NOBODY) ?:
				 set(TREE "/a/tasks", "security.capability", "")));
	EXPECT_STREQ("1", get(TREE "/a/tasks", "trusted.a"));
}

TEST_F(tree, number_and_size_are_limited)
{
	static char value[65536], names[65536];
	int i;

	ASSERT_EQ(0, make("/a"));
	for (i = 0; i < 128; i++)
		ASSERT_EQ(0, set(TREE "/a/tasks", text("trusted.%d", i), "1"));
	EXPECT_EQ(-ENOSPC, set(TREE "/a/tasks", "trusted.more", "1"));
	EXPECT_EQ(0, set(TREE "/a/tasks", "trusted.0", "12"));
	EXPECT_EQ(10 * 10 + 90 * 11 + 28 * 12, listxattr(TREE "/a/tasks", names, sizeof(names)));
	EXPECT_EQ(0, removexattr(TREE "/a/tasks", "trusted.0"));
	EXPECT_EQ(0, set(TREE "/a/tasks", "trusted.more", "1"));
	/* Each file has limits of its own, and users do not take the space of others. */
	for (i = 0; i < 128; i++)
		ASSERT_EQ(0, set(TREE "/a", text("user.%d", i), "1"));
	EXPECT_EQ(-ENOSPC, set(TREE "/a", "user.more", "1"));
	EXPECT_EQ(0, setxattr(TREE "/a", "trusted.1", value, 65536, 0));
	EXPECT_EQ(0, setxattr(TREE "/a", "security.2", value, 65536, 0));
	EXPECT_EQ(-ENOSPC, result(setxattr(TREE "/a", "trusted.3", value, 1, 0)));
	EXPECT_EQ(0, setxattr(TREE "/a", "security.2", value, 60000, XATTR_REPLACE));
	EXPECT_EQ(0, setxattr(TREE "/a", "trusted.3", value, 5536, XATTR_CREATE));
	EXPECT_EQ(65536, getxattr(TREE "/a", "trusted.1", value, sizeof(value)));
	EXPECT_STREQ("1", get(TREE "/a", "user.127"));
}

TEST_HARNESS_MAIN
