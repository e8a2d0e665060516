# SPDX-License-Identifier: BSD-3-Clause
"""dishwall-inspect, beside a daemon of the lab."""
import contextlib
import ctypes
import os
import signal
import time

from .dishwall import ServiceManager, binary
from .run import wait_until

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _ptrace(request, thread):
    if _libc.ptrace(ctypes.c_long(request), ctypes.c_long(thread), None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of thread {thread}")


def _name_of(task):
    with open(f"{task}/comm", encoding="ascii") as comm:
        return comm.read().strip()


class Inspector:
    def __init__(self, dishwall):
        self.dishwall = dishwall
        self.process = None
        self._notify_path = dishwall.run.path(f"notify-inspect-{dishwall.namespace.role}")
        self._manager = ServiceManager(self._notify_path)
        dishwall.run.at_end(self._manager.close)

    def start(self, patience=15):
        """Returns when dishwall knows that it works."""
        config = os.path.join(self.dishwall.run_dir, "inspect.json")
        self.process = self.dishwall.namespace.start(
            "inspect", binary("dishwall-inspect"), "--config", config,
            env={"NOTIFY_SOCKET": self._notify_path, "WATCHDOG_USEC": "60000000"})
        wait_until(lambda: self.state == "works" or not self.process.running, patience,
                   what="the inspector to work")
        if not self.process.running:
            raise AssertionError(f"dishwall-inspect ended:\n{self.process.log}")
        return self

    @property
    def status(self):
        return self.dishwall.ask("status")["inspection"]

    @property
    def state(self):
        return self.status["state"]

    def watchdog_pings(self, seconds):
        """How often it told its unit that all its workers come round, in so much time."""
        before = self._manager.pings
        time.sleep(seconds)
        return self._manager.pings - before

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def hang(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def one_worker_hangs(self, number):
        """Only this thread stands still, as one does that loops: held by ptrace, since signals stop all."""
        tasks = f"/proc/{self.pid}/task"
        [thread] = [int(task) for task in os.listdir(tasks) if _name_of(f"{tasks}/{task}") == f"worker-{number}"]
        _ptrace(PTRACE_SEIZE, thread)
        try:
            _ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, WALL)
            yield
        finally:
            _ptrace(PTRACE_DETACH, thread)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        return self.process.stop()
