# SPDX-License-Identifier: ISC
"""weir report scan, against sets over the list."""

import collections
import json
import os
import re
import shlex

from lib import Store, golden, main, refused, run

TCP_KINDS = ("syn", "fin", "null", "xmas")
WEB = {80, 443, 8080, 8443}


def number(address):
    a, b, c, d = map(int, address.split("."))
    return a << 24 | b << 16 | c << 8 | d


def kind_of(f):
    """Of the probes that a flow may be."""
    packets, octets = int(f["packets"]), int(f["octets"])
    flags = int(f["tcp_flags"])
    if f["protocol"] == "6":
        if flags & 2 and not flags & 16:
            return "syn"
        if flags == 0 and 1 <= packets <= 3 and octets // packets <= 60:
            return "null"
        return {1: "fin", 41: "xmas"}.get(flags)
    if f["protocol"] == "17" and packets <= 3 and not (
            int(f["src_port"]) < 1024 <= int(f["dst_port"])):
        return "udp"
    if f["protocol"] == "1" and f["dst_port"] == "2048":
        return "ping"
    return None


def oracle(flows, hosts=64, ports=64, failed=50, web=True,
           kinds=("syn", "fin", "null", "xmas", "udp", "ping")):
    """{(scanner, kind): numbers} by the rules of weir report scan -h."""
    if not web:
        flows = [f for f in flows if f["protocol"] not in ("6", "17") or
                 not WEB & {int(f["src_port"]), int(f["dst_port"])}]
    tcp = collections.Counter()
    for f in flows:
        if f["protocol"] == "6":
            tcp[f["exporter"], f["tcp_flags"] != "0"] += 1
    told = {e for e, _ in tcp if tcp[e, True] * 10 >= tcp[e, True] +
            tcp[e, False]}
    probed = collections.defaultdict(list)
    completed = collections.defaultdict(set)  # by source
    welcomed, refused_ = set(), set()
    for f in flows:
        src, dst = f["src_addr"], f["dst_addr"]
        sport, dport = int(f["src_port"]), int(f["dst_port"])
        flags, proto = int(f["tcp_flags"]), f["protocol"]
        kind = kind_of(f)
        if kind == "null" and f["exporter"] not in told:
            kind = None
        if kind in kinds:
            probed[src, kind].append(
                (dst, 0 if kind == "ping" else dport, f))
        if proto == "6":
            if flags & 18 == 18:
                welcomed.add((dst, "6", src, sport))
                if ((dport < 1024 or dport < sport) and
                        not sport < 1024 <= dport):
                    completed[src].add((dst, dport))
            elif flags & 6 == 4:
                refused_.add((dst, "6", src, sport))
        elif proto == "17":
            welcomed.add((dst, "17", src, sport))
        elif proto == "1" and dport == 0:
            welcomed.add((dst, "1", src, 0))
        elif proto == "1" and dport == 771:
            refused_.add((dst, "17", src, None))
    found = {}
    for (src, kind), tries in probed.items():
        proto = {"udp": "17", "ping": "1"}.get(kind, "6")
        pairs = {(h, p) for h, p, _ in tries}
        won = lambda h, p: (
            (h, p) in completed[src] if kind == "syn" else
            kind in ("udp", "ping") and (src, proto, h, p) in welcomed)
        worked = {(h, p) for h, p in pairs if won(h, p)}
        if kind == "syn":
            worked |= completed[src]
        lost = {x for x in pairs if x not in worked}

        def most(lost_, worked_):
            return len(lost_) * 100 >= (len(lost_) + len(worked_)) * failed
        by_host, by_port = (collections.defaultdict(lambda: (set(), set()))
                            for _ in range(2))
        for side, pairs_ in enumerate((lost, worked)):
            for h, p in pairs_:
                by_host[h][side].add(p)
                by_port[p][side].add(h)
        of_hosts = any(len(l) >= hosts and most(l, w)
                       for l, w in by_port.values())
        of_ports = any(len(l) >= ports and most(l, w)
                       for l, w in by_host.values())
        spread = len({h for h, _ in lost}) >= hosts and most(lost, worked)
        if not (of_hosts or of_ports or spread):
            continue
        refusals = sum(
            1 for h, p in pairs if (src, proto, h, p) in refused_ or
            (proto == "17" and (src, "17", h, None) in refused_))
        answers = sum(1 for h, p in pairs if (src, proto, h, p) in welcomed
                      or (proto == "6" and (h, p) in completed[src]))
        rows = [f for _, _, f in tries]
        packets = sum(int(f["packets"]) for f in rows)
        first = min(int(f["start_ms"]) for f in rows)
        last = max(int(f["end_ms"]) for f in rows)
        found[src, kind] = {
            "shape": "hosts+ports" if of_hosts and of_ports else
            "hosts" if of_hosts else "ports" if of_ports else "spread",
            "targets": len({h for h, _ in pairs}),
            "ports": len({p for _, p in pairs}),
            "pairs": len(pairs),
            "refused_share": 100 * refusals / len(pairs),
            "answered_share": 100 * answers / len(pairs),
            "flows": len(rows), "first_ms": first, "last_ms": last,
            "flows_per_s": None if first == last else
            len(rows) * 1000 / (last - first),
            "avg_flow_time_ms":
                sum(int(f["duration_ms"]) for f in rows) / len(rows),
            "avg_packet_octets":
                sum(int(f["octets"]) for f in rows) / packets,
            "packets_per_flow": packets / len(rows),
            "estimated": 0,
        }
    return found


