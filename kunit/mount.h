/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites share that look at directories and files: mounts, and a program's memory. */
#ifndef CONTAINERFS_KUNIT_MOUNT_H
#define CONTAINERFS_KUNIT_MOUNT_H

#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>

struct container;
struct kunit;
struct kunit_suite;

int mount_suite_start(struct kunit_suite *suite);
void mount_suite_stop(struct kunit_suite *suite);
int mount_start(struct kunit *test);
void mount_stop(struct kunit *test);

struct vfsmount *mount_type(const char *name, const char *options);

/* What is written to a file; the length is given because there may be NULs. */
struct written {
	const char *text;
	size_t len;
};

#define WRITTEN(text) { text, sizeof(text) - 1 }

void describe_written(const struct written *written, char *description);

/* One name in a directory; @dir is locked. */
struct place {
	struct path dir;
	struct dentry *dentry;
};

int place_find(struct vfsmount *mnt, const char *path, struct place *place);
void place_put(struct place *place);

int make_dir(struct vfsmount *mnt, const char *path);
int remove_dir(struct vfsmount *mnt, const char *path);
bool is_there(struct vfsmount *mnt, const char *path);
struct container *container_at(struct vfsmount *mnt, const char *path);

struct file *open_at(struct vfsmount *mnt, const char *path, int flags);
void close_file(struct file *file);
ssize_t write_file(struct file *file, const char *text, size_t len);
ssize_t read_file(struct file *file, char *to, size_t len, loff_t *pos);
ssize_t write_at(struct vfsmount *mnt, const char *path, const char *text);
void expect_text(struct kunit *test, struct vfsmount *mnt, const char *path, const char *text);

#endif
