//! The tree's own account tools and PAM on the hardened files.

use crate::bench::{implemented, judged};

/// What a checker of account files complains about, without its last line.
fn complaints(text: &str) -> Vec<&str> {
    text.lines().filter(|l| !l.contains("no changes")).collect()
}

#[test]
fn account_files_are_as_sound_as_before_and_sudo_reads_its_rules() {
    let test = "account_files_are_as_sound_as_before_and_sudo_reads_its_rules";
    // Accounts of every kind are touched: in use, locked, of the system, without a home.
    let prepare = r#"
inside useradd -m alice
inside useradd -m -e 2099-01-01 bob
inside useradd -r -s /bin/bash daemonish
echo 'alice:$6$salt$0123456789' | inside chpasswd -e
inside chage -m 0 -M 99999 -W 3 -I -1 alice
check() {
    inside pwck -r >"$OUT/pwck.$1" 2>&1 || true
    inside grpck -r >"$OUT/grpck.$1" 2>&1 || true
}
check before
"#;
    let look = "check after\ninside visudo -c >\"$OUT/visudo\" 2>&1 || true";
    let programs = ["pwck", "grpck", "visudo", "useradd", "chage"];
    let Some(ran) = judged(test, &programs, prepare, look) else { return };
    for tool in ["pwck", "grpck"] {
        let (before, after) =
            (ran.file(&format!("{tool}.before")), ran.file(&format!("{tool}.after")));
        for line in complaints(&after) {
            assert!(complaints(&before).contains(&line), "{tool} is not content: {line}");
        }
    }
    let sudo = ran.file("visudo");
    assert!(sudo.lines().all(|l| l.ends_with("parsed OK")) && !sudo.is_empty(), "{sudo}");
}

#[test]
fn a_new_account_gets_a_closed_home_and_ageing() {
    let test = "a_new_account_gets_a_closed_home_and_ageing";
    let look = r#"
inside useradd -m carol
inside stat -c %a /home/carol >"$OUT/home"
inside grep '^carol:' /etc/shadow | cut -d: -f4-7 >"$OUT/ageing"
"#;
    let Some(ran) = judged(test, &["useradd"], "", look) else { return };
    let home = u32::from_str_radix(ran.file("home").trim(), 8).unwrap();
    assert_eq!(home & 0o027, 0, "{home:o}");
    assert_eq!(ran.file("ageing").trim(), "1:365:7:30");
}

#[test]
fn chage_shows_the_ageing_of_an_existing_account() {
    let test = "chage_shows_the_ageing_of_an_existing_account";
    let prepare = r#"
inside useradd -m alice
echo 'alice:$6$salt$0123456789' | inside chpasswd -e
inside chage -m 0 -M 99999 -W 3 -I -1 alice
"#;
    let look = r#"inside chage -l alice >"$OUT/alice"; inside chage -l root >"$OUT/root""#;
    let Some(ran) = judged(test, &["useradd", "chage"], prepare, look) else { return };
    let said = ran.file("alice");
    let of = |what: &str| {
        let line = said.lines().find(|l| l.starts_with(what)).expect(what);
        line.rsplit(':').next().unwrap().trim().to_owned()
    };
    assert_eq!(of("Minimum number of days"), "1");
    assert_eq!(of("Maximum number of days"), "365");
    assert_eq!(of("Number of days of warning"), "7");
    assert_ne!(of("Password expires"), "never");
    assert_ne!(of("Password inactive"), "never");
    assert_eq!(of("Account expires"), "never");
    assert!(ran.file("root").contains("never"), "root is never aged: {}", ran.file("root"));
}

