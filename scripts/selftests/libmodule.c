// SPDX-License-Identifier: GPL-2.0
// What the selftests share: loading and unloading the module, its hooks and the kernel's log.
#include "common.h"

#include <sys/utsname.h>

static int open_module(const char *module)
{
	struct utsname names;

	uname(&names);
	return open(text("/lib/modules/%s/extra/%s.ko", names.release, module),
		    O_RDONLY | O_CLOEXEC);
}

int load(const char *module, const char *parameters)
{
	int fd = open_module(module);
	int error;

	if (fd < 0)
		return -errno;
	error = result(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);
	return error;
}

int unload(const char *module)
{
	return result(syscall(SYS_delete_module, module, O_NONBLOCK));
}

int unload_patiently(const char *module)
{
	int error = 0;

	wait_until(!loaded(module) || (error = unload(module)) == 0);
	return loaded(module) ? error : 0;
}

bool loaded(const char *module)
{
	return exists(text("/sys/module/%s/refcnt", module));
}

const char *module_parameters(void)
{
	const char *hook = getenv("CONTAINERFS_HOOK");

	return text("hook=%s", hook ?: "auto");
}

int module_load(const char *parameters)
{
	return load("containerfs", parameters);
}

int module_load_image(const void *image, size_t length, const char *parameters)
{
	return result(syscall(SYS_init_module, image, length, parameters));
}

int module_unload(void)
{
	return unload("containerfs");
}

int module_unload_patiently(void)
{
	return unload_patiently("containerfs");
}

bool module_loaded(void)
{
	return loaded("containerfs");
}

void *module_image(size_t *length)
{
	int fd = open_module("containerfs");
	struct stat stat;
	void *image;

	if (fd < 0 || fstat(fd, &stat))
		return NULL;
	*length = stat.st_size;
	image = mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	return image == MAP_FAILED ? NULL : image;
}

bool hooked(const char *function)
{
	return file_has("/sys/kernel/tracing/enabled_functions", function) ||
	       file_has_without("/sys/kernel/debug/kprobes/list", function, "[DISABLED]");
}

int log_mark(void)
{
	int mark = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (mark >= 0)
		lseek(mark, 0, SEEK_END);
	return mark;
}

bool log_has(int mark, const char *word, const char *other)
{
	char record[8192];
	ssize_t length;

	for (;;) {
		length = read(mark, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return false;
		record[length] = '\0';
		if (strstr(record, word) && strstr(record, other))
			return true;
	}
}
