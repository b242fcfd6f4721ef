/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sysctl.h"

int
sysctl_text(const char *name, char *text, size_t size)
{
	char	path[128];
	int	fd;
	ssize_t	n;

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	text[0] = '\0';
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, text, size - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return n > 0 ? 0 : -1;
}

int
sysctl_number(const char *name, int otherwise)
{
	char	text[64];
	int	value;

	if (sysctl_text(name, text, sizeof(text)) == -1 ||
	    sscanf(text, "%d", &value) != 1)
		return otherwise;
	return value;
}

int
sysctl_ports(unsigned int *low, unsigned int *high)
{
	char	text[64];

	if (sysctl_text("net/ipv4/ip_local_port_range", text,
	    sizeof(text)) == -1 || sscanf(text, "%u %u", low, high) != 2 ||
	    *low > *high || *high > 65535)
		return -1;
	return 0;
}
