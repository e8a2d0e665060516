# SPDX-License-Identifier: BSD-3-Clause
"""dishwalld and dishctl, as an administrator runs them: started under `nsenter --net`, asked over the
control socket. The build directory is $DISHWALL_BUILD, ./build when unset.
"""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

from .run import LabError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binary(name):
    """The path of what we built, by its name, in the build directory."""
    build = os.path.abspath(os.environ.get("DISHWALL_BUILD") or os.path.join(ROOT, "build"))
    places = [os.path.join(build, *words, name)
              for words in (("control",), ("control", name), ("control", "inspector"), ("bench", "live"),
                            ("tests", "lab"))]
    return next((place for place in places if os.path.isfile(place)), places[0])


class ServiceManager(threading.Thread):
    """What systemd does at the other end of $NOTIFY_SOCKET: it reads everything, at once."""

    def __init__(self, path):
        super().__init__(daemon=True)
        if os.path.exists(path):
            os.unlink(path)
        self.ready = threading.Event()
        self.pings = 0  # for the watchdog
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.settimeout(0.2)
        self._closing = threading.Event()
        self.start()

    def run(self):
        with self._socket:
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    words = self._socket.recv(4096).decode().splitlines()
                    self.pings += words.count("WATCHDOG=1")
                    if "READY=1" in words:
                        self.ready.set()

    def close(self):
        self._closing.set()
        self.join()


class Dishwall:
    """One instance in one namespace, with directories of its own.

    `resolv_conf`: the text of a /etc/resolv.conf that only this daemon sees.
    """

    def __init__(self, namespace, config, resolv_conf=None):
        self.namespace = namespace
        self.run = namespace.run_
        self.config = config
        self.options = []  # of dishwalld, from its next start on
        self._resolv_conf = resolv_conf
        self.run_dir = self.run.path(f"run-{namespace.role}")
        self.state_dir = self.run.path(f"state-{namespace.role}")
        self.pin_dir = f"{self.run.pin_root}-{namespace.role}"
        self.run.tell("tree", self.pin_dir)
        self.process = None
        self._manager = None

    def argv(self, program=None):
        return [program or binary("dishwalld"), "--config", self.config, "--run-dir", self.run_dir,
                "--pin-dir", self.pin_dir, "--state-dir", self.state_dir, *self.options]

    def spawn(self, prefix=(), program=None):
        """Starts the daemon and returns at once; `prefix` is a command that runs it, such as setpriv."""
        path = self.run.path(f"notify-{self.namespace.role}")
        if self._manager:
            self._manager.close()
        self._manager = ServiceManager(path)
        self.run.at_end(self._manager.close)
        self.process = self.namespace.start("dishwalld", *self._own_view(), *prefix, *self.argv(program),
                                            env={"NOTIFY_SOCKET": path})
        return self

    def _own_view(self):
        """A command that runs the rest in a mount namespace with our resolv.conf."""
        if self._resolv_conf is None:
            return ()
        path = self.run.write(f"resolv-{self.namespace.role}.conf", self._resolv_conf)
        return ("unshare", "--mount", "--propagation", "private", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', path)

    def start(self, patience=20):
        """Starts the daemon and returns when it has said READY=1."""
        self.spawn()
        self.wait_ready(patience)
        return self

    def wait_ready(self, patience=20):
        deadline = time.monotonic() + patience
        while not self._manager.ready.wait(0.02):
            if not self.process.running:
                raise LabError(f"dishwalld ended with {self.process.wait()} before it was ready:\n"
                               f"{self.process.log}")
            if time.monotonic() > deadline:
                raise LabError(f"dishwalld was not ready after {patience} s:\n{self.process.log}")

    def stop(self):
        return self.process.stop()

    def crash(self):
        self.process.stop(signal.SIGKILL)

    def age_flows(self, seconds):
        """Lets that much time pass for every flow; returns for how many (age_flows.cc)."""
        done = subprocess.run([binary("age-flows"), self.pin_dir, str(seconds)], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"age-flows: exit {done.returncode}\n{done.stderr}")
        return int(done.stdout)

    # ---- asking

    def ctl(self, *words, patience=20):
        """dishctl's completed process."""
        return subprocess.run(self.namespace.argv(binary("dishctl"), "--run-dir", self.run_dir, *words),
                              capture_output=True, text=True, timeout=patience, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})

    def ask(self, *words):
        """A verb's answer as parsed JSON; LabError when dishctl did not exit 0."""
        done = self.ctl("-j", *words)
        if done.returncode != 0:
            raise LabError(f"dishctl {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def reason(self, name):
        """How many packets left for this reason."""
        return self._count("reasons", name)

    def rule(self, name):
        """How many packets this rule decided."""
        return self._count("rules", name)

    def reasons(self):
        """Packets by reason."""
        return {row["name"]: row["packets"] for row in self.ask("counters")["reasons"]}

    def _count(self, table, name):
        return sum(row["packets"] for row in self.ask("counters")[table] if row["name"] == name)
