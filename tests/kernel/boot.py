# SPDX-License-Identifier: BSD-3-Clause
"""./dishwall test --kernel debian: the tests that load BPF programs, on Debian 12's own kernel (6.1),
whatever kernel this machine runs.

The kernel's package comes from apt-get and is unpacked, not installed; qemu boots it under software
emulation, so nothing of this machine is needed or touched: its root is the guest's root, read-only, under a
tmpfs. That takes some minutes. By hand, not in CI.

    build/kernel/            the package, unpacked, and what the last run left: console.log, exchange/*.xml
"""
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from lab.run import die_with_parent

HERE = os.path.dirname(os.path.abspath(__file__))
BUSYBOX = "/bin/busybox"
PACKAGES = {"debian": "linux-image-amd64"}
# Without these the guest cannot reach its root, where all others are.
NEEDED_TO_BOOT = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
NOISE = re.compile(r"\[ RUN      \]|\[-{10}\]|^\s*$|BIOS|iPXE|Booting from")
TERMINAL_CODES = re.compile(r"\x1b(c|\[[0-9;?]*[A-Za-z])")


class KernelError(Exception):
    """The guest could not be made; not a failed test."""


def tell(text):
    print(text, flush=True)


def run(*command, **options):
    done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, text=True,
                          **options)
    if done.returncode != 0:
        raise KernelError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


# ---- the kernel

def image_package(meta):
    """The package that the meta package stands for today, such as linux-image-6.1.0-56-amd64."""
    for line in run("apt-cache", "depends", meta).splitlines():
        if line.strip().startswith("Depends: linux-image-"):
            return line.split()[-1]
    raise KernelError(f"apt-cache knows no kernel behind {meta}; is this Debian on amd64? "
                      "try: apt-get update")


def unpacked_kernel(name, cache):
    """Where the package's files are, downloaded and unpacked when they are not yet."""
    package = image_package(PACKAGES[name])
    directory = os.path.join(cache, package)
    if os.path.isdir(directory):
        return directory
    tell(f"kernel: downloading {package} into {cache}, about 70 MB")
    run("apt-get", "download", package, cwd=cache)
    [archive] = glob.glob(os.path.join(cache, f"{package}_*.deb"))
    tell("kernel: unpacking it")
    partial = os.path.join(cache, "partial")
    shutil.rmtree(partial, ignore_errors=True)
    run("dpkg-deb", "-x", archive, partial)
    [version] = os.listdir(os.path.join(partial, "lib", "modules"))
    run("depmod", "-b", partial, version)
    os.rename(partial, directory)
    os.unlink(archive)
    return directory


def boot_modules(kernel):
    """Files of NEEDED_TO_BOOT and what they depend on, in the order to load them."""
    [version] = os.listdir(os.path.join(kernel, "lib", "modules"))
    files = []
    for module in NEEDED_TO_BOOT:
        for line in run("modprobe", "--show-depends", "-d", kernel, "-S", version, module).splitlines():
            path = line.split()[1] if line.startswith("insmod") else None
            if path and path not in files:
                files.append(path)
    return files


def make_initramfs(kernel, build, target):
    """busybox, init.sh, the modules to boot with, and what init.sh must know."""
    with tempfile.TemporaryDirectory() as tree:
        for name in ("bin", "modules"):
            os.mkdir(os.path.join(tree, name))
        shutil.copy(BUSYBOX, os.path.join(tree, "bin"))
        shutil.copy(os.path.join(HERE, "init.sh"), os.path.join(tree, "init"))
        os.chmod(os.path.join(tree, "init"), 0o755)
        files = boot_modules(kernel)
        for path in files:
            shutil.copy(path, os.path.join(tree, "modules"))
        with open(os.path.join(tree, "modules", "order"), "w", encoding="utf-8") as order:
            order.writelines(os.path.basename(path) + "\n" for path in files)
        with open(os.path.join(tree, "settings"), "w", encoding="utf-8") as settings:
            settings.write(f"BUILD='{build}'\nMODULES='{kernel}/lib/modules'\n")
        names = "".join(f"{os.path.relpath(os.path.join(top, name), tree)}\n"
                        for top, below, inside in os.walk(tree) for name in below + inside)
        archive = subprocess.run([BUSYBOX, "cpio", "-o", "-H", "newc"], cwd=tree, input=names.encode(),
                                 capture_output=True, check=True).stdout
    with gzip.open(target, "wb", 1) as file:
        file.write(archive)


