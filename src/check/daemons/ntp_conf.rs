//! ntpd lets nobody but itself change or query it, has a source of time, and is not root.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::guarded;
use crate::check::common::includes::{Budget, Limits};
use crate::check::foreign;
use crate::check::packages::dpkg;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::shell_assignments::{Assignment, assignments};
use crate::text::{Lines, ntp};

/// The configuration of ntpd, where the package `ntp` is there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NtpConf {}

/// What the default entries must carry, in the order it is written.
const FLAGS: [&str; 5] = ["kod", "nomodify", "notrap", "nopeer", "noquery"];
/// ntpd itself goes no deeper into `includefile`; more files than this are a mistake.
const LIMITS: Limits = Limits { levels: 6, files: 64 };
const DEFAULTS: &str = "/etc/default/ntp";
const INIT: &str = "/etc/init.d/ntp";
const WRAPPER: &str = "/usr/lib/ntp/ntp-systemd-wrapper";

impl Primitive for NtpConf {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "ntp")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let options = Options::read(root)?;
        let mut gaps = Vec::new();
        let mut holding = Vec::new();
        let path = match &options.config {
            Some(path) => ImagePath::parse(path)?,
            None => ImagePath::parse("/etc/ntp.conf")?,
        };
        let mut files = Vec::new();
        read_all(root, &path, &mut Budget::new(LIMITS, &path), &mut files)?;
        if files.is_empty() {
            let evidence = Evidence::at(&path).note(messages::missing());
            let evidence = evidence.want(messages::wants_configuration("ntpd"));
            let why = messages::configuration_missing(&path, "ntp");
            gaps.push(guarded::open(audit, Subject::path(&path), evidence, why));
        } else {
            restrict(audit, &files, &mut gaps, &mut holding)?;
            sources(audit, &files, &mut gaps, &mut holding);
        }
        options.user(audit, &mut gaps);
        run_as(audit, &mut gaps, &mut holding)?;
        Ok(Finding::from_gaps(gaps, holding))
    }
}

struct File {
    path: ImagePath,
    text: String,
}

/// The file and those it includes, each once.
fn read_all(
    root: &dyn Rootfs,
    path: &ImagePath,
    budget: &mut Budget,
    files: &mut Vec<File>,
) -> Result<()> {
    if budget.is_deepest() || files.iter().any(|f| f.path == *path) {
        return Ok(());
    }
    let Some(text) = root.read(path)? else { return Ok(()) };
    budget.enter(path, text.len())?;
    let includes: Vec<(usize, String)> = Lines::new(&text)
        .iter()
        .filter_map(|(number, line)| match ntp::words(line).as_slice() {
            ["includefile", path, ..] => Some((number, path.trim_matches('"').to_owned())),
            _ => None,
        })
        .collect();
    files.push(File { path: path.clone(), text });
    for (line, include) in includes {
        // A relative path depends on ntpd's working directory, which is unknown here.
        if let Ok(included) = ImagePath::parse(&include) {
            read_all(root, &included, budget.at(path, line), files)?;
        }
    }
    budget.leave();
    Ok(())
}

/// The default entry for an address family.
fn default_entry(family: &str) -> Subject {
    Subject::directive(format!("restrict {family} default"))
}

/// One gap for each address family whose default entry lacks a flag.
fn restrict(
    audit: &Audit<'_>,
    files: &[File],
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let entries: Vec<_> = files
        .iter()
        .flat_map(|f| ntp::default_restricts(&f.text).into_iter().map(move |e| (f, e)))
        .collect();
    let Some(main) = files.first() else { return Ok(()) };
    for (family, other, is_v4) in [("-4", "-6", true), ("-6", "-4", false)] {
        let own: Vec<_> = entries.iter().filter(|(_, e)| if is_v4 { e.v4 } else { e.v6 }).collect();
        for (file, entry) in &own {
            foreign::judged(&file.path, entry.line, &entry.flags.join(" "))?;
        }
        let has = |flag: &&str| own.iter().any(|(_, e)| e.flags.iter().any(|f| f == flag));
        let missing: Vec<&str> = FLAGS.into_iter().filter(|f| !has(f)).collect();
        let want = format!("restrict {family} default {}", FLAGS.join(" "));
        // The line for this family alone is the one to add to, if there is one.
        let alone = own.iter().rev().find(|(_, e)| e.v4 != e.v6);
        let evidence = match alone.or(own.last()) {
            Some((file, entry)) => {
                let found = format!("restrict {family} default {}", entry.flags.join(" "));
                Evidence::at(&file.path).line(entry.line).found(found)
            }
            None => Evidence::at(&main.path).note(messages::no_restrict(family)),
        };
        if missing.is_empty() {
            holding.push(evidence);
            continue;
        }
        // A line for both families stays where the other one is excluded; a further line adds
        // flags for this family.
        let is_shared_free = audit.excluded(&default_entry(other)).is_none();
        let (file, mut new) = match alone.or(own.last().filter(|_| is_shared_free)) {
            Some((file, entry)) => (*file, ntp::add_flags(&file.text, entry.line, &missing)),
            None => (main, ntp::push(&main.text, &want)),
        };
        if missing.contains(&"nopeer") {
            new = open_pool(files, &file.path, new);
        }
        let (subject, evidence) = (default_entry(family), evidence.want(want));
        gaps.push(guarded::rewritten(audit, subject, evidence, &file.path, new, 0o644)?);
    }
    Ok(())
}

