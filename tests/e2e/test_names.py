# SPDX-License-Identifier: ISC
"""Names in listings: from a real name server on loopback, from files, from
the configuration; and what hostile ones do."""

import csv
import io
import json
import os
import sqlite3
import subprocess

import mmdb
from dns import REFUSED, SERVER_FAILURE, Dns
from lib import ENV, WEIR, Store, main, refused, run

# Of the 256 flows from 192.168.1.6 and .7 in the capture.
NAMES = {
    "192.168.1.6": b"pc6.example",
    "192.168.1.7": b"pc7.example",
    "52.114.77.33": b"teams.example",
    "52.114.75.79": SERVER_FAILURE,
    "52.89.39.139": REFUSED,
    "127.0.0.1": b"router.example",
}
WORDS = ["src=192.168.1.6,192.168.1.7"]


class Names(Store):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap")

    def conf(self, text):
        path = self.path("weir.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'data = "{self.dir}"\n{text}')
        return path

    def file(self, name, text):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(text)
        return path


class Hosts(Names):
    def test_come_from_the_name_server(self):
        dns = Dns(self, NAMES)
        rows = self.flows(*WORDS, "names=yes", "resolver=" + dns.address)
        names = {a: n.decode() for a, n in NAMES.items()
                 if isinstance(n, bytes)}
        plain = self.flows(*WORDS)
        self.assertEqual([{k: r[k] for k in plain[0]} for r in rows], plain)
        for row in rows:
            for word in ("src", "dst"):
                self.assertEqual(row[word + "_name"],
                                 names.get(row[word + "_addr"], ""))
            self.assertEqual(row["exporter_name"], "router.example")
            self.assertEqual(row["next_hop_name"], "")
        self.assertEqual(set(dns.asked),
                         {r["src_addr"] for r in rows}
                         | {r["dst_addr"] for r in rows} | {"127.0.0.1"})
        objects = json.loads(run("list", *WORDS, "names=yes", "resolver="
                                 + dns.address, "-d", self.dir, "-f",
                                 "json"))
        self.assertEqual([o["dst_name"] or "" for o in objects],
                         [r["dst_name"] for r in rows])
        self.assertIn(None, [o["dst_name"] for o in objects])
        self.assertRegex(
            run("list", *WORDS, "names=yes", "resolver=" + dns.address,
                "lines=50", "-d", self.dir),
            r" 192\.168\.1\.6 pc6\.example:\d+ +"
            r"52\.114\.77\.33 teams\.example:443 https ")

    def test_are_not_asked_for_unless_wanted(self):
        dns = Dns(self, NAMES)
        conf = self.conf(f"name-server = {dns.address}\n")
        for words in ([], ["names=no"], ["names=local"],
                      ["columns=src,dport_name"],
                      ["columns=src,src_name", "names=local"],
                      ["names=yes", "resolve_wait=0"]):
            for form in ("text", "csv", "json", "html"):
                run("list", *WORDS, *words, "-c", conf, "-f", form)
        self.assertEqual(dns.asked, [])
        run("list", *WORDS, "columns=src_name", "-c", conf)
        self.assertEqual(set(dns.asked), {"192.168.1.6", "192.168.1.7"})

    def test_are_kept_until_they_expire(self):
        dns = Dns(self, NAMES, ttl=86400)
        words = [*WORDS, "names=yes", "resolver=" + dns.address]
        first = self.flows(*words)
        asked = len(dns.asked)
        self.assertGreater(asked, 50)
        for _ in range(2):
            self.assertEqual(self.flows(*words), first)
        # Servers that failed are asked twice each time, the rest once ever.
        self.assertEqual(len(dns.asked), asked)
        db = sqlite3.connect(self.dir + "/names.db")
        ttl = dict(db.execute(
            "SELECT address, (expires_ms - 1000 * unixepoch()) / 1000 "
            "FROM host"))
        for address, most in (("192.168.1.6", 86400), ("52.94.232.134", 3600),
                              ("52.114.75.79", 300)):
            if address in ttl:
                self.assertGreater(ttl[address], most - 120, address)
                self.assertLessEqual(ttl[address], most, address)
        self.assertIn("192.168.1.6", ttl)
        self.assertIn(3600, [round(t, -2) for t in ttl.values()])
        with db:
            db.execute("UPDATE host SET expires_ms = 1 "
                       "WHERE address = '192.168.1.6'")
        db.close()
        dns.names = dict(NAMES, **{"192.168.1.6": b"renamed.example"})
        renamed = self.flows(*words)
        self.assertEqual(dns.asked[asked:], ["192.168.1.6"])
        self.assertEqual({r["src_name"] for r in renamed},
                         {"renamed.example", "pc7.example"})

    def test_are_asked_for_in_parallel_within_bounds(self):
        dns = Dns(self, {}, delay=0.2)
        run("list", "columns=src_name,dst_name", "-d", self.dir,
            "resolver=" + dns.address)
        self.assertGreater(len(dns.asked), 500)
        self.assertGreater(dns.most_waiting, 50)
        self.assertLessEqual(dns.most_waiting, 256)

    def test_a_silent_server_does_not_stop_the_list(self):
        dns = Dns(self, {r["dst_addr"]: None for r in self.flows()})
        rows = self.flows(*WORDS, "names=yes", "resolve_wait=1",
                          "resolver=" + dns.address)
        self.assertEqual({r["dst_name"] for r in rows}, {""})
        self.assertEqual(len(rows), len(self.flows(*WORDS)))
        # Nobody listens there, and there is nothing at all.
        dns.socket.close()
        done = subprocess.run(
            [WEIR, "list", *WORDS, "names=yes", "resolve_wait=1",
             "resolver=" + dns.address, "-d", self.dir], env=ENV,
            capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_who_may_not_write_reads_or_does_without(self):
        dns = Dns(self, NAMES)
        words = [*WORDS, "names=yes", "resolver=" + dns.address]
        os.chmod(self.folder, 0o755)
        os.chmod(self.dir, 0o755)
        os.chmod(self.dir + "/shards", 0o755)

        def as_nobody():
            done = subprocess.run(
                [WEIR, "list", *words, "-f", "csv", "-d", self.dir], env=ENV,
                capture_output=True, text=True, user="nobody", group=65534,
                extra_groups=[])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return list(csv.DictReader(io.StringIO(done.stdout)))

        without = as_nobody()
        self.assertNotIn("names.db", os.listdir(self.dir))
        asked = len(dns.asked)
        self.assertEqual(self.flows(*words), without)
        self.assertGreater(len(dns.asked), asked)
        asked = len(dns.asked)
        self.assertEqual(as_nobody(), without)
        self.assertEqual(len(dns.asked), asked)

    def test_a_damaged_cache_is_no_cache(self):
        dns = Dns(self, NAMES)
        words = [*WORDS, "names=yes", "resolver=" + dns.address]
        for text in (b"", b"not a database at all" * 100):
            self.file("var/names.db", text)
            self.assertIn("pc6.example",
                          {r["src_name"] for r in self.flows(*words)})

    def test_exporters_may_be_known_by_ipv6_alone(self):
        dns = Dns(self, {"::1": b"six.example"})
        collector = self.collector("-l", "[::1]:0")
        payload = (b"\0\5\0\1" + bytes(20)
                   + b"\x0a\0\0\1\xc0\0\2\1" + bytes(40))
        collector.send(payload, to="::1")
        collector.stop()
        rows = self.flows("exporter=::1", "names=yes",
                          "resolver=" + dns.address)
        self.assertEqual([r["exporter_name"] for r in rows], ["six.example"])


class Reports(Names):
    def test_hosts_of_the_rows_that_are_shown(self):
        dns = Dns(self, NAMES)
        words = [*WORDS, "names=yes", "resolver=" + dns.address]
        got = self.report("dst,exporter", *words, "lines=3")
        self.assertEqual(got["report"], ["dst", "exporter"])
        self.assertEqual(len(got["rows"]), 3)
        for row in got["rows"]:
            name = NAMES.get(row["dst"])
            self.assertEqual(row["dst_name"], name.decode()
                             if isinstance(name, bytes) else None)
            self.assertEqual(row["exporter_name"], "router.example")
        self.assertEqual(got["rows"][0]["dst_name"], "teams.example")
        self.assertEqual(set(dns.asked), {r["dst"] for r in got["rows"]}
                         | {"127.0.0.1"})
        self.assertRegex(run("report", "dst", *words, "lines=1", "-d",
                             self.dir), r"\n52\.114\.77\.33 teams\.example ")

    def test_services_and_interfaces_by_the_other_keys(self):
        conf = self.conf(CONFIGURED)
        text = run("report", "proto,dport,in_if,exporter", "dport=514,53",
                   "names=local", "-c", conf, "-f", "csv")
        for row in csv.DictReader(io.StringIO(text)):
            if row["dport"] == "53":
                self.assertEqual(row["dport_name"], "domain")
            self.assertEqual(row["in_if_name"], "ge-0/0/0 <b>&")
            self.assertEqual(row["exporter_name"], "edge-1")
        text = run("report", "in_if", "names=local", "-c", conf, "-f", "csv")
        self.assertIn("\n0,,", text)  # of which exporter, nobody knows

    def test_nothing_is_asked_or_shown_without_the_word(self):
        dns = Dns(self, NAMES)
        conf = self.conf(f"name-server = {dns.address}\n")
        for word in ("names=no", "names=local"):
            for form in ("text", "csv", "json", "html"):
                run("report", "src,dst,next_hop", word, "-c", conf, "-f",
                    form)
        self.assertEqual(dns.asked, [])


HOSTILE = [
    b"<script>alert(1)</script>.example", b"a\"b'c&d.example",
    b"line\nbreak\r.example", b"\x1b[2J\x07.example", b"bad\xff\xfeutf8.x",
    b"comma,semi;tab\t.example", b"=cmd|' /C calc'!A0.example",
    b"\xe2\x80\xaetxt.exe.example", b"x" * 50 + b"." + b"y" * 9,
]


class Hostile(Names):
    def setUp(self):
        super().setUp()
        addresses = sorted({r["dst_addr"] for r in self.flows(*WORDS)})
        self.names = dict(zip(addresses, HOSTILE * 9))
        self.dns = Dns(self, self.names)
        self.words = [*WORDS, "names=yes", "columns=dst,dst_name",
                      "resolver=" + self.dns.address]

    def list(self, form):
        done = subprocess.run(
            [WEIR, "list", *self.words, "-d", self.dir, "-f", form],
            env=ENV, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "strict")

    def test_csv_and_json_have_what_the_server_said(self):
        rows = list(csv.DictReader(io.StringIO(self.list("csv"),
                                               newline="")))
        for get in (rows, json.loads(self.list("json")),
                    [json.loads(line)
                     for line in self.list("ndjson").split("\n")[:-1]]):
            self.assertEqual(len(get), len(self.flows(*WORDS)))
            for row in get:
                self.assertEqual(
                    row["dst_name"].replace("\ufffd", "?"),
                    self.names[row["dst_addr"]].decode(
                        "utf-8", "replace").replace("\ufffd", "?"))

    def test_neither_text_nor_html_can_be_taken_over(self):
        for form in ("text", "html"):
            text = self.list(form)
            for bad in ("\x1b", "\x07", "\r", "\u202e"):
                self.assertNotIn(bad, text)
        self.assertNotIn("<script>alert", text)
        self.assertNotIn("a\"b", text)
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", text)
        lines = self.list("text").split("\n")
        self.assertEqual(len([x for x in lines if x[:1].isdigit()]),
                         len(self.flows(*WORDS)) + 2)  # and two notes


CONFIGURED = """
exporter edge-1 {
	address = 127.0.0.1
	interface 0 { name = "ge-0/0/0 <b>&" }
	interface 7 { name = "not this one" }
}
"""


class Files(Names):
    def test_exporters_and_interfaces_are_as_configured(self):
        conf = self.conf(CONFIGURED)
        text = run("list", "lines=9", "names=local", "-c", conf, "-f", "csv")
        for row in csv.DictReader(io.StringIO(text)):
            self.assertEqual(row["exporter_name"], "edge-1")
            self.assertEqual(row["in_if_name"], "ge-0/0/0 <b>&")
            self.assertEqual(row["src_name"], "")
        text = run("list", "lines=2", "names=local", "-c", conf)
        self.assertRegex(text, r" 0 ge-0/0/0 <b>& +0 ge-0/0/0 <b>& +"
                               r"127\.0\.0\.1 edge-1\n")
        self.assertIn("ge-0/0/0 &lt;b&gt;&amp;",
                      run("list", "names=local", "-c", conf, "-f", "html"))

    def test_services_are_of_the_protocol(self):
        rows = self.flows("names=local", "dport=53,443,514")
        got = {(r["protocol"], r["dst_port"]): r["dport_name"]
               for r in rows}
        self.assertEqual(got[("17", "53")], "domain")
        self.assertEqual(got[("6", "443")], "https")

    def test_as_numbers_are_named_by_a_file(self):
        names = self.file("as.txt", b"# numbers\n\nAS0 Reserved, here\n"
                                    b"64496\tOne\r\n64496,Two\n")
        conf = self.conf(f'as-names = "{names}"\n')
        text = run("list", "lines=1", "columns=src_as,src_as_name", "-c",
                   conf, "-f", "csv")
        self.assertEqual(text, 'src_as,src_as_name\n0,"Reserved, here"\n')
        for bad, named in ((b"one\n", ":1: begins with no AS number"),
                           (b"1 a\n2\n", ":2: has no name"),
                           (b"1 a\n2 " + b"x" * 256, ":2: has too long"),
                           (b"4294967296 x\n", "want NUMBER NAME")):
            names = self.file("as.txt", bad)
            self.assertIn(named, refused("list", "names=local", "-c", conf))
        os.remove(names)
        self.assertIn("as.txt: No such file",
                      refused("list", "names=local", "-c", conf))
        run("list", "lines=1", "-c", conf)  # not read unless wanted

    def test_countries_and_organisations_of_addresses(self):
        mmdb.write(self.path("country.mmdb"), {
            "52.0.0.0/8": {"country": {"iso_code": "US"}},
            "192.168.0.0/16": {"country": {"iso_code": "ZZ"}},
            "10.0.2.15/32": {"continent": {"code": "EU"}}})
        mmdb.write(self.path("as.mmdb"), {
            "52.0.0.0/9": {"autonomous_system_number": 64500,
                           "autonomous_system_organization":
                               "Example & <b>Sons</b>"},
            "192.168.1.0/24": {"autonomous_system_organization":
                               "\u00e9" * 100}})
        conf = self.conf(f'country-db = "{self.path("country.mmdb")}"\n'
                         f'as-db = "{self.path("as.mmdb")}"\n')
        text = run("list", "columns=src,dst,src_country,dst_country,src_org,"
                   "dst_org", "-c", conf, "-f", "csv")
        countries = set()
        for row in csv.DictReader(io.StringIO(text)):
            for end in ("src", "dst"):
                a = list(map(int, row[end + "_addr"].split(".")))
                want = {52: "US", 192: "ZZ" if a[1] == 168 else ""}
                self.assertEqual(row[end + "_country"], want.get(a[0], ""))
                countries.add(row[end + "_country"])
                org = ""
                if a[0] == 52 and a[1] < 128:
                    org = "Example & <b>Sons</b>"
                elif a[:3] == [192, 168, 1]:
                    org = "\u00e9" * 63  # whole characters in 127 bytes
                self.assertEqual(row[end + "_org"], org)
        self.assertEqual(countries, {"US", "ZZ", ""})

    def test_what_is_no_database_is_named(self):
        path = self.file("x.mmdb", b"no database")
        for key in ("country-db", "as-db"):
            conf = self.conf(f'{key} = "{path}"\n')
            self.assertIn("x.mmdb: no MaxMind database",
                          refused("list", "names=local", "-c", conf))
            conf = self.conf(f'{key} = "{self.path("none")}"\n')
            self.assertIn("/none: No such file",
                          refused("list", "names=local", "-c", conf))


class BadInput(Names):
    def test_each_is_one_clear_line(self):
        for word, named in (("names=maybe", "local"), ("names=", "yes"),
                            ("resolver=dns.example", "ADDR:PORT"),
                            ("resolver=53", "ADDR"),
                            ("resolver=127.0.0.1:99999", "ADDR:PORT"),
                            ("resolver=127.0.0.1:0", "ADDR:PORT"),
                            ("resolve_wait=soon", "seconds"),
                            ("resolve_wait=99999", "3600"),
                            ("sort=src_name", "src_name")):
            self.assertIn(named, refused("list", word, "-d", self.dir))


if __name__ == "__main__":
    main()
