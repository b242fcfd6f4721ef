/* SPDX-License-Identifier: ISC */
/* The article's ten figures, in its order; and what it leaves out. */
#include <netinet/tcp.h>
#include <signal.h>

#include "experiment.h"

#define SERVER1	"127.0.0.1:9999"
#define CLIENT	"127.0.0.1:40000"

/* The kernel chooses the even one for connect(), and the odd one for a socket
   that is not bound. */
static void
choose_ports(struct stage *stage, const char *two)
{
	stage_set(stage, "net/ipv4/ip_local_port_range", two);
}

static bool
time_wait_is_over(void)
{
	struct sockets	sockets;
	bool		over = true;
	size_t		i;

	if (sockets_read(&sockets) == 0)
		for (i = 0; i < sockets.table.n; i++)
			over = over &&
			    sockets.table.sockets[i].state != TCP_TIME_WAIT;
	sockets_free(&sockets);
	return over;
}

/* Figures 1 to 5: a connection whose server end is in TIME_WAIT. */
static void
until_time_wait(struct stage *stage)
{
	struct actor	*server1, *server2;

	stage_step(stage, "Figure 1. server1 listens on port 9999; server2 "
	    "connects to it, and listens on port 8888.");
	choose_ports(stage, "40000 40001");
	server1 = stage_start(stage, "server1", NULL);
	(void)stage_expect_says(stage, server1, "waiting for clients");
	server2 = stage_start(stage, "server2", NULL);
	(void)stage_expect_says(stage, server2, "connected");
	(void)stage_expect_state(stage, SERVER1, NULL, TCP_LISTEN);
	(void)stage_expect_state(stage, "127.0.0.1:8888", NULL, TCP_LISTEN);
	(void)stage_expect_state(stage, SERVER1, CLIENT, TCP_ESTABLISHED);
	(void)stage_expect_state(stage, CLIENT, SERVER1, TCP_ESTABLISHED);

	stage_step(stage, "Figures 2 and 3. Ctrl-C on server1: its kernel "
	    "sends FIN for it, and half of the connection is closed.");
	stage_signal(stage, server1, SIGINT);
	(void)stage_expect_killed(stage, server1, SIGINT);
	(void)stage_expect_state(stage, SERVER1, NULL, 0);
	(void)stage_expect_state(stage, SERVER1, CLIENT, TCP_FIN_WAIT2);
	(void)stage_expect_state(stage, CLIENT, SERVER1, TCP_CLOSE_WAIT);

	stage_step(stage, "Figures 4 and 5. Ctrl-C on server2: the other half "
	    "is closed, and the end that closed first is in TIME_WAIT.");
	stage_signal(stage, server2, SIGINT);
	(void)stage_expect_killed(stage, server2, SIGINT);
	(void)stage_expect_state(stage, SERVER1, CLIENT, TCP_TIME_WAIT);
	(void)stage_expect_state(stage, CLIENT, SERVER1, 0);
}

