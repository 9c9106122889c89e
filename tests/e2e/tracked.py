# SPDX-License-Identifier: ISC
"""A store with flows of three and a half hours, and trackings of it."""

import json
import os
import shutil
import tempfile
import time

from lib import Store, refused, run

START, STEP = 1767607200, 300  # 2026-01-05T10:00Z


def clock(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


class Tracked(Store):
    @classmethod
    def setUpClass(cls):
        """Three hours, and after a pause of one another half."""
        cls.filled = tempfile.mkdtemp(prefix="weir-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.filled)
        out = os.path.join(cls.filled, "a.pcap")
        for start, end, flows in ((START, START + 10800, 6000),
                                  (START + 14400, START + 16200, 1000)):
            run("generate", f"flows={flows}", "exporters=2", "hosts=200",
                f"from={clock(start)}", f"to={clock(end)}", "-o", out)
            run("import", "-d", os.path.join(cls.filled, "var"), out)

    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(self.filled, "var"), self.dir)

    def track(self, *words, **how):
        return run("track", *words, "-d", self.dir, **how)

    def refused(self, *words, **how):
        return refused("track", *words, "-d", self.dir, **how)

    def ask(self, *words):
        return json.loads(self.track(*words, "-f", "json"))

    def create(self, name, *words, start=START):
        self.track("create", name, *words, f"from={clock(start)}")

    def update(self, end):
        return self.ask("update", f"to={clock(end)}")[0]

    def values(self, name, start=START, end=START + 18000):
        """By end of the period, those that are known."""
        rows = self.ask("values", name, f"from={clock(start)}",
                        f"to={clock(end)}")["rows"]
        self.assertTrue(all(r["to_ms"] - r["from_ms"] == STEP * 1000
                            for r in rows))
        return {r["to_ms"] // 1000: r["average"] for r in rows
                if r["average"] is not None}
