# SPDX-License-Identifier: ISC
"""Filters on the command line: names, zones, where mistakes are shown."""

import csv
import io
import json
import os
import pty
import subprocess
import threading
import unittest

from lib import ENV, WEIR, Store, main, refused, run

CAPTURE = "softflowd-ndpi-mix.pcap"


class Filters(Store):
    def setUp(self):
        super().setUp()
        self.fill(CAPTURE)

    def weir(self, command, *args):
        return run(command, "-d", self.dir, *args)

    def refused(self, command, *args):
        return refused(command, "-d", self.dir, *args)

    def count(self, *words):
        return self.report("proto", *words)["total"]["flows"]

    def total(self, keep):
        return sum(1 for r in self.flows() if keep(r))


class Words(Filters):
    def test_each_finds_what_a_look_at_all_flows_finds(self):
        def number(name):
            return lambda r: int(r[name])

        octets, packets = number("octets"), number("packets")
        sport, dport = number("src_port"), number("dst_port")
        flags = number("tcp_flags")

        def duration(r):
            return int(r["end_ms"]) - int(r["start_ms"])
        cases = {
            "host=192.168.1.29": lambda r: "192.168.1.29" in (
                r["src_addr"], r["dst_addr"]),
            "port=53": lambda r: 53 in (sport(r), dport(r)),
            "port=-53": lambda r: 53 not in (sport(r), dport(r)),
            "dport=1024-": lambda r: dport(r) >= 1024,
            "dport=:1023,-53": lambda r: dport(r) < 1024 and dport(r) != 53,
            "src=10.0.0.0/8,-10.0.0.0/16": lambda r:
                r["src_addr"].startswith("10.")
                and not r["src_addr"].startswith("10.0."),
            "dst=192.168.1.x,172.16.0.0-172.31.255.255": lambda r:
                r["dst_addr"].startswith("192.168.1.")
                or (r["dst_addr"].startswith("172.")
                    and 16 <= int(r["dst_addr"].split(".")[1]) < 32),
            "octets=10k-": lambda r: octets(r) >= 10000,
            "packets=1": lambda r: packets(r) == 1,
            "packet_size=-0-100": lambda r: octets(r) // packets(r) > 100,
            "duration=1s-10s": lambda r: 1000 <= duration(r) <= 10000,
            "bps=1M-": lambda r: duration(r) > 0
                and octets(r) * 8000 // duration(r) >= 10 ** 6,
            "flags=SAPF": lambda r: flags(r) == 27,
            "flags=all:SA": lambda r: flags(r) & 18 == 18,
            "flags=any:FR": lambda r: flags(r) & 5,
            "flags=syn-only": lambda r: flags(r) & 63 == 2,
            "flags=half-open": lambda r: flags(r) & 63 == 18,
            "flags=complete": lambda r: flags(r) & 23 == 19,
            "flags=refused": lambda r: flags(r) & 47 == 4,
            "where=src net 10.0.0.0/8 and dst port 53 and not flags R":
                lambda r: r["src_addr"].startswith("10.")
                and dport(r) == 53 and not flags(r) & 4,
            "where=sport > dport or (proto udp and octets < 100)":
                lambda r: sport(r) > dport(r)
                or (r["protocol"] == "17" and octets(r) < 100),
            "where=src_as = dst_as": lambda r: r["src_as"] == r["dst_as"],
            "quirks=none": lambda r: r["quirks"] == "0",
        }
        flows = self.flows()
        self.assertEqual(len(flows), 2429)
        for word, keep in cases.items():
            with self.subTest(word):
                want = [r for r in flows if keep(r)]
                self.assertTrue(want)
                self.assertEqual(self.flows(word), want)

    def test_spans_include_flows_in_four_ways(self):
        start, end = 1709294700000, 1709294760000
        flows = [(int(r["start_ms"]), int(r["end_ms"])) for r in self.flows()]
        cases = {
            "any": lambda f, l: l >= start and f < end,
            "start": lambda f, l: start <= f < end,
            "end": lambda f, l: start <= l < end,
            "inside": lambda f, l: f >= start and l < end,
        }
        seen = set()
        for include, keep in cases.items():
            want = sum(1 for f, l in flows if keep(f, l))
            self.assertEqual(
                self.count(f"from=@{start / 1000}", f"to=@{end / 1000}",
                           f"include={include}"), want, include)
            seen.add(want)
        self.assertEqual(len(seen), 4)

    def test_times_are_read_and_written_in_the_zone_asked_for(self):
        utc = self.weir("report", "proto", "from=2024-03-01T12:05")
        for zone, day, time in (("Asia/Kolkata", "01.03.2024", "17:35"),
                                ("America/New_York", "3/1/2024", "07:05"),
                                ("Pacific/Kiritimati", "2024-03-02",
                                 "02:05")):
            text = self.weir("report", "proto", f"from={day} {time}",
                             f"tz={zone}", "dates=mdy")
            self.assertIn(f" {time}:00.000 ", text)
            self.assertIn(f"tz={zone}\n", text)
            self.assertEqual(text.split("\n\n")[1], utc.split("\n\n")[1])
        text = self.weir("list", "lines=1", "tz=Asia/Kolkata",
                         "from=2024-03-01T17:30")
        self.assertIn("from 2024-03-01 17:30:00.000 IST\n", text)
        self.assertIn("\n2024-03-01 17:3", text)

    def test_captions_have_canonical_words(self):
        text = self.weir("report", "proto", "flags=0x02/0x12",
                         "where=dst port in [80 https]", "include=start",
                         "dport=http-alt,-1024:65535,:1023")
        self.assertEqual(
            text.split("\n")[1],
            "dport=8080,-1024-,0-1023 flags=S/SA where=dport=80,443 "
            "include=start")


