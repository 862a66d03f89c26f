// SPDX-License-Identifier: GPL-2.0
/* Hierarchies: finding and making them, their subsystems, making and removing containers. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fs_context.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hierarchy.h"
#include "registry.h"
#include "release.h"

struct hierarchy default_hierarchy;

DEFINE_SPINLOCK(release_agent_lock); /* guards hierarchy.release_agent */

/* All hierarchies by their ids; container_mutex, read under RCU. */
static struct hierarchy *hierarchies[HIERARCHIES_MAX] = { &default_hierarchy };
static unsigned int hierarchies_max; /* with the default one */

/**
 * hierarchy_by_id - a hierarchy
 * @id: its id, less than HIERARCHIES_MAX
 *
 * Context: The caller holds container_mutex, or is under RCU, which keeps the memory.
 * Return: the hierarchy, or NULL if there is none.
 */
struct hierarchy *hierarchy_by_id(unsigned int id)
{
	return READ_ONCE(hierarchies[id]);
}

/* Add to a label whose length is @len; only count if it is NULL. Returns the new length. */
static size_t label_add(struct hierarchy_label *label, size_t len, const char *prefix,
			const char *word)
{
	if (label)
		sprintf(label->text + len, "%s%s%s", len ? "," : "", prefix, word);
	return len + !!len + strlen(prefix) + strlen(word);
}

/* Write the label of a hierarchy with these subsystems and this name; returns its length. */
static size_t label_write(struct hierarchy_label *label, unsigned long mask, const char *name)
{
	const struct rc_subsys *subsys;
	size_t len = 0;
	int id;

	for_each_subsys(subsys, id, mask)
		len = label_add(label, len, "", subsys->name);
	return name ? label_add(label, len, "name=", name) : len;
}

/* Returns NULL without subsystems and name, or ERR_PTR(-ENOMEM). */
static struct hierarchy_label *label_new(unsigned long mask, const char *name)
{
	size_t len = label_write(NULL, mask, name);
	struct hierarchy_label *label;

	if (!len)
		return NULL;
	label = kmalloc(struct_size(label, text, len + 1), GFP_KERNEL_ACCOUNT);
	if (!label)
		return ERR_PTR(-ENOMEM);
	label->subsystems = mask;
	label_write(label, mask, name);
	return label;
}

/* Give a hierarchy another label, which changes for readers as a whole. */
static void label_set(struct hierarchy *h, struct hierarchy_label *label)
{
	label = rcu_replace_pointer(h->label, label, lockdep_is_held(&container_mutex));
	if (label)
		kfree_rcu(label, rcu);
}

/* The subsystems that the options name. */
static int options_mask(struct fs_context *fc, const struct hierarchy_options *options,
			unsigned long *mask)
{
	const struct rc_subsys *subsys;
	unsigned int i;

	*mask = options->all ? subsys_all() : 0;
	for (i = 0; i < options->nr_subsystems; i++) {
		subsys = subsys_find(options->subsystems[i]);
		if (!subsys) {
			errorfc(fc, "unknown subsystem '%s'", options->subsystems[i]);
			return -ENOENT;
		}
		*mask |= BIT(subsys->id);
	}
	return 0;
}

/* Say which of @mask is bound to another hierarchy than @h, if any is. */
static int check_free(struct fs_context *fc, const struct hierarchy *h, unsigned long mask)
{
	const struct rc_subsys *subsys;
	int id;

	for_each_subsys(subsys, id, mask) {
		if (!subsys->hierarchy || subsys->hierarchy == h)
			continue;
		errorfc(fc, "subsystem '%s' is bound to hierarchy %d", subsys->name,
			subsys->hierarchy->id);
		return -EBUSY;
	}
	return 0;
}

static void unbind(unsigned long mask)
{
	struct rc_subsys *subsys;
	int id;

	for_each_subsys(subsys, id, mask)
		subsys_unbind(subsys);
}

