//! Real faults of filesystems and neighbours: told with path and cause, nothing changed, and nothing
//! lost when the fault is gone. (Injected ones: `tests/crash/`; full, read-only and immutable
//! targets of an apply: `tests/hostile_trees/broken.rs`.)
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use support::rich::plant;
use support::{Ran, in_overlay, skip};

/// `tree DIR`: everything about every path. `try NAME STATUS VERB OPTION…`: runs, and notes exit status
/// and messages. `same A B`: two trees are the same.
const HEAD: &str = r#"
tree() {
    (cd "$1" && find . ! -type l -printf '%p %y %m %U:%G %T@\n' -o -printf '%p %l %T@\n' | sort
        cd "$1" && find . -type f -exec sha256sum {} + | sort)
}
try() {
    name=$1 wanted=$2
    shift 2
    status=0
    gokaku "$@" >"$OUT/$name.stdout" 2>"$OUT/$name.stderr" || status=$?
    [ "$status" = "$wanted" ] || { echo "$name: exit $status, want $wanted"; cat "$OUT/$name.stderr"; exit 1; } >&2
}
same() { diff "$OUT/$1" "$OUT/$2" >&2 || { echo "$1 and $2 differ" >&2; exit 1; }; }
apply="apply --rule 1.1.1.1,1.7.5,5.1.2,5.3.7,6.1.6 --root"
"#;

fn run(test: &str, script: &str) -> Option<Ran> {
    let small = tempfile::tempdir().unwrap();
    plant(small.path());
    let ran = in_overlay(test, small.path(), &format!("{HEAD}\n{script}"))?;
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    for line in ran.file("skipped").lines() {
        skip(test, line);
    }
    Some(ran)
}

fn says(ran: &Ran, name: &str, words: &[&str]) {
    let stderr = ran.file(&format!("{name}.stderr"));
    assert!(!stderr.contains("panicked"), "{name}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{name}: want {word:?}: {stderr}");
    }
}

#[test]
fn a_revert_on_a_full_or_read_only_target_changes_nothing_and_works_later() {
    let test = "a_revert_on_a_full_or_read_only_target_changes_nothing_and_works_later";
    let script = r#"
: >"$OUT/skipped"
mkdir "$OUT/t"
mount -t tmpfs -o size=256k tmpfs "$OUT/t"
cp -a "$GOKAKU_ROOT/." "$OUT/t"
tree "$OUT/t" >"$OUT/before"
try apply 0 $apply "$OUT/t" --state-dir "$STATE"
dd if=/dev/zero of="$OUT/t/ballast" bs=1k 2>/dev/null || true
tree "$OUT/t" >"$OUT/after"
try full 1 revert --root "$OUT/t" --state-dir "$STATE"
tree "$OUT/t" >"$OUT/after.full"; same after after.full
touch -r "$OUT/t" "$OUT/time"
rm "$OUT/t/ballast"
touch -r "$OUT/time" "$OUT/t"
mount -o remount,ro "$OUT/t"
tree "$OUT/t" >"$OUT/after"
try ro 1 revert --root "$OUT/t" --state-dir "$STATE"
tree "$OUT/t" >"$OUT/after.ro"; same after after.ro
mount -o remount,rw "$OUT/t"
try revert 0 revert --root "$OUT/t" --state-dir "$STATE"
tree "$OUT/t" | grep -v '^\. ' >"$OUT/back"
grep -v '^\. ' "$OUT/before" >"$OUT/before.inside"; same before.inside back
[ -z "$(ls "$STATE")" ]
umount "$OUT/t"
"#;
    let Some(ran) = run(test, script) else { return };
    says(&ran, "full", &["No space left on device", "/etc/", "undone"]);
    says(&ran, "ro", &["Read-only file system", "/etc/", "undone"]);
}

