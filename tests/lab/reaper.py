#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Removes everything that one run of the lab made, however that run ended.

Context managers do not survive SIGKILL, so cleaning up is the job of a second process. It is told over
its standard input what exists, one line each ("netns NAME", "tree PATH", "cgroup NAME"), and does nothing until that pipe
closes: at a normal end, after an exception, or because the run was killed. There is one way to clean up,
so it is exercised by every run. It ends only processes that live in the run's own namespaces or that were
named ("pid PID STARTTIME"), never by name.
"""
import os
import shutil
import signal
import subprocess
import sys
import time


def start_time(pid):
    """The process's start in clock ticks: with the pid it names a process for good. None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return int(stat.read().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def processes_in(namespace):
    """Pids whose network namespace is this one."""
    try:
        wanted = os.stat(f"/run/netns/{namespace}").st_ino
    except OSError:
        return []
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.stat(f"/proc/{entry}/ns/net").st_ino == wanted:
                found.append(int(entry))
        except OSError:
            continue
    return found


def end(pids):
    """SIGTERM, a moment, SIGKILL; returns when none of them is left."""
    pids = [pid for pid in pids if pid not in (os.getpid(), os.getppid())]
    for sig, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 2.0)):
        for pid in pids:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + patience
        while pids and time.monotonic() < deadline:
            pids = [pid for pid in pids if os.path.exists(f"/proc/{pid}") and not is_zombie(pid)]
            time.sleep(0.01)
        if not pids:
            return


def remove_cgroup(name):
    """A control group below the root of cgroup2, wherever that is mounted or not, and all below it."""
    subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                    'mount -t cgroup2 cgroup2 /mnt && find "/mnt/$0" -depth -type d -exec rmdir {} +', name],
                   check=False, stderr=subprocess.DEVNULL)


def main():
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    named, namespaces, trees, cgroups = [], [], [], []
    for line in sys.stdin:
        kind, _, rest = line.strip().partition(" ")
        {"pid": named, "netns": namespaces, "tree": trees, "cgroup": cgroups}[kind].append(rest)
    alive = [int(pid) for pid, _, start in (entry.partition(" ") for entry in named)
             if start_time(int(pid)) == int(start)]
    end(alive + [pid for name in namespaces for pid in processes_in(name)])
    for name in cgroups:
        remove_cgroup(name)
    for tree in trees:
        shutil.rmtree(tree, ignore_errors=True)
    for name in namespaces:
        subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
