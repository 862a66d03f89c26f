/* SPDX-License-Identifier: GPL-2.0 */
/* The registry of subsystems, and their states in containers. */
#ifndef CONTAINERFS_REGISTRY_H
#define CONTAINERFS_REGISTRY_H

#include <linux/bits.h>
#include <linux/types.h>

#include <containerfs/subsys.h>

#include "container.h"

/* The registered subsystems by their ids, or NULL; container_mutex, read under RCU. */
extern struct rc_subsys *subsys_table[SUBSYS_MAX];

/* The next subsystem of @mask from *@id on, or NULL. */
static inline struct rc_subsys *subsys_next(unsigned long mask, int *id)
{
	for (; *id < SUBSYS_MAX && mask >> *id; ++*id)
		if (mask & BIT(*id) && subsys_table[*id])
			return subsys_table[*id];
	return NULL;
}

/* For each subsystem of @mask that is registered; under container_mutex or while it is bound. */
#define for_each_subsys(subsys, id, mask) \
	for ((id) = 0; ((subsys) = subsys_next(mask, &(id))); (id)++)

bool subsys_name_is_valid(const char *name);
struct rc_subsys *subsys_find(const char *name);
unsigned long subsys_all(void);

int subsys_bind(struct rc_subsys *subsys, struct container *root);
void subsys_unbind(struct rc_subsys *subsys);

int subsys_states_create(struct container *c);
bool subsys_states_get(struct container *c);
void subsys_states_put(struct container *c);
void subsys_states_put_locked(struct container *c);

int subsys_can_attach(struct task_struct *task, struct container *from, struct container *to);
void subsys_attach(struct task_struct *task, struct container *from, struct container *to);
void subsys_move_fork(struct container *from, struct container *to);

#endif
