/* SPDX-License-Identifier: ISC */
/* Words near a mistyped one: see near.h. */
#include "schema/base/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { MAX_LEN = 40 };

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Letters to change, add, leave out, or exchange with a neighbour (optimal
 * string alignment). Both at most MAX_LEN long. */
static unsigned
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[3][MAX_LEN + 1];

	for (unsigned j = 0; j <= b_len; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *now = row[i % 3];
		const unsigned *one = row[(i + 2) % 3];
		const unsigned *two = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = smaller(smaller(one[j], now[j - 1]) + 1,
			    one[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				now[j] = smaller(now[j], two[j - 2] + 1);
		}
	}
	return row[a_len % 3][b_len];
}

void
near_offer(struct near *n, const char *known)
{
	size_t len = strlen(n->word), known_len = strlen(known);
	unsigned d;

	if (len > MAX_LEN || known_len > MAX_LEN)
		return;
	d = distance(n->word, len, known, known_len);
	/* A third of the letters wrong is another word. */
	if (d * 3 > (known_len > 3 ? known_len : 3))
		return;
	if (n->best == NULL || d < n->distance) {
		n->best = known;
		n->distance = d;
	}
}
