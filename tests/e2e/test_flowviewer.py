# SPDX-License-Identifier: ISC
"""weir import-flowviewer: what FlowViewer 4.6 writes becomes trackings, groups
and filters; what cannot be is said."""

import json
import os
import subprocess

from lib import Store, main, refused, run

END = 1767628800  # of the RRDs; 2026-01-05T16:00Z

MONITOR = """filter-primitive source_address
  type ip-address-prefix
  deny 10.1.0.0/16
  permit 10.0.0.0/8

filter-definition Flow_Filter
  match ip-source-address source_address


 input: monitor_type: {type}
 input: device_name: {device}
 input: monitor_label: {label}
 input: general_comment: {comment}
 input: source_addresses: {src}
 input: source_ports: 
 input: source_ifs: 3
 input: sif_names: 
 input: source_ases: 
 input: dest_addresses: 
 input: dest_ports: {dport}
 input: dest_ifs: 
 input: dif_names: 
 input: dest_ases: 
 input: protocols: tcp
 input: tos_fields: 
 input: tcp_flags: 2/18
 input: exporter: {exporter}
 input: nexthop_ips: 
 input: sampling_multiplier: {times}
 input: alert_threshold: {threshold}
 input: alert_frequency: {frequency}
 input: alert_destination: noc@example.org
 input: alert_last_notified: 
 input: alert_consecutive: 
 input: IPFIX: 0
 input: silk_rootdir: {silk}
 input: revision: Y|1767600000|wider: for the new net
 input: revision: N|1767610000|
"""

USUAL = {"type": "bps", "device": "", "comment": "", "src": "10.0.0.0/8, "
         "-10.1.0.0/16", "dport": "80,8000:8080", "exporter": "", "times": "",
         "threshold": "", "frequency": "none", "silk": ""}