/* Figures 6 to 9: what a restart does then. */
static bool
restart_without(struct stage *stage)
{
	struct actor	*lost, *again, *client;
	bool		 over;

	stage_step(stage, "Figure 6. server1 is started again, and does not "
	    "look at the result of bind(); then server2.");
	choose_ports(stage, "40002 40003");
	lost = stage_start(stage, "server1", "--ignore-bind-error", NULL);
	(void)stage_expect_says(stage, lost, "waiting for clients");
	client = stage_start(stage, "server2", NULL);
	(void)stage_expect_says(stage, client,
	    "connect error: Connection refused");
	(void)stage_expect_exit(stage, client, 1);
	(void)stage_expect_state(stage, SERVER1, NULL, 0);
	stage_note(stage, "The article says that server1 does not listen. It "
	    "does: listen() binds a socket that is not bound to a port that "
	    "the kernel chooses.");
	(void)stage_expect_state(stage, "0.0.0.0:40003", NULL, TCP_LISTEN);

	stage_step(stage, "Figure 9. server1 prints the error of bind().");
	again = stage_start(stage, "server1", NULL);
	(void)stage_expect_says(stage, again,
	    "bind error: Address already in use");
	(void)stage_expect_exit(stage, again, 1);

	stage_step(stage, "Not in the article: SO_REUSEADDR now is too late. "
	    "Linux wants it on the old socket, too; BSD looks at the new one "
	    "only.");
	again = stage_start(stage, "server1", "--reuseaddr", NULL);
	(void)stage_expect_says(stage, again,
	    "bind error: Address already in use");
	(void)stage_expect_exit(stage, again, 1);

	stage_step(stage, "Figures 7 and 8. Some time later TIME_WAIT is over, "
	    "and server1 does still not listen on port 9999.");
	over = stage_wait(stage, 60, "TIME_WAIT ends", time_wait_is_over);
	if (over)
		(void)stage_expect_state(stage, SERVER1, CLIENT, 0);
	(void)stage_expect_alive(stage, lost);
	(void)stage_expect_state(stage, SERVER1, NULL, 0);
	stage_signal(stage, lost, SIGINT);
	(void)stage_expect_killed(stage, lost, SIGINT);
	return over;
}

/* Figure 10: on a port where nothing is left of the rest. */
static void
restart_with(struct stage *stage, const char *port, const char *address)
{
	const char	*old = "127.0.0.1:40004";
	struct actor	*server1, *server2;

	stage_step(stage, "Figure 10. All of it again, with SO_REUSEADDR from "
	    "the first start on.");
	choose_ports(stage, "40004 40005");
	server1 = stage_start(stage, "server1", "--reuseaddr", port, NULL);
	(void)stage_expect_says(stage, server1, "waiting for clients");
	server2 = stage_start(stage, "server2", "--reuseaddr", "8888", port,
	    NULL);
	(void)stage_expect_says(stage, server2, "connected");
	(void)stage_expect_state(stage, address, old, TCP_ESTABLISHED);

	stage_step(stage, "Ctrl-C on server1, and then on server2.");
	stage_signal(stage, server1, SIGINT);
	(void)stage_expect_killed(stage, server1, SIGINT);
	(void)stage_expect_state(stage, address, old, TCP_FIN_WAIT2);
	stage_signal(stage, server2, SIGINT);
	(void)stage_expect_killed(stage, server2, SIGINT);
	(void)stage_expect_state(stage, address, old, TCP_TIME_WAIT);

	stage_step(stage, "Not in the article: a restart that does not set it "
	    "is refused, also on BSD.");
	server1 = stage_start(stage, "server1", port, NULL);
	(void)stage_expect_says(stage, server1,
	    "bind error: Address already in use");
	(void)stage_expect_exit(stage, server1, 1);

	stage_step(stage, "Figure 10. server1 is started again at once, beside "
	    "TIME_WAIT, and serves.");
	choose_ports(stage, "40006 40007");
	server1 = stage_start(stage, "server1", "--reuseaddr", port, NULL);
	(void)stage_expect_says(stage, server1, "waiting for clients");
	(void)stage_expect_state(stage, address, NULL, TCP_LISTEN);
	(void)stage_expect_state(stage, address, old, TCP_TIME_WAIT);
	server2 = stage_start(stage, "server2", "--reuseaddr", "8888", port,
	    NULL);
	(void)stage_expect_says(stage, server2, "connected");
	(void)stage_expect_state(stage, address, "127.0.0.1:40006",
	    TCP_ESTABLISHED);
}

void
exp_article(struct stage *stage)
{
	until_time_wait(stage);
	if (restart_without(stage)) {
		restart_with(stage, "9999", SERVER1);
	} else {
		stage_note(stage, "On port 9998 from here on: the end of the "
		    "connection on 9999 is in TIME_WAIT still.");
		restart_with(stage, "9998", "127.0.0.1:9998");
	}
}
