/* SPDX-License-Identifier: ISC */
/* Giving up root for good: see privilege.h. */
#include "collector/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

int
privilege_drop(const char *user, struct err *err)
{
	struct passwd entry, *found = NULL;
	char room[4096];

	errno = getpwnam_r(user, &entry, room, sizeof room, &found);
	if (found == NULL)
		return err_set(
		    err, ERR_USAGE, "user %s: there is no such user", user);
	if (entry.pw_uid == geteuid())
		return 0;
	if (initgroups(user, entry.pw_gid) != 0 ||
	    setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) != 0 ||
	    setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid) != 0)
		return err_sys(err, "cannot become user %s", user);
	/* A setuid that can be taken back would be worse than none. */
	if (entry.pw_uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		return err_set(
		    err, ERR_SYSTEM, "user %s can become root again", user);
	return 0;
}
