# SPDX-License-Identifier: ISC
"""weir.so in the sqlite3 shell and in Python."""

import glob
import json
import os
import subprocess

from lib import ENV, WEIR, Store, data, main, run, wait_for

EXTENSION = os.path.splitext(os.path.join(os.path.dirname(WEIR), "weir.so"))[0]

# The interpreter of Debian: others may have a SQLite of their own, or none
# that loads extensions.
PYTHON = "/usr/bin/python3"


def host_environment():
    """A host that is not sanitized needs the sanitizer's library first."""
    if "/san/" not in WEIR:
        return ENV
    library = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True,
        text=True, check=True).stdout.strip()
    return dict(ENV, LD_PRELOAD=library, ASAN_OPTIONS="detect_leaks=0")


class Extension(Store):
    def host(self, command, status=0, **options):
        done = subprocess.run(command, capture_output=True, text=True,
                              env=host_environment(), **options)
        if done.returncode != status:
            raise AssertionError(f"{command}: {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def shell(self, *statements, db=":memory:", status=0):
        """Standard output of the sqlite3 shell, and of it what went wrong."""
        done = self.host(["sqlite3", "-bail", db], status=status,
                         input="\n".join([f".load {EXTENSION}", *statements]))
        return done.stdout if status == 0 else done.stderr

    def python(self, code):
        return self.host([PYTHON, "-c", code, EXTENSION, self.dir]).stdout

    def test_the_shell_answers_as_weir_sql_does(self):
        self.fill("softflowd-ndpi-mix.pcap", "softflowd-synscan.pcap")
        for statement in (
                "SELECT day, count(*), sum(octets) FROM flows GROUP BY day",
                "SELECT proto(protocol), flags(tcp_flags), count(*) FROM "
                "flows GROUP BY 1, 2",
                "SELECT * FROM flows_text WHERE dst_port = 53 LIMIT 20",
                "SELECT count(*) FROM flows WHERE in_net(src_addr, "
                "'192.168.0.0/16') AND flags_match(tcp_flags, 'S/SA')",
                "SELECT * FROM shards", "SELECT * FROM exporters",
                "SELECT * FROM minutes"):
            with self.subTest(statement):
                shell = self.shell(
                    ".mode json", f"SELECT weir_open('{self.dir}');",
                    f"{statement};")
                ours = run("sql", statement, "-d", self.dir, "-f", "json")
                self.assertEqual(json.loads(shell.split("]\n", 1)[1]),
                                 json.loads(ours))

    def test_conditions_go_down_to_the_shards(self):
        self.fill("softflowd-ndpi-mix.pcap", "softflowd-synscan.pcap")
        plan = self.shell(
            f"SELECT weir_open('{self.dir}');",
            "EXPLAIN QUERY PLAN SELECT * FROM flows WHERE src_addr = 1 AND "
            "end_ms > 5 AND in_net(dst_addr, '10.0.0.0/8');")
        self.assertIn("VIRTUAL TABLE INDEX", plan)
        for condition in ("src_addr=?", "end_ms>?", "in_net(dst_addr,?)"):
            self.assertIn(condition, plan)
        # Days that cannot matter are not opened.
        path = glob.glob(self.dir + "/shards/2010-*.db")[0]
        st = os.stat(path)
        os.chmod(path, 0o644)
        with open(path, "r+b") as f:
            f.write(b"x" * 4096)
        os.chmod(path, 0o444)
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
        out = self.shell(
            f"SELECT count(*) > 0 FROM weir('{self.dir}') WHERE start_ms > "
            "time_ms('2020-01-01');")
        self.assertEqual(out, "1\n")
        self.assertIn("2010-07-04.db", self.shell(
            f"SELECT count(*) FROM weir('{self.dir}');", status=1))

    def test_ways_to_name_a_store(self):
        self.fill("softflowd-synscan.pcap")
        quoted = self.path("it's")
        os.rename(self.dir, quoted)
        folder = quoted.replace("'", "''")
        out = self.shell(
            f"CREATE VIRTUAL TABLE f USING weir('{folder}');",
            "SELECT count(*) FROM f;",
            f"SELECT count(*) FROM weir('{folder}');",
            f"SELECT count(*) FROM weir WHERE dir = '{folder}';",
            f'CREATE VIRTUAL TABLE s USING weir_shards("{quoted}");',
            "SELECT flows FROM s;",
            f"SELECT weir_open('{folder}') IS NOT NULL;",
            "SELECT count(*) FROM flows;")
        self.assertEqual(out.split(), ["2002", "2002", "2002", "2002", "1",
                                       "2002"])

    def test_what_is_wrong_is_said(self):
        self.fill("softflowd-synscan.pcap")
        for statement, want in (
                ("SELECT * FROM weir;", "want the data folder"),
                ("SELECT * FROM weir('/nonexistent');", "No such file"),
                ("SELECT weir_open('/nonexistent');", "No such file"),
                ("CREATE VIRTUAL TABLE f USING weir('a', 'b');",
                 "takes one argument"),
                (f"SELECT weir_open('{self.dir}'); "
                 f"SELECT weir_open('{self.dir}');", "already exists"),
                (f"SELECT * FROM weir('{self.dir}', 1);", "too many"),
                (f"CREATE VIRTUAL TABLE f USING weir('{self.dir}'); "
                 "INSERT INTO f (octets) VALUES (1);", "may not be modified"),
                ("SELECT ip('x');", "ip(): 'x'")):
            with self.subTest(statement):
                self.assertIn(want, self.shell(statement, status=1))

    def test_a_table_stays_in_a_database_of_ones_own(self):
        self.fill("softflowd-synscan.pcap")
        own = self.path("own.db")
        self.shell(f"CREATE VIRTUAL TABLE flows USING weir('{self.dir}');",
                   "CREATE VIEW syns AS SELECT * FROM flows WHERE "
                   "flags_match(tcp_flags, 'S/SA');", db=own)
        self.assertEqual(
            self.shell("SELECT count(*) > 100 FROM syns;", db=own), "1\n")
        self.assertEqual(self.shell(
            "DROP VIEW syns; DROP TABLE flows;",
            "SELECT count(*) FROM sqlite_schema;", db=own), "0\n")

    def test_python(self):
        self.fill("softflowd-ndpi-mix.pcap")
        out = self.python("""
import sqlite3, sys, threading, json
def connect():
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(sys.argv[1])
    db.execute("SELECT weir_open(?)", sys.argv[2:])
    return db
db = connect()
db.execute("CREATE TABLE host (addr INTEGER, name TEXT)")
db.execute("INSERT INTO host VALUES (inet('192.168.1.29'), 'printer')")
print(db.execute("SELECT name, count(*) FROM host JOIN flows ON src_addr = "
                 "addr GROUP BY 1").fetchall())
one = db.execute("SELECT * FROM flows")
print(len(one.fetchone()), db.execute("SELECT count(*) FROM flows").fetchone())
found = []
def ask():
    found.append(connect().execute(
        "SELECT sum(octets) FROM flows").fetchone()[0])
threads = [threading.Thread(target=ask) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(found)
try:
    db.execute("SELECT ip(-1)").fetchall()
except sqlite3.OperationalError as e:
    print(e)
db.close()
for _ in range(3):
    connect().close()
import os, time
print(time.tzname, os.environ.get("TZ"))
db = connect()
print(db.execute("SELECT local_time(0, 'Asia/Tokyo'), local_time(0)")
      .fetchone(), time.localtime(0).tm_hour)
db.close()
print(time.localtime(0).tm_hour)
""")
        total = self.report("proto")["total"]
        lines = out.splitlines()
        self.assertEqual(lines[0], "[('printer', 62)]")
        self.assertEqual(lines[1], f"25 ({total['flows']},)")
        self.assertEqual(json.loads(lines[2]), [total["octets"]] * 8)
        self.assertIn("ip(): -1", lines[3])
        self.assertEqual(lines[5], "('1970-01-01 09:00:00.000', "
                                   "'1970-01-01 00:00:00.000') 0")
        self.assertEqual(lines[6], "0")

    def test_a_long_statement_can_be_interrupted(self):
        self.fill("nfreplay-backbone94k.pcap")
        out = self.python("""
import sqlite3, sys, threading
db = sqlite3.connect(":memory:", check_same_thread=False)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
db.execute("SELECT weir_open(?)", sys.argv[2:])
threading.Timer(0.5, db.interrupt).start()
try:
    db.execute("SELECT count(*) FROM flows a, flows b WHERE a.octets + "
               "b.octets = 1").fetchall()
except sqlite3.OperationalError as e:
    print(e)
""")
        self.assertEqual(out, "interrupted\n")

    def test_one_sqlite_beside_a_collector(self):
        """The host has the collector's shard open itself: were there two
        SQLites in it, closing one would drop the locks of the other, and the
        collector could take the WAL away from under it."""
        collector = self.collector()
        run("send", data("softflowd-ndpi-mix.pcap"), "--to",
            f"127.0.0.1:{collector.port}", "--rate", "5000")
        wait_for(lambda: glob.glob(self.dir + "/shards/*.db"), "a shard")
        shard = glob.glob(self.dir + "/shards/*.db")[0]
        count = f"SELECT count(*) FROM weir('{self.dir}')"
        wait_for(lambda: self.shell(count + ";") == "2429\n", "all flows")
        out = self.python(f"""
import sqlite3, sys, fcntl, os
own = sqlite3.connect("file:{shard}?mode=ro", uri=True)
own.execute("BEGIN")
print(own.execute("SELECT count(*) FROM flows").fetchone())
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
print(db.execute("{count}").fetchone())
db.close()
locks = [l.split() for l in open("/proc/locks")]
inode = os.stat("{shard}-shm").st_ino
print(any(int(l[4]) == os.getpid() and l[5].endswith(":%d" % inode)
          for l in locks if l[1] == "POSIX"))
print(own.execute("SELECT count(*) FROM flows").fetchone())
""")
        self.assertEqual(out.splitlines(),
                         ["(2429,)", "(2429,)", "True", "(2429,)"])
        self.assertEqual(collector.stop()["stored"], 2429)

    def test_it_is_installed(self):
        root = self.path("root")
        top = os.path.join(os.path.dirname(__file__), "..", "..")
        mode = os.path.basename(os.path.dirname(WEIR))
        subprocess.run(
            ["make", "-s", "-C", top, f"MODE={mode}", "install",
             f"DESTDIR={root}"], check=True, capture_output=True, env=ENV)
        self.assertTrue(os.access(root + "/usr/local/bin/weir", os.X_OK))
        self.assertTrue(
            os.access(root + "/usr/local/lib/weir/weir.so", os.R_OK))


main()
