# SPDX-License-Identifier: ISC
"""Which exporters are let in, what they are called, and forged ones."""

import glob
import json
import os
import random
import re
import socket
import sqlite3
import struct
import time

from lib import Store, main, run, wait_for
from test_collect import datagram


class Exporters(Store):
    def collect(self, conf, *options):
        path = self.path("weir.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(conf)
        self.conf = path
        return self.collector("-c", path, *options)

    def send_from(self, address, port, *payloads):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((address, 0))
            for payload in payloads:
                s.sendto(payload, ("127.0.0.1", port))

    def status(self, *words):
        return run("status", *words, "-c", self.conf, "-d", self.dir)

    def status_json(self):
        return json.loads(run("status", "-c", self.conf, "-d", self.dir,
                              "-f", "json"))

    def test_unknown_ones_are_refused_counted_and_named(self):
        collector = self.collect(
            "unknown-exporters = refuse\n"
            "exporter core { address = 127.0.0.2 }\n"
            "exporter away { address = 192.0.2.1 }\n")
        self.send_from("127.0.0.2", collector.port, datagram(0), datagram(30))
        for i in range(7):
            self.send_from("127.0.0.3", collector.port, datagram(30 * i))
        self.send_from("127.0.0.4", collector.port, b"no export at all")
        numbers = collector.stop()
        self.assertEqual(numbers["stored"], 60)
        self.assertIn("refused: 8 not configured, 0 without room",
                      numbers["line"])
        self.assertIn("exporter 127.0.0.3: is not configured, 7 datagrams "
                      "refused", collector.text())
        self.assertIn("exporter 127.0.0.4: is not configured, 1 datagrams "
                      "refused", collector.text())
        text = self.status()
        self.assertRegex(text, r"\ncore +127\.0\.0\.2 ")
        self.assertNotRegex(text, r"\n\S* *127\.0\.0\.3 ")
        self.assertIn("refused in 24 h: 8 datagrams not configured, 0 "
                      "datagrams past max-automatic-exporters, of "
                      "127.0.0.3, 127.0.0.4\n", text)
        self.assertIn("nothing in 24 h from exporter away\n", text)
        answer = self.status_json()
        self.assertEqual(answer["refused_day_datagrams"], 8)
        self.assertEqual([r["name"] for r in answer["rows"]], ["core"])
        rows = json.loads(run("report", "loss", "-d", self.dir, "-f",
                              "json"))["rows"]
        self.assertEqual([(r["exporter"], r["refused"]) for r in rows],
                         [("127.0.0.2", 0), ("127.0.0.3", 7),
                          ("127.0.0.4", 1)])

    def test_the_port_they_send_to_may_tell(self):
        collector = self.collect(
            "unknown-exporters = refuse\nlisten 127.0.0.1:0 { }\n"
            "exporter a { address = 127.0.0.2 port = 1 }\n", "-l",
            "127.0.0.1:0")
        self.send_from("127.0.0.2", collector.port, datagram(0))
        self.assertEqual(collector.stop()["stored"], 0)
        path = self.path("weir.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write("unknown-exporters = refuse\n"
                    "exporter a { address = 127.0.0.2 port = "
                    f"{collector.port} }}\n")
        again = self.collector("-c", path, "-l",
                               f"127.0.0.1:{collector.port}")
        self.send_from("127.0.0.2", again.port, datagram(0))
        self.assertEqual(again.stop()["stored"], 30)

    def test_names_of_exporters_and_interfaces_are_shown(self):
        collector = self.collect(
            "exporter edge { address = 127.0.0.0/8\n"
            "  sampling { interval = 100 }\n"
            "  interface 7 { name = 'ge-0/0/7' speed = 10G "
            "description = 'up \"link\"' } }\n")
        collector.send(datagram(0))
        collector.stop()
        self.assertRegex(self.status(), r"\nedge +127\.0\.0\.1 .* 100\n")
        self.assertRegex(
            self.status("interfaces"),
            r'\nedge +7 +ge-0/0/7 +10\.00 Gb/s +up "link"\n')
        rows = json.loads(run("status", "interfaces", "-c", self.conf, "-f",
                              "json"))["rows"]
        self.assertEqual(rows, [{
            "exporter_name": "edge", "if_index": 7, "name": "ge-0/0/7",
            "speed_bps": 10000000000, "description": 'up "link"'}])

    def sources(self):
        n = 0
        for shard in glob.glob(self.dir + "/shards/*.db"):
            with sqlite3.connect(f"file:{shard}?mode=ro", uri=True) as db:
                n += db.execute("SELECT count(*) FROM source").fetchone()[0]
        return n

    def rss_kib(self, collector):
        with open(f"/proc/{collector.process.pid}/status",
                  encoding="utf-8") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1])

    def flood(self, port, first, n):
        """Sound datagrams of one flow, each from another address, engine and
        sampling interval: all that a header says of a source."""
        pick = random.Random(first)
        one = bytearray(datagram(0, n=1))
        for i in range(first, first + n):
            struct.pack_into(">BBH", one, 20, pick.randrange(256),
                             pick.randrange(256), pick.randrange(65536))
            self.send_from(f"127.{1 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}", port,
                           bytes(one))

    def test_a_flood_of_forged_exporters_fills_nothing(self):
        collector = self.collect("exporter real { address = 127.0.0.2 }\n")
        self.send_from("127.0.0.2", collector.port, datagram(0))
        self.flood(collector.port, 0, 8000)
        wait_for(lambda: self.sources() >= 1001, "sources")
        before = self.rss_kib(collector)
        lines = collector.text().count("\n")
        self.flood(collector.port, 8000, 20000)
        self.send_from("127.0.0.2", collector.port, datagram(30))
        time.sleep(1.5)
        # The table of sources is full, and the real one goes on.
        self.assertEqual(self.sources(), 1001)
        # Nothing that grows with the senders; other things may, a little.
        self.assertLess(self.rss_kib(collector), before + 16384)
        # What is said does not grow either.
        self.assertLess(collector.text().count("\n"), lines + 130)
        numbers = collector.stop()
        self.assertIn("27000 without room", numbers["line"])
        self.assertEqual(len(self.flows("exporter=127.0.0.2")), 60)
        self.assertEqual(numbers["stored"], 60 + 1000)
        size = sum(os.path.getsize(f)
                   for f in glob.glob(self.dir + "/shards/*"))
        self.assertLess(size, 4 << 20)
        self.assertRegex(self.status(), "refused in 24 h: .* 27000 datagrams "
                         "past max-automatic-exporters, of .* and 55 more")

    def test_unknown_engines_of_one_exporter_are_bounded(self):
        collector = self.collect("")
        for engine in range(200):
            header = bytearray(datagram(0, n=1))
            header[21] = engine
            collector.send(bytes(header))
        self.assertEqual(collector.stop()["stored"], 64)
        self.assertEqual(self.sources(), 64)


if __name__ == "__main__":
    main()
