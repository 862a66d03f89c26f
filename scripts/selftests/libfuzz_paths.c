// SPDX-License-Identifier: GPL-2.0
// The fuzzer: system calls on paths, which make, rename and remove containers too.
#include "fuzz.h"

#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static const char *path(struct fuzzer *f)
{
	return f->slot->target.path;
}

static bool of_tree(struct fuzzer *f)
{
	return f->slot->target.kind != FUZZ_PROC;
}

static void call_mkdir(struct fuzzer *f)
{
	static const char * const names[] = { "x", "y", "n", "x", "y", ".", "..", "tasks", "a\nb" };
	static const mode_t modes[] = { 0755, 0777, 0700, 0 };
	char place[PATH_MAX], name[300];
	int error;

	fuzz_place(f, place);
	strcpy(name, fuzz_pick(f, names));
	if (fuzz_one_in(f, 32)) {
		memset(name, 'l', 299);
		name[fuzz_one_in(f, 2) ? NAME_MAX : NAME_MAX + 1] = '\0';
	}
	error = result(mkdir(text("%s/%s", place, name), fuzz_pick(f, modes)));
	if (!error && (strchr(name, '\n') || strlen(name) > NAME_MAX))
		fuzz_complain(f, "%s made", name);
	/* No place has such a name. */
	if (!error && strlen(name) > 1)
		rmdir(text("%s/%s", place, name));
}

static void call_rmdir(struct fuzzer *f)
{
	char place[PATH_MAX];

	fuzz_place(f, place);
	rmdir(place);
}

static void call_rename(struct fuzzer *f)
{
	static const unsigned int flags[] = { 0, 0, 0, 1, 2, 4, 7 };
	char from[PATH_MAX], to[PATH_MAX];

	fuzz_place(f, from);
	if (fuzz_one_in(f, 3)) {
		fuzz_place(f, to);
	} else {
		strcpy(to, from);
		to[strlen(to) - 1] = fuzz_one_in(f, 2) ? 'y' : 'n';
	}
	syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, fuzz_pick(f, flags));
	if (!of_tree(f) || f->slot->target.kind == FUZZ_DIRECTORY)
		return;
	if (rename(path(f), text("%s.new", path(f))) == 0)
		fuzz_complain(f, "renamed");
}

