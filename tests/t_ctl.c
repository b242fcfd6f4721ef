/* SPDX-License-Identifier: ISC */
/* outlivectl: what it shows, against /proc, and its arguments. */
#include <sys/types.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* One row of the table. */
struct row {
	unsigned int	generation;
	int		pid;
	char		state[16], client[64], since[16];
	unsigned int	served;
};

/* The row of a child; false: there is none. */
static bool
row_of(pid_t pid, struct row *row)
{
	const char	*at = answer_text();
	char		 unit[4];

	for (; at != NULL && *at != '\0'; at = strchr(at, '\n'),
	    at = at == NULL ? NULL : at + 1) {
		memset(row, 0, sizeof(*row));
		if (sscanf(at, "%u %d %15s %63s - %u\n", &row->generation,
		    &row->pid, row->state, row->client, &row->served) != 5 &&
		    sscanf(at, "%u %d %15s %63s %15s %3s %u\n",
		    &row->generation, &row->pid, row->state, row->client,
		    row->since, unit, &row->served) != 7)
			continue;
		if (row->pid == pid)
			return true;
	}
	return false;
}

static bool
row_is(pid_t pid, unsigned int generation, const char *state,
    const char *client, unsigned int served)
{
	struct row	row;

	/* Who has a client has had it for some time. */
	return row_of(pid, &row) && row.generation == generation &&
	    (client[0] == '-') == (row.since[0] == '\0') &&
	    strcmp(row.state, state) == 0 &&
	    strcmp(row.client, client) == 0 && row.served == served;
}

static int
rows(void)
{
	const char	*at = answer_text();
	int		 n = 0;

	for (; (at = strchr(at, '\n')) != NULL; at++)
		n += at[1] == ' ';
	return n;
}

/* All children of a parent are there, and as their titles say. */
static bool
as_in_proc(pid_t parent, unsigned int generation)
{
	pid_t		list[64];
	struct row	row;
	int		i, n = children_of(parent, list, 64);
	char		title[128];

	for (i = 0; i < n; i++) {
		if (!row_of(list[i], &row) || row.generation != generation)
			return false;
		if (strcmp(row.state, "busy") == 0)
			(void)snprintf(title, sizeof(title),
			    "outlived: echo for %s, generation %u",
			    row.client, generation);
		else
			(void)snprintf(title, sizeof(title),
			    "outlived: idle, generation %u", generation);
		if (!title_is(list[i], title))
			return false;
	}
	return n > 0;
}

/* Until so many are idle, by their titles. */
static void
await_idle(pid_t parent, int how_many)
{
	struct wait	wait = { .what = "idle children" };
	pid_t		list[64];
	int		i, n, idle;

	for (;; wait_a_moment(&wait)) {
		n = children_of(parent, list, 64);
		for (idle = 0, i = 0; i < n; i++)
			idle += title_is(list[i], "outlived: idle");
		if (idle == how_many)
			return;
	}
}

static void
check(int holds, const char *what)
{
	if (!ok(holds, "%s", what))
		show_answer();
}

/* An orphan of generation 1, and its client. */
struct orphan {
	pid_t	pid;
	int	client;
	char	name[64];
};

/* One generation: at work, stopped, killed. */
static struct orphan
one(void)
{
	struct server	first = server_start("-i", "2:8", PORT, "echo", NULL);
	char		name[64], line[128];
	pid_t		list[64], busy;
	struct orphan	orphan;
	int		client, next;

	client = dial(9999);
	(void)snprintf(name, sizeof(name), "127.0.0.1:%u", local_port(client));
	ok(echoes(client, "hello\n"), "a client is served");
	busy = await_server_of(first.pid, client);
	await_idle(first.pid, 2);
	ok(ctl("status", NULL) == 0, "status");
	(void)snprintf(line, sizeof(line), PORT ": parent %d, generation 1, "
	    "pass, echo\n", first.pid);
	tells("one generation", line);
	tells("its port", PORT ": 0 of 4096 connections wait to be accepted, "
	    "0 were dropped\n");
	check(rows() == 3 && as_in_proc(first.pid, 1), "as in /proc");
	check(row_is(busy, 1, "busy", name, 1), "who is served");
	tells("one generation", "children: 3, busy: 1, idle: 2, stopped: 0, "
	    "orphans: 0; clients served: 1\n");

	note("who is stopped");
	stop(busy);
	stop(first.pid);
	(void)ctl("status", NULL);
	check(row_is(busy, 1, "stopped", name, 1), "a child that is stopped");
	(void)snprintf(line, sizeof(line), "parent %d (stopped), ",
	    first.pid);
	tells("a parent that is stopped", line);
	next = dial(9999);
	(void)ctl("status", NULL);
	tells("a client that nobody accepts", ": 1 of 4096 connections wait");
	(void)close(next);
	send_signal(busy, SIGCONT);

	note("KILL");
	send_signal(first.pid, SIGKILL);
	(void)await_end(first.pid);
	await_children(0, 1, list);
	(void)ctl("status", NULL);
	tells("killed", PORT ": no parent\n" PORT ": nobody listens\n");
	check(rows() == 1 && row_is(busy, 1, "busy", name, 1), "the orphan");
	tells("killed", "children: 1, busy: 1, idle: 0, stopped: 0, orphans: "
	    "1; clients served: 1\n");

	orphan = (struct orphan){ .pid = busy, .client = client };
	(void)strlcpy(orphan.name, name, sizeof(orphan.name));
	return orphan;
}

