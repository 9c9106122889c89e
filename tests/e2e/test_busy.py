# SPDX-License-Identifier: ISC
"""Twenty queries at a time while a collector receives, seals segments and
finishes a day: each answers from what was committed, whole and once.

Datagram i, from 1 on, has 30 flows of i octets each, one from each of 30
sources, one of them from port 7777. Flows are stored in the order they came in,
so that any moment's store is datagrams 1 to k for some k, and an answer that
misses a flow or has one twice fits to no k. No answer may have fewer than one
that was complete before it was asked for."""

import concurrent.futures
import csv
import glob
import io
import json
import os
import socket
import struct
import threading
import time
from unittest import mock

from lib import ENV, Store, main, run, wait_for

N_QUERIES = 20
FIRST_DAY, SECOND_DAY = 8600, 1400  # datagrams; 250,000 flows are a segment
SOURCES = 30


def datagram(i):
    head = struct.pack(">HHIIIIBBH", 5, SOURCES, 100000, 1772409000 + i // 100,
                       0, SOURCES * (i - 1), 0, 0, 0)
    return head + b"".join(
        struct.pack(">IIIHHIIIIHHBBBBHHBBH", 0x0A000001 + s, 0xC0000201, 0, 1,
                    2, 1, i, 99000, 99500, 7777 if s == 4 else 1024 + i % 5000,
                    443, 0, 18, 6, 0, 0, 0, 0, 0, 0)
        for s in range(SOURCES))


class Busy(Store):
    def setUp(self):
        super().setUp()
        self.sent = 0
        self.known = 0  # datagrams that some complete answer had
        self.counts = set()
        self.lock = threading.Lock()

    def set_clock(self, text):
        with open(self.path("clock.new"), "w", encoding="utf-8") as f:
            f.write("@" + text + "\n")
        os.rename(self.path("clock.new"), self.path("clock"))

    def start(self):
        self.set_clock("2026-03-01 23:50:00")
        with mock.patch.dict(ENV, {
                "FAKETIME_TIMESTAMP_FILE": self.path("clock"),
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                # A sanitized build wants its own library first.
                "ASAN_OPTIONS": "verify_asan_link_order=0",
                "LD_PRELOAD": glob.glob(
                    "/usr/lib/*/faketime/libfaketime.so.1")[0]}):
            return self.collector()

    def send(self, collector, n):
        """So many more, without filling the socket."""
        with open("/proc/net/udp", encoding="ascii") as f:
            where = [line.split()[0] for line in f
                     if f":{collector.port:04X} " in line][0]

        def is_read():
            with open("/proc/net/udp", encoding="ascii") as f:
                return all(line.split()[4].endswith(":00000000") for line in f
                           if line.split()[0] == where)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(n):
                s.sendto(datagram(self.sent + 1),
                         ("127.0.0.1", collector.port))
                self.sent += 1
                if self.sent % 50 == 0:
                    wait_for(is_read, "the collector to read")

    # Each kind of query: k, having checked all else.

    def by_report(self):
        rows = json.loads(run("report", "src", "lines=0", "-d", self.dir,
                              "-f", "json"))["rows"]
        k = rows[0]["flows"] if rows else 0
        want = {(f"10.0.0.{s + 1}", k, k * (k + 1) // 2, k)
                for s in range(SOURCES if k else 0)}
        got = {(r["src"], r["flows"], r["octets"], r["packets"])
               for r in rows}
        self.assertEqual(len(rows), len(want))
        self.assertTrue(got == want, (k, sorted(got ^ want)[:4]))
        return k

    def by_list(self):
        """In the order they came in."""
        text = run("list", "sport=7777", "lines=0", "-d", self.dir, "-f",
                   "csv")
        octets = [int(r["octets"]) for r in csv.DictReader(io.StringIO(text))]
        self.assertTrue(octets == list(range(1, len(octets) + 1)),
                        "a flow is missing, double or out of order")
        return len(octets)

    def by_sql(self):
        row = json.loads(run(
            "sql", "SELECT count(*) AS n, coalesce(sum(octets), 0) AS octets, "
            "coalesce(max(octets), 0) AS k FROM flows WHERE src_addr = "
            "inet('10.0.0.3')", "timeout=0", "-d", self.dir, "-f",
            "json"))[0]
        k = row["k"]
        self.assertEqual((row["n"], row["octets"]), (k, k * (k + 1) // 2))
        return k

    def ask(self, number):
        kind = (self.by_report, self.by_list, self.by_sql)[number % 3]
        while not self.over.is_set():
            with self.lock:
                at_least = self.known
            began = time.monotonic()
            k = kind()
            at_most = self.sent
            self.assertGreaterEqual(k, at_least, kind.__name__)
            self.assertLessEqual(k, at_most)
            with self.lock:
                self.known = max(self.known, k)
                self.counts.add(k)
            # The collector wants to work as well.
            time.sleep(0.2 + time.monotonic() - began)

    def test_each_answers_from_what_was_committed(self):
        collector = self.start()
        self.over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(N_QUERIES) as pool:
            asked = [pool.submit(self.ask, i) for i in range(N_QUERIES)]
            try:
                for _ in range(4):  # each has an answer without the next
                    self.send(collector, FIRST_DAY // 4)
                    wait_for(lambda: self.known > self.sent - FIRST_DAY // 4
                             or any(a.done() for a in asked), "answers", 300)
                self.set_clock("2026-03-02 00:00:05")
                # So late that the first day may be finished.
                self.set_clock("2026-03-02 00:30:00")
                self.send(collector, SECOND_DAY)
                wait_for(lambda: self.known == self.sent or
                         any(a.done() for a in asked), "all of it", 300)
            finally:
                self.over.set()
            for a in asked:
                a.result()
        # Who reads may keep a day from being finished, until the end.
        numbers = collector.stop()
        self.assertFalse(os.stat(
            f"{self.dir}/shards/2026-03-01.db").st_mode & 0o222)
        n = FIRST_DAY + SECOND_DAY
        self.assertEqual(numbers["stored"], SOURCES * n)
        # They did see it grow, and the serial answers are those of the end.
        self.assertGreater(len(self.counts), 4)
        self.assertEqual(
            [self.by_report(), self.by_list(), self.by_sql()], [n] * 3)
        self.assertEqual(sorted(map(os.path.basename, glob.glob(
            self.dir + "/shards/*.db"))), ["2026-03-01.db", "2026-03-02.db"])


if __name__ == "__main__":
    main()
