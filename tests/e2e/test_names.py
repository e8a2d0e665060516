# SPDX-License-Identifier: BSD-3-Clause
"""Hosts by name, on a real name server: the rule follows the record, and outlives server and daemon."""
from lab import topology, traffic
from lab.dishwall import Dishwall
from lab.nameserver import NameServer
from lab.run import wait_until

from .case import ProtectedCase, rules

ZONE = "peers.example"
FIRST, SECOND, THIRD = (f"2001:db8:1::7{digit}" for digit in "123")  # addresses of the Internet host
TTL = 1  # dishwall asks every 10 s at most
PATIENCE = 20


class Names(ProtectedCase):
    """ssh is open for tokyo, wherever that is."""
    config = rules("accept tcp 22 from tokyo to server name ssh\naccept tcp 80 to server name web") + f"""
host tokyo = name tokyo.{ZONE}
host osaka = name osaka.{ZONE}
"""

    @classmethod
    def prepare(cls):
        lab = cls.lab
        lab.internet.ip(*(f"addr add {address}/64 dev eth0" for address in (FIRST, SECOND, THIRD)))
        cls.primary = NameServer(lab.internet, topology.INTERNET, ZONE).start()
        cls.primary.set(ZONE, f"tokyo.{ZONE}", FIRST, ttl=TTL)
        cls.dishwall = Dishwall(lab.gateway_ns, cls.write("dishwall.conf", cls.config))
        cls.start_dishwall()
        lab.connect()
        lab.serve()
        cls.wait_for_prefix(topology.FIRST)

    @classmethod
    def start_dishwall(cls):
        """In a mount namespace of its own, where the system's resolver is the primary."""
        files = {"resolv.conf": f"nameserver {topology.INTERNET}\n", "hosts": "127.0.0.1 localhost\n",
                 "nsswitch.conf": "hosts: files dns\n"}
        mounts = " && ".join(f"mount --bind {cls.write(name, text)} /etc/{name}" for name, text in files.items())
        cls.dishwall.spawn(("unshare", "--mount", "--propagation", "private", "sh", "-c",
                            mounts + ' && exec "$@"', "sh"))
        cls.dishwall.wait_ready()

    def opens(self, source):
        try:
            address = self.lab.server_address()
            return traffic.tcp_exchange(self.lab.internet, address, 22, patience=0.5, source=source) != b""
        except OSError:
            return False

    def host(self, name="tokyo"):
        return next(host for host in self.dishwall.ask("hosts")["hosts"] if host["name"] == name)

    def wait_for(self, *addresses, stale=False):
        def claim():
            host = self.host()
            return (host["addresses"], host["stale"]) == (sorted(addresses), stale)
        wait_until(claim, PATIENCE, what=f"tokyo to be at {addresses}, {'stale' if stale else 'confirmed'}")

    def open_from(self):
        return {source for source in (FIRST, SECOND, THIRD) if self.opens(source)}

    def test_1_the_rule_follows_the_record(self):
        self.wait_for(FIRST)
        self.assertEqual(self.open_from(), {FIRST})
        self.primary.set(ZONE, f"tokyo.{ZONE}", SECOND, THIRD, ttl=TTL)
        self.wait_for(SECOND, THIRD)
        self.assertEqual(self.open_from(), {SECOND, THIRD})
        self.assertEqual(self.host("osaka")["error"], "there is no such name")

    def test_2_a_server_that_is_down_closes_nothing(self):
        self.wait_for(SECOND, THIRD)
        self.primary.stop()
        self.wait_for(SECOND, THIRD, stale=True)
        self.assertEqual(self.host()["error"], "each name server refuses, fails, or cannot be reached")
        self.assertEqual(self.open_from(), {SECOND, THIRD})

    def test_3_nor_does_a_restart(self):
        self.dishwall.stop()
        self.start_dishwall()
        self.assertEqual(self.open_from(), {SECOND, THIRD}, "at once")
        self.assertTrue(self.host()["stale"])

    def test_4_it_is_followed_again(self):
        self.primary.start()
        self.primary.set(ZONE, f"tokyo.{ZONE}", FIRST, ttl=TTL)
        self.wait_for(FIRST)
        self.assertEqual(self.open_from(), {FIRST})

    def test_5_a_name_that_is_gone_keeps_its_address_for_an_hour(self):
        self.primary.set(ZONE, f"tokyo.{ZONE}")
        self.wait_for(FIRST, stale=True)
        self.assertEqual(self.host()["error"], "there is no such name")
        self.assertEqual(self.open_from(), {FIRST})

    def test_6_a_load_keeps_what_is_known(self):
        self.primary.stop()
        path = self.write("dishwall.conf", self.config + "host spare = lan ::99\n")
        done = self.dishwall.ctl("load", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.open_from(), {FIRST})
        self.assertTrue(traffic.tcp_opens(self.lab.internet, self.lab.server_address(), 80))