/* Bind all of @mask, which are free, or none. */
static int bind(struct fs_context *fc, struct hierarchy *h, unsigned long mask)
{
	unsigned long bound = 0;
	struct rc_subsys *subsys;
	int id, error;

	for_each_subsys(subsys, id, mask) {
		error = subsys_bind(subsys, &h->root);
		if (error) {
			errorfc(fc, "subsystem '%s' cannot be bound", subsys->name);
			unbind(bound);
			return error;
		}
		bound |= BIT(id);
	}
	return 0;
}

static int find_free_id(void)
{
	unsigned int id;

	for (id = 1; id < hierarchies_max; id++)
		if (!hierarchies[id])
			return id;
	return -ENOSPC;
}

static struct hierarchy *hierarchy_new(struct fs_context *fc, unsigned long mask,
				       const char *name)
{
	int id = find_free_id(), error;
	struct hierarchy_label *label;
	struct hierarchy *h;

	if (id < 0) {
		errorfc(fc, "too many hierarchies: there are %u", hierarchies_max - 1);
		return ERR_PTR(id);
	}
	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return ERR_PTR(-ENOMEM);
	container_init_root(&h->root, h);
	h->id = id;
	if (name) {
		strscpy(h->name_text, name, sizeof(h->name_text));
		h->name = h->name_text;
	}
	label = label_new(mask, name);
	error = PTR_ERR_OR_ZERO(label) ?: bind(fc, h, mask);
	if (error) {
		if (!IS_ERR(label))
			kfree(label);
		container_put(&h->root);
		return ERR_PTR(error);
	}
	label_set(h, label);
	/* Complete before it is read without a lock. */
	smp_store_release(&hierarchies[id], h);
	return h;
}

/*
 * The one that there is already, with this set of subsystems or with this name; NULL if there is
 * none; an error if the name is that of another set. The default one is no matter of rcfs.
 */
static struct hierarchy *hierarchy_find(struct fs_context *fc, unsigned long mask,
					const struct hierarchy_options *options)
{
	struct hierarchy *h;
	int id;

	for (id = 1; id < HIERARCHIES_MAX; id++) {
		h = hierarchies[id];
		if (!h)
			continue;
		if (options->name && (!h->name || strcmp(h->name, options->name)))
			continue;
		if (h->subsys_mask == mask && (mask || options->name))
			return h;
		if (!options->name)
			continue;
		/* The name alone finds whatever has it. */
		if (!mask && !options->none)
			return h;
		errorfc(fc, "name '%s' is that of a hierarchy with other subsystems", h->name);
		return ERR_PTR(-EBUSY);
	}
	return NULL;
}

static struct hierarchy *mount_locked(struct fs_context *fc,
				      const struct hierarchy_options *options)
{
	struct hierarchy *h;
	unsigned long mask;
	int error = options_mask(fc, options, &mask);

	if (error)
		return ERR_PTR(error);
	if (!mask && !options->name) {
		errorfc(fc, "nothing selected: no subsystem, and no none,name=");
		return ERR_PTR(-EINVAL);
	}
	h = hierarchy_find(fc, mask, options);
	if (h)
		return h;
	if (!mask && !options->none) {
		errorfc(fc, "there is no hierarchy with name '%s'", options->name);
		return ERR_PTR(-EINVAL);
	}
	error = check_free(fc, NULL, mask);
	return error ? ERR_PTR(error) : hierarchy_new(fc, mask, options->name);
}

/**
 * hierarchy_mount - the hierarchy that a mount of type rcfs asks for
 * @fc: for telling what is wrong
 * @options: what it asks for
 *
 * Context: Process context, may sleep; takes container_mutex.
 * Return: the hierarchy, found or made, for the caller to hierarchy_put(); or the error of the
 * mount as an ERR_PTR(), after a line that names the offending word.
 */
struct hierarchy *hierarchy_mount(struct fs_context *fc, const struct hierarchy_options *options)
{
	struct hierarchy *h;

