# SPDX-License-Identifier: ISC
"""SIGHUP: another configuration, without losing a datagram."""

import json
import os
import pwd
import re
import signal
import socket
import time

from lib import Store, main, run, wait_for
from test_collect import datagram
from test_trouble import Sender


def free_ports(n):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
               for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Reload(Store):
    def start(self, conf, *options):
        self.write(conf)
        return self.collector("-c", self.path("weir.conf"), *options,
                              listen=False)

    def write(self, conf):
        path = self.path("weir.conf")
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(conf)
        os.rename(path + ".new", path)

    def reload(self, collector, conf, want="weir.conf again"):
        """Its log since then, once it has done that."""
        before = len(collector.text())
        self.write(conf)
        collector.process.send_signal(signal.SIGHUP)
        wait_for(lambda: want in collector.text()[before:], want)
        return collector.text()[before:]

    def total(self):
        return json.loads(run("report", "loss", "-d", self.dir, "-f",
                              "json"))["total"]

    def test_twenty_times_under_load_nothing_is_lost(self):
        stays, other, target = free_ports(3)
        more = (
            f"listen 127.0.0.1:{other} {{ }}\n",
            f"relay 127.0.0.1:{target} {{ sample = 3 }}\n",
            "unknown-exporters = refuse\n"
            "exporter lo { address = 127.0.0.0/8 }\n",
            "exporter lo { address = 127.0.0.1 interface 1 { name = x } }\n")

        def listen(i):
            return (f"listen 127.0.0.1:{stays} "
                    f"{{ receive-buffer = {1 + i % 3}M }}\n")

        collector = self.start(listen(0))
        sender = Sender(stays)
        for i in range(20):
            time.sleep(0.05)
            self.reload(collector, listen(i) + "".join(
                text for k, text in enumerate(more) if i >> k & 1 and
                not (k == 3 and i >> 2 & 1)))
        sender.stop()
        numbers = collector.stop()
        self.assertGreater(len(sender.sent), 400)
        self.assertEqual(numbers["stored"], 30 * len(sender.sent))
        self.assertIn("refused: 0 not configured, 0 without room",
                      numbers["line"])
        total = self.total()
        self.assertEqual(total["flows"], 30 * len(sender.sent))
        for count in ("lost", "late", "duplicates", "restarts", "refused"):
            self.assertEqual(total[count], 0, count)
        self.assertEqual(collector.text().count(
            f"no longer listening on 127.0.0.1:{other}"), 9)

    def test_what_a_removed_socket_holds_is_received(self):
        stays, other = free_ports(2)
        first = f"listen 127.0.0.1:{stays} {{ }}\n"
        collector = self.start(first + f"listen 127.0.0.1:{other} {{ }}\n")
        collector.process.send_signal(signal.SIGSTOP)
        collector.port = other
        collector.send(*(datagram(30 * i) for i in range(500)))
        self.write(first)
        collector.process.send_signal(signal.SIGHUP)
        collector.process.send_signal(signal.SIGCONT)
        wait_for(lambda: f"no longer listening on 127.0.0.1:{other}"
                 in collector.text(), "the end")
        self.assertEqual(collector.stop()["stored"], 15000)

    def test_a_broken_file_changes_nothing(self):
        stays, other = free_ports(2)
        good = f"listen 127.0.0.1:{stays} {{ }}\n"
        collector = self.start(good)
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        in_use = taken.getsockname()[1]
        for conf, why in (
                ("lisen 1 { }\n", "weir.conf:1: lisen: is unknown, did you "
                                  "mean listen?"),
                (good + "max-age = 9\n", "weir.conf:2: max-age: "),
                ("listen x {", 'weir.conf:1: "{" is not closed'),
                (f"listen 127.0.0.1:{other} {{ }}\n"
                 f"listen 127.0.0.1:{in_use} {{ }}\n",
                 f"listen on UDP 127.0.0.1:{in_use}: Address already in use"),
                (good + f"relay 127.0.0.1:{stays} {{ }}\n",
                 f"relay 127.0.0.1:{stays}: is a socket of this collector"),
                (good + "listen 239.1.1.1:1 { interface = none0 }\n",
                 "interface none0: No such device")):
            with self.subTest(why):
                log = self.reload(collector, conf, "stays as it was")
                self.assertIn(why, log)
                self.assertEqual(log.count("\n"), 1, log)
        os.unlink(self.path("weir.conf"))
        collector.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "No such file" in collector.text(), "the line")
        collector.send(datagram(0))
        # The sockets that were bound in vain are free again.
        self.reload(collector, good + f"listen 127.0.0.1:{other} {{ }}\n")
        collector.port = other
        collector.send(datagram(30))
        self.assertEqual(collector.stop()["stored"], 60)

    def test_without_a_file_it_goes_on(self):
        collector = self.collector()
        collector.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "no configuration file to read again" in
                 collector.text(), "the line")
        collector.send(datagram(0))
        self.assertEqual(collector.stop()["stored"], 30)

    def test_what_is_settled_at_the_start_stays(self):
        port, = free_ports(1)
        listen = f"listen 127.0.0.1:{port} {{ }}\n"
        collector = self.start(listen + f'data = "{self.dir}"\n')
        self.write(listen + "data = /elsewhere\nuser = nobody\n")
        # -d is stronger, before as after.
        log = self.reload(collector, listen + "data = /elsewhere\n"
                          "user = nobody\n")
        self.assertNotIn("data stays", log)
        self.assertIn("user stays the same until a restart", log)
        collector.stop()

    def test_options_stay_stronger(self):
        collector = self.collector("-c", self.conf_file("max-age = 9d\n"))
        self.reload(collector, "listen 127.0.0.1:1 { }\n")
        self.assertNotIn("no longer listening", collector.text())
        collector.send(datagram(0))
        self.assertEqual(collector.stop()["stored"], 30)

    def conf_file(self, text):
        self.write(text)
        return self.path("weir.conf")

    def test_exporters_change(self):
        port, = free_ports(1)
        listen = f"listen 127.0.0.1:{port} {{ }}\n"
        collector = self.start(listen)
        collector.send(datagram(0))
        refuse = listen + "unknown-exporters = refuse\n"
        self.reload(collector, refuse)
        collector.send(datagram(30))
        self.reload(collector,
                    refuse + "exporter lo { address = 127.0.0.1 }\n")
        collector.send(datagram(60))
        self.assertEqual(collector.stop()["stored"], 60)
        self.assertEqual(self.total()["refused"], 1)

    def test_limits_change(self):
        self.fill("softflowd-ndpi-mix.pcap")
        collector = self.collector("-c", self.conf_file(""))
        self.reload(collector, "max-age = 9d\n")
        wait_for(lambda: re.search("removed, .* older than 9 days",
                                   collector.text()), "removal")
        collector.stop()
        self.assertEqual(self.flows(), [])

    def test_a_port_that_needs_root_is_refused_once_root_is_given_up(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start",
                  encoding="ascii") as f:
            if os.geteuid() != 0 or int(f.read()) <= 514:
                self.skipTest("needs root, and ports that are root's")
        user = pwd.getpwnam("nobody")
        os.chmod(self.folder, 0o755)
        os.mkdir(self.dir)
        os.chown(self.dir, user.pw_uid, user.pw_gid)
        port, = free_ports(1)
        listen = f"user = nobody\nlisten 127.0.0.1:{port} {{ }}\n"
        collector = self.start(listen)
        log = self.reload(collector, listen + "listen 127.0.0.1:514 { }\n",
                          "stays as it was")
        self.assertIn("listen on UDP 127.0.0.1:514: ports below 1024 are for "
                      "root: start weir as root, or use another port: the "
                      "configuration stays as it was", log)
        collector.send(datagram(0))
        # What the user may not read it may not use.
        os.chmod(self.path("weir.conf"), 0o600)
        collector.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Permission denied" in collector.text(), "the line")
        collector.send(datagram(30))
        self.assertEqual(collector.stop()["stored"], 60)


if __name__ == "__main__":
    main()
