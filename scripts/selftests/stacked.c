// SPDX-License-Identifier: GPL-2.0
// Tests of control files that are reached by another filesystem, another mount or a handle.
#include "rcfstest.h"

#include <linux/keyctl.h>
#include <linux/mount.h>
#include <sys/syscall.h>

#define LOWER "/tmp/stacked_lower"
#define PLAIN "/tmp/stacked_plain"
#define MERGED "/tmp/stacked_merged"

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID AT_REMOVEDIR
#endif

/* The tree is mounted, with a container /a. PLAIN and the others are directories of a tmpfs. */
FIXTURE(stacked)
{
};

FIXTURE_SETUP(stacked)
{
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	mkdir(LOWER, 0755);
	ASSERT_EQ(0, result(mount("none", LOWER, "tmpfs", 0, NULL)));
	ASSERT_EQ(0, mkdir(LOWER "/container", 0755));
	mkdir(PLAIN, 0755);
	mkdir(MERGED, 0755);
}

FIXTURE_TEARDOWN(stacked)
{
	umount2(MERGED, MNT_DETACH);
	umount2(LOWER, MNT_DETACH);
	EXPECT_EQ(0, clear_trees());
}

/* Reads, writes, lists and changes everything in a directory. */
static void use_directory(const char *directory)
{
	DIR *files = opendir(directory);
	struct dirent *entry;
	const char *path;

	while (files && (entry = readdir(files))) {
		path = text("%s/%s", directory, entry->d_name);
		if (entry->d_type != DT_REG)
			continue;
		content(path);
		write_file(path, "0");
		chmod(path, 0600);
		truncate(path, 0);
	}
	if (files)
		closedir(files);
}

/* Mounts overlayfs; uses its files where it could be mounted. */
static int overlay_on(const char *options)
{
	int error = result(mount("overlay", MERGED, "overlay", 0, options));

	if (!error) {
		use_directory(MERGED);
		use_directory(MERGED "/a");
		mkdir(MERGED "/b", 0755);
		umount2(MERGED, MNT_DETACH);
	}
	return error;
}

static const char * const on_a_tree[] = {
	"lowerdir=" TREE ":" PLAIN,
	"lowerdir=" PLAIN ":" TREE,
	"lowerdir=" TREE "/a:" PLAIN,
	"lowerdir=" TREE ":" TREE "/a",
};

TEST_F(stacked, overlayfs_on_a_tree_is_refused)
{
	size_t i;

	/* It works elsewhere. */
	ASSERT_EQ(0, overlay_on("lowerdir=" LOWER ":" PLAIN));
	for (i = 0; i < ARRAY_SIZE(on_a_tree); i++)
		EXPECT_EQ(-EINVAL, overlay_on(on_a_tree[i])) TH_LOG("%zu", i);
	EXPECT_STREQ("/", where_am_i());
}

TEST_F(stacked, a_tree_cannot_be_the_upper_directory)
{
	ASSERT_EQ(0, make("/work"));
	ASSERT_EQ(0, mkdir(LOWER "/u", 0755));
	ASSERT_EQ(0, mkdir(LOWER "/w", 0755));
	/* The error depends on what overlayfs tries first: to stack, or to make a file. */
	EXPECT_GT(0, overlay_on("lowerdir=" PLAIN ",upperdir=" TREE "/a,workdir=" TREE "/work"));
	EXPECT_EQ(-EINVAL,
		  overlay_on("lowerdir=" TREE ",upperdir=" LOWER "/u,workdir=" LOWER "/w"));
	EXPECT_FALSE(exists(TREE "/a/b"));
}

static int overlay_as_user(const char *options)
{
	return become(SOMEBODY) ?: enter_user_namespace() ?: overlay_on(options);
}

TEST_F(stacked, overlayfs_of_a_user_is_refused)
{
	size_t i;

	ASSERT_EQ(0, chmod(MERGED, 0777));
	ASSERT_EQ(0, forked(overlay_as_user("lowerdir=" LOWER ":" PLAIN)));
	for (i = 0; i < ARRAY_SIZE(on_a_tree); i++)
		EXPECT_EQ(-EINVAL, forked(overlay_as_user(on_a_tree[i])))
			TH_LOG("%zu", i);
}

TEST_F(stacked, overlayfs_does_not_enter_a_mount)
{
	ASSERT_EQ(0, mount_at_once("container", LOWER "/container", NULL));
	ASSERT_TRUE(exists(LOWER "/container/tasks"));
	ASSERT_EQ(0, result(mount("overlay", MERGED, "overlay", 0,
				  "lowerdir=" LOWER ":" PLAIN)));
	EXPECT_TRUE(exists(MERGED "/container"));
	EXPECT_FALSE(exists(MERGED "/container/tasks"));
	EXPECT_EQ(0, umount(MERGED));
}

