// SPDX-License-Identifier: GPL-2.0
// The fuzzer: random numbers, random arguments, and the choice of the next system call.
#include "fuzz.h"

#include <stdarg.h>
#include <sys/inotify.h>
#include <sys/time.h>

#include "family.h"

struct fuzz_shared *fuzz;

void fuzz_complain(struct fuzzer *f, const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	complain("worker %zd, call %lu, %s of %.60s: %s", f->report - fuzz->workers,
		 f->report->calls, f->report->call, f->slot->target.path, what);
}

/* xorshift64* */
static unsigned long long next(struct fuzzer *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * 0x2545f4914f6cdd1dULL;
}

unsigned int fuzz_below(struct fuzzer *f, unsigned int limit)
{
	return (next(f) >> 32) % limit;
}

bool fuzz_one_in(struct fuzzer *f, unsigned int count)
{
	return fuzz_below(f, count) == 0;
}

size_t fuzz_size(struct fuzzer *f)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 7, 16, 255, 4095, 4096, 4097, FUZZ_ROOM };

	return fuzz_pick(f, sizes);
}

off_t fuzz_offset(struct fuzzer *f)
{
	static const off_t offsets[] = {
		0, 0, 0, 1, 2, 100, 4095, 4096, INT_MAX, 1LL << 32, 1LL << 40, LLONG_MAX - 1,
		LLONG_MAX, -1, LLONG_MIN,
	};

	return fuzz_pick(f, offsets);
}

/* Few names, so that most places exist every now and then. */
void fuzz_place(struct fuzzer *f, char *path)
{
	static const char * const names[] = { "/x", "/y", "/x", "/n" };
	unsigned int depth = fuzz_below(f, 4);

	strcpy(path, fuzz->trees[fuzz_below(f, FUZZ_TREES)].root);
	while (depth--)
		strcat(path, fuzz_pick(f, names));
}

static pid_t some_pid(struct fuzzer *f)
{
	pid_t pid = fuzz->pids[fuzz_below(f, FUZZ_PIDS)];

	return pid ?: f->report->pid;
}

static void proc_target(struct fuzzer *f, struct fuzz_target *target)
{
	static const char * const names[] = {
		"/proc/containers", "/proc/rc_subsys", "/proc/self/container",
		"/proc/self/containers", "/proc/thread-self/container",
		"/proc/thread-self/containers",
	};
	static const char * const formats[] = {
		"/proc/%1$d/container", "/proc/%1$d/containers", "/proc/%1$d/task/%1$d/container",
		"/proc/%1$d/task/%1$d/containers", "/proc/%1$d",
	};

	target->kind = FUZZ_PROC;
	if (fuzz_one_in(f, 2))
		strcpy(target->path, fuzz_pick(f, names));
	else
		sprintf(target->path, fuzz_pick(f, formats), some_pid(f));
}

static enum fuzz_kind kind_of(const char *name)
{
	if (!strcmp(name, "tasks") || !strcmp(name, "container.procs"))
		return FUZZ_TASKS;
	if (!strcmp(name, "release_agent"))
		return FUZZ_AGENT;
	return strstr(name, ".raw") ? FUZZ_RAW : FUZZ_CONTROL;
}

void fuzz_target(struct fuzzer *f, struct fuzz_target *target)
{
	struct fuzz_tree *tree;
	const char *name;
	size_t i;

	if (fuzz_one_in(f, 5)) {
		proc_target(f, target);
		return;
	}
	fuzz_place(f, target->path);
	target->kind = FUZZ_DIRECTORY;
	for (i = 0; i < FUZZ_TREES; i++) {
		tree = &fuzz->trees[i];
		if (strncmp(target->path, tree->root, strlen(tree->root)) || fuzz_one_in(f, 8))
			continue;
		name = fuzz_one_in(f, 6) ? "tasks" : tree->name[fuzz_below(f, tree->names)];
		target->kind = kind_of(name);
		strcat(strcat(target->path, "/"), name);
	}
}

int fuzz_open_flags(struct fuzzer *f)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR, O_ACCMODE };
	static const int flags[] = {
		O_APPEND, O_TRUNC, O_DIRECT, O_SYNC, O_DSYNC, O_NOATIME, O_NOFOLLOW, O_PATH,
		O_DIRECTORY, O_ASYNC, O_LARGEFILE, O_NOCTTY, O_CREAT, O_EXCL, O_TMPFILE,
	};
	int value = fuzz_pick(f, modes) | O_CLOEXEC | O_NONBLOCK;

	while (fuzz_one_in(f, 5))
		value |= fuzz_pick(f, flags);
	return value;
}

static void set_value(struct fuzzer *f, const char *bytes, size_t length)
{
	memcpy(f->value, bytes, length);
	f->length = length;
}

/* Never the id of a task that is not a child, nor a number that may turn out to be one. */
static void tasks_value(struct fuzzer *f)
{
	static const char * const others[] = {
		"", "\n", "abc", "-1", "4194305", "99999999999999999999", "0x", "+", "- ",
	};
	static const char * const formats[] = { "%d", "%d\n", " %d\t\n", "%d ", "%d%c" };
	char bytes[64];

	if (fuzz_one_in(f, 4)) {
		strcpy(bytes, fuzz_pick(f, others));
		set_value(f, bytes, strlen(bytes));
	} else {
		set_value(f, bytes, sprintf(bytes, fuzz_pick(f, formats),
					    fuzz_one_in(f, 4) ? 0 : some_pid(f), 0));
	}
}

