# SPDX-License-Identifier: ISC
"""The real program, started, fed and asked, for the end-to-end tests."""

import csv
import io
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

WEIR = os.environ["WEIR"]
DATA = os.path.join(os.path.dirname(__file__), "..", "data")
ENV = dict(os.environ, TZ="UTC", LC_ALL="C")


def data(name):
    return os.path.join(DATA, name)


def golden(test, name, text):
    """text is that of the file; GOLDEN=write makes it so."""
    path = os.path.join(os.path.dirname(__file__), "..", "golden", name)
    if os.environ.get("GOLDEN") == "write":
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    with open(path, encoding="utf-8") as f:
        test.assertEqual(text, f.read(), name)


def run(*args, status=0, **options):
    """One command of weir; its standard output. Fails unless it exits so."""
    done = subprocess.run(
        [WEIR, *args], capture_output=True, text=True, env=ENV, **options)
    if done.returncode != status:
        raise AssertionError(
            f"weir {' '.join(args)}: exit status {done.returncode}, want "
            f"{status}\n{done.stdout}{done.stderr}")
    return done.stdout


def refused(*args, status=2, **options):
    """One command that fails with one line: what it printed on stderr."""
    done = subprocess.run(
        [WEIR, *args], capture_output=True, text=True, env=ENV, **options)
    if done.returncode != status or done.stdout != "":
        raise AssertionError(
            f"weir {' '.join(args)}: exit status {done.returncode}, want "
            f"{status}, and nothing on stdout\n{done.stdout}{done.stderr}")
    if not re.fullmatch(r"weir: [^\n]+\n", done.stderr):
        raise AssertionError(f"not one line: {done.stderr!r}")
    return done.stderr


def write_pcap(path, packets):
    """A capture of UDP datagrams to port 2055: (Unix time, source address,
    payload) each."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for when, source, payload in packets:
            udp = struct.pack(">HHHH", 40000, 2055, 8 + len(payload), 0)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0,
                             0, 64, 17, 0, socket.inet_aton(source),
                             socket.inet_aton("192.0.2.250"))
            frame = bytes(12) + b"\x08\x00" + ip + udp + payload
            f.write(struct.pack("<IIII", int(when), int(when % 1 * 1e6),
                                len(frame), len(frame)) + frame)


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def into_nfcapd(test, capture, rate="20000"):
    """Replay a capture to nfcapd; the folder that it filled."""
    spool = test.path("nfcapd")
    os.mkdir(spool)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(test.path("nfcapd.log"), "w", encoding="utf-8") as log:
        nfcapd = subprocess.Popen(
            ["nfcapd", "-p", str(port), "-b", "127.0.0.1", "-w", spool,
             "-B", "8388608"], stdout=log, stderr=log, env=ENV)
    test.addCleanup(nfcapd.kill)

    def socket_line():
        with open("/proc/net/udp", encoding="ascii") as f:
            return [line for line in f if f":{port:04X} " in line]
    wait_for(socket_line, "nfcapd")
    run("send", capture, "--to", f"127.0.0.1:{port}", "--rate", rate)
    wait_for(lambda: socket_line()[0].split()[4] == "00000000:00000000",
             "nfcapd to read all")
    nfcapd.terminate()
    nfcapd.wait(timeout=20)
    return spool


class Store(unittest.TestCase):
    """A test with a folder of its own, and a data folder in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="weir-e2e-")
        self.dir = os.path.join(self.folder, "var")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def fill(self, *captures):
        return run("import", "-d", self.dir, *map(data, captures))

    def report(self, keys, *words):
        return json.loads(
            run("report", keys, *words, "-d", self.dir, "-f", "json"))

    def flows(self, *words):
        """`weir list -f csv` as dictionaries."""
        text = run("list", *words, "-d", self.dir, "-f", "csv")
        return list(csv.DictReader(io.StringIO(text)))

    def collector(self, *options, **how):
        return Collector(self, *options, **how)


class Collector:
    """`weir collect` on a free port, or with listen=False where its file
    says; port is known once it listens."""

    def __init__(self, test, *options, listen=True):
        listen = ["-l", "127.0.0.1:0"] if listen and "-l" not in options \
            else []
        self.log = test.path("collect.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [WEIR, "collect", "-d", test.dir, *listen, *options],
                stderr=log, env=ENV)
        test.addCleanup(self.kill)
        wait_for(lambda: self.ports() or self.process.poll() is not None,
                 "the collector to listen")
        if not self.ports():
            raise AssertionError(self.text())
        self.port = self.ports()[0]

    def text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def ports(self):
        return [int(p) for p in re.findall(r"listening on \S+:(\d+)\n",
                                           self.text())]

    def send(self, *payloads, to="127.0.0.1"):
        with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET,
                           socket.SOCK_DGRAM) as s:
            for payload in payloads:
                s.sendto(payload, (to, self.port))

    def stop(self, with_signal=signal.SIGTERM):
        """End it cleanly; the numbers of its last line."""
        self.process.send_signal(with_signal)
        if self.process.wait(timeout=30) != 0:
            raise AssertionError(self.text())
        line = re.findall(r"collect: (\d+) datagrams, (\d+) flows received, "
                          r"(\d+) stored; .*", self.text())
        return dict(zip(("datagrams", "received", "stored"),
                        map(int, line[-1])), line=self.text())

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def main():
    unittest.main(verbosity=2)
