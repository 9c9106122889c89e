# SPDX-License-Identifier: ISC
"""weir track graph and group: pictures of trackings, alone and together."""

import subprocess

import png
from lib import ENV, WEIR, main
from tracked import START, Tracked


class TrackGraph(Tracked):
    def draw(self, *words, name="x.png"):
        """The picture. What librrd and fontconfig keep is theirs: only whole
        stacks tell a sanitizer."""
        out = self.path(name)
        subprocess.run(
            [WEIR, "track", "graph", *words, "-o", out, "-d", self.dir],
            check=True,
            env=dict(ENV, ASAN_OPTIONS="fast_unwind_on_malloc=0"))
        with open(out, "rb") as f:
            return f.read()

    def test_pictures_are_drawn(self):
        self.create("web: 100% & \\more", "type=bps", "dport=80,443")
        self.create("dns", "type=fps", "dport=53", "layout=long")
        self.update(START + 7200)
        self.track("revise", "dns", "port=53", "comment=both ways",
                   "mark=yes")
        self.update(START + 18000)
        for span, name in (("day", "web: 100% & \\more"), ("week", "dns"),
                           ("month", "web: 100% & \\more"), ("year", "dns"),
                           ("3years", "dns")):
            width, height = png.size(self.draw(name, f"span={span}"))
            self.assertGreater(width, 600)
            self.assertGreater(height, 200)
        self.assertEqual(png.size(self.draw(
            "dns", "thumbnail=yes", "width=200", "height=70")), (200, 70))
        once = png.size(self.draw("dns", "theme=dark"))
        twice = png.size(self.draw("dns", "density=2"))
        self.assertAlmostEqual(twice[0], 2 * once[0], delta=2)
        both = png.size(self.draw("dns", "dns", "columns=1", "width=500"))
        one = png.size(self.draw("dns", "width=500", "height=110"))
        self.assertEqual(both, (one[0], 2 * one[1] + 8))
        svg = self.draw("dns", name="x.svg").decode()
        self.assertTrue(svg.startswith("<?xml"))
        # What was marked is one more line, and so is a limit.
        plain = png.size(self.draw("dns", "marks=0"))
        marked = png.size(self.draw("dns"))
        self.assertGreater(marked[1], plain[1])
        self.track("alert", "add", "dns", "above=1")
        self.track("alert", "add", "dns", "no-data=yes")
        limited = png.size(self.draw("dns"))
        self.assertEqual(limited[1] - marked[1], marked[1] - plain[1])

    def test_groups_are_drawn_together(self):
        for name, words in (("in", ["dst=10.0.0.0/8"]),
                            ("out", ["src=10.0.0.0/8"]), ("rest", [])):
            self.create(name, "type=bps", *words)
        self.create("flows", "type=fps")
        self.update(START + 18000)
        self.track("group", "set", "line", "in", "comment=the line")
        self.track("group", "add", "line", "out", "side=below",
                   "color=green")
        self.track("group", "add", "line", "rest", "position=1",
                   "color=#123456")

        def members():
            shown = self.ask("group", "show", "line")
            self.assertEqual(shown["comment"], "the line")
            return [(m["side"], m["name"], m["color"])
                    for m in shown["rows"]]
        self.assertEqual(members(), [
            ("above", "rest", "#123456"), ("above", "in", "auto"),
            ("below", "out", "green")])
        self.assertIn("want members of one type",
                      self.refused("group", "add", "line", "flows"))
        self.assertIn("group line is there already",
                      self.refused("create", "Line", "type=bps"))
        self.assertIn("tracking in is there already",
                      self.refused("group", "set", "in", "out"))
        tall = png.size(self.draw("line", "span=day"))
        self.track("archive", "out")
        self.assertEqual(png.size(self.draw("line", "span=day")), tall)
        self.track("remove", "out")
        self.assertEqual([m["status"] for m in
                          self.ask("group", "show", "line")["rows"]],
                         ["active", "active", "removed"])
        self.draw("line")
        self.track("purge")
        self.assertEqual(len(members()), 2)
        self.track("group", "add", "line", "in", "side=below")
        self.assertEqual(members(), [
            ("above", "rest", "#123456"), ("below", "in", "auto")])
        self.track("group", "drop", "line", "in")
        self.track("group", "rename", "line", "all lines")
        self.assertEqual([(g["group"], g["members"]) for g in
                          self.ask("group", "list")], [("all lines", 1)])
        self.track("group", "remove", "all lines")
        self.assertEqual(self.ask("group", "list"), [])


if __name__ == "__main__":
    main()
