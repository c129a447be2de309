# shellcheck shell=sh
# power-loss.sh: process 1 of a machine whose power is cut while it hardens itself. It speaks over the
# serial console, as what it writes elsewhere is what is in doubt. What it is to do is told by
# `cut.do` on the kernel's command line.
in=/run/job/in here=/power-loss
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
say() { echo "machine: $*"; }
off() {
    sync
    "$in/busybox" poweroff -f
    sleep 600
}
# The kernel's own messages would fall into the middle of ours.
echo 1 >/proc/sys/kernel/printk
read -r line </proc/cmdline
for word in $line; do
    case $word in
    cut.do=*) todo=${word#*=} ;;
    cut.was=*) was=${word#*=} ;;    # `done`: the last apply had said so before the cut
    esac
done
mount -o remount,rw / || say "verdict FAIL root-is-writable"

# Everything below /etc: kind, mode, owner, target, content.
listing() {
    (cd /etc && { find . ! -type d -printf '%p %y %m %U:%G %l\n' && find . -type d -printf '%p/ %y %m %U:%G\n' &&
        find . -type f -print0 | xargs -0 sha256sum | sed 's/\([^ ]*\)  \(.*\)/\2 content \1/'; } | sort)
}
harden() { "$in/gokaku" apply -q --root / --format json -o /run/report.json; }
start_over() {
    rm -rf /var/lib/gokaku
    (cd /etc && find . | sort | comm -13 "$here/old.paths" - | xargs -r rm -rf)
    tar -C / -xpf "$here/old.tar"
    sync
    listing >/run/now
    cmp -s /run/now "$here/old" || say "verdict FAIL starts-from-the-old-tree $(diff /run/now "$here/old" | tail -n 1)"
}
# Says when the journal appears, which is when writing begins.
watch() {
    until [ -e /run/applied ]; do
        for dir in /var/lib/gokaku/*; do
            [ ! -e "$dir" ] || { say writes; return; }
        done
        "$in/busybox" usleep 10000
    done
}
cut_me() {
    rm -f /run/applied
    watch &
    say start
    harden
    status=$?
    : >/run/applied
    say "done $status"
}

# After a cut: every entry is old or new, and the next run makes the tree what it would have been.
verify() {
    listing >/run/now
    # A temporary file is nobody's configuration: its name says so to every reader.
    grep -c '/\.gokaku-[^ ]* f' /run/now >/run/left
    read -r left </run/left
    grep -v '/\.gokaku-' /run/now | sort >/run/rest
    sort -u "$here/old" "$here/new" | comm -23 /run/rest - >/run/neither
    if [ -s /run/neither ]; then
        say "verdict FAIL every-entry-old-or-new $(head -n 1 /run/neither)"
    else
        say "verdict pass every-entry-old-or-new $(comm -13 "$here/old" /run/rest | grep -c .) lines new, $left temporary"
    fi
    # What is in both must be there; what is in one may be missing with it.
    comm -12 "$here/old" "$here/new" | comm -23 - /run/rest >/run/lost
    if [ -s /run/lost ]; then say "verdict FAIL nothing-lost $(head -n 1 /run/lost)"; else say "verdict pass nothing-lost"; fi
    [ "$was" != "done" ] || if cmp -s /run/rest "$here/new"; then
        say "verdict pass finished-stays-finished"
    else
        say "verdict FAIL finished-stays-finished $(diff /run/rest "$here/new" | tail -n 1)"
    fi
    harden
    status=$?
    listing >/run/now
    if [ $status -eq 0 ] && cmp -s /run/now "$here/new"; then
        say "verdict pass next-apply-converges"
    else
        say "verdict FAIL next-apply-converges status $status $(diff /run/now "$here/new" | tail -n 1)"
    fi
    harden
    if grep -q '"changes": \[\]' /run/report.json; then
        say "verdict pass and-then-writes-nothing"
    else
        say "verdict FAIL and-then-writes-nothing"
    fi
}

case $todo in
measure)        # what old and new are, how long it takes, and files for the test of the disk itself
    mkdir -p "$here"
    (cd /etc && find . | sort) >"$here/old.paths"
    tar -C / -cpf "$here/old.tar" etc
    listing >"$here/old"
    for name in direct flushed; do head -c 4096 /dev/zero >"$here/$name"; done
    sync
    cut_me
    listing >"$here/new"
    off
    ;;
disk)           # what this disk forgets: what was not flushed, and nothing else
    printf '%4096s' kept >/run/block
    dd if=/run/block of="$here/flushed" bs=4096 oflag=direct conv=notrunc,fsync 2>/dev/null
    echo kept >"$here/synced" && sync "$here/synced"
    dd if=/run/block of="$here/direct" bs=4096 oflag=direct conv=notrunc 2>/dev/null
    echo lost >"$here/unsynced"
    say start
    sleep 600
    ;;
disk-after)
    if grep -q kept "$here/flushed"; then say "verdict pass disk-keeps-flushed-block"; else say "verdict FAIL disk-keeps-flushed-block"; fi
    if grep -q kept "$here/synced"; then say "verdict pass disk-keeps-synced-file"; else say "verdict FAIL disk-keeps-synced-file"; fi
    if grep -q kept "$here/direct"; then say "verdict FAIL disk-forgets-unflushed-block it survived"; else say "verdict pass disk-forgets-unflushed-block"; fi
    if [ -s "$here/unsynced" ]; then say "verdict FAIL disk-forgets-unsynced-file it survived"; else say "verdict pass disk-forgets-unsynced-file"; fi
    start_over
    cut_me
    sleep 600
    ;;
cut)            # judge what the last cut left, and be cut again
    verify
    start_over
    cut_me
    sleep 600
    ;;
last)
    verify
    off
    ;;
esac
say "verdict FAIL unknown-errand $todo"
off
