/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path.h"

char *
path_absolute(const char *name)
{
	char	*here, *both = NULL;

	if (*name == '/')
		return strdup(name);
	if ((here = get_current_dir_name()) == NULL)
		return NULL;
	if (asprintf(&both, "%s/%s", strcmp(here, "/") == 0 ? "" : here,
	    name) == -1)
		both = NULL;
	free(here);
	return both;
}
