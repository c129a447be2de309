//! An auditor of other people's: OpenSCAP with the content that Debian ships for Ubuntu 18.04, and
//! the fuller one for 20.04, whose CIS profile asks much the same.
//!
//! It runs inside a tree that has been made wrong in many ways, and again after the hardening. The
//! boot is played first, so that it sees the mounts and the kernel parameters that the tree's own
//! programs make of the files. `tests/data/oscap.tsv` has what it says of each of its rules, and
//! `docs/oscap.md` why it is content or not. `BLESS=1` writes the verdicts into both; rows and reasons
//! are written by hand.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use gokaku::profile::{Profile, RuleId};

use crate::bench::{here, judged};
use crate::support::{Ran, repository, root, rows, skip};

/// What is asked: the content's number and profile.
const ASKED: &[(&str, &str)] = &[("1804", "cis"), ("2004", "cis_level2_server")];

const CONTENT: &str = "/usr/share/xml/scap/ssg/content";

/// Makes the tree wrong wherever a row can mend it.
const SPOIL: &str = r#"
inside useradd -m -s /bin/bash alice
echo 'alice:$6$salt$0123456789' | inside chpasswd -e
inside chage -m 0 -M 99999 -W 3 -I -1 alice
inside useradd -M -s /bin/bash bob
inside useradd -m -s /bin/bash carol
inside usermod -s /bin/bash games
cd "$GOKAKU_ROOT"
sed -i 's/^carol:[^:]*:/carol::/' etc/shadow
chmod 0777 home/alice etc/cron.d etc/cron.hourly etc/cron.daily etc/cron.weekly etc/cron.monthly
echo >home/alice/.spoilt
chown "$(stat -c %u:%g home/alice)" home/alice/.spoilt
chmod 0666 home/alice/.spoilt
for f in passwd group shadow gshadow; do [ -e etc/$f- ] || cp -a etc/$f etc/$f-; done
echo Welcome >etc/motd
wrong="etc/passwd etc/group etc/shadow etc/gshadow etc/passwd- etc/group- etc/shadow- etc/gshadow-
    etc/issue etc/issue.net etc/motd etc/crontab etc/ssh/sshd_config"
chown 1000:1000 $wrong etc/cron.d etc/cron.hourly etc/cron.daily etc/cron.weekly etc/cron.monthly
chmod 0666 $wrong etc/ssh/ssh_host_*_key etc/ssh/ssh_host_*_key.pub
sed -i '/^Include/d; /^UsePAM/d' etc/ssh/sshd_config
cat >>etc/ssh/sshd_config <<'END'
LogLevel DEBUG
MaxAuthTries 9
MaxSessions 99
IgnoreRhosts no
HostbasedAuthentication yes
PermitRootLogin yes
PermitEmptyPasswords yes
PermitUserEnvironment yes
MACs hmac-md5,hmac-sha2-256
Banner none
END
echo 'umask 022' >>etc/profile
printf 'kernel.randomize_va_space = 0\nfs/suid_dumpable=2\n' >>etc/sysctl.conf
sed -i 's/^PASS_WARN_AGE.*/PASS_WARN_AGE 1/' etc/login.defs
echo 'minlen = 6' >>etc/security/pwquality.conf
printf 'tmpfs /tmp tmpfs mode=1777 0 0\ntmpfs /var/tmp tmpfs mode=1777,suid,dev 0 0\n' >>etc/fstab
[ -e etc/mtab ] || ln -s ../proc/self/mounts etc/mtab
cd - >/dev/null
"#;

/// The auditor goes into the tree with its libraries, to see everything where it will be.
const AUDITOR: &str = r#"
mkdir "$OUT/oscap" "$GOKAKU_ROOT/mnt/oscap" "$GOKAKU_ROOT/mnt/openscap" "$GOKAKU_ROOT/mnt/content"
program=$(command -v oscap)
cp -L "$program" $(ldd "$program" | grep -o '/[^ ]*') "$OUT/oscap"
loader=$(basename "$(ldd "$program" | grep -o '/[^ ]*/ld-[^ ]*')")
mount --bind "$OUT/oscap" "$GOKAKU_ROOT/mnt/oscap"
mount --bind /usr/share/openscap "$GOKAKU_ROOT/mnt/openscap"
mount --bind CONTENT "$GOKAKU_ROOT/mnt/content"
v4="accept_redirects accept_source_route forwarding send_redirects secure_redirects log_martians rp_filter"
v6="accept_redirects accept_source_route forwarding accept_ra"
keys="kernel.randomize_va_space fs.suid_dumpable net.ipv4.tcp_syncookies net.ipv4.ip_forward
    net.ipv4.icmp_echo_ignore_broadcasts net.ipv4.icmp_ignore_bogus_error_responses"
for w in all default; do
    for k in $v4; do keys="$keys net.ipv4.conf.$w.$k"; done
    for k in $v6; do keys="$keys net.ipv6.conf.$w.$k"; done
