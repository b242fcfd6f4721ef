/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
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

/* One that only root can give another meaning. */
static bool
is_fixed(const char *name, bool last, bool *sticky)
{
	struct stat	st;

	if (lstat(name, &st) == -1)
		return last && !*sticky && errno == ENOENT;
	if (st.st_uid != 0 || (last ? !S_ISREG(st.st_mode) ||
	    st.st_nlink > 1 : !S_ISDIR(st.st_mode)))
		return false;
	/* As /tmp: what is root's in there stays where it is. */
	*sticky = (st.st_mode & 022) != 0;
	return last || !*sticky || (st.st_mode & S_ISVTX) != 0;
}

bool
path_is_roots(const char *name)
{
	char	part[PATH_MAX];
	size_t	len = 0;
	bool	sticky = false, last;

	if (*name != '/' || strlen(name) >= sizeof(part))
		return false;
	do {
		len += strspn(name + len, "/");
		/* "/" itself, first. */
		if (len == strspn(name, "/") && !is_fixed("/", false, &sticky))
			return false;
		len += strcspn(name + len, "/");
		last = name[len + strspn(name + len, "/")] == '\0';
		(void)memcpy(part, name, len);
		part[len] = '\0';
		if (!is_fixed(part, last, &sticky))
			return false;
	} while (!last);
	return true;
}
