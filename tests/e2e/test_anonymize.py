# SPDX-License-Identifier: ISC
"""weir anonymize: other addresses, the same ones as nfanon's, nothing else."""

import collections
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess

from lib import (ENV, WEIR, Store, data, into_nfcapd, main, refused, run,
                 wait_for)

CAPTURES = ["softflowd-ndpi-mix.pcap", "pmacctd-multi-engine.pcap",
            "softflowd-restarts.pcap", "softflowd-uptime-wrap.pcap",
            "softflowd-ndpi-mix-lossy.pcap", "flowsend-real1000.pcap",
            "softflowd-ndpi-mix-sampled10.pcap", "arkime_synthetic.pcap",
            "sparknetflow-ftv5.compress9.large-byte-start",
            "softflowd-noadjust.pcap", "logstash-netflow5.dat",
            "nfreplay-backbone94k.pcap"]
ADDRESSES = ("src_addr", "dst_addr", "next_hop", "exporter")
AS = ("src_as", "dst_as")
KEY = bytes(range(7, 39))


def number(address):
    a, b, c, d = map(int, address.split("."))
    return a << 24 | b << 16 | c << 8 | d


def rest(rows, without=ADDRESSES + AS):
    return [tuple(v for k, v in r.items() if k not in without) for r in rows]


