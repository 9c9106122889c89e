# SPDX-License-Identifier: ISC
"""The collector in trouble: what was stored stays, what came is not lost, and
it goes on by itself."""

import contextlib
import glob
import os
import random
import resource
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from unittest import mock

from lib import ENV, Store, data, main, run, wait_for
from test_collect import datagram


def today(store):
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{store.dir}/shards/{day}.db"


def opened(uri):
    """A connection that is closed behind its with block."""
    return contextlib.closing(sqlite3.connect(uri, uri=True))


class Sender(threading.Thread):
    """Datagrams of 30 flows, numbered, at 500 a second until stopped."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.sent, self.over = port, [], threading.Event()
        self.start()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while not self.over.is_set():
                s.sendto(datagram(30 * len(self.sent)),
                         ("127.0.0.1", self.port))
                self.sent.append(time.monotonic())
                time.sleep(0.002)

    def stop(self):
        self.over.set()
        self.join()


class Trouble(Store):
    def stored(self):
        """Numbers of the datagrams stored today, in order of arrival."""
        with opened(f"file:{today(self)}?mode=ro") as db:
            return [row[0] // 30 for row in db.execute(
                "SELECT sequence FROM packet ORDER BY id").fetchall()]

    def check_sound(self):
        for shard in glob.glob(self.dir + "/shards/*.db"):
            with opened("file:" + shard) as db:
                self.assertEqual(db.execute(
                    "PRAGMA integrity_check").fetchall(), [("ok",)], shard)
                for id_, n in db.execute(
                        "SELECT id, n_flows FROM segment").fetchall():
                    self.assertEqual(db.execute(
                        f"SELECT count(*) FROM flow_{id_:04}").fetchone()[0],
                        n, shard)

    def kill_while_sending(self, after):
        collector = self.collector()
        sender = Sender(collector.port)
        time.sleep(after)
        collector.kill()
        killed = time.monotonic()
        sender.stop()
        return sender, killed

    def test_killed_at_100_moments_it_loses_a_second_at_most(self):
        pick = random.Random(5)
        for turn in range(100):
            after = 1.7 if turn % 20 == 0 else pick.uniform(0, 0.35)
            before = len(self.stored()) if turn > 0 else 0
            sender, killed = self.kill_while_sending(after)
            new = self.stored()[before:]
            # Without a hole, and all that was sent a second before the end.
            self.assertEqual(new, list(range(len(new))))
            due = sum(1 for t in sender.sent if t < killed - 1)
            self.assertGreaterEqual(len(new), due)
        self.check_sound()
        self.assertEqual(len(self.flows()), 30 * len(self.stored()))

    def test_a_full_disk_is_waited_out(self):
        collector = self.collector()
        sender = Sender(collector.port)
        wait_for(lambda: len(self.stored()) > 50, "flows")
        # No file may grow any more: what a full disk looks like from here.
        size = max(os.path.getsize(f) for f in
                   glob.glob(self.dir + "/shards/*")) + 8192
        pid = collector.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
        wait_for(lambda: "kept in memory" in collector.text(), "the error")
        time.sleep(1.5)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        wait_for(lambda: "writing again" in collector.text(), "recovery")
        sender.stop()
        numbers = collector.stop()
        self.assertEqual(numbers["stored"], 30 * len(sender.sent))
        self.assertEqual(self.stored(), list(range(len(sender.sent))))
        self.assertEqual(collector.text().count("kept in memory"), 1)
        self.check_sound()

    def test_somebodys_long_transaction_is_waited_out(self):
        collector = self.collector()
        collector.send(datagram(0))
        wait_for(lambda: len(self.stored()) == 1, "a datagram")
        other = sqlite3.connect(today(self), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        sender = Sender(collector.port)
        wait_for(lambda: "flows are kept in memory" in collector.text(),
                 "the error")
        other.execute("ROLLBACK")
        other.close()
        wait_for(lambda: "writing again" in collector.text(), "recovery")
        sender.stop()
        numbers = collector.stop()
        self.assertEqual(numbers["stored"], 30 + 30 * len(sender.sent))
        self.check_sound()

    def set_aside(self, kind):
        with open(today(self), "rb") as f:
            before = f.read()
        collector = self.collector()
        collector.send(datagram(0))
        collector.stop()
        self.assertEqual(len(self.flows()), 30)
        aside = glob.glob(f"{today(self)}.{kind}-*")
        self.assertEqual(len(aside), 1)
        with open(aside[0], "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertIn(f"set aside as {aside[0]}", collector.text())

    def test_a_shard_that_is_no_database_is_set_aside(self):
        os.makedirs(self.dir + "/shards")
        with open(today(self), "w", encoding="utf-8") as f:
            f.write("no database at all, just some words. " * 10)
        self.set_aside("damaged")

    def test_a_shard_of_a_newer_weir_is_set_aside(self):
        self.collector().stop()
        with opened("file:" + today(self)) as db:
            db.execute("PRAGMA user_version = 99")
        self.set_aside("newer")

    def test_a_shard_damaged_while_in_use_is_set_aside(self):
        collector = self.collector()
        collector.send(*(datagram(30 * i) for i in range(40)))
        wait_for(lambda: len(self.stored()) == 40, "datagrams")
        collector.stop()
        with open(today(self), "r+b") as f:
            f.seek(8192)
            f.write(b"\xa5" * (os.path.getsize(today(self)) - 8192))
        collector = self.collector()
        collector.send(datagram(0), datagram(30))
        wait_for(lambda: "set aside" in collector.text(), "the notice")
        numbers = collector.stop()
        self.assertEqual(numbers["stored"], 60)
        self.assertEqual(len(self.flows()), 60)

    def test_a_removed_folder_is_made_again(self):
        collector = self.collector()
        collector.send(datagram(0))
        wait_for(lambda: len(self.stored()) == 1, "a datagram")
        shutil.rmtree(self.dir)
        wait_for(lambda: "removed while" in collector.text(), "the notice")
        collector.send(datagram(30))
        numbers = collector.stop()
        self.assertEqual(numbers["received"], 60)
        self.assertEqual(self.stored(), [1])

    def test_an_unfinished_day_is_finished_by_the_next_start(self):
        collector = self.collector()
        collector.send(datagram(0))
        wait_for(lambda: len(self.stored()) == 1, "a datagram")
        collector.kill()
        old = self.dir + "/shards/2026-01-02.db"
        for part in ("", "-wal", "-shm"):
            if os.path.exists(today(self) + part):
                os.rename(today(self) + part, old + part)
        self.collector().stop()
        self.assertEqual(os.stat(old).st_mode & 0o777, 0o444)
        self.assertFalse(os.path.exists(old + "-wal"))
        self.assertEqual(len(self.flows()), 30)

    def test_a_reader_that_stays_keeps_no_import_from_its_end(self):
        self.fill("softflowd-synscan.pcap")
        shard = glob.glob(self.dir + "/shards/*.db")[0]
        os.chmod(shard, 0o644)
        with opened("file:" + shard) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
            with opened("file:" + shard) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM flow_0001").fetchone()
                run("import", "--again", "-d", self.dir,
                    data("softflowd-synscan.pcap"))
                self.assertEqual(len(self.flows()), 4004)
                self.assertNotEqual(os.stat(shard).st_mode & 0o777, 0o444)
        self.collector().stop()
        self.assertEqual(os.stat(shard).st_mode & 0o777, 0o444)

    def test_the_clock_may_jump_over_midnight_and_back(self):
        subprocess.run(["faketime", "--version"], check=True,
                       stdout=subprocess.DEVNULL)
        clock = self.path("clock")
        env = dict(ENV, FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE="1",
                   FAKETIME_DONT_FAKE_MONOTONIC="1",
                   # A sanitized build wants its own library first.
                   ASAN_OPTIONS="verify_asan_link_order=0",
                   LD_PRELOAD=glob.glob(
                       "/usr/lib/*/faketime/libfaketime.so.1")[0])

        def set_clock(text):
            with open(clock + ".new", "w", encoding="utf-8") as f:
                f.write("@" + text + "\n")
            os.rename(clock + ".new", clock)

        set_clock("2026-03-01 23:59:58")
        with mock.patch.dict(ENV, env):
            collector = self.collector()
        for i, moment in enumerate((
                "2026-03-01 23:59:50", "2026-03-02 00:00:05",
                "2026-03-01 23:59:40", "2026-03-02 00:02:00",
                "2026-03-01 12:00:00", "2026-03-02 00:05:00")):
            set_clock(moment)
            collector.send(*(datagram(300 * i + 30 * k) for k in range(10)))
            time.sleep(0.7)
        numbers = collector.stop()
        self.assertEqual(numbers["stored"], 1800)
        self.assertEqual(len(self.flows()), 1800)
        self.assertEqual(sorted(os.path.basename(s) for s in glob.glob(
            self.dir + "/shards/*.db")), ["2026-03-01.db", "2026-03-02.db"])
        for shard, n in (("2026-03-01", 30), ("2026-03-02", 30)):
            with opened(f"file:{self.dir}/shards/{shard}.db") as db:
                self.assertEqual(db.execute(
                    "SELECT count(*) FROM packet").fetchone()[0], n)
        self.check_sound()


if __name__ == "__main__":
    main()
