#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs every dishctl command that a man page shows, without a daemon: dishctl has to understand it.

A command that is understood ends with "daemon unreachable" (4) or, for a verb that needs none, otherwise than
with "wrong usage" (2): doctor with what it found (0 or 1). Pipes and `sudo` are left off; files that the examples name
are made, and so is what a pipe would bring. What would be written outside of the test's directory is written inside.
usage: check_examples.py DISHCTL PAGE.scd
"""
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile

RULES = """version 1
uplink dish { interface eth0; prefix pd from dhcpv6-pd }
policy inbound on dish { default drop }
"""
SAVED = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
# A capture without a packet: little-endian, version 2.4, Ethernet.
CAPTURE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
# Of verbs that need no daemon.
EXPECTED = {"audit": {0}, "check": {0}, "doctor": {0, 1}, "explain-error": {0}, "fmt": {0}, "import": {0}, "init": {0},
            "replay": {0}, "version": {0}}


def commands(page):
    """The dishctl commands of a page: indented lines, cut at shell operators."""
    for line in page.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line) if re.match(r"\t(.* \| )?(sudo )?dishctl ", line) else []
        command = []
        for word in [*words, "|"]:
            if word in ("|", "&&", ">"):
                if command[:1] == ["dishctl"] or command[:2] == ["sudo", "dishctl"]:
                    yield command[command.index("dishctl") + 1:]
                command = []
            else:
                command.append(word)


def main(dishctl, page):
    failures = seen = 0
    with tempfile.TemporaryDirectory(prefix="dw-b2-examples-") as directory:
        pathlib.Path(directory, "my.conf").write_text(RULES, encoding="utf-8")
        pathlib.Path(directory, "capture.pcap").write_bytes(CAPTURE)
        for command in commands(pathlib.Path(page)):
            seen += 1
            command = [word.replace("/etc/dishwall", directory) for word in command]
            absent = [] if "--run-dir" in command else ["--run-dir", directory]
            done = subprocess.run([dishctl, *absent, *command], cwd=directory, capture_output=True, text=True,
                                  input=SAVED, check=False, timeout=20)
            expected = EXPECTED.get(command[0], {4})
            if done.returncode not in expected:
                failures += 1
                print(f"dishctl {shlex.join(command)}: exit {done.returncode}, not in {expected}\n{done.stderr}")
    print(f"{seen} examples, {failures} failed")
    return 1 if failures or not seen else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]))
