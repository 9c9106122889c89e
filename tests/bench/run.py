#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measure weir beside its peers, in one run, as ratios.

    make bench                      everything, about half an hour
    make bench BENCH="layout size"  parts of it: layout live size query list
                                    graph track shards anonymize

Each figure is the median of RUNS runs, taken in turn with its peer's, so that a
machine whose speed drifts slows both. Nothing here passes or fails.
"""

import glob
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

WEIR = os.environ["WEIR"]
BUILD = os.environ["BUILD"]
ENV = dict(os.environ, TZ="UTC", LC_ALL="C")
START = 1790035200  # a midnight, UTC
RUNS = 3
WORK = tempfile.mkdtemp(prefix="weir-bench-", dir=os.environ.get("TMPDIR"))


def path(*names):
    return os.path.join(WORK, *names)


def day(flows, seed=1, span=86400):
    """A file of generated datagrams."""
    name = path(f"day-{flows}-{seed}-{span}.raw")
    if not os.path.exists(name):
        subprocess.run([WEIR, "generate", f"flows={flows}", f"seed={seed}",
                        "hosts=60000", f"from=@{START}", f"to=@{START + span}",
                        "-f", "raw", "-o", name], check=True,
                       stdout=subprocess.DEVNULL)
    return name


def timed(command):
    """Wall seconds of one command; its output is thrown away."""
    begin = time.monotonic()
    subprocess.run(command, env=ENV, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return time.monotonic() - begin


def in_turn(*commands):
    """Median seconds of each, all commands in turn, after a warm-up."""
    times = [[] for _ in commands]
    for turn in range(RUNS + 1):
        for command, list_ in zip(commands, times):
            seconds = timed(command)
            if turn > 0:
                list_.append(seconds)
    return [statistics.median(t) for t in times]


def heading(text):
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def row(*cells):
    print("  ".join(str(c).rjust(w) for c, w in
                    zip(cells, (34, 12, 12, 12, 12, 12, 12))), flush=True)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    print(f"{model[1] if model else platform.machine()}, {os.cpu_count()} "
          f"cores, {platform.release()}; " +
          subprocess.run(["nfdump", "-V"], capture_output=True,
                         text=True).stdout.strip() + "; sqlite " +
          subprocess.run(["sqlite3", "--version"], capture_output=True,
                         text=True).stdout.split()[0])


# ---- the store alone ----

def layout(kind, flows):
    """[(flows, seconds)] after each million and at the end."""
    db = path(kind + ".db")
    for old in glob.glob(db + "*"):
        os.remove(old)
    out = subprocess.run([BUILD + "/tests/bench/layout", kind, db,
                          day(flows)], check=True, capture_output=True,
                         text=True).stdout
    return [(int(a), float(b)) for a, b in map(str.split, out.splitlines())]


def bench_layout():
    heading("Ingest, six indexes, 3 M flows: segments beside one table")
    ratios, rates = [], []
    for _ in range(RUNS):
        naive = layout("naive", 3000000)[-1][1]
        ours = layout("segments", 3000000)[-1][1]
        ratios.append(naive / ours)
        rates.append((3000 / ours, 3000 / naive))
    row("", "segments", "one table", "ratio")
    row("k flows/s, median", *(f"{statistics.median(r):.0f}"
                               for r in zip(*rates)),
        f"{statistics.median(ratios):.2f}")
    heading("Flat: 20 M flows into one shard")
    steps = layout("segments", 20000000)
    rate = {}
    for (a, s), (b, t) in zip(steps, steps[1:]):
        if b == a:
            continue  # what was left to seal at the end
        rate[round(b / 1e6)] = (b - a) / (t - s) / 1000
    row("million", "2nd", "10th", "20th", "20th/2nd")
    row("k flows/s", *(f"{rate[m]:.0f}" for m in (2, 10, 20)),
        f"{rate[20] / rate[2]:.2f}")


# ---- live ----

# Every field that weir stores and pmacct has a name for, written every 5 s.
PMACCT_FIELDS = ("src_host,dst_host,src_port,dst_port,proto,tcpflags,tos,"
                 "in_iface,out_iface,timestamp_start,timestamp_end,flows")
PMACCT = """
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: 29955
nfacctd_pipe_size: 67108864
plugins: sqlite3[a]
aggregate[a]: %s
sql_db[a]: %s
sql_table[a]: acct
sql_optimize_clauses[a]: true
sql_dont_try_update[a]: true
sql_refresh_time[a]: 5
sql_history[a]: 1d
plugin_pipe_size[a]: 268435456
plugin_buffer_size[a]: 1048576
sql_cache_entries[a]: 1000003
"""
PMACCT_TABLE = """
CREATE TABLE acct (ip_src TEXT, ip_dst TEXT, src_port INT, dst_port INT,
    ip_proto TEXT, tcp_flags INT, tos INT, iface_in INT, iface_out INT,
    packets INT, bytes INT, flows INT,
    timestamp_start TEXT, timestamp_start_residual INT, timestamp_end TEXT,
    timestamp_end_residual INT, stamp_inserted TEXT, stamp_updated TEXT);
