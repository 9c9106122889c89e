/* SPDX-License-Identifier: ISC */
/* Themes, and which key has which colour: see palette.h. */
#include "report/palette.h"

#include <string.h>

#include "schema/base/attr.h"

static const struct color keys[PALETTE_KEYS] = {
    {0x44, 0x77, 0xAA},
    {0xEE, 0x66, 0x77},
    {0x22, 0x88, 0x33},
    {0xCC, 0xBB, 0x44},
    {0x66, 0xCC, 0xEE},
    {0xAA, 0x33, 0x77},
    {0xEE, 0x77, 0x33},
    {0x00, 0x99, 0x88},
};

static const struct theme themes[] = {
    {
	.name = "light",
	.page = {0xFF, 0xFF, 0xFF},
	.panel = {0xF6, 0xF7, 0xF9},
	.line = {0xE3, 0xE6, 0xEA},
	.text = {0x1B, 0x1F, 0x24},
	.quiet = {0x5B, 0x64, 0x70},
	.accent = {0x2F, 0x6D, 0xB5},
	.warn = {0xB7, 0x79, 0x1F},
	.bad = {0xC0, 0x39, 0x2B},
	.others = {0xBB, 0xBB, 0xBB},
    },
    {
	.name = "dark",
	.page = {0x14, 0x17, 0x1B},
	.panel = {0x1C, 0x20, 0x26},
	.line = {0x2C, 0x32, 0x3A},
	.text = {0xE6, 0xE9, 0xED},
	.quiet = {0x98, 0xA2, 0xAE},
	.accent = {0x6C, 0xA8, 0xE8},
	.warn = {0xE0, 0xA9, 0x4A},
	.bad = {0xE5, 0x73, 0x67},
	.others = {0x5A, 0x60, 0x68},
    },
};

const struct theme *
theme_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(themes); i++)
		if (strcmp(themes[i].name, name) == 0)
			return &themes[i];
	return NULL;
}

struct color
color_mix(struct color a, struct color b, double share)
{
	return (struct color){
	    .r = (uint8_t)(b.r + (a.r - b.r) * share + 0.5),
	    .g = (uint8_t)(b.g + (a.g - b.g) * share + 0.5),
	    .b = (uint8_t)(b.b + (a.b - b.b) * share + 0.5),
	};
}

/* Relative luminance, about: WCAG 2.1, with a gamma of 2. */
static double
luminance(struct color c)
{
	return 0.2126 * c.r * c.r + 0.7152 * c.g * c.g + 0.0722 * c.b * c.b;
}

static double
contrast(struct color a, struct color b)
{
	double la = luminance(a) + 0.05 * 255 * 255;
	double lb = luminance(b) + 0.05 * 255 * 255;

	return la > lb ? la / lb : lb / la;
}

struct color
color_readable(struct color on, struct color a, struct color b)
{
	return contrast(on, a) >= contrast(on, b) ? a : b;
}

/* FNV-1a (Fowler, Noll, Vo; public domain). */
static uint64_t
add_to_hash(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return (h ^ '=') * UINT64_C(0x100000001b3);
}

/* The low bits of short texts that differ in one digit must differ. */
uint64_t
palette_hash(const char *names, const char *values)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = add_to_hash(add_to_hash(h, names), values);
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

struct color
palette_single(bool other_way)
{
	return keys[other_way ? 2 : 0];
}

/* Round r of the palette: the same hues, nearer to the page. */
static struct color
tint(const struct theme *theme, size_t slot, size_t round)
{
	double share = 1;

	for (; round > 0; round--)
		share *= 0.6;
	return color_mix(keys[slot], theme->page, share);
}

void
palette_assign(const struct theme *theme, const uint64_t *hash, size_t n,
    struct color *out)
{
	bool taken[PALETTE_KEYS];

	for (size_t i = 0; i < n; i++) {
		size_t slot = hash[i] % PALETTE_KEYS;

		if (i % PALETTE_KEYS == 0)
			memset(taken, 0, sizeof taken);
		while (taken[slot])
			slot = (slot + 1) % PALETTE_KEYS;
		taken[slot] = true;
		out[i] = tint(theme, slot, i / PALETTE_KEYS);
	}
}
