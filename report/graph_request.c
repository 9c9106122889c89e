/* SPDX-License-Identifier: ISC */
/* Words of graphs, and what is made of them: see graph_request.h. */
#include "report/graph_request.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/heat.h"
#include "report/months.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

enum {
	DEFAULT_TOP = 8,
	BILLING_MS = 300 * MS_PER_S, /* what providers sample by */
	HEATMAP_MS = 3600 * MS_PER_S,
	TEXT_MAX = 70000,
	MAX_DETAIL = 100000,
	PIXELS_A_BIN = 2, /* when the size is chosen */
};

static const char *const kinds[] = {
    [GRAPH_HEATMAP] = "heatmap", [GRAPH_BILLING] = "billing"};

/* ---- words ---- */

static bool
find_load(struct graph_request *g, const char *name)
{
	for (size_t i = 0; i < N_LOADS; i++)
		if (strcmp(load_infos[i].name, name) == 0) {
			g->load = (enum load)i;
			return true;
		}
	return false;
}

int
graph_set_kind(void *arg, const char *word, struct err *err)
{
	struct graph_request *g = arg;
	bool known = find_load(g, word);

	for (size_t i = 0; i < ARRAY_LEN(kinds) && !known; i++)
		if (kinds[i] != NULL && strcmp(kinds[i], word) == 0) {
			g->kind = (enum graph_kind)i;
			known = true;
		}
	if (!known)
		return err_set(err, ERR_USAGE,
		    "unknown graph \"%.60s\": graphs are bps, pps, fps, "
		    "active, heatmap and billing",
		    word);
	if (g->has_kind)
		return err_set(
		    err, ERR_USAGE, "\"%.60s\": one graph at a time", word);
	g->has_kind = true;
	return 0;
}

static int
set_measure(void *arg, const char *value, struct err *err)
{
	if (find_load(arg, value))
		return 0;
	return err_set(
	    err, ERR_USAGE, "measure=%.60s: bps, pps, fps or active", value);
}

/* "300", "300s", "5m", "500ms": milliseconds; a day has 24 hours. */
static bool
parse_ms(const char *text, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", MS_PER_S}, {"ms", 1}, {"s", MS_PER_S},
	    {"m", 60 * MS_PER_S}, {"h", 3600 * MS_PER_S}, {"d", MS_PER_DAY},
	    {"w", INT64_C(7) * MS_PER_DAY}};
	uint64_t n = 0;
	size_t digits = strspn(text, "0123456789");
	char number[12];

	if (digits == 0 || digits >= sizeof number)
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (!parse_u64(number, 99999999, &n) || n == 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(units[i].unit, text + digits) == 0) {
			*out = (int64_t)n * units[i].ms;
			return true;
		}
	return false;
}

static int
set_bucket(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;

	if (parse_ms(value, &g->bucket_ms))
		return 0;
	return err_set(err, ERR_USAGE,
	    "bucket=%.60s: want a length of time such as 300, 5m, 1h, 1d or "
	    "500ms",
	    value);
}

static int
set_compare(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;

	g->compared = value + (value[0] == '-');
	if (parse_ms(g->compared, &g->compare_ms))
		return 0;
	return err_set(err, ERR_USAGE,
	    "compare=%.60s: want how much earlier, such as -7d or -1h", value);
}

static int
set_top(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;

	return picture_number("top", value, 1, TIMELINE_MAX_TOP, &g->top, err);
}

/* A flow has one place in a graph; its time is the other axis. */
enum { GRAPH_CANNOT_SPLIT_BY = KEY_EITHER_END | KEY_TIME | KEY_COUNTRY };

static int
set_split(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;
	int rc = report_keys_add(&g->keys, value, err);

	if (rc == 0 && report_keys_have(&g->keys, GRAPH_CANNOT_SPLIT_BY))
		rc = err_set(err, ERR_USAGE,
		    "areas add up to all: keys of either end, of time and of "
		    "countries are for weir report");
	g->split = value;
	return rc != 0 ? err_prefix(err, rc, "split=%.60s", value) : 0;
}

