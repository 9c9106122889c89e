# SPDX-License-Identifier: ISC
"""Files imported twice, trees of files, and imports that were interrupted."""

import contextlib
import glob
import os
import pty
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import time

from lib import ENV, WEIR, Store, data, main, refused, run

REPEATS = 4
BACKBONE = {"flows": 93969, "packets": 519306205, "octets": 385271091219}


class Again(Store):
    def test_a_content_is_imported_once(self):
        first = self.fill("goflow2-v5.bin")
        copy = self.path("copy")
        shutil.copy(data("goflow2-v5.bin"), copy)
        out = run("import", "-d", self.dir, copy)
        self.assertIn("6 flows", first)
        self.assertRegex(
            out, r"copy: already imported on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, "
            r"skipped \(--again imports it once more\)\n")
        self.assertEqual(len(self.flows()), 6)
        self.assertIn("6 flows", run("import", "--again", "-d", self.dir,
                                     copy))
        self.assertEqual(len(self.flows()), 12)
        self.assertIn("skipped", self.fill("goflow2-v5.bin"))
        with open(copy, "ab") as f, open(data("lumbermill-v5.bin"),
                                         "rb") as more:
            f.write(more.read())
        self.assertIn("8 flows", run("import", "-d", self.dir, copy))

    def test_damage_is_told_once_and_what_was_there_is_there(self):
        cut = self.path("cut")
        with open(data("softflowd-ndpi-mix.pcap"), "rb") as f, \
                open(cut, "wb") as to:
            to.write(f.read(60000))
        done = subprocess.run(
            [WEIR, "import", "-d", self.dir, cut], env=ENV,
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        n = len(self.flows())
        self.assertGreater(n, 1000)
        self.assertIn("skipped", run("import", "-d", self.dir, cut))
        self.assertEqual(len(self.flows()), n)

    def test_a_pipe_is_never_known_again(self):
        for n in (6, 12):
            with open(data("goflow2-v5.bin"), "rb") as f:
                subprocess.run([WEIR, "import", "-d", self.dir, "-"],
                               stdin=f, env=ENV, check=True,
                               capture_output=True)
            self.assertEqual(len(self.flows()), n)

    def test_other_formats_are_not_remembered(self):
        text = self.path("text")
        with open(text, "w", encoding="utf-8") as f:
            f.write("these are words\n")
        for _ in range(2):
            self.assertIn("unknown format", refused(
                "import", "-d", self.dir, text))
        self.assertFalse(os.path.exists(self.dir))


class Trees(Store):
    def test_files_are_taken_in_the_order_of_their_names(self):
        tree = self.path("tree")
        files = {"2024/03/ft-b": "goflow2-v5.bin",
                 "2024/03/ft-a": "lumbermill-v5.bin",
                 "2023/12/ft-z": "telegraf-netflow_v5.bin",
                 "2024.extra": "dpkt-v5.bin"}
        for name, origin in files.items():
            os.makedirs(os.path.dirname(f"{tree}/{name}"), exist_ok=True)
            shutil.copy(data(origin), f"{tree}/{name}")
        os.mkfifo(f"{tree}/2024/pipe")
        out = run("import", "-d", self.dir, tree)
        self.assertEqual(
            [line.split(": ")[0].removeprefix(tree + "/")
             for line in out.splitlines()],
            ["2023/12/ft-z", "2024/03/ft-a", "2024/03/ft-b", "2024.extra"])
        self.assertEqual(len(self.flows()), 6 + 2 + 8 + 29)
        self.assertEqual(run("import", "-d", self.dir, tree).count("skipped"),
                         4)

    def test_what_cannot_be_read_is_said_and_the_rest_taken(self):
        tree = self.path("tree")
        os.makedirs(tree + "/a")
        os.symlink("../a", tree + "/a/loop")
        os.symlink("nowhere", tree + "/a/nothing")
        shutil.copy(data("goflow2-v5.bin"), tree + "/z")
        done = subprocess.run([WEIR, "import", "-d", self.dir, tree], env=ENV,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("a/loop: a link to a folder it is in", done.stderr)
        self.assertIn("a/nothing: a link to nothing", done.stderr)
        self.assertIn("6 flows", done.stdout)

    def test_an_empty_folder_is_said(self):
        os.mkdir(self.path("empty"))
        self.assertIn("empty: no file in this folder", refused(
            "import", "-d", self.dir, self.path("empty"), status=1))


class Interrupted(Store):
    def big(self):
        """A capture that takes some commits."""
        path = self.path("big.pcap")
        with open(data("nfreplay-backbone94k.pcap"), "rb") as f:
            content = f.read()
        with open(path, "wb") as f:
            f.write(content[:24] + content[24:] * REPEATS)
        return path

    def many_days(self):
        """A capture whose flows go to more shards than are open at once."""
        names = ("softflowd-restarts.pcap", "nfreplay-backbone94k.pcap",
                 "erikwilson-flow_capture.bin", "softflowd-ndpi-mix.pcap")
        source = self.path("source")
        run("import", "-d", source, *map(data, names))
        whole = self.path("whole.pcap")
        run("export", "-d", source, "-o", whole)
        with open(whole, "rb") as f:
            content = f.read()
        at, frames = 24, []
        while at < len(content):
            length, = struct.unpack_from("<I", content, at + 8)
            frames.append(content[at:at + 16 + length])
            at += 16 + length
        # Days alternate: no datagram is of the day of the one before.
        mixed = [f for i in range(29) for f in frames[i::29]]
        with open(whole, "wb") as f:
            f.write(content[:24] + b"".join(mixed))
        return whole

    def sums(self):
        return self.report("proto")["total"]

    def noted(self):
        """How many datagrams of an import are committed."""
        n = 0
        for shard in glob.glob(self.dir + "/shards/*.db"):
            try:
                with contextlib.closing(sqlite3.connect(
                        f"file:{shard}?mode=ro", uri=True)) as db:
                    n += db.execute("SELECT total(n_datagrams) FROM import") \
                        .fetchone()[0]
            except sqlite3.Error:
                continue  # just being made
        return n

    def start(self, path):
        return subprocess.Popen([WEIR, "import", "-d", self.dir, path],
                                env=ENV, stdout=subprocess.PIPE, text=True)

    def test_a_killed_import_goes_on_where_it_was(self):
        path = self.big()
        process = self.start(path)
        while process.poll() is None and self.noted() == 0:
            time.sleep(0.005)
        self.assertIsNone(process.poll(), "it ended before its first commit")
        process.kill()
        process.wait()
        process.stdout.close()
        before = self.sums()["flows"]
        self.assertGreater(before, 0)
        self.assertLess(before, REPEATS * BACKBONE["flows"])
        out = run("import", "-d", self.dir, path)
        self.assertRegex(out, r"; stored before it was interrupted: \d+")
        self.assertIn(f" {REPEATS * BACKBONE['flows'] - before} flows", out)
        total = self.sums()
        self.assertEqual({k: total[k] for k in BACKBONE},
                         {k: v * REPEATS for k, v in BACKBONE.items()})
        self.assertIn("skipped", run("import", "-d", self.dir, path))

    def test_killed_again_and_again_over_many_days(self):
        path = self.many_days()
        process, delay = None, 0.05
        while process is None or process.returncode != 0:
            process = self.start(path)
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            self.assertIn(process.returncode, (0, -signal.SIGKILL))
            delay += 0.1
        want = self.dir
        self.dir = self.path("at-once")
        self.assertIn("already imported", run("import", "-d", want, path))
        run("import", "-d", self.dir, path)
        columns = ("exporter", "src_addr", "dst_addr", "start_ms", "octets",
                   "src_port", "dst_port")
        at_once = sorted(tuple(r[c] for c in columns) for r in self.flows())
        self.dir = want
        self.assertEqual(
            sorted(tuple(r[c] for c in columns) for r in self.flows()),
            at_once)

    def test_a_full_disk_leaves_no_gap(self):
        path = self.big()

        def limit():
            size = 12 * 1024 * 1024
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        done = subprocess.run(
            [WEIR, "import", "-d", self.dir, path], env=ENV, text=True,
            capture_output=True, preexec_fn=limit, restore_signals=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        before = self.sums()["flows"]
        self.assertGreater(before, 0)
        out = run("import", "-d", self.dir, path)
        self.assertIn(f" {REPEATS * BACKBONE['flows'] - before} flows", out)
        self.assertEqual(self.sums()["octets"], REPEATS * BACKBONE["octets"])

    def test_a_terminal_sees_how_far_it_is(self):
        fifo = self.path("slow")
        os.mkfifo(fifo)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [WEIR, "import", "-d", self.dir, fifo], env=ENV, stderr=theirs,
            stdout=subprocess.PIPE)
        os.close(theirs)
        with open(data("nfreplay-backbone94k.pcap"), "rb") as f:
            content = f.read()
        with open(fifo, "wb") as f:
            f.write(content)
            f.flush()
            time.sleep(1.1)  # past the first second
            f.write(content[24:])
        process.stdout.read()
        process.stdout.close()
        seen = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(seen, r"^\r\S*slow: \d+ flows\033\[K")
        self.assertTrue(seen.endswith("\r\033[K"), repr(seen))


if __name__ == "__main__":
    main()
