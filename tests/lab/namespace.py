# SPDX-License-Identifier: BSD-3-Clause
"""A network namespace and what can be done in it.

Commands run under `nsenter --net`, never `ip netns exec`: the latter gives them a private /sys, which hides
the bpffs and loses what is pinned there. Sockets are made in the calling process instead, by a thread that
visits the namespace for the moment of socket(2): a socket stays where it was made.
"""
import contextlib
import ctypes
import json
import os
import socket
import subprocess

from .run import LabError, wait_until

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    def __init__(self, run, role):
        self.run_ = run
        self.role = role
        self.name = f"{run.id}-{role}"
        run.tell("netns", self.name)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        # Duplicate address detection takes 1..2 s an address and would prove nothing here.
        self.sysctl({"ipv6/conf/all/accept_dad": 0, "ipv6/conf/default/accept_dad": 0,
                     "ipv6/conf/default/dad_transmits": 0,
                     "ipv6/conf/default/router_solicitation_delay": 0})
        self.ip("link set lo up")

    @property
    def path(self):
        return f"/run/netns/{self.name}"

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace for the duration of the block."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(self.path, "rb") as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def argv(self, *command):
        return ["nsenter", f"--net={self.path}", "--", *map(str, command)]

    def run(self, *command, check=True, patience=30, **options):
        """Runs a command here and returns it completed, output captured as text."""
        done = subprocess.run(self.argv(*command), capture_output=True, text=True, errors="replace",
                              timeout=patience, check=False, stdin=subprocess.DEVNULL, **options)
        if check and done.returncode != 0:
            raise LabError(f"{self.role}: {' '.join(map(str, command))}: exit {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
        return done

    def start(self, name, *command, env=None):
        return self.run_.start(f"{self.role}-{name}", self.argv(*command), env)

    def ip(self, *lines):
        """`ip` commands, one string each, in one process."""
        done = subprocess.run(["ip", "-n", self.name, "-batch", "-"], input="\n".join(lines),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"{self.role}: ip {lines}: {done.stderr}")

    def ip_json(self, command):
        done = subprocess.run(["ip", "-n", self.name, "-j", *command.split()], capture_output=True,
                              text=True, check=True)
        return json.loads(done.stdout or "[]")

    def sysctl(self, values):
        with self.entered():
            for key, value in values.items():
                with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
                    file.write(str(value))

    def socket(self, family=socket.AF_INET6, kind=socket.SOCK_STREAM, proto=0):
        with self.entered():
            return socket.socket(family, kind, proto)

    # ---- what is configured

    def addresses(self, device, scope="global", deprecated=False):
        """The preferred (or the deprecated) IPv6 addresses of a device, none of them tentative, as text."""
        found = []
        for link in self.ip_json(f"-6 addr show dev {device}"):
            for info in link.get("addr_info", []):
                if (info.get("scope") == scope and not info.get("tentative") and info.get("local")
                        and bool(info.get("deprecated")) == deprecated):
                    found.append(info["local"])
        return found

    def link_local(self, device):
        return wait_until(lambda: self.addresses(device, "link"), what=f"{device}'s link-local address")[0]

    def has_xdp(self, device):
        return bool(self.ip_json(f"link show dev {device}")[0].get("xdp"))

    def mac(self, device):
        return self.ip_json(f"link show dev {device}")[0]["address"]

    def index(self, device):
        return self.ip_json(f"link show dev {device}")[0]["ifindex"]

    def routes(self, what=""):
        return self.ip_json(f"-6 route show {what}".strip())


def veth(one, one_name, other, other_name):
    """A cable between two namespaces; both ends are left down."""
    subprocess.run(["ip", "link", "add", one_name, "netns", one.name, "type", "veth",
                    "peer", "name", other_name, "netns", other.name], check=True)
