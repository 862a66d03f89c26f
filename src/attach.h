/* SPDX-License-Identifier: GPL-2.0 */
/* Moving a task into a container. */
#ifndef CONTAINERFS_ATTACH_H
#define CONTAINERFS_ATTACH_H

#include <linux/types.h>

struct container;
struct cred;

int container_attach(struct container *to, pid_t nr, const struct cred *opener);

#endif
