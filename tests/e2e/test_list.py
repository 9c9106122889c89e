# SPDX-License-Identifier: ISC
"""Listings: their columns, order and formats, against each other, against
SQLite and against what they were."""

import base64
import fcntl
import csv
import glob
import hashlib
import html.parser
import io
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import termios
from random import Random

from lib import (ENV, WEIR, Store, data, golden, main, refused, run,
                 write_pcap)

STYLES = ("line", "wide", "times", "as", "full")

# Words and the names that they have in CSV and JSON.
WORDS = {
    "start": "start_ms", "end": "end_ms", "duration": "duration_ms",
    "src": "src_addr", "dst": "dst_addr", "sport": "src_port",
    "dport": "dst_port", "proto": "protocol", "flags": "tcp_flags",
    "tos": "tos", "dscp": "dscp", "packets": "packets", "octets": "octets",
    "packet_size": "packet_size", "bps": "bps", "pps": "pps",
    "in_if": "input_if", "out_if": "output_if", "src_as": "src_as",
    "dst_as": "dst_as", "src_mask": "src_mask", "dst_mask": "dst_mask",
    "src_prefix": "src_prefix", "dst_prefix": "dst_prefix",
    "next_hop": "next_hop", "exporter": "exporter",
    "engine_type": "engine_type", "engine_id": "engine_id",
    "sampling": "sampling_interval", "sampling_word": "sampling",
    "quirks": "quirks",
}

LARGEST_FIRST = {"duration", "octets", "packets", "packet_size", "bps", "pps"}

EXPORTERS = ("192.0.2.9", "192.0.2.10", "10.255.0.1")
SECOND = 1709294400  # of the capture's datagrams


def random_flows(count):
    """(flows as in CSV, datagrams for write_pcap): every field of v5 has many
    values, the extremes among them."""
    random = Random(5)
    flows, datagrams, sequence = [], [], {}
    while len(flows) < count:
        source = (random.choice(EXPORTERS), random.randrange(2),
                  random.choice((0, 1, 255)))
        sampling = random.choice((0, 100, 1 << 14 | 10, 2 << 14 | 16383))
        records = b""
        for _ in range(20):
            def some(most):
                return random.choice((0, most, random.randrange(most + 1),
                                      random.randrange(9)))
            last = random.randrange(10000, 100000)
            first = last - random.choice((0, 1, random.randrange(9000)))
            src, dst, hop = some(2 ** 32 - 1), some(2 ** 32 - 1), \
                some(2 ** 32 - 1)
            in_if, out_if, sport, dport, src_as, dst_as = (
                some(65535) for _ in range(6))
            packets, octets = some(2 ** 32 - 1), some(2 ** 32 - 1)
            flags, proto, tos = some(255), some(255), some(255)
            src_mask, dst_mask = random.randrange(33), random.randrange(33)
            records += struct.pack(
                ">IIIHHIIIIHHBBBBHHBBH", src, dst, hop, in_if, out_if,
                packets, octets, first, last, sport, dport, 0, flags, proto,
                tos, src_as, dst_as, src_mask, dst_mask, 0)
            end = SECOND * 1000 - 100000 + last
            flows.append({
                "exporter": source[0], "engine_type": source[1],
                "engine_id": source[2], "sampling": sampling,
                "src_addr": ip_text(src), "dst_addr": ip_text(dst),
                "next_hop": ip_text(hop), "input_if": in_if,
                "output_if": out_if, "packets": packets, "octets": octets,
                "start_ms": end - last + first, "end_ms": end,
                "duration_ms": last - first, "src_port": sport,
                "dst_port": dport, "tcp_flags": flags, "protocol": proto,
                "tos": tos, "src_as": src_as, "dst_as": dst_as,
                "src_mask": src_mask, "dst_mask": dst_mask, "quirks": 0})
        header = struct.pack(">HHIIIIBBH", 5, 20, 100000, SECOND, 0,
                             sequence.get(source, 0), source[1], source[2],
                             sampling)
        sequence[source] = sequence.get(source, 0) + 20
        datagrams.append((SECOND, source[0], header + records))
    return [{k: str(v) for k, v in f.items()} for f in flows], datagrams


