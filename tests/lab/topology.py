# SPDX-License-Identifier: BSD-3-Clause
"""The whole line: internet -- isp -- gateway -- { server, client }.

    internet  2001:db8:1::1            198.51.100.1
    isp       2001:db8:1::ff | 2001:db8:2::1 on the dish      198.51.100.254 | 100.64.0.1
    gateway   eth0: SLAAC in 2001:db8:2::/64   100.64.0.2     br-lan: <delegation>:1::1   192.168.1.1
    server    <delegation>:1::10       192.168.1.10
    client    <delegation>:1::20       192.168.1.20

Bringing it up is in steps, so that a test can put dishwall in place first: Lab() makes namespaces and
cables with the uplink down, connect() is the moment the dish is plugged in.
"""
import sys

from . import gateway as gateway_module
from . import isp as isp_module
from . import services
from .dishwall import binary
from .gateway import Gateway
from .isp import Isp
from .namespace import Namespace, veth
from .run import wait_until

FIRST = "2001:db8:a100::/56"
SECOND = "2001:db8:a200::/56"
THIRD = "2001:db8:a300::/56"

INTERNET = "2001:db8:1::1"
STRANGER = "2001:db8:1::77"  # somebody else on the Internet, for crafted packets
ISP = "2001:db8:1::ff"       # the hop before the dish, as the Internet sees it
INTERNET_V4 = "198.51.100.1"
GATEWAY_V4 = "100.64.0.2"
KEPT_ROUTES = 4242           # a routing table
SERVER_ID = "10"
CLIENT_ID = "20"


