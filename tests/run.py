#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dishwall test: runs every kind of test there is and adds up what they really did.

meson's own summary counts executables, which hides how much was tested, so GoogleTest cases are counted from
its JUnit log, end-to-end tests and subtests one by one, a fuzz target as one result. The last line of output
is "N passed, N failed"; the exit status is 0 only if nothing failed and something passed.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TESTS)
BUILD = os.path.abspath(os.environ.get("DISHWALL_BUILD") or os.path.join(ROOT, "build"))
FUZZ_BUILD, SANITIZED_BUILD = BUILD + "-fuzz", BUILD + "-sanitize"
CLANG = {"CC": "clang", "CXX": "clang++"}
NO_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1",
                     "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# Some fuzzers have further to go: so many times as long.
FUZZ_LONGER = {"fuzz_packet": 3}
# Of the end-to-end tests, those that take the daemon through the most of its code.
SANITIZED_E2E = ("test_lifecycle", "test_bad_input", "test_renumbering", "test_renumbering_series",
                 "test_devices")

sys.path.insert(0, TESTS)
from kernel import boot  # noqa: E402 (the tests' own modules)


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []

    def add(self, name, ok):
        if ok:
            self.passed += 1
        else:
            self.failures.append(name)

    def summary(self):
        for name in self.failures:
            print(f"FAILED  {name}")
        print(f"{self.passed} passed, {len(self.failures)} failed", flush=True)


def heading(text):
    print(f"\n==== {text}", flush=True)


# ---- tests that meson knows

def meson_suite(tally, label, selection, build=BUILD, prefix=(), env=None):
    """`meson test`, and what it ran counted case by case from its JUnit log."""
    heading(label)
    logs = [os.path.join(build, "meson-logs", name) for name in ("testlog.json", "testlog.junit.xml")]
    for path in logs:
        if os.path.exists(path):
            os.unlink(path)  # meson leaves the last run's when no test was selected
    done = subprocess.run([*prefix, "meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs",
                           "--timeout-multiplier", "4", *selection], check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(env or {})})
    failed_before = len(tally.failures)
    if all(map(os.path.exists, logs)):
        count_cases(tally, logs[1])
        count_executables(tally, logs[0], tally.failures[failed_before:])
    if len(tally.failures) == failed_before and done.returncode != 0:
        tally.add(f"{label}: meson test exited {done.returncode}", False)


def count_cases(tally, junit):
    """GoogleTest cases one by one; a test without cases is one case in this log."""
    for case in xml.parse(junit).getroot().iter("testcase"):
        if case.find("skipped") is None and case.get("status") != "notrun":
            ok = case.find("failure") is None and case.find("error") is None
            tally.add(f"{case.get('classname') or ''}.{case.get('name')}".lstrip("."), ok)


def count_executables(tally, log_path, failed_cases):
    """A crash, a leak report or a time-out is a failure that no case of the executable may tell of."""
    with open(log_path, encoding="utf-8") as log:
        for test in map(json.loads, log):
            name = test["name"].rpartition(" / ")[2]
            told = any(re.search(rf"\b{re.escape(name)}\b", case) for case in failed_cases)
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not told:
                tally.add(f"{name}: {test['result'].lower()}", False)


def unit(tally):
    prefix = NO_CAPABILITIES if os.geteuid() == 0 else ()
    meson_suite(tally, "unit tests, without any capability", ["--no-suite", "root"], prefix=prefix)


def root(tally):
    meson_suite(tally, "unit tests that load BPF programs or make namespaces", ["--suite", "root"])


# ---- end to end

def e2e(tally, only=None, label="end-to-end tests in network namespaces"):
    heading(label)
    names = only or sorted(os.path.basename(path)[:-3] for path in glob.glob(f"{TESTS}/e2e/test_*.py"))
    suite = unittest.TestLoader().loadTestsFromNames([f"e2e.{name}" for name in names])
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Counting).run(suite)
    for test in [test for test, _ in result.failures + result.errors] + result.unexpectedSuccesses:
        tally.add(str(test), False)
    tally.passed += result.good


class Counting(unittest.TextTestResult):
    """Subtests are results of their own: a table of thirty packets is thirty claims."""
    good = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.good += 1

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        self.good += error is None


