// SPDX-License-Identifier: GPL-2.0
/* The subsystem `debug`: shows the core's own bookkeeping. */

/*
 * Each file is one question to the core, asked when the file is read and answered for the container
 * that the file is in. A state holds nothing, so that looking changes nothing:
 *
 *   debug.taskcount   the tasks in the container, not those below it
 *   debug.setcount    the container sets that it is part of
 *   debug.refcount    the references to it
 *   debug.hooks       the hooked functions of the kernel, and what each of them has missed
 *
 * It is a module of its own because nobody but those who work on containerfs needs it, and the
 * shortest subsystem that there can be: the one to begin with for who writes another.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include <containerfs/subsys.h>

static struct rc_state *debug_create(struct rc_state *parent)
{
	struct rc_state *state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);

	return state ?: ERR_PTR(-ENOMEM);
}

static void debug_destroy(struct rc_state *state)
{
	kfree(state);
}

static u64 debug_read_taskcount(struct rc_state *state, const struct rc_cftype *type)
{
	return rc_count_tasks(state);
}

static u64 debug_read_setcount(struct rc_state *state, const struct rc_cftype *type)
{
	return rc_count_sets(state);
}

static u64 debug_read_refcount(struct rc_state *state, const struct rc_cftype *type)
{
	return rc_count_references(state);
}

static int debug_show_hooks(struct seq_file *m, struct rc_state *state,
			    const struct rc_cftype *type)
{
	return rc_show_hooks(m);
}

static const struct rc_cftype debug_files[] = {
	{ .name = "taskcount", .read_u64 = debug_read_taskcount },
	{ .name = "setcount", .read_u64 = debug_read_setcount },
	{ .name = "refcount", .read_u64 = debug_read_refcount },
	{ .name = "hooks", .seq_show = debug_show_hooks },
	{}
};

static struct rc_subsys debug_subsys = {
	.name = "debug",
	.owner = THIS_MODULE,
	.files = debug_files,
	.create = debug_create,
	.destroy = debug_destroy,
};

static int __init debug_init(void)
{
	return rc_register_subsys(&debug_subsys);
}

static void __exit debug_exit(void)
{
	/* While it is bound, the core has a reference to this module, and we are not called. */
	WARN_ON(rc_unregister_subsys(&debug_subsys));
}

module_init(debug_init);
module_exit(debug_exit);

MODULE_DESCRIPTION("containerfs subsystem that shows the core's own bookkeeping");
MODULE_AUTHOR("The containerfs project");
MODULE_LICENSE("GPL");
MODULE_VERSION(CONTAINERFS_VERSION);