class Mistakes(Filters):
    def on_terminal(self, *args):
        """What a terminal as standard error gets."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([WEIR, *args, "-d", self.dir], env=ENV,
                                   stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        got = []

        def read():
            try:
                while True:
                    got.append(os.read(ours, 4096))
            except OSError:  # the other end is closed
                pass
        reader = threading.Thread(target=read)
        reader.start()
        self.assertEqual(process.wait(), 2)
        reader.join()
        os.close(ours)
        return b"".join(got).decode().replace("\r\n", "\n")

    def test_a_terminal_shows_where_they_are(self):
        self.assertEqual(
            self.on_terminal("report", "src", "dport=80,htpp"),
            'weir: dport=80,htpp: unknown service "htpp" (position 4): do '
            "you mean http? (weir report -h explains)\n"
            "  dport=80,htpp\n"
            "           ^\n")
        self.assertEqual(
            self.on_terminal("list", "where=proto=tcp and (dprt=80)"),
            "weir: where=proto=tcp and (dprt=80): unknown field \"dprt\" "
            "(position 16): do you mean dport? (weir list -h explains)\n"
            "  where=proto=tcp and (dprt=80)\n"
            "                       ^\n")

    def test_files_get_one_line(self):
        for words in (["dport=80,htpp"], ["where=(dport=80"], ["tz=Berlin"],
                      ["from=03/04/2024"], ["@nosuch"], ["dport=@nosuch"],
                      ["src=no_such_host.invalid"], ["dprot=80"]):
            with self.subTest(words):
                self.refused("report", "src", *words)

    def test_words_do_not_reach_a_terminal_as_they_are(self):
        text = self.on_terminal("report", "src", "dport=80,\033[31mred")
        self.assertNotIn("\033", text)


class Groups(Filters):
    def rows(self, *args):
        return json.loads(self.weir("group", *args, "-f", "json"))

    def test_they_stand_for_their_values(self):
        self.weir("group", "set", "web", "80", "443", "8000-8080",
                  "comment=Web servers")
        self.weir("group", "set", "public", "@web,25")
        self.weir("group", "set", "lan", "192.168.1.0/24,-192.168.1.7")
        for name, plain in (("@web", "80,443,8000-8080"),
                            ("-@web", "-80,-443,-8000-8080"),
                            ("@public,-80", "80,443,8000-8080,25,-80")):
            self.assertEqual(self.flows(f"dport={name}"),
                             self.flows(f"dport={plain}"))
        self.assertEqual(
            self.flows("host=@lan"),
            self.flows("host=192.168.1.0/24,-192.168.1.7"))
        self.assertIn("\nhost=@lan dport=@web\n",
                      self.weir("report", "src", "dport=@WEB", "host=@lan")
                      .replace("@WEB", "@web"))
        self.assertEqual(
            [(r["group"], r["kind"], r["values"], r["comment"])
             for r in self.rows("list")],
            [("lan", "networks", 2, ""), ("public", "ports", 2, ""),
             ("web", "ports", 3, "Web servers")])
        self.weir("group", "set", "web", "53")
        self.assertEqual(self.flows("dport=@public"),
                         self.flows("dport=53,25"))

    def test_they_leave_as_csv_and_come_back(self):
        self.weir("group", "set", "web", "80", "443",
                  'comment=all, "of" them')
        self.weir("group", "set", "outside", "--", "-10.0.0.0/8",
                  "-192.168.0.0/16")
        text = self.weir("group", "show", "-f", "csv")
        self.assertEqual(
            [tuple(r) for r in csv.reader(io.StringIO(text))],
            [("group", "value", "comment"), ("outside", "-10.0.0.0/8", ""),
             ("outside", "-192.168.0.0/16", ""),
             ("web", "80", 'all, "of" them'),
             ("web", "443", 'all, "of" them')])
        with open(self.path("groups.csv"), "w", encoding="utf-8") as f:
            f.write(text)
        self.weir("group", "remove", "web", "outside")
        self.assertEqual(self.rows("list"), [])
        self.weir("group", "import", self.path("groups.csv"))
        self.assertEqual(self.weir("group", "show", "-f", "csv"), text)
        self.assertEqual(self.weir("group", "show", "WEB", "-f", "csv"),
                         "".join(text.splitlines(True)[:1]
                                 + text.splitlines(True)[3:]))

    def test_wrong_files_change_nothing(self):
        self.weir("group", "set", "web", "80")
        before = self.weir("group", "show", "-f", "csv")
        for name, content, words in (
                ("empty", "", ["empty"]),
                ("head", "name,value\nweb,443\n", ["row 1", "group"]),
                ("name", "group,value\nweb,443\nx y,1\n", ["row 3", "name"]),
                ("value", "group,value\nweb,443\nx,\n", ["row 3", "value"]),
                ("open", 'group,value\nweb,"443\n', ["row 2"]),
                ("service", "group,value\nweb,443\nx,80\nx,htpp\n",
                 ["group x", "htpp", "http?"]),
                ("cycle", "group,value\na,@b\nb,@a\n",
                 ["group a", "member of itself"]),
                ("missing", "group,value\na,@nosuch\n", ["nosuch"])):
            with self.subTest(name):
                path = self.path(name + ".csv")
                with open(path, "w", encoding="utf-8") as f:
                    f.write(content)
                line = self.refused("group", "import", path)
                for word in words:
                    self.assertIn(word, line)
                self.assertEqual(self.weir("group", "show", "-f", "csv"),
                                 before)

    def test_what_needs_one_keeps_it_right(self):
        self.weir("group", "set", "web", "80")
        self.weir("group", "set", "public", "@web")
        self.weir("filter", "save", "out", "dport=@public")
        self.assertIn("group public", self.refused("group", "remove", "web"))
        self.assertIn("filter out",
                      self.refused("group", "remove", "public"))
        self.assertIn("filter out",
                      self.refused("group", "set", "web", "10.0.0.0/8"))
        self.assertIn("member of itself",
                      self.refused("group", "set", "web", "@public"))
        self.weir("filter", "delete", "out")
        self.weir("group", "remove", "public", "web")
        self.assertEqual(self.rows("list"), [])

    def test_bad_input_is_told(self):
        for args, words in (
                ([], ["set import list show remove"]),
                (["lst"], ["lst", "list?"]),
                (["set"], ["NAME", "values"]),
                (["set", "web"], ["NAME", "values"]),
                (["set", "9x", "1"], ["9x", "letter"]),
                (["set", "web", "80,htpp"],
                 ["group web", "htpp", "position 4", "http?"]),
                (["set", "web", "10.0.0.0/8,80"], ["80", "position 12"]),
                (["set", "web", "1,,2"], ["missing"]),
                (["remove", "nosuch"], ["nosuch"]),
                (["show", "nosuch"], ["nosuch"]),
                (["list", "web"], ["no more"]),
                (["import"], ["CSV"])):
            with self.subTest(args):
                line = self.refused("group", *args)
                for word in words:
                    self.assertIn(word, line)


class Saved(Filters):
    def rows(self, *args):
        return json.loads(self.weir("filter", *args, "-f", "json"))

    def test_every_command_takes_them(self):
        self.weir("filter", "save", "dns", "port=53", "proto=udp",
                  "comment=name service")
        words = ["port=53", "proto=udp"]
        self.assertEqual(self.flows("@dns"), self.flows(*words))
        self.assertEqual(self.flows("src=10.0.0.0/8", "@DNS"),
                         self.flows("src=10.0.0.0/8", *words))
        self.assertEqual(self.report("dst", "@dns")["rows"],
                         self.report("dst", *words)["rows"])
        for words in (["@dns"], words):
            run("export", *words, "-d", self.dir, "-o", self.path(words[0]))
        with open(self.path("@dns"), "rb") as a, \
                open(self.path("port=53"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        row = self.rows("show", "dns")[0]
        self.assertEqual((row["filter"], row["words"], row["comment"]),
                         ("dns", "port=53 proto=udp", "name service"))

    def test_a_word_beside_one_takes_the_place_of_its_own(self):
        self.weir("filter", "save", "dns", "dport=53", "proto=udp",
                  "from=2024-03-01T12:05")
        self.assertEqual(self.flows("@dns", "dport=443"),
                         self.flows("dport=443", "proto=udp",
                                    "from=2024-03-01T12:05"))
        self.assertEqual(self.flows("to=2024-03-01T12:05", "@dns"),
                         self.flows("to=2024-03-01T12:05", "dport=53",
                                    "proto=udp"))

    def test_expressions_and_relative_times_are_kept_as_they_are(self):
        self.weir("filter", "save", "odd", "last=7d", "tz=Europe/Berlin",
                  "where=(src net 10.0.0.0/8 or flags S) and bytes > 1k")
        self.assertEqual(
            self.rows("list")[0]["words"],
            "where='(src=10.0.0.0/8 or flags=all:S) and octets=1001-' "
            "tz=Europe/Berlin last=7d")
        self.weir("report", "src", "@odd")
        self.weir("filter", "save", "again", "@odd")
        self.assertEqual(self.rows("show", "again")[0]["words"],
                         self.rows("show", "odd")[0]["words"])

    def test_one_is_replaced_only_when_asked(self):
        self.weir("filter", "save", "dns", "dport=53")
        line = self.refused("filter", "save", "DNS", "dport=54")
        self.assertIn("dport=53", line)
        self.assertIn("-r", line)
        self.weir("filter", "save", "-r", "DNS", "dport=54")
        self.assertEqual([(r["filter"], r["words"]) for r in
                          self.rows("list")], [("DNS", "dport=54")])

    def test_bad_input_is_told(self):
        self.weir("filter", "save", "dns", "dport=53")
        for args, words in (
                ([], ["save list show delete"]),
                (["save"], ["NAME"]),
                (["save", "x"], ["no filter words"]),
                (["save", "x y", "dport=1"], ["x y", "letter"]),
                (["save", "x", "dport=htpp"], ["htpp"]),
                (["show", "dsn"], ["dsn"]),
                (["delete", "dns", "nosuch"], ["nosuch"])):
            with self.subTest(args):
                line = self.refused("filter", *args)
                for word in words:
                    self.assertIn(word, line)
        self.assertEqual(len(self.rows("list")), 1)

    def test_a_backup_has_them(self):
        self.weir("group", "set", "names", "53")
        self.weir("filter", "save", "dns", "port=@names")
        self.weir("backup", self.path("copy"))
        self.assertEqual(
            json.loads(run("report", "proto", "@dns", "-d",
                           self.path("copy"), "-f", "json"))["total"],
            self.report("proto", "port=53")["total"])

    def test_a_folder_without_state_has_none(self):
        self.assertEqual(self.rows("list"), [])
        self.assertFalse(os.path.exists(os.path.join(self.dir, "state.db")))
        self.refused("report", "src", "@dns")
        self.assertFalse(os.path.exists(os.path.join(self.dir, "state.db")))


class Configured(Filters):
    def test_interfaces_and_exporters_go_by_their_names(self):
        self.fill("pmacctd-multi-engine.pcap")
        exporters = [r["exporter"] for r in self.report("exporter")["rows"]]
        self.assertGreater(len(exporters), 1)
        conf = self.path("weir.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f'data = "{self.dir}"\n')
            for i, exporter in enumerate(exporters):
                f.write(f"exporter r{i} {{ address = {exporter}\n"
                        f"  interface 0 {{ name = zero }} }}\n")

        def flows(*words):
            text = run("list", *words, "-c", conf, "-f", "csv")
            return list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(flows("exporter=r0"),
                         self.flows(f"exporter={exporters[0]}"))
        self.assertEqual(flows("in_if=zero"), self.flows("in_if=0"))
        self.assertEqual(flows("in_if=-zero"), self.flows("in_if=-0"))
        line = refused("list", "in_if=zerro", "-c", conf)
        self.assertIn("zero?", line)


if __name__ == "__main__":
    main()
