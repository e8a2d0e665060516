#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""inspected.py BUILD: a rule with `inspect` on this kernel, from the uplink through a pair, AF_XDP and back.

Runs in the guest beside a dishwalld that inside.sh has started, and ends with 0 when a client on the line gets
clean bytes back, which go through dw_return, and the byte that completes a signature does not reach the server,
on each of the workers that there are.

inspected.py client: is that client, in the line's network namespace.
"""
import json
import os
import socket
import subprocess
import sys
import threading
import time

SERVER = ("2001:db8:2200:1::10", 8080)
CLEAN, ATTACK = b"clean bytes", b"GET /attack-4711 HTTP/1.1\r\n"
LAST = ATTACK.index(b"1 HTTP")
PATIENCE = 60  # the emulator needs seconds for what takes milliseconds


def serve(listener, received):
    """One connection after the other; `received` gets a bytearray for each."""
    while True:
        connection, _ = listener.accept()
        received.append(bytearray())
        connection.settimeout(10)  # a client whose flow was ended cannot say goodbye
        try:
            while data := connection.recv(4096):
                received[-1] += data
                connection.sendall(data)
        except OSError:
            pass


def client():
    connection = socket.create_connection(SERVER, PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(CLEAN)
    back = bytearray()
    while len(back) < len(CLEAN):
        back += connection.recv(4096)
    for byte in ATTACK:
        connection.send(bytes([byte]))
        time.sleep(0.05)
    time.sleep(3)
    return bytes(back[:len(CLEAN)]) == CLEAN


def main(build):
    def status():
        asked = subprocess.run([f"{build}/control/dishctl/dishctl", "--run-dir", "/run/dishwall", "-j", "status"],
                               capture_output=True, check=False)
        return json.loads(asked.stdout)["inspection"] if asked.returncode == 0 else {}

    def client_is_content():
        return subprocess.run(["nsenter", "--net=/run/netns/isp", sys.executable, __file__, "client"],
                              check=False, timeout=3 * PATIENCE).returncode == 0

    def given():
        return [worker["given"] for worker in status().get("workers", [])]

    received = []
    listener = socket.create_server(SERVER, family=socket.AF_INET6)
    threading.Thread(target=serve, args=(listener, received), daemon=True).start()
    program = f"{build}/control/inspector/dishwall-inspect"
    with subprocess.Popen([program, "--config", "/run/dishwall/inspect.json"]) as inspector:
        deadline = time.monotonic() + PATIENCE
        while status().get("state") != "works" and time.monotonic() < deadline:
            time.sleep(1)
        held = client_is_content()
        for _ in range(8):  # which worker gets a connection is its hash's to say
            held = held and (min(given()) > 0 or client_is_content())
        now = status()
        print("given:", given(), *(f"{name}: {now.get(name)}" for name in ("state", "passed", "matched")))
        print("the server received:", received, flush=True)
        inspector.terminate()
    stopped = all(got == CLEAN + ATTACK[:LAST] for got in received)
    return 0 if held and stopped and now["matched"] == len(received) and min(given()) > 0 else 1


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(0 if client() else 1) if sys.argv[1] == "client" else sys.exit(main(sys.argv[1]))
