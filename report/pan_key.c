/* SPDX-License-Identifier: ISC */
/* Keys and their files: see pan_key.h. */
#include "report/pan_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

int
pan_key_make(uint8_t key[PAN_KEY_LEN], struct err *err)
{
	/* Up to 256 bytes come whole, and no signal interrupts them. */
	if (getrandom(key, PAN_KEY_LEN, 0) != PAN_KEY_LEN)
		return err_sys(err, "getrandom");
	return 0;
}

int
pan_key_read(uint8_t key[PAN_KEY_LEN], const char *path, struct err *err)
{
	uint8_t more;
	FILE *f = fopen(path, "rbe");
	int rc = 0;

	if (f == NULL)
		return err_sys(err, "%s", path);
	setbuf(f, NULL); /* no copy of it is left behind */
	if (fread(key, PAN_KEY_LEN, 1, f) != 1 || fread(&more, 1, 1, f) != 0)
		rc = ferror(f) ? err_sys(err, "%s", path)
			       : err_set(err, ERR_USAGE,
				     "%s: no key: want exactly %d bytes, as "
				     "--new-key makes them",
				     path, PAN_KEY_LEN);
	fclose(f);
	return rc;
}

int
pan_key_write(const uint8_t key[PAN_KEY_LEN], const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_USAGE,
		    "%s is there already: --key uses it, --new-key makes "
		    "another file",
		    path);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (write(fd, key, PAN_KEY_LEN) != PAN_KEY_LEN || fsync(fd) != 0)
		rc = err_sys(err, "%s", path);
	if (close(fd) != 0 && rc == 0)
		rc = err_sys(err, "%s", path);
	if (rc != 0)
		(void)unlink(path);
	return rc;
}
