# SPDX-License-Identifier: ISC
"""The configuration file, as commands read it."""

import os
import re
import subprocess

from lib import ENV, WEIR, Store, data, main, refused, run

# In a mount namespace whose /etc has a file of ours at the default place.
WITH_DEFAULT_FILE = """
mount -t tmpfs tmpfs "$1"
mkdir "$1"/upper "$1"/work
mkdir "$1"/upper/weir
cp "$2" "$1"/upper/weir/weir.conf
mount -t overlay overlay -o lowerdir=/etc,upperdir="$1"/upper,workdir="$1"/work /etc
shift 2
exec "$@"
"""


class Conf(Store):
    def conf(self, text, name="weir.conf"):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_every_command_that_reads_the_store_takes_it(self):
        self.fill("softflowd-ndpi-mix.pcap")
        conf = self.conf(f'data = "{self.dir}"\n')
        for args in (("report", "src"), ("report", "loss"), ("list",),
                     ("status",), ("export", "-o", self.path("x.pcap")),
                     ("check",), ("expire", "-n", "--max-age", "1d"),
                     ("backup", self.path("copy")),
                     ("import", data("telegraf-netflow_v5.bin"))):
            with self.subTest(args):
                run(*args, "-c", conf)
                self.assertEqual(refused(*args, "-c", self.path("none"))
                                 .split(" (")[0].rstrip("\n"),
                                 f"weir: configuration {self.path('none')}: "
                                 "No such file or directory")
        self.assertEqual(len(run("list", "-c", conf, "-f", "csv")
                             .splitlines()), 1 + 2429 + 8)

    def test_the_option_for_the_folder_is_stronger(self):
        self.fill("softflowd-ndpi-mix.pcap")
        conf = self.conf("data = /nonexistent\n")
        self.assertIn("/nonexistent",
                      refused("report", "src", "-c", conf, status=1))
        self.assertIn("2429", run("report", "src", "-c", conf, "-d",
                                  self.dir))

    def test_limits_come_from_the_file(self):
        self.fill("softflowd-ndpi-mix.pcap", "softflowd-restarts.pcap")
        conf = self.conf(f'data = "{self.dir}"\nmax-size = 1\n')
        self.assertRegex(run("expire", "-n", "-c", conf), "would go, .* "
                         "more than 1 stored")
        self.assertIn("0 shards would go",
                      run("expire", "-n", "-c", conf, "--max-size", "1G"))

    def test_one_line_says_what_is_wrong(self):
        conf = self.conf("data = x\n# comment\nmax-agee = 90d\n")
        self.assertEqual(refused("collect", "-n", "-c", conf),
                         f"weir: {conf}:3: max-agee: is unknown, did you "
                         "mean max-age?\n")
        for command in ("report", "list", "status", "import", "collect"):
            self.assertIn(f"{conf}:3: max-agee: is unknown",
                          refused(command, "src", "-c", conf)
                          if command in ("report", "import")
                          else refused(command, "-c", conf))

    def test_the_example_is_a_configuration(self):
        example = os.path.join(os.path.dirname(__file__), "..", "..",
                               "contrib", "weir.conf")
        run("collect", "-n", "-c", example)
        # So is what it has only as a comment.
        with open(example, encoding="utf-8") as f:
            text = re.sub(r"^(\s*)#(?! )", r"\1", f.read(), flags=re.M)
        os.mkdir(self.path("exporters.d"))
        printed = run("collect", "-n", "-c", self.conf(text))
        for part in ('time-zone = Europe/Vienna', "max-size = 200G",
                     "listen 239.1.1.1:2055", "relay [2001:db8::7]:9995",
                     "port = 2055"):
            self.assertIn(part, printed)

    def test_checked_and_printed_it_is_the_same_again(self):
        conf = self.conf("listen 9995 { receive-buffer = 1M }\n"
                         "exporter a { address = 192.0.2.1\n"
                         "  interface 2 { name = 'ge 2' } }\n")
        printed = run("collect", "-n", "-c", conf, "-l", "[::1]:5",
                      "--max-age", "7d")
        self.assertIn("listen [::1]:5 {\n\treceive-buffer = 64M\n}\n", printed)
        self.assertNotIn("9995", printed)
        self.assertIn('\tinterface 2 {\n\t\tname = "ge 2"\n\t}\n', printed)
        again = self.conf(printed, "printed.conf")
        self.assertEqual(run("collect", "-n", "-c", again), printed)
        explained = self.conf(run("collect", "-nv", "-c", again), "e.conf")
        self.assertEqual(run("collect", "-n", "-c", explained), printed)
        self.assertFalse(os.path.exists(self.path("var")))

    def test_times_are_of_its_zone(self):
        self.fill("softflowd-ndpi-mix.pcap")
        conf = self.conf(f'data = "{self.dir}"\ntime-zone = Asia/Tokyo\n')
        env = {k: v for k, v in ENV.items() if k != "TZ"}
        for more, zone in (({}, "JST"), ({"TZ": "UTC"}, "UTC")):
            out = subprocess.run(
                [WEIR, "report", "proto", "-c", conf], env=env | more,
                check=True, capture_output=True, text=True).stdout
            self.assertRegex(out, rf"\nfrom .* {zone}\n")
        # Those of the file as well.
        conf = self.conf("exporter a { address = 192.0.2.1\n"
                         "sampling { interval = 9 from = 2026-01-01T09:00 } }"
                         "\ntime-zone = Asia/Tokyo\n")
        out = subprocess.run(
            [WEIR, "collect", "-n", "-c", conf], env=env, check=True,
            capture_output=True, text=True).stdout
        self.assertIn("from = 2026-01-01T00:00:00Z", out)

    def test_the_default_file_is_read_when_nothing_is_named(self):
        conf = self.conf(f'data = "{self.path("system")}"\nnonsense = 1\n')
        mounts = self.path("mounts")
        os.mkdir(mounts)

        def with_default(*args):
            return subprocess.run(
                ["unshare", "-m", "sh", "-euc", WITH_DEFAULT_FILE, "sh",
                 mounts, conf, WEIR, *args], env=ENV, capture_output=True,
                text=True, check=False)

        if with_default("-V").returncode != 0:
            self.skipTest("needs root and mount namespaces")
        self.assertEqual(with_default("status").stderr.split(" (")[0].strip(),
                         "weir: /etc/weir/weir.conf:2: nonsense: is unknown, "
                         "want a key that `weir collect -n -v` lists")
        conf = self.conf(f'data = "{self.path("system")}"\n')
        self.assertIn(self.path("system"), with_default("status").stderr)
        # Who names a folder or a file is not served by it.
        self.assertIn(self.dir, with_default("status", "-d", self.dir).stderr)
        other = self.conf("data = other\n", "other.conf")
        self.assertIn("other", with_default("status", "-c", other).stderr)


if __name__ == "__main__":
    main()
