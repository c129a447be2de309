#!/bin/sh
# boot.sh -k KERNEL_DIR -r INITRD -i IMAGE [OPTION…]: boots a disk image in a virtual machine.
#
#   -j JOB -o OUT  run a job: JOB is a directory with a shell script `run` and what it needs. It
#                  runs as root once the machine is up, in an empty directory, with JOB at
#                  /run/job/in. What it leaves there comes back in OUT, beside `log` (what it
#                  printed), `result` and `serial`. Then the machine is switched off.
#                  Without a job the machine stays up until it is switched off from inside.
#   -w             keep what the machine writes; by default IMAGE stays as it is
#   -s PORT        127.0.0.1:PORT leads to the machine's port 22
#   -A kvm|tcg     how to run; by default what accelerator.sh finds
#   -a WORDS       more words for the kernel (init.sh tells those of the job)
#   -d OPTIONS     drive options of IMAGE instead of the usual (power-loss.sh)
#   -v             IMAGE is a virtio disk, /dev/vda. QEMU's NVMe disk does not honour writes that are
#                  to reach the medium at once (FUA), which matters only when the power is cut
#   -l FILE        where the serial console is logged; default OUT/serial
#   -p FILE        where the machine's process id is put
#   -t SECONDS     limit, default 900
#
# The exit status is the job's; 124 when the limit was reached, 125 when no result came back.
# The machine sees no network but PORT. Jobs are those of container.sh, too.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
kernel='' initrd='' image='' job='' out='' port='' keep=on limit=900 words='' serial='' how='' drive='' pidfile='' virtio=''
while getopts k:r:i:j:o:s:wt:a:l:A:d:p:v option; do
    case $option in
    k) kernel=$OPTARG ;; r) initrd=$OPTARG ;; i) image=$OPTARG ;;
    j) job=$OPTARG ;; o) out=$OPTARG ;; s) port=$OPTARG ;;
    w) keep=off ;; t) limit=$OPTARG ;; a) words=$OPTARG ;;
    v) virtio=yes ;;
    l) serial=$OPTARG ;; A) how=$OPTARG ;; d) drive=$OPTARG ;; p) pidfile=$OPTARG ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
done
"$here/../provision/need.sh" qemu-system-x86_64:qemu-system-x86
[ -n "$how" ] || how=$("$here/accelerator.sh" "$kernel" "$initrd")
case $how in
kvm) how='-accel kvm -cpu host' ;;
*) how='-accel tcg,thread=multi,tb-size=512 -cpu max' ;;
esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
machine=
# The machine ends with this script.
# shellcheck disable=SC2317 # called by the traps
stop() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
    exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM

disk() { echo "-drive file=$1,if=none,id=$2,$3 -device nvme,drive=$2,serial=$2"; }
# Paths with a comma or a blank would be misread.
ln -s "$(realpath "$image")" "$tmp/root.img"
[ -n "$drive" ] || drive=format=raw,snapshot=$keep,cache=unsafe
root=/dev/nvme0n1 in=/dev/nvme1n1 out_disk=/dev/nvme2n1
disks=$(disk "$tmp/root.img" root "$drive")
if [ -n "$virtio" ]; then
    root=/dev/vda in=/dev/nvme0n1 out_disk=/dev/nvme1n1
    disks="-drive file=$tmp/root.img,if=none,id=root,$drive -device virtio-blk-pci,drive=root"
fi
words="console=ttyS0 root=$root panic=-1 net.ifnames=0 quiet systemd.show_status=0 $words"
if [ -n "$job" ]; then
    mkdir -p "$out"
    rm -f "$out/result"
    tar -C "$job" -chf "$tmp/in" .
    truncate -s 64M "$tmp/out"
    disks="$disks $(disk "$tmp/in" in format=raw,readonly=on)"
    disks="$disks $(disk "$tmp/out" out format=raw,cache=unsafe)"
    words="$words job.in=$in job.out=$out_disk"
    serial=${serial:-$out/serial}
fi
net=user,id=net,restrict=on${port:+,hostfwd=tcp:127.0.0.1:$port-:22}

status=0
# shellcheck disable=SC2086 # lists of options
timeout -k 5 "$limit" qemu-system-x86_64 $how -smp 2 -m 1024 -nodefaults -display none \
    -monitor none -no-reboot ${pidfile:+-pidfile "$pidfile"} -serial "file:${serial:-serial}" \
    $disks -netdev "$net" -device virtio-net-pci,netdev=net,romfile= \
    -kernel "$kernel/vmlinuz" -initrd "$initrd" -append "$words" </dev/null &
machine=$!
wait "$machine" || status=$?
machine=
[ -n "$job" ] || exit "$status"
tar -C "$out" -xf "$tmp/out" 2>/dev/null || true
if [ ! -s "$out/result" ]; then
    echo "boot: no result of the job (qemu ended with $status); see ${serial}" >&2
    [ "$status" -eq 124 ] || status=125
    exit "$status"
fi
read -r how code <"$out/result"
case $how-$code in
exited-*[!0-9]* | exit-*[!0-9]*) exit 126 ;;
exited-* | exit-*) exit "$code" ;;
*) exit 126 ;;          # killed
esac
