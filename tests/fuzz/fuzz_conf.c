/* SPDX-License-Identifier: ISC */
/* A configuration file of whoever: what is read is printed, and what is printed
 * is read as the same. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "tests/fuzz/fuzz_main.h"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
open_text(const void *text, size_t len, struct conf **out)
{
	int fd = memfd_create("fuzz_conf", MFD_CLOEXEC);
	char *path = xasprintf("/proc/self/fd/%d", fd);
	const struct conf_options o = {.file = path};
	struct err err = {0};
	bool ok;

	must(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	ok = conf_open(out, &o, &err) == 0;
	must(ok || (err.text[0] != '\0' && strchr(err.text, '\n') == NULL));
	close(fd);
	free(path);
	return ok;
}

/* free() it. */
static char *
print(const struct conf *c, bool explain)
{
	struct buf text;

	buf_init(&text, 64 << 20);
	conf_print(c, explain, &text);
	must(!text.overflow);
	return text.data;
}

static void
check_again(const char *text, const char *want)
{
	struct conf *c;
	char *again;

	must(open_text(text, strlen(text), &c));
	again = print(c, false);
	must(strcmp(again, want) == 0);
	free(again);
	conf_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *printed, *explained;
	struct conf *c;

	/* Which files there are is not ours to try out. */
	if (memmem(data, len, "include", 7) != NULL ||
	    !open_text(data, len, &c))
		return 0;
	printed = print(c, false);
	explained = print(c, true);
	conf_free(c);
	check_again(printed, printed);
	check_again(explained, printed);
	free(printed);
	free(explained);
	return 0;
}
