/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <string.h>

#include "experiment.h"

const struct experiment	experiments[] = {
	{ "article", "TIME_WAIT refuses a restart, and SO_REUSEADDR allows it",
	    "the article, figures 1 to 10 (doc/article.md)", 65, 2,
	    exp_article },
	{ "unp", "A server is started again while its child goes on",
	    "UNP volume 1, 7.5, on SO_REUSEADDR", 3, 3, exp_unp },
	{ "book-servers", "Idle children of a killed parent keep its port",
	    "UNP volume 1, 30.5 to 30.9 (doc/unp.md)", 3, 3, exp_book },
	{ "bind", "SO_REUSEADDR lets a server bind beside what is left, if "
	    "both have it", "UNP 7.5, socket(7), "
	    "stackoverflow.com/q/14388706", 2, 2, exp_bind },
	{ "addresses", "Which addresses may share a port is not the same on "
	    "Linux and BSD", "UNP 7.5, socket(7), "
	    "stackoverflow.com/q/14388706", 1, 1, exp_addresses },
	{ "advice", "Four cures of TIME_WAIT fail; SO_REUSEADDR on both "
	    "sockets works", "answers on the web; socket(7), tcp(7)", 65, 3,
	    exp_advice },
	{ "time-wait", "The end that closes first is in TIME_WAIT, for 60 s",
	    "RFC 9293, RFC 1122, UNP 2.7 and 7.5, tcp(7)", 64, 4,
	    exp_time_wait },
	{ "fin-wait2", "No sysctl ends CLOSE_WAIT, and one ends FIN_WAIT2 "
	    "once nobody has it", "RFC 9293 3.6, tcp(7)", 3, 3, exp_fin_wait2 },
	{ "linger", "SO_LINGER {1, 0} spares TIME_WAIT, and may lose data",
	    "UNP 7.5, socket(7)", 2, 2, exp_linger },
	{ "unaccepted", "Queued clients end with the listening socket, not with "
	    "its owner", "UNP 4.5 and 15.7, tcp(7), ip(7), unix(7)", 5, 5,
	    exp_unaccepted },
	{ "starvation", "With a SO_REUSEPORT listener per child some clients "
	    "wait for ever", "socket(7); UNP 30.6 has one listener for all",
	    3, 3, exp_starvation },
	{ "first-write", "The first write after the peer's close succeeds, the "
	    "second fails", "UNP 5.12 and 5.13", 2, 2, exp_first_write },
	{ "fork-close", "close() sends FIN when it is the last; shutdown() "
	    "sends it at once", "UNP 4.8 and 6.6", 2, 2, exp_fork_close },
	{ "server-port", "Accepted sockets have the port of the listening one",
	    "UNP 2.10 and 4.8", 2, 2, exp_server_port },
	{ "self-connect", "A client of a server that is down may connect to "
	    "itself", "RFC 9293, 3.5 (simultaneous open)", 2, 2,
	    exp_self_connect },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

const struct experiment *
experiment_find(const char *name)
{
	const struct experiment	*experiment;

	for (experiment = experiments; experiment->name != NULL; experiment++)
		if (strcmp(experiment->name, name) == 0)
			return experiment;
	return NULL;
}
