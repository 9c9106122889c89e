# SPDX-License-Identifier: ISC
"""weir report summary, against sums over the list."""

import csv
import html.parser
import io
import json
import os
import struct

from lib import Store, golden, main, refused, run

# Bins' last values, by the steps that flow-stat's format 0 has.
EDGES = {
    "octets_per_packet": [*range(32, 577, 32), 1024, *range(1536, 4609, 512)],
    "packets_per_flow": [1, 2, 4, *range(8, 53, 4), 60, *range(100, 901, 100)],
    "octets_per_flow": [32, 64, 128, 256, 512, *range(1280, 15873, 768)],
    "flow_time_ms": [10, 50, 100, 200, 500, *range(1000, 10001, 1000),
                     *range(12000, 30001, 2000)],
}


def near(a, b):
    return a == b or abs(a - b) <= 0.00005001


class Summary(Store):
    def summary(self, *words):
        return json.loads(run("report", "summary", *words, "-d", self.dir,
                              "-f", "json"))

    def oracle(self, rows, span=None, scale=lambda r: 1):
        """The numbers, and the bins by histogram, of rows of the list."""
        flows = []
        for r in rows:
            factor = scale(r)
            flows.append((int(r["packets"]) * factor,
                          int(r["octets"]) * factor,
                          int(r["start_ms"]), int(r["end_ms"])))
        n = len(flows)
        packets, octets = sum(f[0] for f in flows), sum(f[1] for f in flows)
        time = sum(f[3] - f[2] for f in flows)
        first, last = min(f[2] for f in flows), max(f[3] for f in flows)
        span = span or last + 1 - first
        ratio = lambda a, b: None if b == 0 else a / b
        numbers = {
            "flows": n, "octets": octets, "packets": packets,
            "flow_time_ms": time, "duration_ms": last - first,
            "span_ms": span, "avg_flow_time_ms": ratio(time, n),
            "avg_packet_octets": ratio(octets, packets),
            "avg_flow_octets": ratio(octets, n),
            "avg_flow_packets": ratio(packets, n),
            "flows_per_s": ratio(n * 1000, last - first),
            "kbit_per_s": ratio(octets * 8, last - first),
            "flows_per_s_of_span": ratio(n * 1000, span),
            "kbit_per_s_of_span": ratio(octets * 8, span),
            "flows_without_packets": sum(1 for f in flows if f[0] == 0),
        }
        bins = {name: [0] * (len(e) + 1) for name, e in EDGES.items()}
        for p, o, s, e in flows:
            if p == 0:
                continue
            for name, value in (("octets_per_packet", o // p),
                                ("packets_per_flow", p),
                                ("octets_per_flow", o),
                                ("flow_time_ms", e - s)):
                at = sum(1 for edge in EDGES[name] if value > edge)
                bins[name][at] += 1
        return numbers, bins

    def compare(self, got, numbers, bins):
        for name, want in numbers.items():
            if want is None:
                self.assertIsNone(got[name], name)
            else:
                self.assertTrue(near(got[name], want),
                                f"{name}: {got[name]}, want {want}")
        n = numbers["flows"] - numbers["flows_without_packets"]
        for name, edges in EDGES.items():
            rows = [r for r in got["rows"] if r["name"] == name]
            self.assertEqual([r["value"] for r in rows], bins[name], name)
            self.assertEqual([r["to"] for r in rows], [*edges, None])
            least = 0 if name == "flow_time_ms" else 1
            self.assertEqual([r["from"] for r in rows],
                             [least, *(e + 1 for e in edges)])
            for r in rows:
                self.assertAlmostEqual(r["share"], 100 * r["value"] / n,
                                       delta=0.00501)

    def test_numbers_and_bins_are_those_of_the_list(self):
        self.fill("softflowd-ndpi-mix.pcap", "pmacctd-multi-engine.pcap",
                  "softflowd-restarts.pcap", "nfreplay-backbone94k.pcap",
                  "fprobe-lo-live.pcap")
        for words in ([], ["proto=tcp"], ["flags=27", "dport=443"],
                      ["exporter=127.0.0.3"], ["src=10.0.0.0/8"]):
            with self.subTest(words):
                rows = self.flows(*words)
                self.assertGreater(len(rows), 50)
                got = self.summary(*words)
                span = got["to_ms"] - got["from_ms"]
                self.compare(got, *self.oracle(rows, span))

    def test_several_exporters_with_other_clocks(self):
        """Uptimes differ by weeks: times are of the epoch, not of those."""
        self.fill("pmacctd-multi-engine.pcap", "arkime_synthetic.pcap")
        got = self.summary("exporter=127.0.0.2,127.0.0.3")
        rows = self.flows("exporter=127.0.0.2,127.0.0.3")
        self.assertEqual(len({(r["exporter"], r["engine_id"])
                              for r in rows}), 3)
        self.assertEqual(got["duration_ms"],
                         max(int(r["end_ms"]) for r in rows) -
                         min(int(r["start_ms"]) for r in rows))
        self.assertEqual(got["flow_time_ms"],
                         sum(int(r["duration_ms"]) for r in rows))

    def test_a_span_has_rates_of_its_own(self):
        self.fill("softflowd-ndpi-mix.pcap")
        words = ["from=2024-03-01T12:00Z", "to=2024-03-01T12:30Z"]
        got = self.summary(*words)
        self.assertEqual(got["span_ms"], 1800000)
        self.compare(got, *self.oracle(self.flows(*words), 1800000))

    def test_sampling_is_said_and_multiplied(self):
        self.fill("softflowd-ndpi-mix-sampled10.pcap",
                  "softflowd-synscan.pcap")
        rows = self.flows()
        plain, header = self.summary(), self.summary("scale=header")
        self.assertEqual(plain["sampled_flows"], 1006)
        self.assertEqual(header["sampled_flows"], 1006)
        self.assertEqual((plain["scale"], header["scale"]), (None, "header"))
        span = plain["span_ms"]
        self.compare(plain, *self.oracle(rows, span))
        self.compare(header, *self.oracle(
            rows, span, lambda r: int(r["sampling"]) & 0x3fff or 1))
        self.compare(self.summary("scale=7"), *self.oracle(
            rows, span, lambda r: 7))
        text = run("report", "summary", "-d", self.dir)
        self.assertIn("1006 flows sampled: scale=header multiplies", text)
        self.assertNotIn("*", text)
        text = run("report", "summary", "-d", self.dir, "scale=header")
        self.assertNotIn("sampled:", text)
        self.assertIn("multiplied by the sampling interval", text)
        self.assertRegex(text, r"octets +\d+\*  [0-9.]+ per flow\*\n")
        self.assertRegex(text, r"\nflows +\d+\n")

    def test_flows_without_packets_are_in_no_histogram(self):
        record = lambda packets, octets: struct.pack(
            ">IIIHHIIIIHHBBBBHHBBH", 1, 2, 0, 1, 2, packets, octets, 5000,
            9000, 1, 2, 0, 16, 6, 0, 0, 0, 0, 0, 0)
        header = struct.pack(">HHIIIIBBH", 5, 3, 10000, 1700000000, 0, 0, 0,
                             0, 0)
        with open(self.path("odd.raw"), "wb") as f:
            f.write(header + record(0, 700) + record(3, 120) + record(0, 0))
        run("import", "-d", self.dir, self.path("odd.raw"))
        got = self.summary()
        self.compare(got, *self.oracle(self.flows(), got["span_ms"]))
        self.assertEqual(got["flows_without_packets"], 2)
        self.assertEqual(got["octets"], 820)
        self.assertIn("2 flows without packets, in no histogram",
                      run("report", "summary", "-d", self.dir))

    def test_one_instant_has_no_rate(self):
        self.fill("softflowd-synscan.pcap")
        row = next(r for r in self.flows() if r["duration_ms"] == "0")
        words = [f"src={row['src_addr']}", f"sport={row['src_port']}",
                 f"dport={row['dst_port']}", f"dst={row['dst_addr']}"]
        got = self.summary(*words)
        self.assertEqual(got["flows"], 1)
        self.assertEqual(got["duration_ms"], 0)
        self.assertIsNone(got["flows_per_s"])
        self.assertIsNone(got["kbit_per_s"])

    def test_csv_has_the_same_as_json(self):
        self.fill("softflowd-ndpi-mix.pcap")
        got = self.summary()
        for name in ("csv", "ndjson"):
            text = run("report", "summary", "-d", self.dir, "-f", name)
            rows = (list(csv.DictReader(io.StringIO(text))) if name == "csv"
                    else [json.loads(l) for l in text.splitlines()])
            numbers = [r for r in rows if r["from"] in ("", None)]
            self.assertEqual(len(numbers), 16)
            for r in numbers:
                self.assertEqual(float(r["value"]), got[r["name"]])
            bins = [{k: None if v in ("", None) else v if k == "name"
                     else float(v) for k, v in r.items()}
                    for r in rows if r["from"] not in ("", None)]
            self.assertEqual(bins, got["rows"])

    def test_text_is_what_it_was(self):
        self.fill("softflowd-ndpi-mix.pcap")
        run_ = lambda *a: run(*a, "-d", "var", cwd=self.folder)
        golden(self, "report-summary.txt", run_("report", "summary"))
        golden(self, "report-summary-none.txt",
               run_("report", "summary", "src=203.0.113.1"))

    def test_html_is_one(self):
        self.fill("softflowd-ndpi-mix.pcap")
        text = run("report", "summary", "-d", self.dir, "-f", "html")
        cells = []

        class Reader(html.parser.HTMLParser):
            def handle_data(self, data):
                cells.append(data.strip())
        Reader().feed(text)
        for want in ("Packets/flow", "30001-", "4609-"):
            self.assertIn(want, cells)

    def test_nothing_is_nothing(self):
        os.mkdir(self.dir)
        text = run("report", "summary", "-d", self.dir)
        self.assertIn("no flows stored yet", text)
        got = self.summary()
        self.assertEqual(got["flows"], 0)
        self.assertIsNone(got["avg_flow_octets"])
        self.assertEqual({r["value"] for r in got["rows"]}, {0})

    def test_words_and_options_in_any_order(self):
        self.fill("softflowd-synscan.pcap")
        want = run("report", "summary", "-d", self.dir, "-f", "csv",
                   "flags=2")
        self.assertEqual(run("report", "flags=2", "-f", "csv", "-d", self.dir,
                             "summary"), want)
        self.assertEqual(run("report", "-d", self.dir, "summary", "-fcsv",
                             "flags=2"), want)
        self.assertIn("lines", refused("report", "summary", "lines=3", "-d",
                                       self.dir))
        line = refused("report", "summary", "src", "-d", self.dir)
        self.assertIn("weir report summary -h", line)
        self.assertIn("usage: weir report summary",
                      run("report", "summary", "-h"))
        self.assertIn("usage: weir report KEY", run("report", "-h"))
        # A folder of that name is no report.
        os.rename(self.dir, self.path("summary"))
        self.assertEqual(run("report", "proto", "-d", "summary", "-f", "csv",
                             "flags=2", cwd=self.folder).splitlines()[1][:6],
                         "6,1994")


if __name__ == "__main__":
    main()