class Scan(Store):
    def scan(self, *words):
        return json.loads(run("report", "scan", *words, "-d", self.dir, "-f",
                              "json"))

    def compare(self, got, want):
        self.assertEqual({(r["scanner"], r["kind"]) for r in got["rows"]},
                         set(want))
        for r in got["rows"]:
            for name, value in want[r["scanner"], r["kind"]].items():
                if isinstance(value, float):
                    self.assertAlmostEqual(r[name], value, delta=0.00501,
                                           msg=(r, name))
                else:
                    self.assertEqual(r[name], value, (r, name))
        self.assertEqual(
            got["rows"], sorted(got["rows"], key=lambda r: (
                -r["flows"], number(r["scanner"]))))

    def generate(self, *words):
        """Scans as they were made: {scanner: (kind, of ports, targets,
        ports)}."""
        text = run("generate", *words, "-o", self.path("made.pcap"))
        run("import", "-d", self.dir, self.path("made.pcap"))
        made = {}
        for kind, who, ports, hosts in re.findall(
                r"^scan: (\w+), by (\S+), (?:ports 1 to (\d+) of \S+|"
                r"port \d+ of (\d+) hosts)", text, re.M):
            made[who] = ((kind, "ports", 1, int(ports)) if ports else
                         (kind, "hosts", int(hosts), 1))
        return made

    def test_generated_scans_are_found_and_nothing_else(self):
        made = self.generate("flows=60000", "scans=18", "hosts=3000",
                             "exporters=2")
        self.assertEqual(len(made), 18)
        got = self.scan()
        self.assertEqual(
            {r["scanner"]: (r["kind"], r["shape"], r["targets"], r["ports"])
             for r in got["rows"]}, made)
        self.assertEqual(got["matched"], 18)
        self.compare(got, oracle(self.flows()))
        for r in got["rows"]:
            self.assertEqual(r["top_port"] is None, r["shape"] == "ports")
            self.assertEqual(r["top_target"] is None, r["shape"] == "hosts")

    def test_captures_of_scans(self):
        """nmap's SYN scan of 1000 ports of one host, and a connect scan of
        400 closed ones: what their makers say."""
        self.fill("softflowd-synscan.pcap", "fprobe-lo-live.pcap")
        got = self.scan()
        self.assertEqual(
            [(r["scanner"], r["kind"], r["shape"], r["targets"], r["ports"],
              r["flows"], r["refused_share"]) for r in got["rows"]],
            [("172.16.0.8", "syn", "ports", 1, 1000, 1994, 0.4),
             ("127.0.0.1", "syn", "ports", 1, 400, 400, 100.0)])
        self.assertEqual(got["rows"][0]["top_target"], "64.13.134.52")
        self.compare(got, oracle(self.flows()))

    def test_benign_captures(self):
        """A site's traffic has no scan but for 10.0.2.15: Gnutella, which
        looks for its peers on as many hosts as ports."""
        for name in ("softflowd-zeek-suricata-rolling.pcap",
                     "softflowd-restarts.pcap", "flowsend-real1000.pcap",
                     "softflowd-uptime-wrap.pcap", "softflowd-noadjust.pcap",
                     "graylog-netgraph-netflow5.pcap",
                     "erikwilson-flow_capture.bin", "dpkt-v5.bin"):
            with self.subTest(name):
                self.dir = self.path(name)
                self.fill(name)
                self.assertEqual(self.scan()["rows"], [])
        self.dir = self.path("gnutella")
        self.fill("softflowd-ndpi-mix.pcap")
        got = self.scan()
        self.assertEqual({(r["scanner"], r["shape"]) for r in got["rows"]},
                         {("10.0.2.15", "spread")})
        self.compare(got, oracle(self.flows()))
        self.assertIn("peer-to-peer", run("report", "scan", "-d", self.dir))

    def test_limits_and_words(self):
        self.generate("flows=40000", "scans=12", "hosts=2000")
        self.fill("softflowd-ndpi-mix.pcap", "nfreplay-backbone94k.pcap")
        flows = self.flows()
        asked = [
            (["hosts=500"], {"hosts": 500}),
            (["ports=1000"], {"ports": 1000}),
            (["hosts=20", "ports=20", "failed=90"],
             {"hosts": 20, "ports": 20, "failed": 90}),
            (["hosts=10", "failed=0"], {"hosts": 10, "failed": 0}),
            (["web=no", "hosts=15", "ports=15"],
             {"web": False, "hosts": 15, "ports": 15}),
            (["kinds=fin,udp"], {"kinds": ("fin", "udp")}),
            (["kinds=ping", "hosts=5"], {"kinds": ("ping",), "hosts": 5}),
        ]
        for words, limits in asked:
            with self.subTest(words):
                want = oracle(flows, **limits)
                self.assertGreater(len(want), 0)
                self.compare(self.scan(*words), want)
        words = ["proto=tcp", "src_mask=1-"]
        self.compare(self.scan(*words), oracle(self.flows(*words)))

    def test_suppressed_ones_are_left_out(self):
        made = list(self.generate("flows=4000", "scans=12", "hosts=300"))
        scanners = lambda *w: {r["scanner"] for r in self.scan(*w)["rows"]}
        self.assertEqual(scanners(), set(made))
        self.assertEqual(scanners(f"suppress={made[0]},{made[3]}/32"),
                         set(made) - {made[0], made[3]})
        self.assertEqual(scanners("suppress=100.64.0.0/10"), set())
        self.assertEqual(
            scanners(f"suppress=100.64.0.0/10,-{made[5]}"), {made[5]})
        with open(self.path("known"), "w", encoding="utf-8") as f:
            f.write(f"# our own\n\n {made[1]}  # the auditor\n"
                    f"{made[2]},{made[4]}\r\n")
        self.assertEqual(scanners("suppress_file=" + self.path("known"),
                                  f"suppress={made[0]}"),
                         set(made) - {made[n] for n in (0, 1, 2, 4)})
        with open(self.path("known"), "a", encoding="utf-8") as f:
            f.write("10.0.0.1\n10.0.0.300\n")
        line = refused("report", "scan", "-d", self.dir,
                       "suppress_file=" + self.path("known"))
        self.assertIn("known:6: ", line)
        self.assertIn("10.0.0.300", line)

    def test_the_words_show_the_flows(self):
        self.generate("flows=4000", "scans=6", "hosts=300")
        for words in ([], ["proto=tcp"], ["dst=10.0.0.0/8"],
                      ["where=src_as != 5"]):
            for r in self.scan(*words)["rows"]:
                shown = self.flows(*shlex.split(r["words"]))
                self.assertEqual({f["src_addr"] for f in shown},
                                 {r["scanner"]})
                if r["kind"] in TCP_KINDS:
                    self.assertEqual(len(shown), r["flows"], r)
                else:
                    self.assertGreaterEqual(len(shown), r["flows"])
        text = run("report", "scan", "-d", self.dir)
        lines = re.findall(r"^weir (list .*)$", text, re.M)
        self.assertEqual(len(lines), 6)
        for line in lines:
            out = run(*shlex.split(line), "-d", self.dir, "-f", "csv")
            self.assertGreater(out.count("\n"), 256)

    def test_lines_and_names(self):
        self.generate("flows=1000", "scans=8", "hosts=300")
        got = self.scan("lines=3")
        self.assertEqual((len(got["rows"]), got["matched"]), (3, 8))
        text = run("report", "scan", "lines=3", "-d", self.dir)
        self.assertIn("3 of 8 rows (lines=0 shows all)", text)
        self.assertEqual(len(re.findall(r"^weir list", text, re.M)), 3)
        row = self.scan("names=local")["rows"][0]
        self.assertEqual(list(row)[:4], ["scanner", "scanner_name",
                                         "scanner_country", "kind"])
        for name in ("csv", "ndjson", "html"):
            out = run("report", "scan", "-d", self.dir, "-f", name)
            self.assertIn(row["scanner"], out)
            self.assertIn("src=" + row["scanner"], out)

    def test_text_is_what_it_was(self):
        self.generate("flows=3000", "scans=6", "hosts=300", "seed=4")
        self.fill("softflowd-ndpi-mix-sampled10.pcap")
        run_ = lambda *a: run(*a, "-d", "var", cwd=self.folder)
        golden(self, "report-scan.txt", run_("report", "scan"))
        golden(self, "report-scan-none.txt",
               run_("report", "scan", "hosts=5000", "ports=5000",
                    "kinds=syn,fin", "web=no", "suppress=10.0.0.1"))

    def test_bad_words_are_refused(self):
        os.mkdir(self.dir)
        for words, parts in (
                (["hosts=1"], ["hosts", "2"]),
                (["hosts=many"], ["hosts", "many"]),
                (["ports=70000"], ["ports", "65536"]),
                (["failed=101"], ["failed", "100"]),
                (["kinds=syn,ack"], ["ack", "xmas"]),
                (["kinds="], ["kinds"]),
                (["web=maybe"], ["maybe"]),
                (["suppress=10.0.0.0/33"], ["suppress", "10.0.0.0/33"]),
                (["hosts=5", "hosts=6"], ["hosts", "twice"]),
                (["colour=red"], ["colour", "suppress"]),
                (["src"], ["src"])):
            with self.subTest(words):
                line = refused("report", "scan", *words, "-d", self.dir)
                for part in parts:
                    self.assertIn(part, line)
                self.assertIn("weir report scan -h", line)
        missing = self.path("missing")
        self.assertIn(missing, refused(
            "report", "scan", "suppress_file=" + missing, "-d", self.dir,
            status=1))
        self.assertIn("no flows stored yet",
                      run("report", "scan", "-d", self.dir))
        self.assertEqual(self.scan()["rows"], [])
        self.assertIn("usage: weir report scan", run("report", "scan", "-h"))


if __name__ == "__main__":
    main()
