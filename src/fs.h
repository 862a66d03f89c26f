/* SPDX-License-Identifier: GPL-2.0 */
/* The filesystem types. */
#ifndef CONTAINERFS_FS_H
#define CONTAINERFS_FS_H

int fs_init(void);
void fs_exit(void);

#endif
