#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# The first program of the guest (boot.py): this machine's root, read-only over 9p, under a tmpfs, with the
# guest kernel's modules bound in; then inside.sh in it. The other modules load themselves when asked for.
/bin/busybox --install -s /bin
export PATH=/bin
# Who asks for a module is the kernel, and what it runs is here, not in the root below.
mkdir -p /sbin
printf '#!/bin/busybox sh\nexec /bin/busybox chroot /root /sbin/modprobe "$@"\n' >/sbin/modprobe
chmod 755 /sbin/modprobe
mkdir -p /proc /sys /dev /host /rw /root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
options=trans=virtio,version=9p2000.L,msize=262144
mount -t 9p -o $options,ro,cache=loose host /host || echo "init: cannot mount the host's root"
mount -t tmpfs rw /rw
mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work overlay /root
mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys
mount -t bpf bpf /root/sys/fs/bpf
mount -t devtmpfs dev /root/dev
for place in run tmp var/tmp mnt; do mount -t tmpfs $place /root/$place; done
. /settings
# What the host keeps under /tmp (a build directory, say) stays in sight.
mkdir -p "/root$BUILD" "/root/mnt/exchange" /root/lib/modules
mount --bind "/host$BUILD" "/root$BUILD"
mount --bind "/host$MODULES" /root/lib/modules
mount -t 9p -o $options exchange /root/mnt/exchange
ip link set lo up
chroot /root /bin/bash /mnt/exchange/inside.sh
poweroff -f