# ---- the guest

def qemu(kernel, initramfs, exchange):
    [image] = glob.glob(os.path.join(kernel, "boot", "vmlinuz-*"))
    share = "local,path={},mount_tag={},security_model=none,multidevs=remap"
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "3G", "-smp", "2",
            "-nographic", "-no-reboot", "-nic", "none", "-monitor", "none", "-serial", "stdio",
            "-virtfs", share.format("/", "host") + ",readonly=on",
            "-virtfs", share.format(exchange, "exchange"),
            "-kernel", image, "-initrd", initramfs,
            "-append", "console=ttyS0 quiet panic=-1"]


def follow(guest, log, deadline):
    """Shows what the guest says, line by line, until it ends; False when it was ended for being too slow."""
    os.set_blocking(guest.stdout.fileno(), False)
    began, rest = time.monotonic(), b""
    while True:
        data = guest.stdout.read()
        if data is None:
            if time.monotonic() > deadline:
                guest.kill()
                guest.wait()
                return False
            time.sleep(0.2)
            continue
        if not data:
            guest.wait()
            return True
        log.write(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            line = TERMINAL_CODES.sub("", line.decode("utf-8", "replace")).rstrip()
            if not NOISE.search(line):
                tell(f"{time.monotonic() - began:5.0f} s | {line}")


def boot(kernel, build, cache, exchange, minutes):
    initramfs = os.path.join(cache, "initramfs.gz")
    make_initramfs(kernel, build, initramfs)
    with open(os.path.join(cache, "console.log"), "wb") as log, \
            subprocess.Popen(qemu(kernel, initramfs, exchange), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             preexec_fn=die_with_parent) as guest:
        try:
            return follow(guest, log, time.monotonic() + 60 * minutes)
        finally:
            guest.kill()


def run_tests(name, build, programs, minutes):
    """Boots the kernel and runs the test programs, a dict of name: path, in it.

    Returns [(claim, held)] about the guest itself, and {name: path of its JUnit log, if it wrote one}.
    """
    cache = os.path.join(build, "kernel")
    os.makedirs(cache, exist_ok=True)
    kernel = unpacked_kernel(name, cache)
    exchange = os.path.join(cache, "exchange")
    shutil.rmtree(exchange, ignore_errors=True)
    os.mkdir(exchange)
    for script in ("inside.sh", "inspected.py", "verified.py"):
        shutil.copy(os.path.join(HERE, script), exchange)
    with open(os.path.join(exchange, "tests"), "w", encoding="utf-8") as tests:
        tests.writelines(f"{test} {path}\n" for test, path in programs.items())
    with open(os.path.join(exchange, "build"), "w", encoding="utf-8") as file:
        file.write(build + "\n")
    tell(f"kernel: booting {os.path.basename(kernel)} under emulation, at most {minutes} minutes")
    in_time = boot(kernel, build, cache, exchange, minutes)
    claims = [(f"the guest was done within {minutes} minutes", in_time),
              ("dishwalld's programs are verified and enforced",
               os.path.exists(os.path.join(exchange, "enforced")))]
    if os.path.exists(os.path.join(build, "control", "inspector", "dishwall-inspect")):
        claims.append(("dishwall-inspect looks into packets there, with two workers",
                       os.path.exists(os.path.join(exchange, "inspected"))))
    logs = {test: os.path.join(exchange, f"{test}.xml") for test in programs}
    return claims, {test: path if os.path.exists(path) else None for test, path in logs.items()}


if __name__ == "__main__":
    sys.exit("run: ./dishwall test --kernel debian")
