# SPDX-License-Identifier: ISC
"""Reports and lists against nfdump's own tables and an oracle in Python."""

import collections
import csv
import io
import json
import os
import re
import subprocess

from lib import ENV, Store, data, main, refused, run

WEIR = os.environ["WEIR"]
GOLDEN = os.path.join(os.path.dirname(__file__), "..", "golden")

# Report key: (column of the list, column of nfdump -s).
KEYS = {
    "src": ("src_addr", "srcip"), "dst": ("dst_addr", "dstip"),
    "sport": ("src_port", "srcport"), "dport": ("dst_port", "dstport"),
    "proto": ("protocol", "proto"), "flags": ("tcp_flags", None),
    "tos": ("tos", "tos"), "in_if": ("input_if", "inif"),
    "out_if": ("output_if", "outif"), "src_as": ("src_as", "srcas"),
    "dst_as": ("dst_as", "dstas"), "next_hop": ("next_hop", None),
    "exporter": ("exporter", None),
}

LIST_COLUMNS = (
    "exporter engine_type engine_id sampling src_addr dst_addr next_hop "
    "input_if output_if packets octets start_ms end_ms duration_ms src_port "
    "dst_port tcp_flags tcp_flags_text protocol tos src_as dst_as src_mask "
    "dst_mask quirks quirks_text").split()

# nfdump's filter: our words.
FILTERS = {
    "flags 27": ["flags=27"], "flags 31": ["flags=31"],
    "flags 20": ["flags=20"],
    "proto tcp and flags S and not flags ARPFU":
        ["proto=tcp", "flags=S/SARPFU"],
    "proto tcp and flags R": ["proto=tcp", "flags=R/R"],
    "proto tcp and flags AS and not flags F": ["proto=6", "flags=AS/ASF"],
    "proto udp": ["proto=udp"], "proto icmp": ["proto=icmp"],
    "dst port 80": ["dport=80"],
}

CAPTURES = ("softflowd-ndpi-mix.pcap", "nfreplay-backbone94k.pcap",
            "softflowd-synscan.pcap", "softflowd-zeek-suricata-rolling.pcap",
            "erikwilson-flow_capture.bin")


def nfdump_sections(name):
    """expected/NAME.nfdump-stats.csv as {heading: lines}."""
    sections = collections.OrderedDict()
    with open(data(f"expected/{name}.nfdump-stats.csv"),
              encoding="utf-8") as f:
        for line in f:
            if line.startswith("# "):
                heading = line[2:].strip()
                sections[heading] = []
            elif line.strip():
                sections[heading].append(line.strip())
    return sections


class AgainstNfdump(Store):
    def test_statistics_equal_nfdumps(self):
        compared = 0
        for name in CAPTURES:
            self.dir = self.path(name)
            self.fill(name)
            for heading, lines in nfdump_sections(name).items():
                match = re.search(r"-s (\w+)/(bytes|flows)", heading)
                keys = [k for k, v in KEYS.items()
                        if match and v[1] == match[1]]
                if not keys:
                    continue
                with self.subTest(f"{name} {heading}"):
                    ours = {str(r[keys[0]]): r for r in
                            self.report(keys[0])["rows"]}
                    for row in csv.reader(lines[1:]):
                        key, flows, packets, octets = (
                            row[4], int(row[5]), int(row[7]), int(row[9]))
                        mine = ours[key]
                        self.assertEqual(
                            (mine["flows"], mine["packets"], mine["octets"]),
                            (flows, packets, octets), key)
                        compared += 1
        self.assertGreater(compared, 300)

    def test_filters_select_what_nfdumps_select(self):
        compared = 0
        for name in CAPTURES:
            self.dir = self.path(name)
            self.fill(name)
            for heading, lines in nfdump_sections(name).items():
                words = FILTERS.get(heading.removeprefix("filter: "))
                if words is None:
                    continue
                with self.subTest(f"{name} {heading}"):
                    want = re.search(r"total flows: (\d+), total bytes: "
                                     r"(\d+), total packets: (\d+)",
                                     lines[0])
                    total = self.report("proto", *words)["total"]
                    self.assertEqual(
                        (total["flows"], total["octets"], total["packets"]),
                        tuple(map(int, want.groups())))
                    compared += 1
        self.assertGreater(compared, 30)


