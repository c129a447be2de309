#!/bin/sh
# init.sh: process 1 of a test machine until its own init takes over (see initrd.sh and boot.sh).
#
# It mounts the disk, sets up the network, unpacks the job and plants the unit that runs it in
# /run, so nothing is written to the image under test. Words on the kernel's command line:
#
#   root=DEVICE      the image
#   job.in=DEVICE    a tar with a script `run` and its data: /run/job/in in the machine
#   job.out=DEVICE   where a tar of what the job left in its directory is written at the end
#   job.unit=NAME    run the job only after this unit (default multi-user.target)
#   job.init=1       the job is process 1 of the image: no other init is started
#   job.hello=1      say that a kernel booted, and power off
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
read -r line </proc/cmdline
word() { for w in $line; do case $w in "$1="*) echo "${w#*=}" ;; esac; done; }
off() {
    sync
    poweroff -f
    sleep 60
}
if [ -n "$(word job.hello)" ]; then
    echo "test machine: hello"
    off
fi
for module in /ko/*.ko; do insmod "$module" || echo "init: cannot load $module"; done

root=$(word root) in=$(word job.in) out=$(word job.out) tries=0
while [ ! -b "$root" ] && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
if ! mount -t ext4 -o rw "$root" /root; then
    echo "init: cannot mount $root"
    off
fi
ip link set lo up
if ip link set eth0 up 2>/dev/null; then
    ip addr add 10.0.2.15/24 dev eth0
    ip route add default via 10.0.2.2
fi
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /root/run
if [ -n "$in" ]; then
    mkdir /root/run/job
    mount -t tmpfs -o mode=700 tmpfs /root/run/job
    mkdir /root/run/job/in /root/run/job/out
    tar -C /root/run/job/in -xf "$in" || echo "init: cannot read the job from $in"
fi

if [ -n "$(word job.init)" ]; then
    for dir in proc sys dev; do mount -o move /$dir /root/$dir; done
    exec switch_root /root /bin/sh /run/job/in/run
fi
if [ -n "$in" ]; then
    units=/root/run/systemd/system after=$(word job.unit)
    # The job writes its own end, whatever becomes of the rest of the system.
    job() {
        cat <<UNIT
[Unit]
Description=Job of the test machine
$1
[Service]
Type=simple
WorkingDirectory=/run/job/out
ExecStart=/bin/sh -c 'exec /bin/sh /run/job/in/run >/run/job/out/log 2>&1'
ExecStopPost=-/bin/sh -c 'echo "\$EXIT_CODE \$EXIT_STATUS" >/run/job/out/result; tar -cf $out -C /run/job/out .; sync; systemctl poweroff -ff'
UNIT
    }
    for target in multi-user emergency rescue; do mkdir -p "$units/$target.target.wants"; done
    job "After=${after:-multi-user.target}" >"$units/test-job.service"
    # A machine that fails to boot has neither: it reports all the same.
    job DefaultDependencies=no >"$units/test-job-rescue.service"
    ln -s ../test-job.service "$units/multi-user.target.wants/"
    ln -s ../test-job-rescue.service "$units/emergency.target.wants/"
    ln -s ../test-job-rescue.service "$units/rescue.target.wants/"
fi
umount /proc /sys
mount -o move /dev /root/dev
exec switch_root /root /sbin/init
