#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dishwall demo: what dishwall is for, shown on a whole line in network namespaces.

    internet -- isp (radvd 300/150 s, kea delegating a /56) -- gateway (dhcpcd, dishwall) -- server, client

Every line with a mark is a claim that was checked; the exit status is 0 only if all of them held. Nothing
leaves the namespaces, and nothing is left behind.
"""
import contextlib
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import topology, traffic                            # noqa: E402
from lab.dishwall import ROOT, Dishwall, binary               # noqa: E402
from lab.download import Download                             # noqa: E402
from lab.inspector import Inspector                           # noqa: E402
from lab.run import LabError, Run, wait_until                 # noqa: E402

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.conf")
DOWNLOAD_BYTES = 24 << 20
DOWNLOAD_SECONDS = 4
CONFIRM_SECONDS = 2
HARMLESS = b"GET /index.html HTTP/1.1\r\n\r\n"
ATTACK = b"GET /../../etc/passwd HTTP/1.1\r\n\r\n"

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def coloured(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Claims:
    """Prints each claim with its mark and the time since the start, and remembers whether all held."""

    def __init__(self):
        self._start = time.monotonic()
        self.held = self.failed = 0

    def heading(self, text):
        print(f"\n{coloured('1', text)}", flush=True)

    @contextlib.contextmanager
    def claim(self, text):
        """The block makes the claim true or raises; it may return details through the list it is given."""
        details = []
        try:
            yield details
        except (AssertionError, LabError, OSError, KeyError) as error:
            self.failed += 1
            self._line(coloured("31", "✗"), text)
            print("      " + f"{type(error).__name__}: {error}".replace("\n", "\n      "), flush=True)
        else:
            self.held += 1
            self._line(coloured("32", "✓"), text + (": " + ", ".join(details) if details else ""))

    def _line(self, mark, text):
        print(f"  {mark} {time.monotonic() - self._start:5.1f} s  {text}", flush=True)

    def show(self, command, output, lines=14):
        """A command's output, as a person would see it."""
        print(coloured("2", f"            $ {command}"))
        shown = output.rstrip().splitlines()
        for line in shown[:lines]:
            print("              " + line)
        if len(shown) > lines:
            print(f"              ... {len(shown) - lines} more lines")

    def finish(self):
        total = f"{self.held} claims held, {self.failed} failed, {time.monotonic() - self._start:.1f} s"
        print("\n" + coloured("32" if not self.failed else "31", total))
        return 1 if self.failed else 0


