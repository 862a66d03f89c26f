// SPDX-License-Identifier: GPL-2.0
/* Listens to the process events connector and reads what comes; says "ready" when it does. */
#include "bench.h"
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr netlink;
	struct cn_msg connector;
	enum proc_cn_mcast_op op;
} __attribute((__packed__, __aligned__(NLMSG_ALIGNTO)));

static void ask(int fd, enum proc_cn_mcast_op op)
{
	struct request request = {
		.netlink = { .nlmsg_len = sizeof(request), .nlmsg_type = NLMSG_DONE },
		.connector = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(op) },
		.op = op,
	};

	if (send(fd, &request, sizeof(request), 0) < 0)
		die("connector");
}

static void on_signal(int signal)
{
	(void)signal;
}

int main(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int fd = socket(PF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR), size = 1 << 24;
	const struct sigaction interrupt = { .sa_handler = on_signal };
	char buffer[4096];

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connector");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	sigaction(SIGTERM, &interrupt, NULL);
	ask(fd, PROC_CN_MCAST_LISTEN);
	puts("ready");
	fflush(stdout);
	/* Events may be lost, which ends nothing. */
	while (recv(fd, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS)
		;
	/* The kernel would not notice that we are gone, and go on making events for nobody. */
	ask(fd, PROC_CN_MCAST_IGNORE);
	return 0;
}
