# SPDX-License-Identifier: BSD-3-Clause
"""Programs that people run through a gateway, as they are in Debian: traceroute, a DNS server and its client,
SCTP in user space (the kernel may come without it).
"""
import os
import re
import subprocess

from .run import LabError, wait_until

USRSCTP = "/usr/lib/usrsctp"

_KNOT = """\
server:
    listen: ::@53
    rundir: "%(directory)s"
    udp-max-payload: 4096
log:
  - target: stdout
    any: info
database:
    storage: "%(directory)s"
template:
  - id: default
    storage: "%(directory)s"
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: example
"""


# ---- traceroute

def traceroute(namespace, address, *options):
    """The addresses that answered, hop by hop; None for a silent hop. `options`: as of traceroute(8)."""
    done = namespace.run("traceroute", "-6", "-n", "-q", 1, "-w", 1, "-m", 5, *options, address)
    hops = []
    for line in done.stdout.splitlines():
        found = re.match(r"\s*\d+\s+(\S+)", line)
        if found:
            hops.append(None if found.group(1) == "*" else found.group(1))
    return hops


# ---- DNS

def serve_dns(namespace, records):
    """Knot DNS, authoritative for `example.`; `records` are lines of its zone file, without SOA and NS."""
    run = namespace.run_
    directory = run.path(f"knot-{namespace.role}")
    os.makedirs(directory)
    head = ["$ORIGIN example.", "$TTL 60", "@ SOA ns hostmaster 1 600 60 600 60", "@ NS ns", "ns AAAA ::1"]
    run.write(f"knot-{namespace.role}/example.zone", "\n".join(head + records) + "\n")
    config = run.write(f"knot-{namespace.role}.conf", _KNOT % {"directory": directory})
    server = namespace.start("knotd", "knotd", "-c", config)
    wait_until(lambda: "server started" in server.log or not server.running, 10, what="knotd's start")
    if not server.running:
        raise LabError(f"knotd ended at once; its log:\n{server.log}")
    return server


def ask_dns(namespace, server, name, kind, *options):
    """kdig's answer section, one record a line; no answer is an empty list. UDP only, one try."""
    done = namespace.run("kdig", f"@{server}", "-6", "+ignore", "+retry=0", "+time=2", "+noall", "+answer",
                         *options, name, kind, check=False)
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


# ---- SCTP

def serve_sctp_echo(namespace):
    """usrsctp's echo server on port 7, over raw sockets."""
    server = namespace.start("sctp-echo", f"{USRSCTP}/echo_server")
    # It says nothing when it is ready: its raw socket for protocol 132 does.
    wait_until(lambda: ":0084 " in namespace.run("cat", "/proc/net/raw6").stdout, 5, what="an SCTP socket")
    return server


def sctp_exchange(namespace, address, port, message="dishwall", patience=5):
    """Opens an association, sends a line, awaits its echo, shuts down; the client's words, echo included."""
    client_command = ("timeout", patience, "stdbuf", "-oL", f"{USRSCTP}/client", address, port)
    with subprocess.Popen(namespace.argv(*client_command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as client:
        client.stdin.write(message + "\n")
        client.stdin.flush()
        said = ""
        for line in client.stdout:  # it also tells what became of the association
            said += line
            if line == message + "\n":
                break
        client.stdin.close()
        return said + client.stdout.read()
