# SPDX-License-Identifier: ISC
"""weir graph: numbers against sums made here of what `weir list` tells,
pictures against kept ones."""

import csv
import io
import json
import math
import os
import random
import re
import struct
import subprocess
import xml.etree.ElementTree

import lib
import png

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "golden")
SVG = "{http://www.w3.org/2000/svg}"
FACTOR = {"bps": 8000, "pps": 1000, "fps": 1000, "active": 1}


def total(rows, column):
    """What is not known is left out."""
    return sum(int(r[column]) for r in rows if r[column] != "")


def datagram(now_s, flows, sequence=0):
    """flows: (start_s, end_s, src, dst, octets, dport)."""
    boot = now_s - 100000
    body = b"".join(
        struct.pack("!IIIHHIIIIHHBBBBHHBBH", src, dst, 0, 1, 2, 1, octets,
                    round((start - boot) * 1000), round((end - boot) * 1000),
                    1024, dport, 0, 0, 6, 0, 0, 0, 0, 0, 0)
        for start, end, src, dst, octets, dport in flows)
    return struct.pack("!HHIIIIBBH", 5, len(flows), 100000000, now_s, 0,
                       sequence, 0, 0, 0) + body


def within(value, start, end, lo, hi):
    """What of value, spread over [start, end], lies in [lo, hi)."""
    n = end - start + 1
    at = [value * min(max(x - start, 0), n) // n for x in (lo, hi)]
    return at[1] - at[0]


class Graph(lib.Store):
    def graph(self, *words, **options):
        return lib.run("graph", *words, "-d", self.dir, **options)

    def rows(self, *words):
        return list(csv.DictReader(io.StringIO(
            self.graph(*words, "-f", "csv"))))

    def answer(self, *words):
        return json.loads(self.graph(*words, "-f", "json"))

    def lives(self, *words):
        return [{k: int(f[k]) for k in ("start_ms", "end_ms", "octets",
                                        "packets", "dst_port", "protocol")}
                | {"src": f["src_addr"], "dst": f["dst_addr"]}
                for f in self.flows(*words)]

    def write(self, *datagrams):
        path = self.path("made.bin")
        with open(path, "wb") as f:
            f.write(b"".join(datagrams))
        lib.run("import", "-d", self.dir, path)


def carried(kind, f):
    return {"bps": f["octets"], "pps": f["packets"], "fps": 1,
            "active": f["end_ms"] - f["start_ms"] + 1}[kind]


def expected(kind, flows, lo, hi):
    if kind == "fps":
        return sum(lo <= f["start_ms"] < hi for f in flows)
    return sum(within(carried(kind, f), f["start_ms"], f["end_ms"], lo, hi)
               for f in flows)


SUM = {"bps": "octets", "pps": "packets", "fps": "flows", "active": "flow_ms"}


class Numbers(Graph):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")
        self.all = self.lives()
        self.first = min(f["start_ms"] for f in self.all)
        self.last = max(f["end_ms"] for f in self.all)

    def check_bins(self, kind, rows, flows, to):
        ends = [int(r["start_ms"]) for r in rows[1:]] + [to]
        for row, end in zip(rows, ends):
            start = int(row["start_ms"])
            want = expected(kind, flows, start, end)
            self.assertEqual(float(row["seconds"]), (end - start) / 1000)
            if row[kind] == "":  # nothing arrived
                self.assertEqual(want, 0)
                continue
            self.assertEqual(int(row[SUM[kind]]), want, (kind, row))
            self.assertAlmostEqual(
                float(row[kind]), want * FACTOR[kind] / (end - start), 3)

    def test_bins_are_what_flows_carried(self):
        choose = random.Random(3)
        span = self.last - self.first
        for kind in FACTOR:
            for _ in range(6):
                lo = self.first + choose.randrange(-span // 4, span // 2)
                hi = lo + choose.randrange(1000, span)
                size = choose.choice([1, 3, 7, 60, 61])
                size = min(size, (hi - lo) // 2000)
                words = (f"from=@{lo // 1000}.{lo % 1000:03}",
                         f"to=@{hi // 1000}.{hi % 1000:03}")
                if size == 0:
                    continue
                rows = self.rows(kind, f"bucket={size}", *words)
                self.check_bins(kind, rows, self.all, hi)
                self.assertEqual(int(rows[0]["start_ms"]), lo)
                # A part at the end is a bucket of its own.
                self.assertEqual(len(rows), -(-(hi - lo) // (size * 1000)))
                # All bins together are the span's part, to the octet.
                self.assertEqual(total(rows, SUM[kind]),
                                 expected(kind, self.all, lo, hi))

    def test_chosen_buckets_stand_on_the_clock(self):
        rows = self.rows("bps")
        starts = [int(r["start_ms"]) for r in rows]
        size = starts[2] - starts[1]
        self.assertTrue(all(s % size == 0 for s in starts[1:]))
        self.assertLessEqual(starts[0], self.first)
        self.assertEqual(total(rows, "octets"),
                         sum(f["octets"] for f in self.all))

    def test_a_filter_counts_its_flows_alone(self):
        some = [f for f in self.all if f["dst_port"] == 443]
        self.assertTrue(some)
        rows = self.rows("bps", "dport=443", "bucket=30")
        self.check_bins("bps", rows, some, int(rows[-1]["start_ms"]) + 30000)

    def test_ways_to_spread(self):
        all_octets = sum(f["octets"] for f in self.all)
        for way in ("uniform", "start", "middle", "end"):
            rows = self.rows("bps", "bucket=10", f"spread={way}")
            self.assertEqual(total(rows, "octets"), all_octets, way)
        rows = self.rows("bps", "bucket=10", "spread=start")
        at = int(rows[5]["start_ms"])
        self.assertEqual(int(rows[5]["octets"]),
                         sum(f["octets"] for f in self.all
                             if at <= f["start_ms"] < at + 10000))
        low, exact, high = (
            self.rows("bps", "bucket=10", f"spread={way}")
            for way in ("minimum", "proportional", "maximum"))
        for a, b, c in zip(low, exact, high):
            self.assertLessEqual(total([a], "octets"), total([b], "octets"))
            self.assertLessEqual(total([b], "octets"), total([c], "octets"))

    def test_split_has_the_largest_keys_and_others(self):
        rows = self.rows("bps", "split=dst", "top=3", "bucket=60")
        totals, peaks = {}, {}
        for f in self.all:
            totals[f["dst"]] = totals.get(f["dst"], 0) + f["octets"]
        best = sorted(totals, key=lambda k: -totals[k])[:3]
        order = []
        for row in rows:
            if row["dst"] not in order:
                order.append(row["dst"])
        self.assertEqual(order, best + ["others"])
        for key in best:
            mine = [f for f in self.all if f["dst"] == key]
            self.check_bins("bps", [r for r in rows if r["dst"] == key], mine,
                            int(rows[-1]["start_ms"]) + 60000)
        rest = [f for f in self.all if f["dst"] not in best]
        starts = sorted({int(r["start_ms"]) for r in rows})
        got = [int(r["octets"]) for r in rows if r["dst"] == "others"]
        # Each flow is cut on its own, so others are, too.
        self.assertEqual(got, [expected("bps", rest, s, s + 60000)
                               for s in starts])
        for f in self.all:
            for s in starts:
                part = within(f["octets"], f["start_ms"], f["end_ms"], s,
                              s + 60000)
                key = (f["dst"], s)
                peaks[key] = peaks.get(key, 0) + part
        by_peak = {}
        for (key, _), value in peaks.items():
            by_peak[key] = max(by_peak.get(key, 0), value)
        rows = self.rows("bps", "split=dst", "top=3", "bucket=60",
                         "top-by=peak")
        self.assertEqual([r["dst"] for r in rows[:3]],
                         sorted(by_peak, key=lambda k: -by_peak[k])[:3])

    def test_keys_of_any_kind_split(self):
        for keys in ("proto", "exporter", "flags", "src,dst", "in_if,sport"):
            rows = self.rows("pps", f"split={keys}", "top=50", "bucket=60")
            self.assertEqual(total(rows, "packets"),
                             sum(f["packets"] for f in self.all), keys)
        rows = self.rows("fps", "split=proto", "bucket=60")
        self.assertIn("6 tcp", {r["proto"] for r in rows})

    def test_two_sides(self):
        rows = self.rows("bps", "above=dport=443", "below=dport=0-442,444-65535",
                         "bucket=60")
        one = [r for r in rows if r["side"] == "above"]
        self.check_bins("bps", one,
                        [f for f in self.all if f["dst_port"] == 443],
                        int(rows[-1]["start_ms"]) + 60000)
        self.assertEqual(total(rows, "octets"),
                         sum(f["octets"] for f in self.all))
        got = self.answer("bps", "above=dport=443", "below=sport=443",
                          "bucket=60", "percentile=50,99")
        for key in ("above_max", "below_p50", "above_p99", "below_average"):
            self.assertGreaterEqual(got[key], 0)

    def test_compared_with_an_earlier_span(self):
        lo, hi = self.first // 1000 + 120, self.last // 1000
        words = (f"from=@{lo}", f"to=@{hi}", "bucket=20")
        rows = self.rows("bps", *words, "compare=-40s")
        earlier = self.rows("bps", f"from=@{lo - 40}", f"to=@{hi - 40}",
                            "bucket=20")
        self.assertEqual([r["earlier"] for r in rows],
                         [r["bps"] for r in earlier])

    def test_statistics(self):
        words = ("bps", "bucket=7", "percentile=95,50,99.9")
        got = self.answer(*words)
        known = [(r["bps"], r["seconds"]) for r in got["rows"]
                 if r["bps"] is not None]
        rates = sorted(r for r, _ in known)
        self.assertEqual(got["max"], rates[-1])
        self.assertEqual(got["min"], rates[0])
        for p in (95, 50, 99.9):
            rank = math.ceil(p / 100 * len(rates) - 1e-9)
            self.assertEqual(got[f"p{p:g}"], rates[rank - 1])
        self.assertAlmostEqual(got["average"], sum(r * s for r, s in known) /
                               sum(s for _, s in known), 1)
        some = self.answer(*words, "dport=53", "stats=nonzero")
        rates = sorted(r["bps"] for r in some["rows"] if r["bps"])
        self.assertEqual(some["min"], rates[0])
        self.assertEqual(some["p50"],
                         rates[math.ceil(len(rates) / 2 - 1e-9) - 1])

    def test_hours_and_months(self):
        rows = self.rows("heatmap")
        self.assertEqual(len(rows), 7 * 24)
        self.assertEqual(total(rows, "octets"),
                         sum(f["octets"] for f in self.all))
        month = self.rows("billing")
        self.assertEqual([r["month"] for r in month], ["2024-03"])
        self.assertEqual(int(month[0]["octets"]),
                         sum(f["octets"] for f in self.all))
        bins = [float(r["bps"]) for r in self.rows("bps", "bucket=300")
                if r["bps"]]
        self.assertEqual(float(month[0]["peak"]), max(bins))
        self.assertEqual(int(month[0]["possible_samples"]), 31 * 288)

    def flowviewer(self, kind, lo, n, size, nonzero):
        """FlowGrapher's maximum, 95th, average and minimum: section by
        section as its description has it."""
        seconds, bins = {}, [0.0] * n
        for f in self.all:
            s, e = f["start_ms"], f["end_ms"]
            if kind == "active":
                self.add_active(bins, s / 1000 - lo, e / 1000 - lo, size)
                continue
            first, last = s // 1000, e // 1000
            share = carried(kind, f) / (last - first + 1)
            for t in range(first, last + 1):
                seconds[t] = seconds.get(t, 0) + share
        for t in sorted(seconds):
            at = (t - lo) // size
            if 0 <= at < n:
                bins[at] += round(seconds[t], 6) * (8 if kind == "bps" else 1)
        bins = [b / size for b in bins]
        counted = [b for b in bins if b > 0] if nonzero else bins
        ranked, z = sorted(bins), len(counted)
        at = n - (z - int(0.95 * z)) if nonzero else int(0.95 * n)
        least = int(min(counted))
        return {"max": int(max(bins)), "average": int(sum(counted) / z),
                "min": max(least, 1) if nonzero else least,
                "p95": int(ranked[at])}

    @staticmethod
    def add_active(bins, start, end, size):
        n = len(bins)
        span = n * size
        if end <= 0 or start >= span:
            return
        length = max(end - start, 0.001)
        rate = max(end - start, 1) / length
        first = 0 if start <= 0 else int(start / size)
        last = n - 1 if end > span else int(end / size)
        if first == last:
            bins[first] += (end * rate if start < 0 else
                            (size - (start - first * size)) * rate
                            if end > span else rate * length)
            return
        for i in range(first, min(last, n - 1) + 1):
            if i == first:
                part = (size if start < 0 else
                        0 if start == 0 else size - (start - i * size))
            elif i == last:
                part = size if end > span else end - i * size
            else:
                part = size
            bins[i] += part * rate

    def test_flowviewer_counts_as_flowgrapher(self):
        lo = self.first // 1000 + 33
        for kind in FACTOR:
            for size, n in ((5, 100), (30, 9), (1, 300)):
                for stats in ("all", "nonzero"):
                    got = self.answer(
                        kind, "mode=flowviewer", f"bucket={size}",
                        f"from=@{lo}", f"to=@{lo + n * size}",
                        f"stats={stats}")
                    self.assertEqual(len(got["rows"]), n)
                    want = self.flowviewer(kind, lo, n, size,
                                           stats == "nonzero")
                    self.assertEqual({k: got[k] for k in want}, want,
                                     (kind, size, stats))


class Arrival(Graph):
    START = 1711324800  # a Monday, 00:00 UTC

    def minutes(self, skip=()):
        return [datagram(self.START + m * 60 + 59,
                         [(self.START + m * 60, self.START + m * 60 + 59,
                           1, 2, 6000, 443)], m)
                for m in range(60) if m not in skip]

    def test_nothing_arrived_is_not_zero(self):
        self.write(*self.minutes(skip=range(20, 35)))
        rows = self.rows("bps", "bucket=60", f"from=@{self.START}",
                         f"to=@{self.START + 3600}")
        silent = [i for i, r in enumerate(rows) if r["bps"] == ""]
        self.assertEqual(silent, list(range(20, 35)))
        self.assertEqual({float(rows[i]["bps"]) for i in range(19)}, {800.0})
        got = self.answer("bps", "bucket=60", f"from=@{self.START}",
                          f"to=@{self.START + 3600}")
        self.assertIsNone(got["rows"][25]["bps"])
        self.assertEqual(got["min"], 800)

    def test_quiet_is_zero_while_others_are_heard(self):
        self.write(*self.minutes())
        rows = self.rows("bps", "bucket=60", "dport=80",
                         f"from=@{self.START}", f"to=@{self.START + 3600}")
        self.assertEqual({r["bps"] for r in rows}, {"0"})

    def test_a_short_pause_is_zero(self):
        self.write(*self.minutes(skip=(20, 21, 22)))
        rows = self.rows("bps", "bucket=60", f"from=@{self.START}",
                         f"to=@{self.START + 3600}")
        self.assertEqual(rows[21]["bps"], "0")

    def test_a_day_without_a_file_is_not_known(self):
        self.write(*self.minutes())
        lo = self.START - 7200
        rows = self.rows("bps", "bucket=3600", f"from=@{lo}",
                         f"to=@{lo + 14400}")
        self.assertEqual([r["bps"] == "" for r in rows],
                         [True, True, False, True])

    def test_loss_is_told(self):
        # Sequence numbers count flows: 30 of them are missing at minute 30.
        late = [d[:16] + struct.pack("!I", m + (30 if m >= 30 else 0)) + d[20:]
                for m, d in enumerate(self.minutes())]
        self.write(*late)
        got = self.answer("bps", "bucket=60")
        self.assertAlmostEqual(got["lost_share"], 30 / 90, 3)
        svg = self.graph("bps", "bucket=60", "-f", "svg")
        self.assertIn("33.33 % of the flows were lost on the way", svg)
        self.assertIn("96.77 % of the flows were lost", svg)  # 30 of 31

    def days(self, *span):
        env = dict(lib.ENV, TZ="Europe/Rome")
        out = subprocess.run(
            [lib.WEIR, "graph", "bps", "bucket=1d", "-f", "csv",
             "-d", self.dir] + list(span),
            env=env, capture_output=True, text=True, check=True).stdout
        return [r["seconds"] for r in csv.DictReader(io.StringIO(out))]

    def test_days_over_both_changes_of_the_clock(self):
        self.write(*self.minutes())
        self.assertEqual(self.days("from=2024-03-29", "to=2024-04-02"),
                         ["86400", "86400", "82800", "86400"])
        self.assertEqual(self.days("from=2024-10-26", "to=2024-10-29"),
                         ["86400", "90000", "86400"])


def compare(test, path, name):
    """The picture at path with the one that is kept."""
    kept = os.path.join(GOLDEN, name)
    with open(path, "rb") as f:
        data = f.read()
    if os.environ.get("GOLDEN") == "write":
        with open(kept, "wb") as f:
            f.write(data)
    with open(kept, "rb") as f:
        differ = png.differing(png.decode(data), png.decode(f.read()))
    test.assertIsNotNone(differ, f"{name}: another size")
    test.assertEqual(differ, 0, f"{name}: {differ} pixels differ")


class Pictures(Graph):
    def golden(self, name, *words, env=None):
        path = self.path(name + ".png")
        subprocess.run(
            [lib.WEIR, "graph", *words, "font=builtin", "-d", self.dir,
             "-o", path], check=True, env=dict(lib.ENV, **(env or {})))
        compare(self, path, f"graph-{name}.png")

    def test_pictures_are_as_kept(self):
        self.fill("softflowd-ndpi-mix.pcap")
        self.golden("one", "bps", "width=500", "height=120")
        self.golden("split", "bps", "split=dst", "top=10", "width=560",
                    "height=120", "bucket=10")
        self.golden("dark", "pps", "theme=dark", "density=2", "width=400",
                    "height=100", "split=proto", "above=dport=443",
                    "below=sport=443", "percentile=95,50")
        self.golden("compare", "active", "width=500", "height=100",
                    "compare=-2m", "bucket=5", "stats=nonzero")
        self.golden("none", "bps", "proto=250", "width=400", "height=80")
        self.golden("heatmap", "heatmap", "width=500", "height=150")
        self.golden("billing", "billing", "width=500", "height=120",
                    "above=dport=443", "below=sport=443")
        self.golden("flowviewer", "bps", "mode=flowviewer", "bucket=5",
                    "width=500", "height=100")

    def test_silence_and_loss_are_seen(self):
        start = Arrival.START
        made = [datagram(start + m * 60 + 59,
                         [(start + m * 60, start + m * 60 + 59, 1, 2,
                           6000 + 100 * m, 443)], m + (9 if m > 50 else 0))
                for m in range(60) if m not in range(20, 35)]
        self.write(*made)
        self.golden("silence", "bps", "width=500", "height=100")

    def test_scale_and_size(self):
        self.fill("softflowd-ndpi-mix.pcap")
        sizes = []
        for scale in (1, 2, 3):
            self.graph("bps", "width=300", "height=60", f"density={scale}",
                       "-o", self.path("a.png"))
            with open(self.path("a.png"), "rb") as f:
                width, height, dots, _ = png.decode(f.read())
            self.assertEqual(width, 300 * scale)
            sizes.append(height / scale)
            self.assertAlmostEqual(dots * 0.0254, 96 * scale, 0)
        self.assertEqual(len(set(sizes)), 1)

    def test_svg_is_sound_whatever_its_text(self):
        self.fill("softflowd-ndpi-mix.pcap")
        hostile = "<script>alert('x')</script> & \"q\" \x01 \u202e x"
        svg = self.graph("bps", "split=dport", "bucket=60",
                         f"title={hostile}", "-f", "svg")
        root = xml.etree.ElementTree.fromstring(svg)
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual([e for e in root.iter() if "script" in e.tag], [])
        titles = [e.text for e in root.iter(SVG + "title")]
        rows = self.rows("bps", "split=dport", "bucket=60")
        self.assertEqual(len(titles), len({r["start_ms"] for r in rows}))
        self.assertTrue(any("443: " in t for t in titles))
        text = [e.text for e in root.iter(SVG + "text")]
        self.assertTrue(any(t.startswith("<script>") for t in text))
        self.assertNotIn("\u202e", svg)
        self.assertEqual([v for e in root.iter() for k, v in e.items()
                          if "href" in k or k.startswith("on")], [])

    def test_empty_stores_and_answers_have_pictures(self):
        os.makedirs(os.path.join(self.dir, "shards"))
        for kind in ("bps", "heatmap", "billing"):
            out = subprocess.run(
                [lib.WEIR, "graph", kind, "-d", self.dir, "-f", "svg"],
                env=lib.ENV, capture_output=True, text=True, check=True)
            self.assertIn("no flows stored yet", out.stdout)
            self.assertIn("no flows stored yet", out.stderr)
        self.fill("softflowd-ndpi-mix.pcap")
        for kind in ("bps", "heatmap", "billing"):
            self.assertIn("no flow matches",
                          self.graph(kind, "proto=250", "-f", "svg"))
        self.assertIn("no flow matches",
                      self.graph("bps", "proto=250", "split=src"))

    def test_the_name_of_the_file_tells_the_format(self):
        self.fill("softflowd-ndpi-mix.pcap")
        begins = {"png": b"\x89PNG", "svg": b"<svg ", "csv": b"start_ms,",
                  "json": b"{\"graph\"", "txt": b"bits/s\n"}
        for suffix, want in begins.items():
            self.graph("bps", "-o", self.path("a." + suffix))
            with open(self.path("a." + suffix), "rb") as f:
                self.assertTrue(f.read().startswith(want), suffix)


class Behind(Graph):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")

    def detail(self, *words):
        out = self.graph(*words, "-o", self.path("src=1.png"))
        command = out.split("\n")[1].split()
        self.assertEqual(command[0], "weir")
        # The command that it says gives the same lines.
        self.assertEqual(out.split("\n\n", 1)[1],
                         lib.run(*command[1:], "-d", self.dir))
        return command, out

    def test_conversations_behind_it(self):
        command, out = self.detail("pps", "proto=tcp", "detail=3")
        self.assertEqual(command[1:], [
            "report", "src,sport,dst,dport,proto", "sort=packets", "lines=3",
            "proto=tcp"])
        flows = {}
        for f in self.flows("proto=tcp"):
            key = (f["src_addr"], f["src_port"], f["dst_addr"], f["dst_port"])
            flows[key] = flows.get(key, 0) + int(f["packets"])
        best = sorted(flows, key=lambda k: -flows[k])[:3]
        lines = out.split("\n")
        for key in best:
            self.assertTrue(any(key[0] in x and key[2] in x and
                                str(flows[key]) in x for x in lines), key)

    def test_smallest_and_single_flows(self):
        command, out = self.detail("active", "dport=53", "detail=-2")
        self.assertEqual(command[1:], ["list", "sort=-duration", "lines=2",
                                       "dport=53"])
        command, out = self.detail("bps", "detail=-4", "split=proto")
        rows = self.report("src,sport,dst,dport,proto", "lines=0",
                           "sort=-octets")["rows"]
        self.assertEqual(rows, sorted(rows, key=lambda r: r["octets"]))
        self.assertEqual(len(re.findall(r"^\d+\.\d+\.", out, re.M)), 4)
        self.detail("bps", "detail=5", "detail-of=flows")
        said = lib.refused("graph", "bps", "detail=5", "-d", self.dir)
        self.assertIn("detail= goes to standard output", said)


class Pies(Graph):
    def golden(self, name, *words):
        path = self.path(name + ".png")
        lib.run("report", *words, "font=builtin", "-d", self.dir, "-o", path)
        compare(self, path, f"pie-{name}.png")

    def test_pies_are_as_kept(self):
        self.fill("softflowd-ndpi-mix.pcap")
        self.golden("dst", "dst", "width=600", "height=160")
        self.golden("two", "proto,dport", "slices=3", "width=300",
                    "height=140", "theme=dark", "density=2", "sort=flows")
        self.golden("none", "dst", "proto=250", "width=500", "height=120")

    def test_others_are_all_the_rest(self):
        self.fill("softflowd-ndpi-mix.pcap")
        rows = self.report("dst", "lines=0")["rows"]
        total = sum(r["octets"] for r in rows)
        for words in ((), ("lines=7",), ("lines=0",)):
            svg = lib.run("report", "dst", "slices=5", *words, "-f", "svg",
                          "-d", self.dir)
            titles = [t.text for t in xml.etree.ElementTree.fromstring(
                svg).iter(SVG + "title")]
            self.assertEqual([t.split(":")[0] for t in titles],
                             [r["dst"] for r in rows[:5]] + ["others"])
            rest = total - sum(r["octets"] for r in rows[:5])
            self.assertIn(f"{rest * 100 / total:.1f} %", titles[5])
        svg = lib.run("report", "dst", "proto=250", "-f", "svg", "-d",
                      self.dir)
        self.assertIn("no flow matches", svg)

    def test_a_key_has_its_colour_in_pies_and_graphs(self):
        self.fill("softflowd-ndpi-mix.pcap")
        first = self.report("proto", "lines=1")["rows"][0]["proto"]
        pie = lib.run("report", "proto", "-f", "svg", "-d", self.dir)
        graph = self.graph("bps", "split=proto", "-f", "svg")
        colors = [re.search(r'<rect[^>]*fill="(#\w+)"[^>]*/>\n'
                            rf"<text[^>]*>{first} tcp<", svg).group(1)
                  for svg in (pie, graph)]
        self.assertEqual(colors[0], colors[1])

    def test_what_has_no_pie_says_so(self):
        self.fill("softflowd-ndpi-mix.pcap")
        for words, want in (
                (["list", "-f", "png"], 'unknown format "png"'),
                (["report", "loss", "-f", "png"], "report loss is a table"),
                (["report", "src", "slices=0"], "slices=0: want a number"),
                (["report", "src", "-f", "png", "font=/nowhere"],
                 "font=/nowhere: no such font")):
            self.assertIn(want, lib.refused(*words, "-d", self.dir))


class Refusals(Graph):
    def test_what_is_wrong_is_named(self):
        self.fill("softflowd-ndpi-mix.pcap")
        for words, want in (
                ([], "a graph of what? bps"),
                (["bits"], 'unknown graph "bits": graphs are bps'),
                (["bps", "pps"], "one graph at a time"),
                (["bps", "bucket=0"], "bucket=0: want a length of time"),
                (["bps", "bucket=5x"], "bucket=5x: want a length of time"),
                (["bps", "bucket=1w", "from=2024-03-01", "to=2024-03-09"],
                 "holds less than 2 buckets"),
                (["bps", "split=host"], "split=host: areas add up to all"),
                (["bps", "split=src,src"], 'key "src" is given twice'),
                (["bps", "top=0"], "top=0: want a number from 1 to 50"),
                (["bps", "percentile=101"], "percentile=101: want up to 8"),
                (["bps", "percentile=95,"], "percentile=95,: want up to 8"),
                (["bps", "percentile=1e1"], "percentile=1e1: want up to 8"),
                (["bps", "above=dport=x"], "above=: dport=x: unknown service"),
                (["bps", "below=from=-1h"], "below=: words of time are of "
                                            "both sides"),
                (["fps", "spread=start"], "spread= is of what flows carry"),
                (["bps", "spread=even"], "spread=even: want one of "),
                (["bps", "mode=flowviewer", "split=src"],
                 "mode=flowviewer counts one curve"),
                (["bps", "mode=flowviewer", "bucket=500ms"],
                 "counts in whole seconds"),
                (["heatmap", "bucket=5"], "a heatmap has hours"),
                (["bps", "theme=blue"], "theme=blue: light or dark"),
                (["bps", "density=9"], "density=9: want a number from 1 to 4"),
                (["bps", "font=/nowhere.ttf", "-f", "png"],
                 "font=/nowhere.ttf: no such font"),
                (["bps", "width=16000", "density=2", "-f", "png"],
                 "more than 16384 pixels"),
                (["bps", "lines=5"], "lines= is for rows of a table"),
                (["bps", "-o", self.path("a.gif")],
                 'no format is called "gif"'),
                (["bps", "compare=soon"], "compare=soon: want how much"),
                (["bps", "from=@1", "to=@1e9"], '"@1e9" is no time'),
                (["bps", "wide=3"], 'unknown word "wide=3"')):
            with self.subTest(words=words):
                said = lib.refused("graph", *words, "-d", self.dir)
                self.assertIn(want, said)
        self.assertFalse(os.path.exists(self.path("a.gif")))


if __name__ == "__main__":
    lib.main()
