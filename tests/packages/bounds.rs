//! What a program of the tree may use up, what is left when everything is killed, and where nothing
//! is run at all.

use crate::bench::{ended, failure, operations, overlay, report};
use crate::support::is_root;

#[test]
fn what_is_printed_and_how_long_it_takes_is_bounded() {
    let test = "what_is_printed_and_how_long_it_takes_is_bounded";
    let script = r#"
flood() { pkg talk 1; index; install talk; RULES=2.2.3 run "$@"; wc -c <"$OUT/$1.log" >"$OUT/$1.size"; }
echo 'head -c 50000000 /dev/zero; printf "\nafter\n"' >"$W/talk.prerm"
flood nul
echo 'yes | head -c 50000000; printf "\033[2Jx\302\2332J\2332J\n" >&2' >"$W/talk.prerm"
flood lines
echo ': >/srv/there; sleep 1000' >"$W/talk.prerm"
flood endless --package-timeout 5
[ -e "$R/srv/there" ] || echo "not begun" >>"$OUT/traces"
for n in nul lines; do mv "$OUT/$n.log" "$OUT/$n.long"; done
"#;
    let Some(ran) = overlay(test, script) else { return };
    for name in ["nul", "lines"] {
        assert_eq!(ran.file(&format!("{name}.status")).trim(), "0", "{name}");
        assert_eq!(operations(&report(&ran, name)), ["purged talk asked 2.2.3"], "{name}");
    }
    let size = |name: &str| ran.file(&format!("{name}.size")).trim().parse::<usize>().unwrap();
    assert!(size("nul") < 200_000, "{}", size("nul"));
    let nul = ran.file("nul.long");
    assert!(nul.contains("more bytes]") && nul.contains("after") && !nul.contains('\0'));
    // As many lines as 4 MiB are, each with what the log puts before it.
    assert!(size("lines") < 80_000_000, "{}", size("lines"));
    let lines = ran.file("lines.long");
    assert!(lines.contains("it prints more than is shown"));
    assert!(lines.contains("\\x1b[2Jx") && !lines.contains('\x1b'), "the other stream is shown");
    assert!(!lines.contains('\u{9b}'), "nor by the other control sequence introducer");
    let (status, log) = ended(&ran, "endless");
    assert_eq!(status, 1, "{log}");
    let why = report(&ran, "endless");
    assert!(
        failure(&why).contains("`apt-get purge talk` did not end: no end within 5 s"),
        "{why:#}"
    );
}

#[test]
fn what_a_killed_run_left_is_named_and_taken_away_by_every_verb_that_writes() {
    let test = "what_a_killed_run_left_is_named_and_taken_away_by_every_verb_that_writes";
    let script = r#"
# dpkg by hand runs it, too.
echo '[ -e /srv/armed ] || exit 0; sleep 100000 & : >/srv/there; sleep 1' >"$W/talk.prerm"
pkg talk 1; index
# Gone, and everything that it started, its keeper among them.
killed() {
    rm -f "$R/srv/there" "$R/srv/armed"; install talk; : >"$R/srv/armed"
    SOURCE_DATE_EPOCH=$EPOCH setsid gokaku apply --root "$R" --state-dir "$STATE" --packages apply \
        --rule 2.2.3 >/dev/null 2>&1 &
    pid=$!
    for i in $(seq 600); do [ ! -e "$R/srv/there" ] || break; sleep 0.1; done
    # A keeper that gets to run meanwhile would clean up.
    both="$pid $(pgrep -P $pid)"
    kill -STOP $both 2>/dev/null || true; kill -KILL $both 2>/dev/null || true
    wait $pid || true
    name=killed; traces | grep -vE 'scratch|policy-rc.d|group' >>"$OUT/traces" || true
}
left() { gokaku audit --root "$R" --rule 2.2.3 2>&1 >/dev/null | grep -q 'policy-rc.d: left by a run' && echo named || echo nothing; }
killed; left >"$OUT/audit"
gokaku apply --root "$R" --state-dir "$STATE" --rule 3.2.1 >"$OUT/apply.log" 2>&1 || true
name=apply traces >>"$OUT/traces"; left >>"$OUT/audit"
killed
gokaku revert --root "$R" --state-dir "$STATE" >"$OUT/revert.log" 2>&1 || true
name=revert traces >>"$OUT/traces"
killed
gokaku forget --root "$R" --state-dir "$STATE" >"$OUT/forget.log" 2>&1 || true
name=forget traces >>"$OUT/traces"
[ ! -e "$STATE" ] || find "$STATE" | sed 's/^/forget: /' >>"$OUT/traces"
"#;
    let Some(ran) = overlay(test, script) else { return };
    assert_eq!(ran.file("audit"), "named\nnothing\n", "an audit names what is left, and only then");
    for verb in ["apply", "revert", "forget"] {
        let log = ran.file(&format!("{verb}.log"));
        assert!(
            log.contains("/usr/sbin/policy-rc.d: left by a run that was killed"),
            "{verb}: {log}"
        );
    }
}

