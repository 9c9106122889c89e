# SPDX-License-Identifier: ISC
"""weir serve: what it answers, what it refuses, how it ends."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from urllib.parse import urlencode

from lib import ENV, WEIR, Store, data, main, refused, run, wait_for

CAPTURE = "softflowd-ndpi-mix.pcap"


class Serve(Store):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.filled = tempfile.mkdtemp(prefix="weir-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.filled)
        run("import", "-d", cls.filled, data(CAPTURE))

    def setUp(self):
        super().setUp()
        shutil.copytree(self.filled, self.dir)
        self.start()

    def start(self, *options):
        self.log = self.path("serve.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [WEIR, "serve", "-d", self.dir, "-l", "127.0.0.1:0",
                 *options], stderr=log, env=ENV)
        self.addCleanup(self.kill)
        wait_for(lambda: self.text() or self.process.poll() is not None,
                 "serve to listen")
        self.port = int(re.search(
            r"^weir: listening on http://127\.0\.0\.1:(\d+)/$",
            self.text(), re.MULTILINE)[1])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def ask(self, path, params=(), method="GET", headers=None):
        """Status, headers, body."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            c.request(method, path + ("?" + urlencode(params) if params
                                      else ""), headers=headers or {})
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as f:
            return f.read().split()

    def slow(self):
        """A question; with hold_children, one that is never answered."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.addCleanup(s.close)
        s.sendall(b"GET /api/list?columns=start HTTP/1.1\r\n"
                  b"Host: localhost\r\n\r\n")
        return s

    def hold_children(self):
        """Children wait for ever for the one shard there is."""
        shards = os.path.join(self.dir, "shards")
        name = [n for n in os.listdir(shards) if n.endswith(".db")][0]
        path = os.path.join(shards, name)
        os.remove(path)
        os.mkfifo(path)

    # ---- answers ----

    def test_api_answers_as_the_command_does(self):
        words = {"src": "192.168.0.0/16", "dport": "443", "lines": "5"}
        as_words = [f"{k}={v}" for k, v in words.items()]
        asked = [("report", {"keys": "src,dst"}, ["src,dst"]),
                 ("list", {}, []),
                 ("graph", {"kind": "bps"}, ["bps"])]
        for name, more, bare in asked:
            given = as_words[:2] if name == "graph" else as_words
            for form, kind in (("csv", "text/csv; charset=utf-8"),
                               ("json", "application/json"),
                               ("html", "text/html; charset=utf-8")):
                with self.subTest(name, form=form):
                    want = run(name, *bare, *given, "-d", self.dir,
                               "-f", form)
                    status, headers, body = self.ask(
                        "/api/" + name, {**more, **words, "format": form})
                    self.assertEqual(status, 200)
                    self.assertEqual(headers["Content-Type"], kind)
                    self.assertEqual(body.decode(), want)

    def test_words_and_where_are_words(self):
        want = run("report", "src", "dport=443", "proto=tcp",
                   "where=octets > 1000 and packets > 3", "-d", self.dir,
                   "-f", "csv")
        got = self.ask("/api/report", {
            "keys": "src", "words": " dport=443  proto=tcp ",
            "where": "octets > 1000 and packets > 3", "format": "csv"})[2]
        self.assertEqual(got.decode(), want)

    def test_status_and_tracks(self):
        status, headers, body = self.ask("/api/status")
        self.assertEqual(
            (status, headers["Content-Type"]), (200, "application/json"))
        self.assertIn("rows", json.loads(body))
        run("track", "create", "web", "type=bps", "dport=443", "-d", self.dir)
        self.assertIn(b"web", self.ask("/api/tracks")[2])

    def test_children_have_the_configuration(self):
        conf = self.path("weir.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write('exporter edge { address = "127.0.0.9" }\n')
        self.kill()
        self.start("-c", conf)
        self.assertIn("nothing in 24 h from exporter edge", self.ask(
            "/api/status", {"format": "text"})[2].decode())

    def test_pictures(self):
        for form, begin in (("png", b"\x89PNG"), ("svg", b"<")):
            status, _, body = self.ask(
                "/api/graph", {"kind": "pps", "format": form})
            self.assertEqual(status, 200)
            self.assertTrue(body.startswith(begin), body[:20])

    def test_pages_show_the_answer_and_the_command(self):
        status, headers, body = self.ask(
            "/report", {"keys": "src", "where": "octets > 1000"})
        page = body.decode()
        self.assertEqual(status, 200)
        self.assertIn("weir report src &#39;where=octets &gt; 1000&#39;",
                      page)
        self.assertIn('value="octets &gt; 1000"', page)
        self.assertIn('href="/api/report?keys=src&amp;'
                      'where=octets%20%3E%201000&amp;format=csv"', page)
        self.assertEqual(page.count("<main>"), 1)
        self.assertIn("<tfoot>", page)
        self.assertIn("data:image/svg+xml,",
                      self.ask("/graph", {"kind": "bps"})[2].decode())
        self.assertIn("<tbody>", self.ask("/list", {})[2].decode())
        self.assertIn("<form", self.ask("/")[2].decode())
        for path in ("/style.css", "/sort.js", "/healthz"):
            self.assertEqual(self.ask(path)[0], 200, path)

    def test_every_answer_has_its_headers(self):
        for path in ("/", "/healthz", "/report", "/api/list", "/nowhere",
                     "/api/report?src=x"):
            headers = self.ask(path)[1]
            self.assertIn("default-src 'none'",
                          headers["Content-Security-Policy"], path)
            for name, want in (("X-Content-Type-Options", "nosniff"),
                               ("X-Frame-Options", "DENY"),
                               ("Referrer-Policy", "no-referrer"),
                               ("Cache-Control", "no-store")):
                self.assertEqual(headers[name], want, path)

    def test_head_has_no_body(self):
        length = len(self.ask("/api/list", {"format": "csv"})[2])
        status, headers, body = self.ask(
            "/api/list", {"format": "csv"}, method="HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(int(headers["Content-Length"]), length)

    # ---- refusals ----

    def test_a_wrong_word_is_the_commands_line(self):
        line = refused("report", "src", "dport=nonsense", "-d", self.dir)
        status, _, body = self.ask(
            "/api/report", {"keys": "src", "dport": "nonsense"})
        self.assertEqual((status, "weir: " + body.decode()), (400, line))
        status, _, body = self.ask(
            "/report", {"keys": "src", "dport": "<script>alert(1)</script>"})
        self.assertEqual(status, 400)
        self.assertNotIn(b"<script>alert", body)
        self.assertIn(b"&lt;script&gt;alert", body)

    def test_nothing_becomes_an_option_or_a_command(self):
        made = self.path("made")
        for params in ({"keys": "-o"}, {"keys": f"--output={made}"},
                       {"keys": "src", "-o": made},
                       {"keys": "src", "--output": made},
                       {"keys": "src", "words": f"-o {made}"},
                       {"keys": "src", "words": f"-o={made}"},
                       {"keys": f"src;touch {made}"},
                       {"keys": "src", "src": f"; touch {made}"},
                       {"keys": "src", "src": f"$(touch {made})"},
                       {"keys": "src", "src": f"`touch {made}`"},
                       {"keys": "src", "src": f"1\n-o{made}"},
                       {"keys": "src\n"}, {"keys": "src", "src": "1\0"},
                       {"keys": "src", "A": "1"}, {"keys": "src", "": "1"},
                       {"kind": "bps", "font": "/etc/passwd"},
                       {"keys": "scan", "suppress_file": "/etc/passwd"},
                       {"keys": "src", "resolver": "127.0.0.1:53"},
                       {"keys": "src", "link": "https://example.com/?"},
                       {"keys": "src", "words": "resolver=127.0.0.1:53"},
                       {"keys": "src", "format": "xml"}):
            with self.subTest(params):
                status, _, body = self.ask("/api/report", params)
                self.assertEqual(status, 400, body)
                self.assertRegex(body.decode(), r"\A[^\n]+\n\Z")
        self.assertFalse(os.path.exists(made))

    def test_only_names_of_this_host(self):
        for host, want in (("localhost", 200), (f"localhost:{self.port}", 200),
                           ("127.0.0.1", 200), ("[::1]:8080", 200),
                           ("evil.example", 403), ("localhost.evil", 403),
                           ("127.0.0.1.evil:80", 403), ("10.0.0.1", 403),
                           ("", 403), ("[::1", 403)):
            with self.subTest(host):
                self.assertEqual(
                    self.ask("/healthz", headers={"Host": host})[0], want)

    def test_not_as_a_part_of_other_pages(self):
        for site, mode, want in (("cross-site", "no-cors", 403),
                                 ("cross-site", "cors", 403),
                                 ("cross-site", "navigate", 200),
                                 ("same-origin", "no-cors", 200),
                                 ("none", "navigate", 200)):
            self.assertEqual(self.ask("/api/status", headers={
                "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})[0], want)

    def test_only_get_and_head(self):
        for method in ("POST", "PUT", "DELETE"):
            status, headers, _ = self.ask("/api/report", method=method)
            self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

    def test_large_requests(self):
        self.assertGreaterEqual(
            self.ask("/api/report?keys=" + "a" * 20000)[0], 400)
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_only_loopback(self):
        for where in ("0.0.0.0:0", "192.0.2.1:8080", "[::]:0", "nonsense"):
            self.assertIn("-l " + where, refused(
                "serve", "-d", self.dir, "-l", where))

    def test_reports_with_words_of_their_own(self):
        for keys in ("summary", "scan", "loss", "src/24,hour"):
            status, _, body = self.ask("/report", {"keys": keys})
            self.assertEqual(status, 200, body)

    # ---- children ----

    def test_questions_behind_each_other_on_one_connection(self):
        one = (b"GET /api/list?lines=1&format=csv HTTP/1.1\r\n"
               b"Host: localhost\r\n\r\n")
        with socket.create_connection(
                ("127.0.0.1", self.port), timeout=30) as s:
            s.sendall(one * 3)
            got = b""
            while got.count(b"HTTP/1.1 200 OK") < 3:
                more = s.recv(65536)
                self.assertNotEqual(more, b"", got)
                got += more

    def test_who_leaves_cancels(self):
        self.hold_children()
        s = self.slow()
        wait_for(self.children, "a child")
        s.close()
        wait_for(lambda: not self.children(), "the child to end")
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_eight_at_once_and_a_clean_stop(self):
        self.hold_children()
        for _ in range(8):
            self.slow()
        wait_for(lambda: len(self.children()) == 8, "children")
        status, _, body = self.ask("/api/list")
        self.assertEqual(status, 503)
        self.assertIn(b"8 questions", body)
        pids = self.children()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=20), 0, self.text())
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    main()
