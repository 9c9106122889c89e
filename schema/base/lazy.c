/* SPDX-License-Identifier: ISC */
/* Libraries loaded when they are needed: see lazy.h. */
#include "schema/base/lazy.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/log.h"

void
lazy_load(const char *file, const char *const *name, size_t n, void *functions)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; i < n; i++) {
		void *f = library != NULL ? dlsym(library, name[i]) : NULL;

		if (f == NULL) {
			log_warnx("%s", dlerror());
			exit(EXIT_FAILURE);
		}
		memcpy((char *)functions + i * sizeof f, &f, sizeof f);
	}
}