class FlowViewer(Store):
    def setUp(self):
        super().setUp()
        for name in ("filters", "rrd", "saves"):
            os.makedirs(self.path("fv", name))
        with open(self.path("weir.conf"), "w", encoding="utf-8") as f:
            f.write(f"data = {self.dir}\n"
                    "mail-server = \"smtp://127.0.0.1:25\"\n"
                    "mail-from = weir@example.org\n"
                    "exporter edge { address = 192.0.2.1 }\n")
        os.mkdir(self.dir)

    def write(self, name, text):
        with open(self.path("fv", name), "w", encoding="utf-8") as f:
            f.write(text)

    def monitor(self, name, label, **fields):
        self.write("filters/" + name,
                   MONITOR.format(**{**USUAL, "label": label, **fields}))

    def rrd(self, name, ds="flowbits", value=1000):
        rras = [f"RRA:{cf}:0.5:{n}:{rows}" for cf in ("AVERAGE", "MAX")
                for n, rows in ((1, 600), (6, 700), (24, 775), (288, 1100))]
        path = self.path("fv", "rrd", name)
        subprocess.run(["rrdtool", "create", path, "--step", "300", "--start",
                        str(END - 7200), f"DS:{ds}:GAUGE:600:U:U", *rras],
                       check=True)
        subprocess.run(["rrdtool", "update", path,
                        *(f"{END - 7200 + i * 300}:{value + i}"
                          for i in range(1, 25))], check=True)
        return path

    def ask(self, *words):
        return json.loads(run(*words, "-c", self.path("weir.conf"), "-f",
                              "json"))

    def take(self):
        return {os.path.basename(r["file"]): (r["kind"], r["name"],
                                              r["result"], r["note"])
                for r in self.ask("import-flowviewer", self.path("fv"))}

    def test_all_is_taken_over(self):
        self.monitor("web_-_in_-new-.fil", "Web - In (new)", device="edge",
                     comment="the web", threshold="2000",
                     frequency="daily3")
        self.rrd("web_-_in_-new-.rrd")
        self.monitor("mail.fil", "mail", type="Individual-fps-prorated",
                     exporter="192.0.2.7:core", times="100",
                     threshold="-5", frequency="eachtime")
        self.monitor("old.archive", "old", frequency="sigma1")
        self.rrd("old.archive", value=5)
        self.write("filters/line.grp",
                   " input: monitor_label: line\n"
                   " input: monitor_type: Group\n"
                   " input: general_comment: both ways\n"
                   "201^old^red1\n102^mail^blue4\n101^Web - In (new)^gray\n"
                   "103^gone^gray\n")
        self.write("saves/my_web.svf",
                   "<!--\n BEGIN FILTERING PARAMETERS\n"
                   "filter_title: my web!\ndevice_name: nobody\n"
                   "source_addresses: 10.0.0.0/8\ndest_ports: 443\n"
                   "END FILTERING PARAMETERS\n")
        before = sorted(os.listdir(self.path("fv", "rrd")))
        got = self.take()
        self.assertEqual(got["web_-_in_-new-.fil"],
                         ("monitor", "Web - In (new)", "taken over", ""))
        self.assertIn("begins now", got["mail.fil"][3])
        self.assertEqual(got["old.archive"][:3],
                         ("archived", "old", "taken over"))
        self.assertEqual(got["line.grp"][:3], ("group", "line", "taken over"))
        self.assertIn("another type", got["line.grp"][3])
        self.assertIn("member gone is not there", got["line.grp"][3])
        self.assertEqual(got["my_web.svf"], (
            "filter", "my_web_", "taken over", "device nobody"))
        self.assertEqual(sorted(os.listdir(self.path("fv", "rrd"))), before)

        web = self.ask("track", "show", "web - in (new)")
        for key, value in {
                "type": "bps", "comment": "the web",
                "filter": "src=10.0.0.0/8,-10.1.0.0/16 dport=80,8000-8080 "
                          "proto=tcp in_if=3 flags=S/SA exporter=edge",
                "done_ms": END * 1000}.items():
            if key == "filter":
                self.assertEqual(sorted(web[key].split()),
                                 sorted(value.split()))
            else:
                self.assertEqual(web[key], value)
        self.assertEqual(
            [(r["what"], r["comment"], r["mark"], r["at_ms"])
             for r in web["rows"]],
            [("revised", "wider: for the new net", 1, 1767600000000),
             ("revised", "", 0, 1767610000000)])
        values = self.ask("track", "values", "Web - In (new)",
                          f"from=@{END - 7200}", f"to=@{END}")["rows"]
        self.assertEqual([v["average"] for v in values],
                         [1000 + i for i in range(1, 25)])
        mail = self.ask("track", "show", "mail")
        self.assertEqual((mail["type"], mail["scale"]), ("active", "100"))
        self.assertIn("exporter=192.0.2.7", mail["filter"])
        self.assertEqual(self.ask("track", "show", "old")["status"],
                         "archived")
        rules = [(r["name"], r["rule"], r["target"])
                 for r in self.ask("track", "alert", "list")]
        self.assertEqual(sorted(rules), [
            ("Web - In (new)", "above=2000 in-a-row=3 hold=86400s",
             "noc@example.org"),
            ("mail", "below=5", "noc@example.org"),
            ("old", "sigma=2.67 readings=6", "noc@example.org")])
        members = self.ask("track", "group", "show", "line")
        self.assertEqual([(m["side"], m["name"]) for m in members["rows"]],
                         [("above", "Web - In (new)"), ("below", "old")])
        self.assertEqual(self.ask("filter", "list")[0]["words"],
                         "src=10.0.0.0/8 dport=443")
        # It goes on where the file ended; and once is enough.
        run("track", "update", f"to=@{END + 600}", "-c",
            self.path("weir.conf"))
        self.assertEqual(self.ask("track", "show", "web - in (new)")
                         ["done_ms"], (END + 600) * 1000)
        for kind, _, result, note in self.take().values():
            self.assertEqual(result, "not taken over", kind)
            self.assertIn("there already", note)

    def test_what_cannot_be_is_said(self):
        self.monitor("bad.fil", "bad", dport="no-such-service")
        self.monitor("foreign.fil", "foreign")
        self.rrd("foreign.rrd", ds="other")
        self.monitor("silk.fil", "silk", silk="/data")
        self.monitor("type.fil", "type", type="Individual-xps")
        self.write("filters/torn.fil", "nothing\n")
        self.write("filters/alone.grp", " input: monitor_label: alone\n"
                   "101^nobody^gray\n")
        got = self.take()
        for name, note in (("bad.fil", "no-such-service"),
                           ("foreign.fil", "is no RRD of FlowTracker"),
                           ("type.fil", "unknown type Individual-xps"),
                           ("torn.fil", "is no file of FlowViewer"),
                           ("alone.grp", "none of its members")):
            self.assertEqual(got[name][2], "not taken over")
            self.assertIn(note, got[name][3])
        self.assertEqual(got["silk.fil"][2], "taken over")
        self.assertIn("silk_rootdir /data", got["silk.fil"][3])
        self.assertEqual([t["name"] for t in self.ask("track", "list")],
                         ["silk"])

    def test_the_folder_must_be_one(self):
        self.assertIn("no file of FlowViewer", refused(
            "import-flowviewer", self.path("fv"), "-d", self.dir))
        self.assertIn("no DIR given",
                      refused("import-flowviewer", "-d", self.dir))
        self.assertIn("nowhere", refused(
            "import-flowviewer", self.path("nowhere"), "-d", self.dir,
            status=1))


if __name__ == "__main__":
    main()
