#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the table of `dishctl audit` from the tests, so that it cannot claim what nothing shows.

A test that shows a recommendation says so where its claim stands: `[REC-12]`, or `[REC-17 by option]` when it
needs an option of the rule file. In C++ the tag stands in a vector's claim, or in a string or comment of a
GoogleTest case (or right above it); in Python in a docstring or another string of a test. docs/rfc6092.json
adds only what tests cannot say: our titles, and why a recommendation does not apply.

usage: generate_audit.py DATA.json TESTS OUT.cc DEPFILE     the table as C++
       generate_audit.py --check DATA.json TESTS            exit 1 while anything is not met or does not fit
"""
import ast
import json
import os
import pathlib
import re
import sys

TAG = re.compile(r"\[REC-(\d+)((?:, ?REC-\d+)*)( by option)?\]")
LOOKS_LIKE_TAG = re.compile(r"\[REC-\d")
REQUIREMENT = re.compile(r"(R\d+|N\d+|language)\Z")
CPP_TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|R"(?P<delimiter>[^(\s]*)\((?P<raw>.*?)\)(?P=delimiter)"'
    r'|"(?P<string>(?:\\.|[^"\\\n])*)"'
    r"|(?<![0-9A-Za-z])'(?:\\.|[^'\\\n])'"
    r"|^(?P<test>TEST(?:_F|_P)?)\((?P<suite>\w+), *(?P<name>\w+)\)", re.DOTALL | re.MULTILINE)


def numbers_in(text):
    """(number, by option?) of every tag in a text."""
    for match in TAG.finditer(text):
        for number in re.findall(r"\d+", match[1] + match[2]):
            yield int(number), bool(match[3])


def without_tags(text):
    return re.sub(r" *" + TAG.pattern, "", text).strip()


class Scan:
    """What the tests claim: `shown` has (number, by option?, name of the test), `names` every test."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.shown, self.names, self.problems = [], set(), []
        self.read = []
        for path in sorted(self.root.rglob("*")):
            if path.is_dir() and path.name != "__pycache__":
                self.read.append(path)  # a file that is added or removed
            elif path.name == "meson.build":
                self.read.append(path)
            elif path.suffix in (".cc", ".py"):
                self.read.append(path)
                self.scan(path)

    def scan(self, path):
        text = path.read_text(encoding="utf-8")
        before = len(self.shown)
        (self.scan_cpp if path.suffix == ".cc" else self.scan_python)(path, text)
        place = path.relative_to(self.root.parent)
        if len(LOOKS_LIKE_TAG.findall(text)) != len(TAG.findall(text)):
            self.problems.append(f"{place}: a tag is written `[REC-12]`, `[REC-12, REC-14]` or "
                                 "`[REC-17 by option]`")
        if len(self.shown) - before != sum(1 for _ in numbers_in(text)):
            self.problems.append(f"{place}: a tag stands where it belongs to no test")
        if self.shown[before:] and not is_run(path):
            self.problems.append(f"{place}: has tags, but is not run: meson.build does not name it")
            del self.shown[before:]

    def note(self, text, test):
        self.names.add(test)
        self.shown += [(number, by_option, test) for number, by_option in numbers_in(text)]

    # ---- C++

    def scan_cpp(self, path, text):
        tokens = list(CPP_TOKEN.finditer(text))
        test = None
        for at, token in enumerate(tokens):
            if token["test"]:
                test = f"{token['suite']}.{token['name']}"
                self.names.add(test)
            elif token["comment"]:
                self.note_if_any(token["comment"], next_test(tokens, at, text) or test)
            elif literal(token) is not None:
                self.note_literal(tokens, at, text, test or path.stem)

    def note_if_any(self, text, test):
        if test and TAG.search(text):
            self.note(text, test)

    def note_literal(self, tokens, at, text, otherwise):
        """A vector's claim is the strings behind a requirement's name, up to the next brace."""
        requirement, claim = vector_claim(tokens, at, text)
        if requirement and literal(tokens[at]) != requirement:
            self.names.add(f"{requirement}: {without_tags(claim)}")
        test = f"{requirement}: {without_tags(claim)}" if requirement else otherwise
        self.note_if_any(literal(tokens[at]), test)

    # ---- Python

    def scan_python(self, path, text):
        self.visit(ast.parse(text, str(path)), [path.stem])

    def visit(self, node, scope):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                self.visit(child, [*scope, child.name])
            elif isinstance(child, ast.FunctionDef) and child.name.startswith("test_"):
                self.names.add(".".join([*scope, child.name]))
                self.visit(child, [*scope, child.name])
            elif isinstance(child, ast.Constant) and isinstance(child.value, str):
                in_table = len(scope) == 1 and "\n" not in child.value
                claim = f": {without_tags(child.value)}" if in_table else ""
                self.note_if_any(child.value, ".".join(scope) + claim)
            else:
                self.visit(child, scope)


