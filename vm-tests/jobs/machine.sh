# shellcheck shell=sh
# machine.sh: what only a kernel of its own shows. After system.sh.
in=/run/job/in

# --- modules
loaded() { [ -e "/sys/module/$(echo "$1" | tr - _)" ]; }
loads() { modprobe "$1"; loaded "$1"; }
for module in cramfs freevxfs jffs2 hfs hfsplus usb-storage; do
    if modinfo -F filename "$module" >/dev/null 2>&1; then
        gains "module-refused-$module" refuses loads "$module"
    else    # this kernel has none: what modprobe would do is all that can be asked
        gains "module-refused-$module" is "$(modprobe -n -v "$module" 2>&1)" 'install /bin/true '
    fi
done
mount_hfsplus() { mount -t hfsplus /run/job/in/udf.img /mnt; lsmod | grep -w hfsplus; }
rmmod hfsplus 2>/dev/null
gains module-refused-on-mount refuses mount_hfsplus
keeps module-loads-udf loads udf
mounts_udf() { mount -t udf -o ro,loop "$in/udf.img" /mnt && ls /mnt; findmnt -n -o FSTYPE /mnt | grep -x udf; }
if [ -e "$in/udf.img" ]; then
    keeps udf-mounts mounts_udf
    umount /mnt
else
    skipped udf-mounts "no udf image was made: udftools is missing on the machine that runs this"
fi
keeps module-loads-overlay loads overlay
overlay_works() (
    mkdir -p /run/layers && cd /run/layers && mkdir -p low up work all && echo below >low/file &&
        mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work all &&
        echo above >all/file && grep -q below low/file && grep above up/file && umount all
)
keeps overlay-mounts overlay_works

# --- mandatory access control
if [ -e /sys/module/apparmor/parameters/enabled ]; then
    keeps apparmor-enabled is "$(cat /sys/module/apparmor/parameters/enabled)" Y
    sort /sys/kernel/security/apparmor/profiles >apparmor.txt
    keeps apparmor-enforces grep 'ntpd (enforce)' apparmor.txt
else
    skipped apparmor-enabled "this kernel has no AppArmor"
fi
keeps unit-active-ntp systemctl is-active ntp

# --- what a node's container engine does
iptables_nat() {
    iptables -t nat -A POSTROUTING -s 10.244.0.0/16 -m comment --comment pods -j MASQUERADE &&
        iptables -t nat -S POSTROUTING | grep 10.244.0.0
}
keeps iptables-nat iptables_nat
bridge_netfilter() {
    modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1 &&
        ip link add cni0 type bridge && ip addr add 10.244.0.1/24 dev cni0 && ip link set cni0 up &&
        ip link add pod0 type veth peer name pod1 && ip link set pod0 master cni0 &&
        [ "$(sysctl -n net.bridge.bridge-nf-call-iptables)" = 1 ]
}
keeps bridge-netfilter bridge_netfilter
forwarding_on() {
    printf 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n' >/etc/sysctl.d/99-kubernetes.conf
    sysctl --system >/dev/null
    sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | tr '\n' ' ' | grep '1 1'
}
keeps forwarding-can-be-switched-on forwarding_on
# Two network namespaces as two pods; a packet goes through this machine.
pods_talk() {
    ip netns add a && ip netns add b || return 1
    n=1
    for pod in a b; do
        ip link add "v$pod" type veth peer name eth0 netns $pod && ip addr add 10.99.$n.1/24 dev "v$pod" &&
            ip link set "v$pod" up && ip -n $pod addr add 10.99.$n.2/24 dev eth0 &&
            ip -n $pod link set eth0 up && ip -n $pod link set lo up &&
            ip -n $pod route add default via 10.99.$n.1 || return 1
        n=$((n + 1))
    done
    ip netns exec b /usr/sbin/sshd -o PidFile=/run/sshd-pod.pid || return 1
    # shellcheck disable=SC2317 # called by eventually
    hears() { ip netns exec a timeout 60 bash -c 'exec 3<>/dev/tcp/10.99.2.2/22; head -c 4 <&3'; }
    eventually 10 hears
    ended=$?
    kill "$(cat /run/sshd-pod.pid)"
    return $ended
}
keeps forwarding-between-pods pods_talk

if command -v crun >/dev/null; then
    mkdir -p bundle/rootfs/bin
    cp "$in/busybox" bundle/rootfs/bin/ && ln -s busybox bundle/rootfs/bin/sh
    cp "$in/container.json" bundle/config.json
    container() { timeout 120 crun run --bundle bundle "pod-$$"; }
    container >container.txt 2>&1
    cat container.txt
    said() { cat container.txt; grep -qx "$1" container.txt; }
    keeps container-starts said started
    keeps container-seccomp-active said 'Seccomp:.2'
    keeps container-seccomp-bites said mkdir-refused
    keeps container-shm-runs-programs said ran-from-shm
    rm -rf bundle
else
    skipped container-starts "crun could not be fetched for this root"
fi