/* No file of a tree can be made or removed. */
static void call_make(struct fuzzer *f)
{
	static const mode_t types[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR };
	const char *other = text(f->slot->target.kind == FUZZ_DIRECTORY ? "%s/new" : "%s.new",
				 path(f));
	int fd;

	if (!of_tree(f))
		return;
	if (mknod(other, fuzz_pick(f, types) | 0666, makedev(1, 3)) == 0)
		fuzz_complain(f, "mknod");
	if (link(path(f), other) == 0)
		fuzz_complain(f, "link");
	if (symlink("/", other) == 0)
		fuzz_complain(f, "symlink");
	if (unlink(path(f)) == 0)
		fuzz_complain(f, "unlink");
	fd = open(other, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
	if (fd >= 0)
		fuzz_complain(f, "made");
	close(fd);
}

static void call_look(struct fuzzer *f)
{
	char target[PATH_MAX];
	struct statx statx;
	struct stat stat;

	lstat(path(f), &stat);
	access(path(f), fuzz_below(f, 8));
	if (of_tree(f) && readlink(path(f), target, sizeof(target)) >= 0)
		fuzz_complain(f, "a link");
	syscall(SYS_statx, AT_FDCWD, path(f), fuzz_below(f, 1 << 16), fuzz_below(f, 1 << 16),
		&statx);
	syscall(SYS_faccessat2, AT_FDCWD, path(f), fuzz_below(f, 8), AT_EACCESS);
}

static void call_change(struct fuzzer *f)
{
	static const mode_t modes[] = { 0, 0444, 0644, 0666, 0755, 0777 };
	static const uid_t users[] = { 0, NOBODY, SOMEBODY, -1 };

	switch (fuzz_below(f, 4)) {
	case 0:
		chmod(path(f), fuzz_pick(f, modes));
		break;
	case 1:
		result(lchown(path(f), fuzz_pick(f, users), fuzz_pick(f, users)));
		break;
	case 2:
		result(truncate(path(f), fuzz_offset(f)));
		break;
	default:
		utimensat(AT_FDCWD, path(f), NULL, AT_SYMLINK_NOFOLLOW);
	}
}

static void call_xattr(struct fuzzer *f)
{
	static const char * const names[] = { "user.path", "trusted.path", "security.path", "p" };
	const char *name = fuzz_pick(f, names);
	size_t size = fuzz_size(f) ?: 1;

	fuzz_guard(f, size);
	setxattr(path(f), name, f->value, size, fuzz_below(f, 4));
	fuzz_check_read(f, getxattr(path(f), name, f->buffer, size), size);
	fuzz_check_read(f, listxattr(path(f), f->buffer, size), size);
	if (fuzz_one_in(f, 2))
		lremovexattr(path(f), name);
}

/* A handle, true or false, is opened for reading only: what it leads to is not known. */
static void call_handle(struct fuzzer *f)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} both = { .handle.handle_bytes = fuzz_below(f, MAX_HANDLE_SZ + 2) };
	int id, fd, root = open(fuzz->trees[fuzz_below(f, FUZZ_TREES)].root, O_RDONLY | O_CLOEXEC);

	name_to_handle_at(AT_FDCWD, path(f), &both.handle, &id, 0);
	if (fuzz_one_in(f, 2))
		both.bytes[fuzz_below(f, 24)] ^= 1 << fuzz_below(f, 8);
	if (fuzz_one_in(f, 8))
		both.handle.handle_type = fuzz_below(f, 256);
	fd = open_by_handle_at(root, &both.handle, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		fuzz_guard(f, 64);
		fuzz_check_read(f, read(fd, f->buffer, 64), 64);
		close(fd);
	}
	close(root);
}

static void call_exec(struct fuzzer *f)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(path(f), "fuzz", NULL);
		_exit(1);
	}
	if (pid > 0 && reap(pid) != 1)
		fuzz_complain(f, "executed");
}

static void call_inotify(struct fuzzer *f)
{
	int watch = inotify_add_watch(f->inotify, path(f), fuzz_one_in(f, 2) ? IN_ALL_EVENTS :
				      fuzz_below(f, 1 << 12));

	fuzz_guard(f, 4096);
	fuzz_check_read(f, read(f->inotify, f->buffer, 4096), 4096);
	if (fuzz_one_in(f, 2))
		inotify_rm_watch(f->inotify, watch);
}

/* Events without a file, which would be open; and none that asks for permission, and so waits. */
static void call_fanotify(struct fuzzer *f)
{
	static const unsigned int marks[] = { 0, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM };
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK | FAN_CLOEXEC,
			       O_RDONLY);

	if (fd < 0)
		return;
	fanotify_mark(fd, FAN_MARK_ADD | fuzz_pick(f, marks),
		      FAN_ACCESS | FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_ATTRIB, AT_FDCWD,
		      path(f));
	close(open(path(f), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	fuzz_guard(f, 4096);
	fuzz_check_read(f, read(fd, f->buffer, 4096), 4096);
	close(fd);
}

const struct fuzz_call fuzz_path_calls[] = {
	{ "mkdir", call_mkdir }, { "mkdir", call_mkdir }, { "mkdir", call_mkdir },
	{ "mkdir", call_mkdir }, { "rmdir", call_rmdir }, { "rename", call_rename },
	{ "mknod", call_make }, { "lstat", call_look }, { "chmod", call_change },
	{ "setxattr", call_xattr }, { "open_by_handle_at", call_handle }, { "execve", call_exec },
	{ "inotify", call_inotify }, { "fanotify", call_fanotify }, { }
};