# ---- other builds

def other_build(tally, directory, options, targets, env=None):
    """Another flavour of the build, of only the targets (paths) that `targets(directory)` returns.

    False when that failed.
    """
    def dishwall_build(*words):
        return subprocess.run([os.path.join(ROOT, "dishwall"), "build", *words], check=False,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, **(env or {}), "DISHWALL_BUILD": directory}).returncode == 0

    ok = dishwall_build(*options, "--", "build.ninja")
    wanted = [os.path.relpath(path, directory) for path in targets(directory)] if ok else []
    ok = ok and bool(wanted) and dishwall_build("--", *wanted)
    if not ok:
        tally.add(f"build of {os.path.basename(directory)}", False)
    return ok


def introspect(directory, what):
    done = subprocess.run(["meson", "introspect", f"--{what}", directory], check=True, capture_output=True,
                          text=True)
    return json.loads(done.stdout)


def fuzz_targets(directory):
    return [target["filename"][0] for target in introspect(directory, "targets")
            if target["type"] == "executable" and target["name"].startswith("fuzz_")]


def fuzz(tally, seconds):
    heading(f"fuzzers, {seconds} s or more each, with ASan and UBSan")
    if fuzz_build(tally):
        # One a processor; those that take longest first.
        targets = sorted(fuzz_targets(FUZZ_BUILD), key=lambda path: -FUZZ_LONGER.get(os.path.basename(path), 1))
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for name, ok in pool.map(lambda target: fuzz_target(target, seconds), targets):
                tally.add(f"fuzz {name}", ok)


def fuzz_build(tally):
    return other_build(tally, FUZZ_BUILD, ["-Dfuzz=true"], fuzz_targets, CLANG)


def fuzz_target(target, seconds):
    """Its name, and whether it found nothing."""
    name = os.path.basename(target)
    seconds *= FUZZ_LONGER.get(name, 1)
    seeds = [path for path in (os.path.join(TESTS, "fuzz", "corpus", name),) if os.path.isdir(path)]
    with tempfile.TemporaryDirectory(prefix="dw-fuzz-") as found:
        done = subprocess.run([target, f"-max_total_time={seconds}", "-timeout=10", "-print_final_stats=1",
                               f"-artifact_prefix={found}/", found, *seeds], check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              errors="replace", env={**os.environ, **SANITIZER_OPTIONS})
        runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
        ok = done.returncode == 0 and runs is not None and int(runs.group(1)) > 0
        print(f"{name}: {runs.group(1) if runs else 'no'} inputs, {'clean' if ok else 'FAILED'}", flush=True)
        if not ok:
            print(done.stdout[-6000:])
            keep_findings(found)
    return name, ok


def keep_findings(found):
    kinds = ("crash", "timeout", "leak", "oom")
    for path in (path for kind in kinds for path in glob.glob(f"{found}/{kind}-*")):
        kept = os.path.join(FUZZ_BUILD, os.path.basename(path))
        shutil.copy(path, kept)
        print(f"the input is kept in {kept}")


def sanitized_targets(directory):
    """The programs, what the lab needs, and the tests that need no root with what they need themselves."""
    programs = [target["filename"][0] for target in introspect(directory, "targets")
                if target["name"] in ("dishwalld", "dishctl", "own-watch", "pass.bpf.o")]
    tests = [test["cmd"][0] for test in introspect(directory, "tests")
             if not any(suite.endswith("root") for suite in test["suite"])]
    return programs + [path for path in tests if path.startswith(directory)]


def sanitized_build(tally):
    # By clang and without optimisation: a file takes half of what g++ needs for it.
    options = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=0"]
    return other_build(tally, SANITIZED_BUILD, options, sanitized_targets, CLANG)


def sanitize(tally):
    heading("again under ASan and UBSan")
    if not sanitized_build(tally):
        return
    # How long large files take is a question for the build that people run.
    meson_suite(tally, "unit tests under ASan and UBSan", ["--no-suite", "root"], build=SANITIZED_BUILD,
                env={**SANITIZER_OPTIONS, "GTEST_FILTER": "-Time.*"})
    os.environ.update(SANITIZER_OPTIONS, DISHWALL_BUILD=SANITIZED_BUILD)
    e2e(tally, SANITIZED_E2E, "dishwalld under ASan and UBSan, end to end")
    os.environ["DISHWALL_BUILD"] = BUILD