	mutex_lock(&container_mutex);
	h = mount_locked(fc, options);
	/* From now on it stays, even if its last mount is going away right now. */
	if (!IS_ERR(h))
		h->users++;
	mutex_unlock(&container_mutex);
	return h;
}

static int bind_default_locked(struct fs_context *fc, const struct hierarchy_options *options)
{
	struct hierarchy *h = &default_hierarchy;
	unsigned long mask, old = h->subsys_mask;
	int error = options_mask(fc, options, &mask);
	struct hierarchy_label *label;

	if (error || mask == old)
		return error;
	error = check_free(fc, h, mask);
	if (error)
		return error;
	/* No mkdir can come in between: it takes container_mutex, as registering does. */
	if (h->nr_containers > 1 || h->nr_states) {
		errorfc(fc, "the default hierarchy has containers, and other subsystems");
		return -EBUSY;
	}
	label = label_new(mask, NULL);
	if (IS_ERR(label))
		return PTR_ERR(label);
	/* First in, then out: a failure leaves it as it was. */
	error = bind(fc, h, mask & ~old);
	if (error) {
		kfree(label);
		return error;
	}
	unbind(old & ~mask);
	label_set(h, label);
	return 0;
}

/**
 * hierarchy_bind_default - bind the subsystems that a mount names to the default hierarchy
 * @fc: for telling what is wrong
 * @options: their names
 *
 * Context: Process context, may sleep; takes container_mutex. The caller holds the i_rwsem of the
 * root directory, whose files change.
 * Return: 0 or the error of the mount, after a line that names the offending word.
 */
int hierarchy_bind_default(struct fs_context *fc, const struct hierarchy_options *options)
{
	int error;

	mutex_lock(&container_mutex);
	error = bind_default_locked(fc, options);
	mutex_unlock(&container_mutex);
	return error;
}

/**
 * hierarchy_check_remount - see whether a remount asks for the hierarchy that is mounted
 * @fc: for telling what is wrong
 * @h: the hierarchy
 * @options: what is asked for; nothing is always right
 *
 * Context: Process context, may sleep; takes container_mutex.
 * Return: 0, -EINVAL or -ENOENT.
 */
int hierarchy_check_remount(struct fs_context *fc, struct hierarchy *h,
			    const struct hierarchy_options *options)
{
	unsigned long mask;
	bool same;
	int error;

	mutex_lock(&container_mutex);
	error = options_mask(fc, options, &mask);
	same = !options->name || (h->name && !strcmp(h->name, options->name));
	if (mask || options->none || options->all)
		same &= mask == h->subsys_mask;
	mutex_unlock(&container_mutex);
	if (!error && !same)
		return invalfc(fc, "remount can change release_agent only");
	return error;
}

/**
 * hierarchy_get - keep a hierarchy
 * @h: the hierarchy, which the caller keeps already
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
void hierarchy_get(struct hierarchy *h)
{
	mutex_lock(&container_mutex);
	h->users++;
	mutex_unlock(&container_mutex);
}

/**
 * hierarchy_put - let go of a hierarchy
 * @h: the hierarchy
 *
 * The last use unbinds its subsystems. The default one is then as it was in the beginning, any
 * other is gone.
 *
 * Context: Process context, may sleep; takes container_mutex.
 */
void hierarchy_put(struct hierarchy *h)
{
	char *agent = NULL;

	mutex_lock(&container_mutex);
	if (--h->users) {
		mutex_unlock(&container_mutex);
		return;
	}
	if (h != &default_hierarchy)
		WRITE_ONCE(hierarchies[h->id], NULL);
	unbind(h->subsys_mask);
	label_set(h, NULL);
	hierarchy_swap_release_agent(h, &agent);
	clear_bit(CONTAINER_NOTIFY_ON_RELEASE, &h->root.flags);
	mutex_unlock(&container_mutex);

	kfree(agent);
	if (h != &default_hierarchy)
		container_put(&h->root);
}

