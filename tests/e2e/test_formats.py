# SPDX-License-Identifier: ISC
"""Stores of earlier formats: answered from as they are, renewed on demand."""

import glob
import gzip
import os
import shutil
import sqlite3
import stat

from lib import Store, data, main, run

# What weir of format 1 made of softflowd-ndpi-mix.pcap.
FINISHED = "shard-1-finished.db.gz", "2024-03-01.db"
OPEN = "shard-1-open.db.gz", "2024-03-02.db"

# Words that touch what the formats store in different ways, and what not.
ASKED = [[], ["src=10.0.0.0/8"], ["dport=443", "proto=tcp"], ["flags=S/SA"],
         ["from=2024-03-01T12:05", "to=2024-03-01T12:06"],
         ["exporter=0.0.0.0/0", "sport=53"]]


class Formats(Store):
    def unpack(self, file, name):
        os.makedirs(self.dir + "/shards", exist_ok=True)
        path = f"{self.dir}/shards/{name}"
        with gzip.open(data(file)) as f, open(path, "wb") as to:
            shutil.copyfileobj(f, to)
        if file == FINISHED[0]:
            os.chmod(path, 0o444)
        return path

    def fresh(self):
        """The same flows in the format of today."""
        folder = self.path("fresh")
        run("import", "-d", folder, data("softflowd-ndpi-mix.pcap"))
        return folder

    def assert_same_answers(self, other):
        for words in ASKED:
            with self.subTest(words):
                for ask in (["list", "-f", "csv"],
                            ["report", "src,dport,flags,tos,in_if,next_hop",
                             "-f", "csv", "lines=0"]):
                    ours = run(*ask, *words, "-d", self.dir)
                    self.assertEqual(ours, run(*ask, *words, "-d", other))
                    self.assertGreater(ours.count("\n"), 2)

    def version(self, path):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            return db.execute("PRAGMA user_version").fetchone()[0]

    def test_an_earlier_format_gives_the_same_answers(self):
        path = self.unpack(*FINISHED)
        before = os.stat(path)
        self.assert_same_answers(self.fresh())
        after = os.stat(path)
        self.assertEqual((before.st_mtime_ns, before.st_mode),
                         (after.st_mtime_ns, after.st_mode))
        self.assertEqual(self.version(path), 1)

    def test_check_tells_and_renews(self):
        path = self.unpack(*FINISHED)
        fresh = self.fresh()
        out = run("check", "--repair", "-d", self.dir)
        self.assertIn("1 of an earlier format renewed\n", out)
        self.assertNotEqual(self.version(path), 1)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o444)
        self.assertEqual(glob.glob(path + "?*"), [])
        self.assert_same_answers(fresh)
        out = run("check", "--full", "-d", self.dir)
        self.assertEqual(out, "1 shard checked, 0 findings\n")

    def test_an_earlier_format_is_no_finding(self):
        self.unpack(*FINISHED)
        run("check", "-d", self.dir, status=1)  # no catalog yet
        run("backup", "-d", self.dir, self.path("copy"))
        out = run("check", "-d", self.path("copy"))
        self.assertEqual(
            out, "1 shard checked, 0 findings\n1 of an earlier format, which "
            "is read as it is; weir check --repair renews it\n")

    def test_a_collector_goes_on_with_the_day_of_an_earlier_one(self):
        """It was upgraded: the day that was open is finished by its heir."""
        path = self.unpack(*OPEN)
        flows = self.flows()
        self.assertEqual(len(flows), 385)
        collector = self.collector()
        collector.stop()
        self.assertEqual(self.flows(), flows)
        self.assertNotEqual(self.version(path), 1)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o444)

    def test_late_flows_join_an_earlier_format(self):
        path = self.unpack(*FINISHED)
        flows = self.flows()
        self.fill("softflowd-ndpi-mix.pcap")  # it is not known here: twice
        self.assertEqual(self.flows(), flows + flows)
        self.assertNotEqual(self.version(path), 1)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o444)
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            self.assertEqual(db.execute(
                "SELECT count(*), sum(src_as), sum(quirks) FROM flows"
            ).fetchone()[0], 2 * 2429)


main()
