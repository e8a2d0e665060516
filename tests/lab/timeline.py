# SPDX-License-Identifier: BSD-3-Clause
"""What was ours, and when: the record of own-watch (own_watch.cc), and what it means for a packet.

Own-watch brackets each store between two looks at the map, so for any span of time it is known which tables
may have been in force in it, mostly one.
"""
import bisect
import ipaddress
import json
from typing import NamedTuple

from .dishwall import binary
from .run import wait_until

MOMENT = 100_000_000  # ns; nothing in a test changes back that soon
LIVE = (1, 2)  # preferred, deprecated: enum dw_prefix_state of bpf/core/layout.h


class Table(NamedTuple):
    before: int  # ns of CLOCK_REALTIME: not yet in force
    seen: int    # in force
    prefixes: tuple  # of (ipaddress.IPv6Network, state)
    learnt: frozenset  # addresses of devices and of resolved names, as text

    def state(self, address):
        """Of the longest prefix around the address; 0: none."""
        around = [(prefix.prefixlen, state) for prefix, state in self.prefixes if address in prefix]
        return max(around)[1] if around else 0

    def live(self):
        return {str(prefix) for prefix, state in self.prefixes if state in LIVE}


class RouteEvent(NamedTuple):
    kind: str  # "added" or "removed"
    prefix: str
    at: int


class NeighbourEvent(NamedTuple):
    address: str
    state: int  # NUD_*; 0: removed
    at: int


class Timeline:
    """`with Timeline(lab, dishwall) as timeline:` records until the block ends."""

    def __init__(self, lab, dishwall):
        self._process = lab.gateway_ns.start("own-watch", binary("own-watch"), dishwall.pin_dir)
        self.tables, self.events, self.neighbours = [], [], []
        wait_until(lambda: self._read() and self.tables, 5, what="own-watch's first table")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        running = self._process.running
        self._process.stop()
        self._read()
        if not running:
            raise AssertionError(f"own-watch ended before it should:\n{self._process.log}")

    def _read(self):
        lines = [line for line in self._process.log.splitlines(keepends=True) if line.endswith("}\n")]
        records = [json.loads(line) for line in lines]
        self.tables = [Table(*record["own"], tuple((ipaddress.IPv6Network(prefix), state)
                                                   for prefix, state in record["prefixes"]),
                             frozenset(record["learnt"])) for record in records if "own" in record]
        self.events = [RouteEvent(record["route"], record["prefix"], record["at"])
                       for record in records if "route" in record]
        self.neighbours = [NeighbourEvent(record["neighbour"], record["state"], record["at"])
                           for record in records if "neighbour" in record]
        self._seen = [table.seen for table in self.tables]
        return True

    def now_in_force(self):
        self._read()
        return self.tables[-1]

    def states(self, address, begin, end):
        """The states in which the prefix of this address may have been found between the two times."""
        # The last table that was in force for certain when the time began, and all that came until its end.
        first = max(bisect.bisect_right(self._seen, begin) - 1, 0)
        return {table.state(address) for table in self.tables[first:] if table.before <= end}

    def latencies(self, kind):
        """Microseconds from each route event of this kind until what it says was in force."""
        return [self._latency(event) for event in self.events if event.kind == kind]

    def _latency(self, event):
        """None: nothing came of it. An event is read a moment after its store when own-watch had to wait."""
        wanted = event.kind == "added"
        was = not wanted
        for table in self.tables:
            before, was = was, event.prefix in table.live()
            if was == wanted and before != wanted and table.seen > event.at - MOMENT:
                return max(table.seen - event.at, 0) / 1000
        return None


def histogram(values, edges):
    """Lines of text, one an interval that something fell in."""
    lines, low = [], 0
    for high in [*edges, float("inf")]:
        count = sum(low <= value < high for value in values)
        name = f"{low:g}..{high:g} us" if high != float("inf") else f"{low:g} us and more"
        if count:
            lines.append(f"{name:>18} {count:5} {'#' * min(count, 60)}")
        low = high
    return lines
