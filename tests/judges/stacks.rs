//! Stacks of `common-password` that somebody made by hand, after hardening: the tree's own passwd,
//! chpasswd, su and login set passwords by them, refuse weak ones, and skip what they skipped.

use crate::bench::scripted;
use crate::support::rows;

/// What every stack is put through. `robot` is an account for which some of them set nothing.
///
/// `answer PROMPT WORDS` waits for a prompt of `login` and types.
const TRIALS: &str = r#"
echo 'dictcheck = 0' >>"$GOKAKU_ROOT/etc/security/pwquality.conf"
devices
mount -t devpts -o newinstance,ptmxmode=0666 pts "$GOKAKU_ROOT/dev/pts"
ln -s pts/ptmx "$GOKAKU_ROOT/dev/ptmx"
for u in weak good robot late; do
    inside useradd -m -s /bin/sh $u
    inside usermod -p "$(openssl passwd -6 Altes-Passwort-17)" $u
    inside chage -d "$(date -d '-3 days' +%F)" $u
done
hash() { inside grep "^$1:" /etc/shadow | cut -d: -f2; }
verdict() { if [ "$2" = "$(hash $1)" ]; then echo same; else echo changed; fi; }
attempt() {
    old=$(hash $1)
    printf '%s\n%s\n%s\n' Altes-Passwort-17 "$2" "$2" |
        inside su $1 -c passwd >"$OUT/$1.said" 2>&1 && echo succeeds >"$OUT/$1" || echo fails >"$OUT/$1"
    verdict $1 "$old" >>"$OUT/$1"
}
trials() {
    old=$(hash root)
    echo 'root:Root-Passwort-17' | inside chpasswd >"$OUT/root.said" 2>&1 &&
        echo succeeds >"$OUT/root" || echo fails >"$OUT/root"
    verdict root "$old" >>"$OUT/root"
    attempt good Zweites:Kennwort%18
    attempt weak kurz
    attempt robot Drittes:Kennwort%19
}
answer() {
    tries=0
    until tail -c +$((seen + 1)) "$OUT/tty" | grep -q "$1"; do
        sleep 0.2
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { cat "$OUT/tty" >&2; exit 1; }
    done
    seen=$(wc -c <"$OUT/tty")
    printf '%s\n' "$2" >&3
}
# A password that has expired is changed at the login itself.
expired_login() {
    inside chage -d 2020-01-01 -M 365 -I -1 late
    mkfifo "$OUT/keys"
    : >"$OUT/tty"
    seen=0
    booted script -qefc login /dev/null <"$OUT/keys" >"$OUT/tty" 2>&1 &
    exec 3>"$OUT/keys"
    answer 'login:' late
    answer 'assword:' Altes-Passwort-17
    answer 'urrent password:' Altes-Passwort-17
    answer 'ew password:' Viertes:Kennwort%20
    answer 'etype new password:' Viertes:Kennwort%20
    answer '\$' 'echo in as $(id -un)'
    answer 'in as late' exit
    exec 3>&-
    wait
}
"#;

/// Puts a stack through the trials; what they left, by file.
fn tried(test: &str, stack: &[(&str, &str)], before: &[(&str, &str)], after: &[(&str, &str)]) {
    let programs = ["passwd", "chpasswd", "su", "login", "useradd", "chage", "script"];
    let write = stack
        .iter()
        .map(|(path, text)| format!("cat >\"$GOKAKU_ROOT{path}\" <<'STACK'\n{text}STACK\n"));
    let write: String = write.collect();
    let untouched = format!("{TRIALS}\n{write}\ntrials\n");
    let Some(ran) = scripted(test, &programs, &untouched) else { return };
    let results = |ran: &crate::support::Ran, want: &[(&str, &str)], when: &str| {
        for (account, want) in want {
            let found = ran.file(account).split_whitespace().collect::<Vec<_>>().join(" ");
            let said = ran.file(&format!("{account}.said"));
            assert_eq!(found, *want, "{when}: {account}: {said}");
        }
    };
    results(&ran, before, "before");
    let hardened = format!(
        "{TRIALS}\n{write}\nharden --rule 5.4.1 --rule 5.4.4\ntrials\nexpired_login\n\
         hash late >\"$OUT/late\"\n"
    );
    let Some(ran) = scripted(test, &programs, &hardened) else { return };
    let report = ran.json("apply.json");
    for id in ["5.4.1", "5.4.4"] {
        let row = rows(&report)[id];
        assert_eq!(row["outcome"], "met", "{id}: {row:#}");
    }
    results(&ran, after, "after");
    assert!(ran.file("late").starts_with("$6$"), "{}", ran.file("late"));
    assert!(ran.file("weak.said").contains("BAD PASSWORD"), "{}", ran.file("weak.said"));
}

const COMMON: &str = "/etc/pam.d/common-password";
/// What is wanted of every stack.
const ALL: [(&str, &str); 4] = [
    ("root", "succeeds changed"),
    ("good", "succeeds changed"),
    ("weak", "fails same"),
    ("robot", "succeeds changed"),
];

#[test]
fn a_stack_made_by_hand_sets_passwords_and_vets_them() {
    let stack = "# comment stays\npassword\t[success=1 default=ignore]\tpam_unix.so obscure sha512\n\
                 # here is the fallback\npassword\trequisite\t\t\tpam_deny.so\n\
                 password\trequired\t\t\tpam_permit.so\n";
    let test = "a_stack_made_by_hand_sets_passwords_and_vets_them";
    tried(test, &[(COMMON, stack)], &[ALL[0], ALL[1]], &ALL);
}

/// Every change of a password failed before, root's too.
#[test]
fn the_stack_of_aks_sets_passwords_again() {
    let stack = "password\trequisite\t\t\tpam_pwquality.so retry=3\n\
                 # 5.3.4 Ensure password hashing algorithm is SHA-512\n\
                 password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok try_first_pass sha512\n";
    let test = "the_stack_of_aks_sets_passwords_again";
    tried(test, &[(COMMON, stack)], &[("root", "fails same"), ("good", "fails same")], &ALL);
}

/// An account whose password is set elsewhere is skipped by a jump, before and after.
#[test]
fn jumps_from_above_skip_what_they_skipped() {
    let stack = "password [success=2 default=ignore] pam_succeed_if.so quiet user = robot\n\
                 @include own-password\npassword requisite pam_deny.so\n\
                 password required pam_permit.so\n";
    let own = "password [success=1 default=ignore] pam_unix.so obscure md5\n";
    let test = "jumps_from_above_skip_what_they_skipped";
    let skipped = ("robot", "succeeds same");
    tried(
        test,
        &[(COMMON, stack), ("/etc/pam.d/own-password", own)],
        &[ALL[0], ALL[1], skipped],
        &[ALL[0], ALL[1], ALL[2], skipped],
    );
}

#[test]
fn the_arguments_of_a_diverged_stack_are_put_right() {
    let stack = "password requisite pam_pwquality.so minlen=6 minclass=1\n\
                 password required pam_unix.so md5 use_authtok\n";
    let test = "the_arguments_of_a_diverged_stack_are_put_right";
    tried(test, &[(COMMON, stack)], &[ALL[0], ALL[1]], &ALL);
}

/// A history that was there vets the same passwords as before, and the new line stands above it.
#[test]
fn a_history_of_passwords_still_counts() {
    let stack = "password required pam_pwhistory.so remember=5\n\
                 password sufficient pam_unix.so sha512 use_authtok\npassword required pam_deny.so\n";
    let test = "a_history_of_passwords_still_counts";
    tried(test, &[(COMMON, stack)], &[ALL[0], ALL[1]], &ALL);
}
