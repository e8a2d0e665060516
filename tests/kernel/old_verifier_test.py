#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What kernel 6.1's verifier refuses and newer ones accept, looked for in the built object, since booting a 6.1 in
an emulator takes minutes and is done by hand (tests/kernel/boot.py).

- All frames on a path of calls, each rounded up to 32 bytes, have 512 bytes together (check_max_stack_depth).
- A loop may not be closed by falling into it, only by a jump (check_cfg).

Usage: old_verifier_test.py OBJECT
"""
import functools
import re
import subprocess
import sys

STACK, FRAME_UNIT, INSTRUCTION = 512, 32, 8
PROGRAMS = ("dw_ingress", "dw_egress", "dw_clock")


def disassemble(path):
    """{function: {index: text}}, {(section, index): function} and {(function, index): (kind, symbol)}."""
    listing = subprocess.run(["llvm-objdump", "-d", "-r", "--no-show-raw-insn", path], check=True,
                             capture_output=True, text=True).stdout
    functions, starts, relocations = {}, {}, {}
    section = function = last = None
    for line in listing.splitlines():
        if found := re.match(r"Disassembly of section (.*):", line):
            section = found[1]
        elif (found := re.match(r"([0-9a-f]+) <(.+)>:", line)) and not found[2].startswith("LBB"):
            function = found[2]
            functions[function] = {}
            starts[section, int(found[1], 16) // INSTRUCTION] = function
        elif found := re.search(r"R_BPF_64_(32|64)\s+(\S+)", line):
            relocations[function, last] = (found[1], found[2], section)
        elif function and (found := re.match(r"\s*(\d+):\s+(.*)", line)):
            last = int(found[1])
            functions[function][last] = found[2]
    return functions, starts, relocations


def frame(instructions):
    """Bytes of stack that a function reaches below its frame pointer."""
    reached = [0]
    for text in instructions.values():
        reached += [int(n, 0) for n in re.findall(r"r10 - (0x[0-9a-f]+|\d+)\)", text)]
        reached += [int(n, 0) for n in re.findall(r"^r\d+ \+= -(0x[0-9a-f]+|\d+)$", text) if int(n, 0) <= STACK]
    return max(FRAME_UNIT, -(-max(reached) // FRAME_UNIT) * FRAME_UNIT)


def callees(function, functions, starts, relocations):
    """Functions that this one calls, or hands to bpf_loop."""
    called = set()
    for index, text in functions[function].items():
        width, symbol, section = relocations.get((function, index), (None, None, None))
        number = re.search(r"(?:call|=) (-?0x[0-9a-f]+|-?\d+)", text)
        if symbol in functions:
            called.add(symbol)
        elif width == "32" and number:  # relative to the next instruction
            called.add(starts[symbol, int(number[1], 0) + 1])
        elif width == "64" and (symbol, int(number[1], 0) // INSTRUCTION) in starts:
            called.add(starts[symbol, int(number[1], 0) // INSTRUCTION])
    return called - {function}


def deepest(functions, starts, relocations):
    """{program: (bytes, path)}"""
    @functools.lru_cache(None)
    def below(function):
        paths = [below(each) for each in callees(function, functions, starts, relocations)]
        size, path = max(paths, default=(0, ()))
        own = frame(functions[function])
        return own + size, (f"{function} {own}",) + path
    return {program: below(program) for program in PROGRAMS}


def successors(index, text, following):
    target = re.search(r"goto ([+-](?:0x)?[0-9a-f]+)", text)
    jump = index + 1 + int(target[1], 0) if target else None
    if text.startswith("exit"):
        return []
    if text.startswith("goto"):
        return [(True, jump)]
    return [(False, following)] if jump is None else [(True, following), (True, jump)]


def loops_closed_by_falling(instructions):
    """Pairs of instructions: a walk in the verifier's order meets an open one by falling through."""
    order = sorted(instructions)
    following = dict(zip(order, order[1:]))
    edges = {i: [(jumps, to) for jumps, to in successors(i, instructions[i], following.get(i)) if to is not None]
             for i in order}
    open_, done, found, stack = {order[0]}, set(), [], [(order[0], iter(edges[order[0]]))]
    while stack:
        index, rest = stack[-1]
        for jumps, to in rest:
            if to in open_ and not jumps:
                found.append((index, to))
            if to not in open_ and to not in done:
                open_.add(to)
                stack.append((to, iter(edges[to])))
                break
        else:
            open_.discard(index)
            done.add(index)
            stack.pop()
    return found


def main(path):
    functions, starts, relocations = disassemble(path)
    failures = []
    for program, (size, calls) in deepest(functions, starts, relocations).items():
        print(f"{program}: {size} bytes of stack: {', '.join(calls)}")
        if size > STACK:
            failures.append(f"{program} needs {size} bytes of stack, kernel 6.1 gives {STACK}: {', '.join(calls)}")
    if len(deepest(functions, starts, relocations)["dw_ingress"][1]) < 3:
        failures.append("no calls were found in dw_ingress: has llvm-objdump's form changed?")
    for function, instructions in functions.items():
        for pair in loops_closed_by_falling(instructions):
            failures.append(f"{function}: instruction {pair[0]} falls into the loop at {pair[1]}")
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
