/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "fdpass.h"

/* Aligned as a control message must be, and big enough for a few. */
union control {
	struct cmsghdr	header;
	char		room[CMSG_SPACE(FDPASS_MOST * sizeof(int))];
};

int
fdpass_send_with(int sock, const void *data, size_t len, const int *fds,
    size_t n)
{
	/* sendmsg() wants it writable, and leaves it alone. */
	struct iovec	 iov = { .iov_base = (void *)(uintptr_t)data,
			    .iov_len = len };
	union control	 control;
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(n * sizeof(*fds)) };
	struct cmsghdr	*cmsg;

	memset(&control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(*fds));
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(*fds));
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != -1)
		return 0;
	if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM)
		errno = EAGAIN;
	return -1;
}

/* How many descriptors have come; all that were are in fds. */
static size_t
received(struct msghdr *msg, int fds[FDPASS_MOST])
{
	struct cmsghdr	*cmsg = CMSG_FIRSTHDR(msg);
	size_t		 bytes;

	if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET ||
	    cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len < CMSG_LEN(0))
		return 0;
	bytes = cmsg->cmsg_len - CMSG_LEN(0);
	if (bytes > FDPASS_MOST * sizeof(int))
		return 0;
	memcpy(fds, CMSG_DATA(cmsg), bytes);
	return bytes / sizeof(int);
}

int
fdpass_recv_with(int sock, void *data, size_t len, int *fds, size_t n)
{
	struct iovec	 iov = { .iov_base = data, .iov_len = len };
	union control	 control;
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int		 found[FDPASS_MOST];
	ssize_t		 got;
	size_t		 many;

	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got == -1 && errno == EINTR);
	if (got <= 0)
		return (int)got;
	many = received(&msg, found);
	if ((size_t)got == len && many == n &&
	    !(msg.msg_flags & MSG_TRUNC)) {
		memcpy(fds, found, n * sizeof(*fds));
		return 1;
	}
	while (many > 0)
		(void)close(found[--many]);
	/* MSG_CTRUNC: the descriptor table is full. */
	errno = msg.msg_flags & MSG_CTRUNC ? EMFILE : EBADMSG;
	return -1;
}

int
fdpass_send(int sock, int fd, const struct address *peer)
{
	return fdpass_send_with(sock, peer, sizeof(*peer), &fd, 1);
}

int
fdpass_recv(int sock, int *fd, struct address *peer)
{
	return fdpass_recv_with(sock, peer, sizeof(*peer), fd, 1);
}

int
fdpass_waiting(int sock)
{
	int	bytes;

	if (ioctl(sock, SIOCINQ, &bytes) == -1)
		return -1;
	return bytes / (int)sizeof(struct address);
}