done
# Content for another release judges a tree that says it is that release.
names="$(readlink -f "$GOKAKU_ROOT/etc/os-release") $GOKAKU_ROOT/etc/lsb-release"
case $names in "$GOKAKU_ROOT"/*) ;; *) names="$GOKAKU_ROOT/usr/lib/os-release $GOKAKU_ROOT/etc/lsb-release" ;; esac
audit() {
    kernel_settings $(for k in $keys; do echo $k=7; done)
    for f in $names; do
        sed "s/18\.04/$(echo $2 | sed 's/../&./')/; s/stand-in[^\"]*/LTS/" "$f" >"$OUT/name.$(basename "$f")"
        [ $2 = 1804 ] || sed -i 's/bionic/focal/' "$OUT/name.$(basename "$f")"
        mount --bind "$OUT/name.$(basename "$f")" "$f"
    done
    booted sh -c "ip link set lo up
        mount /dev/shm 2>/dev/null || mount -t tmpfs shm /dev/shm
        mount /tmp
        mount /var/tmp
        /lib/systemd/systemd-sysctl 2>/dev/null
        export OSCAP_SCHEMA_PATH=/mnt/openscap/schemas OSCAP_XSLT_PATH=/mnt/openscap/xsl OSCAP_CPE_PATH=/mnt/openscap/cpe
        /mnt/oscap/$loader --library-path /mnt/oscap /mnt/oscap/oscap xccdf eval \
            --profile xccdf_org.ssgproject.content_profile_$3 /mnt/content/ssg-ubuntu$2-ds.xml" \
        >"$OUT/$1.$2" 2>"$OUT/$1.$2.errors" || [ $? = 2 ]
    for f in $names; do umount "$f"; done
}
"#;

/// One line of `tests/data/oscap.tsv`.
struct Line {
    content: String,
    rule: String,
    /// Rows of our table that ask the same, if any.
    rows: Vec<String>,
    before: String,
    after: String,
    /// Why it does not pass, if it does not; `docs/oscap.md` has a section for each.
    why: String,
}

impl Line {
    fn of_docs(&self) -> String {
        let Line { content, rule, rows, before, after, .. } = self;
        format!("| {content} | `{rule}` | {} | {before} | {after} |\n", rows.join(", "))
    }

    fn of_table(&self) -> String {
        let Line { content, rule, rows, before, after, why } = self;
        let rows = if rows.is_empty() { "-".to_owned() } else { rows.join(" ") };
        format!("{content}\t{rule}\t{rows}\t{before}\t{after}\t{why}\n")
    }

    /// Whether it stands for a row that passes.
    fn enforced(&self, profile: &Profile) -> bool {
        let passes = |row: &String| {
            let rule = profile.rule(&row.parse().unwrap());
            rule.unwrap_or_else(|| panic!("{}: no row {row}", self.rule)).is_enforced()
        };
        self.rows.iter().any(passes)
    }
}

const TABLE: &str = "tests/data/oscap.tsv";
const DOCS: &str = "docs/oscap.md";
const HEAD: &str = "content\trule\trows\tbefore\tafter\twhy\n";
const DOCS_HEAD: &str = "| content | rule | rows | before | after |\n|---|---|---|---|---|\n";

fn table() -> Vec<Line> {
    let text = fs::read_to_string(repository(TABLE)).unwrap();
    let lines = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [content, rule, rows, before, after, why] = fields[..] else { panic!("{line}") };
        let rows = rows.split(' ').filter(|r| *r != "-").map(str::to_owned).collect();
        let [content, rule] = [content, rule].map(str::to_owned);
        let [before, after, why] = [before, after, why].map(str::to_owned);
        Line { content, rule, rows, before, after, why }
    });
    lines.collect()
}

/// The verdict on each rule.
fn verdicts(ran: &Ran, name: &str) -> BTreeMap<String, String> {
    let text = ran.file(name);
    let mut verdicts = BTreeMap::new();
    let mut rule = None;
    for line in text.lines() {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["Rule", id] => rule = id.strip_prefix("xccdf_org.ssgproject.content_rule_"),
            ["Result", verdict] => {
                let rule = rule.take().expect("a rule before its result");
                verdicts.insert(rule.to_owned(), verdict.to_owned());
            }
            _ => {}
        }
    }
    verdicts
}

