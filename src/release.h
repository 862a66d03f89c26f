/* SPDX-License-Identifier: GPL-2.0 */
/* The release agent. */
#ifndef CONTAINERFS_RELEASE_H
#define CONTAINERFS_RELEASE_H

void release_agent_run(char *agent, char *path);

#endif
