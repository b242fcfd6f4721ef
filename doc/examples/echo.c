/* SPDX-License-Identifier: ISC */
/* A whole server: echo [host:]port.  Kill it, and start it again. */
#include <outlive.h>
#include <unistd.h>

extern char	**environ;

static void
serve(const struct outlive_client *client, void *arg)
{
	char	bytes[4096];
	ssize_t	n;

	(void)arg;
	while ((n = read(client->fd, bytes, sizeof(bytes))) > 0)
		if (write(client->fd, bytes, (size_t)n) != n)
			return;
}

int
main(int argc, char *argv[])
{
	struct outlive_config	config;

	setproctitle_init(argc, argv, environ);
	outlive_config_init(&config);
	config.address = argc > 1 ? argv[1] : "9999";
	config.service = serve;
	config.service_name = "echo";
	return outlive_serve(&config);
}
