/* SPDX-License-Identifier: ISC */
/*
 * hostile [host:]port strategy per-source [user]: a server each of whose
 * children belongs to an attacker, who is its client and says in lines what it
 * is to do to everyone else.  It answers with one line, "done" or an error's
 * name; what it does not know it sends back.  The port goes to standard output.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <outlive.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned int	seed;

/* Bytes that nobody expects, the same ones each time. */
static void
fill(unsigned char *at, size_t size)
{
	size_t	i;

	for (i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		at[i] = (unsigned char)(seed >> 16);
	}
}

/* All memory that it shares with others. */
static void
scribble(long what)
{
	char		 line[512], permissions[8];
	unsigned long	 begin, end;
	FILE		*maps = fopen("/proc/self/maps", "re");

	seed = (unsigned int)what;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &begin, &end,
		    permissions) == 3 && strcmp(permissions, "rw-s") == 0) {
			if (what <= 0)
				memset((void *)begin, what == 0 ? 0 : 255,
				    end - begin);
			else
				fill((void *)begin, end - begin);
		}
	if (maps != NULL)
		(void)fclose(maps);
}

static int
listens(int fd)
{
	int		yes = 0;
	socklen_t	len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	    yes;
}

/* Of the listening socket: how many. */
static int
copies(void)
{
	int	fd, n = 0;

	for (fd = 0; fd < 64; fd++)
		n += listens(fd);
	return n;
}

/* Whatever it has, for all who have it, too. */
static void
shut_down(int client)
{
	int	fd;

	for (fd = 3; fd < 64; fd++)
		if (fd != client)
			(void)shutdown(fd, SHUT_RDWR);
}

/* Memory of another process, in the three ways that there are. */
static long
look_into(pid_t pid)
{
	char		path[32], byte;
	struct iovec	mine = { &byte, 1 }, theirs = { &seed, 1 };

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if (open(path, O_RDWR | O_CLOEXEC) != -1 ||
	    process_vm_readv(pid, &mine, 1, &theirs, 1, 0) != -1)
		return 0;
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

/* Any descriptor of another process. */
static long
take_descriptor(pid_t pid)
{
	int	fd, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (fd = 0; fd < 64; fd++)
		if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) != -1)
			return 0;
	return -1;
}

/* Root, by any call that could make it so. */
static long
rise(void)
{
	const gid_t	root = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 0) == 0 || setgroups(1, &root) == 0 ||
	    setgid(0) == 0 || setresuid(0, 0, 0) == 0 || setuid(0) == 0)
		return 0;
	/* Where there is no root at all it is EINVAL. */
	errno = EPERM;
	return -1;
}

/* "owns the port", if its owner lets go of it (instance.h). */
static long
lock(const char *path)
{
	struct flock	wanted = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			    .l_start = 1, .l_len = 1 };
	int		fd = open(path, O_RDWR | O_CLOEXEC);

	return fd == -1 ? -1 : fcntl(fd, F_SETLKW, &wanted);
}

/* As the next parent comes in: the door, and then control (control.h). */
static long
come_in(const char *place)
{
	struct sockaddr_un	name = { .sun_family = AF_UNIX };
	struct flock		door = { .l_type = F_WRLCK,
				    .l_whence = SEEK_SET, .l_start = 2,
				    .l_len = 1 };
	char			path[512], bytes[64], control[64];
	struct iovec		iov = { bytes, sizeof(bytes) };
	struct msghdr		message = { .msg_iov = &iov, .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
	int			file, fd, given;

	(void)snprintf(path, sizeof(path), "%s/lock", place);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/control",
	    place);
	file = open(path, O_RDWR | O_CLOEXEC);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (file == -1 || fcntl(file, F_SETLK, &door) == -1 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		return -1;
	given = recvmsg(fd, &message, MSG_CMSG_CLOEXEC) > 0;
	(void)close(file);
	(void)close(fd);
	errno = EPERM;
	return given ? 0 : -1;
}

/* Whatever happens, it stays. */
static long
stay(void)
{
	sigset_t	all;

	(void)sigfillset(&all);
	return sigprocmask(SIG_SETMASK, &all, NULL);
}

/* The next connection that comes out of the queue of "pass". */
static long
steal(void)
{
	char		bytes[256], control[256];
	struct iovec	iov = { bytes, sizeof(bytes) };
	struct msghdr	message;
	struct cmsghdr	*passed;
	int		type, fd;
	socklen_t	len = sizeof(type);
	ssize_t		n = -1;

	/* The spare has nothing: it is at its end. */
	for (fd = 3; fd < 64 && n <= 0; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    type == SOCK_SEQPACKET) {
			message = (struct msghdr){ .msg_iov = &iov,
			    .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
			n = recvmsg(fd, &message, 0);
		}
	if (n <= 0 || (passed = CMSG_FIRSTHDR(&message)) == NULL)
		return -1;
	memcpy(&fd, CMSG_DATA(passed), sizeof(fd));
	return close(fd);
}

static void
obey(int fd, char *line)
{
	char	*rest = strchr(line, ' ');
	long	 number, result = 0;

	line[strcspn(line, "\n")] = '\0';
	rest = rest == NULL ? line + strlen(line) : rest + 1;
	number = strtol(rest, NULL, 10);
	errno = 0;
	if (strncmp(line, "scribble", 8) == 0)
		scribble(number);
	else if (strncmp(line, "look into", 9) == 0)
		result = look_into((pid_t)strtol(rest + 5, NULL, 10));
	else if (strncmp(line, "take", 4) == 0)
		result = take_descriptor((pid_t)number);
	else if (strcmp(line, "rise") == 0)
		result = rise();
	else if (strcmp(line, "listens") == 0)
		result = copies() > 0 ? 0 : (errno = ENOENT, -1);
	else if (strcmp(line, "shut down") == 0)
		shut_down(fd);
	else if (strcmp(line, "stay") == 0)
		result = stay();
	else if (strcmp(line, "steal") == 0)
		result = steal();
	else if (strcmp(line, "forge") == 0)
		(void)dprintf(STDERR_FILENO, "outlived[1]: all is well\n");
	else if (strncmp(line, "lock", 4) == 0)
		result = lock(rest);
	else if (strncmp(line, "come in", 7) == 0)
		result = come_in(strchr(line, '/'));
	else if (strncmp(line, "kill", 4) == 0)
		result = kill((pid_t)number, SIGKILL);
	else if (strncmp(line, "stop", 4) == 0)
		result = kill((pid_t)number, SIGSTOP);
	else {
		(void)dprintf(fd, "%s\n", line);
		return;
	}
	(void)dprintf(fd, "%s\n", result == -1 ? strerrorname_np(errno) :
	    "done");
}

static void
serve(const struct outlive_client *client, void *arg)
{
	char	line[512];
	ssize_t	n;

	(void)arg;
	while ((n = read(client->fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		obey(client->fd, line);
	}
}

int
main(int argc, char *argv[])
{
	struct outlive_config	config;

	setproctitle_init(argc, argv, environ);
	outlive_config_init(&config);
	config.address = argv[1];
	config.strategy = argv[2];
	config.per_source = atoi(argv[3]);
	config.user = argv[4];
	config.service = serve;
	config.service_name = "hostile";
	config.announce_fd = STDOUT_FILENO;
	config.idle_min = 2;
	config.idle_max = 4;
	config.max_children = 16;
	config.bind_wait = 0;
	return outlive_serve(&config);
}
