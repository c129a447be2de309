//! Log messages are routed: logins and the kernel to files, emergencies to everybody.

use schemars::JsonSchema;
use serde::Deserialize;

use super::rsyslog::{Config, MAIN};
use crate::check::common::destination::{self, Destination};
use crate::check::common::preview;
use crate::check::packages::dpkg;
use crate::check::{Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{Change, FileKind, ImagePath, Rootfs};
use crate::text::Lines;
use crate::text::rsyslog::{Mask, Target, What, facility};

/// Messages of auth and authpriv, and messages of the kernel, each go to a file, and emergencies
/// go to everybody who is logged in; by whatever rule in rsyslog's configuration.
///
/// Where one of these does not hold, the rules of the drop-in `file` are written: those that are
/// missing, and AKS's further log files, save those that another rule writes already.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RsyslogRouting {
    /// The drop-in below `/etc/rsyslog.d`.
    pub file: ImagePath,
}

/// Severities emerg to info: debug messages need not be kept.
const UP_TO_INFO: u8 = 0x7f;
const EMERG: u8 = 1;

/// What must hold, and the rule that makes it so.
struct Criterion {
    want: &'static str,
    rule: (&'static str, &'static str),
    /// Facilities, severities and whether it is a file (else: everybody).
    facilities: &'static [&'static str],
    severities: u8,
    file: bool,
}

const CRITERIA: [Criterion; 3] = [
    Criterion {
        want: "a file for messages of auth and authpriv",
        rule: ("auth,authpriv.*", "/var/log/auth.log"),
        facilities: &["auth", "authpriv"],
        severities: UP_TO_INFO,
        file: true,
    },
    Criterion {
        want: "a file for messages of the kernel",
        rule: ("kern.*", "-/var/log/kern.log"),
        facilities: &["kern"],
        severities: UP_TO_INFO,
        file: true,
    },
    Criterion {
        want: "emergencies (*.emerg) to everybody who is logged in",
        rule: ("*.emerg", ":omusrmsg:*"),
        facilities: &[],
        severities: EMERG,
        file: false,
    },
];

/// The further log files of an AKS node.
const FURTHER: [(&str, &str); 13] = [
    ("mail.*", "-/var/log/mail"),
    ("mail.info", "-/var/log/mail.info"),
    ("mail.warning", "-/var/log/mail.warn"),
    ("mail.err", "/var/log/mail.err"),
    ("news.crit", "-/var/log/news/news.crit"),
    ("news.err", "-/var/log/news/news.err"),
    ("news.notice", "-/var/log/news/news.notice"),
    ("*.=warning;*.=err", "-/var/log/warn"),
    ("*.crit", "/var/log/warn"),
    ("local0,local1.*", "-/var/log/localmessages"),
    ("local2,local3.*", "-/var/log/localmessages"),
    ("local4,local5.*", "-/var/log/localmessages"),
    ("local6,local7.*", "-/var/log/localmessages"),
];

impl Criterion {
    fn needs(&self) -> impl Iterator<Item = usize> {
        let named = self.facilities.iter().filter_map(|name| facility(name));
        let all = if self.facilities.is_empty() { 0..Mask::FACILITIES } else { 0..0 };
        named.chain(all)
    }

    fn holds(&self, reached: &Mask) -> bool {
        self.needs().all(|f| reached.severities(f) & self.severities == self.severities)
    }

    fn helped_by(&self, reach: &Mask) -> bool {
        self.needs().any(|f| reach.severities(f) & self.severities != 0)
    }
}

/// Per criterion whether it holds, and the rules that help it.
struct Judgement {
    criteria: Vec<(bool, Vec<Evidence>)>,
    /// Rules that write nothing because a directory stands where their file should be.
    notes: Vec<Evidence>,
}

