# SPDX-License-Identifier: BSD-3-Clause
# Runs in the guest: dishwalld with its programs on a device, dishwall-inspect beside it, then every test executable
# of /mnt/exchange/tests. What it says is shown by boot.py; results go to /mnt/exchange/NAME.xml.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin HOME=/root LANG=C.UTF-8
exchange=/mnt/exchange
cd $exchange
echo "==== Linux $(uname -r), $(nproc) CPUs, emulated"

echo "==== dishwalld"
# The line's end is in a namespace, the server's address here.
ip netns add isp
ip link add eth0 type veth peer name isp0 netns isp
ip -n isp link set isp0 up
ip link set eth0 up
ip link add br-lan type dummy
ip link set br-lan up
ip address add 2001:db8:2200:1::10/64 dev br-lan nodad
ip route add unreachable 2001:db8:2200::/56 proto dhcp
ip -n isp address add 2001:db8:9::1/64 dev isp0 nodad
sleep 2
link_local() { ip -6 -o "$@" scope link | sed -E 's,.*inet6 ([^/]*)/.*,\1,'; }
ip -n isp route add 2001:db8:2200::/56 via $(link_local address show dev eth0) dev isp0
ip route add default via $(link_local -n isp address show dev isp0) dev eth0
inspects= signatures=
if [ -x $(<build)/control/inspector/dishwall-inspect ]; then
    inspects='inspect web' signatures='signatures web = file "web.hs" both-directions'
fi
echo '17:/attack-[0-9]{4}/' >web.hs
cat >gateway.conf <<END
version 1
uplink dish {
    interface eth0
    prefix pd from dhcpv6-pd
    documentation-prefixes allow
}
network lan = dish.pd subnet 0x1 on br-lan
host server = lan ::10
$signatures
policy inbound on dish {
    default drop
    accept tcp 8080 to server $inspects name strict
}
END
control=$(<build)/control
dishctl=($control/dishctl/dishctl --run-dir /run/dishwall)
$control/dishwalld --config gateway.conf --state-dir /tmp --run-dir /run/dishwall \
    --pin-dir /sys/fs/bpf/dishwall --inspect-workers 2 &
daemon=$!
while kill -0 $daemon && ! "${dishctl[@]}" status; do sleep 1; done 2>status.log
if /usr/bin/python3 verified.py $daemon; then
    touch enforced
fi
if [ "$inspects" ]; then
    echo "==== dishwall-inspect"
    timeout 400 /usr/bin/python3 inspected.py $(<build) && touch inspected
fi
"${dishctl[@]}" unload
wait $daemon

# A twentieth of what runs on the machine itself, and no races: the emulator takes minutes for each.
export DISHWALL_CONVERSATION_PACKETS=50000 GTEST_FILTER=-ConcurrencyBpf*:*.LosesNoneOfManyFrames
# A daemon needs seconds to load its programs here (tests/control/daemon_lab.cc).
export DISHWALL_TEST_PATIENCE=10
while read -r name program; do
    echo "==== $name"
    # A test that hangs must not cost the others their turn.
    timeout 600 "$program" --gtest_output=xml:$exchange/$name.xml </dev/null 2>&1
    echo "==== $name: exit $?"
done <tests
echo "==== done"