/* What ecryptfs expects of a key of type "user": struct ecryptfs_auth_tok, which has no gaps. */
struct ecryptfs_token {
	__u16 version;
	__u16 type;
	__u32 flags;
	struct {
		__u32 flags, encrypted_size, decrypted_size;
		__u8 encrypted[512], decrypted[64];
	} session_key;
	__u8 reserved[32];
	struct {
		__u32 bytes;
		__s32 hash;
		__u32 iterations, key_bytes, flags;
		__u8 key[64], signature[17], salt[8];
		__u8 padding[512];
	} password;
};

#define SIGNATURE "0123456789abcdef"
#define ECRYPTFS_CIPHER "ecryptfs_cipher=aes,ecryptfs_key_bytes=16,ecryptfs_passthrough"

static int ecryptfs_on(const char *directory)
{
	struct ecryptfs_token token = {
		.version = 4,
		.password = { .key_bytes = 16, .flags = 2, .signature = SIGNATURE },
	};
	int error;

	if (syscall(SYS_add_key, "user", SIGNATURE, &token, sizeof(token),
		    KEY_SPEC_PROCESS_KEYRING) < 0)
		return -errno;
	error = result(mount(directory, MERGED, "ecryptfs", 0,
			     "ecryptfs_sig=" SIGNATURE "," ECRYPTFS_CIPHER));
	if (!error) {
		use_directory(MERGED);
		umount2(MERGED, MNT_DETACH);
	}
	return error;
}

TEST_F(stacked, ecryptfs_on_a_tree_is_refused)
{
	if (!file_has("/proc/filesystems", "ecryptfs"))
		SKIP(return, "this kernel has no ecryptfs");
	ASSERT_EQ(0, ecryptfs_on(PLAIN));
	EXPECT_EQ(-EINVAL, ecryptfs_on(TREE));
	EXPECT_EQ(-EINVAL, ecryptfs_on(TREE "/a"));
}

static int touch(const char *path)
{
	return close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

TEST_F(stacked, a_bound_directory_is_the_container)
{
	ASSERT_EQ(0, mount(TREE "/a", PLAIN, NULL, MS_BIND, NULL));
	EXPECT_EQ(0, enter(PLAIN, 0));
	EXPECT_STREQ("/a", where_am_i());
	EXPECT_TRUE(has_task(PLAIN, getpid()));
	EXPECT_EQ(0, mkdir(PLAIN "/b", 0755));
	EXPECT_EQ(0, enter(PLAIN "/b", 0));
	EXPECT_STREQ("/a/b", where_am_i());
	EXPECT_EQ(0, attach("", 0));
	EXPECT_EQ(0, rmdir(PLAIN "/b"));
	EXPECT_EQ(0, umount(PLAIN));
}

TEST_F(stacked, a_bound_file_is_that_of_its_container)
{
	ASSERT_EQ(0, make("/b"));
	/* On a file elsewhere, and on the same file of another container. */
	ASSERT_EQ(0, touch(LOWER "/file"));
	ASSERT_EQ(0, mount(TREE "/a/tasks", LOWER "/file", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(TREE "/a/tasks", TREE "/b/tasks", NULL, MS_BIND, NULL));
	EXPECT_EQ(0, write_file(LOWER "/file", "0"));
	EXPECT_STREQ("/a", where_am_i());
	EXPECT_STREQ(text("%d", getpid()), content(LOWER "/file"));
	EXPECT_STREQ(text("%d", getpid()), content(TREE "/b/tasks"));
	EXPECT_EQ(0, attach("", 0));
	EXPECT_EQ(0, attach("/b", 0));
	EXPECT_STREQ("/a", where_am_i());
	EXPECT_EQ(0, umount(TREE "/b/tasks"));
	EXPECT_EQ(0, attach("/b", 0));
	EXPECT_STREQ("/b", where_am_i());
	/* The mount keeps the file, but not the container. */
	EXPECT_EQ(0, drop("/a"));
	EXPECT_EQ(-ENODEV, write_file(LOWER "/file", "0"));
	EXPECT_STREQ("error 19", content(LOWER "/file"));
	EXPECT_EQ(0, umount(LOWER "/file"));
}

TEST_F(stacked, a_bound_file_of_proc_is_its_tasks)
{
	pid_t pid = sleeper("/a");

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, touch(LOWER "/file"));
	ASSERT_EQ(0, mount(text("/proc/%d/container", pid), LOWER "/file", NULL, MS_BIND, NULL));
	EXPECT_STREQ("/a", content(LOWER "/file"));
	ASSERT_EQ(0, attach("", pid));
	EXPECT_STREQ("/", content(LOWER "/file"));
	ASSERT_EQ(0, end(pid));
	EXPECT_STREQ("error 3", content(LOWER "/file"));
	umount2(LOWER "/file", MNT_DETACH);
}

static const char *through_fd(int fd)
{
	return text("/proc/self/fd/%d", fd);
}

TEST_F(stacked, an_open_file_can_be_opened_again)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_PATH };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, attach("", 0));
		fd = open(TREE "/a/tasks", flags[i] | O_CLOEXEC);
		EXPECT_STREQ("", content(through_fd(fd)));
		EXPECT_EQ(0, write_file(through_fd(fd), "0"));
		EXPECT_STREQ("/a", where_am_i());
		EXPECT_STREQ(text("%d", getpid()), content(through_fd(fd)));
		close(fd);
	}
	ASSERT_EQ(0, attach("", 0));
	fd = open(TREE "/a/tasks", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, drop("/a"));
	EXPECT_STREQ("error 19", content(through_fd(fd)));
	EXPECT_EQ(-ENODEV, write_file(through_fd(fd), "0"));
	close(fd);
}

