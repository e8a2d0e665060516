# SPDX-License-Identifier: BSD-3-Clause
"""dishwall-inspect, beside a daemon of the lab."""
import os
import signal

from .dishwall import binary
from .run import wait_until


class Inspector:
    def __init__(self, dishwall):
        self.dishwall = dishwall
        self.process = None

    def start(self, patience=15):
        """Returns when dishwall knows that it works."""
        config = os.path.join(self.dishwall.run_dir, "inspect.json")
        self.process = self.dishwall.namespace.start("inspect", binary("dishwall-inspect"), "--config", config)
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

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def hang(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        return self.process.stop()
