#!/bin/sh
# container.sh -r ROOTFS -j JOB -o OUT [-t SECONDS]: starts the init of ROOTFS in a container and
# runs a job there; jobs, OUT and the exit status are those of boot.sh.
#
# Seconds instead of a minute, but the kernel is this machine's: what it says of AppArmor, modules,
# mounts and parameters outside net.* is not the image's. Writes are thrown away, the network is its
# own and closed. Needs root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root='' job='' out='' limit=600
while getopts r:j:o:t: option; do
    case $option in
    r) root=$(realpath "$OPTARG") ;; j) job=$(realpath "$OPTARG") ;;
    o) mkdir -p "$OPTARG"; out=$(realpath "$OPTARG") ;; t) limit=$OPTARG ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
done
"$here/../provision/need.sh" systemd-nspawn:systemd-container unshare:util-linux
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
machine=
# The container ends with this script.
# shellcheck disable=SC2317 # called by the traps
stop() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
    exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM

rm -f "$out/result"

# What init.sh plants in a machine. Here the directories are this machine's own.
unit() {
    cat <<UNIT
[Unit]
Description=Job of the test container
$1
[Service]
Type=simple
WorkingDirectory=/run/job/out
ExecStart=/bin/sh -c 'exec /bin/sh /run/job/in/run >/run/job/out/log 2>&1'
ExecStopPost=-/bin/sh -c 'echo "\$EXIT_CODE \$EXIT_STATUS" >/run/job/out/result; systemctl poweroff -ff'
UNIT
}
units=$tmp/units
for target in multi-user emergency rescue; do mkdir -p "$units/$target.target.wants"; done
unit After=multi-user.target >"$units/test-job.service"
unit DefaultDependencies=no >"$units/test-job-rescue.service"
ln -s ../test-job.service "$units/multi-user.target.wants/"
ln -s ../test-job-rescue.service "$units/emergency.target.wants/"
ln -s ../test-job-rescue.service "$units/rescue.target.wants/"
mkdir "$tmp/in"
mkdir "$tmp/out"
cp -rL "$job/." "$tmp/in/"
# systemd-nspawn wants its /run on a tmpfs, and gets one of its own.
# shellcheck disable=SC2016 # for the inner shell
timeout -k 5 "$limit" unshare -m --propagation private \
    sh -c 'mount -t tmpfs tmpfs /run && exec "$@"' sh \
    systemd-nspawn -q --register=no --keep-unit --private-network --volatile=overlay \
    --bind-ro="$units:/run/systemd/system" --bind-ro="$tmp/in:/run/job/in" --bind="$tmp/out:/run/job/out" \
    -b -D "$root" </dev/null >"$out/serial" 2>&1 &
machine=$!
wait "$machine" || true
machine=
cp -r "$tmp/out/." "$out/"
if [ ! -s "$out/result" ]; then
    echo "container: no result of the job; see $out/serial" >&2
    exit 125
fi
read -r how code <"$out/result"
case $how-$code in
exited-*[!0-9]*) exit 126 ;;
exited-*) exit "$code" ;;
*) exit 126 ;;          # killed
esac
