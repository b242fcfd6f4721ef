/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>

#include "fdpass.h"

/* Aligned as a control message must be, and big enough for one descriptor. */
union control {
	struct cmsghdr	header;
	char		room[CMSG_SPACE(sizeof(int))];
};

int
fdpass_send(int sock, int fd, const struct address *peer)
{
	struct address	 copy = *peer;	/* sendmsg() wants it writable */
	struct iovec	 data = { .iov_base = &copy,
			    .iov_len = sizeof(copy) };
	union control	 control;
	struct msghdr	 msg = { .msg_iov = &data, .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr	*cmsg;

	memset(&control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != -1)
		return 0;
	if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM)
		errno = EAGAIN;
	return -1;
}

int
fdpass_recv(int sock, int *fd, struct address *peer)
{
	struct iovec	 data = { .iov_base = peer,
			    .iov_len = sizeof(*peer) };
	union control	 control;
	struct msghdr	 msg = { .msg_iov = &data, .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr	*cmsg;
	ssize_t		 n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (n != sizeof(*peer) || cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET ||
	    cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(*fd))) {
		/* MSG_CTRUNC: the descriptor table is full. */
		errno = msg.msg_flags & MSG_CTRUNC ? EMFILE : EBADMSG;
		return -1;
	}
	memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return 1;
}

int
fdpass_waiting(int sock)
{
	int	bytes;

	if (ioctl(sock, SIOCINQ, &bytes) == -1)
		return -1;
	return bytes / (int)sizeof(struct address);
}
