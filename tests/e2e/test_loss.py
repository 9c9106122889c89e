# SPDX-License-Identifier: ISC
"""What is lost on the way: counted, said, reported."""

import glob
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import struct
import time

from lib import Store, data, main, refused, run, wait_for


def datagram(sequence, n=30, engine=(0, 0), uptime_ms=100000, version=5,
             ahead_s=0, sampling=0):
    """A NetFlow v5 datagram of n flows."""
    header = struct.pack(">HHIIIIBBH", version, n, uptime_ms,
                         int(time.time()) + ahead_s, 0, sequence & 0xffffffff,
                         *engine, sampling)
    record = struct.pack(">IIIHHIIIIHHBBBBHHBBH", 0x0A000001, 0xC0000201, 0,
                         1, 2, 3, 100, uptime_ms - 900, uptime_ms - 400, 1024,
                         443, 0, 27, 6, 0, 0, 0, 24, 24, 0)
    return header + record * n


def sequences(*numbers):
    """Datagrams a second apart by the exporter's uptime. A number that was
    sent before is the same datagram again."""
    sent = {}
    for i, number in enumerate(numbers):
        sent.setdefault(number, datagram(number, uptime_ms=100000 + 1000 * i))
    return [sent[number] for number in numbers]


WRAP = 2 ** 32
RESTART = sequences(*range(0, 300, 30)) + [
    datagram(30 * i, uptime_ms=1000 + 1000 * i) for i in range(3)]
ENGINES = [datagram(30 * i, engine=(1, e), uptime_ms=100000 + i)
           for i in range(2) for e in (0, 1)]

# What is sent: what flow-tools should have said of it.
VECTORS = (
    ("in order", sequences(*range(0, 300, 30)), {}),
    ("one missing", sequences(0, 30, 90, 120), {"lost": 30}),
    ("two exchanged", sequences(0, 60, 30, 90), {"late": 1}),
    ("one doubled", sequences(0, 30, 30, 60),
     {"duplicates": 1, "duplicate_flows": 30}),
    ("exact wrap", sequences(WRAP - 30, 0, 30), {}),
    ("missing across the wrap", sequences(WRAP - 60, 0), {"lost": 30}),
    ("gap of 999", sequences(0, 1029), {"lost": 999}),
    ("gap of 1000", sequences(0, 1030), {"lost": 1000}),
    ("two engines interleaved", ENGINES, {}),
    ("restart", RESTART, {"restarts": 1}),
)

COUNTS = ("lost", "late", "duplicates", "duplicate_flows", "restarts",
          "malformed", "foreign")


