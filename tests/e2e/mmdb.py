# SPDX-License-Identifier: ISC
"""Write a small database in MaxMind's format (MaxMind DB File Format
Specification 2.0): {IPv4 prefix: value} of maps, strings and numbers."""

import ipaddress
import struct


def number(kind, value, length):
    data = value.to_bytes(length, "big").lstrip(b"\0")
    if kind > 7:  # an extended type
        return bytes([len(data), kind - 7]) + data
    return bytes([kind << 5 | len(data)]) + data


def encode(value):
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
        if len(data) < 29:
            return bytes([2 << 5 | len(data)]) + data
        if len(data) < 285:
            return bytes([2 << 5 | 29, len(data) - 29]) + data
        return (bytes([2 << 5 | 30]) + struct.pack(">H", len(data) - 285)
                + data)
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(
            encode(k) + encode(v) for k, v in value.items())
    return number(6, value, 4)  # an unsigned 32-bit number


def write(path, networks):
    nodes, data = [[None, None]], b""
    for prefix, value in networks.items():
        net = ipaddress.ip_network(prefix)
        bits = int(net.network_address)
        at = 0
        for depth in range(net.prefixlen):
            bit = bits >> (31 - depth) & 1
            if depth == net.prefixlen - 1:
                nodes[at][bit] = -len(data) - 1
            elif nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            if depth < net.prefixlen - 1:
                at = nodes[at][bit]
        data += encode(value)
    n = len(nodes)

    def record(r):
        if r is None:
            return n
        return r if r >= 0 else n + 16 + (-r - 1)

    tree = b"".join(record(r).to_bytes(3, "big") for node in nodes
                    for r in node)
    metadata = bytes([7 << 5 | 9])
    for key, value in (
            ("binary_format_major_version", number(5, 2, 2)),
            ("binary_format_minor_version", number(5, 0, 2)),
            ("build_epoch", number(9, 1709294400, 8)),
            ("database_type", encode("Test")),
            ("description", encode({"en": "for a test"})),
            ("ip_version", number(5, 4, 2)),
            ("languages", bytes([0, 11 - 7])),
            ("node_count", number(6, n, 4)),
            ("record_size", number(5, 24, 2))):
        metadata += encode(key) + value
    with open(path, "wb") as f:
        f.write(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com"
                + metadata)
