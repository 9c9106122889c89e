/* SPDX-License-Identifier: ISC */
/* A seed that strangers do not know: see hash.h. */
#include "schema/base/hash.h"

#include <sys/random.h>
#include <unistd.h>

#include "schema/base/clock.h"

uint64_t
hash_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
		seed = (uint64_t)clock_now_ms() << 20 ^ (uint64_t)getpid();
	return hash_mix(seed);
}
