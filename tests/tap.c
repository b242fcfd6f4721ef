/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

static int	checks, failures;

void
anew(void)
{
	checks = failures = 0;
}

/* Each line leaves at once: a forked child must find nothing to repeat. */
static void __attribute__((__format__(printf, 2, 0)))
line(const char *before, const char *fmt, va_list ap)
{
	(void)fputs(before, stdout);
	(void)vprintf(fmt, ap);
	(void)putchar('\n');
	(void)fflush(stdout);
}

int
ok(int holds, const char *fmt, ...)
{
	char	before[32];
	va_list	ap;

	checks++;
	failures += !holds;
	(void)snprintf(before, sizeof(before), "%sok %d - ",
	    holds ? "" : "not ", checks);
	va_start(ap, fmt);
	line(before, fmt, ap);
	va_end(ap);
	return holds;
}

void
note(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	line("# ", fmt, ap);
	va_end(ap);
}

void
skip(const char *what, const char *why)
{
	(void)printf("ok %d - %s # SKIP %s\n", ++checks, what, why);
	(void)fflush(stdout);
}

void
skip_all(const char *why)
{
	(void)printf("1..0 # SKIP %s\n", why);
	exit(0);
}

void
bail(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	line("Bail out! ", fmt, ap);
	va_end(ap);
	exit(1);
}

int
done(void)
{
	(void)printf("1..%d\n", checks);
	return failures != 0;
}
