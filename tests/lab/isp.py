# SPDX-License-Identifier: BSD-3-Clause
"""The dish side: what a customer's machine sees when it is plugged straight into the line.

radvd announces the WAN /64 with Starlink's lifetimes (300 s valid, 150 s preferred); kea delegates a /56.
Each pool is exactly one prefix, so the lab decides which one the gateway gets. What a provider's routers
would learn from DHCPv6, the lab sets itself: one route for each prefix that is still routed to the customer.
"""
import glob
import json
import os
import shutil
import signal

from .run import LabError, wait_until

DEVICE = "dish0"
WAN = "2001:db8:2::/64"
ADDRESS = "2001:db8:2::1"

_RADVD = """\
interface %(device)s {
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 10;
    AdvDefaultLifetime 300;
    prefix %(wan)s {
        AdvOnLink on;
        AdvAutonomous on;
        AdvValidLifetime 300;
        AdvPreferredLifetime 150;
    };
};
"""


class Isp:
    def __init__(self, namespace):
        self.namespace = namespace
        self.run = namespace.run_
        self.radvd = None
        self.kea = None
        self.customer = None  # link-local address of the gateway on the line

    def announce(self):
        """Starts radvd: from now on the line has router advertisements."""
        config = self.run.write("isp-radvd.conf", _RADVD % {"device": DEVICE, "wan": WAN})
        self.radvd = self.namespace.start("radvd", "/usr/sbin/radvd", "--nodaemon", "--config", config,
                                          "--pidfile", self.run.path("isp-radvd.pid"),
                                          "--logmethod", "stderr")

    def delegate(self, *prefixes, forget=False, routed=()):
        """kea delegates exactly these prefixes from now on; they and `routed` are routed to the customer.

        Two at once is the overlap of a renumbering: the client keeps the first and gets the second. One
        that is left out ends when the client next renews: kea with its leases says nothing more about it,
        and the client deprecates it (preferred 0, valid on); kea without (`forget`, a flash renumbering
        as in RFC 8978, after which another server answers) says lifetime 0, and it is gone at once.
        """
        self.route({*prefixes, *routed})
        if self.kea:
            self.kea.stop()
        state = self.run.path("kea")
        os.makedirs(state, exist_ok=True)
        if forget:
            for lease_file in glob.glob(f"{state}/leases.csv*"):
                os.unlink(lease_file)
        config = self.run.write("kea.conf", json.dumps(self._kea_config(prefixes, state)))
        self.kea = self.namespace.start("kea", self._kea_program(), "-c", config,
                                        env={"KEA_PIDFILE_DIR": state, "KEA_LOCKFILE_DIR": state})
        wait_until(lambda: "DHCP6_STARTED" in self.kea.log or not self.kea.running, 10, what="kea's start")
        if not self.kea.running:
            raise LabError(f"kea ended at once; its log:\n{self.kea.log}")

    def route(self, prefixes):
        """Exactly these prefixes are routed to the customer."""
        if self.customer is None:
            raise LabError("the customer's link-local address is not known yet")
        routed = {route["dst"] for route in self.namespace.routes(f"dev {DEVICE} proto 186")}
        self.namespace.ip(
            *(f"route del {old} dev {DEVICE} proto 186" for old in routed - set(prefixes)),
            *(f"route replace {new} via {self.customer} dev {DEVICE} proto 186" for new in prefixes))

    def silence(self):
        """The line stops announcing and delegating (RA lost, the dish reboots)."""
        for server in (self.radvd, self.kea):
            if server and server.running:
                server.send(signal.SIGKILL)
                server.wait()

    def _kea_program(self):
        """A copy of kea: Debian's AppArmor profile, bound to the path, allows only the system's own files."""
        copy = self.run.path("kea-dhcp6")
        if not os.path.exists(copy):
            shutil.copy("/usr/sbin/kea-dhcp6", copy)
        return copy

    @staticmethod
    def _kea_config(prefixes, state):
        pools = [{"prefix": net, "prefix-len": int(length), "delegated-len": int(length)}
                 for net, _, length in (prefix.partition("/") for prefix in prefixes)]
        return {"Dhcp6": {
            "interfaces-config": {"interfaces": [DEVICE]},
            "data-directory": state,
            "server-id": {"type": "LL", "persist": False},
            "lease-database": {"type": "memfile", "name": f"{state}/leases.csv", "lfc-interval": 0},
            "renew-timer": 75, "rebind-timer": 120, "preferred-lifetime": 150, "valid-lifetime": 300,
            "subnet6": [{"id": 1, "subnet": WAN, "interface": DEVICE, "pd-pools": pools}],
            "loggers": [{"name": "kea-dhcp6", "severity": "INFO",
                         "output_options": [{"output": "stdout", "flush": True}]}],
        }}