/**
 * hierarchy_swap_release_agent - set the program that is told of released containers
 * @h: the hierarchy
 * @path: its path, "" for none, allocated; afterwards the old one, for the caller to free
 *
 * That the caller may do so has been checked.
 *
 * Context: Process context; takes release_agent_lock.
 */
void hierarchy_swap_release_agent(struct hierarchy *h, char **path)
{
	spin_lock(&release_agent_lock);
	swap(h->release_agent, *path);
	spin_unlock(&release_agent_lock);
}

/**
 * hierarchy_copy_release_agent - the program that is told of released containers
 * @h: the hierarchy
 *
 * Context: Process context, may sleep; takes release_agent_lock.
 * Return: its path, "" for none; the caller frees it with kfree(). NULL if memory is short.
 */
char *hierarchy_copy_release_agent(struct hierarchy *h)
{
	char *copy = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!copy)
		return NULL;
	spin_lock(&release_agent_lock);
	strscpy(copy, hierarchy_release_agent(h), PATH_MAX);
	spin_unlock(&release_agent_lock);
	return copy;
}

/**
 * hierarchy_show_label - print the subsystems of a hierarchy, and name=NAME if it has one
 * @m: where to
 * @h: the hierarchy
 *
 * Context: Any; the memory of @h stays.
 */
void hierarchy_show_label(struct seq_file *m, const struct hierarchy *h)
{
	const struct hierarchy_label *label;

	rcu_read_lock();
	label = rcu_dereference(h->label);
	if (label)
		seq_puts(m, label->text);
	rcu_read_unlock();
}

/**
 * hierarchy_mkdir - make a container with all that belongs to it
 * @parent: the container that it goes into
 * @name: its name there, copied; that it is unique is the caller's business
 * @uid: the owner of its files
 * @gid: the group of its files
 *
 * Context: Process context, may sleep; takes container_mutex. The caller holds the i_rwsem of
 * @parent's directory.
 * Return: the container, with a reference for the caller; ERR_PTR(-ENODEV) if @parent has been
 * removed, ERR_PTR(-ENOMEM), or the error of a subsystem, and nothing has been made.
 */
struct container *hierarchy_mkdir(struct container *parent, const char *name, kuid_t uid,
				  kgid_t gid)
{
	struct container *c = ERR_PTR(-ENODEV);
	int error;

	mutex_lock(&container_mutex);
	if (!container_is_removed(parent))
		c = container_new(parent, name, uid, gid);
	if (!IS_ERR(c)) {
		release_setup(c);
		error = subsys_states_create(c);
		if (!error) {
			container_add(container_get(c));
		} else {
			container_put(c);
			c = ERR_PTR(error);
		}
	}
	mutex_unlock(&container_mutex);
	return c;
}

/**
 * hierarchy_rmdir - remove a container with all that belongs to it
 * @c: the container, not a root; the caller has a reference
 *
 * Context: Process context, may sleep; takes container_mutex. The caller holds the i_rwsem of the
 * parent's directory.
 * Return: 0; -EBUSY if there is a task or a child in it.
 */
int hierarchy_rmdir(struct container *c)
{
	int error;

	mutex_lock(&container_mutex);
	error = container_remove(c);
	if (!error) {
		release_cancel(c);
		release_announce(c->parent);
		subsys_states_put_locked(c);
	}
	mutex_unlock(&container_mutex);
	if (!error)
		container_put(c);
	return error;
}

/**
 * hierarchy_init - make the default hierarchy
 * @max: how many others there may be
 *
 * Return: 0, or -EINVAL after a line that tells why.
 */
int hierarchy_init(unsigned int max)
{
	if (max >= HIERARCHIES_MAX) {
		pr_err("hierarchies=%u: must be at most %u\n", max, HIERARCHIES_MAX - 1);
		return -EINVAL;
	}
	hierarchies_max = 1 + max;
	container_init_root(&default_hierarchy.root, &default_hierarchy);
	return 0;
}