#[test]
fn append_only_files_and_immutable_directories_are_told_and_the_rest_undone() {
    let test = "append_only_files_and_immutable_directories_are_told_and_the_rest_undone";
    // chattr needs a real filesystem; an overlay passes it on only where its upper one can.
    let script = r#"
: >"$OUT/skipped"
root=$OUT/root
cp -a "$GOKAKU_ROOT" "$root"
tree "$root" >"$OUT/before"
attempt() { # NAME FLAG PATH
    if ! chattr "+$2" "$root/$3" 2>/dev/null; then
        echo "$1: chattr +$2 is not possible on $(stat -f -c %T "$root")" >>"$OUT/skipped"
        return
    fi
    try "$1" 1 $apply "$root" --state-dir "$STATE"
    chattr "-$2" "$root/$3"
    tree "$root" >"$OUT/$1.after"; same before "$1.after"
    [ -z "$(ls "$STATE")" ]
}
attempt append-file a etc/ssh/sshd_config
attempt append-stat a etc/shadow
attempt append-dir a etc/ssh
attempt immutable-dir i etc/ssh
attempt immutable-etc i etc
attempt immutable-stat i etc/crontab
try apply 0 $apply "$root" --state-dir "$STATE"
tree "$root" >"$OUT/hardened"
if chattr +i "$root/etc/ssh/sshd_config" 2>/dev/null; then
    try revert-immutable 1 revert --root "$root" --state-dir "$STATE"
    chattr -i "$root/etc/ssh/sshd_config"
    tree "$root" >"$OUT/kept"; same hardened kept
fi
try revert 0 revert --root "$root" --state-dir "$STATE"
tree "$root" >"$OUT/back"; same before back
"#;
    let Some(ran) = run(test, script) else { return };
    for name in ["append-file", "append-stat", "append-dir", "immutable-dir", "immutable-stat"] {
        if !ran.file("skipped").contains(name) {
            says(&ran, name, &["/etc/", "Operation not permitted", "undone"]);
        }
    }
}

#[test]
fn a_journal_that_cannot_be_written_stops_the_run_before_it_begins() {
    let test = "a_journal_that_cannot_be_written_stops_the_run_before_it_begins";
    let script = r#"
: >"$OUT/skipped"
tree "$GOKAKU_ROOT" >"$OUT/before"
attempt() { # NAME STATE STATUS
    try "$1" "${3:-1}" $apply "$GOKAKU_ROOT" --state-dir "$2"
    tree "$GOKAKU_ROOT" >"$OUT/$1.after"; same before "$1.after"
}
mkdir -m 700 "$OUT/full" "$OUT/few" "$OUT/ro" "$OUT/open"
mount -t tmpfs -o size=4k,mode=700 tmpfs "$OUT/full"
attempt full "$OUT/full"
[ -z "$(ls "$OUT/full")" ]
mount -t tmpfs -o nr_inodes=4,mode=700 tmpfs "$OUT/few"
attempt few "$OUT/few"
[ -z "$(ls "$OUT/few")" ]
mount -t tmpfs -o ro tmpfs "$OUT/ro"
attempt ro "$OUT/ro"
echo >"$OUT/file"
attempt file "$OUT/file" 3
attempt below-file "$OUT/file/state" 3
# Somebody else may have prepared the directory, with a journal of his own making.
try first 0 $apply "$GOKAKU_ROOT" --state-dir "$OUT/open"
try back 0 revert --root "$GOKAKU_ROOT" --state-dir "$OUT/open"
tree "$GOKAKU_ROOT" >"$OUT/back.after"; same before back.after
try first 0 $apply "$GOKAKU_ROOT" --state-dir "$OUT/open"
tree "$GOKAKU_ROOT" >"$OUT/hardened"
chown -R 1000 "$OUT"/open/*
try foreign 3 revert --root "$GOKAKU_ROOT" --state-dir "$OUT/open"
tree "$GOKAKU_ROOT" >"$OUT/foreign.after"; same hardened foreign.after
chown -R 0 "$OUT"/open/*
# A revert, too, needs to write its journal.
mount --bind "$OUT/open" "$OUT/open"
mount -o remount,bind,ro "$OUT/open"
try revert-ro 1 revert --root "$GOKAKU_ROOT" --state-dir "$OUT/open"
tree "$GOKAKU_ROOT" >"$OUT/revert-ro.after"; same hardened revert-ro.after
umount "$OUT/open" "$OUT/ro" "$OUT/few" "$OUT/full"
try revert 0 revert --root "$GOKAKU_ROOT" --state-dir "$OUT/open"
tree "$GOKAKU_ROOT" >"$OUT/end"; same before end
"#;
    let Some(ran) = run(test, script) else { return };
    says(&ran, "full", &["No space left on device", "/full"]);
    says(&ran, "few", &["No space left on device", "/few"]);
    says(&ran, "ro", &["Read-only file system", "/ro"]);
    says(&ran, "file", &["/file"]);
    says(&ran, "below-file", &["/file"]);
    says(&ran, "foreign", &["belongs to uid 1000", "--state-dir"]);
    says(&ran, "revert-ro", &["Read-only file system", "/open"]);
}

/// Stops a run in the middle, by strace, at one of its renames: `half ROOT NAME` leaves its process
/// number in `$pid`, and strace's in `$tracer`.
const HALF: &str = r#"
if ! strace -V >/dev/null 2>&1; then echo "no strace; install the package strace" >"$OUT/skipped"; exit 0; fi
: >"$OUT/skipped"
half() {
    rm -f "$OUT/trace"
    # The first rename is the journal's.
    strace -f -qq -o "$OUT/trace" -e trace=renameat -e inject=renameat:signal=STOP:when=2 \
        gokaku $apply "$1" --state-dir "$STATE" >"$OUT/$2.stdout" 2>"$OUT/$2.stderr" &
    tracer=$!
    tries=0
    until grep -q 'SIGSTOP' "$OUT/trace" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "$2 does not stop" >&2; cat "$OUT/$2.stderr" >&2; exit 1; }
        sleep 0.1
    done
    pid=$(sed -n 's/^\([0-9]*\) .*SIGSTOP.*/\1/p' "$OUT/trace" | head -n 1)
}
"#;

