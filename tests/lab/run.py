# SPDX-License-Identifier: BSD-3-Clause
"""One run of the lab: its unique names, its temporary directory, its processes, and its end.

A run owns everything it makes and tells the reaper (reaper.py) *before* making it, so nothing is left
behind when the run fails, is interrupted, or is killed.
"""
import atexit
import ctypes
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time

from . import reaper

BPFFS = "/sys/fs/bpf"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab itself could not do something; not a failed claim about dishwall."""


def wait_until(claim, patience=10.0, every=0.05, what="something"):
    """Polls `claim` until it returns something true and returns that; LabError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        answer = claim()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"waited {patience:g} s in vain for {what}")
        time.sleep(every)


def die_with_parent():
    """For preexec_fn: the child is killed when the thread that started it ends, however that happens."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program started by the run, its output in a log file of the run's directory."""

    def __init__(self, run, name, argv, env=None):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log_path = os.path.join(run.directory, f"{name}.{len(run.processes)}.log")
        with open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
                                          env={**os.environ, **(env or {})})
        self.pid = self.popen.pid
        run.tell("pid", f"{self.pid} {reaper.start_time(self.pid)}")
        run.processes.append(self)

    @property
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    @property
    def running(self):
        return self.popen.poll() is None

    def send(self, sig):
        self.popen.send_signal(sig)

    def wait(self, patience=10.0):
        """The exit status (negative: the signal that ended it)."""
        try:
            return self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} did not end within {patience:g} s; its log:\n{self.log}") from None

    def stop(self, sig=signal.SIGTERM, patience=10.0):
        if self.running:
            self.send(sig)
        return self.wait(patience)


class Run:
    """`with Run() as run:` -- and everything made through it is gone afterwards."""

    def __init__(self, label="dw"):
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces: run it as root (sudo)")
        self.id = f"{label}-{os.getpid()}-{secrets.token_hex(2)}"
        self.processes = []
        self._reaper = None
        self._closers = []
        self.directory = None
        self.pin_root = os.path.join(BPFFS, self.id)

    def __enter__(self):
        self._reaper = subprocess.Popen([sys.executable, reaper.__file__], stdin=subprocess.PIPE,
                                        start_new_session=True)
        atexit.register(self.close)
        for sig in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, lambda number, frame: sys.exit(128 + number))
        self.directory = tempfile.mkdtemp(prefix=self.id + "-")
        self.tell("tree", self.directory)
        self.tell("tree", self.pin_root)
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, SystemExit):
            self.show_logs()
        self.close()

    def tell(self, kind, what):
        self._reaper.stdin.write(f"{kind} {what}\n".encode())
        self._reaper.stdin.flush()

    def close(self):
        if self._reaper is None:
            return
        done, self._reaper = self._reaper, None
        for closer in self._closers:
            closer()
        done.stdin.close()
        while done.poll() is None:  # our own children must not stay zombies while the reaper waits for them
            for process in self.processes:
                process.popen.poll()
            time.sleep(0.01)
        for process in self.processes:
            process.popen.poll()
        atexit.unregister(self.close)

    def at_end(self, closer):
        """Calls `closer` when the run ends, for what the reaper cannot know, such as sockets."""
        self._closers.append(closer)

    def start(self, name, argv, env=None):
        return Process(self, name, argv, env)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def show_logs(self, lines=15, processes=6):
        """The ends of the logs of the programs started last, for a failure's report."""
        for process in self.processes[-processes:]:
            tail = process.log.splitlines()[-lines:]
            if tail:
                print(f"--- the end of {process.name}'s log", *tail, sep="\n    ", file=sys.stderr)