#[test]
fn an_independent_auditor_says_what_the_table_says() {
    let test = "an_independent_auditor_says_what_the_table_says";
    if !here(test, "oscap", "openscap-scanner") {
        return;
    }
    if !fs::exists(format!("{CONTENT}/ssg-ubuntu1804-ds.xml")).unwrap() {
        skip(test, "no content to audit by (Debian package ssg-debderived)");
        return;
    }
    let audits = |when: &str| {
        let lines = ASKED.iter().map(|(n, profile)| format!("audit {when} {n} {profile}\n"));
        lines.collect::<String>()
    };
    let prepare = format!("{SPOIL}{}{}", AUDITOR.replace("CONTENT", CONTENT), audits("before"));
    let programs = ["useradd", "chage", "ip", "mount", "systemd-sysctl"];
    let Some(ran) = judged(test, &programs, &prepare, &audits("after")) else { return };
    let report = ran.json("apply.json");
    let ours = rows(&report);
    let table = table();
    // A real 18.04 differs in packages; there only what is mapped to a row that passes counts.
    let stand_in = fs::read_to_string(root(test).unwrap().join("usr/lib/os-release"))
        .is_ok_and(|text| text.contains("stand-in"));
    let mut wrong = String::new();
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (content, _) in ASKED {
        let (before, after) = (
            verdicts(&ran, &format!("before.{content}")),
            verdicts(&ran, &format!("after.{content}")),
        );
        assert!(after.len() > 50, "{content}: {}", ran.file(&format!("after.{content}.errors")));
        for (rule, is) in &after {
            if !table.iter().any(|l| l.content == *content && l.rule == *rule) {
                let _ = writeln!(
                    wrong,
                    "{content}\t{rule}\t-\t{}\t{is}\t: not in the table",
                    before[rule]
                );
            }
        }
        for line in table.iter().filter(|l| l.content == *content) {
            let is = |verdicts: &BTreeMap<String, String>| {
                verdicts.get(&line.rule).cloned().unwrap_or_else(|| "gone".to_owned())
            };
            let (was, is) = (is(&before), is(&after));
            *counts.entry((content, format!("{was} -> {is}"))).or_default() += 1;
            let fine = if stand_in {
                was == line.before && is == line.after
            } else {
                line.rows.is_empty() || line.after != "pass" || is == "pass"
            };
            if !fine {
                let told = format!("told {} -> {}", line.before, line.after);
                let _ = writeln!(wrong, "{content} {}: {was} -> {is}, {told}", line.rule);
            }
            for row in &line.rows {
                let row = ours.get(row).unwrap_or_else(|| panic!("{}: no row {row}", line.rule));
                let holds =
                    ["met", "met_vacuously", "manual"].contains(&row["outcome"].as_str().unwrap());
                if row["status"] == "pass" && stand_in && !holds {
                    let _ = writeln!(wrong, "{content} {}: our row is {row}", line.rule);
                }
            }
        }
    }
    println!("{counts:#?}");
    if std::env::var_os("BLESS").is_some() {
        bless(&ran, &table);
        return;
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Writes the verdicts into the table.
fn bless(ran: &Ran, table: &[Line]) {
    let mut text = HEAD.to_owned();
    for (content, _) in ASKED {
        let before = verdicts(ran, &format!("before.{content}"));
        for (rule, after) in verdicts(ran, &format!("after.{content}")) {
            let old = table.iter().find(|l| l.content == *content && l.rule == rule);
            let (rows, why) = old.map_or((Vec::new(), "?"), |l| (l.rows.clone(), l.why.as_str()));
            let (before, why) = (before[&rule].clone(), why.to_owned());
            let why = if after == "pass" { "-".to_owned() } else { why };
            text +=
                &Line { content: (*content).to_owned(), rule, rows, before, after, why }.of_table();
        }
    }
    fs::write(repository(TABLE), text).unwrap();
}

/// The table and its explanation belong together.
#[test]
fn the_table_of_the_auditor_is_complete_and_explained() {
    let profile = Profile::embedded().unwrap();
    let text = fs::read_to_string(repository(DOCS)).unwrap();
    let (told, shown) = text.split_once(DOCS_HEAD).unwrap();
    let mut table = table();
    for line in &table {
        let at = format!("{} {}", line.content, line.rule);
        assert_eq!(line.after == "pass", line.why == "-", "{at}: what does not pass has a reason");
        if line.why != "-" {
            assert!(told.contains(&format!("\n### {}\n", line.why)), "{at}: {}", line.why);
            // Left alone is a reason for rows that are left alone only, and so is having no row.
            let left_alone = !line.enforced(&profile) && !line.rows.is_empty();
            assert_eq!(line.why == "left-alone", left_alone, "{at}");
            assert_eq!(line.why == "no-row", line.rows.is_empty(), "{at}");
        }
    }
    table.retain(|line| line.enforced(&profile));
    table.sort_by_cached_key(|l| {
        (l.rows[0].parse::<RuleId>().unwrap(), l.content.clone(), l.rule.clone())
    });
    let wanted: String = table.iter().map(Line::of_docs).collect();
    if std::env::var_os("BLESS").is_some() {
        fs::write(repository(DOCS), format!("{told}{DOCS_HEAD}{wanted}")).unwrap();
    } else {
        assert_eq!(shown, wanted, "{DOCS} is not up to date; BLESS=1 writes it");
    }
}
