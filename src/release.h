/* SPDX-License-Identifier: GPL-2.0 */
/* The announcement that a container has become empty, and the release agent that it runs. */
#ifndef CONTAINERFS_RELEASE_H
#define CONTAINERFS_RELEASE_H

struct container;
struct workqueue_struct;

/* Starting an agent may take as long as the filesystem that it is on. */
extern struct workqueue_struct *release_wq;

void release_setup(struct container *c);
void release_announce(struct container *c);
void release_cancel(struct container *c);

int release_init(void);
void release_exit(void);

#endif