class Loss(Store):
    def loss(self, *words):
        return json.loads(
            run("report", "loss", *words, "-d", self.dir, "-f", "json"))

    def assert_counts(self, row, **want):
        self.assertEqual({k: row[k] for k in COUNTS},
                         {k: want.get(k, 0) for k in COUNTS})

    def send_from(self, address, port, *payloads):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((address, 0))
            for payload in payloads:
                s.sendto(payload, ("127.0.0.1", port))

    def test_each_kind_of_trouble_is_told_apart(self):
        for name, payloads, want in VECTORS:
            with self.subTest(name):
                self.dir = self.path(name.replace(" ", "-"))
                collector = self.collector()
                collector.send(*payloads)
                collector.stop()
                answer = self.loss()
                engines = 2 if payloads is ENGINES else 1
                self.assertEqual(len(answer["rows"]), engines)
                for row in answer["rows"]:
                    self.assert_counts(row, **want)
                self.assertEqual(answer["total"]["datagrams"], len(payloads))
                self.assertEqual(answer["total"]["flows"],
                                 30 * len(payloads))
                self.assert_counts(answer["total"], **want)

    def test_share_of_loss(self):
        collector = self.collector()
        collector.send(*sequences(0, 30, 30, 90))
        collector.stop()
        # 120 were sent: 90 of them came, 30 of these twice.
        self.assertEqual(self.loss()["rows"][0]["lost_share"], 25)
        self.assertIn("lost 30 flows, sequence 90, expected 60",
                      collector.text())

    def test_lossy_capture_replayed(self):
        collector = self.collector()
        run("send", data("softflowd-ndpi-mix-lossy.pcap"), "--to",
            f"127.0.0.1:{collector.port}")
        collector.stop()
        row, = self.loss()["rows"]
        self.assert_counts(row, lost=119, late=1, duplicates=1,
                           duplicate_flows=29)
        self.assertEqual(row["flows"], 2339)

    def test_imported_captures_show_their_loss(self):
        self.fill("softflowd-ndpi-mix-lossy.pcap", "pmacctd-multi-engine.pcap")
        rows = self.loss()["rows"]
        self.assertEqual([(r["exporter"], r["engine_type"], r["engine_id"])
                          for r in rows],
                         [("127.0.0.1", 0, 0), ("127.0.0.2", 1, 1),
                          ("127.0.0.2", 1, 2), ("127.0.0.3", 2, 9)])
        self.assert_counts(rows[0], lost=119, late=1, duplicates=1,
                           duplicate_flows=29)
        for row in rows[1:]:
            self.assert_counts(row)
            self.assertEqual(row["flows"], 2685)
        # The span is that of the export, by whole minutes.
        day = ("from=2024-03-01T00:00Z", "to=2024-03-02T00:00Z")
        self.assertEqual(len(self.loss(*day)["rows"]), 1)
        minute = self.loss("from=2024-03-01T12:10:59Z",
                           "to=2024-03-01T12:11Z")["rows"]
        self.assertEqual(minute[0]["lost"], 119)
        for words in (("from=2024-03-01T12:11Z", day[1]),
                      (day[0], "to=2024-03-01T12:10Z")):
            self.assertEqual(self.loss(*words)["rows"], [])

    def test_files_of_one_import_are_not_one_sequence(self):
        self.fill("softflowd-ndpi-mix.pcap", "graylog-netgraph-netflow5.pcap",
                  "softflowd-ndpi-mix.pcap")
        self.assertEqual(self.loss()["total"]["lost"], 0)

    def test_exporters_are_told_apart(self):
        collector = self.collector("-l", "0.0.0.0:0")
        self.send_from("127.0.0.1", collector.port, *sequences(0, 30, 60))
        self.send_from("127.0.0.2", collector.port, *sequences(500, 590))
        collector.stop()
        rows = self.loss()["rows"]
        self.assertEqual([(r["exporter"], r["lost"]) for r in rows],
                         [("127.0.0.1", 0), ("127.0.0.2", 60)])
        text = collector.text()
        for exporter, first in (("127.0.0.1", 0), ("127.0.0.2", 500)):
            self.assertEqual(text.count(
                f"exporter {exporter}/0/0: first datagram, sequence {first}"),
                1)

    def test_refused_datagrams_are_of_their_sender(self):
        collector = self.collector("-l", "0.0.0.0:0")
        good = datagram(0)
        with open(data("dpkt-v1.bin"), "rb") as f:
            version1 = f.read()
        self.send_from("127.0.0.1", collector.port, good, good[:-1],
                       struct.pack(">HH", 5, 31) + good[4:])
        self.send_from("127.0.0.3", collector.port, version1, version1)
        collector.stop()
        answer = self.loss()
        self.assertEqual([r["exporter"] for r in answer["rows"]],
                         ["127.0.0.1", "127.0.0.3"])
        self.assert_counts(answer["rows"][0], malformed=2)
        self.assert_counts(answer["rows"][1], foreign=2)
        self.assertEqual(answer["rows"][1]["datagrams"], 0)
        self.assertEqual(collector.text().count(
            "exporter 127.0.0.3: sends NetFlow v1, which is not stored: "
            "configure version 5"), 1)
        self.assertIn("refused: 1 too short, 1 record count, 2 NetFlow v1",
                      run("report", "loss", "-d", self.dir))

    def test_flood_of_malformed_datagrams(self):
        collector = self.collector()
        with open(f"/proc/{collector.process.pid}/statm",
                  encoding="utf-8") as f:
            before = int(f.read().split()[1])
        for i in range(10000):
            header = datagram(i, engine=(i >> 8 & 255, i & 255))[:60]
            collector.send(header)
            if i % 500 == 0:
                time.sleep(0.01)  # not more than the socket holds
        with open(f"/proc/{collector.process.pid}/statm",
                  encoding="utf-8") as f:
            after = int(f.read().split()[1])
        collector.stop()
        text = collector.text()
        self.assertIn("malformed: 10000 short", text)
        self.assertLess(text.count("\n"), 15)
        row, = self.loss()["rows"]
        self.assert_counts(row, malformed=10000)
        # Pages of 4 KiB; what is used of the tables allocated at the start.
        self.assertLess(after - before, 16 << 8)

    def test_what_the_kernel_drops_is_counted(self):
        collector = self.collector()
        collector.send(datagram(0))
        wait_for(lambda: self.flows(), "the first flow")
        os.kill(collector.process.pid, signal.SIGSTOP)
        n, payload = 6000, b"\0" * 60000  # more than any buffer holds
        collector.send(*[payload] * n)
        os.kill(collector.process.pid, signal.SIGCONT)
        # The count comes with a datagram that finds room.
        wait_for(lambda: (collector.send(datagram(30)), time.sleep(0.05),
                          len(self.flows()) > 30)[2], "a flow after it")
        collector.stop()
        answer = self.loss()
        dropped = answer["kernel_dropped_datagrams"]
        self.assertGreater(dropped, 0)
        last_try = re.search(r"(\d+) datagrams in the kernel",
                             collector.text())
        self.assertEqual(dropped, int(last_try[1]))
        # Each was either received or dropped; of mine, at most a few more.
        self.assertGreaterEqual(answer["total"]["foreign"] + dropped, n)
        self.assertIn(f"dropped by the kernel: {dropped} datagrams",
                      run("report", "loss", "-d", self.dir))

    def test_minutes_are_in_the_shard(self):
        collector = self.collector()
        collector.send(datagram(0, sampling=1 << 14 | 100, ahead_s=7200))
        # While it runs, not at its end alone.
        wait_for(lambda: self.loss()["rows"], "a minute", 30)
        collector.send(datagram(60, sampling=1 << 14 | 100, ahead_s=7200))
        collector.stop()
        shard, = glob.glob(self.dir + "/shards/*.db")
        with sqlite3.connect(shard) as db:
            rows = db.execute(
                "SELECT sum(datagrams), sum(flows), sum(packets), "
                "sum(octets), sum(lost), max(clock_skew_ms), max(sampling), "
                "max(uptime_ms), max(minute_ms % 60000) "
                "FROM minute").fetchall()
        skew = rows[0][5]
        self.assertLess(abs(skew - 7200000), 20000)
        self.assertEqual(rows, [(2, 60, 180, 6000, 30, skew, 1 << 14 | 100,
                                 100000, 0)])

    def test_counts_outlive_a_store_that_cannot_be_written(self):
        collector = self.collector()
        collector.send(*sequences(0, 30))
        wait_for(lambda: self.loss()["rows"], "a minute", 30)
        limit = resource.RLIMIT_FSIZE
        before = resource.prlimit(collector.process.pid, limit)
        # The log has room for its lines, no table has for a page.
        resource.prlimit(collector.process.pid, limit, (8192, before[1]))
        collector.send(datagram(120), datagram(150)[:-1])
        wait_for(lambda: "counts of minutes are kept in memory" in
                 collector.text() or "flows are kept in memory" in
                 collector.text(), "a failure")
        resource.prlimit(collector.process.pid, limit, before)
        collector.stop()
        row, = self.loss()["rows"]
        self.assert_counts(row, lost=60, malformed=1)
        self.assertEqual(row["datagrams"], 3)
        self.assertEqual(len(self.flows()), 90)

    def test_csv_and_text(self):
        self.fill("softflowd-ndpi-mix-lossy.pcap")
        lines = run("report", "loss", "-d", self.dir, "-f",
                    "csv").splitlines()
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines[0].split(",")[:7], [
            "exporter", "engine_type", "engine_id", "datagrams", "flows",
            "lost", "lost_share"])
        self.assertEqual(lines[1].split(",")[:7],
                         ["127.0.0.1", "0", "0", "80", "2339", "119", "4.90"])
        text = run("report", "loss", "-d", self.dir)
        self.assertRegex(text, r"(?m)^total +80 +2339 +119 +4\.90")

    def test_other_words_are_refused(self):
        self.fill("softflowd-ndpi-mix-lossy.pcap")
        for word in ("src=10.0.0.1", "sort=flows", "lines=3"):
            line = refused("report", "loss", word, "-d", self.dir)
            self.assertIn("report loss takes from= and to=", line)
        self.assertIn("unknown key", refused("report", "loss,src", "-d",
                                             self.dir))


