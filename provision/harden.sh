#!/bin/sh
# harden.sh: hardens the machine it runs on, as a step of an image build (Packer's shell
# provisioner). An uploaded static gokaku shows its plan, applies it, and leaves a report to be
# fetched; then binary and state are removed. The exit status is gokaku's own: 0 as declared,
# 1 failed, a row is unknown or no report (the last lines say what was done), 2 a row does not hold, 3 a guard
# refused, 64 usage error. TERM and INT reach gokaku, which undoes what it has done (143, 130).
#
#   GOKAKU_BINARY      the uploaded binary (/tmp/gokaku); where it is not, or empty, an installed one
#   GOKAKU_STEP        all      everything at once (default); the report stays for a download
#                      harden   plan and apply; a row that does not hold does not fail this step
#                      verdict  says which rows do not hold, removes what is left, and fails
#                      The last two let the evidence of a failure be downloaded in between.
#   GOKAKU_REPORT      the report (/tmp/gokaku-report.json), readable by the login user; its place is
#                      tried before anything is done
#   GOKAKU_FORMAT      its formats (json); a second one gets its own name in place of .json
#   GOKAKU_ROOT        what is hardened (/)
#   GOKAKU_STATE_DIR   where the undo journal lies meanwhile (/var/lib/gokaku)
#   GOKAKU_EXEC_DIR    where the binary is run from; else the first place that is not noexec
#   GOKAKU_RELOAD_SSHD set to 1 (true, yes), sshd takes up its new configuration at once. By default it does
#                      not: the build's own connection goes through it, and the image that is
#                      made starts a fresh one anyway.
#   GOKAKU_SKIP, GOKAKU_RULE, GOKAKU_PROTECT, GOKAKU_STRICT … as gokaku itself reads them.
# An empty variable is one that is not set, but for GOKAKU_BINARY.
#
# Neither /tmp nor this file needs to be executable: run it as `sh harden.sh`. Whoever is not
# root needs sudo without a password.
set -eu
umask 077
# A dropped connection ends neither the run nor its clean-up.
trap '' HUP PIPE

binary=${GOKAKU_BINARY-/tmp/gokaku}
step=${GOKAKU_STEP:-all}
report=${GOKAKU_REPORT:-/tmp/gokaku-report.json}
formats=${GOKAKU_FORMAT:-json}
root=${GOKAKU_ROOT:-/}
state=${GOKAKU_STATE_DIR:-/var/lib/gokaku}
work=$state/.harden

say() { printf 'gokaku: %s\n' "$*" || :; }
die() {
    status=$1
    shift
    printf 'gokaku: error: %s\n' "$*" >&2 || :
    exit "$status"
}
show() { cat "$1" 2>/dev/null || :; }

case $step in
all | harden | verdict) ;;
*) die 64 "GOKAKU_STEP: found $step, want all, harden or verdict" ;;
esac
case $report in
/*) ;;
*) die 64 "GOKAKU_REPORT: found $report, want an absolute path" ;;
esac
case $state in
/*[!/]*) ;;
*) die 64 "GOKAKU_STATE_DIR: found $state, want the absolute path of a directory of its own" ;;
esac
case ${GOKAKU_RELOAD_SSHD:-0} in
1 | [Tt]rue | TRUE | [Yy]es | YES | [Oo]n | ON) reload=yes ;;
0 | [Ff]alse | FALSE | [Nn]o | NO | [Oo]ff | OFF) reload=no ;;
*) die 64 "GOKAKU_RELOAD_SSHD: found $GOKAKU_RELOAD_SSHD, want 1, true or yes, or 0, false or no" ;;
esac

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die 1 "$(id -un) is not root and there is no sudo here:" \
        "log in as root, or raise the script in execute_command"
    why=$(sudo -n true 2>&1) || die 1 "$(id -un) cannot become root ($why):" \
        "allow sudo without a password while the image is built, or pass the password in execute_command"
    set -- sh "$0"
    # sudo drops the environment, and may not be allowed to keep it (-E).
    while read -r name; do
        [ -z "$name" ] || eval "set -- \"$name=\${$name}\" \"\$@\""
    done <<END
$(awk 'BEGIN {
    for (name in ENVIRON)
        if (name ~ /^(GOKAKU_[A-Z_]+|SOURCE_DATE_EPOCH|RUST_LOG)$/) print name
}')
END
    exec sudo -n env "$@"
fi

# The account whose next login must work. It also gets the report.
user=${SUDO_USER:-$(id -un)}
unset GOKAKU_FORMAT GOKAKU_OUTPUT GOKAKU_ROOT GOKAKU_STATE_DIR
if [ "$root" != / ]; then
    : # This machine's users are nobody in there.
elif [ "$user" != root ]; then
    export GOKAKU_PROTECT="${GOKAKU_PROTECT:+$GOKAKU_PROTECT,}$user"
elif [ -n "${SSH_CONNECTION:-}" ]; then
    say "warning: this build logs in as root, which the hardened sshd refuses (5.3.10)" \
        "once it is restarted"
fi

# report_file FORMAT: the first format has the name asked for, others are beside it.
report_file() {
    name=${report##*/}
    case $1 in
    "${formats%%,*}") printf '%s\n' "$report" ;;
    *) printf '%s/%s.%s\n' "${report%/*}" "${name%.*}" "$1" ;;
    esac
}
each_format() { printf '%s\n' "$formats" | tr ',' '\n'; }

