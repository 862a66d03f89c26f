// SPDX-License-Identifier: GPL-2.0
/* Two subsystems that write down what they are told, and refuse when they are told to. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "recorder.h"

/*
 * All is done with the parameters of the module. An array has one element for each subsystem.
 * When the module is loaded:
 */
#define SUBSYSTEMS 2

static char *names[SUBSYSTEMS] = { "alpha", "beta" };
static int names_given = SUBSYSTEMS;
module_param_array(names, charp, &names_given, 0444);
MODULE_PARM_DESC(names, "What they are called; as many are registered");

static char *without = "";
module_param(without, charp, 0444);
MODULE_PARM_DESC(without, "What the first lacks: name, create or destroy");

static unsigned int crowd;
module_param(crowd, uint, 0444);
MODULE_PARM_DESC(crowd, "Register so many others, and take them away again");

/* At any time: */
static int create_error[SUBSYSTEMS];
module_param_array(create_error, int, NULL, 0644);
MODULE_PARM_DESC(create_error, "An error that create shall fail with, likewise the following");

static int populate_error[SUBSYSTEMS];
module_param_array(populate_error, int, NULL, 0644);

static int can_attach_error[SUBSYSTEMS];
module_param_array(can_attach_error, int, NULL, 0644);

static int can_fork_error[SUBSYSTEMS];
module_param_array(can_fork_error, int, NULL, 0644);

static unsigned int exit_ms;
module_param(exit_ms, uint, 0644);
MODULE_PARM_DESC(exit_ms, "How many milliseconds exit takes");

static bool add_files;
module_param(add_files, bool, 0644);
MODULE_PARM_DESC(add_files, "Let populate add a file");

/* What there is now, guarded by log_lock: */
static int states[SUBSYSTEMS];
module_param_array(states, int, NULL, 0444);
MODULE_PARM_DESC(states, "How many states have been created and not destroyed");

static int pending[SUBSYSTEMS];
module_param_array(pending, int, NULL, 0444);
MODULE_PARM_DESC(pending, "How many forks have been allowed, and are neither done nor cancelled");

static int members[SUBSYSTEMS];
module_param_array(members, int, NULL, 0444);
MODULE_PARM_DESC(members, "How many tasks are in containers other than the root, by what was told");

module_param(open_files, int, 0444);

/* The log: all calls in their order, a line each. What does not fit is lost. */
static char log[3072];
static size_t log_length;
static DEFINE_SPINLOCK(log_lock);

static struct rc_subsys subsystems[SUBSYSTEMS];

static void count(int *counter, int change)
{
	unsigned long flags;

	spin_lock_irqsave(&log_lock, flags);
	*counter += change;
	spin_unlock_irqrestore(&log_lock, flags);
}

/* Write down a call of a subsystem's. */
static __printf(2, 3) void record(int which, const char *format, ...)
{
	unsigned long flags;
	va_list args;

	va_start(args, format);
	spin_lock_irqsave(&log_lock, flags);
	log_length += scnprintf(log + log_length, sizeof(log) - log_length, "%s ", names[which]);
	log_length += vscnprintf(log + log_length, sizeof(log) - log_length, format, args);
	spin_unlock_irqrestore(&log_lock, flags);
	va_end(args);
}

static int log_get(char *buffer, const struct kernel_param *param)
{
	unsigned long flags;
	size_t length;

	spin_lock_irqsave(&log_lock, flags);
	length = log_length;
	memcpy(buffer, log, length);
	spin_unlock_irqrestore(&log_lock, flags);
	return length;
}

/* Whatever is written clears it. */
static int log_set(const char *value, const struct kernel_param *param)
{
	unsigned long flags;

	spin_lock_irqsave(&log_lock, flags);
	log_length = 0;
	spin_unlock_irqrestore(&log_lock, flags);
	return 0;
}

static const struct kernel_param_ops log_ops = { .get = log_get, .set = log_set };
module_param_cb(log, &log_ops, NULL, 0644);

/* Writing registers or unregisters the one with this index. */
static int registered_set(const char *value, const struct kernel_param *param)
{
	int (*const action)(struct rc_subsys *subsys) = param->arg;
	unsigned int which;
	int error = kstrtouint(value, 10, &which);

	if (!error && which >= SUBSYSTEMS)
		error = -ERANGE;
	return error ?: action(&subsystems[which]);
}

static const struct kernel_param_ops registered_ops = { .set = registered_set };
module_param_cb(register, &registered_ops, rc_register_subsys, 0200);
module_param_cb(unregister, &registered_ops, rc_unregister_subsys, 0200);

static struct rc_state *recorder_create(struct rc_state *parent, int which)
{
	static int last[SUBSYSTEMS];
	struct recorder *r;

