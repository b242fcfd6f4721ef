/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "instance.h"
#include "net/fdpass.h"
#include "net/log.h"
#include "pidfile.h"
#include "user.h"

#define NAME	"control"

/* The last byte changes with the struct. */
#define MAGIC	"outlive offer 1"

struct offer {
	char		magic[16];
	uint32_t	generation;
	bool		owner, given;
};

struct message {
	int32_t			word;
	struct pid_file_id	pid_file;
};

/* One comes in at a time, and a few may have been refused. */
#define BACKLOG	8

/* A name that fits, however long that of the directory is. */
static struct sockaddr_un
name_of(const struct instance *instance)
{
	struct sockaddr_un	name = { .sun_family = AF_UNIX };

	(void)snprintf(name.sun_path, sizeof(name.sun_path),
	    "/proc/self/fd/%d/%s", instance->dir, NAME);
	return name;
}

static int
fail(int fd)
{
	int	saved = errno;

	if (fd != -1)
		(void)close(fd);
	errno = saved;
	return -1;
}

int
control_open(const struct instance *instance)
{
	struct sockaddr_un	name = name_of(instance);
	int			fd;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Of one who was killed, perhaps. */
	if (unlinkat(instance->dir, NAME, 0) == -1 && errno != ENOENT)
		return fail(fd);
	/* The mode of its name: nobody else's to connect to. */
	if (fd == -1 || fchmod(fd, 0600) == -1 ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1 ||
	    listen(fd, BACKLOG) == -1)
		return fail(fd);
	return fd;
}

void
control_close(int control, const struct instance *instance, bool last)
{
	if (control == -1)
		return;
	if (last)
		(void)unlinkat(instance->dir, NAME, 0);
	(void)close(control);
}

int
control_connect(const struct instance *instance)
{
	struct sockaddr_un	name = { .sun_family = AF_UNIX };
	struct stat		st;
	int			fd, place;

	/* The directory may be a user's, who would lead us elsewhere. */
	place = openat(instance->dir, NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (place == -1 || fstat(place, &st) == -1)
		return fail(place);
	if (!S_ISSOCK(st.st_mode)) {
		errno = ECONNREFUSED;
		return fail(place);
	}
	(void)snprintf(name.sun_path, sizeof(name.sun_path),
	    "/proc/self/fd/%d", place);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&name,
	    sizeof(name)) == -1) {
		(void)fail(fd);
		return fail(place);
	}
	(void)close(place);
	return fd;
}

int
control_accept(int control, const struct instance *instance,
    const struct user *user, pid_t *pid)
{
	struct ucred	peer;
	socklen_t	len = sizeof(peer);
	int		fd;

	fd = accept4(control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer,
	    &len) == -1)
		return fail(fd);
	*pid = peer.pid;
	/* One who has given up in the meantime has no door any more. */
	if ((peer.uid == 0 || (peer.uid == geteuid() && !user->become)) &&
	    instance_holder(instance, INSTANCE_DOOR) == peer.pid)
		return fd;
	log_debug("process %d is refused the socket: it is not coming in",
	    peer.pid);
	(void)close(fd);
	return -1;
}

int
control_offer(int connection, const struct control_offer *offer)
{
	struct offer	message;
	int		fds[] = { offer->listener, offer->control };

	memset(&message, 0, sizeof(message));
	(void)strlcpy(message.magic, MAGIC, sizeof(message.magic));
	message.generation = offer->generation;
	message.owner = offer->owner;
	message.given = offer->given;
	return fdpass_send_with(connection, &message, sizeof(message), fds, 2);
}

int
control_receive(int connection, struct control_offer *offer)
{
	struct offer	message;
	int		fds[2];

	switch (fdpass_recv_with(connection, &message, sizeof(message), fds,
	    2)) {
	case 1:
		break;
	case -1:
		return errno == EAGAIN ? -1 : -2;
	default:
		return -2;
	}
	if (memcmp(message.magic, MAGIC, sizeof(message.magic)) != 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return -2;
	}
	*offer = (struct control_offer){ .listener = fds[0],
	    .control = fds[1], .generation = message.generation,
	    .owner = message.owner, .given = message.given };
	return 0;
}

int
control_say(int connection, enum control_word word,
    const struct pid_file *pid_file)
{
	struct message	message = { .word = word };

	if (pid_file != NULL)
		message.pid_file = pid_file_identity(pid_file);
	return send(connection, &message, sizeof(message),
	    MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(message) ? 0 : -1;
}

enum control_word
control_hear(int connection, struct pid_file_id *pid_file)
{
	struct message	message;
	ssize_t		n;

	n = recv(connection, &message, sizeof(message), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return CONTROL_NOTHING;
	if (n != sizeof(message) || (message.word != CONTROL_MINE &&
	    message.word != CONTROL_YOURS))
		return CONTROL_GONE;
	if (pid_file != NULL)
		*pid_file = message.pid_file;
	return (enum control_word)message.word;
}