/// `nopeer` keeps the servers of a `pool` from being used, unless an entry for sources without it
/// is there: adds one to the new text of a file where that is so.
fn open_pool(files: &[File], path: &ImagePath, new: String) -> String {
    let command = |first: &str, second: Option<&str>| {
        files.iter().any(|f| {
            let text = if f.path == *path { &new } else { &f.text };
            Lines::new(text).iter().any(|(_, line)| {
                let words = ntp::words(line);
                words.first() == Some(&first)
                    && second.is_none_or(|second| words.get(1) == Some(&second))
            })
        })
    };
    if command("pool", None) && !command("restrict", Some("source")) {
        return ntp::push(&new, "restrict source notrap nomodify noquery");
    }
    new
}

/// ntpd needs a source of time; which one is the site's choice.
fn sources(audit: &Audit<'_>, files: &[File], gaps: &mut Vec<Gap>, holding: &mut Vec<Evidence>) {
    for file in files {
        for (number, line) in Lines::new(&file.text).iter() {
            let words = ntp::words(line);
            let [command @ ("server" | "pool"), rest @ ..] = words.as_slice() else { continue };
            let address = rest.iter().find(|w| !w.starts_with('-'));
            // The machine's own clock is no source.
            if address.is_some_and(|a| !a.starts_with("127.127.1.")) {
                let found = format!("{command} {}", address.unwrap_or(&""));
                holding.push(Evidence::at(&file.path).line(number).found(found));
                return;
            }
        }
    }
    let Some(file) = files.first() else { return };
    let evidence = Evidence::at(&file.path).note(messages::no_server());
    let evidence = evidence.want(messages::wants_time_source());
    let why = messages::no_time_source(&file.path);
    gaps.push(guarded::open(audit, Subject::directive("server"), evidence, why));
}

/// ntpd's options in `/etc/default/ntp`.
struct Options {
    path: ImagePath,
    line: usize,
    /// The configuration they name.
    config: Option<String>,
    /// The user they name.
    user: Option<String>,
}

impl Options {
    fn read(root: &dyn Rootfs) -> Result<Options> {
        let path = ImagePath::parse(DEFAULTS)?;
        let text = root.read(&path)?.unwrap_or_default();
        let last = last_assignment(&text, "NTPD_OPTS");
        let line = last.as_ref().map_or(0, |v| v.line);
        let words: Vec<&str> = last.iter().flat_map(|v| v.value.split_whitespace()).collect();
        let config = option(&words, 'c', "configfile").filter(|p| p.starts_with('/'));
        let user = option(&words, 'u', "user");
        foreign::judged(&path, line, user.unwrap_or_default())?;
        Ok(Options { path, line, config: config.map(str::to_owned), user: user.map(str::to_owned) })
    }

    fn user(&self, audit: &Audit<'_>, gaps: &mut Vec<Gap>) {
        let Some(user) = &self.user else { return };
        if is_root(user) {
            let evidence = Evidence::at(&self.path).line(self.line).found(format!("-u {user}"));
            let evidence = evidence.want(messages::wants_user_option());
            let why = messages::runs_as_root(&self.path, self.line, user);
            gaps.push(guarded::open(audit, variable(&self.path, "NTPD_OPTS"), evidence, why));
        }
    }
}

/// A variable of a file, by both names.
fn variable(path: &ImagePath, name: &str) -> Subject {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    Subject::key(format!("{file}:{name}"))
}

fn is_root(user: &str) -> bool {
    let name = user.split([':', '.']).next().unwrap_or_default();
    name == "root" || (!name.is_empty() && name.bytes().all(|b| b == b'0'))
}

