# SPDX-License-Identifier: ISC
"""A name server on loopback that answers PTR queries as told."""

import socket
import struct
import threading
import time

NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME, REFUSED = 0, 2, 3, 5


class Dns:
    """names: {address: answer}. An answer is the labels of a name as bytes,
    joined by dots, a response code, or None for no response at all. What is
    not there does not exist."""

    def __init__(self, test, names, ttl=600, delay=0):
        self.names, self.ttl, self.delay = names, ttl, delay
        self.asked = []  # addresses, in the order of the queries
        self.waiting = self.most_waiting = 0
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        test.addCleanup(self.socket.close)

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:  # closed: the test is over
                return
            with self.lock:
                self.waiting += 1
                self.most_waiting = max(self.most_waiting, self.waiting)
            if self.delay:
                threading.Timer(self.delay, self.answer,
                                (query, peer)).start()
            else:
                self.answer(query, peer)

    @staticmethod
    def labels(query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]])
            at += 1 + query[at]
        return labels, at + 5  # the zero, type and class

    def answer(self, query, peer):
        labels, end = self.labels(query)
        suffix = b".".join(labels[-2:]).lower()
        assert suffix in (b"in-addr.arpa", b"ip6.arpa"), labels
        if suffix == b"in-addr.arpa":
            ip = b".".join(reversed(labels[:-2])).decode()
        else:
            digits = b"".join(reversed(labels[:-2]))
            ip = socket.inet_ntop(socket.AF_INET6,
                                  bytes.fromhex(digits.decode()))
        with self.lock:
            self.waiting -= 1
            self.asked.append(ip)
        name = self.names.get(ip, NO_SUCH_NAME)
        if name is None:
            return
        is_name = isinstance(name, bytes)
        code = NO_ERROR if is_name else name
        reply = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1,
                                        int(is_name), 0, 0) + query[12:end]
        if is_name:
            data = b"".join(bytes([len(part)]) + part
                            for part in name.split(b".")) + b"\0"
            reply += struct.pack(">HHHIH", 0xC00C, 12, 1, self.ttl,
                                 len(data)) + data
        try:
            self.socket.sendto(reply, peer)
        except OSError:
            pass
