/* SPDX-License-Identifier: ISC */
/*
 * More pause points (pause.c): the steps of a takeover.  The process itself stops
 * there, not a child of it.
 *
 * The new parent:
 * connecting 1	it has the door, and is about to connect to control
 * connected 1	it has, and waits for the sockets
 * received 1	it has them
 * preparing 1	it has an heir, if it is to have one
 * prepared 1	its children are ready
 * said mine 1	it has asked for the port
 * owner 1	it has it, and the door still
 *
 * The old one:
 * offering 1	somebody has come for the sockets
 * offered 1	they have been sent
 * answering 1	it has heard that the port is wanted
 * answered 1	it has answered: from now on the port is the other one's
 * let go 1	it has closed the socket and dropped the lock
 */
#include "pause.h"
#include "pool/control.h"
#include "pool/instance.h"
#include "pool/pool.h"
#include "pool/takeover.h"

int	__real_control_connect(const struct instance *);
int	__wrap_control_connect(const struct instance *);
int	__real_control_receive(int, struct control_offer *);
int	__wrap_control_receive(int, struct control_offer *);
int	__real_control_offer(int, const struct control_offer *);
int	__wrap_control_offer(int, const struct control_offer *);
int	__real_control_say(int, enum control_word, const struct pid_file *);
int	__wrap_control_say(int, enum control_word, const struct pid_file *);
int	__real_takeover_prepare(struct pool *);
int	__wrap_takeover_prepare(struct pool *);
void	__real_instance_unlock(struct instance *, enum instance_lock);
void	__wrap_instance_unlock(struct instance *, enum instance_lock);

static void
step(const char *name, int time)
{
	if (!pause_is_child())
		pause_at(name, time);
}

int
__wrap_control_connect(const struct instance *instance)
{
	static int	times;
	int		connection;

	step("connecting ", ++times);
	connection = __real_control_connect(instance);
	step("connected ", times);
	return connection;
}

int
__wrap_control_receive(int connection, struct control_offer *offer)
{
	static int	times;
	int		result = __real_control_receive(connection, offer);

	if (result == 0)
		step("received ", ++times);
	return result;
}

int
__wrap_takeover_prepare(struct pool *pool)
{
	int	result;

	step("preparing ", 1);
	result = __real_takeover_prepare(pool);
	step("prepared ", 1);
	return result;
}

int
__wrap_control_offer(int connection, const struct control_offer *offer)
{
	static int	times;
	int		result;

	step("offering ", ++times);
	result = __real_control_offer(connection, offer);
	step("offered ", times);
	return result;
}

int
__wrap_control_say(int connection, enum control_word word,
    const struct pid_file *pid_file)
{
	static int	answers;
	int		result;

	if (word == CONTROL_YOURS)
		step("answering ", ++answers);
	result = __real_control_say(connection, word, pid_file);
	if (word == CONTROL_YOURS)
		step("answered ", answers);
	else
		step("said mine ", 1);
	return result;
}

void
__wrap_instance_unlock(struct instance *instance, enum instance_lock which)
{
	static int	times;

	if (which == INSTANCE_DOOR)
		step("owner ", 1);
	__real_instance_unlock(instance, which);
	if (which == INSTANCE_OWNER)
		step("let go ", ++times);
}
