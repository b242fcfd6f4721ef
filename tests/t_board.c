/* SPDX-License-Identifier: ISC */
/* The board: what children write and the parent counts. */
#include <sys/wait.h>

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "pool/board.h"

/* A look in which nothing happens. */
static bool
look(struct board *board)
{
	board_look(board);
	return board_looked(board);
}

/* So many changes, one up and one down in turn; how many wake the parent. */
static int
to_and_fro(struct board *board, int n)
{
	int	i, wakes = 0;

	for (i = 0; i < n; i++)
		wakes += i % 2 == 0 ? board_busy(board, 2, "a", -1) :
		    board_idle(board, 2, 1);
	return wakes;
}

/* While a child writes down whom it serves, the parent looks. */
size_t	__real_strlcpy(char *, const char *, size_t);
size_t	__wrap_strlcpy(char *, const char *, size_t);

static struct board	*looked_at;

size_t
__wrap_strlcpy(char *to, const char *from, size_t size)
{
	if (looked_at != NULL)
		(void)look(looked_at);
	return __real_strlcpy(to, from, size);
}

static void
changes(struct board *board)
{
	int	i, wakes = 0;

	board_born(board, 2, NULL);
	(void)look(board);
	ok(!board_ask(board, 3, 2), "three fewer or two more are to be told");
	ok(to_and_fro(board, 100) == 0 && board_change(board) == 0,
	    "a hundred clients that come and go are not");
	for (i = 0; i < 5; i++)
		wakes += board_busy(board, 2, "a", -1);
	ok(wakes == 3 && board_change(board) == -5,
	    "the third of five that stay wakes the parent, and so do those "
	    "after it");
	for (i = wakes = 0; i < 8; i++)
		wakes += board_idle(board, 2, 1);
	ok(wakes == 2 + 2 && board_change(board) == 3,
	    "there are still three fewer, then two more: %d wake it", wakes);
	ok(board_ask(board, 9, 3) && !board_ask(board, 9, 4),
	    "what has changed before it asked counts");
	ok(!board_busy(board, 2, "a", 0) && board_change(board) == 3,
	    "where the parent knows, it is no change");
	board_discount(board, 2);
	ok(!board_idle(board, 2, 1) && board_change(board) == 3,
	    "nor is it with a child on whom nobody counts");
	ok(board_busy(board, 2, "a", 0) && board_busy(board, 2, "a", -1) &&
	    board_change(board) == 3, "but of a client that it takes the "
	    "parent hears");
	(void)board_idle(board, 2, 1);
	board_born(board, 2, NULL);
	(void)board_idle(board, 2, 1);
	ok(board_change(board) == 4, "but with the next one in its slot");
}

static void
looks(struct board *board)
{
	board_look(board);
	ok(!board_busy(board, 2, "a", -1) && !board_idle(board, 2, 1) &&
	    !board_looked(board),
	    "changes while it walks: it walks again, though they cancel out");
	ok(board_change(board) == 0, "and they are no change since then");
	board_look(board);
	ok(board_looked(board), "the next walk is true");
	(void)board_ask(board, BOARD_NEVER, BOARD_NEVER);
	looked_at = board;
	ok(board_busy(board, 2, "a", -1) && board_change(board) == 0,
	    "who was about to change when it walked wakes it");
	looked_at = NULL;
	(void)board_busy(board, 2, "a", -1);
	ok(board_change(board) == -1 && look(board) &&
	    board_change(board) == 0, "each walk begins at zero");
}

int
main(void)
{
	struct board		*board;
	struct board_word	 word;
	int			 i, status;
	pid_t			 child;

	harness_begin();
	board = board_open(3);
	if (!ok(board != NULL && board_size(board) == 3, "a board for three"))
		return done();
	ok(board_word(board, 2).state == SLOT_FREE, "slots are free at first");

	board_born(board, 1, NULL);
	ok(look(board), "nothing has changed while the parent looked");
	(void)board_ask(board, BOARD_NEVER, BOARD_NEVER);
	if ((child = fork()) == 0) {
		for (i = 0; i < 5; i++) {
			(void)board_busy(board, 1, "127.0.0.1:40312", -1);
			(void)board_idle(board, 1, 1);
		}
		_exit(board_busy(board, 1, "[::1]:5", -1));
	}
	status = await_end(child);
	word = board_word(board, 1);
	ok(word.state == SLOT_BUSY && word.taken == 6,
	    "what a child says, its parent sees: %u taken", word.taken);
	ok(strcmp(board_client(board, 1), "[::1]:5") == 0, "for whom");
	ok(status == 0, "nobody asked to be woken");
	word = board_word(board, 0);
	ok(word.state == SLOT_FREE && word.taken == 0, "others are as before");
	board_free(board, 1);
	ok(board_word(board, 1).taken == 0, "the next child begins at zero");

	board_born(board, 0, "127.0.0.1:40313");
	word = board_word(board, 0);
	ok(word.state == SLOT_BUSY && word.taken == 1 &&
	    strcmp(board_client(board, 0), "127.0.0.1:40313") == 0,
	    "a child that is born with its client is busy with it");
	board_free(board, 0);

	changes(board);
	looks(board);
	board_close(board);
	return done();
}