TEST_F(stacked, an_open_file_of_proc_can_be_opened_again)
{
	int fd = open("/proc/self/container", O_PATH | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_STREQ("/", content(through_fd(fd)));
	ASSERT_EQ(0, attach("/a", 0));
	EXPECT_STREQ("/a", content(through_fd(fd)));
	close(fd);
}

/* For name_to_handle_at(2) and open_by_handle_at(2) */
struct handle {
	struct file_handle head;
	__u32 data[32];
};

static int handle_of(const char *path, int flags, struct handle *handle)
{
	int id;

	handle->head.handle_bytes = sizeof(handle->data);
	return result(name_to_handle_at(AT_FDCWD, path, &handle->head, &id, flags));
}

static int open_handle(const char *mounted, struct handle *handle)
{
	int directory = open(mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = result(open_by_handle_at(directory, &handle->head, O_RDONLY | O_CLOEXEC));

	close(directory);
	return fd;
}

TEST_F(stacked, no_handle_opens_a_file)
{
	static const char * const paths[] = { TREE, TREE "/a", TREE "/a/tasks" };
	struct handle handle;
	struct stat stat;
	size_t i;
	int type;

	/* It works elsewhere. */
	ASSERT_EQ(0, handle_of(LOWER "/container", 0, &handle));
	ASSERT_LE(0, open_handle(LOWER, &handle));
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		EXPECT_EQ(-EOPNOTSUPP, handle_of(paths[i], 0, &handle));
		/* Some kernels have handles for identification only. */
		if (!handle_of(paths[i], AT_HANDLE_FID, &handle))
			EXPECT_GT(0, open_handle(TREE, &handle));
		/* One that is made up. */
		ASSERT_EQ(0, lstat(paths[i], &stat));
		for (type = 0; type < 256; type++) {
			handle = (struct handle){ { .handle_bytes = 8, .handle_type = type },
						  { stat.st_ino } };
			EXPECT_GT(0, open_handle(TREE, &handle));
		}
	}
}

TEST_F(stacked, the_same_path_in_another_tree)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "none,name=one"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_EQ(0, attach("/a", 0));
	EXPECT_STREQ("/", path_in("name=one", getpid()));
	/* Its directory is mounted on that of the default tree. */
	ASSERT_EQ(0, mount(ONE "/a", TREE "/a", NULL, MS_BIND, NULL));
	EXPECT_FALSE(listed("/a", getpid()));
	EXPECT_EQ(0, attach("", 0));
	EXPECT_EQ(0, attach("/a", 0));
	EXPECT_STREQ("/a", path_in("name=one", getpid()));
	EXPECT_STREQ("/", where_am_i());
	EXPECT_TRUE(listed("/a", getpid()));
	EXPECT_EQ(0, umount(TREE "/a"));
	EXPECT_FALSE(listed("/a", getpid()));
}

/* A mount of the tree whose owners are those of another user namespace */
static int map_owners(void)
{
	int tree = open_tree(AT_FDCWD, TREE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	pid_t pid = child();
	int error;

	if (pid == 0) {
		if (enter_user_namespace())
			_exit(1);
		for (;;)
			pause();
	}
	if (!wait_until(!strncmp("         0", content(text("/proc/%d/uid_map", pid)), 10) &&
			file_has(text("/proc/%d/gid_map", pid), " 1\n")))
		return -ETIME;
	attr.userns_fd = open(text("/proc/%d/ns/user", pid), O_RDONLY | O_CLOEXEC);
	error = result(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
	close(attr.userns_fd);
	close(tree);
	return end(pid) ?: error;
}

TEST_F(stacked, owners_cannot_be_mapped)
{
	EXPECT_EQ(-EINVAL, map_owners());
}

TEST_HARNESS_MAIN