/* One of n names. */
static int
set_choice(const char *key, const char *value, const char *const *name,
    size_t n, size_t *out, struct err *err)
{
	struct buf known;

	for (*out = 0; *out < n; (*out)++)
		if (strcmp(name[*out], value) == 0)
			return 0;
	buf_init(&known, 400);
	for (size_t i = 0; i < n; i++)
		buf_printf(&known, "%s%s", i == 0 ? "" : ", ", name[i]);
	err_set(err, ERR_USAGE, "%s=%.60s: want one of %s", key, value,
	    buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static int
set_top_by(void *arg, const char *value, struct err *err)
{
	static const char *const names[] = {"total", "peak"};
	struct graph_request *g = arg;
	size_t at;
	int rc = set_choice("top-by", value, names, ARRAY_LEN(names), &at, err);

	g->top_by_peak = at == 1;
	return rc;
}

static int
set_spread(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;
	size_t at;
	int rc = set_choice("spread", value, spread_names, N_SPREADS, &at, err);

	g->has_spread = true;
	g->spread = (enum spread)at;
	return rc;
}

static int
set_mode(void *arg, const char *value, struct err *err)
{
	static const char *const names[] = {"exact", "flowviewer"};
	struct graph_request *g = arg;
	size_t at;
	int rc = set_choice("mode", value, names, ARRAY_LEN(names), &at, err);

	g->as_flowviewer = at == 1;
	return rc;
}

static int
set_stats(void *arg, const char *value, struct err *err)
{
	static const char *const names[] = {"all", "nonzero"};
	struct graph_request *g = arg;
	size_t at;
	int rc = set_choice("stats", value, names, ARRAY_LEN(names), &at, err);

	g->stats.nonzero = at == 1;
	return rc;
}

static int
set_legend(void *arg, const char *value, struct err *err)
{
	static const char *const names[] = {"yes", "no"};
	struct graph_request *g = arg;
	size_t at;
	int rc = set_choice("legend", value, names, ARRAY_LEN(names), &at, err);

	g->no_legend = at == 1;
	return rc;
}

static int
set_above(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;

	(void)err;
	g->side_words[SIDE_ABOVE] = value;
	return 0;
}

static int
set_below(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;

	(void)err;
	g->side_words[SIDE_BELOW] = value;
	return 0;
}

/* Digits, with a point among them perhaps: no sign, no exponent. */
static bool
parse_percent(const char **p, double *out)
{
	size_t len = strspn(*p, "0123456789.");
	char *end;

	if (len == 0 || len > 8)
		return false;
	*out = strtod(*p, &end);
	if (end != *p + len || !(*out > 0) || *out > 100)
		return false;
	*p = end;
	return true;
}

static int
set_percentile(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;
	const char *p = value;

	g->stats.n_percentiles = 0;
	if (strcmp(value, "none") == 0)
		return 0;
	while (g->stats.n_percentiles < RATES_MAX_PERCENTILES &&
	       parse_percent(&p, &g->stats.percent[g->stats.n_percentiles])) {
		g->stats.n_percentiles++;
		if (*p == '\0')
			return 0;
		if (*p++ != ',')
			break;
	}
	return err_set(err, ERR_USAGE,
	    "percentile=%.60s: want up to %d numbers above 0, up to 100, such "
	    "as 95 or 50,95,99.9; or none",
	    value, RATES_MAX_PERCENTILES);
}

static int
set_detail(void *arg, const char *value, struct err *err)
{
	struct graph_request *g = arg;
	bool smallest = value[0] == '-';
	uint64_t n;
	int rc =
	    picture_number("detail", value + smallest, 1, MAX_DETAIL, &n, err);

	if (rc == 0)
		g->detail = smallest ? -(int64_t)n : (int64_t)n;
	return rc;
}

static int
set_detail_of(void *arg, const char *value, struct err *err)
{
	static const char *const names[] = {"flows", "conversations"};
	struct graph_request *g = arg;
	size_t at;
	int rc =
	    set_choice("detail-of", value, names, ARRAY_LEN(names), &at, err);

	g->detail_of = at == 0 ? DETAIL_FLOWS : DETAIL_TALKS;
	return rc;
}

const struct request_word graph_words[] = {
    {"measure", set_measure},
    {"bucket", set_bucket},
    {"split", set_split},
    {"top", set_top},
    {"top-by", set_top_by},
    {"above", set_above},
    {"below", set_below},
    {"compare", set_compare},
    {"spread", set_spread},
    {"mode", set_mode},
    {"percentile", set_percentile},
    {"stats", set_stats},
    {"legend", set_legend},
    {"detail", set_detail},
    {"detail-of", set_detail_of},
    PICTURE_WORDS,
};

const size_t n_graph_words = ARRAY_LEN(graph_words);

/* ---- what contradicts ---- */

void
graph_request_init(struct graph_request *g)
{
	*g = (struct graph_request){
	    .top = DEFAULT_TOP,
	    .stats = {.percent = {95}, .n_percentiles = 1},
	};
	picture_style_init(&g->picture);
	for (int s = 0; s < N_SIDES; s++)
		filter_init(&g->side[s]);
}

void
graph_request_release(struct graph_request *g)
{
	for (int s = 0; s < N_SIDES; s++)
		filter_release(&g->side[s]);
}

static int
parse_side(struct filter *f, const struct filter *all, const char *words,
    int64_t now_ms, struct err *err)
{
	int rc;

	f->names = all->names;
	f->order = all->order;
	if ((rc = filter_add_line(f, words, now_ms, err)) != 0 ||
	    (rc = filter_check(f, err)) != 0)
		return rc;
	if (f->has_from || f->has_to)
		return err_set(err, ERR_USAGE,
		    "words of time are of both sides: give them beside it");
	return 0;
}

static int
parse_sides(struct graph_request *g, const struct filter *all, int64_t now_ms,
    struct err *err)
{
	static const char *const names[] = {"above", "below"};

	for (int s = 0; s < N_SIDES; s++) {
		const char *words = g->side_words[s];
		int rc;

		if (words == NULL)
			continue;
		rc = parse_side(&g->side[s], all, words, now_ms, err);
		if (rc != 0)
			return err_prefix(err, rc, "%s=", names[s]);
	}
	return 0;
}

static int
check_flowviewer(const struct graph_request *g, struct err *err)
{
	bool more = g->split != NULL || g->has_spread || g->compared != NULL ||
		    g->side_words[SIDE_ABOVE] != NULL ||
		    g->side_words[SIDE_BELOW] != NULL;

	if (more || g->kind != GRAPH_TIME)
		return err_set(err, ERR_USAGE,
		    "mode=flowviewer counts one curve over time: no split=, "
		    "above=, below=, compare= or spread=");
	return 0;
}

static int
check_spread(const struct graph_request *g, struct err *err)
{
	if (g->has_spread && g->load != LOAD_BITS && g->load != LOAD_PACKETS)
		return err_set(err, ERR_USAGE,
		    "spread= is of what flows carry, bps and pps: they start "
		    "and live when they do");
	return 0;
}

static int
check_kind(const struct graph_request *g, struct err *err)
{
	bool two = g->side_words[SIDE_ABOVE] != NULL ||
		   g->side_words[SIDE_BELOW] != NULL;

	if (!g->has_kind)
		return err_set(err, ERR_USAGE,
		    "a graph of what? bps, pps, fps, active, heatmap or "
		    "billing is missing");
	if (g->kind == GRAPH_TIME)
		return 0;
	if (g->split != NULL || g->compared != NULL)
		return err_set(err, ERR_USAGE,
		    "split= and compare= are for graphs over time");
	if (g->kind == GRAPH_HEATMAP && (two || g->bucket_ms != 0))
		return err_set(err, ERR_USAGE,
		    "a heatmap has hours and one side: no bucket=, above= or "
		    "below=");
	if (g->kind == GRAPH_BILLING && g->stats.n_percentiles == 0)
		return err_set(err, ERR_USAGE, "billing is by a percentile=");
	return 0;
}

int
graph_request_check(struct graph_request *g, const struct filter *all,
    int64_t now_ms, struct err *err)
{
	int rc = check_kind(g, err);

	if (rc == 0)
		rc = check_spread(g, err);
	if (rc == 0 && g->as_flowviewer)
		rc = check_flowviewer(g, err);
	return rc != 0 ? rc : parse_sides(g, all, now_ms, err);
}

/* ---- numbers ---- */

static int64_t
bucket_of(const struct graph_request *g)
{
	if (g->kind == GRAPH_HEATMAP)
		return HEATMAP_MS;
	if (g->kind == GRAPH_BILLING && g->bucket_ms == 0)
		return BILLING_MS;
	return g->bucket_ms;
}

/* Buckets of a size that was asked for begin with the span, as people then
 * expect; others where the clock is round. */
static enum grid_align
align_of(const struct graph_request *g)
{
	if (g->kind != GRAPH_TIME)
		return GRID_ON_CLOCK_CUT;
	return g->bucket_ms != 0 || g->as_flowviewer ? GRID_FROM_START
						     : GRID_ON_CLOCK;
}

int
graph_count(struct timeline *t, const struct graph_request *g,
    const struct graph_source *from, struct err *err)
{
	struct timeline_query q = {
	    .dir = from->dir,
	    .filter = from->filter,
	    .scale = from->scale,
	    .load = g->load,
	    .spread = g->spread,
	    .as_flowviewer = g->as_flowviewer,
	    .bucket_ms = bucket_of(g),
	    .align = align_of(g),
	    .max_bins = g->picture.width / PIXELS_A_BIN,
	    .split = g->keys,
	    .top = g->top,
	    .top_by_peak = g->top_by_peak,
	    .now_ms = from->now_ms,
	    .watch = from->watch,
	    .n_threads = from->n_threads,
	    .compare_ms = g->compare_ms,
	};

	for (int s = 0; s < N_SIDES; s++)
		if (g->side_words[s] != NULL)
			q.side[s] = &g->side[s];
	return timeline_make(t, &q, err);
}

/* ---- words about it ---- */

void
graph_title(const struct graph_request *g, struct buf *text)
{
	if (g->picture.title != NULL) {
		buf_puts(text, g->picture.title);
		return;
	}
	buf_puts(text, load_infos[g->load].title);
	if (g->kind == GRAPH_HEATMAP)
		buf_puts(text, " by hour and weekday");
	if (g->kind == GRAPH_BILLING) {
		char name[PERCENTILE_NAME_LEN];

		percentile_name(g->stats.percent[0], name);
		buf_printf(text, ", %s percentile by month", name);
	}
	if (g->split != NULL)
		buf_printf(text, " by %s", g->split);
	if (g->as_flowviewer)
		buf_puts(text, ", as FlowViewer counts");
}

static void
put_length(struct buf *text, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {{INT64_C(7) * MS_PER_DAY, "week"}, {MS_PER_DAY, "day"},
	    {3600 * MS_PER_S, "h"}, {60 * MS_PER_S, "min"}, {MS_PER_S, "s"},
	    {1, "ms"}};
	size_t i = 0;
	int64_t n;

	while (ms % units[i].ms != 0)
		i++;
	n = ms / units[i].ms;
	buf_printf(text, "%lld %s%s", (long long)n, units[i].name,
	    n > 1 && units[i].ms >= MS_PER_DAY ? "s" : "");
}

/* No finer than a span of that length needs. */
static void
put_moment(struct buf *text, int64_t ms, int64_t span_ms)
{
	char time[CLOCK_TEXT_LEN];
	size_t len;

	clock_format_ms(ms, time);
	len = strlen(time);
	if (ms % MS_PER_S == 0 || span_ms > 600 * MS_PER_S)
		len -= sizeof ".000" - 1;
	if (ms % (60 * MS_PER_S) == 0 || span_ms > MS_PER_DAY)
		len = sizeof "2024-03-01 12:00" - 1;
	buf_put(text, time, len);
}

/* On the same day the time alone. */
static void
put_end(struct buf *text, int64_t from_ms, int64_t to_ms, int64_t span_ms)
{
	enum { DATE_LEN = sizeof "2024-03-01" - 1 };
	char from[CLOCK_TEXT_LEN], to[CLOCK_TEXT_LEN];
	struct buf moment;

	clock_format_ms(from_ms, from);
	clock_format_ms(to_ms, to);
	buf_init(&moment, CLOCK_TEXT_LEN);
	put_moment(&moment, to_ms, span_ms);
	buf_puts(
	    text, buf_str(&moment) +
		      (memcmp(from, to, DATE_LEN) == 0 ? DATE_LEN + 1 : 0));
	buf_release(&moment);
}

void
graph_span(const struct timeline *t, struct buf *text)
{
	const struct grid *g = &t->grid;
	char from_zone[CLOCK_TEXT_LEN], to_zone[CLOCK_TEXT_LEN];
	int64_t span_ms;

	if (!t->has_span)
		return;
	span_ms = g->edge[g->n] - g->edge[0];
	clock_zone(g->edge[0], from_zone);
	clock_zone(g->edge[g->n], to_zone);
	put_moment(text, g->edge[0], span_ms);
	if (strcmp(from_zone, to_zone) != 0)
		buf_printf(text, " %s", from_zone);
	buf_puts(text, " to ");
	put_end(text, g->edge[0], g->edge[g->n], span_ms);
	buf_printf(text, " %s, buckets of ", to_zone);
	put_length(text, g->size_ms);
}

/* ---- the picture ---- */

static const char *
nothing_in(const struct timeline *t)
{
	if (!t->has_span)
		return "no flows stored yet";
	return t->stats.n_flows == 0 ? "no flow matches" : NULL;
}

/* Of any kind: how high it is, and how to draw it. */
struct picture {
	const struct graph_request *g;
	struct frame frame;
	struct buf title, span;
	struct heat heat;
	struct months months;
	union {
		struct time_chart time;
		struct heat_chart heat;
		struct month_chart month;
	} chart;
};

static void
make_chart(struct picture *p, const struct timeline *t)
{
	const struct graph_request *g = p->g;

	switch (g->kind) {
	case GRAPH_TIME:
		p->chart.time = (struct time_chart){
		    .frame = p->frame,
		    .height = (double)g->picture.height,
		    .timeline = t,
		    .side_words = {g->side_words[0], g->side_words[1]},
		    .compared = g->compared,
		    .stats = &g->stats,
		    .as_flowviewer = g->as_flowviewer,
		    .no_legend = g->no_legend,
		    .nothing = nothing_in(t),
		};
		break;
	case GRAPH_HEATMAP:
		heat_make(&p->heat, t);
		p->chart.heat = (struct heat_chart){
		    .frame = p->frame,
		    .height = (double)g->picture.height,
		    .heat = &p->heat,
		    .nothing = nothing_in(t),
		};
		break;
	case GRAPH_BILLING:
		months_make(&p->months, t, &g->stats);
		p->chart.month = (struct month_chart){
		    .frame = p->frame,
		    .height = (double)g->picture.height,
		    .timeline = t,
		    .months = &p->months,
		    .stats = &g->stats,
		    .nothing = nothing_in(t),
		};
		break;
	}
}

static void
picture_init(struct picture *p, const struct timeline *t,
    const struct graph_request *g, const struct graph_source *from)
{
	*p = (struct picture){.g = g};
	buf_init(&p->title, TEXT_MAX);
	buf_init(&p->span, TEXT_MAX);
	graph_title(g, &p->title);
	graph_span(t, &p->span);
	p->frame = (struct frame){
	    .theme = g->picture.theme,
	    .width = (double)g->picture.width,
	    .title = buf_str(&p->title),
	    .span = buf_str(&p->span),
	    .words = from->words,
	};
	make_chart(p, t);
}

static void
picture_release(struct picture *p)
{
	buf_release(&p->title);
	buf_release(&p->span);
	months_release(&p->months);
}

static double
picture_height(void *arg, const struct canvas *c)
{
	const struct picture *p = arg;

	switch (p->g->kind) {
	case GRAPH_HEATMAP: return heat_chart_height(c, &p->chart.heat);
	case GRAPH_BILLING: return month_chart_height(c, &p->chart.month);
	case GRAPH_TIME: break;
	}
	return time_chart_height(c, &p->chart.time);
}

static void
picture_draw(void *arg, struct canvas *c)
{
	const struct picture *p = arg;

	switch (p->g->kind) {
	case GRAPH_HEATMAP: heat_chart_draw(c, &p->chart.heat); return;
	case GRAPH_BILLING: month_chart_draw(c, &p->chart.month); return;
	case GRAPH_TIME: time_chart_draw(c, &p->chart.time); return;
	}
}

int
graph_draw(const struct timeline *t, const struct graph_request *g,
    const struct graph_source *from, enum picture_format format, void **data,
    size_t *len, struct err *err)
{
	struct picture p;
	struct drawing d = {
	    .style = &g->picture,
	    .height = picture_height,
	    .draw = picture_draw,
	    .arg = &p,
	};
	int rc;

	picture_init(&p, t, g, from);
	d.description = p.frame.title;
	rc = drawing_make(&d, format, data, len, err);
	picture_release(&p);
	return rc;
}