# try_report: refuses a place where no report can be made, while nothing has been done yet.
try_report() {
    dir=$(cd -P "${report%/*}/" 2>&1 && pwd -P) ||
        die 64 "GOKAKU_REPORT: found $report, want a file in a directory that is there"
    if [ "$root" != / ]; then
        top=$(cd -P "$root" 2>/dev/null && pwd -P) || top=$root
        case $dir/ in
        "$top"/*) die 3 "GOKAKU_REPORT: $report lies inside the root $root; want a place outside" ;;
        esac
    fi
    if [ -z "${report##*/}" ] || [ -d "$report" ]; then
        die 64 "GOKAKU_REPORT: found the directory $report, want a file"
    fi
    tried=$(mktemp "$report.XXXXXX" 2>&1) ||
        die 64 "GOKAKU_REPORT: no file can be made in $dir: ${tried##*: }"
    rm -f "$tried"
}

# put_report FORMAT: puts a report into its place; renamed, as others may write in there.
put_report() {
    to=$(report_file "$1") new=
    if new=$(mktemp "$to.XXXXXX" 2>"$work/why") && cat "$work/report.$1" 2>"$work/why" >"$new" &&
        chmod 644 "$new" && { chown "$user" "$new" 2>/dev/null || :; } &&
        mv -f -T "$new" "$to" 2>"$work/why"; then
        say "report in $to"
        return
    fi
    rm -f "$new"
    echo "gokaku: error: $to: the report could not be written: $(sed 's/.*: //' "$work/why" | tail -n 1)" \
        >>"$work/err"
    return 1
}

# The directory stays where it holds journals: of other roots, or one that could not be undone.
tidy() {
    rm -rf "${work:?}"
    rmdir "$state" 2>/dev/null || :
}

# place DIR: a copy of the binary below DIR that runs from there, as $run; else a reason in $why.
place() {
    told='cannot be written to'
    # In a directory that others write to too, one that nobody can foresee.
    spot=$(mktemp -d "$1/gokaku.XXXXXX" 2>/dev/null) || { why="$why; $1: $told"; return 1; }
    if cp "$binary" "$spot/gokaku" 2>/dev/null && chmod 700 "$spot/gokaku" &&
        told=$("$spot/gokaku" --version 2>&1); then
        run=$spot/gokaku
        return
    fi
    # The shell puts file and line before its reason.
    why="$why; $1: $(printf '%s' "$told" | sed 's/.*: //' | head -n 1)"
    rm -rf "$spot"
    return 1
}

# shellcheck disable=SC2317 # called by the trap
finish() {
    status=$?
    [ -z "${spot:-}" ] || rm -rf "$spot"
    [ -z "$stopped" ] || rm -f "$binary"
    # The verdict is another step's.
    [ "$waiting" = yes ] || tidy
    exit "$status"
}

# Signals that ask for an end are handed to the gokaku at work, and all that it started, as ctrl-C
# does; it ends in good order.
child='' stopped='' waiting=no group=
! command -v setsid >/dev/null || group=setsid
# shellcheck disable=SC2317 # called by the traps
stop() {
    stopped=$1
    # A debugger or wrapper may keep a signal to itself, so the whole group gets it.
    [ -z "$child" ] || kill -TERM "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null || :
}

# run_gokaku ARGUMENT…: runs it, and sets $status to its own status.
run_gokaku() {
    [ -z "$stopped" ] || exit "$stopped"
    $group "$run" "$@" &
    child=$!
    [ -z "$stopped" ] || stop "$stopped"
    status=0
    wait "$child" || status=$?
    # A trap ends the wait, not the program.
    while kill -0 "$child" 2>/dev/null; do
        status=0
        wait "$child" || status=$?
    done
    child=
    # What runs beside a shell without job control takes no INT; it was told by TERM.
    [ "$stopped:$status" != 130:143 ] || status=130
}

verdict() {
    [ -r "$work/status" ] || die 1 "no verdict in $work: the step harden has not been run," \
        "or GOKAKU_STATE_DIR is not what it was"
    status=$(cat "$work/status")
    show "$work/verdict"
    return "$status"
}

if [ "$step" = verdict ]; then
    status=0
    verdict || status=$?
    each_format | while read -r format; do rm -f "$(report_file "$format")"; done
    rm -f "$binary"
    tidy
    exit "$status"
fi

try_report
trap finish EXIT
trap 'stop 130' INT
trap 'stop 143' TERM
(umask 022 && mkdir -p "$(dirname "$state")")
mkdir -m 700 "$state" 2>/dev/null || [ -d "$state" ] || die 1 "$state: cannot be made"

