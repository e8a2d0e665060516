#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The two arrows of the design, checked: which directory may include which (docs: README.md, "The tree").

    text   -> rules/ -> control/ -> flat memory shared with the kernel
    packet -> bpf/   -> (dataplane/ when a rule says inspect) -> verdict
"""
import pathlib
import re
import sys

# Small headers that know nothing of what they are used for.
COMMON = {"control/back_off.h", "control/clock.h", "control/event_source.h", "control/saved_json.h",
          "control/state_file.h", "control/unique_fd.h"}

# A directory, and the directories of this repository whose headers it may include. The longest prefix decides.
ALLOWED = {
    "bpf/core": {"bpf/core"},
    "bpf": {"bpf/core", "bpf"},
    "rules": {"rules", "bpf/core/layout.h", "bpf/core/image_layout.h"},
    "dataplane": {"dataplane", "rules", "bpf/core"},
    "control/line": {"control/line", "rules", "bpf/core/layout.h"} | COMMON,
    "control/names": {"control/names", "rules"} | COMMON,
    "control/dns": {"control/dns", "rules", "bpf/core/layout.h"} | COMMON,
    "control/ipc": {"control/ipc", "control/unique_fd.h", "rules"},
    "control/inspector": {"control/inspector", "control/mapping.h", "control/process.h", "dataplane", "rules",
                          "bpf/core"} | COMMON,
    "control": {"control", "rules", "bpf", "dataplane/replay"},
    "tests": {"tests", "control", "dataplane", "rules", "bpf"},
    "bench": {"bench", "control", "dataplane", "rules", "bpf", "tests"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def home(path):
    return max((d for d in ALLOWED if path == d or path.startswith(d + "/")), key=len, default=None)


def target(root, source, name):
    """Where an include leads, relative to the root; None for generated headers."""
    for candidate in (source.parent / name, root / name):
        if candidate.is_file():
            return candidate.resolve().relative_to(root).as_posix()
    return None


def violations(root):
    for source in sorted(root.rglob("*")):
        relative = source.relative_to(root).as_posix()
        if source.suffix not in (".h", ".c", ".cc") or home(relative) is None:
            continue
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            led = found and target(root, source, found.group(1))
            allowed = ALLOWED[home(relative)]
            if led and not any(led == a or led.startswith(a + "/") for a in allowed):
                yield f"{relative}:{number}: {home(relative)}/ must not include {led}"


def main():
    wrong = list(violations(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(wrong) or "includes follow the design's two arrows")
    return 1 if wrong else 0


sys.exit(main())
