# SPDX-License-Identifier: BSD-3-Clause
"""verified.py PID: how many instructions the verifier walked for each BPF program that a process holds.

Asked of a running dishwalld, because the settings that it folds into a program decide what there is to walk.
The kernel says it in a program's fdinfo.
"""
import glob
import json
import re
import subprocess
import sys

counts = {}
for path in glob.glob(f"/proc/{sys.argv[1]}/fdinfo/*"):
    with open(path, encoding="ascii") as file:
        found = dict(re.findall(r"^(prog_id|verified_insns):\s*(\d+)", file.read(), re.MULTILINE))
    if len(found) == 2:
        counts[found["prog_id"]] = int(found["verified_insns"])
for number, count in counts.items():
    shown = subprocess.run(["bpftool", "-j", "prog", "show", "id", number], capture_output=True, check=True)
    print(f"{json.loads(shown.stdout)['name']}: {count:,} instructions verified; the limit is 1,000,000")
sys.exit(not counts)
