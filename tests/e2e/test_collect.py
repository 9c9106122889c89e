# SPDX-License-Identifier: ISC
"""From datagrams to stored flows, with real exporters and a real peer."""

import datetime
import glob
import os
import pwd
import signal
import sqlite3
import struct
import subprocess
import time

from lib import ENV, Store, data, main, run, refused, wait_for


def datagram(sequence, n=30, flags=27, now=None, version=5, octets=100):
    """A NetFlow v5 datagram of n flows that ended just now."""
    now = time.time() if now is None else now
    header = struct.pack(">HHIIIIBBH", version, n, 100000, int(now), 0,
                         sequence, 0, 0, 0)
    record = b"".join(
        struct.pack(">IIIHHIIIIHHBBBBHHBBH",
                    0x0A000000 + sequence + i, 0xC0000201, 0, 1, 2, 3, octets,
                    99000, 99500, 1024 + i, 443, 0, flags, 6, 0, 0, 0, 24, 24,
                    0)
        for i in range(n))
    return header + record


class Collect(Store):
    def nfcapd(self, *feed_with):
        """The same exporter into nfcapd; its flows, one list a flow."""
        folder = self.path("nfcapd")
        os.mkdir(folder)
        port = 20000 + os.getpid() % 20000
        peer = subprocess.Popen(
            ["nfcapd", "-l", folder, "-b", "127.0.0.1", "-p", str(port),
             "-t", "3600"], env=ENV, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(peer.kill)
        wait_for(lambda: glob.glob(folder + "/nfcapd.current*"), "nfcapd")
        time.sleep(0.3)  # its socket is bound a moment later
        subprocess.run([a.replace("PORT", str(port)) for a in feed_with],
                       env=ENV, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        peer.terminate()
        peer.wait()
        out = subprocess.run(
            ["nfdump", "-R", folder, "-N", "-q", "-o",
             "fmt:%ts,%te,%sa,%da,%sp,%dp,%pr,%flg,%tos,%pkt,%byt"],
            env=ENV, check=True, capture_output=True, text=True).stdout
        return sorted(self.nfdump_row(line) for line in out.splitlines()
                      if line.count(",") == 10)

    @staticmethod
    def nfdump_row(line):
        f = [x.strip() for x in line.split(",")]
        if "." in f[5]:  # ICMP type.code, in the destination port on the wire
            kind, code = f[5].split(".")
            f[5] = str(int(kind) * 256 + int(code))
        # Not %tsr and %ter, whose milliseconds are wrong in nfdump 1.7.1.
        for i in (0, 1):
            t = datetime.datetime.fromisoformat(f[i] + "+00:00")
            f[i] = str(round(t.timestamp() * 1000))
        if f[6] != "6":
            f[7] = "-"  # nfdump shows flags of TCP alone
        return f

    def weir_rows(self):
        rows = []
        for r in self.flows():
            rows.append([
                r["start_ms"], r["end_ms"], r["src_addr"], r["dst_addr"],
                r["src_port"], r["dst_port"], r["protocol"],
                r["tcp_flags_text"] if r["protocol"] == "6" else "-",
                r["tos"], r["packets"], r["octets"]])
        return sorted(rows)

    def traffic_of_minutes(self):
        """A capture of real protocols whose times v5 can express: frames of
        arkime_synthetic.pcap, which spans years, a quarter second apart."""
        with open(data("arkime_synthetic.pcap"), "rb") as f:
            content = bytearray(f.read())
        at, now_us = 24, 1700000000123456
        while at < len(content):
            _, _, length = struct.unpack_from("<III", content, at)
            struct.pack_into("<II", content, at, now_us // 1000000,
                             now_us % 1000000)
            at += 16 + length
            now_us += 250123
        with open(self.path("traffic.pcap"), "wb") as f:
            f.write(content)
        return self.path("traffic.pcap")

    def test_softflowd_gives_the_same_flows_as_nfcapd(self):
        feed = ["softflowd", "-v", "5", "-a", "-d", "-n", "127.0.0.1:PORT",
                "-r", self.traffic_of_minutes()]
        collector = self.collector()
        subprocess.run([a.replace("PORT", str(collector.port)) for a in feed],
                       check=True, env=ENV, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        numbers = collector.stop()
        ours = self.weir_rows()
        theirs = self.nfcapd(*feed)
        self.assertGreater(len(theirs), 300)
        self.assertEqual(numbers["stored"], len(theirs))
        self.assertEqual(ours, theirs)

    def test_replayed_capture_equals_imported_capture(self):
        collector = self.collector()
        out = run("send", data("softflowd-ndpi-mix.pcap"), "--to",
                  f"127.0.0.1:{collector.port}")
        self.assertRegex(out, r"sent 83 datagrams, 2429 flows")
        numbers = collector.stop()
        self.assertEqual(numbers["datagrams"], 83)
        self.assertEqual(numbers["stored"], 2429)
        collected = self.flows()
        self.dir = self.path("imported")
        self.fill("softflowd-ndpi-mix.pcap")
        self.assertEqual(collected, self.flows())

    def test_flows_are_visible_within_seconds_while_it_runs(self):
        collector = self.collector()
        collector.send(datagram(0))
        wait_for(lambda: len(self.flows()) == 30, "30 flows", 5)
        collector.send(datagram(30))
        wait_for(lambda: len(self.flows()) == 60, "60 flows", 5)
        self.assertEqual(self.report("flags")["rows"][0]["flags"], 27)

    def test_stop_stores_all_that_was_received(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.dir = self.path(f"var-{number}")
                collector = self.collector()
                collector.send(*(datagram(30 * i) for i in range(200)))
                numbers = collector.stop(number)
                self.assertEqual(numbers["received"], 6000)
                self.assertEqual(numbers["stored"], 6000)
                self.assertEqual(len(self.flows()), 6000)

    def test_bad_datagrams_are_counted_by_kind(self):
        collector = self.collector()
        good = datagram(0)
        with open(data("dpkt-v1.bin"), "rb") as f:
            version1 = f.read()
        collector.send(good, good + b"padding", good[:-1], good[:20], b"",
                       struct.pack(">HH", 5, 31) + good[4:],
                       struct.pack(">HH", 5, 0) + good[4:], version1,
                       b"hello")
        numbers = collector.stop()
        self.assertEqual(numbers["datagrams"], 2)
        self.assertEqual(numbers["stored"], 60)
        self.assertIn("malformed: 2 short, 2 record count", numbers["line"])
        self.assertIn("padded: 1", numbers["line"])
        self.assertIn("1 NetFlow v1", numbers["line"])

    def test_several_sockets_and_exporters(self):
        collector = self.collector("-l", "127.0.0.1:0", "-l", "127.0.0.2:0",
                                   "-l", "[::1]:0")
        first, second, third = collector.ports()
        for address, port, sequence in (("127.0.0.1", first, 0),
                                        ("127.0.0.2", second, 30),
                                        ("::1", third, 60)):
            collector.port = port
            collector.send(datagram(sequence), to=address)
        collector.stop()
        exporters = {r["exporter"] for r in self.flows()}
        self.assertEqual(exporters, {"127.0.0.1", "::1"})
        self.assertEqual(len(self.flows("exporter=::1")), 30)
        self.assertEqual(len(self.flows("exporter=127.0.0.0/8")), 60)

    def test_kill_loses_only_what_was_not_committed(self):
        collector = self.collector()
        collector.send(*(datagram(30 * i) for i in range(50)))
        wait_for(lambda: len(self.flows()) == 1500, "1500 flows", 5)
        collector.send(datagram(1500))
        collector.process.kill()
        collector.process.wait()
        stored = len(self.flows())
        self.assertIn(stored, (1500, 1530))
        again = self.collector()
        again.send(datagram(1530))
        again.stop()
        self.assertEqual(len(self.flows()), stored + 30)
        for shard in glob.glob(self.dir + "/shards/*.db"):
            with sqlite3.connect(shard) as db:
                self.assertEqual(
                    db.execute("PRAGMA integrity_check").fetchall(),
                    [("ok",)])

    def test_port_in_use_is_said(self):
        collector = self.collector()
        other = self.path("other")
        line = refused("collect", "-d", other, "-l",
                       f"127.0.0.1:{collector.port}", status=1)
        self.assertIn(f"listen on UDP 127.0.0.1:{collector.port}: "
                      "Address already in use", line)

    def test_second_collector_on_the_folder_is_refused(self):
        collector = self.collector()
        line = refused("collect", "-d", self.dir, "-l", "127.0.0.1:0",
                       status=1)
        self.assertIn(f"{self.dir}: process {collector.process.pid}", line)
        line = refused("import", "-d", self.dir,
                       data("softflowd-ndpi-mix.pcap"), status=1)
        self.assertIn(str(collector.process.pid), line)

    def test_unusable_folder_is_said(self):
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        for folder in ("/proc/weir", self.path("file"),
                       self.path("no", "such", "parent")):
            line = refused("collect", "-d", folder, "-l", "127.0.0.1:0",
                           status=1)
            self.assertIn(folder, line)

    def test_shard_that_is_no_database_is_said(self):
        os.makedirs(self.dir + "/shards")
        day = time.strftime("%Y-%m-%d", time.gmtime())
        shard = f"{self.dir}/shards/{day}.db"
        with open(shard, "w", encoding="utf-8") as f:
            f.write("no database at all, just some words. " * 10)
        line = refused("report", "src", "-d", self.dir, status=1)
        self.assertIn(f"{shard}: file is not a database", line)

    def test_root_is_given_up_once_the_sockets_are_bound(self):
        if os.geteuid() != 0:
            line = refused("collect", "-d", self.dir, "-l", "127.0.0.1:0",
                           "-u", "root", status=1)
            self.assertIn("cannot become user root", line)
            return
        user = pwd.getpwnam("nobody")
        os.chmod(self.folder, 0o755)
        os.mkdir(self.dir)
        os.chown(self.dir, user.pw_uid, user.pw_gid)
        collector = self.collector("-u", "nobody")
        with open(f"/proc/{collector.process.pid}/status",
                  encoding="utf-8") as f:
            status = f.read()
        self.assertRegex(status, rf"Uid:(\s{user.pw_uid}){{4}}\n")
        self.assertRegex(status, rf"Gid:(\s{user.pw_gid}){{4}}\n")
        self.assertRegex(status, r"CapEff:\s0+\n")
        collector.send(datagram(0))
        self.assertEqual(collector.stop()["stored"], 30)
        self.assertEqual(len(self.flows()), 30)
        self.assertIn("user nosuchuser: there is no such user", refused(
            "collect", "-d", self.dir, "-l", "127.0.0.1:0", "-u",
            "nosuchuser"))

    def test_bad_options_are_refused(self):
        self.assertIn('-l: "nonsense" cannot be used, want',
                      refused("collect", "-d", self.dir, "-l", "nonsense"))
        self.assertIn('-l: "127.0.0.1:70000" cannot',
                      refused("collect", "-d", self.dir, "-l",
                              "127.0.0.1:70000"))


if __name__ == "__main__":
    main()
