# SPDX-License-Identifier: BSD-3-Clause
"""An administrator far away: a real sshd on the gateway and a real ssh client on the Internet.

Keys, configuration and processes are the run's own; the machine's sshd, if it has one, is not touched. sshd
runs in a mount namespace of its own, because it insists on /run/sshd and on root's line of /etc/shadow.
"""
import os
import shutil
import subprocess

from .dishwall import binary
from .run import LabError, die_with_parent, wait_until
from .traffic import tcp_opens

PORT = 2222  # the lab's services have 22

_CONFIG = """\
Port %(port)d
ListenAddress ::
HostKey %(host_key)s
AuthorizedKeysFile %(user_key)s.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
PrintMotd no
PidFile none
LogLevel VERBOSE
"""

# An empty /run/sshd, and a root without a password but not locked, in our own view only.
_VIEW = """\
mkdir -p "$0/run/sshd" && mount --bind "$0/run" /run &&
echo 'root:*:20000:0:99999:7:::' > "$0/shadow" && mount --bind "$0/shadow" /etc/shadow &&
exec /usr/sbin/sshd -D -e -f "$0/sshd_config"
"""


class Ssh:
    def __init__(self, lab, dishwall):
        self._lab = lab
        self._dishwall = dishwall
        self._directory = lab.run.path("ssh")
        os.makedirs(self._directory)
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._path(name)],
                           check=True)
        with open(self._path("sshd_config"), "w", encoding="ascii") as file:
            file.write(_CONFIG % {"port": PORT, "host_key": self._path("host_key"),
                                  "user_key": self._path("user_key")})
        if not shutil.which("ssh"):
            raise LabError("there is no ssh client: apt-get install openssh-client")
        self.server = lab.gateway_ns.start("sshd", "unshare", "--mount", "--propagation", "private",
                                           "sh", "-c", _VIEW, self._directory)
        wait_until(lambda: "listening" in self.server.log or not self.server.running, what="sshd to listen")
        if not self.server.running:
            raise LabError(f"sshd ended:\n{self.server.log}")

    def _path(self, name):
        return os.path.join(self._directory, name)

    def argv(self, *command):
        """ssh from the Internet to the gateway, running `command` there."""
        return self._lab.internet.argv(
            "ssh", "-F", "none", "-p", PORT, "-i", self._path("user_key"), "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            "-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes",
            f"root@{self._lab.gateway_wan_address()}", *command)

    def start(self, *command):
        """A session in the background; its end is the caller's business."""
        return subprocess.Popen(self.argv(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)

    def run(self, *command, patience=10):
        """The completed session; subprocess.TimeoutExpired when it was cut."""
        return subprocess.run(self.argv(*command), capture_output=True, text=True, timeout=patience,
                              check=False, stdin=subprocess.DEVNULL)

    def dishctl(self, *words):
        """dishctl's command line on the gateway."""
        return (binary("dishctl"), "--run-dir", self._dishwall.run_dir, *words)

    def ctl(self, *words, patience=10):
        """dishctl, run on the gateway over ssh."""
        return self.run(*self.dishctl(*words), patience=patience)

    def opens(self, patience=0.5):
        """Does sshd's port answer?"""
        return tcp_opens(self._lab.internet, self._lab.gateway_wan_address(), PORT, patience)
