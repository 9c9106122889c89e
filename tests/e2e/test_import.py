# SPDX-License-Identifier: ISC
"""Captures in, the sums and every field that other decoders see out."""

import csv
import glob
import gzip
import os
import re
import sqlite3
import subprocess

from lib import ENV, Store, data, main, refused, wait_for


def expected():
    """The rows of tests/data/expected.tsv."""
    with open(data("expected.tsv"), encoding="utf-8") as f:
        lines = [line for line in f if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


class Import(Store):
    def test_every_capture_gives_the_expected_sums(self):
        rows = expected()
        self.assertGreater(len(rows), 25)
        for row in rows:
            with self.subTest(row["file"]):
                self.dir = self.path(row["file"] + ".store")
                self.fill(row["file"])
                if row["flows"] == "0":
                    continue
                report = self.report("flags")
                self.assertEqual(
                    [report["total"][k] for k in ("flows", "packets",
                                                  "octets")],
                    [int(row[k]) for k in ("flows", "packets", "octets")])
                histogram = {r["flags"]: r["flows"] for r in report["rows"]}
                want = dict(map(int, pair.split(":"))
                            for pair in row["flags"].split())
                self.assertEqual(histogram, want)

    def records(self, name):
        """expected/NAME.csv[.gz]: what other decoders make of each record."""
        path = data(f"expected/{name}.csv")
        opener = open if os.path.exists(path) else gzip.open
        with opener(path if opener is open else path + ".gz", "rt",
                    encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def test_every_field_equals_what_other_decoders_see(self):
        columns = {
            "engine_type": "engine_type", "engine_id": "engine_id",
            "src_addr": "srcaddr", "dst_addr": "dstaddr",
            "next_hop": "nexthop", "input_if": "input",
            "output_if": "output", "packets": "dpkts", "octets": "doctets",
            "src_port": "srcport", "dst_port": "dstport",
            "tcp_flags": "tcp_flags", "protocol": "prot", "tos": "tos",
            "src_as": "src_as", "dst_as": "dst_as", "src_mask": "src_mask",
            "dst_mask": "dst_mask",
        }
        names = [os.path.basename(p).removesuffix(".gz").removesuffix(".csv")
                 for p in glob.glob(data("expected/*.csv*"))
                 if "nfdump-stats" not in p and "flow-export" not in p]
        self.assertGreater(len(names), 15)
        for name in sorted(names):
            with self.subTest(name):
                want = self.records(name)
                if "invalid" in name:
                    continue  # other decoders take parts of it; it is refused
                self.dir = self.path(name + ".store")
                self.fill(name)
                got = self.flows()
                self.assertEqual(
                    sorted(tuple(r[c] for c in columns) for r in got),
                    sorted(tuple(r[c] for c in columns.values())
                           for r in want))
                self.compare_times(got, want)
                words = {int(r["sampling_mode"]) << 14 |
                         int(r["sampling_rate"]) for r in want}
                self.assertEqual({int(r["sampling"]) for r in got}, words)

    def compare_times(self, got, want):
        """Where both ticks lie before the export and in order, nfdump's
        times are the documented ones; elsewhere the rule of nf5.h holds."""
        def rule(r):
            export = int(r["unix_secs"]) * 1000 + \
                int(r["unix_nsecs"]) // 1000000
            times = []
            for tick in ("first_ms", "last_ms"):
                delta = (int(r["sysuptime_ms"]) - int(r[tick])) % 2**32
                times.append(export - delta if delta <= 2**31
                             else export + 2**32 - delta)
            start, end = sorted(times)
            return max(start, end - 7 * 86400000), end

        self.assertEqual(
            sorted((int(r["start_ms"]), int(r["end_ms"])) for r in got),
            sorted(map(rule, want)))
        sane = [r for r in want if r["nfdump_first_utc_ms"] and
                int(r["first_ms"]) <= int(r["last_ms"]) <=
                int(r["sysuptime_ms"])]
        for r in sane:
            self.assertEqual(rule(r), (int(r["nfdump_first_utc_ms"]),
                                       int(r["nfdump_last_utc_ms"])))

    def test_foreign_datagrams_are_named_and_counted(self):
        out = self.fill("arkime_synthetic.pcap")
        for words in ("2 datagrams", "2 flows", "2 NetFlow v7",
                      "2 NetFlow v9", "2 IPFIX", "2 sFlow"):
            self.assertIn(words, out)
        out = self.fill("logstash-netflow5_test_invalid01.dat")
        self.assertIn("malformed", out)
        self.assertIn("55582", out)

    def test_a_file_cut_in_the_middle_keeps_what_came_before(self):
        cut = self.path("cut.pcap")
        with open(data("softflowd-ndpi-mix.pcap"), "rb") as f:
            content = f.read()
        with open(cut, "wb") as f:
            f.write(content[:60000])
        done = subprocess.run(
            [os.environ["WEIR"], "import", "-d", self.dir, cut], env=ENV,
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(cut, done.stderr)
        self.assertGreater(len(self.flows()), 1000)

    def test_files_that_cannot_be_taken_are_said(self):
        text = self.path("text")
        with open(text, "w", encoding="utf-8") as f:
            f.write("these are words\n" * 20)
        self.assertIn(text, refused("import", "-d", self.dir, text))
        self.assertIn("/nonexistent: No such file",
                      refused("import", "-d", self.dir, "/nonexistent",
                              status=1))

    def test_shards_are_by_day_of_export_and_plain_files(self):
        self.fill("softflowd-restarts.pcap", "softflowd-ndpi-mix.pcap")
        names = sorted(os.listdir(self.dir + "/shards"))
        self.assertIn("2024-03-01.db", names)
        self.assertTrue(all(re.fullmatch(r"\d{4}-\d\d-\d\d\.db", n)
                            for n in names), names)
        self.assertGreater(len(names), 3)
        for name in names:
            mode = os.stat(f"{self.dir}/shards/{name}").st_mode & 0o777
            self.assertEqual(mode, 0o444)
        self.assertEqual(len(self.flows()), 880 + 2429)

    def test_standard_input_is_read(self):
        with open(data("softflowd-ndpi-mix.pcap"), "rb") as f:
            out = subprocess.run(
                [os.environ["WEIR"], "import", "-d", self.dir, "-"], stdin=f,
                env=ENV, check=True, capture_output=True, text=True).stdout
        self.assertIn("2429 flows", out)

    def test_debians_sqlite3_reads_a_shard_through_its_indexes(self):
        self.fill("softflowd-ndpi-mix.pcap")
        shard = self.dir + "/shards/2024-03-01.db"
        sql = ("SELECT src_addr, count(*) FROM flows WHERE dst_port = 443 "
               "GROUP BY 1")
        ask = ["sqlite3", "-readonly", shard]
        plan = subprocess.run([*ask, "EXPLAIN QUERY PLAN " + sql],
                              check=True, capture_output=True,
                              text=True).stdout
        self.assertIn("flow_0001_dst_port", plan)
        rows = subprocess.run([*ask, sql], check=True, capture_output=True,
                              text=True).stdout.splitlines()
        want = self.report("src", "dport=443")
        self.assertEqual(sum(int(r.split("|")[1]) for r in rows),
                         want["total"]["flows"])
        self.assertEqual(len(rows), want["matched"])

    def test_indexes_agree_with_a_full_scan(self):
        self.fill("softflowd-synscan.pcap")
        shard = glob.glob(self.dir + "/shards/*.db")[0]
        with sqlite3.connect(f"file:{shard}?mode=ro", uri=True) as db:
            for column in ("src_addr", "dst_addr", "src_port", "dst_port",
                           "tcp_flags", "end_ms"):
                by_index, by_scan = (db.execute(
                    f"SELECT {c}, count(*) FROM flow_0001 WHERE {c} >= 0 "
                    "GROUP BY 1 ORDER BY 1").fetchall()
                    for c in (column, "+" + column))
                self.assertEqual(by_index, by_scan)


class MakeRun(Store):
    """What `make run` does once weir is built."""

    def test_first_run_fills_reports_and_listens(self):
        script = os.path.join(os.path.dirname(__file__), "..", "..",
                              "contrib", "run.sh")
        log = self.path("log")
        with open(log, "w", encoding="utf-8") as f:
            process = subprocess.Popen(
                ["sh", script, os.environ["WEIR"], self.dir,
                 data("softflowd-ndpi-mix.pcap"), "127.0.0.1:0",
                 "127.0.0.1:0"],
                stdout=f, stderr=f, env=ENV, start_new_session=True)
        self.addCleanup(process.kill)

        def text():
            with open(log, encoding="utf-8") as f:
                return f.read()
        wait_for(lambda: "collect: listening on" in text() and
                 "listening on http://127.0.0.1:" in text(),
                 "the collector and the server")
        self.assertIn("83 datagrams, 2429 flows", text())
        self.assertRegex(text(), r"2429 +.*6349253")
        process.terminate()
        self.assertEqual(process.wait(timeout=20), 0, text())
        with self.assertRaises(ProcessLookupError):
            os.killpg(process.pid, 0)


if __name__ == "__main__":
    main()
