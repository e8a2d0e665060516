#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs every dishctl command that a man page shows, without a daemon: dishctl has to understand it.

A command that is understood ends with "daemon unreachable" (4) or, for a verb that needs none, otherwise than
with "wrong usage" (2): doctor with what it found (0 or 1). Pipes and `sudo` are left off; files that the examples name are made.
usage: check_examples.py DISHCTL PAGE.scd
"""
import pathlib
import shlex
import subprocess
import sys
import tempfile

RULES = """version 1
uplink dish { interface eth0; prefix pd from dhcpv6-pd }
policy inbound on dish { default drop }
"""
# Of verbs that need no daemon.
EXPECTED = {"audit": {0}, "check": {0}, "doctor": {0, 1}, "version": {0}}


def commands(page):
    """The dishctl commands of a page: indented lines, cut at shell operators."""
    for line in page.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line) if line.startswith("\tdishctl ") else []
        command = []
        for word in [*words, "|"]:
            if word in ("|", "&&"):
                if "dishctl" in command:
                    yield command[command.index("dishctl") + 1:]
                command = []
            else:
                command.append(word)


def main(dishctl, page):
    failures = seen = 0
    with tempfile.TemporaryDirectory(prefix="dw-b2-examples-") as directory:
        pathlib.Path(directory, "my.conf").write_text(RULES, encoding="utf-8")
        for command in commands(pathlib.Path(page)):
            seen += 1
            absent = [] if "--run-dir" in command else ["--run-dir", directory]
            done = subprocess.run([dishctl, *absent, *command], cwd=directory, capture_output=True, text=True,
                                  check=False, timeout=20)
            expected = EXPECTED.get(command[0], {4})
            if done.returncode not in expected:
                failures += 1
                print(f"dishctl {shlex.join(command)}: exit {done.returncode}, not in {expected}\n{done.stderr}")
    print(f"{seen} examples, {failures} failed")
    return 1 if failures or not seen else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]))
