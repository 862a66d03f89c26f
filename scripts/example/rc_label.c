// SPDX-License-Identifier: GPL-2.0
/* An example for authors of subsystems: a label for each container, inherited from its parent. */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <containerfs/subsys.h>

struct label {
	struct rc_state state;
	struct mutex lock; /* guards text */
	char text[64];
};

static struct label *label_of(struct rc_state *state)
{
	return container_of(state, struct label, state);
}

static struct rc_state *label_create(struct rc_state *parent)
{
	struct label *label = kzalloc(sizeof(*label), GFP_KERNEL);

	if (!label)
		return ERR_PTR(-ENOMEM);
	mutex_init(&label->lock);
	if (parent) {
		mutex_lock(&label_of(parent)->lock);
		strscpy(label->text, label_of(parent)->text, sizeof(label->text));
		mutex_unlock(&label_of(parent)->lock);
	}
	return &label->state;
}

static void label_destroy(struct rc_state *state)
{
	kfree(label_of(state));
}

static int label_show(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type)
{
	mutex_lock(&label_of(state)->lock);
	seq_printf(m, "%s\n", label_of(state)->text);
	mutex_unlock(&label_of(state)->lock);
	return 0;
}

static int label_write(struct rc_state *state, struct file *file, char *buf, size_t len)
{
	mutex_lock(&label_of(state)->lock);
	strscpy(label_of(state)->text, strim(buf), sizeof(label_of(state)->text));
	mutex_unlock(&label_of(state)->lock);
	return 0;
}

static const struct rc_cftype label_files[] = {
	{
		.name = "text",
		.max_write = 63,
		.seq_show = label_show,
		.write = label_write,
	},
	{}
};

static struct rc_subsys label_subsys = {
	.name = "label",
	.owner = THIS_MODULE,
	.files = label_files,
	.create = label_create,
	.destroy = label_destroy,
};

static int __init label_init(void)
{
	return rc_register_subsys(&label_subsys);
}
module_init(label_init);

static void __exit label_exit(void)
{
	rc_unregister_subsys(&label_subsys);
}
module_exit(label_exit);

MODULE_DESCRIPTION("A label for each container");
MODULE_LICENSE("GPL");