def check(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


class Demo:
    def __init__(self, run, claims):
        self.claims = claims
        self.lab = topology.Lab(run)
        self.lab.client.ip("link set eth0 address 02:11:22:33:44:55")  # the camera of demo.conf
        self.dishwall = Dishwall(self.lab.gateway_ns, run.write("demo.conf", self.rule_file()))

    def claim(self, text):
        return self.claims.claim(text)

    # ---- what is checked more than once

    def web_answers(self, prefix=None):
        address = self.lab.server_address(prefix)
        body = traffic.http_get(self.lab.internet, address)
        check(body and "hello from server" in body, f"http://[{address}]/ did not answer: {body!r}")
        return address

    def ssh_is_dropped(self, prefix=None):
        address = self.lab.server_address(prefix)
        greeting = traffic.tcp_exchange(self.lab.client, address, 22)
        check(greeting.startswith(b"SSH-2.0"), "nobody listens on the server's port 22, so nothing is shown")
        check(not traffic.tcp_opens(self.lab.internet, address, 22, 0.7), "ssh answered from the Internet")
        return address

    def prefixes(self):
        return {entry["prefix"]: entry["state"] for entry in self.dishwall.ask("prefix")["prefixes"]
                if entry["source"] == "dish.pd"}

    def show(self, *words, lines=14):
        self.claims.show("dishctl " + " ".join(f"'{w}'" if " " in w else w for w in words),
                         self.dishwall.ctl(*words).stdout, lines)

    # ---- the story

    def run(self):
        self.protected_before_the_line()
        self.published_and_closed()
        self.renumbering()
        self.device()
        self.what_it_knows()
        self.inspection()
        self.crash()
        self.broken_files()
        self.undone_by_itself()

    def protected_before_the_line(self):
        self.claims.heading("The gateway is protected before the dish is plugged in")
        with self.claim("dishwalld enforces the policy on an uplink without a prefix") as details:
            self.dishwall.start()
            status = self.dishwall.ask("status")
            check(status["interface"] == "eth0", f"status says {status}")
            details.append(f"XDP {status['xdp_mode']}, egress {status['egress']}")
        with self.claim("the dish is plugged in; kea delegates a /56, the LAN gets addresses") as details:
            self.lab.connect()
            self.lab.serve()
            wait_until(lambda: self.prefixes().get(topology.FIRST) == "preferred", 5,
                       what=f"dishwall to know {topology.FIRST}")
            details.append(f"dish.pd is {topology.FIRST}")

    def published_and_closed(self):
        self.claims.heading("What the rule file publishes answers, the rest does not")
        with self.claim("the published web service answers from the Internet") as details:
            details.append(f"http://[{self.web_answers()}]/")
        with self.claim("ssh to the same host is dropped, and counted by reason") as details:
            before = self.dishwall.reason("default-drop")
            self.ssh_is_dropped()
            dropped = self.dishwall.reason("default-drop") - before
            check(dropped >= 1, "the counter default-drop did not move")
            details.append(f"default-drop +{dropped}")
        with self.claim("a LAN client reaches the Internet and gets its replies") as details:
            body = traffic.http_get(self.lab.client, topology.INTERNET)
            check(body and self.lab.client_address() in body, f"the Internet's web server said {body!r}")
            details.append(body.strip())
            check(traffic.ping(self.lab.client, topology.INTERNET) == 1, "ping got no reply")

    def renumbering(self):
        self.claims.heading("The line is renumbered while a download runs")
        download = Download(self.lab.internet, self.lab.server_address(), DOWNLOAD_BYTES, DOWNLOAD_SECONDS)
        wait_until(lambda: download.received > 0, 5, what="the download to begin")
        with self.claim("kea delegates another /56; the service answers on it at once") as details:
            self.lab.renumber(topology.SECOND)
            began = time.monotonic()
            self.lab.wait_for_hosts(topology.SECOND)
            host_ready = time.monotonic()
            address = self.web_answers()
            answered = time.monotonic()
            details.append(f"http://[{address}]/ on the first try, {1e3 * (answered - host_ready):.0f} ms "
                           f"after the host had its address")
            details.append(f"the host needed {1e3 * (host_ready - began):.0f} ms")
        with self.claim("ssh is closed on the new prefix as well"):
            self.ssh_is_dropped()
        with self.claim("in the overlap both prefixes are live, and the old one answers too") as details:
            self.web_answers(topology.FIRST)
            states = self.prefixes()
            check({topology.FIRST, topology.SECOND} <= set(states), f"dishctl prefix says {states}")
            enforced = self.dishwall.ask("prefix").get("enforced_in_us")
            details.append(", ".join(f"{prefix} {state}" for prefix, state in sorted(states.items())))
            details.append(f"last change enforced in {enforced} µs")
        with self.claim("the download ran on through it and is intact") as details:
            download.join(DOWNLOAD_SECONDS + 10)
            check(download.is_intact, f"{download.received} of {DOWNLOAD_BYTES} bytes came, or wrong ones")
            details.append(f"{download.received >> 20} MiB, longest pause "
                           f"{1e3 * download.longest_pause:.0f} ms")

    def device(self):
        self.claims.heading("A device is followed by its MAC address")
        address = topology.SECOND.replace("::/56", ":1:5eed::1")  # as privacy extensions would make one
        with self.claim("an address that nobody uses is closed"):
            check(not traffic.tcp_opens(self.lab.internet, address, 80, 0.5), f"{address} answered")
        with self.claim("the camera takes a new address and talks from it; its rule holds there") as details:
            self.lab.client.ip(f"addr add {address}/64 dev eth0")
            with traffic.connected(self.lab.client, topology.INTERNET, 80, source=address):
                talked = time.monotonic()
            wait_until(lambda: traffic.tcp_opens(self.lab.internet, address, 80, 0.1), 5,
                       what=f"port 80 of {address} to open")
            details.append(f"open {1e3 * (time.monotonic() - talked):.0f} ms after its first packets")
        self.show("hosts")

    def what_it_knows(self):
        self.claims.heading("What dishwall knows")
        with self.claim("flows: every connection with its rule and its counters, both ways"):
            flows = self.dishwall.ask("flows")["flows"]
            web = [flow for flow in flows if flow.get("rule") == "web"]
            check(web, f"no flow by the rule web among {len(flows)}")
            biggest = max(flow["packets_out"] for flow in web)
            check(biggest > 1000, f"the download's flow counts only {biggest} packets")
        self.show("flows", lines=8)
        with self.claim("prefix history: what changed, and how long it took to be in force"):
            changes = self.dishwall.ask("prefix", "history")["changes"]
            check({topology.FIRST, topology.SECOND} <= {change["prefix"] for change in changes}, f"{changes}")
        self.show("prefix", "history")
        with self.claim("counters: by rule and by reason"):
            check(self.dishwall.rule("web") >= 3, "the rule web counted less than three connections")
            check(self.dishwall.reason("default-drop") >= 2, "default-drop counted less than two packets")
        self.show("counters", lines=16)
        packet = f"in tcp [{topology.INTERNET}]:40000 > [{self.lab.server_address()}]:443 S"
        with self.claim("explain: the live program and the slow evaluator judge a packet alike"):
            told = self.dishwall.ask("explain", packet)
            check(told["verdict"] == "accept" and told["rule"]["name"] == "web" and told["agree"],
                  f"explain said {told}")
        self.show("explain", packet)
        missed = f"in tcp [{topology.INTERNET}]:40000 > [{self.lab.server_address()}]:8443 S"
        with self.claim("explain: a packet that is dropped, and the rule that nearly let it in") as details:
            told = self.dishwall.ask("explain", missed)
            near = {(rule["rule"], rule["misses"]) for rule in told["near"]}
            check(told["verdict"] == "drop" and ("web", "port") in near, f"explain said {told}")
            details.append("web, but for the port")

    def inspection(self):
        if not os.path.exists(binary("dishwall-inspect")):
            return print("\n(this build has no dishwall-inspect: no look into packets)")
        self.claims.heading("A rule that looks into packets")
        inspector = Inspector(self.dishwall)
        address = self.lab.server_address()
        with self.claim("a rule with `inspect` is loaded, with dishwall's own signatures for web servers"):
            done = self.dishwall.ctl("load", self.with_inspection())
            check(done.returncode == 0, done.stdout + done.stderr)
            inspector.start()
        with self.claim("a harmless request arrives, through DPDK and Hyperscan") as details:
            check(self.arrived(address, HARMLESS) == HARMLESS, "it did not")
            details.append(f"{len(HARMLESS)} bytes")
        with self.claim("an attack is stopped before its last byte, though each byte is a packet") as details:
            arrived = self.arrived(address, ATTACK)
            check(0 < len(arrived) < len(ATTACK) and ATTACK.startswith(arrived), f"{arrived} arrived")
            details.append(f"{len(arrived)} of {len(ATTACK)} bytes arrived")
        self.claims.show("journalctl -u dishwall -n 1", self.finding())
        with self.claim("kill -9 of the inspector: `on-failure drop` holds, other rules never notice"):
            inspector.kill()
            check(not traffic.tcp_opens(self.lab.internet, address, 8080, 0.5), "the inspected port is open")
            self.web_answers()
        with self.claim("started again, it looks into packets again"):
            inspector.start()
            check(self.arrived(address, HARMLESS) == HARMLESS, "a harmless request did not arrive")
            check(self.arrived(address, ATTACK) != ATTACK, "the attack arrived")

    def with_inspection(self):
        with open(os.path.join(ROOT, "rules", "signatures", "web.hs"), encoding="utf-8") as file:
            self.lab.run.write("web.hs", file.read())
        signatures = 'signatures exploits = file "web.hs"\n\npolicy inbound'
        rule = "name web\n    accept tcp 8080 to server inspect exploits on-failure drop  name echo\n"
        text = self.rule_file().replace("policy inbound", signatures, 1).replace("name web\n", rule, 1)
        return self.lab.run.write("inspected.conf", text)

    def arrived(self, address, request):
        """What the server, which sends back what it gets, got of it."""
        with traffic.connected(self.lab.internet, address, 8080) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(100)  # its greeting
            for byte in request:
                connection.send(bytes([byte]))
                time.sleep(0.001)
            connection.settimeout(0.3)
            back = b""
            with contextlib.suppress(TimeoutError):
                while len(back) < len(request):
                    back += connection.recv(4096)
            return back

    def finding(self):
        found = [line for line in self.dishwall.process.log.splitlines() if "match of signature" in line]
        check(found, "the daemon's log does not name the signature")
        return found[-1].partition(" warning: ")[2] or found[-1]

    def crash(self):
        self.claims.heading("The daemon dies")
        with traffic.connected(self.lab.internet, self.lab.server_address(), 80) as held:
            self.killed(held)
            self.adopted(held)

    def killed(self, held):
        with self.claim("kill -9 of dishwalld changes nothing: web answers, ssh is dropped") as details:
            self.dishwall.crash()
            self.web_answers()
            self.ssh_is_dropped()
            self.ask_over(held)
            details.append("an open connection goes on")

    def adopted(self, held):
        with self.claim("a restart adopts what is in force: flows and counters go on") as details:
            self.dishwall.start()
            counted = self.dishwall.rule("web")
            check(counted >= 3, f"the rule web counts {counted} after the restart")
            port = held.getsockname()[1]
            check(any(self.is_port(flow, port) for flow in self.dishwall.ask("flows")["flows"]),
                  f"the connection from port {port}, opened before the crash, is not among the flows")
            details.append(f"rule web has admitted {counted} connections")
            self.web_answers()
            self.ask_over(held)

    @staticmethod
    def ask_over(connection):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: server\r\n\r\n")
        reply = b""
        while b"you are" not in reply or not reply.endswith(b"\n"):  # head and body come in parts
            part = connection.recv(4096)
            check(part, "a connection opened before the crash was cut")
            reply += part
        check(b"200 OK" in reply, "a connection opened before the crash is answered differently now")

    @staticmethod
    def is_port(flow, port):
        return any(ends.get("source_port") == port for ends in flow["l4"].values())

    def broken_files(self):
        self.claims.heading("Rule files that are not good")
        self.refuses("a misspelt name is refused with its place", "broken.conf",
                     "accept service web to server", "accept service web to sevrer", "sevrer")
        self.refuses("a file that fails its own test is refused with the test's place", "untrue.conf",
                     "tcp { 80, 443 }", "tcp 80", 'test "web is up"')
        with self.claim("while the policy in force runs on: web answers, ssh is dropped"):
            self.web_answers()
            self.ssh_is_dropped()

    def refuses(self, claim, name, good, bad, culprit):
        """The demo's rule file with `bad` for `good` is not loaded, because of the line with `culprit`."""
        text = self.rule_file().replace(good, bad, 1)
        path = self.lab.run.write(name, text)
        place = f"{name}:{1 + text[:text.index(culprit)].count(chr(10))}:"
        done = self.dishwall.ctl("load", path)
        with self.claim(claim) as details:
            check(done.returncode != 0, "dishctl load exited 0")
            check(place in done.stdout + done.stderr, f"no {place} in:\n{done.stdout}{done.stderr}")
            details.append(f"exit {done.returncode}, {place[:-1]}")
        self.claims.show(f"dishctl load {name}", done.stdout + done.stderr)

    @staticmethod
    def rule_file():
        with open(CONFIG, encoding="utf-8") as file:
            return file.read()

    def undone_by_itself(self):
        self.claims.heading("A load that nobody confirms")
        rules = self.rule_file().partition("\ntest ")[0]  # its tests say that ssh is closed
        text = rules.replace("name web", "name web\n    accept tcp 22 to server name ssh")
        path = self.lab.run.write("opened.conf", text)
        address = self.lab.server_address()
        with self.claim(f"load --confirm {CONFIRM_SECONDS}s opens ssh") as details:
            done = self.dishwall.ctl("load", path, "--confirm", f"{CONFIRM_SECONDS}s")
            check(done.returncode == 0, done.stdout + done.stderr)
            loaded = time.monotonic()
            check(traffic.tcp_opens(self.lab.internet, address, 22), "ssh did not answer")
            details.append(f"http://[{address}]/ and ssh answer")
        with self.claim("and the policy before it is back by itself: ssh is dropped, web answers") as details:
            wait_until(lambda: not traffic.tcp_opens(self.lab.internet, address, 22, 0.2),
                       CONFIRM_SECONDS + 3, what="ssh to be closed again")
            details.append(f"{time.monotonic() - loaded:.1f} s later")
            self.web_answers()
        self.show("history")


def main():
    claims = Claims()
    try:
        with Run() as run:
            Demo(run, claims).run()
    except LabError as error:
        claims.failed += 1
        print(f"\n  the demo stopped: {error}", file=sys.stderr)
    return claims.finish()


if __name__ == "__main__":
    sys.exit(main())
