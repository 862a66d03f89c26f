// SPDX-License-Identifier: GPL-2.0
// What the selftests share: reading and writing files, sets of ids, processes and credentials.
#include "common.h"

#include <grp.h>
#include <linux/capability.h>
#include <stdarg.h>

#define TEXTS 16

int scaled(int count)
{
	const char *percent = getenv("CONTAINERFS_SCALE");
	int n = percent ? (long long)count * atoi(percent) / 100 : count;

	return n > 0 ? n : 1;
}

const char *text(const char *format, ...)
{
	static __thread char texts[TEXTS][2 * PATH_MAX];
	static __thread unsigned int next;
	char *text = texts[next++ % TEXTS];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(texts[0]), format, args);
	va_end(args);
	return text;
}

long result(long value)
{
	return value == -1 ? -errno : value;
}

int up_to(int most)
{
	return scaled(most) < most ? scaled(most) : most;
}

int write_bytes(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long written;

	if (fd < 0)
		return -errno;
	written = result(write(fd, bytes, length));
	close(fd);
	if (written < 0)
		return written;
	return (size_t)written == length ? 0 : -ENODATA;
}

int write_file(const char *path, const char *format, ...)
{
	char buffer[2 * PATH_MAX];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	return write_bytes(path, buffer, length);
}

ssize_t read_pieces(int fd, char *buffer, size_t size, size_t piece)
{
	size_t length = 0;
	ssize_t count;

	while (length < size - 1) {
		if (piece > size - 1 - length)
			piece = size - 1 - length;
		count = read(fd, buffer + length, piece);
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		length += count;
	}
	buffer[length] = '\0';
	return length;
}

ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read_pieces(fd, buffer, size, size);
	close(fd);
	return length;
}

const char *content(const char *path)
{
	char buffer[2 * PATH_MAX];
	ssize_t length = read_file(path, buffer, sizeof(buffer));

	if (length < 0)
		return text("error %d", (int)-length);
	if (length > 0 && buffer[length - 1] == '\n')
		buffer[length - 1] = '\0';
	return text("%s", buffer);
}

void forget_caches(void)
{
	int i;

	/* The first pass only marks a dentry that was used. */
	for (i = 0; i < 3; i++)
		if (write_file("/proc/sys/vm/drop_caches", "2"))
			abort();
}

bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool file_has_without(const char *path, const char *word, const char *mark)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	if (!file)
		return false;
	while (!found && getline(&line, &room, file) > 0)
		found = strstr(line, word) && !(mark && strstr(line, mark));
	free(line);
	fclose(file);
	return found;
}

bool file_has(const char *path, const char *word)
{
	return file_has_without(path, word, NULL);
}

unsigned int entries_named(const char *directory, const char *name)
{
	DIR *dir = opendir(directory);
	unsigned int count = 0;
	struct dirent *entry;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, name) == 0;
	closedir(dir);
	return count;
}

int copy_program(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t count = -1;

	if (in >= 0 && out >= 0) {
		while ((count = read(in, buffer, sizeof(buffer))) > 0) {
			if (write(out, buffer, count) != count) {
				count = -1;
				break;
			}
		}
	}
	close(in);
	close(out);
	return count == 0 ? 0 : -EIO;
}

void ids_add(struct ids *ids, pid_t id)
{
	if (ids->count == ids->room) {
		ids->room = ids->room ? 2 * ids->room : 64;
		ids->id = realloc(ids->id, ids->room * sizeof(*ids->id));
		if (!ids->id)
			abort();
	}
	ids->id[ids->count++] = id;
}

static int compare_ids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a;
	pid_t y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

void ids_sort(struct ids *ids)
{
	qsort(ids->id, ids->count, sizeof(*ids->id), compare_ids);
}

bool ids_have(const struct ids *ids, pid_t id)
{
	size_t i;

	for (i = 0; i < ids->count; i++)
		if (ids->id[i] == id)
			return true;
	return false;
}

