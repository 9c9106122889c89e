# SPDX-License-Identifier: ISC
"""weir track: values against another computation of them, and against
rrdtool; and that nothing is missing or twice whatever happens."""

import fcntl
import math
import os
import random
import signal
import subprocess
import time

from lib import ENV, WEIR, main, refused, run
from tracked import START, STEP, Tracked, clock


class Track(Tracked):
    def oracle(self, load, keep, start=START, end=START + 18000):
        sums = {t: 0 for t in range(start + STEP, end + 1, STEP)}
        for f in self.flows():
            first, stop = int(f["start_ms"]), int(f["end_ms"]) + 1
            if not keep(f):
                continue
            value = {"bps": int(f["octets"]), "pps": int(f["packets"]),
                     "fps": 1, "active": stop - first}[load]
            for t in sums:
                lo, hi = (t - STEP) * 1000, t * 1000
                if load == "fps":
                    sums[t] += lo <= first < hi
                    continue
                lo, hi = max(lo, first), min(hi, stop)
                if lo < hi:
                    sums[t] += value * (hi - first) // (stop - first) - \
                        value * (lo - first) // (stop - first)
        per = {"bps": 8 / STEP, "pps": 1 / STEP, "fps": 1 / STEP,
               "active": 1 / (STEP * 1000)}[load]
        return {t: s * per for t, s in sums.items()}

    def assert_values(self, got, want, silent=()):
        want = {t: v for t, v in want.items() if t not in silent or v > 0}
        self.assertEqual(sorted(got), sorted(want))
        for t, v in got.items():
            self.assertTrue(abs(v - want[t]) <= 0.0005 + 1e-9 * want[t],
                            f"{t}: {v}, want {want[t]}")

    # Nothing was sent then.
    SILENT = {*range(START + 10800 + STEP, START + 14400 + 1, STEP),
              *range(START + 16200 + STEP, START + 18000 + 1, STEP)}

    def test_values_of_all_types_are_those_of_an_oracle(self):
        def web(f):
            return f["dst_port"] in ("80", "443")
        kinds = {"bps": ("dport=80,443", web), "pps": ("dport=80,443", web),
                 "fps": ("proto=17", lambda f: f["protocol"] == "17"),
                 "active": ("proto=6", lambda f: f["protocol"] == "6")}
        for load, (words, _) in kinds.items():
            self.create(load, f"type={load}", words)
        self.update(START + 18000)
        for load, (_, keep) in kinds.items():
            got = self.values(load)
            self.assertGreater(sum(v > 0 for v in got.values()), 30, load)
            self.assert_values(got, self.oracle(load, keep),
                               self.SILENT)

    def test_rrdtool_sees_the_same(self):
        self.create("all", "type=bps")
        self.update(START + 18000)
        shown = self.ask("show", "all")
        self.assertEqual(shown["done_ms"], (START + 18000) * 1000)
        info = subprocess.run(
            ["rrdtool", "info", shown["file"]], capture_output=True,
            text=True, check=True).stdout
        for line in ("step = 300", f"last_update = {START + 18000}",
                     'ds[flowbits].type = "GAUGE"', "rra[3].rows = 1100",
                     'rra[7].cf = "MAX"'):
            self.assertIn(line + "\n", info)
        fetched = subprocess.run(
            ["rrdtool", "fetch", shown["file"], "AVERAGE", "-r", "300", "-s",
             str(START), "-e", str(START + 18000 - STEP)],
            capture_output=True, text=True, check=True).stdout
        seen = {}
        for line in fetched.splitlines()[2:]:
            end, value = line.split(": ")
            if not math.isnan(float(value)):
                seen[int(end)] = float(value)
        got = self.values("all")
        self.assertEqual(sorted(seen), sorted(got))
        for t in seen:
            self.assertAlmostEqual(seen[t], got[t], delta=0.001)

    def test_counters_are_scaled(self):
        self.create("plain", "type=bps")
        self.create("tenfold", "type=bps", "scale=10")
        self.update(START + 3600)
        plain, tenfold = self.values("plain"), self.values("tenfold")
        self.assertEqual(len(plain), 12)
        for t in plain:
            self.assertAlmostEqual(plain[t] * 10, tenfold[t], delta=10)

    def test_killed_at_any_moment_it_misses_nothing(self):
        names = ["a", "b", "c", "d"]
        for name, late in zip(names, (0, 3, 0, 12)):
            self.create(name, "type=bps", f"late={late}")
        began = time.monotonic()
        self.update(START + STEP)
        usual = time.monotonic() - began
        dice = random.Random(1)
        killed = 0
        for i in range(2, 52):
            process = subprocess.Popen(
                [WEIR, "track", "update", "-d", self.dir,
                 f"to={clock(START + i * STEP)}"], env=ENV,
                stdout=subprocess.DEVNULL)
            time.sleep(usual * dice.uniform(0.2, 1.0))
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        self.assertGreater(killed, 5)
        self.update(START + 18000)
        want = self.oracle("bps", lambda f: True)
        for name in names:
            self.assert_values(self.values(name), want,
                               self.SILENT)
        left = [f for f in os.listdir(os.path.join(self.dir, "rrd"))
                if f.endswith(".new")]
        self.assertEqual(left, [])

    def test_two_at_once_are_refused(self):
        self.create("all", "type=bps")
        with open(os.path.join(self.dir, "rrd", "lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another weir track is at work",
                          self.refused("update", status=1))
        self.update(START + 600)

    def test_a_stop_of_three_days_is_caught_up(self):
        self.create("all", "type=bps", start=START - 4 * 86400)
        self.update(START - 3 * 86400)
        self.update(START + 18000)
        self.assert_values(
            self.values("all"), self.oracle("bps", lambda f: True),
            self.SILENT)
        self.assertEqual(
            self.values("all", START - 86400, START - STEP), {})

    def test_late_flows_are_counted_where_asked(self):
        self.create("plain", "type=bps")
        self.create("patient", "type=bps", "late=6")
        self.create("fresh", "type=bps", "late=6", start=START + 3000)
        self.update(START + 3600)
        before = self.values("patient", end=START + 3600)
        self.assertEqual(before, self.values("plain", end=START + 3600))
        out = self.path("late.pcap")
        run("generate", "flows=4000", "seed=9", f"from={clock(START)}",
            f"to={clock(START + 3600)}", "-o", out)
        run("import", "-d", self.dir, out)
        self.update(START + 3900)
        want = self.oracle("bps", lambda f: True, end=START + 3900)
        for name, first in (("plain", 13), ("fresh", 11), ("patient", 7)):
            got = self.values(name, end=START + 3900)
            for t in range(1, 14):
                end = START + t * STEP
                if name == "fresh" and t <= 10:
                    self.assertNotIn(end, got)
                    continue
                expected = want[end] if t >= first else before[end]
                self.assertAlmostEqual(got[end], expected, delta=0.001,
                                       msg=f"{name} {t}")
        # Once they are old they are final, in a file of their own as well.
        self.update(START + 7200)
        again = self.values("patient", end=START + 3900)
        self.assertEqual(again[START + 7 * STEP], got[START + 7 * STEP])
        self.assertEqual(len(again), 13)

    def test_made_anew_it_is_the_same(self):
        for name, words in (("a", ["type=pps", "dport=53"]),
                            ("b", ["type=active", "late=4"])):
            self.create(name, *words)
        for end in range(START + 1500, START + 18001, 1500):
            self.update(end)
        for name in ("a", "b"):
            live = self.values(name)
            with open(self.ask("show", name)["file"], "rb") as f:
                file = f.read()
            self.track("recreate", name, f"to={clock(START + 18000)}")
            self.assertEqual(self.values(name), live)
            with open(self.ask("show", name)["file"], "rb") as f:
                self.assertEqual(len(f.read()), len(file))
        self.track("revise", "a", "dport=443")
        self.track("recreate", "a", f"from={clock(START)}",
                   f"to={clock(START + 18000)}")
        self.assert_values(
            self.values("a"),
            self.oracle("pps", lambda f: f["dst_port"] == "443"),
            self.SILENT)

    def test_made_anew_in_part_the_rest_is_kept(self):
        self.create("x", "type=bps", "dport=80", start=START - 20 * 86400)
        run("generate", "flows=3000", "hosts=200", "seed=3",
            f"from={clock(START - 10 * 86400)}",
            f"to={clock(START - 8 * 86400)}", "-o", self.path("b.pcap"))
        run("import", "-d", self.dir, self.path("b.pcap"))
        self.update(START + 18000)

        def rows(step, start, end):
            return [(r["to_ms"], r["average"], r["max"]) for r in
                    self.ask("values", "x", f"step={step}",
                             f"from={clock(start)}", f"to={clock(end)}")
                    ["rows"] if r["average"] is not None]
        days = 14 * 86400
        old = (rows("2h", START - days, START - 86400),
               rows("1d", START - days, START - 86400))
        self.assertGreater(len(old[0]), 20)
        recent = self.values("x")
        self.track("revise", "x", "dport=443")
        self.track("recreate", "x", f"from={clock(START + 3600)}",
                   f"to={clock(START + 18000)}")
        self.assertEqual(self.ask("show", "x")["start_ms"],
                         (START - 20 * 86400) * 1000)
        for was, now in zip(old, (rows("2h", START - days, START - 86400),
                                  rows("1d", START - days, START - 86400))):
            self.assertEqual([r[0] for r in was], [r[0] for r in now])
            for a, b in zip(was, now):
                self.assertAlmostEqual(a[1], b[1], delta=0.01)
                self.assertAlmostEqual(a[2], b[2], delta=0.01)
        new = self.oracle("bps", lambda f: f["dst_port"] == "443")
        got = self.values("x")
        self.assertEqual(sorted(got), sorted(recent))
        for t, v in got.items():
            want = recent[t] if t <= START + 3600 else new[t]
            self.assertAlmostEqual(v, want, delta=0.01)

    def test_a_new_filter_counts_from_the_next_period_on(self):
        self.create("x", "type=bps", "dport=80", "late=6")
        self.update(START + 1800)
        self.track("revise", "x", "dport=443", "comment=moved to TLS",
                   "mark=yes", "who=ada")
        self.update(START + 3600)
        old = self.oracle("bps", lambda f: f["dst_port"] == "80")
        new = self.oracle("bps", lambda f: f["dst_port"] == "443")
        got = self.values("x", end=START + 3600)
        self.assert_values(got, {t: (old if t <= START + 1800 else new)[t]
                                 for t in got})
        change = self.ask("show", "x")["rows"][-1]
        for key, value in {"what": "revised", "old": "dport=80",
                           "new": "dport=443", "comment": "moved to TLS",
                           "mark": 1, "who": "ada",
                           "at_ms": (START + 1800) * 1000}.items():
            self.assertEqual(change[key], value)
        self.assertIn("nothing is new", self.refused("revise", "x"))
        self.assertIn("the type of a tracking",
                      self.refused("revise", "x", "type=pps"))

    def test_values_have_names(self):
        run("group", "set", "web", "80", "443", "-d", self.dir)
        run("filter", "save", "web-in", "dport=@web", "proto=tcp", "-d",
            self.dir)
        self.create("group", "type=bps", "dport=@web", "proto=tcp")
        self.create("filter", "type=bps", "@web-in")
        self.create("plain", "type=bps", "dport=80,443", "proto=tcp")
        self.update(START + 1800)
        self.assertEqual(self.values("group"), self.values("plain"))
        self.assertEqual(self.values("filter"), self.values("plain"))
        run("filter", "delete", "web-in", "-d", self.dir)
        self.assertIn("is needed by tracking filter", refused(
            "group", "remove", "web", "-d", self.dir))
        self.assertIn("tracking filter: ", refused(
            "group", "set", "web", "10.0.0.0/8", "-d", self.dir))
        run("group", "set", "web", "53", "-d", self.dir)
        self.update(START + 3600)
        self.assertNotEqual(self.values("group"), self.values("plain"))

    def test_names_and_status(self):
        self.create("web & (mail).x", "type=bps", "dport=80")
        self.create("dns", "type=bps", "dport=53")
        self.update(START + 600)
        self.track("rename", "web & (mail).x", "Web")
        self.assertIn("there already", self.refused("rename", "dns", "web"))
        self.track("rename", "web", "WEB")
        self.track("archive", "web")
        self.assertIn("there already, archived",
                      self.refused("create", "web", "type=bps"))
        self.update(START + 1200)
        self.assertEqual(len(self.values("web", end=START + 1200)), 2)
        self.assertIn("is archived already", self.refused("archive", "web"))
        self.track("restart", "web")
        self.update(START + 1800)
        self.assertEqual(len(self.values("web", end=START + 1800)), 6)
        file = self.ask("show", "web")["file"]
        self.track("remove", "web")
        self.assertEqual([t["name"] for t in self.ask("list")], ["dns"])
        self.assertIn("unknown tracking", self.refused("show", "web"))
        self.track("restore", "web")
        self.assertEqual(len(self.values("web", end=START + 1800)), 6)
        self.assertEqual(
            [c["what"] for c in self.ask("show", "web")["rows"]],
            ["created", "renamed", "renamed", "archived", "restarted",
             "removed", "restored"])
        self.track("remove", "web", "dns")
        self.track("purge")
        self.assertFalse(os.path.exists(file))
        self.assertIn("was removed", self.refused("restore", "web"))
        self.assertEqual(self.ask("list"), [])
        self.create("web", "type=pps")
        self.assertNotEqual(self.ask("show", "web")["file"], file)

    def test_what_is_wrong_is_said(self):
        self.create("web", "type=bps", "dport=80")
        for words, text in (
                (["create", "x"], "type= is not given"),
                (["create", "x", "type=mbps"], "want bps, pps, fps"),
                (["create", "Web", "type=bps"], "there already"),
                (["create", "x", "type=bps", "dport=htpp"], "http"),
                (["create", "x", "type=bps", "last=1h"], "has no end"),
                (["create", "x", "type=bps", "include=start"], "include="),
                (["create", "x", "type=bps", "dedup=1s"], "dedup="),
                (["create", "x" * 81, "type=bps"], "is no name"),
                (["create", "x", "type=bps", "late=999"], "late=999"),
                (["show", "wbe"], "do you mean web?"),
                (["values", "web", "span=decade"], "span=decade"),
                (["graph", "web", "-f", "csv"], "want png or svg"),
                (["graph", "web", "-o", self.path("x.gif")],
                 "want png or svg"),
                (["alert"], "want add, list"),
                (["group"], "want set, add"),
                (["list", "-f", "png"], "makes no picture"),
                (["group", "show", "x"], "unknown group"),
                (["group", "sohw", "x"], "do you mean show?"),
                (["graph", "web", "color=pink"], "color=pink"),
                (["list", "dport=80"], "takes no filter words"),
                (["update", f"from={clock(START)}"], "where it stopped"),
                (["updte"], "do you mean update?")):
            self.assertIn(text, self.refused(*words), words)
        self.assertEqual([t["name"] for t in self.ask("list")], ["web"])

    def test_one_that_cannot_be_done_stops_no_other(self):
        self.create("good", "type=bps")
        self.create("bad", "type=bps")
        os.unlink(self.ask("show", "bad")["file"])
        done = subprocess.run(
            [WEIR, "track", "update", "-d", self.dir,
             f"to={clock(START + 600)}"], env=ENV, capture_output=True,
            text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tracking bad: ", done.stderr)
        self.assertIn("1 of 2 trackings failed", done.stderr)
        self.assertEqual(len(self.values("good", end=START + 600)), 2)
        self.track("recreate", "bad", f"to={clock(START + 600)}")
        self.assertEqual(self.values("bad"), self.values("good"))

    def test_it_runs_until_it_is_told_to_end(self):
        self.track("create", "now", "type=bps", "from=-20m")
        process = subprocess.Popen(
            [WEIR, "track", "run", "every=1", "lag=0", "-d", self.dir],
            env=ENV, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        line = ""
        while "1 trackings" not in line:
            line = process.stderr.readline()
            self.assertNotEqual(line, "")
        process.terminate()
        self.assertEqual(process.wait(timeout=20), 0)
        process.stderr.close()
        self.assertGreater(self.ask("show", "now")["done_ms"],
                           (time.time() - 700) * 1000)


if __name__ == "__main__":
    main()
