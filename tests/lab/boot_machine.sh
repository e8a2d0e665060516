#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# boot_machine.sh DIRECTORY NAME: this machine's own root as a machine of its own, whose first process is systemd
# (machine.py). DIRECTORY/installed and all that is written lie in a tmpfs over that root, so nothing of this machine
# changes. To be started in the network namespace of the new machine, and in mount, UTS and IPC namespaces of its own.
set -euo pipefail
directory=$1 name=$2
root=$directory/root

if [ "${3:-}" != inside ]; then
    # systemd puts each service into a control group of its own, below the one that it is started in.
    mount -t tmpfs machine "$root"
    mkdir "$root"/{cgroup,work,root}
    cp -a "$directory/installed" "$root/upper"
    mount -t cgroup2 cgroup2 "$root/cgroup"
    mkdir "$root/cgroup/$name"
    echo $$ >"$root/cgroup/$name/cgroup.procs"
    exec unshare --cgroup --pid --fork --kill-child bash "$0" "$directory" "$name" inside
fi

mount -t overlay overlay "$root/root" -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work"
cd "$root/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm dev/pts
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
mkdir tmp/old
pivot_root . tmp/old
umount -l /tmp/old
exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=lab.target
