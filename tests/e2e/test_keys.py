# SPDX-License-Identifier: ISC
"""Every key of reports against sums over `weir list -f csv` made here."""

import collections
import datetime
import functools
import ipaddress
import json
import zoneinfo

import mmdb
from lib import Store, main, refused, run

# Captures with masks, AS numbers, engines, flags; words that keep them small.
STORES = {
    "erikwilson-flow_capture.bin": ["dst=66.0.0.0/8"],
    "nfreplay-backbone94k.pcap": ["dport=443", "octets=4M-"],
    "pmacctd-multi-engine.pcap": [],
}

SIZES = [64, 128, 256, 512, 1024, 1500, 9000]
LIVES = ["0ms", "10ms", "100ms", "1000ms", "10s", "1m", "5m", "10m", "30m",
         "1h", "24h"]
COUNTRIES = {"66.0.0.0/8": "US", "192.168.0.0/16": "DE", "10.0.0.0/8": "FR",
             "64.0.0.0/8": "JP"}


def ms(text):
    for unit, factor in (("ms", 1), ("s", 1000), ("m", 60000),
                         ("h", 3600000)):
        if text.endswith(unit) and text[:-len(unit)].isdigit():
            return int(text[:-len(unit)]) * factor
    return None


@functools.cache
def net(address, length):
    return str(ipaddress.ip_network((address, min(int(length), 32)), False))


def size_bin(r):
    packets = int(r["packets"])
    size = int(r["octets"]) // packets if packets else 0
    lo = 0
    for hi in SIZES:
        if size <= hi:
            return f"{lo}-{hi}"
        lo = hi + 1
    return f"{lo}-"