	if (create_error[which]) {
		record(which, "create fails\n");
		return ERR_PTR(-create_error[which]);
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	init_waitqueue_head(&r->wait);
	r->which = which;
	if (!parent)
		last[which] = 0;
	r->number = parent ? ++last[which] : 0;
	record(which, "create %d in %d\n", r->number,
	       parent ? recorder_of(parent)->number : -1);
	count(&states[which], 1);
	return &r->rc;
}

/* The root's state, of which create() is told nothing else, must know which it belongs to. */
static struct rc_state *create_first(struct rc_state *parent)
{
	return recorder_create(parent, 0);
}

static struct rc_state *create_second(struct rc_state *parent)
{
	return recorder_create(parent, 1);
}

static void recorder_destroy(struct rc_state *state)
{
	struct recorder *r = recorder_of(state);

	record(r->which, "destroy %d\n", r->number);
	count(&states[r->which], -1);
	kfree(r);
}

static int recorder_populate(struct rc_state *state)
{
	struct recorder *r = recorder_of(state);
	int error = add_files ? rc_add_files(state, recorder_added_files) : 0;

	if (!error)
		error = -populate_error[r->which];
	record(r->which, "populate %d%s\n", r->number, error ? " fails" : "");
	return error;
}

static int recorder_can_attach(struct task_struct *task, struct rc_state *from, struct rc_state *to)
{
	struct recorder *r = recorder_of(to);

	record(r->which, "can_attach %d from %d to %d\n", task_pid_nr(task),
	       recorder_of(from)->number, r->number);
	return -can_attach_error[r->which];
}

static void recorder_attach(struct task_struct *task, struct rc_state *from, struct rc_state *to)
{
	struct recorder *r = recorder_of(to);

	record(r->which, "attach %d from %d to %d\n", task_pid_nr(task),
	       recorder_of(from)->number, r->number);
	count(&members[r->which], !!r->number - !!recorder_of(from)->number);
}

static int recorder_can_fork(struct rc_state *state)
{
	struct recorder *r = recorder_of(state);
	int error = -READ_ONCE(can_fork_error[r->which]);

	record(r->which, "can_fork in %d\n", r->number);
	count(&pending[r->which], !error);
	return error;
}

static void recorder_charge_fork(struct rc_state *state)
{
	struct recorder *r = recorder_of(state);

	record(r->which, "charge_fork in %d\n", r->number);
	count(&pending[r->which], 1);
}

static void recorder_cancel_fork(struct rc_state *state)
{
	struct recorder *r = recorder_of(state);

	record(r->which, "cancel_fork in %d\n", r->number);
	count(&pending[r->which], -1);
}

static void recorder_fork(struct task_struct *child, struct rc_state *state)
{
	struct recorder *r = recorder_of(state);

	record(r->which, "fork %d in %d\n", task_pid_nr(child), r->number);
	count(&pending[r->which], -1);
	count(&members[r->which], 1);
}

static void recorder_exit_task(struct task_struct *task, struct rc_state *state)
{
	struct recorder *r = recorder_of(state);

	record(r->which, "exit %d from %d\n", task_pid_nr(task), r->number);
	count(&members[r->which], -1);
	mdelay(READ_ONCE(exit_ms));
}

static void recorder_bind(struct rc_subsys *subsys, bool bound)
{
	record(subsys - subsystems, bound ? "bind\n" : "unbind\n");
}

static void prepare(int which)
{
	subsystems[which] = (struct rc_subsys) {
		.name = names[which],
		.owner = THIS_MODULE,
		.files = recorder_files,
		.create = which ? create_second : create_first,
		.destroy = recorder_destroy,
		.populate = recorder_populate,
		.can_attach = recorder_can_attach,
		.attach = recorder_attach,
		.can_fork = recorder_can_fork,
		.charge_fork = recorder_charge_fork,
		.cancel_fork = recorder_cancel_fork,
		.fork = recorder_fork,
		.exit = recorder_exit_task,
		.bind = recorder_bind,
	};
	if (which == 0 && !strcmp(without, "name"))
		subsystems[0].name = NULL;
	if (which == 0 && !strcmp(without, "create"))
		subsystems[0].create = NULL;
	if (which == 0 && !strcmp(without, "destroy"))
		subsystems[0].destroy = NULL;
}

/* The states of a crowd, which nobody can use, as nobody else knows of it. */
static struct rc_state *crowd_create(struct rc_state *parent)
{
	struct rc_state *state = kzalloc(sizeof(*state), GFP_KERNEL);

	return state ?: ERR_PTR(-ENOMEM);
}

static void crowd_destroy(struct rc_state *state)
{
	kfree(state);
}

struct fellow {
	struct rc_subsys subsys;
	char name[RC_SUBSYS_NAME_MAX];
};

/* Register many subsystems, and no more when one is refused; returns the error of that. */
static int register_crowd(void)
{
	struct fellow *fellows = kcalloc(crowd, sizeof(*fellows), GFP_KERNEL);
	unsigned int i;
	int error = 0;

	if (!fellows)
		return -ENOMEM;
	for (i = 0; i < crowd && !error; i++) {
		snprintf(fellows[i].name, sizeof(fellows[i].name), "fellow-%u", i);
		fellows[i].subsys.name = fellows[i].name;
		fellows[i].subsys.owner = THIS_MODULE;
		fellows[i].subsys.create = crowd_create;
		fellows[i].subsys.destroy = crowd_destroy;
		error = rc_register_subsys(&fellows[i].subsys);
	}
	if (error)
		i--;
	while (i--)
		WARN_ON(rc_unregister_subsys(&fellows[i].subsys));
	kfree(fellows);
	return error;
}

static void unregister_all(void)
{
	int i;

	/* Those that are not registered are refused. */
	for (i = 0; i < SUBSYSTEMS; i++)
		rc_unregister_subsys(&subsystems[i]);
}

static int __init recorder_init(void)
{
	int i, error = register_crowd();

	for (i = 0; i < SUBSYSTEMS; i++)
		prepare(i);
	for (i = 0; i < names_given && !error; i++)
		error = rc_register_subsys(&subsystems[i]);
	if (error)
		unregister_all();
	return error;
}

static void __exit recorder_exit(void)
{
	hold_end();
	unregister_all();
}

module_init(recorder_init);
module_exit(recorder_exit);

MODULE_DESCRIPTION("containerfs subsystems for testing what subsystems are told");
MODULE_AUTHOR("The containerfs project");
MODULE_LICENSE("GPL");
