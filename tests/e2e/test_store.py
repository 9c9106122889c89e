# SPDX-License-Identifier: ISC
"""Keeping a store: the catalog, expiry, checks, copies."""

import glob
import os
import sqlite3
import struct
import time

from lib import Store, main, refused, run, wait_for


def datagram(when, n=30, sequence=0):
    """A NetFlow v5 datagram of n flows that ended at when, epoch seconds."""
    header = struct.pack(">HHIIIIBBH", 5, n, 100000, int(when), 0, sequence,
                         0, 0, 0)
    return header + b"".join(
        struct.pack(">IIIHHIIIIHHBBBBHHBBH", 0x0A000000 + i, 0xC0000201, 0, 1,
                    2, 3, 100, 99000, 99500, 1024 + i, 443, 0, 27, 6, 0, 0, 0,
                    24, 24, 0)
        for i in range(n))


def day_name(when):
    return time.strftime("%Y-%m-%d", time.gmtime(when))


class Kept(Store):
    """Days of 30 flows each; ago counts them from today."""

    def setUp(self):
        super().setUp()
        self.now = time.time()

    def when(self, ago):
        """Noon of that day."""
        return (self.now // 86400 - ago) * 86400 + 43200

    def shard(self, ago, suffix=""):
        return f"{self.dir}/shards/{day_name(self.when(ago))}.db{suffix}"

    def fill_days(self, *agos):
        with open(self.path("days.bin"), "wb") as f:
            for ago in agos:
                f.write(datagram(self.when(ago)))
        run("import", "-d", self.dir, self.path("days.bin"))

    def days_left(self):
        return sorted(os.path.basename(p)[:-3]
                      for p in glob.glob(self.dir + "/shards/*.db"))

    def names(self, *agos):
        return sorted(day_name(self.when(ago)) for ago in agos)

    def note(self, *words):
        """The last line of a report: what was read."""
        return run("report", "proto", *words, "-d",
                   self.dir).splitlines()[-1]

    def catalog_days(self):
        with sqlite3.connect(self.dir + "/catalog.db") as db:
            return sorted(day_name(day * 86400) for day, in
                          db.execute("SELECT day FROM shard"))


class Catalog(Kept):
    def test_importing_finished_days_writes_it(self):
        self.fill_days(3, 2, 1)
        self.assertEqual(self.catalog_days(), self.names(3, 2, 1))
        self.fill_days(9)
        self.assertEqual(self.catalog_days(), self.names(9, 3, 2, 1))
        hour = f"from=@{int(self.when(2)) - 60}", f"to=@{int(self.when(2))}"
        self.assertEqual(self.note(*hour),
                         "30 flows read from 1 shard, 1 segment "
                         "(3 left out unread)")
        os.unlink(self.dir + "/catalog.db")
        self.assertEqual(self.note(*hour),
                         "30 flows read from 4 shards, 1 segment "
                         "(3 left out unread)")


class Expire(Kept):
    def test_days_go_by_age(self):
        self.fill_days(95, 90, 2, 1)
        old = self.shard(95)
        size = "%.1fK" % (os.path.getsize(old) / 1024)
        line = f"{size}: older than 90 days\n1 shard"
        self.assertEqual(
            run("expire", "-n", "-d", self.dir, "--max-age", "90d"),
            f"{old}: would go, {line} would go, {size}\n")
        self.assertEqual(self.days_left(), self.names(95, 90, 2, 1))
        self.assertEqual(
            run("expire", "-d", self.dir, "--max-age", "90d"),
            f"{old}: removed, {line} removed, {size}\n")
        self.assertEqual(self.days_left(), self.names(90, 2, 1))
        self.assertEqual(self.catalog_days(), self.names(90, 2, 1))
        self.assertEqual(run("expire", "-d", self.dir, "--max-age", "90d"),
                         "0 shards removed, 0\n")
        self.assertEqual(len(self.flows()), 90)

    def test_days_go_by_size_and_room(self):
        self.fill_days(4, 3, 2, 1)
        size = os.path.getsize(self.shard(4))
        out = run("expire", "-d", self.dir, "--max-size",
                  str(3 * size // 1024) + "K")
        self.assertIn(f"{self.shard(4)}: removed", out)
        self.assertIn("stored\n", out)
        self.assertEqual(self.days_left(), self.names(3, 2, 1))
        # Never the newest, whatever the limit.
        out = run("expire", "-d", self.dir, "--min-free", "8000000T")
        self.assertIn("less than 8000000.0T free", out)
        self.assertEqual(self.days_left(), self.names(1))

    def test_the_collector_keeps_to_limits(self):
        self.fill_days(20, 9, 1)
        collector = self.collector("--max-age", "9d")
        wait_for(lambda: not os.path.exists(self.shard(20)), "expiry")
        collector.send(datagram(self.now))
        wait_for(lambda: len(self.flows()) == 90, "30 flows more")
        log = collector.stop()["line"]
        self.assertRegex(log, f"{self.shard(20)}: removed, [0-9.]+K: older "
                              "than 9 days\n")
        self.assertEqual(self.days_left(), self.names(9, 1, 0))

    def test_beside_a_collector_its_day_stays(self):
        self.fill_days(3, 1)
        collector = self.collector()
        collector.send(datagram(self.now))
        wait_for(lambda: len(self.flows()) == 90, "30 flows more")
        run("expire", "-d", self.dir, "--max-size", "1", "--max-age", "1d")
        self.assertEqual(self.days_left(), self.names(0))
        collector.send(datagram(self.now, sequence=30))
        self.assertEqual(collector.stop()["stored"], 60)
        self.assertEqual(len(self.flows()), 60)

    def test_wrong_use_is_said(self):
        for args, want in (
                ((), "no limit given, want max-size, max-age or min-free, "
                     "such as --max-age 90d"),
                (("--max-size", "10X"),
                 '--max-size: "10X" cannot be used, want bytes'),
                (("--max-age", "90"),
                 '--max-age: "90" cannot be used, want days, such as 90d'),
                (("--max-age",), "--max-age needs a value"),
                (("--keep", "9"), 'unknown option "--keep"'),
                (("-n", "90d"), '"90d" is no option')):
            with self.subTest(args):
                self.assertIn(want, refused("expire", "-d", self.dir, *args))
        self.assertIn(self.dir, refused("expire", "-d", self.dir, "--max-age",
                                        "1d", status=1))
        self.assertIn('--max-size: "no" cannot be used, want',
                      refused("collect", "-d", self.dir, "--max-size", "no"))
        self.assertIn("\nexamples:\n", run("expire", "-h"))


class Check(Kept):
    def test_a_whole_store_is_clean(self):
        self.fill_days(2, 1)
        self.assertEqual(run("check", "-d", self.dir),
                         "2 shards checked, 0 findings\n")
        collector = self.collector()
        collector.send(datagram(self.now))
        wait_for(lambda: len(self.flows()) == 90, "30 flows more")
        self.assertEqual(run("check", "-d", self.dir, "--full"),
                         "3 shards checked, 0 findings\n")
        line = refused("check", "-d", self.dir, "--repair", status=1)
        self.assertIn(str(collector.process.pid), line)
        collector.stop()

    def test_a_killed_collectors_day_is_finished(self):
        collector = self.collector()
        collector.send(datagram(self.now))
        wait_for(lambda: len(self.flows()) == 30, "30 flows")
        collector.kill()
        for path in glob.glob(self.shard(0) + "*"):
            os.rename(path, path.replace(self.shard(0), self.shard(3)))
        self.assertEqual(
            run("check", "-d", self.dir, status=1),
            f"{self.shard(3)}: the day is over, its shard is not finished: "
            "weir check --repair finishes it\n1 shard checked, 1 finding\n")
        out = run("check", "-d", self.dir, "--repair")
        self.assertIn("finished: finished\n1 shard checked, 1 finding, 1 "
                      "mended\n", out)
        self.assertEqual(os.listdir(self.dir + "/shards"),
                         [os.path.basename(self.shard(3))])
        run("check", "-d", self.dir, "--full")
        self.assertEqual(len(self.flows()), 30)

    def test_a_damaged_shard_is_saved_and_set_aside(self):
        self.fill_days(2)
        with open(self.path("day.bin"), "wb") as f:
            for i in range(1000):
                f.write(datagram(self.when(1), sequence=30 * i))
        run("import", "-d", self.dir, self.path("day.bin"))
        os.chmod(self.shard(1), 0o644)
        with open(self.shard(1), "r+b") as f:
            f.seek(8192 * 60)
            f.write(b"\xa5" * 8192 * 2)
        self.assertIn(f"{self.shard(1)}: damaged: ",
                      run("check", "-d", self.dir, status=1))
        out = run("check", "-d", self.dir, "--repair")
        self.assertRegex(out, r"\d+ flows saved, \d+ known to be lost; the "
                              f"file is now {self.shard(1)}.damaged-")
        self.assertEqual(len(glob.glob(self.shard(1, ".damaged-*"))), 1)
        self.assertGreater(len(self.flows()), 29000)
        self.assertEqual(run("check", "-d", self.dir, "--full"),
                         "2 shards checked, 0 findings\n")

    def test_wrong_use_is_said(self):
        self.assertIn('unknown option "--fix"', refused("check", "--fix"))
        self.assertIn('"all" is no option', refused("check", "all"))
        missing = self.path("none")
        for option in ("--full", "--repair"):
            self.assertIn(missing, refused("check", option, "-d", missing,
                                           status=1))
        self.assertFalse(os.path.exists(missing))
        self.assertIn("\nexamples:\n", run("check", "-h"))


class Backup(Kept):
    def test_a_copy_of_a_running_collector_is_a_store(self):
        self.fill_days(2, 1)
        collector = self.collector()
        collector.send(*(datagram(self.now, sequence=30 * i)
                         for i in range(100)))
        wait_for(lambda: len(self.flows()) == 3060, "3000 flows more")
        copy = self.path("copy")
        collector.send(*(datagram(self.now, sequence=3000 + 30 * i)
                         for i in range(100)))
        out = run("backup", "-d", self.dir, copy)
        self.assertRegex(out, r"3 shards copied, [0-9.]+[KM]; 0 there")
        taken, self.dir = self.dir, copy
        self.assertEqual(run("check", "-d", copy, "--full"),
                         "3 shards checked, 0 findings\n")
        flows = len(self.flows())
        self.assertGreaterEqual(flows, 3060)
        self.assertEqual(flows % 30, 0)
        self.assertEqual(self.catalog_days(), self.names(2, 1))
        self.dir = taken
        self.assertEqual(collector.stop()["stored"], 6000)
        self.assertIn("1 shard copied", run("backup", "-d", taken, copy))
        self.dir = copy
        self.assertEqual(len(self.flows()), 6060)
        # The copy is collected into as any data folder.
        again = self.collector()
        again.send(datagram(self.now))
        self.assertEqual(again.stop()["stored"], 30)
        self.assertEqual(len(self.flows()), 6090)

    def test_wrong_use_is_said(self):
        self.fill_days(1)
        copy = self.path("copy")
        self.assertIn("no DEST given", refused("backup", "-d", self.dir))
        self.assertIn("is one too many",
                      refused("backup", "-d", self.dir, copy, copy))
        self.assertIn("is the data folder itself",
                      refused("backup", "-d", self.dir, self.dir + "/"))
        self.assertIn(copy, refused("backup", "-d", copy, self.dir, status=1))
        self.assertIn("/proc/weir", refused("backup", "-d", self.dir,
                                            "/proc/weir", status=1))
        self.assertIn("\nexamples:\n", run("backup", "-h"))


if __name__ == "__main__":
    main()