def ip_number(text):
    a, b, c, d = map(int, text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def ip_text(number):
    return ".".join(str(number >> s & 255) for s in (24, 16, 8, 0))


def number_of(word, text):
    """What a column is sorted by."""
    if word in ("src", "dst", "next_hop"):
        return ip_number(text)
    if word in ("src_prefix", "dst_prefix"):
        ip, length = text.split("/")
        return ip_number(ip), int(length)
    if word == "exporter":
        return (":" in text, ip_number(text) if ":" not in text else text)
    return int(text)


class Columns(Store):
    def setUp(self):
        super().setUp()
        self.sent, datagrams = random_flows(1500)
        write_pcap(self.path("random.pcap"), datagrams)
        self.fill(self.path("random.pcap"), "softflowd-uptime-wrap.pcap",
                  "logstash-netflow5_test_juniper_mx80.dat")
        self.all = self.flows("columns=" + ",".join(WORDS))

    def test_stored_ones_are_what_sqlite_says(self):
        rows = []
        for path in sorted(glob.glob(self.dir + "/shards/*.db")):
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            db.row_factory = sqlite3.Row
            rows += [dict(r) for r in db.execute("SELECT * FROM flows")]
            db.close()
        for row in rows:
            for name in ("src_addr", "dst_addr", "next_hop"):
                row[name] = ip_text(row[name])
        got = [{k: v for k, v in r.items() if not k.endswith("_text")}
               for r in self.flows()]
        self.assertEqual([{k: str(v) for k, v in r.items()} for r in rows],
                         got)
        self.assertGreater(len(got), 1800)

    def test_stored_ones_are_what_was_sent(self):
        day = "from=2024-03-01T11:00Z", "to=2024-03-01T13:00Z"
        got = [{k: v for k, v in r.items() if not k.endswith("_text")}
               for r in self.flows(*day)]
        self.assertEqual(got, self.sent)

    def test_made_ones_follow_from_the_stored_ones(self):
        for r in self.all:
            n = {k: int(v) for k, v in r.items()
                 if re.fullmatch(r"\d+", v)}
            self.assertEqual(n["duration_ms"], n["end_ms"] - n["start_ms"])
            self.assertEqual(n["dscp"], n["tos"] // 4)
            self.assertEqual(n["sampling_interval"], n["sampling"] % 16384)
            self.assertEqual(n["packet_size"],
                             n["octets"] // n["packets"] if n["packets"]
                             else 0)
            ms = n["duration_ms"]
            self.assertEqual(n["bps"], n["octets"] * 8000 // ms if ms else 0)
            self.assertEqual(n["pps"], n["packets"] * 1000 // ms if ms else 0)
            for end in ("src", "dst"):
                length = n[end + "_mask"]
                kept = ip_number(r[end + "_addr"]) >> 32 - length \
                    << 32 - length
                self.assertEqual(r[end + "_prefix"],
                                 f"{ip_text(kept)}/{length}")

    def test_each_has_one_name_whatever_the_words(self):
        for word, name in WORDS.items():
            for typed in (word, name) if name != "sampling" else (word,):
                rows = self.flows("columns=" + typed)
                self.assertEqual(list(rows[0])[0], name)
                self.assertEqual([r[name] for r in rows],
                                 [r[name] for r in self.all], word)

    def test_styles_are_columns_of_the_whole(self):
        for style in STYLES:
            rows = self.flows("style=" + style)
            self.assertEqual(
                rows, [{k: r[k] for k in rows[0]} for r in self.all], style)

    def test_formats_have_the_same_values(self):
        for words in (["style=full"], [], ["columns=bps,src_prefix,flags"]):
            rows = self.flows(*words)
            text = run("list", *words, "-d", self.dir, "-f", "json")
            objects = json.loads(text)
            self.assertEqual([{k: str(v) for k, v in o.items()}
                              for o in objects], rows)
            lines = run("list", *words, "-d", self.dir, "-f", "ndjson")
            self.assertEqual([json.loads(line)
                              for line in lines.splitlines()], objects)

    def test_sums_are_those_of_the_report(self):
        for words in ([], ["proto=tcp"], ["src=10.0.0.0/8"], ["flags=27"]):
            total = self.report("exporter", *words)["total"]
            rows = self.flows("columns=octets,packets", *words)
            self.assertEqual(
                (len(rows), sum(int(r["octets"]) for r in rows),
                 sum(int(r["packets"]) for r in rows)),
                (total["flows"], total["octets"], total["packets"]))
            text = run("list", *words, "-d", self.dir)
            self.assertRegex(
                text, rf"\ntotal +{total['packets']} +{total['octets']}\n")

    def test_sorted_by_any_of_them(self):
        for word, name in WORDS.items():
            for sign in ("", "-"):
                rows = self.flows(f"sort={sign}{word}",
                                  "columns=" + ",".join(WORDS))
                down = (word in LARGEST_FIRST) != (sign == "-")
                want = sorted(self.all, reverse=down,
                              key=lambda r: number_of(word, r[name]))
                if down:  # equal ones are in order of arrival all the same
                    want = sorted(self.all,
                                  key=lambda r: number_of(word, r[name]))
                    groups = {}
                    for r in want:
                        groups.setdefault(number_of(word, r[name]),
                                          []).append(r)
                    want = [r for g in reversed(groups.values()) for r in g]
                self.assertEqual(rows, want, sign + word)

    def test_sorted_by_several_and_cut(self):
        want = sorted(self.all, key=lambda r: (
            int(r["protocol"]), -int(r["octets"]), int(r["start_ms"])))
        names = "columns=" + ",".join(WORDS)
        for n in (0, 1, 5, 100, 99999):
            rows = self.flows("sort=proto,octets,start", f"lines={n}", names)
            self.assertEqual(rows, want[:n] if n else want)


class Flags(Store):
    def test_are_whole_in_every_style(self):
        self.fill("softflowd-ndpi-mix.pcap", "softflowd-synscan.pcap")
        letters = {27: "...AP.SF", 2: "......S.", 20: "...A.R.."}
        for value, shown in letters.items():
            for style in STYLES:
                text = run("list", f"flags={value}", "style=" + style, "-d",
                           self.dir)
                rows = re.findall(r"^.*\d\d:\d\d:\d\d\.\d{3} .*$", text, re.M)
                self.assertGreater(len(rows), 5)
                for row in rows:
                    self.assertRegex(
                        row, rf" {re.escape(shown)} {value}( |$)")
            self.assertEqual({r["tcp_flags"] for r in
                              self.flows(f"flags={value}")}, {str(value)})


class Looks(Store):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")

    def list(self, *words):
        return run("list", *words, "-d", "var", cwd=self.folder)

    def test_text_of_every_style(self):
        for style in STYLES:
            golden(self, f"list-{style}.txt",
                   self.list("style=" + style, "lines=8", "proto=tcp"))
        golden(self, "list-columns.txt", self.list(
            "columns=start,src,dst,octets,bps,pps,packet_size", "lines=6",
            "sort=octets", "units=si"))
        golden(self, "list-binary.txt", self.list(
            "columns=src:sport,octets,bps", "lines=6", "sort=-octets,start",
            "units=binary"))

    def test_wide_has_132_columns(self):
        lines = self.list("style=wide").splitlines()
        self.assertGreater(len(lines), 2429)
        self.assertLessEqual(max(map(len, lines)), 132)

    def test_every_other_format(self):
        for form in ("csv", "json", "ndjson"):
            golden(self, "list." + form,
                   self.list("lines=3", "dport=443", "-f", form))

    def test_narrow_terminals_get_fewer_columns(self):
        for width, gone in ((200, None), (100, "Exporter"), (92, "Pkts")):
            text = terminal(width, "list", "lines=3", "-d", self.dir)
            rows = [line for line in text.splitlines() if ":01:0" in line]
            self.assertEqual(len(rows), 3, text)
            self.assertLessEqual(max(map(len, rows)), width)
            if gone:
                self.assertRegex(text, r"too narrow for: .*" + gone)
            self.assertIn("\033[1m", text)
        text = terminal(200, "list", "lines=3", "-d", self.dir, NO_COLOR="1")
        self.assertNotIn("\033", text)


def terminal(width, *args, **env):
    """What a command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen([WEIR, *args], stdout=theirs,
                               env=dict(ENV, **env))
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not part:
            break
        text += part
    os.close(ours)
    if process.wait() != 0:
        raise AssertionError(text)
    return text.decode().replace("\r\n", "\n")


class Page(html.parser.HTMLParser):
    """A page's elements, balanced, and the text of its table's cells."""

    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.attrs, self.rows, self.raw = [], [], [], {}
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.attrs += [(tag, k, v) for k, v in attrs]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, text):
        for tag in ("th", "td"):
            if tag in self.open:
                self.rows[-1][-1] += text
        if self.open:
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + text


class Html(Store):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")

    def page(self, *args):
        return run(*args, "-d", self.dir, "-f", "html")

    def test_cells_are_those_of_the_text(self):
        words = ["style=full", "lines=300", "sort=octets"]
        page = Page(self.page("list", *words))
        text = run("list", *words, "-d", self.dir)
        lines = text.split("\n")
        self.assertEqual(len(page.rows), 302)
        for row, line in zip(page.rows[1:301], lines[5:305]):
            self.assertEqual(" ".join(row).replace(",", "").split(),
                             line.split())

    def test_nothing_comes_from_outside(self):
        for page in (self.page("list"), self.page("report", "src,dst"),
                     self.page("list", "src=203.0.113.1")):
            parsed = Page(page)
            self.assertEqual(
                [a for a in parsed.attrs if a[1] in
                 ("src", "href", "action", "srcset", "data")
                 or a[1].startswith("on")], [])
            self.assertNotRegex(page, r"url\(|@import|https?:|//[a-z]")
            policy = dict((k, v) for t, k, v in parsed.attrs
                          if k == "content")["content"]
            self.assertIn("default-src 'none'",
                          [v for t, k, v in parsed.attrs
                           if k == "content" and "default-src" in v][0])
            digest = base64.b64encode(hashlib.sha256(
                parsed.raw["script"].encode()).digest()).decode()
            self.assertIn(f"script-src 'sha256-{digest}'", page)
            self.assertIsNotNone(policy)

    def test_who_cannot_see_it_is_served(self):
        page = self.page("report", "src", "lines=5")
        attrs = Page(page).attrs
        self.assertIn(("html", "lang", "en"), attrs)
        self.assertIn(("th", "scope", "row"), attrs)
        self.assertIn(("th", "scope", "col"), attrs)
        self.assertRegex(page, r"<caption>report src sort=octets</caption>")
        self.assertRegex(page, r"<title>report src sort=octets - weir<")

    def test_body_is_what_it_was(self):
        for name, args in {
                "list": ["list", "lines=5", "sort=octets", "units=si"],
                "report": ["report", "src,proto", "dport=443", "lines=3"],
                "none": ["list", "src=203.0.113.1"]}.items():
            page = run(*args, "-d", "var", "-f", "html", cwd=self.folder)
            body = page[page.index("<main>"):page.index("<script>")]
            golden(self, f"html-{name}.html", body)

    def test_a_page_has_an_end(self):
        self.assertEqual(len(Page(self.page("list")).rows), 1002)
        self.assertEqual(len(Page(self.page("list", "lines=0")).rows), 2431)


class Streams(Store):
    """A listing of a million begins at once and needs no memory."""

    def setUp(self):
        super().setUp()
        self.fill("nfreplay-backbone94k.pcap")

    def peak(self, *args):
        # Sanitized, it would keep what it freed for a while.
        env = dict(ENV, ASAN_OPTIONS="quarantine_size_mb=1")
        process = subprocess.Popen([WEIR, *args], stdout=subprocess.DEVNULL,
                                   env=env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        self.assertEqual(status, 0)
        return usage.ru_maxrss

    def test_flat(self):
        args = ["list", "-d", self.dir, "-f", "csv"]
        small = [self.peak(*args), self.peak("list", "-d", self.dir),
                 self.peak(*args, "sort=octets", "lines=100")]
        for _ in range(9):
            run("import", "-d", self.dir, "--again",
                data("nfreplay-backbone94k.pcap"))
        self.assertGreater(self.report("proto")["total"]["flows"], 900000)
        large = [self.peak(*args), self.peak("list", "-d", self.dir),
                 self.peak(*args, "sort=octets", "lines=100")]
        for a, b in zip(small, large):
            self.assertLess(b, a + 32768, f"{small} {large} KiB")

        # Somebody reads one line of it all and goes.
        with subprocess.Popen([WEIR, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=ENV) as process:
            self.assertIn(b"src_addr", process.stdout.readline())
            self.assertIsNone(process.poll())
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(), -signal.SIGPIPE)


class Scale(Store):
    """Counters multiplied by what the header, the configuration or a word
    says, in listings and reports alike."""

    def setUp(self):
        super().setUp()
        sent, datagrams = random_flows(600)
        # Half of the flows a second later, for what ends in between.
        for i in range(0, len(datagrams), 2):
            when, source, payload = datagrams[i]
            datagrams[i] = (when + 9, source, payload[:8]
                            + struct.pack(">I", SECOND + 1000)
                            + payload[12:])
        write_pcap(self.path("random.pcap"), datagrams)
        self.fill(self.path("random.pcap"))
        self.plain = self.flows()
        self.assertEqual(len(self.plain), len(sent))

    def check(self, factor, *words, scale):
        args = ["-d", self.dir, f"scale={scale}", *words]
        rows = list(csv.DictReader(io.StringIO(
            run("list", *args, "-f", "csv"))))
        want = [dict(r, scale=str(factor(r)),
                     octets=str(int(r["octets"]) * factor(r)),
                     packets=str(int(r["packets"]) * factor(r)))
                for r in self.plain]
        self.assertEqual(rows == want, True)
        self.assertEqual(
            [r["octets"] for r in self.flows(f"scale={scale}", *words,
                                             "sort=octets")],
            sorted((r["octets"] for r in want), key=int, reverse=True))
        text = run("report", "exporter", *args, "-f", "json")
        report = json.loads(text)
        self.assertEqual(report["total"], {
            "flows": len(want),
            "octets": sum(int(r["octets"]) for r in want),
            "packets": sum(int(r["packets"]) for r in want)})
        self.assertEqual({r["scale"] for r in report["rows"]}, {str(scale)})
        for form in ("text", "html"):
            for command in (["list", "lines=1"], ["report", "src"]):
                self.assertRegex(run(*command, *args, "-f", form),
                                 r", octets and packets multiplied by ")

    @staticmethod
    def header(row):
        return max(1, int(row["sampling"]) % 16384)

    def test_by_the_header(self):
        self.assertEqual({self.header(r) for r in self.plain},
                         {1, 10, 100, 16383})
        self.check(self.header, scale="header")

    def test_by_a_number(self):
        self.check(lambda row: 250, scale=250)
        self.check(lambda row: 1, scale=1)

    def test_by_the_configuration_first(self):
        conf = self.path("weir.conf")
        middle = (SECOND + 500) * 1000
        with open(conf, "w", encoding="utf-8") as f:
            f.write("exporter one { address = 192.0.2.9\n"
                    "  sampling { interval = 7\n until = "
                    "2024-03-01T12:08:20Z }\n"
                    "  sampling { interval = 1\n from = "
                    "2024-03-01T12:08:20Z } }\n"
                    "exporter two { address = 10.0.0.0/8\n"
                    "  sampling { interval = 1000 } }\n")

        def factor(row):
            if row["exporter"] == "192.0.2.9":
                return 7 if int(row["end_ms"]) < middle else 1
            return 1000 if row["exporter"] == "10.255.0.1" \
                else self.header(row)
        self.check(factor, "-c", conf, scale="header")

    def test_filters_compare_what_was_sent(self):
        self.assertEqual(len(self.flows("scale=250", "octets=1-9")),
                         len([r for r in self.plain
                              if 1 <= int(r["octets"]) <= 9]))

    def test_is_not_done_nor_marked_unless_asked(self):
        for words in ([], ["scale=none"]):
            self.assertEqual(self.flows(*words), self.plain)
            for args in (["list", "lines=1"], ["report", "src"]):
                self.assertNotIn("multiplied",
                                 run(*args, *words, "-d", self.dir))
        for bad in ("0", "x", "-1", "1000001", ""):
            self.assertIn("header", refused("list", "scale=" + bad, "-d",
                                            self.dir))


class BadInput(Store):
    def test_each_is_one_clear_line_and_status_2(self):
        self.fill("softflowd-synscan.pcap")
        for words, named in (
                (["style=line5"], ["style=line5", "wide", "full"]),
                (["style="], ["style=", "wide"]),
                (["columns=src,colour"], ["columns", "colour", "octets"]),
                (["columns="], ["columns", "octets"]),
                (["columns=src", "style=wide"], ["style=wide", "columns="]),
                (["sort=size"], ["sort", "size", "octets"]),
                (["sort=--octets"], ["sort", "-octets"]),
                (["sort="], ["sort"]),
                (["sort=src,src,src,src,src,src,src,src,src"], ["8"]),
                (["sort=src", "sort=dst"], ["sort", "twice"]),
                (["units=mega"], ["units=mega", "binary"]),
                (["units=si", "units=si"], ["units", "twice"]),
                (["src"], ["do you mean src=VALUE"]),
                (["frobnicate"], ["frobnicate", "WORD=VALUE", "columns"])):
            with self.subTest(words):
                line = refused("list", *words, "-d", self.dir)
                for word in named:
                    self.assertIn(word, line)


if __name__ == "__main__":
    main()
