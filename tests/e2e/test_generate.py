# SPDX-License-Identifier: ISC
"""weir generate: the same bytes everywhere, and what it says of them is so."""

import collections
import hashlib
import os
import re
import struct
import subprocess

from lib import ENV, WEIR, Store, main, refused, run

LOSSY = ["flows=60000", "from=2026-01-05T12:00Z", "to=2026-01-05T12:00:30Z",
         "exporters=3", "engines=2", "lost=1", "late=1", "duplicates=1"]


def truth(text):
    """The numbers of the first line, and the scans, of what it printed."""
    names = ("datagrams", "flows", "of_scans", "lost_datagrams", "lost",
             "late", "duplicates", "duplicate_flows", "restarts")
    found = re.fullmatch(
        r"\S+: (\d+) datagrams, (\d+) flows \((\d+) of scans\); lost (\d+) "
        r"datagrams, (\d+) flows; (\d+) late; (\d+) duplicates, (\d+) flows; "
        r"(\d+) restarts", text.splitlines()[0])
    scans = re.findall(
        r"^scan: (\w+), by (\S+), (?:ports 1 to (\d+) of (\S+)|port (\d+) of "
        r"(\d+) hosts from (\S+) on), .* to .*$", text, re.M)
    return dict(zip(names, map(int, found.groups()))), scans