void ids_free(struct ids *ids)
{
	free(ids->id);
	memset(ids, 0, sizeof(*ids));
}

int ids_read(struct ids *ids, const char *path)
{
	FILE *file = fopen(path, "re");
	int next, error = 0;
	long id = -1;

	memset(ids, 0, sizeof(*ids));
	if (!file)
		return -errno;
	while (!error && (next = getc(file)) != EOF) {
		if (next >= '0' && next <= '9' && id != 0 && id <= INT_MAX / 10) {
			id = (id < 0 ? 0 : id * 10) + next - '0';
		} else if (next == '\n' && id > 0) {
			ids_add(ids, id);
			id = -1;
		} else {
			error = -EBADMSG;
		}
	}
	if (ferror(file))
		error = -errno;
	else if (id != -1)
		error = -EBADMSG;
	fclose(file);
	return error;
}

int ids_of_system(struct ids *ids)
{
	DIR *proc = opendir("/proc");
	struct dirent *process, *thread;
	DIR *threads;

	memset(ids, 0, sizeof(*ids));
	if (!proc)
		return -errno;
	while ((process = readdir(proc))) {
		if (process->d_name[0] < '1' || process->d_name[0] > '9')
			continue;
		threads = opendir(text("/proc/%s/task", process->d_name));
		while (threads && (thread = readdir(threads)))
			if (thread->d_name[0] != '.')
				ids_add(ids, atoi(thread->d_name));
		if (threads)
			closedir(threads);
	}
	closedir(proc);
	ids_sort(ids);
	return 0;
}

static pid_t die_with(pid_t parent, pid_t pid)
{
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
	}
	return pid;
}

pid_t child(void)
{
	pid_t parent = getpid();

	return die_with(parent, fork());
}

pid_t fork_with(unsigned long flags)
{
	pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

int reap(pid_t pid)
{
	int status;

	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return 127;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int end(pid_t pid)
{
	kill(pid, SIGKILL);
	return reap(pid) == 128 + SIGKILL ? 0 : -ECHILD;
}

pid_t sleeper(const char *container)
{
	pid_t pid = child();
	int error;

	if (pid == 0)
		for (;;)
			pause();
	error = attach(container, pid);
	if (error) {
		end(pid);
		return error;
	}
	return pid;
}

int wait_zombie(pid_t pid)
{
	siginfo_t info;

	return result(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
}

pid_t zombie(void)
{
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	return wait_zombie(pid) ? -ECHILD : pid;
}

int become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -errno;
	/* A change of credentials has taken both away. */
	return result(prctl(PR_SET_DUMPABLE, 1)) ?: result(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

int drop_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	unsigned int word = capability / 32, bit = 1U << capability % 32;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[word].effective &= ~bit;
	data[word].permitted &= ~bit;
	return result(syscall(SYS_capset, &header, data));
}

int enter_user_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int error;

	error = result(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	if (!error)
		error = write_file("/proc/self/uid_map", "0 %u 1", uid);
	if (!error)
		error = write_file("/proc/self/setgroups", "deny");
	if (!error)
		error = write_file("/proc/self/gid_map", "0 %u 1", gid);
	return error;
}

static void *idle(void *data)
{
	struct thread *thread = data;

	thread->tid = gettid();
	sem_post(&thread->started);
	while (sem_wait(&thread->stop))
		;
	return NULL;
}

int thread_start(struct thread *thread)
{
	pthread_attr_t attributes;
	int error;

	sem_init(&thread->started, 0, 0);
	sem_init(&thread->stop, 0, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 1 << 18);
	error = -pthread_create(&thread->thread, &attributes, idle, thread);
	pthread_attr_destroy(&attributes);
	while (!error && sem_wait(&thread->started))
		;
	return error;
}

void thread_stop(struct thread *thread)
{
	sem_post(&thread->stop);
	pthread_join(thread->thread, NULL);
	wait_until(!exists(text("/proc/self/task/%d", thread->tid)));
}

long long clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

long long own_time(void)
{
	return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}