class Status(Store):
    def status(self):
        return json.loads(run("status", "-d", self.dir, "-f", "json"))

    def test_collector_and_exporters(self):
        collector = self.collector()
        collector.send(*sequences(0, 30, 90),
                       datagram(120, ahead_s=-60, sampling=1 << 14 | 100))
        wait_for(lambda: self.status()["rows"], "a row", 30)
        answer = self.status()
        self.assertEqual(answer["writer_pid"], collector.process.pid)
        self.assertIn(f"writing: process {collector.process.pid}",
                      run("status", "-d", self.dir))
        collector.stop()
        answer = self.status()
        self.assertIsNone(answer["writer_pid"])
        row, = answer["rows"]
        self.assertEqual(row["exporter"], "127.0.0.1")
        self.assertEqual(row["lost_hour_share"], 20)
        self.assertEqual(row["lost_day_share"], 20)
        self.assertEqual(row["sampling"], 100)
        self.assertLess(abs(row["clock_skew_ms"] + 60000), 20000)
        self.assertGreaterEqual(row["flows_per_s"], 0.33)
        self.assertLessEqual(row["flows_per_s"], 0.4)
        self.assertEqual(answer["flows"], 120)
        self.assertEqual(answer["shards"], 1)
        self.assertEqual(answer["today_live_segments"], 1)
        self.assertEqual(answer["last_ms"], row["last_ms"])
        text = run("status", "-d", self.dir)
        self.assertIn("writing: nobody", text)
        self.assertRegex(text, r"warning: exporter 127\.0\.0\.1/0/0: its "
                               r"clock is \d+ s behind ours")

    def test_shards(self):
        self.fill("softflowd-ndpi-mix.pcap", "pmacctd-multi-engine.pcap")
        answer = self.status()
        paths = sorted(glob.glob(self.dir + "/shards/*.db"))
        self.assertEqual(answer["shards"], len(paths))
        self.assertEqual(answer["oldest_day"], os.path.basename(paths[0])[:-3])
        self.assertEqual(answer["newest_day"],
                         os.path.basename(paths[-1])[:-3])
        self.assertEqual(answer["bytes"], sum(map(os.path.getsize, paths)))
        self.assertEqual(answer["flows"], len(self.flows()))

    def test_damaged_shard_is_told_and_the_rest_shown(self):
        self.fill("softflowd-ndpi-mix.pcap", "pmacctd-multi-engine.pcap")
        first = sorted(glob.glob(self.dir + "/shards/*.db"))[0]
        os.chmod(first, 0o644)
        with open(first, "w", encoding="utf-8") as f:
            f.write("no database at all, just some words. " * 10)
        answer = self.status()
        self.assertEqual(answer["unreadable_shards"], 1)
        self.assertEqual(len(answer["rows"]), 3)
        self.assertIn(f"warning: {first}: file is not a database",
                      run("status", "-d", self.dir))

    def test_empty_store_says_what_to_do(self):
        os.mkdir(self.dir)
        text = run("status", "-d", self.dir)
        self.assertIn(f"weir collect -d {self.dir}", text)
        self.assertIn(f"weir import -d {self.dir}", text)
        self.assertEqual(self.status()["rows"], [])

    def test_bad_use_is_refused(self):
        self.assertIn("No such file", refused(
            "status", "-d", self.path("none"), status=1))
        for word in ("src=10.0.0.1", "lines=3", "hello"):
            self.assertIn("want interfaces or nothing",
                          refused("status", word, "-d", self.dir))
        self.assertIn("weir status", run("status", "-h"))
        self.assertNotIn("filter words", run("status", "-h"))


if __name__ == "__main__":
    main()