class Generate(Store):
    def generate(self, *words, name="out"):
        out = self.path(name)
        return out, run("generate", *words, "-o", out)

    def test_the_bytes_are_those_of_every_machine(self):
        words = ["flows=5000", "seed=7", "scans=6", "hosts=300",
                 "exporters=2", "lost=1", "late=1", "duplicates=1",
                 "restarts=1", "sampling=8"]
        out, _ = self.generate(*words)
        with open(out, "rb") as f:
            content = f.read()
        self.assertEqual(
            hashlib.sha256(content).hexdigest(),
            "28b94fa3718cb99b67d1947ad6704a8c823b11b633f225060c34937e159dd60b")
        piped = subprocess.run([WEIR, "generate", *words], env=ENV,
                               capture_output=True, check=True)
        self.assertEqual(piped.stdout, content)
        self.assertEqual(piped.stderr, b"")

    def test_raw_datagrams_are_those_of_the_capture(self):
        pcap, _ = self.generate("flows=3000", name="a.pcap")
        raw, _ = self.generate("flows=3000", "-f", "raw", name="a.raw")
        payloads, at = b"", 24
        with open(pcap, "rb") as f:
            content = f.read()
        while at < len(content):
            length, = struct.unpack_from("<I", content, at + 8)
            payloads += content[at + 16 + 42:at + 16 + length]
            at += 16 + length
        with open(raw, "rb") as f:
            self.assertEqual(f.read(), payloads)

    def test_loss_is_found_as_it_was_made(self):
        out, text = self.generate(*LOSSY)
        want, _ = truth(text)
        run("import", "-d", self.dir, out)
        got = self.report("loss")["total"]
        self.assertEqual(
            {k: got[k] for k in ("datagrams", "flows", "late", "duplicates",
                                 "duplicate_flows", "restarts")},
            {k: want[k] for k in ("datagrams", "flows", "late", "duplicates",
                                  "duplicate_flows", "restarts")})
        self.assertEqual(want["flows"] - want["duplicate_flows"] +
                         want["lost"], 60000)
        # What is lost behind the last datagram of an engine is not missed.
        self.assertLessEqual(got["lost"], want["lost"])
        self.assertGreater(got["lost"], want["lost"] - 6 * 30)
        self.assertGreater(want["lost"], 100)
        self.assertGreater(want["late"], 5)
        self.assertGreater(want["duplicates"], 5)

    def test_restarts_are_found(self):
        out, text = self.generate("flows=20000", "restarts=5")
        run("import", "-d", self.dir, out)
        got = self.report("loss")["total"]
        self.assertEqual(got["restarts"], 5)
        self.assertEqual((got["lost"], got["late"], got["duplicates"]),
                         (0, 0, 0))
        self.assertEqual(truth(text)[0]["restarts"], 5)

    def test_scans_are_there(self):
        out, text = self.generate("flows=4000", "scans=12", "hosts=300")
        want, scans = truth(text)
        self.assertEqual(len(scans), 12)
        run("import", "-d", self.dir, out)
        self.assertEqual(want["flows"], 4000 + want["of_scans"])
        flags = {"syn": {2, 6}, "fin": {1}, "null": {0}, "xmas": {41},
                 "udp": {0}}
        kinds = collections.Counter()
        for kind, scanner, ports, target, port, hosts, first in scans:
            flows = self.flows(f"src={scanner}")
            self.assertEqual({r["protocol"] for r in flows},
                             {"17" if kind == "udp" else "6"})
            self.assertLessEqual({int(r["tcp_flags"]) for r in flows},
                                 flags[kind])
            if ports:
                self.assertEqual({r["dst_addr"] for r in flows}, {target})
                self.assertEqual({int(r["dst_port"]) for r in flows},
                                 set(range(1, int(ports) + 1)))
            else:
                self.assertEqual({r["dst_port"] for r in flows}, {port})
                found = {r["dst_addr"] for r in flows}
                self.assertEqual(len(found), int(hosts))
                self.assertIn(first, found)
            kinds[kind, bool(ports)] += 1
        self.assertEqual(set(kinds.values()), {2})
        self.assertEqual(len(kinds), 6)

    def test_it_looks_like_a_site(self):
        out, _ = self.generate("flows=40000")
        run("import", "-d", self.dir, out)
        flows = self.flows()
        self.assertEqual(len(flows), 40000)
        self.assertEqual(len(os.listdir(os.path.join(self.dir, "shards"))), 1)
        night = self.flows("from=2026-01-05T03:00Z", "to=2026-01-05T05:00Z")
        evening = self.flows("from=2026-01-05T19:00Z", "to=2026-01-05T21:00Z")
        self.assertGreater(len(evening), 3 * len(night))
        ends = collections.Counter()
        pairs = collections.Counter()
        for r in flows:
            here = (r["src_addr"], r["src_port"], r["dst_addr"],
                    r["dst_port"])
            pairs[here] += 1
            ends[here[0]] += 1
            self.assertTrue(r["src_addr"].startswith("10.") !=
                            r["dst_addr"].startswith("10."))
        answered = sum(1 for a in pairs if a[2:] + a[:2] in pairs)
        self.assertGreater(answered, 0.8 * len(pairs))
        # A few hosts have most of it, and most hosts little.
        top = [n for _, n in ends.most_common()]
        self.assertGreater(sum(top[:20]), 0.15 * len(flows))
        self.assertGreater(len(top), 5000)
        self.assertGreater(len({r["tcp_flags"] for r in flows}), 10)

    def test_a_pipe_into_import(self):
        with subprocess.Popen([WEIR, "generate", "flows=1k", "-o", "-"],
                              stdout=subprocess.PIPE, env=ENV) as made:
            text = subprocess.run([WEIR, "import", "-d", self.dir, "-"],
                                  stdin=made.stdout, capture_output=True,
                                  text=True, check=True, env=ENV).stdout
        self.assertIn("1000 flows", text)

    def test_sampling_is_in_the_headers(self):
        out, _ = self.generate("flows=3000", "sampling=100")
        run("import", "-d", self.dir, out)
        self.assertEqual({r["sampling"] for r in self.flows()},
                         {str(1 << 14 | 100)})
        some = self.flows()
        out, _ = self.generate("flows=3000", name="all")
        self.dir = self.path("all.d")
        run("import", "-d", self.dir, out)
        every = self.flows()
        self.assertEqual([int(r["packets"]) for r in some],
                         [max(1, int(r["packets"]) // 100) for r in every])
        for column in ("src_addr", "dst_addr", "start_ms", "end_ms"):
            self.assertEqual([r[column] for r in some],
                             [r[column] for r in every])

    def test_bad_words_are_refused(self):
        cases = [
            (["flows=0"], ["flows", "1000000000000"]),
            (["flows=1Q"], ["flows"]),
            (["flows=99999999999G"], ["flows"]),
            (["flows="], ["flows"]),
            (["flows=1", "flows=2"], ["twice"]),
            (["lost=100.1"], ["lost", "100"]),
            (["lost=0.00001"], ["4 places"]),
            (["lost=-1"], ["lost"]),
            (["exporters=65"], ["64"]),
            (["exporters=2", "-f", "raw"], ["exporters", "pcap"]),
            (["-f", "xml"], ["xml", "raw"]),
            (["colour=red"], ["colour", "hosts"]),
            (["flows"], ["flows"]),
            (["from=2026-13-01"], ["2026-13-01"]),
            (["from=2026-01-01Z"], ["from"]),
            (["from=now", "to=-1h"], ["before"]),
            (["from=@0", "to=@99999999"], ["366"]),
            (["from=@4294967000", "to=@4294968000"], ["2105"]),
            (["-x"], ["-x"]),
        ]
        for args, words in cases:
            with self.subTest(args):
                line = refused("generate", *args, "-o", self.path("no"))
                for word in words:
                    self.assertIn(word, line)
        self.assertEqual(os.listdir(self.folder), [])
        line = refused("generate", "-o", self.path("no", "such"), status=1)
        self.assertIn(self.path("no", "such"), line)

    def test_a_full_disk_is_an_error(self):
        done = subprocess.run([WEIR, "generate", "-o", "/dev/full"], env=ENV,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr,
                         r"\Aweir: [^\n]*No space left on device\n\Z")

    def test_help_is_for_standard_output(self):
        text = run("generate", "-h")
        self.assertIn("usage: weir generate", text)
        for line in re.findall(r"weir generate [^|\n]*-o", text):
            self.assertNotIn("unknown", line)
        for example in re.findall(r"^  weir (generate [^|&\n]*)", text, re.M):
            words = [w for w in example.split()[1:] if "=" in w]
            run("generate", *words, "flows=100" if not any(
                w.startswith("flows=") for w in words) else "seed=3",
                "-o", "/dev/null")


if __name__ == "__main__":
    main()
