/* SPDX-License-Identifier: ISC */
/*
 * What a service manager and its services say to each other, as systemd has
 * defined it and others understand it, too: sockets that are passed
 * (sd_listen_fds(3)), and messages about our state (sd_notify(3)).  No more of
 * it than is needed here, and by hand: a library would be larger than all of
 * the rest.
 */
#ifndef NET_SYSTEMD_H
#define NET_SYSTEMD_H

/*
 * The socket that was passed to this process, by LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES in the environment; it is close-on-exec from here on.  -1:
 * none was.  -2: what was passed is not one socket that may listen; *why says
 * what was found and what was expected, and is good until the next call.
 */
int	systemd_listen_fd(const char **why);

/*
 * Tell the one who listens at NOTIFY_SOCKET, if there is such a variable: lines
 * of NAME=value, in one datagram.  A failure is one line in the log.  It waits
 * for a reader who is slow, for three seconds at most.
 */
void	systemd_notify(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

#endif
