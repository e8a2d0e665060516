#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a host of the lab serves, over IPv6 and IPv4: a web server, an ssh banner, UDP echo.

    80, 443/tcp   HTTP: `/` says who answers; `/stream/BYTES/SECONDS` sends that much over that time
    22, 8080/tcp  a banner, then whatever the client sends is sent back
    443, 5000, 7777/udp echo

It listens on ports that policies close as well: a test that finds a port closed must know that it was
dishwall, not the absence of a server.
"""
import hashlib
import http.server
import socket
import socketserver
import sys
import threading
import time

BLOCK = bytes(range(256)) * 16


def stream_digest(size):
    """SHA-256 of the body of /stream/SIZE/..."""
    digest = hashlib.sha256()
    for start in range(0, size, len(BLOCK)):
        digest.update(BLOCK[:size - start])
    return digest.hexdigest()


class _Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        words = self.path.strip("/").split("/")
        if words[0] == "stream":
            self._stream(int(words[1]), float(words[2]))
            return
        body = f"hello from {self.server.role}, you are {self.client_address[0]}\n".encode()
        self._head(len(body))
        self.wfile.write(body)

    def _head(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def _stream(self, size, seconds):
        self._head(size)
        began = time.monotonic()
        for start in range(0, size, len(BLOCK)):
            self.wfile.write(BLOCK[:size - start])
            ahead = began + seconds * (start + len(BLOCK)) / size - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)

    def log_message(self, format, *arguments):
        pass


class _Banner(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"SSH-2.0-lab\r\n")
        while data := self.request.recv(65536):
            self.request.sendall(data)


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        data, reply = self.request
        reply.sendto(data, self.client_address)


class _Tcp(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


class _Udp(socketserver.UDPServer):  # one thread: under a flood a thread for each datagram would be the end
    address_family = socket.AF_INET6


def main(role):
    servers = [_Tcp(("::", port), handler) for port, handler in
               ((80, _Web), (443, _Web), (22, _Banner), (8080, _Banner))]
    servers += [_Udp(("::", port), _Echo) for port in (443, 5000, 7777)]
    for server in servers:
        server.role = role
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
