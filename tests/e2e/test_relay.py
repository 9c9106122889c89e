# SPDX-License-Identifier: ISC
"""Datagrams sent on to other collectors, multicast, IPv6."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

from lib import Store, data, main, refused, run, wait_for
from test_collect import datagram


# In a network namespace: the loopback has no way to IPv6 groups.
OWN_NETWORK = """
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
ip link add group0 type veth peer name group1
ip link set group0 up
ip link set group1 up
exec "$@"
"""


def receiver(address="127.0.0.1", buffer=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer or 8 << 20)
    s.bind((address, 0))
    s.settimeout(10)
    return s


def received(s):
    """All that came, once nothing has for a moment."""
    s.settimeout(0.5)
    got = []
    try:
        while True:
            got.append(s.recv(65536))
    except TimeoutError:
        return got


class Relay(Store):
    def conf(self, text):
        path = self.path("weir.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def relayed(self):
        answer = json.loads(run("status", "-d", self.dir, "-f", "json"))
        return (answer["relayed_day_datagrams"],
                answer["relay_dropped_day_datagrams"])

    def test_several_targets_get_each_datagram_as_it_came(self):
        with receiver() as one, receiver("::1") as two:
            conf = self.conf(
                f"relay 127.0.0.1:{one.getsockname()[1]} {{ }}\n"
                f"relay [::1]:{two.getsockname()[1]} {{ }}\n")
            collector = self.collector("-c", conf)
            sent = [datagram(30 * i) for i in range(300)]
            sent += [datagram(0)[:50], b"x", datagram(0, version=9), b""]
            collector.send(*sent)
            self.assertEqual(received(one), sent)
            self.assertEqual(received(two), sent)
            self.assertEqual(collector.stop()["stored"], 9000)
        self.assertEqual(self.relayed(), (608, 0))
        self.assertIn("relayed in 24 h to [::1]:", run("status", "-d",
                                                        self.dir))

    def test_another_weir_gets_the_same_flows(self):
        other = self.path("other")
        here, self.dir = self.dir, other
        second = self.collector()
        self.dir = here
        conf = self.conf(f"relay 127.0.0.1:{second.port} {{ }}\n")
        first = self.collector("-c", conf)
        run("send", data("softflowd-ndpi-mix.pcap"), "--to",
            f"127.0.0.1:{first.port}")
        first.stop()
        wait_for(lambda: "83 datagrams" in self.stop_text(second), "the end")
        flows = self.flows()
        self.dir = other
        self.assertEqual(len(flows), 2429)
        self.assertEqual(flows, self.flows())

    @staticmethod
    def stop_text(collector):
        return collector.stop()["line"] \
            if collector.process.poll() is None else collector.text()

    def test_one_in_n_is_drawn_by_lot(self):
        with receiver() as target:
            conf = self.conf(f"relay 127.0.0.1:{target.getsockname()[1]} "
                             "{ sample = 10 }\n")
            collector = self.collector("-c", conf)
            sent = [datagram(30 * i) for i in range(1000)]
            for i in range(0, 1000, 100):
                collector.send(*sent[i:i + 100])
                time.sleep(0.02)
            numbers = [struct.unpack(">I", p[16:20])[0] // 30
                       for p in received(target)]
            collector.stop()
        # One of each ten, in order, and not always the same one.
        self.assertEqual([n // 10 for n in numbers], list(range(100)))
        self.assertGreater(len({n % 10 for n in numbers}), 5)
        self.assertEqual(self.relayed(), (100, 0))

    def test_only_what_is_let_in_is_sent_on(self):
        with receiver() as target:
            conf = self.conf(
                f"relay 127.0.0.1:{target.getsockname()[1]} {{ }}\n"
                "unknown-exporters = refuse\n"
                "exporter a { address = 127.0.0.2 }\n")
            collector = self.collector("-c", conf)
            collector.send(datagram(0))  # of 127.0.0.1
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind(("127.0.0.2", 0))
                s.sendto(datagram(30), ("127.0.0.1", collector.port))
            self.assertEqual([struct.unpack(">I", p[16:20])[0]
                              for p in received(target)], [30])
            collector.stop()

    def test_what_cannot_be_sent_is_counted_and_delays_nothing(self):
        with receiver() as target:
            port = target.getsockname()[1]
        # Nobody listens there any more.
        conf = self.conf(f"relay 127.0.0.1:{port} {{ }}\n")
        collector = self.collector("-c", conf)
        for i in range(200):
            collector.send(datagram(30 * i))
            if i % 20 == 0:
                time.sleep(0.02)
        wait_for(lambda: "could not be sent" in collector.text(), "the line")
        numbers = collector.stop()
        self.assertEqual(numbers["stored"], 6000)
        lines = re.findall(rf"relay 127\.0\.0\.1:{port}: (\d+) datagrams "
                           "could not be sent: Connection refused",
                           collector.text())
        self.assertEqual(len(lines), 1)
        sent, dropped = self.relayed()
        self.assertEqual(sent + dropped, 200)
        self.assertGreater(dropped, 0)
        self.assertIn(", not sent: ", run("status", "-d", self.dir))

    def test_it_is_no_socket_of_its_own(self):
        with receiver() as free:
            port = free.getsockname()[1]
        conf = self.conf(f"relay 127.0.0.1:{port} {{ }}\n")
        for listen in (f"127.0.0.1:{port}", f"0.0.0.0:{port}"):
            self.assertIn(f"relay 127.0.0.1:{port}: is a socket of this "
                          "collector, want another one",
                          refused("collect", "-c", conf, "-d", self.dir,
                                  "-l", listen))

    # ---- multicast ----

    def send_to_group(self, group, port, payload, source="127.0.0.1"):
        if ":" in group:
            index = socket.if_nametoindex("group0")
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                             index)
                s.sendto(payload, (group, port, 0, index))
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                         socket.inet_aton("127.0.0.1"))
            s.bind((source, 0))
            s.sendto(payload, (group, port))

    def check_group(self, group, listen, interface):
        self.dir = self.path(group.replace(":", "-"))
        conf = self.conf(f"listen {listen} {{ interface = {interface} }}\n")
        collector = self.collector_of(conf)
        self.send_to_group(group, collector.port, datagram(0))
        # What is sent to no group is for others.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(datagram(0), ("127.0.0.1", collector.port))
        self.send_to_group(group, collector.port, datagram(30))
        self.assertEqual(collector.stop()["stored"], 60)

    def test_a_group_is_joined(self):
        self.check_group("239.255.1.7", "239.255.1.7:0", "lo")

    def test_an_ipv6_group_is_joined(self):
        if "WEIR_OWN_NETWORK" in os.environ:
            wait_for(lambda: "fe80" in subprocess.run(
                ["ip", "addr", "show", "group0"], check=True, text=True,
                capture_output=True).stdout, "an address")
            self.check_group("ff02::77", "[ff02::77]:0", "group0")
            self.check_group("ff0e::77", "[ff0e::77]:0", "group0")
            return
        if subprocess.run(["unshare", "-n", "true"], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs root and network namespaces")
        done = subprocess.run(
            ["unshare", "-n", "sh", "-euc", OWN_NETWORK, "sh",
             sys.executable, "-B", __file__, self.id().split(".", 1)[1]],
            env=dict(os.environ, WEIR_OWN_NETWORK="1"), capture_output=True,
            text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("OK", done.stderr)

    def test_only_given_sources_are_let_in(self):
        conf = self.conf("listen 239.255.1.8:0 { interface = lo\n"
                         "source = {127.0.0.2, 127.0.0.3} }\n")
        collector = self.collector_of(conf)
        for last in (1, 2, 3, 4):
            self.send_to_group("239.255.1.8", collector.port, datagram(0),
                               f"127.0.0.{last}")
        collector.stop()
        self.assertEqual({r["exporter"] for r in self.flows()},
                         {"127.0.0.2", "127.0.0.3"})

    def test_an_interface_that_is_not_there_is_said(self):
        conf = self.conf("listen 239.1.1.1:0 { interface = nosuch0 }\n")
        self.assertIn("interface nosuch0: No such device",
                      refused("collect", "-c", conf, "-d", self.dir,
                              status=1))

    def collector_of(self, conf):
        """With the sockets of the file, not a free port of ours."""
        return self.collector("-c", conf, listen=False)

    # ---- IPv6 ----

    def test_both_ip_versions_on_one_port(self):
        first = self.collector("-l", "0.0.0.0:0")
        port = first.port
        first.stop()
        collector = self.collector("-l", f"0.0.0.0:{port}", "-l",
                                   f"[::]:{port}")
        collector.send(datagram(0))
        collector.send(datagram(0), to="::1")
        self.assertEqual(collector.stop()["stored"], 60)
        self.assertEqual({r["exporter"] for r in self.flows()},
                         {"127.0.0.1", "::1"})


if __name__ == "__main__":
    main()
