/* SPDX-License-Identifier: ISC */
/* How much of each pixel is covered, against areas known beforehand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/raster.h"
#include "schema/base/attr.h"

enum { SIDE = 12 };

struct cover {
	double of[SIDE][SIDE];
	double sum;
	size_t n;
};

static void
keep(void *arg, int x, int y, double cover)
{
	struct cover *c = arg;

	assert_true(x >= 0 && x < SIDE && y >= 0 && y < SIDE);
	assert_true(cover > 0 && cover <= 1);
	c->of[y][x] = cover;
	c->sum += cover;
	c->n++;
}

static void
check(double got, double want)
{
	if (fabs(got - want) > 1e-4)
		fail_msg("%f, not %f", got, want);
}

static void
areas_are_exact(void **state)
{
	static const struct {
		size_t n;
		struct point p[4];
		double area;
		size_t pixels;
	} cases[] = {
	    {4, {{2, 3}, {5, 3}, {5, 5}, {2, 5}}, 6, 6},
	    {4, {{2, 5}, {5, 5}, {5, 3}, {2, 3}}, 6, 6}, /* other way round */
	    {4, {{2.5, 3.25}, {5, 3.25}, {5, 5}, {2.5, 5}}, 2.5 * 1.75, 6},
	    {3, {{0, 0}, {10, 0}, {0, 10}}, 50, 55},
	    {3, {{1, 1}, {9, 2}, {3, 8}}, 27, 0},
	    /* outside on every side */
	    {4, {{-5, -5}, {30, -5}, {30, 30}, {-5, 30}}, SIDE * SIDE, 144},
	    {3, {{-6, 0}, {6, 0}, {-6, 12}}, 18, 0},
	    {3, {{18, 0}, {18, 12}, {6, 0}}, 18, 0},
	    {4, {{20, 1}, {30, 1}, {30, 5}, {20, 5}}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct raster *r = raster_new(SIDE, SIDE);
		struct cover c = {0}, again = {0};

		raster_area(r, cases[i].p, cases[i].n);
		raster_flush(r, keep, &c);
		check(c.sum, cases[i].area);
		if (cases[i].pixels > 0)
			assert_int_equal(c.n, cases[i].pixels);
		raster_flush(r, keep, &again); /* forgotten */
		assert_int_equal(again.n, 0);
		raster_free(r);
	}
}

static void
a_slope_covers_half_of_its_pixels(void **state)
{
	static const struct point triangle[] = {{0, 0}, {10, 0}, {0, 10}};
	struct raster *r = raster_new(SIDE, SIDE);
	struct cover c = {0};

	(void)state;
	raster_area(r, triangle, 3);
	raster_flush(r, keep, &c);
	for (int i = 0; i < 10; i++)
		check(c.of[i][9 - i], 0.5);
	check(c.of[3][3], 1);
	check(c.of[9][9], 0);
	raster_free(r);
}

static void
lines_have_their_width_and_corners(void **state)
{
	static const struct point corner[] = {{2, 2}, {8, 2}, {8, 8}};
	static const struct point level[] = {{2, 5.5}, {8, 5.5}};
	struct raster *r = raster_new(SIDE, SIDE);
	struct cover c = {0};

	(void)state;
	raster_line(r, corner, 3, 2, 0);
	raster_flush(r, keep, &c);
	/* Square ends; the corner is filled, and covered once. */
	check(c.sum, 8 * 2 + 6 * 2);
	check(c.of[1][8], 1);
	memset(&c, 0, sizeof c);
	raster_line(r, level, 2, 1.5, 0);
	raster_flush(r, keep, &c);
	check(c.of[5][4], 1);
	check(c.of[4][4], 0.25);
	check(c.of[6][4], 0.25);
	raster_free(r);
}

static void
dashes_are_as_long_as_their_gaps(void **state)
{
	/* The pattern goes on around the corner. */
	static const struct point p[] = {{1, 1.5}, {9.5, 1.5}, {9.5, 9}};
	struct raster *r = raster_new(SIDE, SIDE);
	struct cover c = {0};

	(void)state;
	raster_line(r, p, 3, 0.5, 3);
	raster_flush(r, keep, &c);
	check(c.of[1][2], 0.5); /* 0 to 3 */
	check(c.of[1][5], 0);   /* 3 to 6 */
	check(c.of[1][8], 0.5); /* 6 to 8.5, too short a rest is left out */
	check(c.of[4][9], 0);   /* 9 to 12 is a gap from y 2 to 5 */
	check(c.of[6][9], 0.5);
	raster_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(areas_are_exact),
	    cmocka_unit_test(a_slope_covers_half_of_its_pixels),
	    cmocka_unit_test(lines_have_their_width_and_corners),
	    cmocka_unit_test(dashes_are_as_long_as_their_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