def is_run(path):
    """A file that nobody builds shows nothing. Python's are found by their names (tests/run.py)."""
    if path.suffix == ".py":
        return path.name.startswith("test_")
    build = path.parent / "meson.build"
    return build.exists() and f"'{path.name}'" in build.read_text(encoding="utf-8")


def literal(token):
    return token["raw"] if token["raw"] is not None else token["string"]


def next_test(tokens, at, text):
    """The test that a comment stands right above of."""
    for here, there in zip(tokens[at:], tokens[at + 1:]):
        if text[here.end():there.start()].strip():
            return None
        if there["test"]:
            return f"{there['suite']}.{there['name']}"
        if not there["comment"]:
            return None
    return None


def vector_claim(tokens, at, text):
    parts = [literal(tokens[at])]
    for here in range(at, 0, -1):
        between = text[tokens[here - 1].end():tokens[here].start()]
        before = literal(tokens[here - 1])
        if before is None or re.search(r"[{};]", between):
            return None, ""
        if REQUIREMENT.match(before):
            return before, "".join(parts)
        parts[:0] = [before, "..." if re.search(r"\w", between.replace("std::string", "")) else ""]
    return None, ""


# ---- the table

def status_of(entry, shown):
    if any(not by_option for _, by_option, _ in shown):
        return "met"
    if shown:
        return "met_by_option"
    return "not_applicable" if entry.get("not_applicable") else "not_met"


def table(data, scan):
    """(entry, status, names of the tests) of each recommendation."""
    for entry in data["recommendations"]:
        shown = [each for each in scan.shown if each[0] == entry["number"]]
        status = status_of(entry, shown)
        tests = sorted({test for _, by_option, test in shown if not by_option or status == "met_by_option"})
        yield entry, status, tests or entry.get("see", [])


def problems_of(data, scan):
    yield from scan.problems
    numbers = [entry["number"] for entry in data["recommendations"]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield "the recommendations are not numbered from 1 without a gap"
    for number, _, test in scan.shown:
        if number not in numbers:
            yield f"{test}: there is no REC-{number}"
    for entry, status, tests in table(data, scan):
        name = f"REC-{entry['number']} ({entry['title']})"
        if status == "not_met":
            yield f"{name} is not met: no test shows it"
        if entry.get("not_applicable") and status != "not_applicable":
            yield f"{name} is said not to apply, but is shown by {', '.join(tests)}"
        for test in entry.get("see", []):
            if test not in scan.names:
                yield f"{name} names a test that is gone: {test}"


def as_cpp(data, scan):
    text = json.dumps  # an ASCII string of JSON is one of C++
    arrays, rows = [], []
    for entry, status, tests in table(data, scan):
        number = entry["number"]
        if tests:
            arrays.append(f"constexpr const char* kTests{number}[] = {{{', '.join(map(text, tests))}}};")
        rows.append(f"    {{{number}, {text(entry['title'])}, AuditStatus::{status}, "
                    f"{text(entry.get('not_applicable', ''))}, {f'kTests{number}' if tests else '{}'}}},")
    return "\n".join([
        "// Made by control/dishctl/generate_audit.py from the tests.",
        '#include "control/dishctl/audit.h"', "", "namespace dishwall {", "namespace {", "", *arrays, "",
        "constexpr Recommendation kTable[] = {", *rows, "};", "", "}  // namespace", "",
        "std::span<const Recommendation> rfc6092() { return kTable; }", "", "}  // namespace dishwall", ""])


def main(arguments):
    check = arguments[:1] == ["--check"]
    data_path, tests, *outputs = arguments[1:] if check else arguments
    data = json.loads(pathlib.Path(data_path).read_text(encoding="utf-8"))
    scan = Scan(tests)
    if check:
        problems = list(problems_of(data, scan))
        summary = f"{len(data['recommendations'])} recommendations, {len(problems)} problems"
        print("\n".join([*problems, summary]))
        return 1 if problems else 0
    out, depfile = outputs
    pathlib.Path(out).write_text(as_cpp(data, scan), encoding="utf-8")
    pathlib.Path(depfile).write_text(
        f"{os.path.basename(out)}: " + " ".join(str(path).replace(" ", "\\ ") for path in scan.read) + "\n",
        encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
