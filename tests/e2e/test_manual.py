# SPDX-License-Identifier: ISC
"""Manual pages: their examples run, their tables are true."""

import os
import re
import shlex
import struct

from lib import Store, main, run

MAN = os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "man")
BITS = {letter: 1 << i for i, letter in enumerate("FSRPAUEC")}


def page(name):
    """With the escapes of roff taken away."""
    with open(os.path.join(MAN, name), encoding="utf-8") as f:
        return f.read().replace("\\-", "-")


def datagram(first):
    """v5 of 16 flows with the flags from first on."""
    return struct.pack(">HHIIIIBBH", 5, 16, 100000, 1772409000, 0, first, 0, 0,
                       0) + b"".join(
        struct.pack(">IIIHHIIIIHHBBBBHHBBH", 0x0A000001, 0x0A000002, 0, 1, 2,
                    3, 100, 99000, 99500, 1024, 443, 0, flags, 6, 0, 0, 0, 0,
                    0, 0)
        for flags in range(first, first + 16))


class Filter(Store):
    def setUp(self):
        super().setUp()
        with open(self.path("flags.bin"), "wb") as f:
            f.write(b"".join(datagram(i) for i in range(0, 256, 16)))
        run("import", "-d", self.dir, self.path("flags.bin"))
        run("group", "set", "mail", "10.0.0.25", "-d", self.dir)

    def test_its_examples_run(self):
        examples = re.findall(r"^\.Dl weir (.*)$", page("weir-filter.7"),
                              re.MULTILINE)
        self.assertGreater(len(examples), 5)
        for line in examples:
            with self.subTest(line):
                run(*shlex.split(line), "-d", self.dir)

    def test_its_flags_are_as_it_says(self):
        rows = re.findall(r"^\.It Li (\S+) Ta (\S+) Ta (\S+)$",
                          page("weir-filter.7"), re.MULTILINE)
        self.assertGreater(len(rows), 10)

        def bits(letters):
            return sum(BITS[c] for c in letters if c in BITS)
        for value, is_set, is_clear in rows:
            want = [b for b in range(256) if not b & bits(is_clear) and
                    (b & bits(is_set) if "|" in is_set else
                     b & bits(is_set) == bits(is_set))]
            with self.subTest(value):
                got = [int(r["tcp_flags"]) for r in
                       self.flows("flags=" + value)]
                self.assertEqual(got, want)

    def test_it_has_every_word(self):
        text = run("list", "-h")
        words = re.search(r"filter words: (.*)", text)[1].split()
        self.assertGreater(len(words), 30)
        told = " ".join(re.findall(r"\bCm ([a-z_ ]+)", page("weir-filter.7")) +
                        re.findall(r"^\.Cm (\w+)", page("weir-filter.7"),
                                   re.MULTILINE)).split()
        for word in words:
            self.assertIn(word, told)


if __name__ == "__main__":
    main()