# A run whose connection dropped may still be at work.
if command -v flock >/dev/null && exec 9<"$state"; then
    flock -w 300 9 || die 3 "another run has been at work in $state for five minutes"
    # The other run has removed the directory that it held.
    mkdir -p "$state"
fi
each_format | while read -r format; do rm -f "$(report_file "$format")"; done
# What is left of a run that was killed, its copy of the binary with it.
rm -rf "$work"
mkdir "$work"

if [ -f "$binary" ]; then
    why=
    if [ -n "${GOKAKU_EXEC_DIR:-}" ]; then
        set -- "$GOKAKU_EXEC_DIR"
    else
        set -- "$work" /var/tmp /root /usr/local/sbin /opt /run /dev/shm /tmp
    fi
    for dir in "$@"; do
        run=
        ! place "$dir" || break
    done
    [ -n "$run" ] || die 1 "$binary does not run from anywhere${why}." \
        "Permission denied is a noexec mount: name a directory in GOKAKU_EXEC_DIR;" \
        "anything else: it is not a static binary for $(uname -m)"
elif run=$(command -v gokaku); then
    :
else
    die 1 "no gokaku at $binary: the file provisioner puts it there" \
        "(GOKAKU_BINARY names another place; a run that succeeds removes it)"
fi
say "$("$run" --version) as $run"

# Whether sshd would start with the configuration that is there now.
sshd_starts() {
    [ "$root" = / ] && sshd=$(command -v sshd || ls /usr/sbin/sshd 2>/dev/null) &&
        "$sshd" -t 2>"$work/sshd"
}
sshd_ok=no
! sshd_starts || sshd_ok=yes

say "plan for $root"
run_gokaku plan --root "$root" --format text -o - >"$work/out" 2>"$work/err"
show "$work/out"
show "$work/err" >&2
# What could not be told may be clear after the apply; a refusal or a mistake stays.
case $status in
0 | 1 | 2) ;;
130 | 143) die "$status" "stopped; nothing was done" ;;
*) die "$status" "the plan was refused (exit status $status): $(tail -n 1 "$work/err")" ;;
esac

say "apply to $root"
set -- --format text -o -
for format in $(each_format); do
    set -- "$@" --format "$format" -o "$work/report.$format"
done
# Into files: whatever happens to the connection, it is carried through.
run_gokaku apply --root "$root" --state-dir "$state" "$@" >"$work/out" 2>"$work/err"
# What is done is done; the rest is short.
trap '' INT TERM
show "$work/out"
show "$work/err" >&2

done=no
# In either language of the log; its JSON form is in English.
! grep -q -e 'hardened all the same' -e '適用は完了している' "$work/err" || done=yes
for format in $(each_format); do
    [ -s "$work/report.$format" ] || continue
    done=yes
    put_report "$format" || [ "$status" -ne 0 ] || status=1
done

keep_binary=no
if [ "$sshd_ok" = yes ] && ! sshd_starts; then
    # Nobody could log in to put it right.
    status=1 keep_binary=yes
    "$run" revert --root "$root" --state-dir "$state" >&2 || :
    echo "gokaku: error: sshd does not take its new configuration, so everything was taken back:" \
        "$(tail -n 1 "$work/sshd")" >>"$work/err"
elif [ "$sshd_ok" = yes ] && [ "$reload" = yes ]; then
    if { [ -d /run/systemd/system ] && systemctl reload ssh; } 2>/dev/null ||
        kill -HUP "$(cat /run/sshd.pid 2>/dev/null)" 2>/dev/null; then
        say "sshd reads its new configuration"
    else
        say "warning: sshd could not be made to read its new configuration"
    fi
fi

# Nothing is to be undone any more: the rows have been judged, and the report says how.
[ "$done" = no ] || "$run" forget -q --root "$root" --state-dir "$state" || :

# The reasons come last: in a long build log nobody reads further up.
printf '%s\n' "$status" >"$work/status"
if [ "$status" -eq 0 ]; then
    echo "gokaku: as declared" >"$work/verdict"
else
    {
        case $status:$done:$keep_binary in
        1:yes:no) echo "gokaku: done all the same; the lines below say what was not" ;;
        130:* | 143:*) echo "gokaku: stopped by a signal; every change was undone" ;;
        esac
        # Each row that does not hold with its reason, in either form and language of the log.
        grep -E '^gokaku: (error|エラー): |"level":"error"' "$work/err" || tail -n 5 "$work/err"
        echo "gokaku: FAILED with exit status $status"
    } >"$work/verdict"
fi

# Without a report there is nothing to fetch first; who was stopped does not wait for a step.
case $step:$status in
harden:130 | harden:143) step=all ;;
esac
[ "$step" = all ] || [ -e "$report" ] || step=all
if [ "$step" = harden ]; then
    waiting=yes
    say "the verdict follows with GOKAKU_STEP=verdict (exit status $status)"
    exit 0
fi
status=0
verdict || status=$?
# A run that never began can be tried again with the binary.
if [ "$keep_binary" = no ] && { [ "$done" = yes ] || [ "$status" -ge 128 ]; }; then
    rm -f "$binary"
fi
exit "$status"
