// SPDX-License-Identifier: GPL-2.0
// The fuzzer: system calls on an open file.
#include "fuzz.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define MAGIC 0x27e0eb

static bool of_tree(struct fuzzer *f)
{
	return f->slot->target.kind != FUZZ_PROC;
}

static void call_read(struct fuzzer *f)
{
	size_t size = fuzz_size(f);

	fuzz_guard(f, size);
	fuzz_check_read(f, read(f->slot->fd, f->buffer, size), size);
}

static void call_pread(struct fuzzer *f)
{
	size_t size = fuzz_size(f);
	off_t offset = fuzz_offset(f);
	ssize_t got;

	fuzz_guard(f, size);
	got = pread(f->slot->fd, f->buffer, size, offset);
	fuzz_check_read(f, got, size);
	if (of_tree(f) && offset > INT_MAX && got > 0)
		fuzz_complain(f, "%zd bytes at offset %lld", got, (long long)offset);
}

static void call_readv(struct fuzzer *f)
{
	static const int flags[] = { 0, RWF_NOWAIT, RWF_HIPRI, RWF_DSYNC, RWF_APPEND, -1 };
	struct iovec segments[4];
	size_t size = fuzz_size(f);
	int count;

	fuzz_guard(f, size);
	count = fuzz_segments(f, segments, f->buffer, size);
	if (fuzz_one_in(f, 2))
		fuzz_check_read(f, readv(f->slot->fd, segments, count), size);
	else
		fuzz_check_read(f, preadv2(f->slot->fd, segments, count, fuzz_offset(f),
					   fuzz_pick(f, flags)), size);
}

static void call_read_nowhere(struct fuzzer *f)
{
	static char * const addresses[] = { NULL, (char *)1, (char *)-4096, (char *)LONG_MIN };
	struct iovec segments[2] = { { fuzz_pick(f, addresses), fuzz_size(f) }, { f->buffer, 1 } };
	int fd = f->slot->fd;

	if (fuzz_one_in(f, 2) && segments[0].iov_len && read(fd, segments[0].iov_base, 1) > 0)
		fuzz_complain(f, "read to nowhere");
	if (readv(fd, segments, 2) > 1)
		fuzz_complain(f, "readv to nowhere");
}

static void call_write(struct fuzzer *f)
{
	fuzz_value(f, f->slot->target.kind);
	fuzz_check_write(f, write(f->slot->fd, f->value, f->length));
}

static void call_pwrite(struct fuzzer *f)
{
	fuzz_value(f, f->slot->target.kind);
	fuzz_check_write(f, pwrite(f->slot->fd, f->value, f->length, fuzz_offset(f)));
}

static void call_writev(struct fuzzer *f)
{
	static const int flags[] = { 0, RWF_NOWAIT, RWF_HIPRI, RWF_SYNC, RWF_APPEND, -1 };
	struct iovec segments[4];
	int count;

	fuzz_value(f, f->slot->target.kind);
	count = fuzz_segments(f, segments, f->value, f->length);
	if (fuzz_one_in(f, 2))
		fuzz_check_write(f, writev(f->slot->fd, segments, count));
	else
		fuzz_check_write(f, pwritev2(f->slot->fd, segments, count, fuzz_offset(f),
					     fuzz_pick(f, flags)));
}

static void call_write_from_nowhere(struct fuzzer *f)
{
	static char * const addresses[] = { NULL, (char *)1, (char *)-4096, (char *)LONG_MIN };
	size_t size = fuzz_size(f);

	if (write(f->slot->fd, fuzz_pick(f, addresses), size) > 0 && of_tree(f))
		fuzz_complain(f, "%zu bytes from nowhere", size);
}

static void call_lseek(struct fuzzer *f)
{
	static const int from[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, -1 };

	lseek(f->slot->fd, fuzz_offset(f), fuzz_pick(f, from));
}

static void call_splice_out(struct fuzzer *f)
{
	size_t size = fuzz_size(f);
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return;
	fuzz_guard(f, size);
	if (splice(f->slot->fd, NULL, ends[1], NULL, size, SPLICE_F_NONBLOCK) > (ssize_t)size)
		fuzz_complain(f, "more than %zu bytes", size);
	fuzz_check_read(f, read(ends[0], f->buffer, size), size);
	close(ends[0]);
	close(ends[1]);
}