# ---- builds ahead of their turn

def start_early(subsets):
    """The other builds, by what the tests leave of the processors: those on a line mostly wait, for minutes.

    In the idle class of the scheduler whatever a test does comes first. What goes wrong shows when the build's own
    turn comes: it is asked for again, and has nothing to do when all is well.
    """
    return subprocess.Popen(["chrt", "--idle", "0", sys.executable, os.path.abspath(__file__), "--only-build",
                             *subsets], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


OTHER_BUILDS = {"fuzz": fuzz_build, "sanitize": sanitized_build}


# ---- another kernel

def other_kernel(tally, name, minutes):
    """What of suite `root` are GoogleTest programs, on another kernel."""
    heading(f"the tests that load BPF programs, on the kernel of {name}")
    programs = {test["name"]: test["cmd"][0] for test in introspect(BUILD, "tests")
                if test["protocol"] == "gtest" and any(suite.endswith("root") for suite in test["suite"])}
    claims, logs = boot.run_tests(name, BUILD, programs, minutes)
    for claim, held in claims:
        tally.add(claim, held)
    for test, log in logs.items():
        if log:
            count_cases(tally, log)
        else:
            tally.add(f"{test} did not come to its end", False)


SUBSETS = {
    "unit": "GoogleTest and other meson tests that need no privilege, run without any",
    "root": "meson tests that load BPF programs (suite 'root')",
    "e2e": "scenarios on a whole line in network namespaces",
    "fuzz": "each libFuzzer target for a short time",
    "sanitize": "the unit tests and the daemon end to end under ASan and UBSan",
}


def main():
    described = "\n".join(f"  {name:<9} {text}" for name, text in SUBSETS.items())
    parser = argparse.ArgumentParser(prog="./dishwall test", formatter_class=argparse.RawTextHelpFormatter,
                                     description="Runs the tests; without a subset, all of them.",
                                     epilog=f"subsets:\n{described}\n\nmore: tests/README.md")
    parser.add_argument("subset", nargs="*", choices=[[], *SUBSETS], metavar="SUBSET",
                        help="any of: " + " ".join(SUBSETS))
    parser.add_argument("--fuzz-seconds", type=int, default=20, metavar="N", help="time for each fuzz target")
    parser.add_argument("--only", metavar="MODULE", action="append",
                        help="with e2e: just this file of tests/e2e, such as test_lifecycle")
    parser.add_argument("--kernel", choices=list(boot.PACKAGES),
                        help="nothing but the tests that load BPF programs, on this kernel: Debian's own\n"
                             "linux-image-amd64 (6.1), booted by qemu under software emulation with this\n"
                             "machine's root, read-only, as its root; takes some minutes, needs no KVM")
    parser.add_argument("--only-build", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--kernel-minutes", type=int, default=30, metavar="N", help="the longest it may take")
    arguments = parser.parse_args()

    tally, took = Tally(), []
    if arguments.only_build:
        for name in arguments.subset:
            OTHER_BUILDS[name](tally)
        return 1 if tally.failures else 0
    if arguments.kernel:
        other_kernel(tally, arguments.kernel, arguments.kernel_minutes)
    chosen = [] if arguments.kernel else arguments.subset or list(SUBSETS)
    early = None
    for name in SUBSETS:
        if name in chosen:
            began = time.monotonic()
            if name in ("root", "e2e") and not early and set(OTHER_BUILDS) & set(chosen):
                early = start_early([other for other in OTHER_BUILDS if other in chosen])
            elif name in OTHER_BUILDS and early:
                early.wait()
            {"unit": unit, "root": root, "e2e": lambda t: e2e(t, arguments.only),
             "fuzz": lambda t: fuzz(t, arguments.fuzz_seconds), "sanitize": sanitize}[name](tally)
            took.append(f"{name} {time.monotonic() - began:.0f} s")
    heading("summary: " + ", ".join(took))
    tally.summary()
    return 1 if tally.failures or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