#[test]
fn where_no_container_can_be_had_nothing_is_run() {
    let test = "where_no_container_can_be_had_nothing_is_run";
    if !is_root(test, "lose rights") {
        return;
    }
    let script = r#"
echo ': >/srv/run' >"$W/talk.prerm"
pkg talk 1; index; install talk
refused() { # NAME WORDS…: as root without something
    name=$1; shift
    changes before
    "$@" gokaku apply --root "$R" --state-dir "$STATE" --packages apply --rule 2.2.3 \
        >"$OUT/$name.log" 2>&1 && echo 0 >"$OUT/$name.status" || echo $? >"$OUT/$name.status"
    changes after
    diff "$OUT/before" "$OUT/after" >>"$OUT/traces" || true
    traces | grep -v srv/forgotten >>"$OUT/traces" || true
}
refused admin setpriv --bounding-set=-sys_admin
refused setpcap setpriv --bounding-set=-setpcap
# A directory of this machine that was forgotten in the root; a file is only not shown.
mkdir -p "$R/srv/forgotten" "$OUT/theirs"
mount --bind "$OUT/theirs" "$R/srv/forgotten"
device() { awk -v at="$1" '$5 == at { print $3 }' /proc/self/mountinfo | tail -n 1; }
[ "$(device /)" = "$(device "$R/srv/forgotten")" ] && echo yes >"$OUT/same" || echo no >"$OUT/same"
refused mount env
gokaku plan --root "$R" --rule 5.3 --validate >/dev/null 2>"$OUT/validate.log" && echo 0 >"$OUT/validate.status" || echo $? >"$OUT/validate.status"
umount "$R/srv/forgotten"
[ ! -e "$R/srv/run" ] || [ "$(cat "$OUT/same")" = no ] || echo "a script ran" >>"$OUT/traces"
"#;
    let Some(ran) = overlay(test, script) else { return };
    let refused = |name: &str, words: &[&str]| {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 3, "{name}: {log}");
        for word in words {
            assert!(log.contains(word), "{name}: {word}: {log}");
        }
    };
    let ways = ["package scripts cannot be shut in here", "--privileged", "`--root /`"];
    refused("admin", &[&ways[..], &["a process namespace"]].concat());
    refused("setpcap", &[&ways[..], &["the bounding set of capabilities"]].concat());
    if ran.file("same").trim() == "yes" {
        let words = "/srv/forgotten: a directory of this machine is mounted there";
        let way = "unmount it and run again";
        refused("mount", &["package scripts are not run", words, way]);
        let log = ran.file("mount.log");
        assert!(!log.contains("--privileged") && !log.contains("`--root /`"), "{log}");
        // A view is of the root's own filesystem: nothing that is mounted below is in it.
        let (status, log) = ended(&ran, "validate");
        assert_eq!(status, 0, "{log}");
        assert!(log.contains("sshd -t accepts what is planned"), "{log}");
    }
}