#[test]
fn a_second_run_is_refused_while_one_is_at_work_and_audit_is_not() {
    let test = "a_second_run_is_refused_while_one_is_at_work_and_audit_is_not";
    let script = r#"
half "$GOKAKU_ROOT" first
try apply 3 $apply "$GOKAKU_ROOT" --state-dir "$STATE" --wait 0
try revert 3 revert --root "$GOKAKU_ROOT" --state-dir "$STATE" --wait 0
try forget 3 forget --root "$GOKAKU_ROOT" --state-dir "$STATE" --wait 0
mkdir "$OUT/other"
mount --bind "$GOKAKU_ROOT" "$OUT/other"
try other 3 $apply "$OUT/other" --state-dir "$OUT/state2" --wait 0
status=0
gokaku audit --rule 5.3.7 --root "$GOKAKU_ROOT" >/dev/null || status=$?
[ "$status" = 0 ] || [ "$status" = 2 ]
umount "$OUT/other"
kill -CONT "$pid"
wait "$tracer"
try again 0 $apply "$GOKAKU_ROOT" --state-dir "$STATE"
"#;
    let Some(ran) = run(test, &format!("{HALF}\n{script}")) else { return };
    if !ran.file("skipped").is_empty() {
        return;
    }
    for name in ["apply", "revert", "forget", "other"] {
        says(&ran, name, &["another run is at work on this root; wait until it has ended"]);
    }
    assert!(ran.file("again.stdout").contains("nothing changed"), "{}", ran.file("again.stdout"));
}

#[test]
fn a_target_taken_away_in_the_middle_is_whole_when_it_comes_back() {
    let test = "a_target_taken_away_in_the_middle_is_whole_when_it_comes_back";
    let script = r#"
mkdir "$OUT/image" "$OUT/t"
mount -t tmpfs -o size=1m tmpfs "$OUT/image"
cp -a "$GOKAKU_ROOT/." "$OUT/image"
tree "$OUT/image" >"$OUT/before"
mount --bind "$OUT/image" "$OUT/t"
# Held by the run; taken away all the same, the run ends on what it holds.
half "$OUT/t" lazy
if umount "$OUT/t" 2>/dev/null; then echo "umount of a busy root" >&2; exit 1; fi
umount -l "$OUT/t"
kill -CONT "$pid"
wait "$tracer"
tree "$OUT/image" >"$OUT/hardened"
mount --bind "$OUT/image" "$OUT/t"
try revert 0 revert --root "$OUT/t" --state-dir "$STATE"
tree "$OUT/image" >"$OUT/back"; same before back
# Taken away and killed: the journal is not used on what stands there instead …
half "$OUT/t" killed
umount -l "$OUT/t"
kill -KILL "$pid"
wait "$tracer" || true
cp -a "$GOKAKU_ROOT/." "$OUT/t"
tree "$OUT/t" >"$OUT/instead"
try other 3 $apply "$OUT/t" --state-dir "$STATE"
try other-revert 3 revert --root "$OUT/t" --state-dir "$STATE"
try other-forget 3 forget --root "$OUT/t" --state-dir "$STATE"
tree "$OUT/t" >"$OUT/instead.after"; same instead instead.after
# … and the right one recovers when it is back.
mount --bind "$OUT/image" "$OUT/t"
try recovered 0 $apply "$OUT/t" --state-dir "$STATE"
try revert 0 revert --root "$OUT/t" --state-dir "$STATE"
tree "$OUT/image" >"$OUT/end"; same before end
umount "$OUT/t" "$OUT/image"
"#;
    let Some(ran) = run(test, &format!("{HALF}\n{script}")) else { return };
    if !ran.file("skipped").is_empty() {
        return;
    }
    for name in ["other", "other-revert", "other-forget"] {
        says(&ran, name, &["a run was cut off on another tree", "remove this journal directory"]);
    }
    says(&ran, "recovered", &["an earlier apply was cut off", "were put back"]);
}