static void call_splice_in(struct fuzzer *f)
{
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return;
	fuzz_value(f, f->slot->target.kind);
	if (write(ends[1], f->value, f->length) == (ssize_t)f->length)
		fuzz_check_write(f, splice(ends[0], NULL, f->slot->fd, NULL, f->length,
					   SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
	close(ends[0]);
	close(ends[1]);
}

static void call_sendfile(struct fuzzer *f)
{
	size_t size = fuzz_size(f);

	if (fuzz_one_in(f, 2)) {
		if (sendfile(f->data, f->slot->fd, NULL, size) > (ssize_t)size)
			fuzz_complain(f, "more than %zu bytes", size);
		return;
	}
	fuzz_value(f, f->slot->target.kind);
	/* What is longer than a page is sent in several pieces. */
	if (f->length <= 4096 && fuzz_fill_data(f) == 0)
		fuzz_check_write(f, sendfile(f->slot->fd, f->data, NULL, f->length));
}

static void call_copy_file_range(struct fuzzer *f)
{
	struct fuzz_slot *other = &fuzz_pick(f, f->slots);
	enum fuzz_kind kind = other->target.kind;
	size_t size = fuzz_size(f);

	/* What one file holds may be the id of a task that is not to be moved. */
	if (kind == FUZZ_TASKS || kind == FUZZ_AGENT) {
		fuzz_value(f, kind);
		if (fuzz_fill_data(f) == 0)
			copy_file_range(f->data, NULL, other->fd, NULL, f->length, 0);
	} else if (copy_file_range(f->slot->fd, NULL, other->fd, NULL, size, 0) > (ssize_t)size) {
		fuzz_complain(f, "more than %zu bytes", size);
	}
}

static void call_sync(struct fuzzer *f)
{
	switch (fuzz_below(f, 5)) {
	case 0:
		fsync(f->slot->fd);
		break;
	case 1:
		fdatasync(f->slot->fd);
		break;
	case 2:
		sync_file_range(f->slot->fd, fuzz_offset(f), fuzz_offset(f), fuzz_below(f, 8));
		break;
	case 3:
		posix_fadvise(f->slot->fd, fuzz_offset(f), fuzz_offset(f), fuzz_below(f, 7));
		break;
	default:
		readahead(f->slot->fd, fuzz_offset(f), fuzz_size(f));
	}
}

static void call_size(struct fuzzer *f)
{
	if (fuzz_one_in(f, 2))
		fallocate(f->slot->fd, fuzz_below(f, 128), fuzz_offset(f), fuzz_offset(f));
	else
		result(ftruncate(f->slot->fd, fuzz_offset(f)));
}

static void call_mmap(struct fuzzer *f)
{
	static const int flags[] = { MAP_SHARED, MAP_PRIVATE, MAP_PRIVATE | MAP_POPULATE };
	void *memory = mmap(NULL, 1 + fuzz_size(f), fuzz_below(f, 8), fuzz_pick(f, flags),
			    f->slot->fd, fuzz_below(f, 4) * 4096);

	if (memory == MAP_FAILED)
		return;
	if (of_tree(f))
		fuzz_complain(f, "mapped");
	munmap(memory, 1);
}

static void call_ioctl(struct fuzzer *f)
{
	static const unsigned long requests[] = {
		FIONREAD, FIONBIO, FIOASYNC, FIOCLEX, FIGETBSZ, FIBMAP, FS_IOC_GETFLAGS,
		FS_IOC_SETFLAGS, FS_IOC_GETVERSION, FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR,
		FS_IOC_FIEMAP, FICLONE, FIDEDUPERANGE, FITRIM, FIFREEZE, BLKGETSIZE, 0x5401,
		0, -1UL,
	};
	unsigned long request = fuzz_pick(f, requests);

	memset(f->buffer, 0, 4096);
	if (ioctl(f->slot->fd, request, f->buffer) == 0 && request == FIFREEZE)
		ioctl(f->slot->fd, FITHAW, 0);
}

static void call_lock(struct fuzzer *f)
{
	static const int commands[] = { F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_GETLK };
	static const int types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	struct flock lock = {
		.l_type = fuzz_pick(f, types),
		.l_start = fuzz_offset(f),
		.l_len = fuzz_offset(f),
	};

	if (fuzz_one_in(f, 3)) {
		flock(f->slot->fd, LOCK_NB | fuzz_below(f, 16));
	} else if (fuzz_one_in(f, 4)) {
		/* Others that open the file wait for us. */
		fcntl(f->slot->fd, F_SETLEASE, fuzz_pick(f, types));
		fcntl(f->slot->fd, F_SETLEASE, F_UNLCK);
	} else {
		fcntl(f->slot->fd, fuzz_pick(f, commands), &lock);
	}
}

static void call_fcntl(struct fuzzer *f)
{
	static const int flags[] = { 0, O_APPEND, O_DIRECT, O_ASYNC, O_NOATIME, O_NONBLOCK };

	switch (fuzz_below(f, 5)) {
	case 0:
		fcntl(f->slot->fd, F_SETFL, O_NONBLOCK | fuzz_pick(f, flags));
		break;
	case 1:
		fcntl(f->slot->fd, F_NOTIFY, fuzz_below(f, 64));
		break;
	case 2:
		fcntl(f->slot->fd, F_ADD_SEALS, fuzz_below(f, 32));
		break;
	case 3:
		fcntl(f->slot->fd, F_SETPIPE_SZ, 4096);
		break;
	default:
		fcntl(f->slot->fd, F_GETFL);
	}
}

static void call_attributes(struct fuzzer *f)
{
	static const mode_t modes[] = { 0, 0444, 0222, 0644, 0666, 0755, 04777, 0777 };
	static const uid_t users[] = { 0, NOBODY, SOMEBODY, -1 };
	static const struct timespec times[] = {
		{ 0, UTIME_NOW }, { 0, UTIME_OMIT }, { 0, 0 }, { LLONG_MAX, 999999999 },
		{ LLONG_MIN, 0 }, { 1, -1 },
	};
	struct timespec both[2] = { fuzz_pick(f, times), fuzz_pick(f, times) };

	switch (fuzz_below(f, 3)) {
	case 0:
		fchmod(f->slot->fd, fuzz_pick(f, modes));
		break;
	case 1:
		result(fchown(f->slot->fd, fuzz_pick(f, users), fuzz_pick(f, users)));
		break;
	default:
		futimens(f->slot->fd, both);
	}
}

static void call_stat(struct fuzzer *f)
{
	struct statfs statfs;
	struct statx statx;
	struct stat stat;

	fstat(f->slot->fd, &stat);
	syscall(SYS_statx, f->slot->fd, "", AT_EMPTY_PATH | fuzz_below(f, 4) << 13,
		fuzz_one_in(f, 2) ? 0x7fffffff : fuzz_below(f, 1 << 16), &statx);
	if (fstatfs(f->slot->fd, &statfs) == 0 && of_tree(f) && statfs.f_type != MAGIC)
		fuzz_complain(f, "magic %lx", (long)statfs.f_type);
}

static void call_poll(struct fuzzer *f)
{
	struct pollfd poll_fd = { .fd = f->slot->fd, .events = fuzz_below(f, 1 << 14) };
	struct epoll_event event = { .events = fuzz_below(f, 1 << 14) };
	int epoll;

	poll(&poll_fd, 1, fuzz_one_in(f, 64));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return;
	epoll_ctl(epoll, EPOLL_CTL_ADD, f->slot->fd, &event);
	epoll_wait(epoll, &event, 1, 0);
	close(epoll);
}

static void call_getdents(struct fuzzer *f)
{
	size_t size = fuzz_size(f);

	fuzz_guard(f, size);
	fuzz_check_read(f, syscall(SYS_getdents64, f->slot->fd, f->buffer, size), size);
}

static void call_xattr(struct fuzzer *f)
{
	static const char * const names[] = {
		"user.fuzz", "trusted.fuzz", "security.fuzz", "security.selinux",
		"security.capability", "system.posix_acl_access", "fuzz", "user.", "",
	};
	const char *name = fuzz_pick(f, names);
	size_t size = fuzz_size(f) ?: 1;

	fuzz_guard(f, size);
	switch (fuzz_below(f, 5)) {
	case 0:
	case 1:
		fsetxattr(f->slot->fd, name, f->value, size, fuzz_below(f, 4));
		break;
	case 2:
		fuzz_check_read(f, fgetxattr(f->slot->fd, name, f->buffer, size), size);
		break;
	case 3:
		fuzz_check_read(f, flistxattr(f->slot->fd, f->buffer, size), size);
		break;
	default:
		fremovexattr(f->slot->fd, name);
	}
}

static void call_exec(struct fuzzer *f)
{
	char * const arguments[] = { "fuzz", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		syscall(SYS_execveat, f->slot->fd, "", arguments, NULL, AT_EMPTY_PATH);
		_exit(1);
	}
	if (pid > 0 && reap(pid) != 1)
		fuzz_complain(f, "executed");
}

const struct fuzz_call fuzz_file_calls[] = {
	{ "read", call_read }, { "read", call_read }, { "pread", call_pread },
	{ "readv", call_readv }, { "read to nowhere", call_read_nowhere },
	{ "write", call_write }, { "write", call_write }, { "write", call_write },
	{ "pwrite", call_pwrite }, { "writev", call_writev }, { "writev", call_writev },
	{ "write from nowhere", call_write_from_nowhere }, { "lseek", call_lseek },
	{ "splice from the file", call_splice_out }, { "splice to the file", call_splice_in },
	{ "sendfile", call_sendfile }, { "copy_file_range", call_copy_file_range },
	{ "fsync", call_sync }, { "fallocate", call_size }, { "mmap", call_mmap },
	{ "ioctl", call_ioctl }, { "fcntl locks", call_lock }, { "fcntl", call_fcntl },
	{ "fchmod", call_attributes }, { "fstat", call_stat }, { "poll", call_poll },
	{ "getdents64", call_getdents }, { "fsetxattr", call_xattr }, { "execveat", call_exec },
	{ "io_uring", fuzz_ring_call }, { "io_uring", fuzz_ring_call }, { }
};
