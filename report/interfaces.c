/* SPDX-License-Identifier: ISC */
/* The interfaces of the configuration as a table: see interfaces.h. */
#include "report/interfaces.h"

#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/conf.h"

static const struct table_column columns[] = {
    {.name = "exporter_name", .heading = "Exporter", .kind = VALUE_TEXT},
    {.name = "if_index", .heading = "Index", .kind = VALUE_NUMBER},
    {.name = "name", .heading = "Name", .kind = VALUE_TEXT},
    {.name = "speed_bps",
	.heading = "Speed",
	.kind = VALUE_NUMBER,
	.quantity = QUANTITY_BITS_PER_S},
    {.name = "description", .heading = "Description", .kind = VALUE_TEXT},
};

enum { N_KEYS = 2, N_COLUMNS = ARRAY_LEN(columns) };

static size_t
write_rows(const struct conf *conf, struct out *out, bool measure)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_exporters; i++) {
		const struct conf_exporter *e = &conf->exporter[i];

		for (size_t k = 0; k < e->n_interfaces; k++, n++) {
			const struct conf_interface *f = &e->interface[k];
			const union table_cell cell[N_COLUMNS] = {
			    {.text = e->name},
			    {.number = f->index},
			    {.text = f->name},
			    {.number = f->speed_bps},
			    {.text = f->description},
			};

			if (measure)
				out_measure(out, cell);
			else
				out_row(out, cell);
		}
	}
	return n;
}

static void
write_table(const struct conf *conf, struct out *out)
{
	const struct table_head head = {
	    .column = columns,
	    .n_columns = N_COLUMNS,
	    .n_keys = N_KEYS,
	    .name = "interfaces",
	    .caption = "interfaces\n",
	};
	struct table_foot foot = {.note = ""};

	out_begin(out, &head);
	foot.matched = write_rows(conf, out, true);
	(void)write_rows(conf, out, false);
	if (foot.matched == 0)
		foot.note = "no interface is configured: want `interface "
			    "IFINDEX { name = ... }` in `exporter NAME { ... "
			    "}`\n";
	out_end(out, &foot);
}

int
interfaces_run(const struct request *r, struct err *err)
{
	struct sink *sink;
	struct out out;
	int rc = request_open(r, &sink, &out, err);

	if (rc != 0)
		return rc;
	out.style.units = UNITS_SI; /* as interfaces are called */
	write_table(r->conf, &out);
	out_release(&out);
	return sink_close(sink, err);
}