CREATE INDEX acct_src ON acct (ip_src);
CREATE INDEX acct_dst ON acct (ip_dst);
CREATE INDEX acct_sport ON acct (src_port);
CREATE INDEX acct_dport ON acct (dst_port);
CREATE INDEX acct_flags ON acct (tcp_flags);
CREATE INDEX acct_start ON acct (timestamp_start);
"""


def start_collector(kind, folder):
    if kind == "pmacct":
        with open(folder + "/conf", "w", encoding="utf-8") as f:
            f.write(PMACCT % (PMACCT_FIELDS, folder + "/acct.db"))
        subprocess.run(["sqlite3", folder + "/acct.db", PMACCT_TABLE],
                       check=True)
    command = {
        "weir": [WEIR, "collect", "-d", folder, "-l", "127.0.0.1:29955"],
        "nfcapd": ["nfcapd", "-l", folder, "-b", "127.0.0.1", "-p", "29955",
                   "-t", "3600", "-y", "-B", "67108864"],
        "pmacct": ["nfacctd", "-f", folder + "/conf"],
    }[kind]
    return subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)


def stored_by(kind, folder):
    command, pattern = {
        "weir": ([WEIR, "report", "proto", "-d", folder, "-f", "json"],
                 r'"total":\{"flows":(\d+)'),
        "nfcapd": (["nfdump", "-R", folder, "-I"], r"^Flows: (\d+)"),
        "pmacct": (["sqlite3", folder + "/acct.db",
                    "SELECT total(flows) FROM acct"], r"^(\d+)"),
    }[kind]
    out = subprocess.run(command, env=ENV, capture_output=True,
                         text=True).stdout
    return int(re.search(pattern, out, re.M)[1])


def collect_live(kind, raw, rate):
    """(flows stored, CPU seconds, peak KiB) of one collector."""
    folder = path("live-" + kind)
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    process = start_collector(kind, folder)
    time.sleep(3)
    subprocess.run([WEIR, "send", raw, "--to", "127.0.0.1:29955", "--rate",
                    str(rate)], check=True, stdout=subprocess.DEVNULL)
    # Children write for pmacct, from time to time.
    time.sleep(30 if kind == "pmacct" else 2)
    process.send_signal(signal.SIGINT if kind == "pmacct" else signal.SIGTERM)
    _, process.returncode, used = os.wait4(process.pid, 0)
    try:
        os.killpg(process.pid, signal.SIGKILL)  # who is left of it
    except ProcessLookupError:
        pass
    stored = stored_by(kind, folder)
    shutil.rmtree(folder)
    return stored, used.ru_utime + used.ru_stime, used.ru_maxrss


def bench_live():
    heading("Live, 30 s on loopback: weir collect beside nfcapd (lz4) and "
            "pmacct (sqlite3)")
    row("flows/s, collector", "sent", "stored", "dropped", "CPU s",
        "peak MiB")
    for rate, seconds in ((100000, 30), (300000, 30), (600000, 30)):
        raw = day(rate * seconds, span=seconds)
        for kind in ("weir", "nfcapd", "pmacct"):
            if kind == "pmacct" and rate > 100000:
                continue  # behind already, and its children go on writing
            stored, cpu, most = collect_live(kind, raw, rate)
            row(f"{rate} {kind}", rate * seconds, stored,
                rate * seconds - stored, f"{cpu:.1f}", f"{most / 1024:.0f}")
        os.remove(raw)
    heading("Burst: 600 k flows/s for 5 s")
    raw = day(3000000, span=5)
    for kind in ("weir", "nfcapd"):
        stored, cpu, most = collect_live(kind, raw, 600000)
        row(kind, 3000000, stored, 3000000 - stored, f"{cpu:.1f}",
            f"{most / 1024:.0f}")


# ---- the same flows in both ----

def loaded(flows, span=86400):
    """(weir's data folder, nfdump's file folder) with the same flows."""
    ours, theirs = path(f"var-{flows}-{span}"), path(f"nf-{flows}-{span}")
    if not os.path.exists(ours):
        raw = day(flows, span=span)
        timed([WEIR, "import", "-d", ours, raw])
        os.mkdir(theirs)
        process = subprocess.Popen(
            ["nfcapd", "-l", theirs, "-b", "127.0.0.1", "-p", "29956", "-t",
             "86400", "-y", "-B", "67108864"], env=ENV,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        subprocess.run([WEIR, "send", raw, "--to", "127.0.0.1:29956",
                        "--rate", "250000"], check=True,
                       stdout=subprocess.DEVNULL)
        time.sleep(2)
        process.terminate()
        process.wait()
    return ours, theirs


def bench_size():
    heading("Bytes per flow on disk, 3 M flows, sealed")
    ours, theirs = loaded(3000000)
    shards = glob.glob(ours + "/shards/*.db")
    row("weir, six indexes", f"{sum(map(os.path.getsize, shards)) / 3e6:.1f}")
    row("nfcapd lz4", "%.1f" % (sum(
        os.path.getsize(f) for f in glob.glob(theirs + "/nfcapd.2*")) / 3e6))
    out = subprocess.run(
        ["sqlite3", "-readonly", shards[0],
         "SELECT CASE WHEN name GLOB 'flow_[0-9]*_*' THEN substr(name, 11) "
         "WHEN name GLOB 'flow_*' THEN 'flows themselves' ELSE name END, "
         "round(sum(pgsize) / 3e6, 2) FROM dbstat GROUP BY 1 ORDER BY 2 DESC "
         "LIMIT 9"], capture_output=True, text=True).stdout
    for line in out.splitlines():
        row(*line.split("|"))


def bench_shards():
    heading("An hour of one day: alone, and among 400 days")
    few, many = path("few"), path("many")
    for folder, n in ((few, 1), (many, 400)):
        for i in range(n):
            # A capture goes into the day of its arrival: one file a day.
            begin = START - 86400 * i
            raw = path("one.pcap")
            subprocess.run(
                [WEIR, "generate", "flows=20000", f"seed={i}", "hosts=6000",
                 f"from=@{begin}", f"to=@{begin + 86400}", "-f", "pcap", "-o",
                 raw], check=True, stdout=subprocess.DEVNULL)
            timed([WEIR, "import", "-d", folder, raw])
            os.remove(raw)
    ask = ["report", "src", f"from=@{START + 3600}", f"to=@{START + 7200}",
           "lines=20"]
    a, b = in_turn([WEIR, *ask, "-d", few], [WEIR, *ask, "-d", many])
    row("", "ms, 1 day", f"{len(glob.glob(many + '/shards/*.db'))} days",
        "more, ms")
    row("one hour", f"{a * 1000:.1f}", f"{b * 1000:.1f}",
        f"{(b - a) * 1000:.1f}")


def bench_anonymize():
    heading("1 M flows made anonymous: weir anonymize beside nfanon")
    ours, theirs = loaded(1000000)
    weir = ["sh", "-c", f"rm -rf {path('anon')}; {WEIR} anonymize -d {ours} "
            f"-o {path('anon')}"]
    nfanon = ["nfanon", "-K", "0x" + 32 * "5a", "-q", "-r", theirs, "-w",
              path("nfanon")]
    a, b = in_turn(weir, nfanon)
    row("seconds, median", "weir", "nfanon", "nfanon/weir")
    row("", f"{a:.2f}", f"{b:.2f}", f"{b / a:.1f}")


def bench_query():
    flows = 20000000
    heading(f"Questions to a day of {flows // 1000000} M flows")
    ours, theirs = loaded(flows)
    hosts = subprocess.run(
        [WEIR, "report", "src", "-d", ours, "-f", "csv", "sort=flows",
         "lines=4000"], capture_output=True, text=True,
        check=True).stdout.splitlines()[1:]
    counts = {line.split(",")[0]: int(line.split(",")[1]) for line in hosts}
    rare = min(counts, key=lambda h: abs(counts[h] - 1000))
    busy = min(counts, key=lambda h: abs(counts[h] - 39000))
    nfdump = ["nfdump", "-R", theirs, "-N", "-q"]
    weir = [WEIR, "report", "-d", ours, "lines=20"]
    shard = glob.glob(ours + "/shards/*.db")[0]
    asked = [
        (f"host with {counts[rare]} flows", weir + ["dst", "src=" + rare],
         nfdump + ["-s", "dstip/bytes", "-n", "20", "src ip " + rare]),
        (f"host with {counts[busy]} flows", weir + ["dst", "src=" + busy],
         nfdump + ["-s", "dstip/bytes", "-n", "20", "src ip " + busy]),
        ("Xmas probes, 1 in 100 k", weir + ["src", "flags=FPU"],
         nfdump + ["-s", "srcip/bytes", "-n", "20", "flags FPU and not "
                   "flags SAR"]),
        ("top sources", weir + ["src"],
         nfdump + ["-s", "srcip/bytes", "-n", "20"]),
        ("top destination ports", weir + ["dport"],
         nfdump + ["-s", "dstport/bytes", "-n", "20"]),
        ("top pairs", weir + ["src,dst"],
         nfdump + ["-A", "srcip,dstip", "-O", "bytes", "-n", "20"]),
        ("top sources, SQL GROUP BY", weir + ["src"],
         ["sqlite3", "-readonly", shard,
          "SELECT src_addr, count(*), sum(octets), sum(packets) FROM flows "
          "GROUP BY 1 ORDER BY 3 DESC LIMIT 20"]),
    ]
    row("seconds, median", "weir", "peer", "peer/weir")
    for name, ask_weir, ask_peer in asked:
        a, b = in_turn(ask_weir, ask_peer)
        row(name, f"{a:.3f}", f"{b:.3f}", f"{b / a:.1f}")


def peak(command):
    """Peak KiB of one command; its output is thrown away."""
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, process.returncode, used = os.wait4(process.pid, 0)
    return used.ru_maxrss


def bench_list():
    flows = 1000000
    heading(f"{flows // 1000000} M flows, listed")
    ours, theirs = loaded(flows)
    weir = [WEIR, "list", "-d", ours]
    nfdump = ["nfdump", "-R", theirs, "-N", "-q"]
    asked = [
        ("CSV, every field", weir + ["-f", "csv"], nfdump + ["-o", "csv"]),
        ("JSON, every field", weir + ["-f", "json"], nfdump + ["-o", "json"]),
        ("text", weir, nfdump + ["-o", "line"]),
        ("CSV, TCP alone", weir + ["proto=tcp", "-f", "csv"],
         nfdump + ["-o", "csv", "proto tcp"]),
        ("the 1,000 largest as CSV",
         weir + ["sort=octets", "lines=1000", "-f", "csv"],
         nfdump + ["-O", "bytes", "-n", "1000", "-o", "csv"]),
    ]
    row("seconds, median; peak MiB", "weir", "nfdump", "nfdump/weir",
        "MiB weir", "MiB nfdump")
    for name, ask_weir, ask_peer in asked:
        a, b = in_turn(ask_weir, ask_peer)
        row(name, f"{a:.3f}", f"{b:.3f}", f"{b / a:.1f}",
            f"{peak(ask_weir) / 1024:.0f}", f"{peak(ask_peer) / 1024:.0f}")


# What FlowGrapher's users would write today: nfdump prints the flows, awk
# spreads each over buckets of 10 s, rrdtool keeps the sums and draws them.
SPREAD = """
{ s = $1; e = $2 > s + 0.001 ? $2 : s + 0.001; r = $3 * 8 / (e - s)
  for (b = int(s / 10) * 10; b < e; b += 10) {
    lo = b > s ? b : s; hi = b + 10 < e ? b + 10 : e
    sum[b] += (hi - lo) * r } }