impl Primitive for RsyslogRouting {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        if let Some(absent) = dpkg::absent(root, "rsyslog")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let Some(config) = Config::read(root)? else {
            let evidence = Evidence::at(&ImagePath::parse(MAIN)?).want("rsyslog's configuration");
            let advice = "the file is missing; install rsyslog anew";
            return Ok(Finding::from_gaps(vec![Gap::no_remedy(evidence, advice)], Vec::new()));
        };
        let now = judge(root, &config)?;
        let missing: Vec<bool> = now.criteria.iter().map(|(holds, _)| !holds).collect();
        let mut holding: Vec<Evidence> = Vec::new();
        for (criterion, (holds, rules)) in CRITERIA.iter().zip(now.criteria) {
            let rules = rules.into_iter().map(|e| e.want(criterion.want));
            holding.extend(rules.take(if holds { usize::MAX } else { 0 }));
        }
        holding.extend(now.notes);
        if !missing.contains(&true) {
            return Ok(Finding::Met(holding));
        }
        Ok(Finding::NotMet { gaps: self.gaps(root, &config, &missing)?, holding })
    }
}

impl RsyslogRouting {
    fn gaps(&self, root: &dyn Rootfs, config: &Config, missing: &[bool]) -> Result<Vec<Gap>> {
        let evidence = Evidence::at(&self.file);
        let wanted = CRITERIA.iter().zip(missing).filter(|(_, m)| **m).map(|(c, _)| c);
        let (path, refused) = match destination::file(root, &self.file)? {
            Destination::At(path) => (path, None),
            Destination::Refused(why) => (self.file.clone(), Some(why)),
        };
        if let Some(why) = refused {
            let gap = |c: &Criterion| Gap::no_remedy(evidence.clone().want(c.want), &*why);
            return Ok(wanted.map(gap).collect());
        }
        let change = Change::write(&path, self.new_text(root, config, &path, missing)?);
        // A rule behind a discarding one, or in a file that nothing includes, would not help.
        let after = match preview::with(root, std::slice::from_ref(&change))
            .and_then(|staged| Config::read(&staged)?.map(|c| judge(&staged, &c)).transpose())
        {
            Ok(Some(after)) => after.criteria.into_iter().map(|(holds, _)| holds).collect(),
            _ => vec![false; CRITERIA.len()],
        };
        let (mut closed, mut gaps) = (Vec::new(), Vec::new());
        for (criterion, (missing, after)) in CRITERIA.iter().zip(missing.iter().zip(after)) {
            let evidence = evidence.clone().want(criterion.want);
            match (missing, after) {
                (false, _) => {}
                (true, true) => closed.push(evidence),
                (true, false) => {
                    let (selector, target) = criterion.rule;
                    gaps.push(Gap::no_remedy(
                        evidence,
                        format!(
                            "`{selector} {target}` in {} would not see these messages: {MAIN} \
                             does not include it, an earlier rule stops them, or a directory \
                             stands in place of the file; route them by hand",
                            self.file
                        ),
                    ));
                }
            }
        }
        gaps.extend(Gap::closed_together(closed, vec![change]));
        Ok(gaps)
    }

    /// The drop-in with the missing rules. One that is there already keeps all of its lines and
    /// gets only what is missing.
    fn new_text(
        &self,
        root: &dyn Rootfs,
        config: &Config,
        path: &ImagePath,
        missing: &[bool],
    ) -> Result<String> {
        let there = root.read(path)?.unwrap_or_default();
        let needed: Vec<(&str, &str)> =
            CRITERIA.iter().zip(missing).filter(|(_, m)| **m).map(|(c, _)| c.rule).collect();
        let mut lines = Lines::new(&there);
        if !there.trim().is_empty() {
            if lines.get(lines.len()).is_some_and(|l| l.trim_end().ends_with('\\')) {
                lines.push("");
            }
            for (selector, target) in needed {
                lines.push(&line(selector, target));
            }
            return Ok(lines.to_string());
        }
        let written: Vec<String> = config
            .kinds()
            .filter_map(|kind| match Target::of(kind) {
                Some(Target::File(path)) => Some(path),
                _ => None,
            })
            .collect();
        lines = Lines::new("");
        lines.push("# Log files beside those of the other rules; rotation is set up in");
        lines.push("# /etc/logrotate.d.");
        for (selector, target) in needed {
            lines.push(&line(selector, target));
        }
        for (selector, target) in FURTHER {
            let file = target.trim_start_matches('-');
            if written.iter().any(|w| w == file) {
                continue;
            }
            match obstacle(root, file)? {
                Some(what) => lines.push(&format!("# left out: {selector} to {file}: {what}")),
                None => lines.push(&line(selector, target)),
            }
        }
        Ok(lines.to_string())
    }
}

