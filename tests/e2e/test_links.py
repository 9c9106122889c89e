# SPDX-License-Identifier: ISC
"""Links of an HTML table: the question they lead to has the row's numbers."""

import html.parser
import urllib.parse

from lib import Store, main, refused, run

CAPTURE = "softflowd-ndpi-mix.pcap"


class Links(html.parser.HTMLParser):
    """Rows of the body: (hrefs that narrow, hrefs that exclude)."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.headings, self.where = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in ("thead", "tbody", "tfoot"):
            self.where = tag
        elif tag == "tr" and self.where == "tbody":
            self.rows.append(([], []))
        elif tag == "a" and self.where == "thead":
            self.headings.append(attrs["href"])
        elif tag == "a":
            self.rows[-1][attrs.get("class") == "not"].append(attrs["href"])


def words_of(url):
    """The words of an address: `keys` is bare, `saved` is @NAME."""
    path, _, query = url.partition("?")
    assert path == "/report", url
    words = []
    for key, value in urllib.parse.parse_qsl(query, strict_parsing=True):
        words.append({"keys": value, "saved": "@" + value}.get(
            key, f"{key}={value}"))
    return words


class ReportLinks(Store):
    def setUp(self):
        super().setUp()
        self.fill(CAPTURE)

    def ask(self, keys, *words):
        return self.report(keys, *words, "lines=0")["rows"]

    def page(self, keys, *words, form="fragment"):
        query = [("keys", keys)]
        for word in words:
            key, _, value = word.partition("=")
            query.append((key, value) if value else ("saved", word[1:]))
        link = "/report?" + urllib.parse.urlencode(query)
        return run("report", keys, *words, "-d", self.dir, "-f", form,
                   f"link={link}")

    def links(self, keys, *words, **how):
        return Links(self.page(keys, *words, **how))

    def assert_links_hold(self, keys, *words, n_narrow, n_exclude):
        """Those of the first rows: narrowed to all its values a row is what
        is left, without one it is not there."""
        before = self.ask(keys, *words)
        shown = self.links(keys, *words, "lines=2")
        names = [k for k in before[0] if k not in
                 ("flows", "octets", "packets", "share")]
        self.assertEqual(len(shown.rows), 2)
        for row, (narrow, exclude) in zip(before, shown.rows):
            self.assertEqual((len(narrow), len(exclude)),
                             (n_narrow, n_exclude))
            for i, url in enumerate(narrow):
                asked = words_of(url.replace("&lines=2", ""))
                want = [r for r in before if r[names[i]] == row[names[i]]]
                self.assertEqual(
                    [(r[names[i]], r["octets"]) for r in self.ask(*asked)],
                    [(r[names[i]], r["octets"]) for r in want], url)
            for i, url in enumerate(exclude):
                asked = words_of(url.replace("&lines=2", ""))
                want = [r for r in before if r[names[i]] != row[names[i]]]
                self.assertEqual(
                    [(r[names[i]], r["octets"]) for r in self.ask(*asked)],
                    [(r[names[i]], r["octets"]) for r in want], url)

    def test_each_value_narrows_and_excludes(self):
        for keys, words in (
                ("src", []), ("src,dport", []), ("proto,dport", []),
                ("src", ["src=192.168.0.0/16"]),
                ("dport", ["dport=-443", "proto=tcp"]),
                ("flags", ["proto=tcp"]), ("exporter,proto", []),
                ("src/16,dst", ["proto=udp"]),
                ("dst", ["where=dport=443 or dport=53"])):
            n = keys.count(",") + 1
            with self.subTest(keys=keys, words=words):
                if keys.startswith("exporter"):
                    shown = self.links(keys)
                    for narrow, _ in shown.rows:
                        self.assertEqual(self.ask(*words_of(narrow[0])),
                                         self.ask(keys))
                else:
                    self.assert_links_hold(
                        keys, *words, n_narrow=n, n_exclude=n)

    def test_nothing_is_linked_that_a_word_cannot_say(self):
        # The net may hold what was excluded; the other end may be meant.
        for keys, words in (("src/16", ["src=-192.168.1.6"]),
                            ("host", ["host=192.168.0.0/16"]),
                            ("conversation", []), ("duration", []),
                            ("hour", [])):
            with self.subTest(keys=keys):
                shown = self.links(keys, *words)
                self.assertTrue(shown.rows)
                for narrow, exclude in shown.rows:
                    self.assertEqual((narrow, exclude), ([], []))

    def test_a_saved_filter_is_narrowed_but_not_widened(self):
        run("filter", "save", "tls", "dport=443", "src=192.168.0.0/16",
            "-d", self.dir)
        self.assert_links_hold("src", "@tls", n_narrow=1, n_exclude=0)

    def test_headings_sort(self):
        shown = self.links("src,dport")
        for url in shown.headings:
            self.ask(*words_of(url))
        sorts = [words_of(url)[-1] for url in shown.headings]
        self.assertEqual(sorts, ["sort=src", "sort=dport", "sort=flows",
                                 "sort=octets", "sort=packets", "sort=share"])

    def test_listings_have_them_too(self):
        text = run("list", "lines=1", "-d", self.dir, "-f", "html",
                   "link=/report?keys=src")
        for narrow, exclude in Links(text).rows:
            self.assertGreater(len(narrow), 4)
            self.assertEqual(len(narrow), len(exclude))
            for url in narrow + exclude:
                run("list", *words_of(url)[1:], "-d", self.dir)

    def test_without_the_word_nothing_is_linked(self):
        self.assertNotIn("<a ", run("report", "src", "-d", self.dir,
                                    "-f", "html"))

    def test_links_lead_to_pages_alone(self):
        for url in ("javascript:alert(1)", "data:text/html,x", "", "report",
                    "/report#x", "/\\example.com"):
            with self.subTest(url):
                text = refused("report", "src", "-d", self.dir, "-f", "html",
                               f"link={url}")
                self.assertIn("link=", text)

    def test_hostile_addresses_stay_in_their_attribute(self):
        text = run("report", "src", "-d", self.dir, "-f", "fragment",
                   'link=/report?a="><script>alert(1)</script>')
        self.assertNotIn("<script", text)


if __name__ == "__main__":
    main()
