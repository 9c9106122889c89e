# SPDX-License-Identifier: ISC
"""Alerts of trackings: rules in updates, the log, and real deliveries."""

import http.server
import json
import os
import quopri
import socketserver
import subprocess
import threading
import time

from lib import ENV, WEIR, Store, main, refused, run

STEP = 300


class Mail(socketserver.StreamRequestHandler):
    """Takes messages; refuses the first few of them for now."""

    def handle(self):
        self.wfile.write(b"220 sink\r\n")
        message, data = [], False
        for line in self.rfile:
            if data:
                if line == b".\r\n":
                    data = False
                    if self.server.refuse > 0:
                        self.server.refuse -= 1
                        self.wfile.write(b"451 later\r\n")
                    else:
                        self.server.got.append(
                            quopri.decodestring(b"".join(message)).decode())
                        self.wfile.write(b"250 queued\r\n")
                    message = []
                    continue
                message.append(line)
                continue
            verb = line[:4].upper()
            if verb == b"DATA":
                data = True
                self.wfile.write(b"354 go on\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Alert(Store):
    def serve(self, kind, server=socketserver.ThreadingTCPServer, **state):
        s = server(("127.0.0.1", 0), kind)
        s.got = []
        for name, value in state.items():
            setattr(s, name, value)
        thread = threading.Thread(target=s.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(s.server_close)
        self.addCleanup(s.shutdown)
        return s, s.server_address[1]

    def setUp(self):
        """An hour and a half up to the last whole period, then silence for
        the rest of it."""
        super().setUp()
        self.end = int(time.time()) // STEP * STEP
        out = self.path("a.pcap")
        run("generate", "flows=3000", "hosts=50", f"from=@{self.end - 5400}",
            f"to=@{self.end - 1800}", "-o", out)
        run("import", "-d", self.dir, out)
        self.mail, mail_port = self.serve(Mail, refuse=0)
        self.hook, hook_port = self.serve(
            Hook, http.server.ThreadingHTTPServer, status=200)
        self.seen = self.path("seen.json")
        with open(self.path("weir.conf"), "w", encoding="utf-8") as f:
            f.write(f"""data = {self.dir}
mail-server = "smtp://127.0.0.1:{mail_port}"
mail-from = weir@example.org
base-url = "http://weir.example.org"
alert-target ops {{ mail = ops@example.org }}
alert-target hook {{ webhook = "http://127.0.0.1:{hook_port}/x" }}
alert-target script {{ program = {{/bin/sh, -c, "cat > {self.seen}"}} }}
""")

    def track(self, *words, **how):
        return run("track", *words, "-c", self.path("weir.conf"), **how)

    def refused(self, *words, **how):
        return refused("track", *words, "-c", self.path("weir.conf"), **how)

    def ask(self, *words):
        return json.loads(self.track(*words, "-f", "json"))

    def update(self, end):
        self.track("update", f"to=@{end}")

    def log(self, *words):
        return [(a["kind"], a["end_ms"] // 1000) for a in
                self.ask("alert", "log", *words)]

    def values(self, name):
        return {r["to_ms"] // 1000: r["average"] for r in self.ask(
            "values", name, f"from=@{self.end - 7200}",
            f"to=@{self.end}")["rows"]}

    def wait_for_next_try(self):
        """As if the pause was over."""
        subprocess.run(["sqlite3", os.path.join(self.dir, "state.db"),
                        "UPDATE alert_outbox SET next_ms = 0"], check=True)

    def test_a_message_has_all_that_is_needed(self):
        self.track("create", "web & more", "type=bps", "proto=tcp",
                   f"from=@{self.end - 3600}")
        self.track("alert", "add", "web & more", "above=1", "hold=1d",
                   "recovery=yes", "target=ops,hook,script")
        self.update(self.end - 3000)
        self.assertEqual(self.log(), [("fired", self.end - 3300)])
        mail, = self.mail.got
        for text in ("From: weir@example.org", "To: ops@example.org",
                     "Subject: weir: web & more: ", " is above 1 bps",
                     "Filter    proto=tcp", "Rule      above=1 hold=86400s",
                     "http://weir.example.org/track?name=web%20%26%20more",
                     "Source", "Destination", "10 of "):
            self.assertIn(text, mail)
        hook, = self.hook.got
        self.assertEqual(
            [hook[k] for k in ("kind", "tracking", "type", "filter", "limit",
                               "to_ms")],
            ["fired", "web & more", "bps", "proto=tcp", 1,
             (self.end - 3300) * 1000])
        self.assertAlmostEqual(
            hook["value"], self.values("web & more")[self.end - 3300],
            delta=0.001)
        self.assertIn("Source", hook["top"])
        with open(self.seen, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["id"], hook["id"])
        # Not again within a day; and when nothing is heard, nothing is known.
        self.update(self.end)
        self.assertEqual(len(self.log()), 1)
        self.assertEqual(len(self.mail.got), 1)

    def test_rules_are_walked_once_whatever_happens(self):
        self.track("create", "all", "type=pps", f"from=@{self.end - 5400}")
        self.track("alert", "add", "all", "above=0", "in-a-row=3",
                   "target=hook")
        self.track("alert", "add", "all", "no-data=yes", "recovery=yes",
                   "target=hook", "hold=1d")
        for end in range(self.end - 5100, self.end - 900, STEP):
            process = subprocess.Popen(
                [WEIR, "track", "update", f"to=@{end}", "-c",
                 self.path("weir.conf")], env=ENV, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            time.sleep(0.07)
            process.kill()
            process.wait()
        self.update(self.end)
        self.update(self.end)
        known = sorted(t for t, v in self.values("all").items()
                       if v is not None and t > self.end - 5400)
        fired = [t for k, t in self.log() if t in known]
        self.assertEqual(fired, known[2::3])
        silent = [t for k, t in self.log() if t not in known]
        self.assertEqual(silent, [known[-1] + STEP])
        # A kill between sending and noting it may send again, under one id.
        ids = {m["id"] for m in self.hook.got}
        self.assertEqual(len(ids), len(fired) + 1)
        rule = self.ask("alert", "list")[1]
        self.assertEqual((rule["rule"], rule["alarm"]),
                         ("no-data=yes hold=86400s recovery=yes", 1))
        self.assertEqual(self.ask("list")[0]["alarms"], 2)

    def test_it_is_tried_again_and_not_twice(self):
        self.mail.refuse = 2
        self.track("create", "all", "type=bps", f"from=@{self.end - 3600}")
        self.track("alert", "add", "all", "above=1", "hold=1d",
                   "target=ops")
        self.update(self.end - 3000)
        self.assertEqual(self.ask("alert", "log")[0]["waiting"], 1)
        self.update(self.end - 2700)  # too early for another try
        self.assertEqual(self.mail.refuse, 1)
        for _ in range(3):
            self.wait_for_next_try()
            self.update(self.end - 2700)
        self.assertEqual((self.mail.refuse, len(self.mail.got)), (0, 1))
        note = self.ask("alert", "log")[0]
        self.assertEqual((note["delivered"], note["waiting"]), (1, 0))
        # What is refused for good is not tried again.
        self.hook.status = 404
        self.track("alert", "add", "all", "above=2", "hold=1d", "target=hook")
        self.update(self.end - 2400)
        self.wait_for_next_try()
        self.update(self.end - 2400)
        self.assertEqual(len(self.hook.got), 1)
        self.assertEqual(self.ask("alert", "log")[1]["failed"], 1)
        self.assertIn("404", self.ask("alert", "log")[1]["why"])

    def test_old_periods_are_for_the_log_alone(self):
        out = self.path("old.pcap")
        run("generate", "flows=500", f"from=@{self.end - 90000}",
            f"to=@{self.end - 88000}", "-o", out)
        run("import", "-d", self.dir, out)
        self.track("create", "all", "type=bps", f"from=@{self.end - 90000}")
        self.track("alert", "add", "all", "above=1", "target=hook")
        self.update(self.end - 86400)
        self.assertGreater(len(self.log()), 3)
        self.assertEqual(self.hook.got, [])

    def test_what_would_have_been_is_what_was(self):
        self.track("create", "all", "type=bps", "proto=udp",
                   f"from=@{self.end - 9000}")
        rules = (["above=20k", "in-a-row=2", "recovery=yes"],
                 ["sigma=1", "readings=4"], ["below=5k", "quiet=00:00-24:00"],
                 ["frequency=daily3", "above=1k"], ["frequency=sigma1"])
        before = [self.ask("back-test", "all", *rule,
                           f"from=@{self.end - 9000}", f"to=@{self.end}")
                  for rule in rules]
        for rule in rules:
            self.track("alert", "add", "all", *rule)
        for end in (3300, 3000, 0):
            self.update(self.end - end)
        was = self.ask("alert", "log", "all")
        self.assertGreater(len(was), 3)
        self.assertEqual(
            sorted((a["end_ms"], a["kind"], a["rule"]) for a in was),
            sorted((a["end_ms"], a["kind"], a["rule"])
                   for all_ in before for a in all_))
        stored = self.ask("back-test", "all", f"from=@{self.end - 9000}",
                          f"to=@{self.end}")
        self.assertEqual(len(stored), len(was))

    def test_alerts_are_acknowledged_and_rules_removed(self):
        self.track("create", "all", "type=bps", f"from=@{self.end - 5400}")
        self.track("alert", "add", "all", "above=1")
        self.update(self.end - 4200)
        first = self.ask("alert", "log")[0]["id"]
        self.track("alert", "ack", str(first), "who=ada")
        notes = self.ask("alert", "log")
        self.assertEqual([n["acked_by"] for n in notes[:2]], ["ada", ""])
        self.track("alert", "ack", "all", "who=bob")
        self.assertEqual([n["acked_by"] for n in self.ask("alert", "log")],
                         ["ada"] + ["bob"] * (len(notes) - 1))
        rule = self.ask("alert", "list")[0]["id"]
        self.track("alert", "remove", str(rule))
        self.assertEqual(self.ask("alert", "list"), [])
        self.assertIn("there is no rule",
                      self.refused("alert", "remove", str(rule)))
        self.update(self.end - 3600)
        self.assertEqual(len(self.ask("alert", "log")), len(notes))

    def test_a_test_is_sent(self):
        self.track("create", "all", "type=bps", f"from=@{self.end - 3600}")
        self.update(self.end - 3000)
        self.assertIn("no rule of all has a target",
                      self.refused("test-alert", "all"))
        self.track("test-alert", "all", "target=ops")
        self.assertIn("Subject: weir: all: a test", self.mail.got[0])
        self.track("alert", "add", "all", "above=1G", "target=hook")
        self.track("test-alert", "all")
        self.assertEqual(self.hook.got[0]["kind"], "test")
        self.mail.refuse = 1
        done = subprocess.run(
            [WEIR, "track", "test-alert", "all", "target=ops", "-c",
             self.path("weir.conf")], env=ENV, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tried again later", done.stderr)

    def test_what_is_wrong_is_said(self):
        self.track("create", "all", "type=bps")
        for words, text in (
                ([], "want one of above="),
                (["above=1", "below=2"], "want one of above="),
                (["above=x"], "want a number"),
                (["above=1", "target=nobody"], "target=nobody"),
                (["above=1", "target=a@b,ftp://x/"], "ftp"),
                (["above=1", "frequency=hourly"], "want daily"),
                (["above=1", "quiet=22-6"], "22:00-06:00"),
                (["above=1", "quiet=22:00-25:00"], "22:00-06:00"),
                (["above=1", "quiet=22:"], "22:00-06:00"),
                (["sigma=2", "readings=1"], "2 at least"),
                (["above=1", "in-a-row=0"], "in-a-row=0")):
            self.assertIn(text, self.refused("alert", "add", "all", *words),
                          words)
        self.assertIn("do you mean add?", self.refused("alert", "ad"))
        self.assertEqual(self.ask("alert", "list"), [])
        self.assertIn("no mail-server", refused(
            "track", "alert", "add", "all", "above=1", "target=a@b.c", "-d",
            self.dir).replace("mail for ", "").replace(
                "configuration has no", "no"))


if __name__ == "__main__":
    main()
