// SPDX-License-Identifier: GPL-2.0
/* Listens to the process events connector and reads what comes; says "ready" when it does. */
#include "bench.h"
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr netlink;
	struct cn_msg connector;
	enum proc_cn_mcast_op op;
} __attribute((__packed__, __aligned__(NLMSG_ALIGNTO)));

int main(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	struct request request = {
		.netlink = { .nlmsg_len = sizeof(request), .nlmsg_type = NLMSG_DONE },
		.connector = { .id = { CN_IDX_PROC, CN_VAL_PROC },
			       .len = sizeof(enum proc_cn_mcast_op) },
		.op = PROC_CN_MCAST_LISTEN,
	};
	int fd = socket(PF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR), size = 1 << 24;
	char buffer[4096];

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connector");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (send(fd, &request, sizeof(request), 0) < 0)
		die("listening");
	puts("ready");
	fflush(stdout);
	/* Events may be lost, which ends nothing: ENOBUFS. */
	while (recv(fd, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS || errno == EINTR)
		;
	die("reading");
}