/// Passwords through the whole stack: as root, and as a user who must meet the demands.
#[test]
fn a_password_change_works_and_a_weak_one_is_refused() {
    let test = "a_password_change_works_and_a_weak_one_is_refused";
    // The tree has no word list; without this pwquality refuses everything for want of it.
    let prepare = r#"
grep -q pam_pwquality "$GOKAKU_ROOT/etc/pam.d/common-password"
echo 'dictcheck = 0' >>"$GOKAKU_ROOT/etc/security/pwquality.conf"
for u in same-day short classes digit wrong good; do
    inside useradd -m -s /bin/sh $u
    echo "$u:Altes-Passwort-17" | inside chpasswd
done
"#;
    // Each attempt on an account of its own and all at once, because a refusal takes its time.
    let look = r#"
hash() { inside grep "^$1:" /etc/shadow | cut -d: -f2; }
echo 'root:Root-Passwort-17' | inside chpasswd >"$OUT/root" 2>&1
change() {
    [ $1 = same-day ] || inside chage -d "$(date -d '-3 days' +%F)" $1
    echo "$1:Erstes-Passwort-17" | inside chpasswd >"$OUT/set" 2>&1
    [ $1 = same-day ] || inside chage -d "$(date -d '-3 days' +%F)" $1
    hash $1 >"$OUT/$1.old"
    {
        printf '%s\n%s\n%s\n' "$2" "$3" "$3" | inside su $1 -c passwd >"$OUT/$1" 2>&1 &&
            echo changed >>"$OUT/$1" || echo refused >>"$OUT/$1"
        hash $1 >"$OUT/$1.new"
    } &
}
change same-day Erstes-Passwort-17 Zweites:Kennwort%18
change short Erstes-Passwort-17 Kurz-9%x
change classes Erstes-Passwort-17 nurkleinbuchstabenhier
change digit Erstes-Passwort-17 NurBuchstabenUndStriche--
change wrong falsch Zweites:Kennwort%18
change good Erstes-Passwort-17 Zweites:Kennwort%18
wait
"#;
    let programs = ["passwd", "chpasswd", "su", "useradd", "chage"];
    let Some(ran) = judged(test, &programs, prepare, look) else { return };
    let last = |name: &str| ran.file(name).lines().last().unwrap_or_default().to_owned();
    let hash = |name: &str, when: &str| ran.file(&format!("{name}.{when}"));
    for refused in ["same-day", "short", "classes", "digit", "wrong"] {
        assert_eq!(last(refused), "refused", "{refused}: {}", ran.file(refused));
        assert_eq!(hash(refused, "old"), hash(refused, "new"), "{refused}");
    }
    assert!(ran.file("short").contains("shorter than 14"), "{}", ran.file("short"));
    assert!(ran.file("same-day").contains("wait longer"), "{}", ran.file("same-day"));
    assert_eq!(last("good"), "changed", "{}", ran.file("good"));
    assert_ne!(hash("good", "old"), hash("good", "new"));
    if implemented(test, &ran.json("apply.json"), "5.4.4") {
        for when in ["old", "new"] {
            assert!(hash("good", when).starts_with("$6$"), "{}", hash("good", when));
        }
    }
}

/// What a session gets: the umask, and no core dumps.
#[test]
fn sessions_get_the_umask_and_no_core_dumps() {
    let test = "sessions_get_the_umask_and_no_core_dumps";
    // 18.04 has pam_umask in the sessions' stack; without it only login shells are told.
    let prepare = r#"
inside useradd -m -s /bin/bash erin
inside useradd -m -s /bin/sh frank
grep -q pam_umask "$GOKAKU_ROOT/etc/pam.d/common-session" ||
    echo 'session optional pam_umask.so' >>"$GOKAKU_ROOT/etc/pam.d/common-session"
"#;
    let look = r#"
{
    echo "login-bash $(inside bash -lc umask)"
    echo "login-sh $(inside sh -lc umask)"
    for u in root erin frank; do
        echo "su-login-$u $(inside su - $u -c umask)"
        echo "su-$u $(inside su $u -c umask)"
    done
} >"$OUT/umask"
for u in root erin frank; do
    echo "$u $(inside su - $u -s /bin/bash -c 'ulimit -H -c')"
done >"$OUT/core"
"#;
    let Some(ran) = judged(test, &["su", "bash", "useradd"], prepare, look) else { return };
    for line in ran.file("core").lines() {
        // `*` in limits is everybody but root.
        assert!(line.ends_with(" 0") || line.starts_with("root "), "{line}");
    }
    for line in ran.file("umask").lines() {
        let (how, umask) = line.split_once(' ').unwrap();
        let umask = u32::from_str_radix(umask, 8).unwrap();
        // pam_umask may open a session to the user's own group of the same name.
        let want = if how.contains("login") || how == "su-root" { 0o027 } else { 0o007 };
        assert_eq!(umask & want, want, "{how}: {umask:o}");
    }
}