static void agent_value(struct fuzzer *f)
{
	static const char * const agents[] = {
		"", "\n", "/bin/true", "/bin/true\n", "/nonexistent", "/", "/tmp",
	};
	const char *agent = fuzz_pick(f, agents);

	set_value(f, agent, strlen(agent));
}

static void any_value(struct fuzzer *f)
{
	static const char * const values[] = {
		"", "\n", "0", "1", "1\n", "2", "7", " 5\t\n", "-1", "max", "max\n", "2147483648",
		"4294967295", "9223372036854775807", "18446744073709551615",
		"18446744073709551616", "1 2", "0x10", "1e3", "none", "in out", "%s%n",
	};
	const char *value = fuzz_pick(f, values);
	size_t i;

	set_value(f, value, strlen(value) + fuzz_one_in(f, 8));
	if (fuzz_one_in(f, 16)) {
		f->length = fuzz_below(f, 64);
		for (i = 0; i < f->length; i++)
			f->value[i] = next(f);
	}
}

void fuzz_value(struct fuzzer *f, enum fuzz_kind kind)
{
	/* Too long for any file */
	if (fuzz_one_in(f, 16)) {
		f->length = fuzz_size(f);
		memset(f->value, fuzz_one_in(f, 2) ? '9' : 'a', f->length);
	} else if (kind == FUZZ_TASKS) {
		tasks_value(f);
	} else if (kind == FUZZ_AGENT) {
		agent_value(f);
	} else {
		any_value(f);
	}
}

int fuzz_segments(struct fuzzer *f, struct iovec *segments, void *bytes, size_t length)
{
	int count = 1 + fuzz_below(f, 4), i;
	size_t part;

	for (i = 0; i < count; i++) {
		part = i == count - 1 ? length : fuzz_below(f, length + 1);
		segments[i] = (struct iovec) { .iov_base = bytes, .iov_len = part };
		bytes = (char *)bytes + part;
		length -= part;
	}
	return count;
}

int fuzz_fill_data(struct fuzzer *f)
{
	if (ftruncate(f->data, 0) || pwrite(f->data, f->value, f->length, 0) != (ssize_t)f->length)
		return -errno;
	return lseek(f->data, 0, SEEK_SET);
}

void fuzz_guard(struct fuzzer *f, size_t asked)
{
	memset(f->buffer + asked, 0x5a, FUZZ_GUARD);
}

void fuzz_check_read(struct fuzzer *f, ssize_t got, size_t asked)
{
	size_t i;

	if (got > (ssize_t)asked)
		fuzz_complain(f, "%zd bytes instead of %zu", got, asked);
	for (i = 0; i < FUZZ_GUARD; i++) {
		if (f->buffer[asked + i] != 0x5a) {
			fuzz_complain(f, "wrote behind %zu bytes", asked);
			return;
		}
	}
}

void fuzz_check_write(struct fuzzer *f, ssize_t written)
{
	enum fuzz_kind kind = f->slot->target.kind;

	if (written < 0 || written == (ssize_t)f->length)
		return;
	if (written > (ssize_t)f->length || (kind != FUZZ_RAW && kind != FUZZ_PROC))
		fuzz_complain(f, "wrote %zd bytes of %zu", written, f->length);
}

/* Most places are missing, and many files refuse some flags. */
static void reopen(struct fuzzer *f, struct fuzz_slot *slot)
{
	unsigned int tries = 4;

	if (slot->fd >= 0)
		close(slot->fd);
	do {
		fuzz_target(f, &slot->target);
		slot->fd = open(slot->target.path, fuzz_open_flags(f), 0666);
	} while (slot->fd < 0 && --tries);
}

static void ignore(int signal)
{
	(void)signal;
}

/* A signal each second ends whatever waits for something that does not come. */
static void set_signals(void)
{
	struct itimerval second = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct sigaction action = { .sa_handler = ignore };

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGIO, &action, NULL);
	setitimer(ITIMER_REAL, &second, NULL);
}

void fuzz_begin(struct fuzzer *f, struct fuzz_report *report)
{
	const char *path = text("/tmp/fuzz.%d", getpid());
	size_t i;

	report->pid = getpid();
	f->report = report;
	f->random = report->seed;
	f->slot = f->slots;
	f->data = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unlink(path);
	f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (i = 0; i < FUZZ_SLOTS; i++)
		f->slots[i].fd = -1;
	fuzz_ring_open(f);
	set_signals();
}

static const struct fuzz_call *choose(struct fuzzer *f, const struct fuzz_call *calls)
{
	unsigned int count = 0;

	while (calls[count].name)
		count++;
	return &calls[fuzz_below(f, count)];
}

void fuzz_step(struct fuzzer *f)
{
	static struct fuzz_slot by_path = { .fd = -1 };
	const struct fuzz_call *call;

	if (fuzz_one_in(f, 4)) {
		call = choose(f, fuzz_path_calls);
		f->slot = &by_path;
		fuzz_target(f, &by_path.target);
	} else {
		call = choose(f, fuzz_file_calls);
		f->slot = &fuzz_pick(f, f->slots);
		if (f->slot->fd < 0 || fuzz_one_in(f, 8)) {
			f->report->call = "open";
			reopen(f, f->slot);
		}
	}
	f->report->call = call->name;
	call->make(f);
	f->report->calls++;
}
