// SPDX-License-Identifier: GPL-2.0
/* containerfs: the module, its parameters, what is made when it is loaded and in which order. */
#include <linux/module.h>

#include "container.h"
#include "fs.h"
#include "hierarchy.h"
#include "hook.h"
#include "proc.h"
#include "release.h"
#include "task.h"

static char *hook = "auto";
module_param(hook, charp, 0444);
MODULE_PARM_DESC(hook, "How to hook fork and exit: auto (default), ftrace or kprobe");

static bool proc_files = true;
module_param(proc_files, bool, 0444);
MODULE_PARM_DESC(proc_files, "Make /proc/PID/container and /proc/PID/containers (default: yes)");

static unsigned int buckets;
module_param(buckets, uint, 0444);
MODULE_PARM_DESC(buckets, "Size of the task table (default: 0, chosen by the size of memory)");

static unsigned int hierarchies = 16;
module_param(hierarchies, uint, 0444);
MODULE_PARM_DESC(hierarchies, "How many trees of type rcfs there may be (default: 16)");

static int __init containerfs_init(void)
{
	int error = task_init(buckets);

	if (error)
		return error;
	error = container_init();
	if (error)
		goto undo_task;
	error = release_init();
	if (error)
		goto undo_container;
	error = hierarchy_init(hierarchies);
	if (error)
		goto undo_release;
	error = hook_init(hook, proc_hooks, proc_files ? PROC_HOOKS : 0);
	if (error)
		goto undo_release;
	error = proc_init(proc_files);
	if (error)
		goto undo_hook;
	error = fs_init();
	if (error)
		goto undo_proc;
	return 0;

undo_proc:
	proc_exit();
undo_hook:
	/* Does not return if a hook stays. proc_exit() has disarmed those of our files. */
	hook_exit();
	proc_wait_unused();
	/* For tasks that have just dropped the last reference. */
	synchronize_rcu_tasks();
undo_release:
	release_exit();
undo_container:
	container_exit();
undo_task:
	task_cleanup();
	return error;
}

/* Nothing is mounted and there is no container: a superblock has a reference to the module. */
static void __exit containerfs_exit(void)
{
	fs_exit();
	proc_exit();
	hook_exit();
	release_exit();
	container_exit();
	task_cleanup();
}

module_init(containerfs_init);
module_exit(containerfs_exit);

MODULE_DESCRIPTION("Containers: groups of processes as directories, on a stock kernel");
MODULE_AUTHOR("The containerfs project");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINERFS_VERSION);