fn line(selector: &str, target: &str) -> String {
    format!("{selector:<32}{target}")
}

/// Why a log file cannot be made at a path: something else stands there, or in its way.
fn obstacle(root: &dyn Rootfs, file: &str) -> Result<Option<String>> {
    let Ok(path) = ImagePath::parse(file) else { return Ok(Some("it is no path".to_owned())) };
    if let Some(stat) = root.locate(&path)?.stat
        && stat.kind != FileKind::File
    {
        return Ok(Some(format!("it is a {}", stat.kind)));
    }
    if let Some(dir) = path.parent()
        && let Some(stat) = root.locate(&dir)?.stat
        && stat.kind != FileKind::Dir
    {
        return Ok(Some(format!("{dir} is a {}", stat.kind)));
    }
    Ok(None)
}

fn judge(root: &dyn Rootfs, config: &Config) -> Result<Judgement> {
    let mut judgement = Judgement { criteria: Vec::new(), notes: Vec::new() };
    let steps = config.steps();
    // What no rule has discarded yet; what reaches files, and what reaches everybody.
    let mut left = Mask::ALL;
    let (mut files, mut everybody) = (Mask::NONE, Mask::NONE);
    let mut rules = [const { Vec::new() }; CRITERIA.len()];
    for step in steps.iter().filter(|s| s.filter.certain) {
        let reach = step.filter.mask.and(left);
        let to_file = match &step.what {
            What::Stop => {
                left = left.without(reach);
                continue;
            }
            What::Send(Target::File(path)) if path.starts_with("/dev/") => continue,
            What::Send(Target::File(path)) => {
                if let Ok(at) = ImagePath::parse(path)
                    && root.locate(&at)?.stat.is_some_and(|s| s.kind == FileKind::Dir)
                {
                    let note = format!("{path} is a directory: nothing is written there");
                    judgement.notes.push(config.evidence(step.token).note(note));
                    continue;
                }
                true
            }
            What::Send(Target::DynamicFile) => true,
            What::Send(Target::Everyone) => false,
            What::Send(_) => continue,
        };
        let reached = if to_file { &mut files } else { &mut everybody };
        for (criterion, rules) in CRITERIA.iter().zip(&mut rules) {
            // The rules that make it hold, not those that only repeat it.
            let new = criterion.file == to_file
                && !criterion.holds(reached)
                && criterion.helped_by(&reach.without(*reached));
            if new {
                rules.push(config.evidence(step.token));
            }
        }
        *reached = reached.or(reach);
    }
    for (criterion, rules) in CRITERIA.iter().zip(rules) {
        let reached = if criterion.file { &files } else { &everybody };
        judgement.criteria.push((criterion.holds(reached), rules));
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{self, changed, fixes, reasons, stage};
    use crate::rootfs::MemoryRootfs;

    const FILE: &str = "/etc/rsyslog.d/60-CIS.conf";
    const INCLUDE: &str = "$IncludeConfig /etc/rsyslog.d/*.conf\n";
    const STOCK: &str = "auth,authpriv.*\t\t\t/var/log/auth.log\n\
                         *.*;auth,authpriv.none\t\t-/var/log/syslog\n\
                         kern.*\t\t\t\t-/var/log/kern.log\n\
                         mail.*\t\t\t\t-/var/log/mail.log\n\
                         mail.err\t\t\t/var/log/mail.err\n\
                         *.emerg\t\t\t\t:omusrmsg:*\n";

    fn want() -> RsyslogRouting {
        RsyslogRouting { file: ImagePath::parse(FILE).unwrap() }
    }

    fn root(main: &str) -> MemoryRootfs {
        MemoryRootfs::new()
            .dir("/etc/rsyslog.d", 0o755, 0, 0)
            .file("/var/lib/dpkg/status", "Package: rsyslog\nStatus: install ok installed\n")
            .file(MAIN, main)
    }

    fn outcome(root: &MemoryRootfs) -> Outcome {
        testing::outcome(&want(), root)
    }

    #[test]
    fn verdicts() {
        let everybody = "*.emerg :omusrmsg:*\n";
        for (rules, want) in [
            (STOCK.to_owned(), Outcome::Met),
            (format!("*.* /var/log/all\n{everybody}"), Outcome::Met),
            (format!("*.info;mail.none /var/log/messages\r\n{everybody}"), Outcome::Met),
            (format!("*.* ?Daily\n{everybody}"), Outcome::Met),
            (
                "action(type=\"omfile\" file=\"/x\")\n\
                 *.emerg action(type=\"omusrmsg\" users=\"*\")"
                    .to_owned(),
                Outcome::Met,
            ),
            (format!("auth.* /a\nauthpriv.* /b\nkern.* /c\n{everybody}"), Outcome::Met),
            (String::new(), Outcome::NotMet),
            (format!("#*.* /x\n{everybody}"), Outcome::NotMet),
            ("*.* /x\n#*.emerg :omusrmsg:*\n".to_owned(), Outcome::NotMet),
            ("*.* /x\n*.emerg :omusrmsg:root\n".to_owned(), Outcome::NotMet),
            ("*.* /x\n*.=alert :omusrmsg:*\n".to_owned(), Outcome::NotMet),
            (format!("*.*;auth.none /x\n{everybody}"), Outcome::NotMet),
            (format!("*.*;kern.none /x\n{everybody}"), Outcome::NotMet),
            (format!("*.err /x\n{everybody}"), Outcome::NotMet),
            (format!("*.* ~\n*.* /x\n{everybody}"), Outcome::NotMet),
            (format!("kern.* stop\n*.* /x\n{everybody}"), Outcome::NotMet),
            (format!("mail.* stop\n*.* /x\n{everybody}"), Outcome::NotMet),
            (format!("{everybody}*.* /x\nkern.* stop\n"), Outcome::Met),
            (format!(":msg,contains,\"x\" stop\n*.* /x\n{everybody}"), Outcome::Met),
            (format!("if $a == 1 then {{\n*.* /x\n}}\n{everybody}"), Outcome::NotMet),
            (
                format!("*.* /dev/console\n*.* |/dev/xconsole\n*.* @host\n{everybody}"),
                Outcome::NotMet,
            ),
            ("*.* {\n".to_owned() + "/x\n:omusrmsg:*\n}", Outcome::Met),
            ("action(type=\"omfile\"".to_owned(), Outcome::Unknown),
        ] {
            assert_eq!(outcome(&root(&rules)), want, "{rules:?}");
        }
    }

    #[test]
    fn prerequisites() {
        let absent = MemoryRootfs::new().file("/var/lib/dpkg/status", "").file(MAIN, STOCK);
        assert_eq!(outcome(&absent), Outcome::MetVacuously);
        assert_eq!(outcome(&MemoryRootfs::new().file(MAIN, STOCK)), Outcome::Unknown);
        assert_eq!(outcome(&root("").without(MAIN)), Outcome::NotMet);
        assert_eq!(outcome(&root("").link(MAIN, "rsyslog.conf")), Outcome::Unknown);
    }

    #[test]
    fn evidence_names_the_rules() {
        let Finding::Met(evidence) = want().audit(&root(STOCK)).unwrap() else { panic!() };
        let shown: Vec<String> = evidence
            .iter()
            .map(|e| format!("{} {}", e.line.unwrap(), e.found.as_deref().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                "1 auth,authpriv.* /var/log/auth.log",
                "2 *.*;auth,authpriv.none -/var/log/syslog",
                "6 *.emerg :omusrmsg:*"
            ]
        );
    }

    #[test]
    fn the_drop_in_holds_what_is_missing_and_no_file_twice() {
        let stock = STOCK.replace("kern", "#k").replace("*.*", "#");
        let without_kern = root(&format!("{INCLUDE}{stock}"));
        let staged = stage(&want(), &without_kern);
        let [(path, text)] = &changed(&staged)[..] else { panic!() };
        assert_eq!(path, FILE);
        assert!(text.contains("kern.*                          -/var/log/kern.log\n"), "{text}");
        assert!(!text.contains("auth") && !text.contains("omusrmsg"), "those hold: {text}");
        assert!(!text.contains("mail.err") && text.contains("-/var/log/mail.warn\n"), "{text}");
        assert!(text.contains("local6,local7.*                 -/var/log/localmessages\n"));
        assert!(!text.contains("/var/log/messages"));
        let stat = staged.stat(&ImagePath::parse(FILE).unwrap()).unwrap().unwrap();
        assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));

        let nothing = root(INCLUDE);
        assert_eq!(outcome_of(&stage(&want(), &nothing)), Outcome::Met);
    }

    fn outcome_of(root: &dyn Rootfs) -> Outcome {
        want().audit(root).unwrap().outcome()
    }

    #[test]
    fn a_directory_in_place_of_a_file_is_left_out() {
        let root = root(INCLUDE).dir("/var/log/mail", 0o755, 0, 0).file("/var/log/news", "");
        let text = &changed(&stage(&want(), &root))[0].1;
        assert!(
            text.contains("# left out: mail.* to /var/log/mail: it is a directory\n"),
            "{text}"
        );
        assert!(text.contains(
            "# left out: news.err to /var/log/news/news.err: /var/log/news is a regular file\n"
        ));
        let root = root.file(MAIN, format!("{INCLUDE}{STOCK}*.* /var/log/mail\n"));
        let Finding::Met(evidence) = want().audit(&root).unwrap() else { panic!() };
        let note = evidence.last().unwrap().note.as_deref();
        assert_eq!(note, Some("/var/log/mail is a directory: nothing is written there"));
        let blocked = super::tests::root(INCLUDE).dir("/var/log/auth.log", 0o755, 0, 0);
        assert_eq!(reasons(&want().audit(&blocked).unwrap()).len(), 1);
    }

    #[test]
    fn a_drop_in_that_is_there_is_added_to() {
        let root = root(&format!("{INCLUDE}*.* -/var/log/syslog\n"));
        let aks = root.clone().file(FILE, "mail.* -/var/log/mail\n*.crit /var/log/warn");
        assert_eq!(
            changed(&stage(&want(), &aks))[0].1,
            "mail.* -/var/log/mail\n*.crit /var/log/warn\n*.emerg                         :omusrmsg:*\n"
        );
        let torn = root.clone().file(FILE, "mail.* -/var/log/mail\n# \\");
        assert_eq!(outcome_of(&stage(&want(), &torn)), Outcome::Met);
        let inside = root.clone().link(FILE, "../cis.conf").file("/etc/cis.conf", "");
        assert_eq!(changed(&stage(&want(), &inside))[0].0, "/etc/cis.conf");
        let outside = root.link(FILE, "/usr/share/x");
        assert!(reasons(&want().audit(&outside).unwrap())[0].contains("leads to /usr/share/x"));
    }

    #[test]
    fn where_a_drop_in_would_not_help_nothing_is_written() {
        for main in [
            "",
            "*.* stop\n$IncludeConfig /etc/rsyslog.d/*.conf\n",
            "$RuleSet x\n$IncludeConfig /etc/rsyslog.d/*.conf\n",
        ] {
            let finding = want().audit(&root(main)).unwrap();
            assert!(fixes(&finding).is_empty(), "{main}");
            assert_eq!(reasons(&finding).len(), 3);
        }
        let partly = root(&format!("kern.* stop\n{INCLUDE}"));
        let staged = stage(&want(), &partly);
        assert_eq!(changed(&staged).len(), 1);
        assert_eq!(reasons(&want().audit(&staged).unwrap()).len(), 2, "kern and its emergencies");
    }
}