class Anonymize(Store):
    def setUp(self):
        super().setUp()
        self.new = self.path("new")
        self.key = self.path("key")
        with open(self.key, "wb") as f:
            f.write(KEY)

    def anonymize(self, *args, to=None):
        return run("anonymize", "-d", self.dir, "-o", to or self.new, *args)

    def flows_of(self, folder, *words):
        self.dir, before = folder, self.dir
        try:
            return self.flows(*words)
        finally:
            self.dir = before

    def rows(self, folder, sql):
        found = []
        for name in sorted(os.listdir(os.path.join(folder, "shards"))):
            db = sqlite3.connect(
                f"file:{folder}/shards/{name}?mode=ro", uri=True)
            found += db.execute(sql).fetchall()
            db.close()
        return found

    def assert_mapped(self, before, after):
        """One to one, and any two share as long a prefix as before."""
        self.assertEqual(len(before), len(after))
        image = {}
        for old, new in zip(before, after):
            self.assertEqual(old["next_hop"] == "0.0.0.0",
                             new["next_hop"] == "0.0.0.0")
            for column in ADDRESSES:
                if column == "next_hop" and old[column] == "0.0.0.0":
                    continue  # there is none
                self.assertEqual(
                    image.setdefault(old[column], new[column]), new[column])
        self.assertEqual(len(set(image.values())), len(image))
        pairs = [(number(a), number(b)) for a, b in image.items()
                 if ":" not in a]
        chance = random.Random(1)
        for _ in range(20000):
            (a, x), (b, y) = chance.sample(pairs, 2)
            self.assertEqual((a ^ b).bit_length(), (x ^ y).bit_length())
        return image

    def assert_whole(self, folder):
        self.assertRegex(run("check", "--full", "-d", folder),
                         r"\A\d+ shards? checked, 0 findings\n\Z")

    def test_everything_but_addresses_and_as_stays(self):
        self.fill(*CAPTURES)
        text = self.anonymize("--key", self.key)
        before, after = self.flows(), self.flows_of(self.new)
        self.assertGreater(len(before), 100000)
        self.assertIn(f"{len(before)} flows\n", text)
        self.assertEqual(rest(before), rest(after))
        self.assertEqual({r[c] for r in after for c in AS}, {"0"})
        self.assertNotEqual({r[c] for r in before for c in AS}, {"0"})
        self.assertGreater(len({r["quirks"] for r in after}), 2)
        image = self.assert_mapped(before, after)
        self.assertTrue(any(":" in a for a in image), "IPv6 exporter")
        self.assert_whole(self.new)
        self.assertEqual(sorted(os.listdir(self.new)),
                         ["catalog.db", "shards"])
        # Headers of datagrams and the minutes, but for who it was.
        headers = ("SELECT segment_id, first_flow_id, n_flows, received_ms, "
                   "unix_secs, unix_nsecs, uptime_ms, sequence FROM packet "
                   "ORDER BY id")
        want = self.rows(self.dir, headers)
        self.assertGreater(len(want), 3000)
        self.assertEqual(self.rows(self.new, headers), want)
        minutes = "SELECT * FROM minute"
        self.assertEqual(
            sorted((r[0], image[r[1]], *r[2:])
                   for r in self.rows(self.dir, minutes)),
            sorted(self.rows(self.new, minutes)))
        self.assertEqual(self.rows(self.new, "SELECT * FROM import"), [])
        self.assertNotEqual(self.rows(self.dir, "SELECT * FROM import"), [])
        sources = ("SELECT exporter, engine_type, engine_id, sampling, "
                   "received_ms FROM packet AS p JOIN source AS s "
                   "ON s.id = p.source_id ORDER BY p.id")
        self.assertEqual(
            [(image[r[0]], *r[1:]) for r in self.rows(self.dir, sources)],
            self.rows(self.new, sources))

    def test_loss_is_told_of_the_new_exporters(self):
        self.fill("softflowd-ndpi-mix-lossy.pcap")
        self.anonymize()
        before = self.report("loss")
        self.dir = self.new
        after = self.report("loss")
        self.assertEqual(before["total"], after["total"])
        self.assertEqual(after["total"]["lost"], 119)
        self.assertNotEqual(before["rows"][0]["exporter"],
                            after["rows"][0]["exporter"])

    def test_the_addresses_are_those_of_nfanon(self):
        compared = 0
        for name in ("softflowd-ndpi-mix.pcap", "flowsend-real1000.pcap",
                     "softflowd-zeek-suricata-rolling.pcap",
                     "nfreplay-backbone94k.pcap"):
            with self.subTest(name):
                self.dir, self.new = self.path("v" + name), self.path(
                    "n" + name)
                self.fill(name)
                self.anonymize("--key", self.key, "--keep-as", "no")
                spool = into_nfcapd(self, data(name))
                out = self.path("anon")
                subprocess.run(
                    ["nfanon", "-q", "-K", "0x" + KEY.hex(), "-r", spool,
                     "-w", out], check=True, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
                text = subprocess.run(
                    ["nfdump", "-r", out, "-N", "-q", "-o",
                     "fmt:%sa,%da,%nh,%ra,%sas,%das,%pkt"], check=True,
                    env=ENV, capture_output=True, text=True).stdout
                theirs = collections.Counter(
                    tuple(f.strip() for f in line.split(","))
                    for line in text.splitlines() if line.count(",") == 6)
                ours = collections.Counter(
                    (r["src_addr"], r["dst_addr"], r["next_hop"],
                     r["exporter"], r["src_as"], r["dst_as"], r["packets"])
                    for r in self.flows_of(self.new))
                self.assertEqual(ours, theirs)
                compared += sum(ours.values())
                shutil.rmtree(spool)
        self.assertEqual(compared, 2429 + 1000 + 1983 + 93969)

    def test_the_key_decides(self):
        self.fill("softflowd-synscan.pcap")
        names = [self.path(n) for n in ("a", "b", "c", "d", "e")]
        self.anonymize("--key", self.key, to=names[0])
        self.anonymize("--key", self.key, to=names[1])
        made = self.path("made")
        self.anonymize("--new-key", made, to=names[2])
        self.anonymize("--key", made, to=names[3])
        self.anonymize(to=names[4])
        a, b, c, d, e = (self.flows_of(n) for n in names)
        self.assertEqual(a, b)
        self.assertEqual(c, d)
        self.assertNotEqual(a, c)
        self.assertNotEqual(e, a)
        self.assertNotEqual(e, c)
        status = os.stat(made)
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.assertEqual(status.st_size, 32)
        with open(made, "rb") as f:
            self.assertGreater(len(set(f.read())), 10)

    def test_ports_and_as_on_request(self):
        self.fill("softflowd-ndpi-mix.pcap", "fluent-netflow.v5.dump")
        self.anonymize("--keep-ports", "no", "--keep-as", "yes")
        before, after = self.flows(), self.flows_of(self.new)
        ports = ("src_port", "dst_port")
        self.assertEqual(rest(before, ADDRESSES + ports),
                         rest(after, ADDRESSES + ports))
        self.assertEqual({r[c] for r in after for c in ports}, {"0"})
        self.assertGreater(len({r[c] for r in after for c in AS}), 1)

    def test_words_choose(self):
        self.fill("softflowd-ndpi-mix-rolling.pcap",
                  "pmacctd-multi-engine.pcap")
        asked = [["dport=443"], ["src=10.0.0.0/8", "proto=tcp"],
                 ["from=2024-03-01T12:02:00Z", "to=2024-03-01T12:04:30Z"],
                 ["exporter=127.0.0.3"]]
        for i, words in enumerate(asked):
            with self.subTest(words):
                new = self.path(f"new{i}")
                self.anonymize(*words, to=new)
                want = self.flows(*words)
                self.assertGreater(len(want), 50)
                self.assertEqual(rest(self.flows_of(new)), rest(want))
                self.assert_whole(new)
                self.assertEqual(self.rows(new, "SELECT * FROM packet"), [])
                minutes = [m for m, in self.rows(
                    new, "SELECT DISTINCT minute_ms FROM minute")]
                if words[0].startswith("from"):
                    self.assertEqual(
                        sorted(minutes),
                        [m for m, in self.rows(
                            self.dir, "SELECT DISTINCT minute_ms FROM minute "
                            "WHERE minute_ms BETWEEN 1709294520000 AND "
                            "1709294669999 ORDER BY 1")])
                    self.assertGreater(len(minutes), 1)
                else:
                    self.assertEqual(minutes, [])

    def test_what_lost_its_headers_is_copied_too(self):
        """As after a repair: some datagrams are no longer in the table."""
        self.fill("pmacctd-multi-engine.pcap")
        shard, = os.listdir(os.path.join(self.dir, "shards"))
        path = os.path.join(self.dir, "shards", shard)
        os.chmod(path, 0o644)
        db = sqlite3.connect(path)
        db.execute("DELETE FROM packet WHERE id % 3 = 1 OR id IN (9, 11, 12)")
        db.commit()
        db.close()
        self.anonymize("--keep-as", "yes")
        before, after = self.flows(), self.flows_of(self.new)
        self.assertEqual(rest(before, ADDRESSES), rest(after, ADDRESSES))
        self.assert_mapped(before, after)
        places = ("SELECT segment_id, first_flow_id, n_flows, sequence "
                  "FROM packet ORDER BY 1, 2")
        self.assertEqual(self.rows(self.new, places),
                         self.rows(self.dir, places))
        self.assert_whole(self.new)

    def test_a_store_that_is_collected_into(self):
        collector = self.collector()
        run("send", data("softflowd-ndpi-mix.pcap"), "--to",
            f"127.0.0.1:{collector.port}")
        wait_for(lambda: len(self.flows()) == 2429, "all flows")
        self.anonymize()
        self.assertEqual(rest(self.flows_of(self.new)), rest(self.flows()))
        self.assert_whole(self.new)
        collector.send(b"nothing of NetFlow", b"\0\5\0\1")
        collector.stop()
        again = self.path("again")
        self.anonymize(to=again)
        minutes = "SELECT * FROM collector_minute"
        self.assertEqual(self.rows(again, minutes),
                         self.rows(self.dir, minutes))
        self.assertGreater(len(self.rows(again, minutes)), 0)
        # Nothing forbids to collect into the new one.
        self.dir = self.new
        self.fill("softflowd-synscan.pcap")
        self.assertEqual(len(self.flows()), 2429 + 2002)

    def test_only_into_an_empty_folder(self):
        self.fill("softflowd-synscan.pcap")
        os.mkdir(self.new)
        self.anonymize()
        for folder in (self.new, self.dir):
            before = sorted(os.listdir(folder))
            line = refused("anonymize", "-d", self.dir, "-o", folder)
            self.assertIn("not empty", line)
            self.assertEqual(sorted(os.listdir(folder)), before)
        self.assertIn("no/such", refused(
            "anonymize", "-d", self.dir, "-o", self.path("no/such"),
            status=1))
        self.assertIn("key", refused(
            "anonymize", "-d", self.dir, "-o", self.key, status=1))

    def test_wrong_use_is_said(self):
        self.fill("softflowd-synscan.pcap")
        with open(self.path("short"), "wb") as f:
            f.write(KEY[:31])
        with open(self.path("long"), "wb") as f:
            f.write(KEY + b"\n")
        for args, words in (
                (["--key", self.path("short")], ["short", "32"]),
                (["--key", self.path("long")], ["long", "32"]),
                (["--new-key", self.key], [self.key, "there already"]),
                (["--key", self.key, "--new-key", "x"], ["not both"]),
                (["--keep-ports", "maybe"], ["maybe", "yes"]),
                (["--keep-as", ""], ["keep-as"]),
                (["--colour"], ["--colour", "-K"]),
                (["-f", "csv"], ["-f"]),
                (["lines=5"], ["lines"]),
                (["srcc=10.0.0.1"], ["srcc"]),
                (["src=x"], ["src"]),
                (["--key"], ["-k"])):
            with self.subTest(args):
                line = refused("anonymize", "-d", self.dir, "-o", self.new,
                               *args)
                for word in words:
                    self.assertIn(word, line)
        self.assertIn("-o NEWDIR", refused("anonymize", "-d", self.dir))
        for args in (["-d", self.path("none")], ["-d", self.dir,
                                                 "src=203.0.113.1"]):
            made = self.path("made")
            refused("anonymize", *args, "-o", self.new, "--new-key", made,
                    status=1)
            self.assertFalse(os.path.exists(made))
        self.assertIn("none", refused(
            "anonymize", "-d", self.dir, "-o", self.new, "--key",
            self.path("none"), status=1))
        self.assertFalse(os.path.exists(self.new))
        self.assertIn("\nexamples:\n", run("anonymize", "-h"))

    def begin(self, *args, **options):
        process = subprocess.Popen(
            [WEIR, "anonymize", "-d", self.dir, "-o", self.new, *args],
            env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, **options)
        self.addCleanup(process.kill)
        return process

    def fill_much(self):
        run("generate", "flows=400k", "-o", self.path("much.pcap"))
        run("import", "-d", self.dir, self.path("much.pcap"))

    def test_interrupted_it_leaves_nothing(self):
        self.fill_much()
        partial = os.path.join(self.new, ".partial")
        for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            made = self.path("made")
            process = self.begin("--new-key", made)
            wait_for(lambda: os.path.isdir(partial) and os.listdir(partial),
                     "the new shard")
            process.send_signal(number_)
            out, err = process.communicate()
            self.assertEqual((process.returncode, out, err),
                             (-number_, "", ""))
            self.assertFalse(os.path.exists(self.new))
            self.assertFalse(os.path.exists(made))

    def test_killed_it_leaves_no_store_and_can_be_done_again(self):
        self.fill_much()
        partial = os.path.join(self.new, ".partial")
        process = self.begin()
        wait_for(lambda: os.path.isdir(partial) and os.listdir(partial),
                 "the new shard")
        self.assertIn("another process", refused(
            "anonymize", "-d", self.dir, "-o", self.new, status=1))
        process.kill()
        process.communicate()
        self.assertEqual(os.listdir(self.new), [".partial"])
        self.assertIn("no flows stored yet", run("list", "-d", self.new))
        self.anonymize()
        self.assert_whole(self.new)
        total = json.loads(run("report", "proto", "-d", self.new, "-f",
                               "json"))["total"]
        self.assertEqual(total["flows"], 400000)
        self.assertEqual(sorted(os.listdir(self.new)),
                         ["catalog.db", "shards"])

    def test_without_room_it_leaves_nothing(self):
        self.fill("softflowd-ndpi-mix.pcap")

        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        process = self.begin(preexec_fn=small_files)
        out, err = process.communicate()
        self.assertEqual((process.returncode, out), (1, ""))
        self.assertRegex(err, r"\Aweir: [^\n]+\n\Z")
        self.assertFalse(os.path.exists(self.new))


if __name__ == "__main__":
    main()
