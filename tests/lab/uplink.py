# SPDX-License-Identifier: BSD-3-Clause
"""The gateway's uplink device taken away and made anew, as a re-plugged USB adapter is: another device under
the same name, with the same MAC address, and what the gateway and the provider configured on it before.
"""
from . import gateway as gateway_module
from . import isp as isp_module

GATEWAY, DISH = gateway_module.UPLINK, isp_module.DEVICE


class Uplink:
    def __init__(self, lab):
        self.lab = lab
        self.mac = lab.gateway_ns.mac(GATEWAY)
        self.dish_mac = lab.isp_ns.mac(DISH)

    def pull(self):
        self.lab.gateway_ns.ip(f"link del {GATEWAY}")

    def plug(self):
        """The device is there again, up from its first moment, and everything configured as fast as can be.

        That is the worst case: a driver makes its device down, and somebody takes it up later.
        """
        lab, customer = self.lab, self.lab.isp.customer
        # Of a veth only the end that is not the "peer" can be born up.
        lab.gateway_ns.ip(f"link add {GATEWAY} up address {self.mac} type veth "
                          f"peer name {DISH} address {self.dish_mac} netns {lab.isp_ns.name}")
        lab.isp_ns.ip(f"link set {DISH} up",
                      f"addr add {isp_module.ADDRESS}/64 dev {DISH}", f"addr add 100.64.0.1/24 dev {DISH}",
                      *(f"neigh replace {neighbour} lladdr {self.mac} dev {DISH} nud permanent"
                        for neighbour in (customer, "100.64.0.2")),
                      *(f"route replace {prefix} via {customer} dev {DISH} proto 186"
                        for prefix in lab.delegations),
                      "route replace 192.168.1.0/24 via 100.64.0.2")
        dish = f"fe80::{_interface_id(self.dish_mac)}"
        # Solicitations that are lost while the device is closed would be repeated after a second only.
        lab.gateway_ns.ip(f"addr add 100.64.0.2/24 dev {GATEWAY}", "route add default via 100.64.0.1",
                          f"neigh replace {dish} lladdr {self.dish_mac} dev {GATEWAY} nud permanent",
                          f"route replace default via {dish} dev {GATEWAY}")

    def down_and_up(self):
        dish = f"fe80::{_interface_id(self.dish_mac)}"
        self.lab.gateway_ns.ip(f"link set {GATEWAY} down", f"link set {GATEWAY} up",
                               "route add default via 100.64.0.1",
                               f"route replace default via {dish} dev {GATEWAY}")


def _interface_id(mac):
    """EUI-64, as the kernel makes link-local addresses from MAC addresses."""
    octets = [int(part, 16) for part in mac.split(":")]
    words = [octets[0] ^ 2, octets[1], octets[2], 0xff, 0xfe, *octets[3:]]
    return ":".join(f"{words[i]:02x}{words[i + 1]:02x}" for i in range(0, 8, 2))