def local(r, zone, **zeros):
    """Epoch milliseconds of the bin that the flow starts in."""
    when = datetime.datetime.fromtimestamp(int(r["start_ms"]) // 1000, zone)
    if "hour" in zeros:
        return str(int(when.replace(fold=0, **zeros).timestamp()) * 1000)
    past = when.minute * 60 + when.second
    return str((int(r["start_ms"]) // 1000 - past) * 1000)


def day(r, zone):
    return local(r, zone, hour=0, minute=0, second=0)


@functools.cache
def country(address):
    for prefix, code in COUNTRIES.items():
        if ipaddress.ip_address(address) in ipaddress.ip_network(prefix):
            return code
    return "None"


ZONE = zoneinfo.ZoneInfo("Asia/Kathmandu")  # 5:45 east of Greenwich

# Key: its columns of a flow. Of either end, at both.
KEYS = {
    "src": lambda r: [r["src_addr"]],
    "dst": lambda r: [r["dst_addr"]],
    "src/24": lambda r: [net(r["src_addr"], 24)],
    "dst/16": lambda r: [net(r["dst_addr"], 16)],
    "src/0": lambda r: ["0.0.0.0/0"],
    "next_hop/8": lambda r: [net(r["next_hop"], 8)],
    "src/mask": lambda r: [net(r["src_addr"], r["src_mask"])],
    "dst/mask": lambda r: [net(r["dst_addr"], r["dst_mask"])],
    "conversation": lambda r: sorted(
        (r["src_addr"], r["dst_addr"]), key=ipaddress.ip_address),
    "sport": lambda r: [r["src_port"]],
    "dport": lambda r: [r["dst_port"]],
    "proto": lambda r: [r["protocol"]],
    "flags": lambda r: [r["tcp_flags"]],
    "tos": lambda r: [r["tos"]],
    "dscp": lambda r: [str(int(r["tos"]) >> 2)],
    "in_if": lambda r: [r["input_if"]],
    "out_if": lambda r: [r["output_if"]],
    "src_as": lambda r: [r["src_as"]],
    "dst_as": lambda r: [r["dst_as"]],
    "src_mask": lambda r: [r["src_mask"]],
    "dst_mask": lambda r: [r["dst_mask"]],
    "src_country": lambda r: [country(r["src_addr"])],
    "dst_country": lambda r: [country(r["dst_addr"])],
    "next_hop": lambda r: [r["next_hop"]],
    "exporter": lambda r: [r["exporter"]],
    "engine": lambda r: [r["engine_type"], r["engine_id"]],
    "sampling": lambda r: [str(int(r["sampling"]) & 0x3fff)],
    "packet_size": lambda r: [size_bin(r)],
    "minute": lambda r: [str(int(r["start_ms"]) // 60000 * 60000)],
    "hour": lambda r: [local(r, ZONE)],
    "day": lambda r: [day(r, ZONE)],
}
ENDS = {
    "host": ("src_addr", "dst_addr"),
    "port": ("src_port", "dst_port"),
    "as": ("src_as", "dst_as"),
    "if": ("input_if", "output_if"),
    "peer": ("dst_addr", "src_addr"),
}


def ends(key, r):
    """The values of a key at the source and at the destination."""
    if key in KEYS:
        return [KEYS[key](r)] * 2
    if key in ENDS:
        return [[r[c]] for c in ENDS[key]]
    if key == "country":
        return [[country(r[c])] for c in ENDS["host"]]
    base, length = key.split("/")
    return [[net(r[c], r[c[:3] + "_mask"] if length == "mask" else length)]
            for c in ENDS[base]]


def oracle(keys, flows):
    sums = collections.defaultdict(lambda: [0, 0, 0])
    for r in flows:
        parts = [ends(k, r) for k in keys]
        for group in {tuple(x for p in parts for x in p[end])
                      for end in range(2)}:
            s = sums[group]
            s[0] += 1
            s[1] += int(r["octets"])
            s[2] += int(r["packets"])
    return dict(sums)


class Keys(Store):
    def setUp(self):
        super().setUp()
        mmdb.write(self.path("country.mmdb"), {
            p: {"country": {"iso_code": c}} for p, c in COUNTRIES.items()})

    def ask(self, keys, *words):
        with open(self.path("weir.conf"), "w", encoding="utf-8") as f:
            f.write(f'data = "{self.dir}"\n'
                    f'country-db = "{self.path("country.mmdb")}"\n')
        return json.loads(run("report", ",".join(keys), *words, "-c",
                              self.path("weir.conf"), "-f", "json"))

    def assert_equal(self, keys, words, flows):
        got = self.ask(keys, "tz=Asia/Kathmandu", *words)
        names = got["report"]
        self.assertEqual({tuple(str(r[n]) for n in names):
                          [r["flows"], r["octets"], r["packets"]]
                          for r in got["rows"]}, oracle(keys, flows))
        self.assertEqual(got["total"]["flows"], len(flows))
        self.assertEqual(got["total"]["octets"],
                         sum(int(r["octets"]) for r in flows))

    def test_every_key_equals_the_sums_over_the_list(self):
        lists = [[k] for k in [*KEYS, *ENDS, "country", "host/20",
                               "host/mask"]] + [
            ["host", "port"], ["host", "peer"], ["port", "proto"],
            ["host", "dst"], ["conversation", "proto", "src/mask"],
            ["hour", "src/24", "flags"]]
        for capture, words in STORES.items():
            self.dir = self.path(capture)
            self.fill(capture)
            flows = self.flows(*words)
            self.assertGreater(len(flows), 15, capture)
            for keys in lists:
                with self.subTest(f"{capture} {keys}"):
                    self.assert_equal(keys, words, flows)

    def test_bins_select_their_flows_as_words(self):
        """What stands in a row, given as a word, has the flows of the row."""
        self.fill("softflowd-ndpi-mix.pcap", "erikwilson-flow_capture.bin")
        for key in ("packet_size", "duration"):
            rows = self.report(key)["rows"]
            self.assertGreater(len(rows), 3)
            for row in rows:
                total = self.report("proto", f"{key}={row[key]}")["total"]
                self.assertEqual(total, {c: row[c] for c in total}, row)

    def test_durations_lie_in_their_bins(self):
        self.fill("softflowd-ndpi-mix.pcap", "erikwilson-flow_capture.bin")
        edges = [-1] + [ms(x) for x in LIVES] + [float("inf")]
        want = collections.Counter()
        for r in self.flows():
            want[sum(int(r["duration_ms"]) > e for e in edges)] += 1
        got = collections.Counter()
        for row in self.report("duration")["rows"]:
            lo = ms(row["duration"].split("-")[0])
            got[sum(lo > e for e in edges)] += row["flows"]
        self.assertEqual(got, want)

    def test_hours_of_a_day_when_clocks_change(self):
        """Berlin, 27 October 2024: two hours from 02:00 on, a day of 25."""
        zone = zoneinfo.ZoneInfo("Europe/Berlin")
        run("generate", "flows=3000", "from=2024-10-26T21:00Z",
            "to=2024-10-28T01:00Z", "-o", self.path("g.pcap"))
        run("import", "-d", self.dir, self.path("g.pcap"))
        flows = self.flows()
        for key, how in (("hour", local), ("day", day)):
            want = collections.Counter(how(r, zone) for r in flows)
            got = {str(r[key]): r["flows"] for r in
                   self.report(key, "tz=Europe/Berlin")["rows"]}
            self.assertEqual(got, dict(want))
        self.assertIn("2024-10-27 02:00", run(
            "report", "hour", "tz=Europe/Berlin", "-d", self.dir))

    def test_heading_says_what_counts_twice(self):
        self.fill("softflowd-ndpi-mix.pcap")
        for key in ("host", "port", "if", "as", "proto,host"):
            self.assertIn("each flow counts under both of its ends",
                          run("report", key, "-d", self.dir))
        self.assertNotIn("both of its ends",
                         run("report", "src", "-d", self.dir))

    def test_what_is_no_key_is_refused(self):
        self.fill("softflowd-synscan.pcap")
        for keys, said in (
                ("src/33", "0-32"), ("src/", "0-32"), ("src/-1", "0-32"),
                ("src/mask24", "mask"), ("next_hop/mask", "0-32"),
                ("proto/8", "proto/8"), ("exporter/24", "exporter/24"),
                ("conversation/24", "conversation/24"),
                ("src/24,src/24", "twice"), ("country", "country-db"),
                ("src,dst,host,peer,src/24,dst/24,src/16,dst/16,src/8",
                 "too many")):
            self.assertIn(said, refused("report", keys, "-d", self.dir))
        for key in ("host", "hour", "src_country", "port"):
            self.assertIn(key, refused("graph", "bps", f"split={key}", "-f",
                                       "csv", "-d", self.dir))

    def test_graphs_are_split_by_new_keys_too(self):
        self.fill("softflowd-ndpi-mix.pcap")
        text = run("graph", "bps", "split=src/16", "top=3", "-f", "csv",
                   "-d", self.dir)
        top = [r["src/16"] for r in
               self.report("src/16", "lines=3")["rows"]]
        for label in top:
            self.assertIn(label, text)


if __name__ == "__main__":
    main()
