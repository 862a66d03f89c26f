// SPDX-License-Identifier: GPL-2.0
// What the selftests share: a group of the kernel's own.
#include "cgroup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUPS "/tmp/cgroups"
#define CGROUP CGROUPS "/ours"

int cgroup_make(void)
{
	mkdir(CGROUPS, 0755);
	return result(mount("cgroup2", CGROUPS, "cgroup2", 0, NULL)) ?: result(mkdir(CGROUP, 0755));
}

int cgroup_drop(void)
{
	/* Some kernels take a task out only when it is dead. */
	return wait_until(!rmdir(CGROUP)) ? result(umount(CGROUPS)) : -EBUSY;
}

int cgroup_limit(unsigned int tasks)
{
	return write_file(CGROUPS "/cgroup.subtree_control", "+pids") ?:
	       write_file(CGROUP "/pids.max", "%u", tasks);
}

int cgroup_enter(void)
{
	return write_file(CGROUP "/cgroup.procs", "0");
}

long long cgroup_usage(void)
{
	const char *found = strstr(content(CGROUP "/cpu.stat"), "usage_usec ");

	return found ? atoll(found + strlen("usage_usec ")) * 1000 : -1;
}
