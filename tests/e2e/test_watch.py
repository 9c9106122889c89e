# SPDX-License-Identifier: ISC
"""Long queries: ended by signals and time limits, told of on a terminal."""

import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time

from lib import ENV, WEIR, Store, data, main, refused, run, wait_for

CAPTURE = "nfreplay-backbone94k.pcap"
ENDLESS = ("WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c)"
           " SELECT count(*) FROM c")


def catches(pid, number):
    """Whether the process has a handler for the signal."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", f.read())[1]
    return int(caught, 16) >> (number - 1) & 1


def signals_as_usual():
    """Who runs the tests in the background has children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watch(Store):
    @classmethod
    def setUpClass(cls):
        cls.whole = tempfile.mkdtemp(prefix="weir-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.whole)
        run("import", "-d", cls.whole, data(CAPTURE))

    def setUp(self):
        super().setUp()
        self.dir = self.whole

    def start(self, *args, stderr=subprocess.PIPE):
        """A command whose standard output nobody reads yet."""
        process = subprocess.Popen(
            [WEIR, *args, "-d", self.dir], stdout=subprocess.PIPE,
            stderr=stderr, env=ENV, preexec_fn=signals_as_usual)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def blocked(self, *args, **how):
        """The same once it waits for the reader of its pipe."""
        process = self.start(*args, **how)
        wait_for(lambda: catches(process.pid, signal.SIGINT), "a handler")

        def waits():
            with open(f"/proc/{process.pid}/wchan", encoding="ascii") as f:
                return "pipe" in f.read()
        wait_for(waits, "a full pipe")
        return process

    def test_a_signal_ends_a_listing_with_one_line(self):
        for number in signal.SIGINT, signal.SIGTERM:
            process = self.blocked("list", "-f", "csv")
            process.send_signal(number)
            stderr = process.communicate(timeout=60)[1].decode()
            self.assertEqual(process.returncode, -number)
            self.assertEqual(stderr, f"weir: stopped by {number.name}\n")

    def test_a_shell_sees_status_130(self):
        shell = subprocess.Popen(
            ["sh", "-c", f"{WEIR} sql '{ENDLESS}' timeout=0 -d {self.dir}; "
             "echo $?"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=ENV, text=True, preexec_fn=signals_as_usual)

        def child():
            """Not the shell's fork before it became weir."""
            if shell.poll() is not None:
                return 0
            with open(f"/proc/{shell.pid}/task/{shell.pid}/children",
                      encoding="ascii") as f:
                pid = int(f.read() or 0)
            return pid if pid and os.path.samefile(
                f"/proc/{pid}/exe", WEIR) else 0
        self.addCleanup(shell.wait)
        self.addCleanup(lambda: child() and os.kill(child(), signal.SIGKILL))
        wait_for(child, "the command")
        pid = child()
        wait_for(lambda: catches(pid, signal.SIGINT), "a handler")
        os.kill(pid, signal.SIGINT)
        stdout, stderr = shell.communicate(timeout=60)
        self.assertEqual(stdout, "130\n")
        self.assertIn("weir: stopped by SIGINT\n", stderr)

    def test_what_ignores_a_signal_goes_on_to(self):
        process = subprocess.run(
            ["sh", "-c", f"trap '' INT; {WEIR} list -f csv -d {self.dir} | "
             "{ sleep 0.2; kill -INT $$; cat; }"],
            stdout=subprocess.PIPE, env=ENV, check=True,
            preexec_fn=signals_as_usual)
        self.assertEqual(process.stdout.decode(),
                         run("list", "-f", "csv", "-d", self.dir))

    def test_an_interrupted_file_is_not_there(self):
        for args in (
                ("sql", ENDLESS, "timeout=0"),
                ("report", "src,dst,sport,dport", "dedup=1s", "-j", "1"),
                ("graph", "bps", "split=src", "-f", "json"),
                ("export",), ("list", "sort=octets", "-f", "csv")):
            with self.subTest(args[0]):
                process = self.start(*args, "-o", self.path("answer"))
                wait_for(lambda: process.poll() is not None or
                         catches(process.pid, signal.SIGTERM), "a handler")
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=60)
                # All but sql may have been done just before.
                if args[0] == "sql" or process.returncode != 0:
                    self.assertEqual(process.returncode, -signal.SIGTERM)
                    self.assertEqual(os.listdir(self.folder), [])
                else:
                    os.remove(self.path("answer"))

    def test_time_is_up(self):
        process = self.blocked("list", "-f", "csv", "timeout=1")
        time.sleep(1.1)
        stderr = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, 1)
        self.assertEqual(
            stderr, "weir: no answer within the time limit of 1.000 s: narrow "
            "the filter or the time, or raise timeout=\n")

    def test_a_terminal_is_told_how_far_it_is(self):
        ours, theirs = pty.openpty()
        process = self.blocked("list", "-f", "csv", stderr=theirs)
        os.close(theirs)
        time.sleep(1.1)
        answer = process.stdout.read().decode()
        self.assertEqual(process.wait(timeout=60), 0)
        said = os.read(ours, 10000).decode()
        os.close(ours)
        self.assertRegex(
            said, r"^(\rreading: \d+ %, [01] of 1 shard, \d+ flows found"
            "\x1b\\[K)+\r\x1b\\[K$")
        self.assertEqual(answer, run("list", "-f", "csv", "-d", self.dir))

    def test_any_number_of_threads_gives_the_same(self):
        for args in (("report", "src,dport", "lines=0", "-f", "csv"),
                     ("report", "summary", "-f", "json"),
                     ("report", "scan", "hosts=3", "-f", "csv"),
                     ("list", "proto=tcp", "-f", "csv"),
                     ("graph", "bps", "split=dport", "-f", "csv")):
            with self.subTest(args[:2]):
                want = run(*args, "-d", self.dir)
                self.assertGreater(len(want), 100)
                for n in "1", "7":
                    self.assertEqual(
                        run(*args, "-d", self.dir, "-j", n), want)

    def test_threads_and_limits_that_are_none(self):
        for option in "0", "65", "two", "":
            self.assertEqual(
                refused("report", "src", "-d", self.dir, "-j", option),
                f"weir: option -j {option}: want a number of threads, 1-64 "
                "(weir report -h explains)\n")
        for limit in "-1", "x", "5y", "", "99999999999":
            for command in ("list",), ("sql", "SELECT 1"):
                self.assertEqual(
                    refused(*command, "-d", self.dir, f"timeout={limit}"),
                    f"weir: timeout={limit}: want seconds, or a number with "
                    "its unit: 30s, 2m; 0 is no limit "
                    f"(weir {command[0]} -h explains)\n")
        for limit in "0", "60", "1h":
            run("list", "lines=1", "-d", self.dir, f"timeout={limit}")


if __name__ == "__main__":
    main()
