/* SPDX-License-Identifier: ISC */
/*
 * For libFuzzer: any bytes as a datagram of the kernel's (make fuzz).  The
 * first seeds are recordings of Linux 6.18: one datagram of the dump of port
 * 5000, sequence number 1, with INET_DIAG_INFO.
 */
#include <stddef.h>
#include <stdint.h>

#include "net/sockdiag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sockdiag_table	table = { 0 };

	(void)sockdiag_parse(bytes, n, 1, &table);
	sockdiag_free(&table);
	return 0;
}
