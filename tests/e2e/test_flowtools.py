# SPDX-License-Identifier: ISC
"""flow-tools files in: every field that flow-export sees, and what is wrong
with a file."""

import csv
import glob
import gzip
import sqlite3
import subprocess

from lib import ENV, WEIR, Store, data, main, refused, run

# flow-export prints the exporter, `weir list` both by these names.
COLUMNS = {
    "exporter": "exaddr", "engine_type": "engine_type",
    "engine_id": "engine_id", "src_addr": "srcaddr", "dst_addr": "dstaddr",
    "next_hop": "nexthop", "input_if": "input", "output_if": "output",
    "packets": "dpkts", "octets": "doctets", "src_port": "srcport",
    "dst_port": "dstport", "tcp_flags": "tcp_flags", "protocol": "prot",
    "tos": "tos", "src_as": "src_as", "dst_as": "dst_as",
    "src_mask": "src_mask", "dst_mask": "dst_mask",
}
REAL = "sparknetflow-ftv5.compress9.large-byte-start"


def decoded(name):
    """What flow-export makes of a file."""
    path, = glob.glob(data(f"expected/{name}.flow-export.csv*"))
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        return list(csv.DictReader(
            line.removeprefix("#:") for line in f))


def times(record):
    """Start and end by the rule of nf5.h."""
    export = int(record["unix_secs"]) * 1000 + \
        int(record["unix_nsecs"]) // 1000000
    ticks = []
    for tick in ("first", "last"):
        delta = (int(record["sysuptime"]) - int(record[tick])) % 2**32
        ticks.append(export - delta if delta <= 2**31
                     else export + 2**32 - delta)
    start, end = sorted(ticks)
    return str(max(start, end - 7 * 86400000)), str(end)


class FlowTools(Store):
    def test_every_field_equals_what_flow_export_sees(self):
        names = [p.rsplit("/", 1)[1] for p in glob.glob(data("sparknet*"))]
        self.assertEqual(len(names), 4)
        for name in names:
            with self.subTest(name):
                want = decoded(name)
                self.assertEqual(len(want), 0 if "empty" in name else 1000)
                self.dir = self.path(name)
                self.fill(name)
                self.assertEqual(
                    [(*(r[c] for c in COLUMNS), r["start_ms"], r["end_ms"])
                     for r in self.flows()],
                    [(*(r[c] for c in COLUMNS.values()), *times(r))
                     for r in want])

    def test_no_sequence_is_stored(self):
        self.fill(REAL)
        for shard in glob.glob(self.dir + "/shards/*.db"):
            with sqlite3.connect(f"file:{shard}?mode=ro", uri=True) as db:
                self.assertEqual(
                    db.execute("SELECT DISTINCT sequence FROM packet")
                    .fetchall(), [(None,)])

    def test_a_file_cut_in_the_middle_keeps_what_came_before(self):
        cut = self.path("tmp-v05")
        with open(data(REAL), "rb") as f:
            content = f.read()
        with open(cut, "wb") as f:
            f.write(content[:9000])
        done = subprocess.run([WEIR, "import", "-d", self.dir, cut], env=ENV,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        n = len(self.flows())
        self.assertIn(f"{cut}: the compressed data ends in the middle, after "
                      f"{n} flows", done.stderr)
        self.assertGreater(n, 400)
        self.assertEqual(
            [r["src_addr"] for r in self.flows()],
            [r["srcaddr"] for r in decoded(REAL)[:n]])

    def test_other_versions_are_refused_by_name(self):
        path = self.path("ft-v07")
        with open(path, "wb") as f:
            f.write(bytes.fromhex("cf100203 00000010 00020002 00070000"))
        self.assertIn("flow-tools file of NetFlow v7", refused(
            "import", "-d", self.dir, path))

    def test_files_can_be_replayed(self):
        collector = self.collector()
        out = run("send", data(REAL), "--to",
                  f"127.0.0.1:{collector.port}", "--rate", "20000")
        self.assertIn("sent 34 datagrams, 1000 flows", out)
        self.assertEqual(collector.stop()["stored"], 1000)


if __name__ == "__main__":
    main()