/// The last value of an option, as getopt finds it: `-x v`, `-xv`, `-abx v`, `--long v`,
/// `--long=v`.
fn option<'a>(words: &[&'a str], short: char, long: &str) -> Option<&'a str> {
    /// ntpd's options without a value.
    const FLAGS: &str = "46aAbdgGLmMnNqwx";
    let mut found = None;
    for (i, word) in words.iter().enumerate() {
        let next = || words.get(i + 1).copied();
        let value = if let Some(rest) = word.strip_prefix("--") {
            match rest.strip_prefix(long) {
                Some("") => next(),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            }
        } else if let Some(rest) = word.strip_prefix('-') {
            match rest.trim_start_matches(|c| FLAGS.contains(c)).strip_prefix(short) {
                Some("") => next(),
                rest => rest,
            }
        } else {
            None
        };
        found = value.or(found);
    }
    found
}

fn last_assignment(text: &str, name: &str) -> Option<Assignment> {
    assignments(text).into_iter().rfind(|v| v.name == name)
}

/// The user the start scripts give ntpd.
fn run_as(audit: &Audit<'_>, gaps: &mut Vec<Gap>, holding: &mut Vec<Evidence>) -> Result<()> {
    let root = audit.root();
    for (path, ours) in [(INIT, true), (WRAPPER, false)] {
        let path = ImagePath::parse(path)?;
        let Some(text) = root.read(&path)? else { continue };
        let Some(user) = last_assignment(&text, "RUNASUSER") else { continue };
        let evidence =
            Evidence::at(&path).line(user.line).found(format!("RUNASUSER={}", user.value));
        if user.value == "ntp" {
            holding.push(evidence);
            continue;
        }
        let evidence = evidence.want("RUNASUSER=ntp");
        let mut lines = Lines::new(&text);
        let plain = lines.get(user.line).map(str::trim);
        let plain = plain.is_some_and(|l| l.starts_with("RUNASUSER=") && !l.contains([';', '&']));
        let subject = variable(&path, "RUNASUSER");
        gaps.push(if ours && is_root(&user.value) && plain {
            lines.set(user.line, "RUNASUSER=ntp");
            guarded::rewritten(audit, subject, evidence, &path, lines.to_string(), 0o644)?
        } else {
            let why = messages::runs_as(&path, user.line, &user.value);
            guarded::open(audit, subject, evidence, why)
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{
        Run, changed_entries, check, outcome, reasons_on, settle_entries, stage,
    };
    use crate::rootfs::MemoryRootfs;

    const GOOD: &str = "driftfile /d\npool a iburst\n\
        restrict -4 default kod notrap nomodify nopeer noquery limited\n\
        restrict -6 default kod notrap nomodify nopeer noquery limited\n\
        restrict 127.0.0.1\nrestrict source notrap nomodify noquery\n";

    fn image(conf: &str) -> MemoryRootfs {
        MemoryRootfs::new()
            .file("/var/lib/dpkg/status", "Package: ntp\nStatus: install ok installed\n")
            .file("/etc/ntp.conf", conf)
            .file(INIT, "#!/bin/sh\nRUNASUSER=ntp\nUGID=$(getent passwd $RUNASUSER)\n")
            .file(DEFAULTS, "NTPD_OPTS='-g'\n")
    }

    fn audit(root: &MemoryRootfs) -> Outcome {
        outcome(check("ntp_conf = {}").primitive(), root)
    }

    fn settled(conf: &str) -> String {
        let changes = settle_entries(check("ntp_conf = {}").primitive(), &image(conf));
        assert_eq!(changes.len(), 1);
        changes[0].strip_prefix("/etc/ntp.conf: ").unwrap().to_owned()
    }

    const FIVE: &str = "kod nomodify notrap nopeer noquery";

    #[test]
    fn what_holds() {
        assert_eq!(audit(&image(GOOD)), Outcome::Met);
        for conf in [
            format!("server a\nrestrict default {FIVE}\n"),
            format!("server a\r\nrestrict\tdefault  {FIVE} # x\r\n"),
            format!("server a\nrestrict 0.0.0.0 mask 0.0.0.0 {FIVE}\nrestrict :: mask :: {FIVE}"),
            "server a\nrestrict default kod nomodify\nrestrict default notrap nopeer noquery"
                .into(),
            format!("server 127.127.20.0\nrestrict default ignore {FIVE}\n"),
            format!("server -4 a\nrestrict default {FIVE}\nrestrict default {FIVE}\n"),
        ] {
            assert_eq!(audit(&image(&conf)), Outcome::Met, "{conf}");
        }
    }

    #[test]
    fn what_does_not() {
        for conf in [
            String::new(),
            GOOD.replace("noquery", "noquer"),
            GOOD.replace("-6 default kod", "-6 default"),
            GOOD.replace("restrict -4", "# restrict -4"),
            GOOD.replace("restrict -4", "Restrict -4"),
            GOOD.replace("-4 default", "-6 default"),
            GOOD.replace("pool a", "#pool a"),
            GOOD.replace("pool a", "server 127.127.1.0"),
        ] {
            assert_eq!(audit(&image(&conf)), Outcome::NotMet, "{conf}");
        }
        assert_eq!(audit(&image(GOOD).without("/etc/ntp.conf")), Outcome::NotMet);
        let looped = image(GOOD).link("/etc/ntp.conf", "ntp.conf");
        assert_eq!(audit(&looped), Outcome::Unknown);
        let with = |line: &[u8]| {
            audit(&image(GOOD).file("/etc/ntp.conf", [line, b"\n", GOOD.as_bytes()].concat()))
        };
        for judged in [&b"restrict default \xff"[..], b"server \xff"] {
            assert_eq!(with(judged), Outcome::Unknown);
        }
        for elsewhere in [&b"# \xff"[..], b"leapfile /\xff", b"\xff"] {
            assert_eq!(with(elsewhere), Outcome::Met);
        }
    }

    #[test]
    fn without_the_package_nothing_is_asked() {
        let status = "Package: ntp\nStatus: deinstall ok config-files\n\nPackage: ntpdate\n\
            Status: install ok installed\n";
        let root = image("").file("/var/lib/dpkg/status", status);
        assert_eq!(audit(&root), Outcome::MetVacuously);
        assert_eq!(audit(&root.without("/var/lib/dpkg")), Outcome::Unknown);
    }

    #[test]
    fn flags_are_added_where_they_are_missing() {
        let four = "server a\nrestrict -4 default kod # v4\nrestrict -6 default kod notrap";
        assert_eq!(
            settled(four),
            "server a\nrestrict -4 default kod nomodify notrap nopeer noquery # v4\n\
             restrict -6 default kod notrap nomodify nopeer noquery"
        );
        let bare = "server a\r\nrestrict default noquery\r\n";
        assert_eq!(
            settled(bare),
            "server a\r\nrestrict default noquery kod nomodify notrap nopeer\r\n"
        );
        // Of two kinds of lines, the one for the family alone is added to.
        let both = "server a\nrestrict default kod nomodify notrap nopeer\nrestrict -4 default\n";
        assert_eq!(
            settled(both),
            "server a\nrestrict default kod nomodify notrap nopeer noquery\n\
             restrict -4 default noquery\n"
        );
        assert_eq!(
            settled("server a"),
            format!("server a\nrestrict -4 default {FIVE}\nrestrict -6 default {FIVE}\n")
        );
    }

    #[test]
    fn a_pool_stays_usable() {
        let source = "restrict source notrap nomodify noquery\n";
        let new = settled("pool a\nrestrict default kod nomodify notrap noquery\n");
        assert_eq!(
            new,
            format!("pool a\nrestrict default kod nomodify notrap noquery nopeer\n{source}")
        );
        let new = settled("pool a\n");
        assert_eq!(new.matches(source).count(), 1, "{new}");
        let new = settled(&GOOD.replace("nopeer", ""));
        assert_eq!(new.matches("restrict source").count(), 1, "{new}");
    }

    #[test]
    fn included_files_count() {
        let root =
            image(&format!("server a\nincludefile /etc/ntp.d/r\nrestrict -4 default {FIVE}\n"))
                .file("/etc/ntp.d/r", "includefile \"/etc/ntp.conf\"\nrestrict -6 default kod\n");
        let changes = settle_entries(check("ntp_conf = {}").primitive(), &root);
        assert_eq!(
            changes,
            [format!("/etc/ntp.d/r: includefile \"/etc/ntp.conf\"\nrestrict -6 default {FIVE}\n")]
        );
    }

    #[test]
    fn includes_end_where_ntpd_ends_them_and_no_file_is_left_out_silently() {
        let chain = |holder: usize| {
            let next = |i: usize| format!("includefile /etc/ntp.d/{}\n", i + 1);
            let main = format!("server a\nrestrict -4 default {FIVE}\n{}", next(0));
            let mut root = image(&main);
            for i in 1..=6 {
                let rule = format!("restrict -6 default {FIVE}\n");
                let rule = if i == holder { rule } else { next(i) };
                root = root.file(&format!("/etc/ntp.d/{i}"), rule);
            }
            root
        };
        let want = check("ntp_conf = {}");
        assert_eq!(audit(&chain(5)), Outcome::Met);
        assert_eq!(audit(&chain(6)), Outcome::NotMet, "ntpd does not read it");
        let includes: String = (0..64).map(|i| format!("includefile /etc/ntp.d/{i}\n")).collect();
        let mut many = image(&includes);
        for i in 0..64 {
            many = many.file(&format!("/etc/ntp.d/{i}"), "");
        }
        let e = want.primitive().audit(&many).unwrap_err().to_string();
        assert!(e.starts_with("/etc/ntp.conf:64: found more than 64 files"), "{e}");
    }

    #[test]
    fn a_file_outside_etc_is_not_written() {
        let root = image("server a\n").file("/usr/share/ntp.conf", "server a\n");
        let root = root.link("/etc/ntp.conf", "/usr/share/ntp.conf");
        let why = reasons_on(check("ntp_conf = {}").primitive(), &root);
        assert!(why[0].contains("leads to /usr/share/ntp.conf"), "{why:?}");
        let inside = image("").file("/etc/time.conf", GOOD).link("/etc/ntp.conf", "time.conf");
        assert_eq!(audit(&inside), Outcome::Met);
    }

    #[test]
    fn options_may_name_another_file() {
        let other = image("").file("/etc/other.conf", GOOD);
        for options in
            ["-g -c /etc/other.conf", "-gc/etc/other.conf", "--configfile=/etc/other.conf"]
        {
            let root = other.clone().file(DEFAULTS, format!("NTPD_OPTS=\"{options}\"\n"));
            assert_eq!(audit(&root), Outcome::Met, "{options}");
        }
        assert_eq!(audit(&other), Outcome::NotMet);
    }

    #[test]
    fn ntpd_is_not_root() {
        for options in ["-u root", "-g -uroot:root", "--user 0", "--user=root", "-gu 0:0"] {
            let root = image(GOOD).file(DEFAULTS, format!("NTPD_OPTS='{options}'\n"));
            let why = reasons_on(check("ntp_conf = {}").primitive(), &root).join(" ");
            assert!(
                why.starts_with("/etc/default/ntp:1 makes ntpd run as root"),
                "{options}: {why}"
            );
        }
        for options in ["-u ntp", "-u rooty", "-g # -u root"] {
            let root = image(GOOD).file(DEFAULTS, format!("#-u root\nNTPD_OPTS='{options}'\n"));
            let want = if options.contains('#') { Outcome::NotMet } else { Outcome::Met };
            assert_eq!(audit(&root), want, "{options}");
        }
        let check = check("ntp_conf = {}");
        let root = image(GOOD).file(INIT, "#!/bin/sh\nRUNASUSER=root\nx\n");
        assert_eq!(
            settle_entries(check.primitive(), &root),
            [format!("{INIT}: #!/bin/sh\nRUNASUSER=ntp\nx\n")]
        );
        let root = image(GOOD).file(INIT, "RUNASUSER=other\n");
        assert_eq!(
            reasons_on(check.primitive(), &root),
            ["/etc/init.d/ntp:1 runs ntpd as other; set RUNASUSER=ntp by hand"]
        );
        let root = image(GOOD).file(WRAPPER, "RUNASUSER=root\n");
        assert_eq!(reasons_on(check.primitive(), &root).len(), 1, "the vendor's is not edited");
    }

    #[test]
    fn what_is_excluded_stays_and_the_rest_is_changed() {
        let check = check("ntp_conf = {}");
        let want = check.primitive();
        let after = |conf: &str, subject: Subject| {
            let root = image(conf).file(INIT, "RUNASUSER=root\n").excluding(subject);
            assert_eq!(reasons_on(want, &root).len(), 1);
            changed_entries(&stage(want, &root))
        };
        let init = format!("{INIT}: RUNASUSER=ntp\n");
        let two = "server a\nrestrict -4 default kod\nrestrict -6 default kod\n";
        assert_eq!(
            after(two, default_entry("-4")),
            [
                init.clone(),
                format!(
                    "/etc/ntp.conf: server a\nrestrict -4 default kod\nrestrict -6 default {FIVE}\n"
                )
            ]
        );
        let both = "server a\nrestrict default kod\n";
        assert_eq!(
            after(both, default_entry("-6")),
            [init, format!("/etc/ntp.conf: {both}restrict -4 default {FIVE}\n")],
            "the line for both families stays"
        );
        assert_eq!(
            after(both, Subject::key("ntp:RUNASUSER")),
            [format!("/etc/ntp.conf: server a\nrestrict default {FIVE}\n")]
        );
    }
}
