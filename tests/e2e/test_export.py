# SPDX-License-Identifier: ISC
"""Flows out as NetFlow v5, and in again: nothing may change on the way."""

import csv
import glob
import io
import os
import pty
import shutil
import struct
import subprocess

from lib import ENV, WEIR, Store, data, into_nfcapd, main, refused, run

CAPTURES = sorted(
    os.path.basename(p) for p in glob.glob(data("*.*"))
    if os.path.basename(p) not in ("README.md", "expected.tsv", "dpkt-v1.bin")
    and not os.path.basename(p).startswith("shard-"))


def multiset(rows, without=()):
    return sorted(tuple(v for k, v in r.items() if k not in without)
                  for r in rows)


def without_quirks(rows):
    """What was odd about the times of the first export is no part of a flow."""
    return [{k: v for k, v in r.items() if "quirk" not in k} for r in rows]


def frames(path):
    """Of a pcap."""
    with open(path, "rb") as f:
        content = f.read()
    at, found = 24, []
    while at < len(content):
        length, = struct.unpack_from("<I", content, at + 8)
        found.append(content[at + 16:at + 16 + length])
        at += 16 + length
    return found


class Export(Store):
    def export(self, *words, name="out", status=0):
        out = self.path(name)
        run("export", *words, "-d", self.dir, "-o", out, status=status)
        return out

    def again(self, path, *words):
        """The flows of an exported file, imported into another store."""
        other = self.path("again")
        shutil.rmtree(other, ignore_errors=True)
        run("import", "-d", other, path)
        text = run("list", *words, "-d", other, "-f", "csv")
        return without_quirks(csv.DictReader(io.StringIO(text)))

    def flows(self, *words):
        return without_quirks(super().flows(*words))

    def same(self, got, want):
        """assertEqual, without hours of looking for how long lists differ."""
        if got != want:
            self.assertEqual(len(got), len(want))
            self.fail(next(f"{g}\nis not\n{w}"
                           for g, w in zip(got, want) if g != w))

    def test_a_capture_of_any_kind_comes_back_as_it_was(self):
        self.assertGreater(len(CAPTURES), 35)
        for name in CAPTURES:
            with self.subTest(name):
                self.dir = self.path("store")
                shutil.rmtree(self.dir, ignore_errors=True)
                self.fill(name)
                want = self.flows()
                self.same(multiset(self.again(self.export())),
                          multiset(want))
                warned = subprocess.run(
                    [WEIR, "export", "-d", self.dir, "-f", "flow-tools", "-o",
                     self.path("ft")], env=ENV, capture_output=True,
                    check=True, text=True).stderr
                lost = {"sampling"} if any(
                    r["sampling"] != "0" for r in want) else set()
                if any(":" in r["exporter"] for r in want):
                    lost.add("exporter")
                for column in lost:
                    self.assertIn(column, warned)
                if want and not lost:
                    self.assertEqual(warned, "")
                self.same(multiset(self.again(self.path("ft")), lost),
                          multiset(want, lost))

    def test_all_captures_in_one_store_come_back(self):
        self.fill(*CAPTURES)
        want, got = self.flows(), self.again(self.export())
        self.assertGreater(len(want), 150000)
        self.same(multiset(got), multiset(want))

    def test_order_and_sequence_of_an_engine_are_kept(self):
        self.fill("pmacctd-multi-engine.pcap")
        out = self.export()
        expected = {}
        sent = [(frame[26:30], frame[42:]) for frame in frames(out)]
        self.assertGreater(len(sent), 8055 // 30)
        for sender, payload in sent:
            version, count = struct.unpack_from(">HH", payload)
            sequence, = struct.unpack_from(">I", payload, 16)
            key = sender, payload[20:22]
            self.assertEqual((version, len(payload)), (5, 24 + 48 * count))
            self.assertEqual(sequence, expected.get(key, 0))
            expected[key] = sequence + count
        self.assertEqual(sorted(expected.values()), [2685] * 3)
        got, want = self.again(out), self.flows()
        for engine in ("1", "2", "9"):
            self.same([r for r in got if r["engine_id"] == engine],
                      [r for r in want if r["engine_id"] == engine])

    def test_checksums_are_right(self):
        def folded(octets):
            octets += b"\0" * (len(octets) % 2)
            total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
            while total > 0xffff:
                total = (total >> 16) + (total & 0xffff)
            return total
        self.fill("arkime_synthetic.pcap", "goflow2-v5.bin")
        kinds = set()
        for frame in frames(self.export()):
            ip, = struct.unpack_from(">H", frame, 12)
            kinds.add(ip)
            if ip == 0x0800:
                self.assertEqual(folded(frame[14:34]), 0xffff)
                addresses, udp = frame[26:34], frame[34:]
            else:
                addresses, udp = frame[22:54], frame[54:]
            self.assertEqual(struct.unpack_from(">HHH", udp),
                             (2055, 2055, len(udp)))
            self.assertEqual(folded(
                addresses + struct.pack(">HH", 17, len(udp)) + udp), 0xffff)
        self.assertEqual(kinds, {0x0800, 0x86dd})

    def test_words_narrow_and_lines_stop(self):
        self.fill("softflowd-ndpi-mix.pcap")
        want = self.flows("dport=443")
        self.assertGreater(len(want), 100)
        self.same(self.again(self.export("dport=443")), want)
        self.same(self.again(self.export("lines=41")),
                  self.flows("lines=41"))

    def test_a_pipe_is_written(self):
        self.fill("softflowd-ndpi-mix.pcap")
        for words in (["-o", "-"], []):
            piped = subprocess.run(
                [WEIR, "export", "-d", self.dir, *words], env=ENV, check=True,
                capture_output=True).stdout
            path = self.path("piped")
            with open(path, "wb") as f:
                f.write(piped)
            self.same(self.again(path), self.flows())

    def test_a_terminal_is_refused(self):
        self.fill("goflow2-v5.bin")
        theirs, ours = pty.openpty()
        self.addCleanup(os.close, theirs)
        done = subprocess.run([WEIR, "export", "-d", self.dir], env=ENV,
                              stdout=ours, stderr=subprocess.PIPE, text=True)
        os.close(ours)
        self.assertEqual(done.returncode, 2)
        self.assertIn("use -o FILE", done.stderr)

    def test_a_file_is_whole_or_not_there(self):
        self.fill("softflowd-ndpi-mix.pcap")
        self.assertIn("/nonexistent/x", refused(
            "export", "-d", self.dir, "-o", "/nonexistent/x", status=1))
        out = self.path("out")
        with open(out, "w", encoding="utf-8") as f:
            f.write("before")
        shard, = glob.glob(self.dir + "/shards/*.db")
        os.chmod(shard, 0o644)
        with open(shard, "r+b") as f:  # behind the first pages
            f.seek(100000)
            f.write(b"\xff" * 200000)
        refused("export", "-d", self.dir, "-o", out, status=1)
        with open(out, encoding="utf-8") as f:
            self.assertEqual(f.read(), "before")
        self.assertEqual(sorted(os.listdir(self.folder)), ["out", "var"])

    def test_wrong_words_and_formats_are_named(self):
        for words, named in ((["-f", "csv"], "formats are pcap flow-tools"),
                             (["size=3"], "size=3"), (["now"], "now")):
            self.assertIn(named, refused(
                "export", "-d", self.dir, *words, "-o", self.path("x")))

    def test_nothing_stored_gives_an_empty_file_and_says_so(self):
        os.mkdir(self.dir)
        for fmt in ("pcap", "flow-tools"):
            done = subprocess.run(
                [WEIR, "export", "-d", self.dir, "-f", fmt, "-o",
                 self.path("x")], env=ENV, check=True, capture_output=True,
                text=True)
            self.assertIn("no flows stored yet", done.stderr)
            self.assertIn("0 datagrams, 0 flows", done.stdout)
            self.assertEqual(self.again(self.path("x")), [])


class WithNfdump(Store):
    def test_nfdump_sees_the_same_sums(self):
        self.fill("softflowd-ndpi-mix.pcap", "pmacctd-multi-engine.pcap")
        out = self.path("out.pcap")
        run("export", "-d", self.dir, "-o", out)
        spool = into_nfcapd(self, out)
        stats = dict(
            line.split(": ", 1) for line in subprocess.run(
                ["nfdump", "-I", "-R", spool], check=True,
                capture_output=True, text=True).stdout.splitlines()
            if ": " in line)
        total = self.report("proto")["total"]
        self.assertEqual(
            [int(stats[k]) for k in ("Flows", "Packets", "Bytes")],
            [total[k] for k in ("flows", "packets", "octets")])
        self.assertEqual(int(stats["Sequence failures"]), 0)


if __name__ == "__main__":
    main()
