# SPDX-License-Identifier: ISC
"""The same flow seen by several routers counts once."""

import collections
import ipaddress
import random
import struct

from lib import Store, main, refused, run, write_pcap

START = 1790000000


def record(flow):
    """48 bytes of a flow (src, dst, sport, dport, in, out, start, end, octets),
    times in milliseconds of uptime."""
    src, dst, sport, dport, in_if, out_if, start, end, octets = flow
    return struct.pack(">4s4s4sHHIIIIHHxBBBHHBBxx",
                       ipaddress.ip_address(src).packed,
                       ipaddress.ip_address(dst).packed, bytes(4), in_if,
                       out_if, 1, octets, start, end, sport, dport, 24, 6, 0,
                       0, 0, 0, 0)


def datagram(flows, engine=0):
    return struct.pack(">HHIIIIBBH", 5, len(flows), 10000000, START, 0, 0, 0,
                       engine, 0) + b"".join(map(record, flows))


def point(row):
    return (int(ipaddress.ip_address(row["exporter"])),
            int(row["engine_type"]), int(row["engine_id"]),
            int(row["input_if"]), int(row["output_if"]))


def without_doubles(rows, within_ms):
    """What dedup= must leave, as it is defined, without any speed."""
    by_tuple = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        key = tuple(row[k] for k in ("src_addr", "dst_addr", "src_port",
                                     "dst_port", "protocol"))
        by_tuple[key][point(row)].append(row)
    kept = []
    for points in by_tuple.values():
        of_tuple = []
        for where in sorted(points):
            free, new = sorted(int(r["start_ms"]) for r in of_tuple), []
            for row in sorted(points[where],
                              key=lambda r: int(r["start_ms"])):
                near = [t for t in free
                        if abs(t - int(row["start_ms"])) <= within_ms]
                if near:
                    free.remove(near[0])
                else:
                    new.append(row)
            of_tuple += new
        kept += of_tuple
    return kept


def as_set(rows):
    return sorted(tuple(r.values()) for r in rows)


class Dedup(Store):
    def made(self, seed):
        """Flows seen at three routers, each with losses, delays and a second
        interface, and some of the same addresses again and again."""
        r = random.Random(seed)
        seen = collections.defaultdict(list)
        for _ in range(1500):
            start = r.randrange(1000000, 9000000)
            flow = (f"10.0.0.{r.randrange(6)}", f"10.1.0.{r.randrange(6)}",
                    r.choice((1024, 1025)), r.choice((53, 443)))
            octets = r.randrange(40, 100000)
            for router in (4, 2, 3):
                if r.random() < 0.2:
                    continue
                at = start + r.randrange(-800, 800)
                for in_if, out_if in ((1, 2), (2, 1))[:r.choice((1, 1, 2))]:
                    seen[router].append(flow + (
                        in_if, out_if, at, at + r.randrange(90000),
                        octets + r.randrange(3)))
        packets = []
        for router, flows in seen.items():
            for i in range(0, len(flows), 30):
                packets.append((START + i, f"192.0.2.{router}",
                                datagram(flows[i:i + 30], router % 2)))
        r.shuffle(packets)
        path = self.path("made.pcap")
        write_pcap(path, packets)
        run("import", "-d", self.dir, path)

    def test_what_is_left_is_as_defined(self):
        self.made(1)
        rows = self.flows()
        self.assertGreater(len(rows), 3000)
        for within, text in ((0, "0"), (1, "1ms"), (700, "700ms"),
                             (1600, "1.6s"), (3600000, "1h")):
            with self.subTest(text):
                got = as_set(self.flows("dedup=" + text))
                want = as_set(without_doubles(rows, within))
                self.assertTrue(got == want, (len(got), len(want)))
                if within > 1:
                    self.assertLess(len(got), len(rows) * 3 // 4)

    def test_reports_and_exports_agree(self):
        self.made(2)
        want = without_doubles(self.flows(), 1600)
        report = self.report("dst", "dedup=1600ms")
        self.assertEqual(report["total"]["flows"], len(want))
        self.assertEqual(report["total"]["octets"],
                         sum(int(r["octets"]) for r in want))
        text = run("report", "dst", "dedup=1600ms", "-d", self.dir)
        left_out = len(self.flows()) - len(want)
        self.assertIn(f"{left_out} flows seen elsewhere as well left out",
                      text)
        self.assertIn("dedup=1600ms", text.splitlines()[1])
        out = self.path("out.pcap")
        run("export", "dedup=1600ms", "-d", self.dir, "-o", out)
        other = self.path("other")
        run("import", "-d", other, out)
        self.assertEqual(
            len(run("list", "-d", other, "-f", "csv").splitlines()) - 1,
            len(want))

    def test_two_routers_that_see_the_same_count_once(self):
        flows = [("10.0.0.1", "10.0.0.2", 1000 + i, 80, 1, 2, 5000, 6000, 100)
                 for i in range(30)]
        for router in (1, 2):
            path = self.path(f"{router}.pcap")
            write_pcap(path, [(START, f"192.0.2.{router}", datagram(flows))])
            run("import", "-d", self.dir, path)
        self.assertEqual(self.report("exporter")["total"]["flows"], 60)
        rows = self.report("exporter", "dedup=1s")["rows"]
        self.assertEqual([(r["exporter"], r["flows"]) for r in rows],
                         [("192.0.2.1", 30)])
        self.assertEqual(self.report("exporter", "dedup=1s",
                                     "exporter=192.0.2.2")["total"]["flows"],
                         30)

    def test_bad_words_are_refused(self):
        for word in ("dedup=", "dedup=1", "dedup=2h", "dedup=-1s",
                     "dedup=1s,2s"):
            self.assertIn("want how far starts of the same flow",
                          refused("report", "src", word, "-d", self.dir))
        self.assertIn("dedup= is of flows, not of loss",
                      refused("report", "loss", "dedup=1s", "-d", self.dir))


if __name__ == "__main__":
    main()
