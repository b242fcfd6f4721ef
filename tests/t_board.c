/* SPDX-License-Identifier: ISC */
/* The board: what children write and the parent counts. */
#include <sys/wait.h>

#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "pool/board.h"

int
main(void)
{
	struct board		*board;
	struct board_word	 word;
	int			 i, status, wakes = 0;
	pid_t			 child;

	harness_begin();
	board = board_open(3);
	if (!ok(board != NULL && board_size(board) == 3, "a board for three"))
		return done();
	ok(board_word(board, 2).state == SLOT_FREE, "slots are free at first");

	board_born(board, 1, NULL);
	board_look(board);
	if ((child = fork()) == 0) {
		for (i = 0; i < 5; i++) {
			(void)board_busy(board, 1, "127.0.0.1:40312");
			(void)board_idle(board, 1);
		}
		_exit(board_busy(board, 1, "[::1]:5"));
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

	/* Asked for the third change: exactly one child wakes the parent. */
	board_look(board);
	ok(!board_ask(board, 3), "three changes are to come");
	for (i = 0; i < 8; i++)
		wakes += i % 2 == 0 ? board_busy(board, 2, "a") :
		    board_idle(board, 2);
	ok(wakes == 6, "the third of eight changes wakes the parent, and "
	    "those after it");

	/* Those that happen while the parent walks count too. */
	board_look(board);
	(void)board_busy(board, 2, "a");
	(void)board_idle(board, 2);
	ok(board_ask(board, 2), "two have happened: do not sleep");
	board_look(board);
	(void)board_busy(board, 2, "a");
	ok(!board_ask(board, 2), "one of two has happened: sleep");
	ok(board_idle(board, 2), "and the next one wakes");
	board_close(board);
	return done();
}
