# SPDX-License-Identifier: BSD-3-Clause
"""The customer's gateway, as Debian would do it without dishwall: the kernel takes the dish's router
advertisements, dhcpcd asks for a delegation and puts its /64 number 1 on the LAN bridge, radvd announces
whatever prefixes the bridge has to the hosts.
"""
import os
import signal

from .run import wait_until

UPLINK = "eth0"
LAN = "br-lan"
SUBNET = 1

# nodev: dhcpcd 9.4.1 can crash in its udev plugin. ipv6only and noipv6rs: RAs are the kernel's.
# Several associations, because a renumbering is make-before-break: dhcpcd drops a prefix that kea withdraws
# in the same reply that brings the new one, so the second takes the new prefix while the first holds the old.
_ASSOCIATION = f"    ia_pd %d {LAN}/{SUBNET}/64\n"
_DHCPCD = f"""\
nodev
ipv6only
noipv6rs
duid
script %(script)s
allowinterfaces {UPLINK} {LAN}
interface {UPLINK}
%(associations)s"""

# What every router does when its delegation changed: announce it on the LAN at once.
_SCRIPT = """\
#!/bin/sh
echo "$(date +%%s.%%N) $interface $reason" >> %(log)s
case $reason in
    BOUND6|RENEW6|REBIND6|REBOOT6|DELEGATED6|EXPIRE6) kill -HUP "$(cat %(radvd)s)" 2>/dev/null ;;
esac
exit 0
"""

_RADVD = f"""\
interface {LAN} {{
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 4;
    prefix ::/64 {{
        AdvOnLink on;
        AdvAutonomous on;
        AdvValidLifetime 300;
        AdvPreferredLifetime 150;
    }};
}};
"""


class Gateway:
    """`associations`: how many delegations the client asks for; one more than should ever be kept at once."""

    def __init__(self, namespace, associations=2):
        self.namespace = namespace
        self.run = namespace.run_
        self._associations = associations
        self.dhcpcd = None
        self.radvd = None
        self._clients = 0

    def start(self):
        """Asks the line for a delegation and announces it on the LAN."""
        pid_file = self.run.path("lan-radvd.pid")
        config = self.run.write("lan-radvd.conf", _RADVD)
        self.radvd = self.namespace.start("radvd", "/usr/sbin/radvd", "--nodaemon", "--config", config,
                                          "--pidfile", pid_file, "--logmethod", "stderr")
        script = self.run.write("dhcpcd-hook", _SCRIPT % {"log": self.run.path("dhcpcd-hook.log"),
                                                         "radvd": pid_file}, 0o755)
        associations = "".join(_ASSOCIATION % (n + 1) for n in range(self._associations))
        self.run.write("dhcpcd.conf", _DHCPCD % {"script": script, "associations": associations})
        self.start_client()

    def start_client(self):
        # dhcpcd's directories are fixed at build time: it gets its own, in its own mount namespace.
        self._clients += 1
        private = self.run.path("dhcpcd-private")
        os.makedirs(private, exist_ok=True)
        mounts = (f"mkdir -p {private}/run {private}/db; mount --bind {private}/db /var/lib/dhcpcd && "
                  f"mount -t tmpfs dhcpcd-run /run && mkdir -p /run/dhcpcd && ")
        self.dhcpcd = self.namespace.start(
            "dhcpcd", "unshare", "--mount", "--propagation", "private", "sh", "-c",
            mounts + f"exec /usr/sbin/dhcpcd -B -d -f {self.run.path('dhcpcd.conf')} {UPLINK} {LAN}")

    def renew(self):
        """The client asks the line again now, as it does when the dish drops carrier or at T1."""
        self.dhcpcd.send(signal.SIGUSR1)

    def delegations(self):
        """What the client has told the kernel of: the unreachable routes of its delegations, as texts."""
        return {route["dst"] for route in self.namespace.routes("type unreachable") if route["dst"][0] == "2"}

    def lan_prefixes(self, deprecated=False):
        """The preferred (or the deprecated) /64s on the LAN, as text ending in '::'."""
        return [address[:-1] for address in self.namespace.addresses(LAN, deprecated=deprecated)
                if address.endswith("::1")]

    def _wait(self, prefix, claim, what, patience):
        base = prefix.partition("::")[0] + ":"
        return wait_until(lambda: claim(base), patience, what=f"dhcpcd to {what} {prefix}")

    def wait_for_delegation(self, prefix, patience=20):
        """Until the LAN has a /64 of this delegation; its base, as text ending in '::'."""
        return self._wait(prefix, lambda base: [lan for lan in self.lan_prefixes() if lan.startswith(base)],
                          "configure", patience)[0]

    def wait_for_deprecation(self, prefix, patience=20):
        self._wait(prefix, lambda base: any(lan.startswith(base) for lan in self.lan_prefixes(True)),
                   "deprecate", patience)

    def wait_for_withdrawal(self, prefix, patience=20):
        self._wait(prefix, lambda base: not any(lan.startswith(base) for lan in
                                                self.lan_prefixes() + self.lan_prefixes(True)),
                   "drop", patience)