class Report(Store):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")

    def oracle(self, columns, flows):
        sums = collections.defaultdict(lambda: [0, 0, 0])
        for r in flows:
            group = sums[tuple(r[c] for c in columns)]
            group[0] += 1
            group[1] += int(r["octets"])
            group[2] += int(r["packets"])
        return dict(sums)

    def test_every_key_equals_the_sums_over_the_list(self):
        flows = self.flows()
        lists = [[k] for k in KEYS] + [
            ["src", "dst"], ["src", "dst", "sport", "dport", "proto"],
            list(KEYS)]
        for keys in lists:
            with self.subTest(keys):
                got = self.report(",".join(keys))
                want = self.oracle([KEYS[k][0] for k in keys], flows)
                self.assertEqual(got["report"], keys)
                self.assertEqual(got["matched"], len(want))
                self.assertEqual(
                    {tuple(str(r[k]) for k in keys):
                     [r["flows"], r["octets"], r["packets"]]
                     for r in got["rows"]}, want)
                self.assertEqual(
                    got["total"],
                    {"flows": 2429, "octets": 6349253, "packets": 20096})

    def test_json_is_as_documented(self):
        got = self.report("src,flags", "lines=3", "dport=443")
        self.assertEqual(list(got), ["report", "from_ms", "to_ms", "rows",
                                     "total", "matched"])
        self.assertEqual(len(got["rows"]), 3)
        self.assertGreater(got["matched"], 3)
        row = got["rows"][0]
        for key, kind in (("src", str), ("flags", int), ("flags_text", str),
                          ("flows", int), ("octets", int), ("packets", int),
                          ("share", (int, float))):
            self.assertIsInstance(row[key], kind, key)
        # The total is of all rows, shown or not.
        total = sum(r["octets"] for r in self.report(
            "src,flags", "dport=443")["rows"])
        self.assertEqual(got["total"]["octets"], total)
        self.assertAlmostEqual(row["share"], 100 * row["octets"] / total,
                               delta=0.006)

    def test_span_is_asked_or_stored(self):
        flows = self.flows()
        got = self.report("src")
        self.assertEqual(got["from_ms"], min(int(r["start_ms"])
                                             for r in flows))
        self.assertEqual(got["to_ms"], max(int(r["end_ms"])
                                           for r in flows) + 1)
        got = self.report("src", "from=2024-03-01T12:02:00Z",
                          "to=2024-03-01T12:03:00Z")
        start, end = 1709294520000, 1709294580000
        self.assertEqual((got["from_ms"], got["to_ms"]), (start, end))
        touching = [r for r in flows if int(r["end_ms"]) >= start
                    and int(r["start_ms"]) < end]
        self.assertGreater(len(touching), 50)
        self.assertEqual(got["total"]["flows"], len(touching))

    def test_sorted_by_any_column(self):
        for column in ("flows", "octets", "packets", "share"):
            rows = self.report("dst", f"sort={column}")["rows"]
            values = [r[column] for r in rows]
            self.assertEqual(values, sorted(values, reverse=True), column)
        ports = [r["dport"] for r in self.report("dport",
                                                 "sort=dport")["rows"]]
        self.assertEqual(ports, sorted(ports))

    def test_flags_are_never_cut(self):
        for value in (27, 2, 20, 31, 219, 0):
            rows = self.flows(f"flags={value}")
            self.assertGreater(len(rows), 0, value)
            self.assertEqual({r["tcp_flags"] for r in rows}, {str(value)})
        text = run("list", "flags=27", "lines=5", "-d", self.dir)
        self.assertEqual(len(re.findall(r"\.\.\.AP\.SF +27\b", text)), 5)
        text = run("report", "flags", "flags=27", "-d", self.dir)
        self.assertRegex(text, r"\.\.\.AP\.SF +27 +484 ")

    def test_options_and_words_in_any_order(self):
        one = run("report", "src,dst", "dport=443", "lines=4", "-d", self.dir,
                  "-f", "json")
        for order in (["-f", "json", "lines=4", "-d", self.dir, "src,dst",
                       "dport=443"],
                      ["-d" + self.dir, "src,dst", "-fjson", "dport=443",
                       "lines=4"]):
            self.assertEqual(run("report", *order), one)

    def test_csv_of_a_report(self):
        text = run("report", "flags,src", "lines=2", "-d", self.dir, "-f",
                   "csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(rows), 2)
        self.assertEqual(list(rows[0])[:3], ["flags", "flags_text", "src"])

    def test_text_is_what_it_was(self):
        asked = {
            "report-src-dst": ["report", "src,dst", "lines=10"],
            "report-flags": ["report", "flags"],
            "report-none": ["report", "src", "src=203.0.113.1"],
            "report-filter": ["report", "proto,dport", "src=10.0.0.0/8",
                              "proto=tcp,udp", "sort=flows", "lines=5",
                              "from=2024-03-01T12:00:00Z",
                              "to=2024-03-01 12:05Z"],
            "list": ["list", "dport=443", "lines=5"],
            "list-none": ["list", "src=203.0.113.1"],
        }
        for name, args in asked.items():
            with self.subTest(name):
                text = run(*args, "-d", "var", cwd=self.folder)
                golden = os.path.join(GOLDEN, name + ".txt")
                if os.environ.get("GOLDEN") == "write":
                    with open(golden, "w", encoding="utf-8") as f:
                        f.write(text)
                with open(golden, encoding="utf-8") as f:
                    self.assertEqual(text, f.read())

    def test_output_to_a_file_is_whole_or_not_there(self):
        out = self.path("out.json")
        run("report", "src", "-d", self.dir, "-f", "json", "-o", out)
        with open(out, encoding="utf-8") as f:
            self.assertEqual(json.load(f), self.report("src"))
        missing = self.path("no", "such", "folder", "out")
        self.assertIn(missing, refused("report", "src", "-d", self.dir, "-o",
                                       missing, status=1))
        self.assertEqual(sorted(os.listdir(self.folder)), ["out.json", "var"])

    def test_a_full_disk_is_an_error(self):
        for args in (["report", "src"], ["list"], ["list", "-f", "csv"],
                     ["list", "-f", "json"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([WEIR, *args, "-d", self.dir],
                                      stdout=full, stderr=subprocess.PIPE,
                                      env=ENV, text=True)
            self.assertEqual(done.returncode, 1, args)
            self.assertRegex(done.stderr,
                             r"\Aweir: [^\n]*No space left on device\n\Z")


class List(Store):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")

    def test_csv_and_json_have_every_field(self):
        rows = self.flows()
        self.assertEqual(len(rows), 2429)
        self.assertEqual(list(rows[0]), LIST_COLUMNS)
        objects = json.loads(run("list", "-d", self.dir, "-f", "json"))
        self.assertEqual(len(objects), 2429)
        self.assertEqual([{k: str(v) for k, v in o.items()}
                          for o in objects], rows)
        self.assertIsInstance(objects[0]["tcp_flags"], int)
        self.assertIsInstance(objects[0]["src_addr"], str)
        self.assertIsInstance(objects[0]["start_ms"], int)

    def test_an_empty_answer_is_valid_in_every_format(self):
        ask = ["list", "src=203.0.113.1", "-d", self.dir]
        self.assertEqual(json.loads(run(*ask, "-f", "json")), [])
        self.assertEqual(run(*ask, "-f", "csv").strip().split(","),
                         LIST_COLUMNS)

    def test_lines_stops(self):
        for n in (1, 7, 2429, 9999):
            self.assertEqual(len(self.flows(f"lines={n}")), min(n, 2429))

    def test_words_select_and_combine(self):
        flows = self.flows()
        asked = {
            ("src=10.0.0.0/8",): lambda r: r["src_addr"].startswith("10."),
            ("src=10.0.0.0/8", "proto=udp"):
                lambda r: r["src_addr"].startswith("10.")
                and r["protocol"] == "17",
            ("dport=53,443",): lambda r: r["dst_port"] in ("53", "443"),
            ("dport=https",): lambda r: r["dst_port"] == "443",
            ("sport=80", "flags=27,31"):
                lambda r: r["src_port"] == "80"
                and r["tcp_flags"] in ("27", "31"),
            ("flags=S/SA",): lambda r: int(r["tcp_flags"]) & 18 == 2,
            ("flags=2/18",): lambda r: int(r["tcp_flags"]) & 18 == 2,
            ("flags=0x1b",): lambda r: r["tcp_flags"] == "27",
            ("dst=192.168.1.6,10.8.0.1",):
                lambda r: r["dst_addr"] in ("192.168.1.6", "10.8.0.1"),
        }
        for words, keep in asked.items():
            with self.subTest(words):
                want = [r for r in flows if keep(r)]
                self.assertGreater(len(want), 0)
                self.assertEqual(self.flows(*words), want)

    def test_every_shard_is_read_in_order_of_days(self):
        self.fill("softflowd-restarts.pcap", "softflowd-synscan.pcap")
        self.assertEqual(len(self.flows()), 2429 + 880 + 2002)
        total = self.report("exporter")["total"]
        self.assertEqual(total["flows"], 2429 + 880 + 2002)


class BadInput(Store):
    def test_each_is_one_clear_line_and_status_2(self):
        self.fill("softflowd-synscan.pcap")
        cases = [
            (["report", "src", "colour=red"], ["colour", "dport", "lines"]),
            (["report", "srcc"], ["srcc", "exporter", "next_hop"]),
            (["report", "src,"], ["src"]),
            (["report"], ["key"]),
            (["report", "src", "sort=size"], ["size", "octets"]),
            (["report", "src", "lines=many"], ["lines", "many"]),
            (["report", "src", "-f", "xml"], ["xml", "json"]),
            (["report", "src", "src=10.0.0.300"], ["src=", "10.0.0.300"]),
            (["report", "src", "src=10.0.0.0/33"], ["10.0.0.0/33"]),
            (["report", "src", "dport=80,htpp"], ["htpp", "position 4", "http?"]),
            (["report", "src", "dport=70000"], ["70000", "65535"]),
            (["report", "src", "flags=Q"], ["Q"]),
            (["report", "src", "flags=300"], ["300"]),
            (["report", "src", "proto=tpc"], ["tpc"]),
            (["report", "src", "from=2026-02-31"], ["2026-02-31"]),
            (["report", "src", "from=2024-03-02", "to=2024-03-01"],
             ["from", "to"]),
            (["report", "src", "dport=80", "dport=81"], ["dport"]),
            (["report", "src", "src="], ["src"]),
            (["report", "src", "dst"], ["dst"]),
            (["list", "colour=red"], ["colour", "flags"]),
            (["list", "src"], ["src"]),
        ]
        for args, words in cases:
            with self.subTest(args):
                line = refused(*args, "-d", self.dir)
                for word in words:
                    self.assertIn(word, line)

    def test_nothing_a_user_types_becomes_sql(self):
        self.fill("softflowd-synscan.pcap")
        for value in ("1' OR '1'='1", "1; DROP TABLE flow_0001", "1--",
                      "1) OR (1=1", "\\", "%", "`id`", "$(id)"):
            for word in ("src", "dport", "flags", "proto", "exporter",
                         "from"):
                refused("list", f"{word}={value}", "-d", self.dir)
        self.assertEqual(len(self.flows()), 2002)

    def test_missing_and_empty_folders_are_told_apart(self):
        line = refused("report", "src", "-d", self.path("nowhere"), status=1)
        self.assertIn(self.path("nowhere"), line)
        os.mkdir(self.dir)
        self.assertIn("no flows", run("report", "src", "-d", self.dir))
        got = self.report("src")
        self.assertEqual((got["from_ms"], got["rows"], got["matched"]),
                         (None, [], 0))

    def test_unknown_command_and_help(self):
        done = subprocess.run([WEIR, "frobnicate"], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("frobnicate", done.stderr)
        for command in ("collect", "import", "send", "report", "list"):
            self.assertIn("usage: weir " + command, run(command, "-h"))
        self.assertRegex(run("-V"), r"\Aweir \d+\.\d+\.\d+\n\Z")


if __name__ == "__main__":
    main()
