# SPDX-License-Identifier: BSD-3-Clause
"""A download from one of the lab's web servers, in a thread of its own, and what came of it."""
import contextlib
import hashlib
import threading
import time

from . import services, traffic


class Download(threading.Thread):
    """`size` bytes, which the server spreads over `seconds` (0: as fast as it can)."""

    def __init__(self, namespace, address, size, seconds=0, port=80, patience=10):
        super().__init__(daemon=True)
        self.size = size
        self._connection = traffic.connected(namespace, address, port, patience)
        self._connection.sendall(f"GET /stream/{size}/{seconds} HTTP/1.1\r\n"
                                 f"Host: [{address}]\r\nConnection: close\r\n\r\n".encode())
        self.received = 0
        self.longest_pause = 0.0
        self._digest = None
        self.start()

    def run(self):
        body, head, last = hashlib.sha256(), b"", time.monotonic()
        with self._connection, contextlib.suppress(OSError):
            while data := self._connection.recv(1 << 18):
                now = time.monotonic()
                self.longest_pause, last = max(self.longest_pause, now - last), now
                if b"\r\n\r\n" not in head:
                    head += data
                    data = head.partition(b"\r\n\r\n")[2]
                body.update(data)
                self.received += len(data)
        self._digest = body.hexdigest()

    @property
    def is_intact(self):
        """Once it has ended: every byte came, and is the right one."""
        return self.received == self.size and self._digest == services.stream_digest(self.size)
