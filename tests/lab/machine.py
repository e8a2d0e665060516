# SPDX-License-Identifier: BSD-3-Clause
"""A gateway as people have one: dishwall installed by `meson install`, started by its units under a systemd
that is the machine's first process (boot_machine.sh), with its own directories, users and BPF file system.

The machine lives in a network namespace of the lab and dies with the run.
"""
import json
import os
import subprocess

from .dishwall import ROOT
from .run import LabError, wait_until

# Nothing of this machine's own services: its targets would start whatever is installed here.
TARGET = """\
[Unit]
Description=What the lab wants started
DefaultDependencies=no
Wants=systemd-journald.service
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    def __init__(self, namespace, files):
        """`files`: text by absolute path, on the new machine's disk."""
        self.run_ = namespace.run_
        self._directory = self.run_.path("machine")
        self._installed = os.path.join(self._directory, "installed")
        os.makedirs(os.path.join(self._directory, "root"))
        self._install()
        for path, text in {"/etc/systemd/system/lab.target": TARGET, **files}.items():
            self._write(path, text)
        self.run_.tell("cgroup", self.run_.id)
        self.process = namespace.start("machine", "unshare", "--mount", "--propagation", "private", "--uts", "--ipc",
                                       os.path.join(ROOT, "tests", "lab", "boot_machine.sh"), self._directory,
                                       self.run_.id)
        self._first = wait_until(self._first_process, 10, what="systemd to be process 1")
        wait_until(lambda: self.run("systemctl", "is-active", "lab.target").stdout.strip() == "active", 20,
                   what="systemd to have started")

    def _install(self):
        build = os.path.abspath(os.environ.get("DISHWALL_BUILD") or os.path.join(ROOT, "build"))
        done = subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir",
                               self._installed], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"meson install: exit {done.returncode}\n{done.stdout}{done.stderr}")

    def _write(self, path, text):
        path = self._installed + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def _first_process(self):
        """The pid of the machine's process 1, as it is numbered here."""
        if not self.process.running:
            raise LabError(f"the machine did not boot:\n{self.process.log}")
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
                [child] = file.read().split()
            return child if os.readlink(f"/proc/{child}/exe").endswith("/systemd") else None
        except (OSError, ValueError):
            return None

    # ---- on the machine

    def run(self, *command, patience=30):
        """A command on the machine, completed, its output as text."""
        return subprocess.run(["nsenter", "--target", self._first, "--mount", "--uts", "--ipc", "--net", "--pid",
                               "--cgroup", "--", *command],
                              capture_output=True, text=True, errors="replace", timeout=patience, check=False,
                              stdin=subprocess.DEVNULL, env={"PATH": PATH, "NO_COLOR": "1"})

    def systemctl(self, *words):
        """LabError unless it succeeds."""
        done = self.run("systemctl", "--no-pager", *words)
        if done.returncode != 0:
            raise LabError(f"systemctl {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def property(self, unit, name):
        return self.systemctl("show", unit, "--property", name, "--value").strip()

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "--output", "cat", "--unit", unit).stdout

    def ask(self, *words):
        """A dishctl verb's answer as parsed JSON."""
        done = self.run("dishctl", "-j", *words)
        if done.returncode != 0:
            raise LabError(f"dishctl {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)