END { for (b = from; b < to; b += 10)
        printf "update x.rrd %d:%.3f\\n", b + 10, sum[b] / 10
      printf "graph x.png -s %d -e %d -w 900 -h 240 DEF:a=x.rrd:b:AVERAGE " \
             "AREA:a#4477AA VDEF:p=a,95,PERCENT LINE1:p#C0392B " \
             "GPRINT:a:MAX:%%lf\\n", from, to }
"""


def peer_graph(folder):
    script = path("peer.sh")
    with open(script, "w", encoding="utf-8") as f:
        f.write(f"""cd {WORK} && rm -f x.rrd
rrdtool create x.rrd -b {START - 10} -s 10 DS:b:GAUGE:20:0:U \
    RRA:AVERAGE:0.5:1:400
nfdump -R {folder} -q -N -o 'fmt:%tsr %ter %byt' |
    awk -v from={START} -v to={START + 3600} '{SPREAD}' | rrdtool -
""")
    return ["sh", script]


def bench_graph():
    heading("A picture of an hour of 1 M flows, 360 buckets: weir graph "
            "beside nfdump | awk | rrdtool")
    ours, theirs = loaded(1000000, span=3600)
    weir = [WEIR, "graph", "-d", ours, "-o", path("g.png"), f"from=@{START}",
            f"to=@{START + 3600}", "bucket=10"]
    row("seconds, median", "weir", "peer", "peer/weir")
    for name, words in (("bps", ["bps"]), ("active", ["active"])):
        a, b = in_turn(weir + words, peer_graph(theirs))
        row(name, f"{a:.3f}", f"{b:.3f}", f"{b / a:.1f}")
    for name, words in (("bps split=dport", ["bps", "split=dport"]),
                        ("bps split=src top-by=peak",
                         ["bps", "split=src", "top-by=peak"]),
                        ("bps above, below, compare",
                         ["bps", "above=src=10.0.0.0/8",
                          "below=dst=10.0.0.0/8", "compare=-10m"])):
        row(name, f"{in_turn(weir + words)[0]:.3f}")


# What sites track: links, nets, services, hosts, and some of each together.
def tracked(i):
    return [[], [f"exporter=10.255.0.{1 + i % 3}", f"in_if={1 + i % 8}"],
            [f"src=10.{i % 200}.0.0/16"], [f"dst=10.{i % 200}.0.0/16"],
            [f"dport={(80, 443, 53, 25, 22)[i // 5 % 5]}"],
            ["proto=udp", f"dst=10.{i % 50}.0.0/16"],
            [f"host=10.{i % 30}.{i % 11}.0/24"],
            ["flags=S/SA", f"dport={i % 1024}-{i % 1024 + 99}"],
            [f"where=(src=10.{i % 99}.0.0/16 or dport=53) and proto=tcp"],
            [f"octets={i % 40}k-", "proto=tcp"]][i % 10]


def bench_track():
    heading("Trackings over 1 M flows an hour: one period of all of them "
            "(FlowViewer's own figure: 35 s for 250)")
    ours = path("tracked")
    subprocess.run([WEIR, "import", "-d", ours, day(1000000, span=3600)],
                   check=True, stdout=subprocess.DEVNULL)
    row("trackings", "s, median", "s, at most", "MB at most", "one hour, s")
    n = 0
    for wanted in (250, 1000):
        while n < wanted:
            batch = [subprocess.Popen(
                [WEIR, "track", "create", f"t{i}", "-d", ours,
                 f"from=@{START + 1200 if wanted == 250 else START + 2400}",
                 f"type={('bps', 'pps', 'fps', 'active')[i % 4]}",
                 *tracked(i)], env=ENV) for i in range(n, n + 2)]
            for process in batch:
                process.wait()
            n += 2
        update = [WEIR, "track", "update", "-d", ours]
        at = START + (1200 if wanted == 250 else 2400)
        took = [timed(update + [f"to=@{at + k * 300}"]) for k in range(1, 4)]
        memory = peak(update + [f"to=@{at + 1200}"]) / 1024
        again = [WEIR, "track", "recreate", "-d", ours, f"from=@{START}",
                 f"to=@{START + 3600}", *(f"t{i}" for i in range(wanted))]
        row(wanted, f"{statistics.median(took):.2f}", f"{max(took):.2f}",
            f"{memory:.0f}", f"{timed(again):.2f}")


def main():
    parts = {"layout": bench_layout, "live": bench_live, "size": bench_size,
             "query": bench_query, "list": bench_list, "graph": bench_graph,
             "track": bench_track, "shards": bench_shards,
             "anonymize": bench_anonymize}
    wanted = sys.argv[1:] or list(parts)
    unknown = [p for p in wanted if p not in parts]
    if unknown:
        sys.exit(f"bench: unknown part {unknown[0]}: parts are "
                 f"{' '.join(parts)}")
    machine()
    try:
        for part in wanted:
            parts[part]()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


main()