/* The next one beside it; then one that waits after QUIT, and a third. */
static void
three(struct orphan orphan)
{
	struct server	second, waiting;
	char		other[64], line[128];
	pid_t		list[64], child;
	int		next, status;

	note("the next one");
	second = server_start("-w", "0", "-i", "1:8", PORT, "echo", NULL);
	next = dial(9999);
	(void)snprintf(other, sizeof(other), "127.0.0.1:%u", local_port(next));
	ok(echoes(next, "hello\n"), "another client is served");
	child = await_server_of(second.pid, next);
	await_idle(second.pid, 1);
	(void)ctl("-n", PORT, "status", NULL);
	check(rows() == 3 && as_in_proc(second.pid, 2) &&
	    row_is(orphan.pid, 1, "busy", orphan.name, 1) &&
	    row_is(child, 2, "busy", other, 1), "two generations");

	note("QUIT");
	send_signal(second.pid, SIGQUIT);
	await_log("the port is free");
	await_children(second.pid, 1, list);
	(void)ctl("status", NULL);
	(void)snprintf(line, sizeof(line), PORT ": no parent\nparent %d of "
	    "generation 2 waits until its children are done\n", second.pid);
	tells("one that waits", line);
	waiting = second;
	second = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	await_idle(second.pid, 1);
	(void)ctl("status", NULL);
	(void)snprintf(line, sizeof(line), PORT ": parent %d, generation 3, "
	    "pass, echo\nparent %d of generation 2 waits", second.pid,
	    waiting.pid);
	tells("beside the next", line);
	tells("beside the next", "children: 3, busy: 2, idle: 1, stopped: 0, "
	    "orphans: 1;");
	status = ctl("status", "--json", NULL);
	check(status == 0 && is_json(answer_text()), "JSON");
	(void)snprintf(line, sizeof(line), "\"parent\":%d,\"entrant\":null,\"heir\":null,"
	    "\"listens\":true,"
	    "\"waiting\":0,\"backlog\":4096,\"drops\":0", second.pid);
	tells("JSON", line);
	(void)snprintf(line, sizeof(line), "{\"pid\":%d,\"busy\":true,"
	    "\"stopped\":false,\"client\":\"%s\"", orphan.pid,
	    orphan.name);
	tells("JSON", line);
	tells("JSON", "\"children\":3,\"busy\":2,\"idle\":1,\"stopped\":0,"
	    "\"orphans\":1,\"served\":2}\n");
	(void)close(orphan.client);
	(void)close(next);
	ok(await_end(waiting.pid) == 0, "the parent that waits ends");
	send_signal(second.pid, SIGTERM);
	ok(await_end(second.pid) == 0 && harness_nobody_left(), "all end");
	(void)ctl("status", NULL);
	tells("nobody is left", PORT ": no parent\nchildren: 0,");
}

/* A client who does not wait for an answer. */
static int
dial_unanswered(void)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_port = htons(9999),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM |
				    SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)connect(fd, (struct sockaddr *)&address, sizeof(address));
	return fd;
}

/* More than may wait: the kernel counts them. */
static void
drops(void)
{
	struct server	server = server_start("-b", "1", "-i", "1:1", PORT,
			    "echo", NULL);
	struct wait	wait = { .what = "drops" };
	const char	*at;
	unsigned int	dropped = 0;
	int		one, two, three;

	await_idle(server.pid, 1);
	stop(server.pid);
	one = dial(9999);
	two = dial(9999);
	three = dial_unanswered();
	for (; dropped == 0; wait_a_moment(&wait)) {
		(void)ctl("status", NULL);
		if ((at = strstr(answer_text(), "accepted, ")) != NULL)
			dropped = (unsigned int)atoi(at + 10);
	}
	tells("-b 1, and three have come", PORT ": 2 of 1 connections wait");
	ok(dropped > 0, "and the kernel has dropped some: %u", dropped);
	(void)close(one);
	(void)close(two);
	(void)close(three);
	send_signal(server.pid, SIGCONT);
	server_end(server);
}

