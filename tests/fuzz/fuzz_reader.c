/* SPDX-License-Identifier: ISC */
/* A file from anybody: formats, frames, IP, UDP, then the decoder. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/reader.h"
#include "collector/sift.h"
#include "schema/base/mem.h"
#include "tests/fuzz/fuzz_main.h"

/* Read all, in the hope that a sanitizer objects. */
static unsigned
touch(const struct datagram *d)
{
	unsigned sum = d->to_port;

	for (size_t i = 0; i < d->len; i++)
		sum += d->data[i];
	return sum;
}

static void
read_file(const char *path)
{
	struct sift sift = {0};
	struct sifted sifted;
	struct datagram d;
	struct reader *r;
	struct err err;
	volatile unsigned sum = 0;

	if (reader_open(&r, path, &err) != 0)
		return;
	while (reader_next(r, &d, &err) == 1) {
		sum += touch(&d);
		sift_datagram(&sift, &d, &sifted);
	}
	reader_close(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("fuzz_reader", MFD_CLOEXEC);
	char *path = xasprintf("/proc/self/fd/%d", fd);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	read_file(path);
	free(path);
	close(fd);
	return 0;
}
