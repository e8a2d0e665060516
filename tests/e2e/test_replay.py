# SPDX-License-Identifier: BSD-3-Clause
"""Issue 7: `dishctl replay` of what was on the dish's cable says what the programs in the kernel counted on it: the same
packets for the same reasons and rules, with prefix and addresses learnt from the capture alone."""
import json
import struct
import time

from lab import isp, topology, traffic
from lab.dishwall import Dishwall, binary
from lab.run import wait_until

from .case import LabCase, rules

# What the line itself does goes on while counters are read: discovery, advertisements.
COMPARED = ("flow", "rule-accept", "rule-drop", "default-drop", "default-accept", "tcp-no-flow", "icmp-no-flow",
            "not-ours", "unassigned", "source-own", "dhcpv6")
RULES = rules("accept tcp 80 to server name web\n    accept icmpv6 echo-request to server name ping\n"
              "    drop udp 9 name discard")


def pcap(frames):
    """A capture file of (time in ns, frame)."""
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
    return head + b"".join(struct.pack("<IIII", *divmod(at, 10**9), len(frame), len(frame)) + frame
                           for at, frame in frames)


class Replay(LabCase):
    @classmethod
    def prepare(cls):
        cls.config = cls.write("dishwall.conf", RULES)
        cls.dishwall = Dishwall(cls.lab.gateway_ns, cls.config).start()

    def converse(self):
        lab, server = self.lab, self.lab.server_address()
        self.assertTrue(traffic.http_get(lab.internet, server))
        for port in (22, 443):
            self.assertFalse(traffic.tcp_opens(lab.internet, server, port, 0.3))
        self.assertFalse(traffic.tcp_opens(lab.internet, lab.gateway_wan_address(), 22, 0.3))
        traffic.ping(lab.internet, server)
        traffic.ping(lab.internet, lab.client_address())
        for port in (9, 10):
            traffic.udp_exchange(lab.internet, server, port, patience=0.1)
        self.assertTrue(traffic.http_get(lab.client, topology.INTERNET))
        self.assertTrue(traffic.http_get(lab.gateway_ns, topology.INTERNET))

    def counted(self):
        reply = self.dishwall.ask("counters")
        return ({one["name"]: one["packets"] for one in reply["reasons"] if one["name"] in COMPARED},
                {one["name"]: one["packets"] for one in reply["rules"]})

    @staticmethod
    def replayed(told):
        reasons, by_rule = dict.fromkeys(COMPARED, 0), {}
        for row in told["results"]:
            if row["reason"] in COMPARED:
                reasons[row["reason"]] += row["packets"]
            if row["rule"] and row["reason"] != "flow":  # the programs count a rule when it is asked
                by_rule[row["rule"]] = by_rule.get(row["rule"], 0) + row["packets"]
        return reasons, by_rule

    def test_it_says_what_the_kernel_counted(self):
        times = []
        self.lab.isp_ns.ip(f"link set {isp.DEVICE} up")  # a socket on a device that is down hears nothing but that
        with traffic.Capture(self.lab.isp_ns, isp.DEVICE, lambda _: times.append(time.time_ns()) or True,
                             outgoing=True) as cable:
            self.lab.connect()
            self.lab.serve()
            self.converse()
            self.flows_stand_still()
            reasons, by_rule = self.counted()
        path = self.write("cable.pcap", "")
        with open(path, "wb") as file:
            file.write(pcap(zip(times, cable.frames, strict=True)))
        told = self.replay(path)
        self.assertEqual(self.replayed(told)[0], reasons, told)
        self.assertEqual(self.replayed(told)[1], by_rule, told)
        self.assertGreater(min(by_rule[name] for name in ("web", "ping", "discard")), 0)
        self.assertGreater(reasons["default-drop"], 2)
        self.assertIn(topology.FIRST, [change["text"].split()[1] for change in told["line"]])

    def flows_stand_still(self):
        """Closing connections have said all they have to say."""
        seen = []

        def still():
            seen.append(self.counted())
            return len(seen) > 3 and seen[-1] == seen[-4]
        wait_until(still, 10, 0.1, "the counters to stand still")

    def replay(self, path):
        done = self.lab.gateway_ns.run(binary("dishctl"), "replay", path, "--config", self.config, "-j", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)