class Lab:
    def __init__(self, run, associations=2):
        self.run = run
        self.internet, self.isp_ns, self.gateway_ns, self.server, self.client = (
            Namespace(run, role) for role in ("internet", "isp", "gateway", "server", "client"))
        self.isp = Isp(self.isp_ns)
        self.gateway = Gateway(self.gateway_ns, associations)
        self.delegations = []
        self._cable()

    def _cable(self):
        veth(self.internet, "eth0", self.isp_ns, "inet0")
        veth(self.isp_ns, isp_module.DEVICE, self.gateway_ns, gateway_module.UPLINK)
        # What XDP sends back (a reject's answer) crosses a veth only to an end that has an XDP program, too.
        self.isp_ns.ip(f"link set dev {isp_module.DEVICE} xdp obj {binary('pass.bpf.o')} sec xdp")
        self.gateway_ns.ip(f"link add {gateway_module.LAN} type bridge forward_delay 0 mcast_snooping 0")
        for host, token in ((self.server, SERVER_ID), (self.client, CLIENT_ID)):
            veth(host, "eth0", self.gateway_ns, f"lan-{host.role}")
            self.gateway_ns.ip(f"link set lan-{host.role} master {gateway_module.LAN} up")
            host.sysctl({"ipv6/conf/eth0/accept_ra": 1, "ipv6/conf/eth0/addr_gen_mode": 0})
            host.ip(f"token set ::{token} dev eth0", "link set eth0 up",
                    f"addr add 192.168.1.{token}/24 dev eth0", "route add default via 192.168.1.1")
        self.internet.ip("link set eth0 up", f"addr add {INTERNET}/64 dev eth0",
                         f"addr add {INTERNET_V4}/24 dev eth0", "route add default via 198.51.100.254",
                         f"route add default via {ISP}")
        for router in (self.isp_ns, self.gateway_ns):
            router.sysctl({"ipv6/conf/all/forwarding": 1, "ipv4/conf/all/forwarding": 1})
        self.isp_ns.ip("link set inet0 up", f"addr add {ISP}/64 dev inet0",
                       "addr add 198.51.100.254/24 dev inet0",
                       f"addr add {isp_module.ADDRESS}/64 dev {isp_module.DEVICE}",
                       f"addr add 100.64.0.1/24 dev {isp_module.DEVICE}")
        self.gateway_ns.sysctl({f"ipv6/conf/{gateway_module.UPLINK}/accept_ra": 2})
        self.gateway_ns.ip(f"link set {gateway_module.LAN} up",
                           f"addr add 192.168.1.1/24 dev {gateway_module.LAN}",
                           f"addr add {GATEWAY_V4}/24 dev {gateway_module.UPLINK}")
        self.gateway_ns.run("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting "
                                   "priority srcnat; }; add rule ip nat post oifname eth0 masquerade")

    def plug_in(self):
        """The cable to the dish has a carrier, but nobody speaks on the line yet."""
        self.isp_ns.ip(f"link set {isp_module.DEVICE} up")
        self.gateway_ns.ip(f"link set {gateway_module.UPLINK} up", "route add default via 100.64.0.1")
        self.isp.customer = self.gateway_ns.link_local(gateway_module.UPLINK)

    def connect(self, prefix=FIRST):
        """Plugs in the dish and waits until the LAN has addresses of the delegation."""
        self.plug_in()
        self.isp.announce()
        self.isp.delegate(prefix)
        self.delegations = [prefix]
        self.gateway.start()
        self.wait_for_hosts(prefix)
        wait_until(lambda: self.gateway_ns.routes("default"), what="the gateway's default route")

    def serve(self):
        """Web, ssh and echo servers on the internet, the server, the client and the gateway (services.py)."""
        hosts = (self.internet, self.server, self.client, self.gateway_ns)
        running = [host.start("services", sys.executable, services.__file__, host.role) for host in hosts]
        for process in running:
            wait_until(lambda p=process: "ready" in p.log, what=f"{process.name} to listen")

    def renumber(self, prefix):
        """The line delegates another prefix; the older ones stay valid and routed: the overlap.

        Returns once the gateway has it; the hosts follow with the next RA (wait_for_hosts).
        """
        self.delegations.append(prefix)
        self.isp.delegate(*self.delegations)
        self.gateway.renew()
        return self.gateway.wait_for_delegation(prefix)

    def deprecate(self, prefix):
        """The line renews this prefix no more: valid for its remaining time, preferred no longer."""
        self.delegations.remove(prefix)
        self.isp.delegate(*self.delegations)
        self.isp.route([*self.delegations, prefix])
        self.gateway.renew()
        self.gateway.wait_for_deprecation(prefix)

    def withdraw(self, prefix):
        """The line takes this prefix back (lifetime 0), but goes on sending the gateway packets for it."""
        self.delegations.remove(prefix)
        self.isp.delegate(*self.delegations, forget=True)
        self.isp.route([*self.delegations, prefix])
        self.gateway.renew()
        self.gateway.wait_for_withdrawal(prefix)

    def redelegate(self, *prefixes, forget=False, routed=()):
        """From now on the line delegates exactly these; `forget` and `routed` as in Isp.delegate.

        Returns once the client has told the kernel. What the LAN makes of it is not waited for.
        """
        self.delegations = list(prefixes)
        self.isp.delegate(*prefixes, forget=forget, routed=routed)
        self.gateway.renew()
        wait_until(lambda: self.gateway.delegations() == set(prefixes), 5, 0.02,
                   f"the delegations {', '.join(prefixes)}")

    def serve_at(self, *prefixes):
        """The server has its address of each of these, and the gateway has a way to it, whoever delegates.

        So whether a packet gets there is up to nothing but dishwall.
        """
        mac = self.server.mac("eth0")
        for prefix in prefixes:
            address = self.server_address(prefix)
            self.server.ip(f"addr replace {address}/64 dev eth0 nodad")
            # In a table of its own: with a LAN address the main table's route to its network goes as well.
            self.gateway_ns.ip(
                f"route replace {self.lan_prefix(prefix)} dev {gateway_module.LAN} table {KEPT_ROUTES}",
                f"neigh replace {address} lladdr {mac} dev {gateway_module.LAN} nud permanent")
            self.gateway_ns.run("ip", "-6", "rule", "add", "to", self.lan_prefix(prefix),
                                "lookup", KEPT_ROUTES)

    def wait_for_hosts(self, prefix, patience=20):
        base = self.gateway.wait_for_delegation(prefix, patience)
        for host, token in ((self.server, SERVER_ID), (self.client, CLIENT_ID)):
            wait_until(lambda h=host, t=token: base + t in h.addresses("eth0"), patience,
                       what=f"{host.role}'s address {base}{token}")
        return base

    def server_address(self, prefix=None):
        return self._address(prefix, SERVER_ID)

    def client_address(self, prefix=None):
        return self._address(prefix, CLIENT_ID)

    def gateway_lan_address(self, prefix=None):
        return self._address(prefix, "1")

    def _address(self, prefix, interface_id):
        base = (prefix or self.delegations[-1]).partition("::")[0]
        return f"{base}:{gateway_module.SUBNET}::{interface_id}"

    def lan_prefix(self, prefix=None):
        """The LAN's /64 of this delegation."""
        return self._address(prefix, "") + "/64"

    def gateway_wan_address(self):
        return self.gateway_ns.addresses(gateway_module.UPLINK)[0]
