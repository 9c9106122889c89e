# SPDX-License-Identifier: ISC
"""weir sql: its answers, what is pushed down, and what it refuses."""

import csv
import gzip
import hashlib
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import time

from lib import ENV, WEIR, Store, data, main, refused, run, wait_for

DAY = 86400


def datagram(unix_secs, flows, sequence=0):
    """One v5 datagram of (src, dst, sport, dport, flags, octets)."""
    out = struct.pack("!HHIIIIBBH", 5, len(flows), 1000000, unix_secs, 0,
                      sequence, 0, 7, 0)
    for src, dst, sport, dport, flags, octets in flows:
        out += struct.pack("!IIIHHIIIIHHBBBBHHBBH", src, dst, 0, 1, 2, 3,
                           octets, 999000, 999900, sport, dport, 0, flags, 6,
                           0, 0, 0, 0, 0, 0)
    return out


class Sql(Store):
    def sql(self, statement, *words, **options):
        return run("sql", statement, "-d", self.dir, *words, **options)

    def rows(self, statement, *words):
        return json.loads(self.sql(statement, "-f", "json", *words))

    def row(self, statement, *words):
        """The values of the only row."""
        rows = self.rows(statement, *words)
        self.assertEqual(len(rows), 1)
        return tuple(rows[0].values())

    def plan(self, statement):
        return [r["plan"] for r in self.rows(statement, "--explain")]

    def refused(self, statement, *words, status=2):
        return refused("sql", statement, "-d", self.dir, *words,
                       status=status)

    def shard(self, day, statement):
        """The same asked of one shard, with SQLite's own shell."""
        path = os.path.join(self.dir, "shards", day + ".db")
        out = subprocess.run(
            ["sqlite3", "-readonly", "-json", path, statement], check=True,
            capture_output=True, text=True).stdout
        return json.loads(out or "[]")

    def days(self):
        return sorted(f[:-3] for f in os.listdir(self.dir + "/shards")
                      if f.endswith(".db"))

    def many_days(self, n, first=1700006400):
        """n days, each with flows of 10.0.DAY.1 and .2 at noon."""
        with open(self.path("days.raw"), "wb") as f:
            for day in range(n):
                host = 0x0a000001 + 256 * day
                f.write(datagram(first + day * DAY + DAY // 2, [
                    (host, 0xc0000201, 1000, 443, 27, 100 + day),
                    (host + 1, 0xc0000202, 1001, 80, 2, 10)], day * 2))
        run("import", "-d", self.dir, self.path("days.raw"))
        self.assertEqual(len(self.days()), n)

    def snapshot(self):
        """Every file below the test's folder, with its content."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    found[path] = hashlib.sha256(f.read()).hexdigest()
        return found


class Answers(Sql):
    def setUp(self):
        super().setUp()
        self.fill("softflowd-ndpi-mix.pcap", "softflowd-synscan.pcap",
                  "erikwilson-flow_capture.bin", "pmacctd-multi-engine.pcap")

    def test_sums_are_those_of_report(self):
        for key, column, shown in (
                ("src", "src_addr", "ip(src_addr)"),
                ("dport", "dst_port", "dst_port"),
                ("proto", "protocol", "protocol"),
                ("exporter", "exporter", "exporter"),
                ("flags", "tcp_flags", "tcp_flags")):
            with self.subTest(key):
                ours = {r["key"]: (r["flows"], r["octets"], r["packets"])
                        for r in self.rows(
                            f"SELECT {shown} AS key, count(*) AS flows, "
                            "sum(octets) AS octets, sum(packets) AS packets "
                            f"FROM flows GROUP BY {column}")}
                want = {r[key if key in r else key]: (
                    r["flows"], r["octets"], r["packets"])
                    for r in self.report(key, "lines=0")["rows"]}
                self.assertEqual(ours, want)

    def test_every_flow_and_field_is_that_of_list(self):
        ours = list(csv.DictReader(io.StringIO(self.sql(
            "SELECT * FROM flows", "-f", "csv"))))
        want = self.flows()
        self.assertEqual(len(ours), len(want))
        for a, b in zip(ours, want):
            b["day"] = a["day"]
            for column in ("src_addr", "dst_addr", "next_hop"):
                parts = map(int, b[column].split("."))
                b[column] = str(int.from_bytes(bytes(parts), "big"))
            for column in ("tcp_flags_text", "quirks_text"):
                b.pop(column, None)
            self.assertEqual(a, b)

    def test_tables_are_those_of_the_shards(self):
        compared = 0
        for table, of_shard in (
                ("flows", "flows"), ("flows_text", "flows_text"),
                ("minutes", "minute"),
                ("collector_minutes", "collector_minute"),
                ("relay_minutes", "relay_minute"),
                ("sources", "source"), ("packets", "packet")):
            for day in self.days():
                with self.subTest(f"{table} {day}"):
                    want = self.shard(day, f"SELECT * FROM {of_shard}")
                    got = self.rows(
                        f"SELECT * FROM {table} WHERE day = '{day}'")
                    for row in got:
                        self.assertEqual(row.pop("day"), day)
                    self.assertEqual(got, want)
                    compared += len(got)
        self.assertGreater(compared, 5000)

    def test_shards_segments_and_exporters(self):
        shards = self.rows("SELECT * FROM shards")
        self.assertEqual([s["day"] for s in shards], self.days())
        for s in shards:
            self.assertEqual(s["bytes"], os.path.getsize(s["path"]))
            self.assertEqual(s["finished"], 1)
            self.assertEqual(
                [s["flows"], s["min_start_ms"], s["max_end_ms"]],
                list(self.shard(s["day"], "SELECT count(*), min(start_ms), "
                                "max(end_ms) FROM flows")[0].values()))
        self.assertEqual(
            self.row("SELECT sum(flows), count(*) FROM segments"),
            (sum(s["flows"] for s in shards),
             sum(s["segments"] for s in shards)))
        self.assertEqual(
            {r["exporter"] for r in self.rows("SELECT * FROM exporters")},
            {r["exporter"] for r in self.report("exporter")["rows"]})

    def test_functions(self):
        for call, want in (
                ("ip(3232235777)", "192.168.1.1"), ("ip(NULL)", None),
                ("inet('192.168.1.1')", 3232235777), ("inet(NULL)", None),
                ("in_net(3232235777, '192.168.0.0/16')", 1),
                ("in_net('192.168.1.1', '10.0.0.0/8,192.168.1.1')", 1),
                ("in_net('2001:db8::1', '2001:db8::/32')", 1),
                ("in_net('others', '0.0.0.0/0')", 0),
                ("in_net(167772161, '192.168.0.0/16')", 0),
                ("in_net(NULL, '10.0.0.0/8')", None),
                ("in_net(1, NULL)", None),
                ("flags(27)", "...AP.SF"), ("flags(NULL)", None),
                ("flags_match(2, 'S/SA')", 1),
                ("flags_match(18, 'S/SA')", 0),
                ("flags_match(NULL, 'S')", None),
                ("proto(6)", "tcp"), ("proto(253)", "253"),
                ("service(443)", "https"), ("service(443, 6)", "https"),
                ("service(53, 17)", "domain"), ("service(65000)", "65000"),
                ("service(443, 253)", "443"), ("service(NULL)", None),
                ("iso_time(1709295056123)", "2024-03-01T12:10:56.123Z"),
                ("iso_time(-1)", "1969-12-31T23:59:59.999Z"),
                ("local_time(1709295056123)", "2024-03-01 12:10:56.123"),
                ("local_time(1709295056123, 'Europe/Rome')",
                 "2024-03-01 13:10:56.123"),
                ("local_time(0, NULL)", None), ("local_time(NULL)", None),
                ("in_net(inet('10.1.2.3'), '10.0.0.0/8,-10.1.0.0/16')", 0),
                ("in_net('10.1.2.3', '10.0.0.0/8,-10.1.0.0/16')", 0),
                ("time_ms('2024-03-01T12:10:56Z')", 1709295056000),
                ("time_ms('@1709295056')", 1709295056000),
                ("time_ms(NULL)", None)):
            with self.subTest(call):
                self.assertEqual(self.row(f"SELECT {call}"), (want,))
        self.assertEqual(
            self.row("SELECT time_ms('-1h') = time_ms('now') - 3600000"),
            (1,))

    def test_functions_say_what_is_wrong(self):
        for call, want in (
                ("ip(-1)", "ip(): -1 "), ("ip('x')", "ip(): 'x' "),
                ("ip(1.5)", "1.5"), ("ip(x'00')", "blob"),
                ("inet('10.1')", "192.0.2.1"), ("inet(1)", "192.0.2.1"),
                ("inet('2001:db8::1')", "no IPv4"),
                ("in_net(1, '10.0.0.0/33')", '"10.0.0.0/33" is no'),
                ("in_net(1, '10.0.0.0/8,')", "in_net(): "),
                ("in_net(1, 'localhost')", 'unknown host "localhost"'),
                ("in_net(1, '2001:db8::/32')", "IPv4 addresses only"),
                ("in_net(1, 5)", "no text"), ("in_net(-1, '10.0.0.0/8')", "-1"),
                ("flags(256)", "0 to 255"),
                ("flags_match(2, 'X')", '"X" is no TCP flags'),
                ("flags_match('S', 'S')", "'S'"),
                ("proto('tcp')", "0 to 255"), ("service(70000)", "65535"),
                ("iso_time(1e18)", "1000 to 9999"),
                ("time_ms('someday')", '"someday" is no time'),
                ("local_time(0, 'Nowhere/None')", "no time zone"),
                ("local_time(0, '../../etc/passwd')", "no time zone"),
                ("time_ms(5)", "no text"), ("ip()", "number of arguments")):
            with self.subTest(call):
                self.assertIn(want, self.refused(f"SELECT {call}"))

    def test_a_condition_on_a_function_says_what_is_wrong(self):
        for condition, want in (
                ("in_net(src_addr, '10.0.0.0/33')", '"10.0.0.0/33"'),
                ("in_net(src_addr, 5)", "no text"),
                ("flags_match(tcp_flags, 'X')", '"X"')):
            with self.subTest(condition):
                self.assertIn(want, self.refused(
                    f"SELECT * FROM flows WHERE {condition}"))

    def test_values_of_all_kinds_in_all_formats(self):
        statement = ("SELECT NULL AS a, '' AS b, 'x,\"y' AS c, x'00ff' AS d, "
                     "-1 AS e, 0.1 AS f, 9223372036854775807 AS g, "
                     "'\u00fc' AS h, 1 AS a, 2 AS a")
        self.assertEqual(
            self.rows(statement),
            [{"a": None, "b": "", "c": 'x,"y', "d": "00ff", "e": -1,
              "f": 0.1, "g": 9223372036854775807, "h": "\u00fc", "a_2": 1,
              "a_3": 2}])
        lines = self.sql(statement, "-f", "csv").splitlines()
        self.assertEqual(lines[0], "a,b,c,d,e,f,g,h,a_2,a_3")
        self.assertEqual(next(csv.reader(lines[1:])), [
            "", "", 'x,"y', "00ff", "-1", "0.1", "9223372036854775807",
            "\u00fc", "1", "2"])
        text = self.sql(statement)
        for word in ("00ff", "-1", "9223372036854775807", "1 row"):
            self.assertIn(word, text)
        html = self.sql(statement, "-f", "html")
        self.assertIn("x,&quot;y", html)

    def test_columns_of_numbers_are_aligned_right(self):
        text = self.sql("SELECT 5 AS n, 'a' AS t UNION ALL "
                        "SELECT NULL, 'bb' UNION ALL SELECT 100, NULL")
        self.assertIn("\n  n  t\n---  --\n  5  a\n     bb\n100\n", text)

    def test_lines_ends_the_answer_and_says_so(self):
        text = self.sql("SELECT src_port FROM flows", "lines=3")
        self.assertIn("the first 3 rows (lines=0 shows all)", text)
        self.assertNotIn("the first", self.sql(
            "SELECT src_port FROM flows LIMIT 3", "lines=3"))
        self.assertEqual(
            len(self.rows("SELECT 1 FROM flows", "lines=1500")), 1500)

    def test_statement_from_a_file_and_from_standard_input(self):
        statement = "SELECT count(*) AS n\n-- all of them\nFROM flows;\n"
        with open(self.path("q.sql"), "w", encoding="utf-8") as f:
            f.write(statement)
        want = self.sql("SELECT count(*) AS n FROM flows", "-f", "csv")
        self.assertEqual(want, run("sql", "-i", self.path("q.sql"), "-d",
                                   self.dir, "-f", "csv"))
        self.assertEqual(want, run("sql", "-", "-d", self.dir, "-f", "csv",
                                   input=statement))
        self.assertIn("No such file", refused(
            "sql", "-i", self.path("none"), "-d", self.dir))
        self.assertIn("NUL", refused("sql", "-", "-d", self.dir,
                                     input="SELECT 1\0"))
        self.assertIn("100000 bytes", refused(
            "sql", "-", "-d", self.dir, input="SELECT 1" + " " * 100000))
        self.assertIn("one of them", refused(
            "sql", "SELECT 1", "-i", self.path("q.sql")))

    def test_words_and_options_that_are_wrong(self):
        for words, want in (
                (["SELECT 1", "SELECT 2"], "another word"), ([], "want a"),
                (["SELECT 1", "timeout=x"], "want seconds, or"),
                (["SELECT 1", "timeout=-1s"], "want seconds, or"),
                (["SELECT 1", "memory=1"], "megabytes"),
                (["SELECT 1", "lines=x"], "number of rows"),
                (["SELECT 1", "-f", "xml"], "csv"),
                (["SELECT 1", "--nosuch"], "-i -n -s")):
            with self.subTest(words):
                self.assertIn(want, refused("sql", *words))
        self.assertIn("No such file", refused(
            "sql", "SELECT count(*) FROM flows", "-d", self.path("none"),
            status=1))

    def test_errors_name_the_position(self):
        for statement, want in (
                ("SELECT count(*) FRM flows", 'near "flows": syntax error '
                 "(position 21)"),
                ("SELECT 'ü', nosuch FROM flows",
                 "no such column: nosuch (position 13)"),
                ("SELECT * FROM nosuch", "no such table: nosuch"),
                ("SELECT nosuch(1)", "no such function: nosuch (position 8)"),
                ("SELECT 'abc", "unrecognized token"),
                ("SELECT", "incomplete input"),
                ('SELECT * FROM flows WHERE exporter = "x"',
                 "no such column: x"),
                ("", "there is no statement"),
                (" ;; ", "there is no statement"),
                ("SELECT 1; SELECT 2", "another begins at position 10"),
                ("SELECT ?", "? has no value"),
                ("SELECT :a", ":a has no value")):
            with self.subTest(statement):
                self.assertIn(want, self.refused(statement))
        for statement in ("SELECT 1;", "SELECT 1 ;; -- x", "/* */SELECT 1"):
            self.assertEqual(self.row(statement), (1,))

    def on_terminal(self, *args):
        """Standard output and error of a command on a terminal."""
        parent, child = pty.openpty()
        done = subprocess.Popen([WEIR, *args], stdout=child, stderr=child,
                                env=ENV, close_fds=True)
        os.close(child)
        out = b""
        while True:
            try:
                chunk = os.read(parent, 65536)
            except OSError:
                break
            if not chunk:
                break
            out += chunk
        os.close(parent)
        return out.decode().replace("\r\n", "\n"), done.wait()

    def test_a_terminal_gets_a_mark_and_a_hundred_rows(self):
        out, status = self.on_terminal(
            "sql", "SELECT 'ü',\n  nosuch\nFROM flows", "-d", self.dir)
        self.assertEqual(status, 2)
        self.assertIn("\n    nosuch\n    ^\n", out)
        out, status = self.on_terminal(
            "sql", "SELECT src_port FROM flows", "-d", self.dir)
        self.assertEqual(status, 0)
        self.assertIn("the first 100 rows (lines=0 shows all)", out)

    def test_schema_names_every_table_and_column(self):
        text = run("sql", "--schema")
        for table in ("flows", "flows_text", "minutes", "collector_minutes",
                      "relay_minutes", "sources", "packets", "segments", "shards",
                      "exporters"):
            block = re.search(
                rf"CREATE (TABLE|VIEW) {table} .*?;\n", text, re.S)[0]
            names = self.sql(f"SELECT * FROM {table} LIMIT 1", "-f", "csv")
            for column in names.split("\n")[0].split(","):
                self.assertIn(f" {column}", block)
        for function in ("ip", "inet", "in_net", "flags", "flags_match",
                         "proto", "service", "iso_time", "local_time",
                         "time_ms"):
            self.assertIn(f"-- {function}(", text)

    def test_an_answer_goes_to_a_file_whole_or_not_at_all(self):
        out = self.path("out.csv")
        self.sql("SELECT 1 AS a", "-f", "csv", "-o", out)
        with open(out, encoding="utf-8") as f:
            self.assertEqual(f.read(), "a\n1\n")
        self.refused("SELECT ip(src_port - 70000) FROM flows", "-f", "csv",
                     "-o", out)
        with open(out, encoding="utf-8") as f:
            self.assertEqual(f.read(), "a\n1\n")

    def test_who_stops_reading_stops_it(self):
        with subprocess.Popen(
                [WEIR, "sql", "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
                 "SELECT x + 1 FROM c) SELECT x FROM c", "-f", "csv", "-d",
                 self.dir, "timeout=0"], stdout=subprocess.PIPE,
                env=ENV) as process:
            self.assertEqual(process.stdout.readline(), b"x\n")
            process.stdout.close()
            self.assertIn(process.wait(timeout=60), (1, -signal.SIGPIPE))


class Readme(Sql):
    def test_every_example_of_it_works(self):
        """Those of "Ask in SQL", as a shell takes them, in a folder with
        flows of a minute ago."""
        os.chdir(self.folder)
        with open(self.path("now.raw"), "wb") as f:
            f.write(datagram(int(time.time()) - 60, [
                (0x0a000001, 0xc0000201, 1000, 443, 27, 100),
                (0x0a000002, 0xc0000202, 1001, 22, 2, 10)]))
        run("import", "-d", "./var", "now.raw")
        readme = os.path.join(os.path.dirname(__file__), "../../README.md")
        with open(readme, encoding="utf-8") as f:
            section = re.search(r"\n## Ask in SQL\n(.*?)\n## ", f.read(),
                                re.S)[1]
        examples = re.findall(r"^    (weir sql (?:.*\n)(?:      +.*\n)*)",
                              section, re.M)
        self.assertGreater(len(examples), 4)
        for example in examples:
            with self.subTest(example):
                done = subprocess.run(
                    ["bash", "-c", example], capture_output=True, text=True,
                    env=dict(ENV, PATH=os.path.dirname(WEIR) + ":" +
                             ENV["PATH"]))
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertNotIn("0 rows", done.stdout)


class Old(Sql):
    def test_shards_of_version_1_are_read_as_they_are(self):
        os.makedirs(self.dir + "/shards")
        path = self.dir + "/shards/2024-03-01.db"
        with gzip.open(data("shard-1-finished.db.gz")) as packed:
            with open(path, "wb") as f:
                f.write(packed.read())
        os.chmod(path, 0o444)
        count = self.shard("2024-03-01", "SELECT count(*) AS n, sum(octets) "
                           "AS o FROM flows")[0]
        self.assertEqual(self.row("SELECT count(*), sum(octets) FROM flows"),
                         (count["n"], count["o"]))
        self.assertEqual(
            self.row("SELECT sum(flows), sum(refused) FROM minutes"),
            (self.shard("2024-03-01", "SELECT sum(flows) AS n FROM minute")
             [0]["n"], 0))
        self.assertEqual(self.rows("SELECT * FROM relay_minutes"), [])
        for table in ("collector_minutes", "sources", "packets", "segments",
                      "shards", "exporters", "flows_text"):
            self.rows(f"SELECT * FROM {table} LIMIT 3")


class Empty(Sql):
    def test_a_store_without_flows(self):
        os.makedirs(self.dir)
        self.assertEqual(self.row("SELECT count(*) FROM flows"), (0,))
        self.assertEqual(self.rows("SELECT * FROM shards"), [])
        self.assertIn("0 rows", self.sql("SELECT * FROM flows"))


class Pushdown(Sql):
    def opened(self, statement):
        """How many shards an answer came from."""
        return int(re.search(r"read from (\d+) shard",
                             self.sql(statement))[1])

    def test_only_the_days_that_can_matter_are_opened(self):
        self.many_days(60)
        start = 1700006400 * 1000 + DAY * 500 - 1000
        for condition, days in (
                (f"start_ms >= {start + 58 * DAY * 1000}", 2),
                (f"end_ms < {start + 2 * DAY * 1000}", 2),
                (f"start_ms BETWEEN {start + 9 * DAY * 1000} AND "
                 f"{start + 9 * DAY * 1000 + 5}", 1),
                (f"end_ms BETWEEN {start + 9 * DAY * 1000 + 900} AND "
                 f"{start + 9 * DAY * 1000 + 950}", 1),
                (f"start_ms < {start} AND start_ms > {start + 5}", 0),
                ("day = '2023-11-20'", 1),
                ("day >= '2023-11-20' AND day < '2023-11-25'", 5),
                ("day IN ('2023-11-20', '2023-11-22')", 2),
                ("start_ms = NULL", 0), ("src_port = 'x'", 0),
                ("src_addr = inet('10.0.5.1')", 60),
                ("1", 60)):
            with self.subTest(condition):
                statement = f"SELECT * FROM flows WHERE {condition}"
                plan = self.plan(statement)
                told = [re.search(r"shards: (\d+) opened", line)
                        for line in plan]
                self.assertEqual(
                    sum(int(t[1]) for t in told if t), days, plan)
                text = self.sql(statement)
                found = re.search(r"read from (\d+) shard", text)
                self.assertEqual(int(found[1]) if found else 0, days)

    def test_shards_left_out_are_not_even_readable(self):
        self.many_days(30)
        for day in self.days():
            if day != "2023-11-20":
                path = os.path.join(self.dir, "shards", day + ".db")
                st = os.stat(path)
                os.chmod(path, 0o644)
                with open(path, "r+b") as f:
                    f.write(b"x" * st.st_size)
                os.chmod(path, 0o444)
                os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
        from_ms = 1700438400 * 1000
        self.assertEqual(self.row(
            f"SELECT count(*) FROM flows WHERE start_ms >= {from_ms} AND "
            f"start_ms < {from_ms + DAY * 1000}"), (2,))
        self.assertEqual(self.row(
            "SELECT count(*) FROM flows WHERE day = '2023-11-20'"), (2,))
        self.assertEqual(self.row(
            "SELECT sum(flows) FROM minutes WHERE day = '2023-11-20'"), (2,))
        self.assertEqual(self.row(
            "SELECT count(*) FROM flows_text WHERE start_time >= "
            "'2023-11-20' AND start_time < '2023-11-21'"), (2,))
        self.assertIn("2023-11-15", self.refused(
            "SELECT count(*) FROM flows", status=1))

    def test_segments_are_found_by_their_index(self):
        self.fill("nfreplay-backbone94k.pcap")
        for condition, index in (
                ("src_addr = inet('10.0.0.1')", "index src_addr"),
                ("dst_addr IN (1, 2, 3)", "index dst_addr"),
                ("dst_port = 22", "index dst_port"),
                ("dst_port = 443", "row by row"),
                ("src_port BETWEEN 20 AND 25", "index src_port"),
                ("flags_match(tcp_flags, 'S/SARPFU')", "index tcp_flags"),
                ("in_net(src_addr, '10.1.2.0/24')", "index src_addr"),
                ("octets > 5", "row by row"), ("1", "row by row")):
            with self.subTest(condition):
                plan = self.plan(f"SELECT * FROM flows WHERE {condition}")
                self.assertTrue(any(
                    line.endswith(index) for line in plan), plan)
        read = re.search(
            r"(\d+) flows? read", self.sql(
                "SELECT count(*) FROM flows WHERE dst_port = 22"))[1]
        self.assertEqual((int(read),), self.row(
            "SELECT count(*) FROM flows WHERE +dst_port = 22"))

    def test_a_limit_ends_the_reading(self):
        self.fill("nfreplay-backbone94k.pcap")
        text = self.sql("SELECT * FROM flows LIMIT 10")
        self.assertLess(int(re.search(r"(\d+) flows read", text)[1]), 1000)
        text = self.sql("SELECT * FROM flows", "lines=10")
        self.assertLess(int(re.search(r"(\d+) flows read", text)[1]), 1000)

    def test_conditions_joined_by_or_find_each_flow_once(self):
        self.many_days(5)
        statement = ("SELECT count(*) FROM flows WHERE dst_port = 443 OR "
                     "src_port = 1000 OR octets = 10")
        self.assertIn("MULTI-INDEX OR", self.plan(statement)[0])
        self.assertEqual(self.row(statement), (10,))

    def test_joins(self):
        self.many_days(20)
        self.assertEqual(self.row(
            "WITH host(a) AS (VALUES (inet('10.0.3.1')), (inet('10.0.4.2'))) "
            "SELECT count(*), sum(octets) FROM host JOIN flows ON src_addr "
            "= a"), (2, 113))
        self.assertEqual(self.row(
            "SELECT count(*) FROM flows WHERE src_addr IN (SELECT a.src_addr "
            "+ 1 FROM flows a WHERE a.dst_port = 443)"), (20,))
        self.assertEqual(self.row(
            "SELECT count(*) FROM flows a JOIN flows b ON b.src_addr = "
            "a.src_addr + 1 AND b.day = a.day"), (20,))


class Safety(Sql):
    def setUp(self):
        super().setUp()
        self.many_days(3)

    def test_nothing_but_select(self):
        target = self.path("made")
        before = self.snapshot()
        for statement in (
                f"ATTACH '{target}' AS x", "DETACH temp",
                f"VACUUM INTO '{target}'", "VACUUM", "REINDEX", "ANALYZE",
                "PRAGMA query_only = 0", "PRAGMA table_list",
                "PRAGMA journal_mode", "PRAGMA writable_schema = 1",
                "INSERT INTO flows VALUES (1)", "DELETE FROM flows",
                "UPDATE flows SET octets = 0", "CREATE TABLE t (x)",
                "CREATE TEMP TABLE t (x)", "CREATE TABLE t AS SELECT 1",
                "CREATE VIEW v AS SELECT 1", "DROP TABLE flows",
                "DROP VIEW exporters", "ALTER TABLE flows RENAME TO f",
                "CREATE VIRTUAL TABLE t USING fts5 (x)",
                f"CREATE VIRTUAL TABLE t USING weir ('{self.dir}')",
                "CREATE TRIGGER t BEFORE INSERT ON flows BEGIN SELECT 1; END",
                "BEGIN", "COMMIT", "SAVEPOINT s", "ROLLBACK",
                "WITH x AS (SELECT 1) DELETE FROM flows",
                f"SELECT load_extension('{target}')",
                f"SELECT writefile('{target}', 'x')",
                "SELECT readfile('/etc/passwd')", "SELECT edit('x')",
                "SELECT fts3_tokenizer('simple')",
                "SELECT fts3_tokenizer('x', x'00')",
                f"SELECT weir_open('{self.dir}')",
                f"SELECT * FROM weir('{self.dir}')",
                "SELECT * FROM weir_shards", "SELECT * FROM sqlite_schema",
                "SELECT sql FROM sqlite_temp_schema",
                "SELECT * FROM pragma_database_list",
                "SELECT count(*) FROM pragma_database_list",
                "SELECT * FROM pragma_query_only(0)",
                "SELECT * FROM dbstat", "SELECT * FROM sqlite_stmt",
                "SELECT * FROM sqlite_dbpage", "SELECT * FROM fts3tokenize",
                "SELECT * FROM bytecode('SELECT 1')"):
            with self.subTest(statement):
                self.refused(statement)
        self.assertEqual(self.snapshot(), before)

    def test_what_takes_too_long_is_stopped(self):
        endless = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
                   "FROM c) ")
        text = "(SELECT replace(printf('%.*c', 900000, 'a'), 'x', 'y') AS t)"
        many = "(" + " UNION ALL ".join(["SELECT 1"] * 40) + ")"
        for statement in (
                endless + "SELECT count(*) FROM c",
                endless + "SELECT max(x) FROM c WHERE x < 0",
                "SELECT count(*) FROM " + ", ".join(
                    f"{many} t{i}" for i in range(6)),
                "SELECT count(*) FROM " + ", ".join(
                    f"flows f{i}" for i in range(20)),
                # Each call takes seconds; together they are over no sooner
                # than they are stopped, on any machine.
                *("SELECT " + " + ".join(
                    call % f"substr(t, {i + 1}, 400000) || 'b'"
                    for i in range(40)) + " FROM " + text
                  for call in ("length(replace(t, %s, ''))",
                               "instr(t, %s)"))):
            with self.subTest(statement[:60]):
                self.assertIn("stopped", self.refused(
                    statement, "timeout=1s", status=1))

    def test_a_pattern_takes_no_longer_than_a_statement_may(self):
        for statement in (
                "SELECT t LIKE '" + "%a" * 400 + "b' FROM (SELECT "
                "printf('%.*c', 100000, 'a') AS t)",
                "SELECT t GLOB '" + "*a" * 400 + "b' FROM (SELECT "
                "printf('%.*c', 100000, 'a') AS t)"):
            done = subprocess.run(
                [WEIR, "sql", statement, "-d", self.dir, "timeout=1s",
                 "-f", "json"], capture_output=True, text=True, env=ENV)
            self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("too complex", self.refused(
            "SELECT 'a' LIKE printf('%.*c', 2000, '%')"))

    def test_what_takes_too_much_memory_is_stopped(self):
        endless = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
                   "FROM c) ")
        for statement in (
                endless + "SELECT x FROM c ORDER BY -x",
                endless + "SELECT count(DISTINCT x) FROM c",
                endless + "SELECT x, count(*) FROM c GROUP BY x",
                endless + "SELECT * FROM (SELECT x FROM c UNION SELECT 1)",
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT x + 1 FROM c) "
                "SELECT count(*) FROM c"):
            with self.subTest(statement[50:]):
                self.assertIn("memory", self.refused(
                    statement, "memory=16", "timeout=120s", status=1))

    def test_what_is_too_big_is_refused(self):
        for statement in (
                "SELECT zeroblob(1000000000)", "SELECT zeroblob(1000001)",
                "SELECT length(printf('%.*c', 999999, 'x') || 'xx')",
                "SELECT hex(zeroblob(600000))",
                "SELECT replace(hex(zeroblob(400000)), '0', 'xxxx')",
                "SELECT group_concat(hex(zeroblob(100000))) FROM flows a, "
                "flows b",
                "SELECT json_group_array(hex(zeroblob(100000))) FROM flows "
                "a, flows b",
                "SELECT " + "(" * 600 + "1" + ")" * 600,
                "SELECT 1" + "+1" * 600,
                "SELECT " + ",".join(["1"] * 101),
                " UNION ALL ".join(["SELECT 1"] * 60),
                "SELECT max(" + ",".join(["1"] * 120) + ")"):
            with self.subTest(statement[:60]):
                done = subprocess.run(
                    [WEIR, "sql", statement, "-d", self.dir],
                    capture_output=True, text=True, env=ENV)
                self.assertIn(done.returncode, (1, 2), done.stdout[:200])
                self.assertRegex(done.stderr, r"\Aweir: [^\n]+\n\Z")

    def test_huge_widths_give_nothing(self):
        for statement in ("SELECT length(printf('%1000000000d', 1))",
                          "SELECT length(printf('%.*c', 1000000000, 'x'))",
                          "SELECT length(printf('%,1000000000d', 1))"):
            done = subprocess.run(
                [WEIR, "sql", statement, "-d", self.dir, "-f", "csv"],
                capture_output=True, text=True, env=ENV)
            if done.returncode == 0:
                self.assertIn(done.stdout.split("\n")[1], ('""', ""))
            else:
                self.assertRegex(done.stderr, r"\Aweir: [^\n]+\n\Z")

    def test_control_characters_do_not_reach_a_terminal(self):
        self.assertNotIn("\x1b", self.sql("SELECT char(27) || '[31m' AS x"))
        self.assertNotIn("\x1b", self.refused("SELECT \x1b[31m"))


class Live(Sql):
    def test_beside_a_collector(self):
        collector = self.collector()
        now = int(time.time())
        for i in range(50):
            collector.send(datagram(now, [
                (0x0a000001 + i, 0xc0000201, 1000, 443, 27, 100)] * 20,
                i * 20))
            if i % 10 == 0:
                self.sql("SELECT src_addr, sum(octets) FROM flows "
                         "GROUP BY 1 ORDER BY 2 DESC", "-f", "csv")
        wait_for(lambda: self.row("SELECT count(*), sum(octets) FROM flows")
                 == (1000, 100000), "all flows to be seen")
        self.assertEqual(self.row("SELECT finished, flows FROM shards"),
                         (0, 1000))
        self.assertEqual(self.row(
            "SELECT count(*) FROM flows WHERE start_ms >= time_ms('-1h') "
            "AND in_net(src_addr, '10.0.0.1')"), (20,))
        self.assertEqual(collector.stop()["stored"], 1000)
        self.assertEqual(self.row("SELECT count(*) FROM flows"), (1000,))


main()
