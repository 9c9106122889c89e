# SPDX-License-Identifier: ISC
"""PNG as pixels, for tests: true colour of 8 bits, not interlaced."""

import struct
import zlib


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def unfilter(kind, line, above, step):
    if kind == 2:
        return bytearray((x + y) & 255 for x, y in zip(line, above))
    for i in range(len(line)) if kind else ():
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        add = (left if kind == 1 else (left + above[i]) // 2 if kind == 3
               else paeth(left, above[i], corner))
        line[i] = (line[i] + add) & 255
    return line


def size(data):
    """(width, height)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def decode(data):
    """(width, height, dots per metre, rows of bytes, 3 a pixel)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, dots = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        check = struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]
        assert zlib.crc32(kind + body) == check
        if kind == b"IHDR":
            width, height, depth, color, _, _, laced = struct.unpack(
                ">IIBBBBB", body)
            assert (depth, color, laced) == (8, 2, 0), "not the kind we write"
        elif kind == b"pHYs":
            dots = struct.unpack(">I", body[:4])[0]
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    raw, rows = zlib.decompress(packed), []
    above = bytearray(width * 3)
    for y in range(height):
        start = y * (width * 3 + 1)
        above = unfilter(raw[start],
                         bytearray(raw[start + 1:start + 1 + width * 3]),
                         above, 3)
        rows.append(bytes(above))
    return width, height, dots, rows


def differing(a, b):
    """How many pixels of two decoded pictures differ; None: other sizes."""
    if a[:2] != b[:2]:
        return None
    return sum(x[i:i + 3] != y[i:i + 3]
               for x, y in zip(a[3], b[3]) if x != y
               for i in range(0, len(x), 3))
