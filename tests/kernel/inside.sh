# SPDX-License-Identifier: BSD-3-Clause
# Runs in the guest: dishwalld with its programs on a device, then every test executable of
# /mnt/exchange/tests. What it says is shown by boot.py; results go to /mnt/exchange/NAME.xml.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin HOME=/root LANG=C.UTF-8
exchange=/mnt/exchange
cd $exchange
echo "==== Linux $(uname -r), $(nproc) CPUs, emulated"

echo "==== dishwalld"
ip link add eth0 type veth peer name isp0
ip link set isp0 up
ip link set eth0 up
cat >gateway.conf <<'END'
version 1
uplink dish {
    interface eth0
    prefix pd from dhcpv6-pd
}
policy inbound on dish {
    default drop
}
END
control=$(<build)/control
dishctl=($control/dishctl/dishctl --run-dir /run/dishwall)
$control/dishwalld --config gateway.conf --state-dir /tmp --run-dir /run/dishwall \
    --pin-dir /sys/fs/bpf/dishwall &
daemon=$!
while kill -0 $daemon && ! "${dishctl[@]}" status; do sleep 1; done 2>status.log
if /usr/bin/python3 verified.py $daemon; then
    touch enforced
fi
"${dishctl[@]}" unload
wait $daemon

# A twentieth of what runs on the machine itself, and no races: the emulator takes minutes for each.
export DISHWALL_CONVERSATION_PACKETS=50000 GTEST_FILTER=-ConcurrencyBpf*
# A daemon needs seconds to load its programs here (tests/control/daemon_lab.cc).
export DISHWALL_TEST_PATIENCE=10
while read -r name program; do
    echo "==== $name"
    # A test that hangs must not cost the others their turn.
    timeout 600 "$program" --gtest_output=xml:$exchange/$name.xml </dev/null 2>&1
    echo "==== $name: exit $?"
done <tests
echo "==== done"
