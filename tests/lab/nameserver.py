# SPDX-License-Identifier: BSD-3-Clause
"""A primary name server (Knot DNS) that takes updates signed with a key, and can be made unwell: stopped, cut off.

Its zones are small and written back to their files after each update, so that it has them after a restart.
"""
import base64
import os
import subprocess

from .programs import ask_dns
from .run import LabError, wait_until

KEY_NAME = "dishwall"

_KNOT = """\
server:
    listen: "%(address)s@53"
    rundir: "%(directory)s"
log:
  - target: stdout
    any: info
database:
    storage: "%(directory)s"
key:
  - id: %(key)s
    algorithm: hmac-sha256
    secret: "%(secret)s"
acl:
  - id: update
    key: %(key)s
    action: update
template:
  - id: default
    storage: "%(directory)s"
    zonefile-sync: 0
    journal-content: none
    acl: update
zone:
"""

_ZONE = """\
$ORIGIN %(zone)s.
$TTL 60
@ SOA ns hostmaster 1 600 60 600 2
@ NS ns
ns AAAA %(address)s
"""


class NameServer:
    def __init__(self, namespace, address, *zones):
        self.namespace = namespace
        self.address = address
        self.run = namespace.run_
        self._secret = base64.b64encode(os.urandom(32)).decode()
        self._process = None
        self.key_file = self.write_key("tsig.key", KEY_NAME, self._secret)
        directory = self.run.path("primary")
        os.makedirs(directory)
        for zone in zones:
            self.run.write(f"primary/{zone}.zone", _ZONE % {"zone": zone, "address": address})
        config = _KNOT % {"address": address, "directory": directory, "key": KEY_NAME, "secret": self._secret}
        self._config = self.run.write("primary.conf", config + "".join(f"  - domain: {z}\n" for z in zones))

    def write_key(self, file, name=KEY_NAME, secret=None):
        """A key file as nsupdate reads them (tsig-keygen's format); another secret than the server's by default."""
        secret = secret or base64.b64encode(os.urandom(32)).decode()
        return self.run.write(file, f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n', 0o600)

    # ---- its health

    def start(self):
        self._process = self.namespace.start("primary", "knotd", "-c", self._config)
        wait_until(lambda: "server started" in self._process.log or not self._process.running, 10,
                   what="the primary's start")
        if not self._process.running:
            raise LabError(f"knotd ended at once; its log:\n{self._process.log}")
        return self

    def stop(self):
        self._process.stop()

    def cut_off(self):
        """Whatever is sent to it or by it is lost."""
        self.namespace.run("nft", "add table ip6 cut; add chain ip6 cut in { type filter hook input priority 0; }; "
                                  "add rule ip6 cut in meta l4proto { tcp, udp } th dport 53 drop")

    def join(self):
        self.namespace.run("nft", "delete table ip6 cut")

    # ---- what it has

    def set(self, zone, name, *addresses, ttl=60):
        """Gives the name exactly these AAAA records."""
        lines = [f"server {self.address}", f"zone {zone}.", f"update delete {name}. AAAA",
                 *(f"update add {name}. {ttl} AAAA {address}" for address in addresses), "send"]
        done = subprocess.run(self.namespace.argv("nsupdate", "-k", self.key_file), input="\n".join(lines) + "\n",
                              text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise LabError(f"the primary does not take {name}: {done.stderr}")

    def get(self, name):
        """The name's AAAA records, sorted; an empty list as well when the server does not answer."""
        return sorted(line.split()[-1] for line in ask_dns(self.namespace, self.address, name, "AAAA"))

    def serial(self, zone):
        return ask_dns(self.namespace, self.address, zone, "SOA")[0].split()[6]
