# SPDX-License-Identifier: ISC
"""--explain: what would be read, held against what is read."""

import json
import os
import re
import socket
import sqlite3
import struct

from lib import Store, main, refused, run

DAY = 86400
START = 1731628800  # 2024-11-15, a Friday


def datagram(when, flows):
    """v5 with one flow for each (source, destination port)."""
    return struct.pack(">HHIIIIBBH", 5, len(flows), 60000, when, 0, 0, 0, 0,
                       0) + b"".join(
        struct.pack(">IIIHHIIIIHHBBBBHHBBH",
                    struct.unpack(">I", socket.inet_aton(src))[0], 0x0a000063,
                    0, 1, 2, 3, 100, 59000, 60000, 1024, port, 0, 18, 6, 0, 0,
                    0, 0, 0, 0)
        for src, port in flows)


class Explain(Store):
    def setUp(self):
        super().setUp()
        # Three days at noon; of 3,000 flows a day 10.1.0.DAY sends ten, which
        # go to port 7, and one more to 443 like all others.
        with open(self.path("days.bin"), "wb") as f:
            for day in range(3):
                for i in range(100):
                    flows = [("10.0.0.1", 443)] * 30
                    if i % 10 == 0:
                        flows[0] = (f"10.1.0.{day}", 7)
                    if i == 55:
                        flows[7] = (f"10.1.0.{day}", 443)
                    f.write(datagram(START + day * DAY + 43200 + i, flows))
        run("import", "-d", self.dir, self.path("days.bin"))

    def explain(self, *words):
        return json.loads(
            run(*words, "--explain", "-d", self.dir, "-f", "json"))

    def rows(self, *words):
        return [(r["day"], r["segments"], r["flows"], r["how"], r["why"],
                 r["rows"]) for r in self.explain(*words)["rows"]]

    def test_the_way_is_told_by_day_with_its_reason(self):
        no_span = "no flow is in the span"
        cases = (
            ((), "1", "row by row", "all its flows are asked for", 3000),
            (("dport=443",), "1", "row by row",
             "no index leads to few enough rows", 3000),
            (("dport=7",), "1", "by index dst_port",
             "that leads to fewest rows", 10),
            (("src=10.0.0.1", "dport=7"), "1", "by index dst_port",
             "that leads to fewest rows", 10),
            (("where=src 10.1.0.0/16 or dst port 7",), "1",
             "by indexes src_addr, dst_port", "these lead to fewest rows",
             21),
        )
        for words, segments, how, why, n in cases:
            with self.subTest(words):
                self.assertEqual(self.rows("report", "src", *words), [
                    (f"2024-11-{15 + day}", segments, 3000, how, why, n)
                    for day in range(3)])
        self.assertEqual(
            self.rows("list", "src=10.1.0.1"),
            [("2024-11-15", "all", 3000, "not at all",
              "none of the addresses is in its flows", 0),
             ("2024-11-16", "1", 3000, "by index src_addr",
              "that leads to fewest rows", 11),
             ("2024-11-17", "all", 3000, "not at all",
              "none of the addresses is in its flows", 0)])
        span = ["from=2024-11-17", "to=2024-11-18"]
        rows = self.rows("list", *span)
        self.assertEqual([r[3:5] for r in rows], [
            ("not at all", no_span), ("not at all", no_span),
            ("row by row", "all its flows are asked for")])
        narrow = self.rows("list", "from=2024-11-17T12:00:30",
                           "to=2024-11-17T12:00:32", "src=10.0.0.1")
        self.assertEqual(narrow[2][3:5],
                         ("by index end_ms", "the span is narrow"))
        self.assertLess(narrow[2][5], 200)

    def test_what_is_told_is_what_is_read(self):
        """The notes of answers count shards and segments alike."""
        for words in (["dport=7"], ["src=10.1.0.1"],
                      ["from=2024-11-17", "to=2024-11-18"], ["proto=17"]):
            plan = run("report", "src", *words, "-n", "-d", self.dir)
            note = run("report", "src", *words, "-d", self.dir)
            with self.subTest(words):
                opened, to_read, left = re.search(
                    r"(\d+) shards? opened, .* (\d+) segments? to read, "
                    r"(\d+) left out", plan).groups()
                shards, segments, rest = re.search(
                    r"read from (\d+) shards?, (\d+) segments?(.*)",
                    note).groups()
                pruned = re.search(r"\((\d+) left out", rest)
                self.assertEqual((opened, to_read, left), (
                    shards, segments, pruned[1] if pruned else "0"))

    def test_its_sql_runs_in_sqlite(self):
        row = self.explain("list", "dport=7", "src=10.1.0.0")["rows"][0]
        self.assertNotIn("10.1", row["sql"])
        db = sqlite3.connect(
            f"file:{self.dir}/shards/{row['day']}.db?mode=ro", uri=True)
        taken = []

        class Take:
            """What weir puts into its batches."""

            def step(self, *values):
                taken.append(values)

            def finalize(self):
                pass
        db.create_aggregate("take", -1, Take)
        binds = dict(re.findall(r":(\w+)=(-?\d+)", row["binds"]))
        self.assertEqual(len(binds), 2)
        db.execute(row["sql"], {k: int(v) for k, v in binds.items()})
        self.assertEqual(len(taken), 10)
        db.close()

    def test_every_command_that_reads_flows_has_it(self):
        for args in (["report", "src"], ["report", "summary"],
                     ["report", "scan"], ["list"], ["graph", "bps"],
                     ["export", "-o", self.path("not.pcap")]):
            with self.subTest(args):
                text = run(*args, "dport=7", "--explain", "-d", self.dir)
                if args[0] == "export":
                    with open(self.path("not.pcap"), encoding="ascii") as f:
                        text = f.read()
                self.assertTrue(
                    text.startswith("explain\ndport=7\nall times\n"), text)
                self.assertIn("by index dst_port", text)
                self.assertIn("INDEXED BY flow_0001_dst_port", text)
        answer = self.explain("list", "port=7,http", "proto=tcp")
        self.assertEqual(answer["filter"], "port=7,80 proto=tcp")

    def test_what_cannot_be_explained(self):
        self.assertIn("reads no flows", refused(
            "report", "loss", "-n", "-d", self.dir))
        self.assertIn("unknown option", refused(
            "filter", "--explain", "-d", self.dir))
        os.truncate(f"{self.dir}/shards/2024-11-15.db", 5000)
        self.assertIn("2024-11-15", refused(
            "list", "--explain", "-d", self.dir, status=1))


if __name__ == "__main__":
    main()