/* Clients of children that have left are counted, too. */
static void
buried(void)
{
	struct server	server = server_start("-r", "1", "-i", "1:1", PORT,
			    "echo", NULL);
	pid_t		busy;
	int		client = dial(9999);

	ok(echoes(client, "hello\n"), "a client of a child that serves one");
	busy = await_server_of(server.pid, client);
	(void)close(client);
	await_gone(busy);
	await_idle(server.pid, 1);
	(void)ctl("status", NULL);
	tells("it has left", "children: 1, busy: 0, idle: 1, stopped: 0, "
	    "orphans: 0; clients served: 1\n");
	server_end(server);
}

static void
watch(void)
{
	struct server	server = server_start("-i", "1:1", PORT, "echo", NULL);
	const char	*argv[] = { "./outlivectl", "status", "--watch",
			    "--json", NULL };
	char		text[1 << 14];
	size_t		len = 0;
	ssize_t		n;
	int		out[2], lines = 0;
	struct pollfd	ready;
	pid_t		pid;

	if (pipe2(out, O_CLOEXEC) == -1)
		bail("pipe");
	pid = program_start(argv, out[1]);
	(void)close(out[1]);
	ready = (struct pollfd){ .fd = out[0], .events = POLLIN };
	while (lines < 3 && poll(&ready, 1, DEADLINE * 1000) == 1 &&
	    (n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0) {
		for (; n > 0; n--)
			lines += text[len++] == '\n';
		if (lines == 1)
			send_signal(server.pid, SIGTERM);
	}
	text[len] = '\0';
	ok(lines >= 3 && is_json(text), "--watch goes on, after TERM as well");
	ok(strstr(text, "\"parent\":null") != NULL, "and sees it");
	send_signal(pid, SIGTERM);
	(void)await_end(pid);
	(void)close(out[0]);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all end");
}

static const struct {
	const char	*arguments[8];
	int		 status;
	const char	*words;
} rows_of_errors[] = {
	{ { NULL },			64, "expected status, stop or drain" },
	{ { "stat", NULL },		64, "no command 'stat': expected" },
	{ { "status", "now", NULL },	64, "'now' is too much" },
	{ { "status", "--now", NULL },	64, "--now is not an option of status" },
	{ { "stop", "--json", NULL },	64, "--json is not an option of stop" },
	{ { "drain", "--watch", NULL },	64, "--watch is not an option of" },
	{ { "drain", "--deadline", "x", NULL }, 64, "the deadline 'x' is" },
	{ { "drain", "--generation", "0", NULL }, 64, "expected 1 to" },
	{ { "drain", "--generation", "1", "--orphans", NULL }, 64,
	    "expected one of them" },
	{ { "-n", "../x", "status", NULL }, 64, "'../x' is no name" },
	{ { "-n", "nosuch", "status", NULL }, 69, "there is no instance "
	    "'nosuch', or its directory has been removed; instances here: "
	    "one, two" },
	{ { "status", NULL },		64, "several instances are alive: "
	    "expected -n with one of: one, two" },
	{ { "-S", "/nosuch", "status", NULL }, 69, "no instance here" },
	{ { "-x", "status", NULL },	64, "invalid option" },
};

static void
errors(void)
{
	struct server	one, two;
	const char	*argv[10];
	size_t		i;
	int		j, status;

	harness_new_state();
	one = server_start("-i", "1:1", "-n", "one", "127.0.0.1:0", "echo",
	    NULL);
	two = server_start("-i", "1:1", "-n", "two", "127.0.0.1:0", "echo",
	    NULL);
	for (i = 0; i < sizeof(rows_of_errors) / sizeof(rows_of_errors[0]);
	    i++) {
		argv[0] = "./outlivectl";
		for (j = 0; j < 8; j++)
			argv[j + 1] = rows_of_errors[i].arguments[j];
		argv[9] = NULL;
		log_clear();
		status = answer_of(NULL, argv);
		if (!ok(status == rows_of_errors[i].status &&
		    log_has(rows_of_errors[i].words) && log_lines() == 1 &&
		    answer_text()[0] == '\0', "exit %d: %s",
		    rows_of_errors[i].status, rows_of_errors[i].words))
			log_show();
	}
	send_signal(one.pid, SIGTERM);
	send_signal(two.pid, SIGTERM);
	ok(await_end(one.pid) == 0 && await_end(two.pid) == 0 &&
	    harness_nobody_left(), "all end");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	three(one());
	drops();
	buried();
	watch();
	errors();
	return done();
}
