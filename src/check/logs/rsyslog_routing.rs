//! Log messages are routed to where a profile wants them: to files, or to everybody.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
pub use super::route::{Criterion, Receiver, Route, Selected};
use super::rsyslog::{Config, MAIN, no_configuration};
use crate::check::common::destination::{self, Destination};
use crate::check::common::preview;
use crate::check::data::BadData;
use crate::check::packages::dpkg;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::rootfs::{Change, FileKind, ImagePath, Rootfs};
use crate::text::Lines;
use crate::text::rsyslog::{Mask, Target, What};

/// Messages reach the places that `criteria` name, by whatever rule in rsyslog's configuration.
///
/// Where one of these does not hold, the rules of the drop-in `file` are written: those that are
/// missing, and the `further` log files, except those that another rule writes already.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RsyslogRouting {
    /// The drop-in below `/etc/rsyslog.d`.
    pub file: ImagePath,
    /// What must hold.
    pub criteria: Vec<Criterion>,
    /// Rules for further log files, which come with a new drop-in. That they are there is not judged.
    #[serde(default)]
    pub further: Vec<Route>,
}

/// Per criterion whether it holds, and the rules that help it.
struct Judgement {
    criteria: Vec<(bool, Vec<Evidence>)>,
    /// Rules that write nothing because a directory stands where their file should be.
    notes: Vec<Evidence>,
}

impl Primitive for RsyslogRouting {
    fn check_data(&self) -> Result<(), BadData> {
        // Without any, everything would comply.
        match self.criteria.is_empty() {
            true => Err(BadData::field("criteria", "found none, want at least one")),
            false => Ok(()),
        }
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "rsyslog")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let Some(config) = Config::read(root)? else {
            return Ok(Finding::from_gaps(vec![no_configuration(audit)?], Vec::new()));
        };
        let now = self.judge(root, &config)?;
        let missing: Vec<bool> = now.criteria.iter().map(|(holds, _)| !holds).collect();
        let mut holding: Vec<Evidence> = Vec::new();
        for (criterion, (holds, rules)) in self.criteria.iter().zip(now.criteria) {
            let rules = rules.into_iter().map(|e| e.want(criterion.wanted()));
            holding.extend(rules.take(if holds { usize::MAX } else { 0 }));
        }
        holding.extend(now.notes);
        if !missing.contains(&true) {
            return Ok(Finding::Met(holding));
        }
        Ok(Finding::NotMet { gaps: self.gaps(audit, &config, missing)?, holding })
    }
}

impl RsyslogRouting {
    fn gaps(&self, audit: &Audit<'_>, config: &Config, mut missing: Vec<bool>) -> Result<Vec<Gap>> {
        let root = audit.root();
        let evidence = |c: &Criterion| Evidence::at(&self.file).want(c.wanted());
        let mut gaps = Vec::new();
        for (criterion, missing) in self.criteria.iter().zip(&mut missing).filter(|(_, m)| **m) {
            let subject = about(&criterion.rule);
            if let Some(exclusion) = audit.excluded_in(&subject, &self.file) {
                let gap = Gap::no_remedy(evidence(criterion), exclusion.cause.clone());
                gaps.push(gap.about(subject));
                *missing = false;
            }
        }
        if !missing.contains(&true) {
            return Ok(gaps);
        }
        let path =
            match destination::file(root, &self.file)? {
                Destination::At(path) => path,
                Destination::Refused(why) => {
                    let wanted = self.criteria.iter().zip(missing).filter(|(_, m)| *m);
                    gaps.extend(wanted.map(|(c, _)| {
                        Gap::no_remedy(evidence(c), why.clone()).about(about(&c.rule))
                    }));
                    return Ok(gaps);
                }
            };
        let change = Change::write(&path, self.new_text(audit, config, &path, &missing)?);
        // A rule behind a discarding one, or in a file that nothing includes, would not help.
        let after = match preview::with(root, std::slice::from_ref(&change))
            .and_then(|staged| Config::read(&staged)?.map(|c| self.judge(&staged, &c)).transpose())
        {
            Ok(Some(after)) => after.criteria.into_iter().map(|(holds, _)| holds).collect(),
            _ => vec![false; self.criteria.len()],
        };
        let mut closed = Vec::new();
        for (criterion, (missing, after)) in self.criteria.iter().zip(missing.iter().zip(after)) {
            let (subject, evidence) = (about(&criterion.rule), evidence(criterion));
            match (missing, after) {
                (false, _) => {}
                (true, true) => closed.push((subject, evidence)),
                (true, false) => {
                    let Route { selector, target } = &criterion.rule;
                    let why = messages::route_unseen(selector, target, &self.file, MAIN);
                    gaps.push(Gap::no_remedy(evidence, why).about(subject));
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
        audit: &Audit<'_>,
        config: &Config,
        path: &ImagePath,
        missing: &[bool],
    ) -> Result<String> {
        let root = audit.root();
        let there = root.read(path)?.unwrap_or_default();
        let needed: Vec<&Route> =
            self.criteria.iter().zip(missing).filter(|(_, m)| **m).map(|(c, _)| &c.rule).collect();
        let mut lines = Lines::new(&there);
        if !there.trim().is_empty() {
            if lines.get(lines.len()).is_some_and(|l| l.trim_end().ends_with('\\')) {
                lines.push("");
            }
            for rule in needed {
                lines.push(&line(rule));
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
        for rule in needed {
            lines.push(&line(rule));
        }
        for rule in self.further.iter().filter(|rule| audit.excluded(&about(rule)).is_none()) {
            let file = rule.target.trim_start_matches('-');
            if written.iter().any(|w| w == file) {
                continue;
            }
            match obstacle(root, file)? {
                Some(what) => {
                    lines.push(&format!("# left out: {} to {file}: {what}", rule.selector))
                }
                None => lines.push(&line(rule)),
            }
        }
        Ok(lines.to_string())
    }

    fn judge(&self, root: &dyn Rootfs, config: &Config) -> Result<Judgement> {
        let mut judgement = Judgement { criteria: Vec::new(), notes: Vec::new() };
        let actions = config.actions();
        // What no rule has discarded yet; what reaches files, and what reaches everybody.
        let mut left = Mask::ALL;
        let (mut files, mut everybody) = (Mask::NONE, Mask::NONE);
        let mut rules = vec![Vec::new(); self.criteria.len()];
        for action in actions.iter().filter(|s| s.filter.certain) {
            let reach = action.filter.mask.and(left);
            let place = match &action.what {
                What::Stop => {
                    left = left.without(reach);
                    continue;
                }
                What::Send(Target::File(path)) if path.starts_with("/dev/") => continue,
                What::Send(Target::File(path)) => {
                    if let Ok(at) = ImagePath::parse(path)
                        && root.locate(&at)?.stat.is_some_and(|s| s.kind == FileKind::Dir)
                    {
                        let note = messages::directory_in_place(path);
                        judgement.notes.push(config.evidence(action.token).note(note));
                        continue;
                    }
                    Receiver::File
                }
                What::Send(Target::DynamicFile) => Receiver::File,
                What::Send(Target::Everyone) => Receiver::Everybody,
                What::Send(_) => continue,
            };
            let reached = if place == Receiver::File { &mut files } else { &mut everybody };
            for (criterion, rules) in self.criteria.iter().zip(&mut rules) {
                // The rules that make it hold, not those that only repeat it.
                let new = criterion.to == place
                    && !criterion.holds(reached)
                    && criterion.helped_by(&reach.without(*reached));
                if new {
                    rules.push(config.evidence(action.token));
                }
            }
            *reached = reached.or(reach);
        }
        for (criterion, rules) in self.criteria.iter().zip(rules) {
            let reached = if criterion.to == Receiver::File { &files } else { &everybody };
            judgement.criteria.push((criterion.holds(reached), rules));
        }
        Ok(judgement)
    }
}

fn line(rule: &Route) -> String {
    format!("{:<32}{}", rule.selector, rule.target)
}

/// Why a log file cannot be made at a path: something else stands there, or in its way. The words
/// are part of a comment in the drop-in.
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

/// What a rule is about: its selector.
fn about(rule: &Route) -> Subject {
    Subject::new(SubjectKind::Selector, &rule.selector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{
        self, Run, changed, check, fixes, gaps, reasons, reasons_on, stage, try_check,
    };
    use crate::check::{Check, Outcome};
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
        match check(&format!("rsyslog_routing = {{ file = {FILE:?} }}")) {
            Check::RsyslogRouting(want) => want,
            other => panic!("{other:?}"),
        }
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
            .map(|e| format!("{} {}", e.line.unwrap(), e.found.as_ref().unwrap()))
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
        let note = evidence.last().unwrap().note.as_ref().map(ToString::to_string);
        assert_eq!(note.as_deref(), Some("/var/log/mail is a directory: nothing is written there"));
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

    #[test]
    fn mistakes_in_a_profile_are_named() {
        let criterion = |messages: &str, to: &str, rule: &str| {
            format!(
                "criteria = [{{ want = \"x\", messages = \"{messages}\", to = \"{to}\", \
                 rule = \"{rule}\" }}]"
            )
        };
        for (fields, want) in [
            (criterion("kern.info", "file", "kern.* /x"), None),
            (criterion("kern.inf", "file", "kern.* /x"), Some("`kern.inf` is not a selector")),
            (criterion("kern.none", "file", "kern.* /x"), Some("`kern.none` is not a selector")),
            (criterion("kern.info", "disk", "kern.* /x"), Some("unknown variant `disk`")),
            (criterion("kern.info", "file", "kern.*"), Some("`kern.*` is not a rule")),
            (criterion("kern.info", "file", "kern.* x"), Some("`kern.* x` is not a rule")),
            (criterion("kern.info", "file", "kern.* /x y"), Some("is not a rule")),
            ("criteria = []".to_owned(), Some("`criteria`: found none")),
            ("further = [\"nope.* /x\"]".to_owned(), Some("`nope.* /x` is not a rule")),
        ] {
            let got = try_check(&format!("rsyslog_routing = {{ file = {FILE:?}, {fields} }}"));
            match (want, got) {
                (None, Ok(_)) => {}
                (Some(want), Err(e)) if e.contains(want) => {}
                (want, got) => panic!("{fields}: want {want:?}, got {got:?}"),
            }
        }
    }

    #[test]
    fn what_is_excluded_is_not_routed_and_the_rest_is() {
        let selector = |selector: &str| Subject::new(SubjectKind::Selector, selector);
        let scene = root(INCLUDE).excluding(selector("kern.*")).excluding(selector("mail.*"));
        let text = &changed(&stage(&want(), &scene))[0].1;
        assert!(text.contains("auth,authpriv.*") && text.contains("*.emerg"), "{text}");
        assert!(!text.contains("kern.*") && !text.contains("mail.*"), "{text}");
        assert_eq!(reasons_on(&want(), &scene).len(), 1);
        let nothing = root(INCLUDE).excluding(Subject::path(&want().file));
        assert!(changed(&stage(&want(), &nothing)).is_empty());
        let only_kern =
            root(&format!("{INCLUDE}{}", STOCK.replace("kern", "#k").replace("*.*", "#")));
        assert_eq!(changed(&stage(&want(), &only_kern)).len(), 1);
        let only_kern = only_kern.excluding(selector("kern.*"));
        assert!(changed(&stage(&want(), &only_kern)).is_empty(), "no drop-in for the rest alone");
    }

    #[test]
    fn wants_are_said_in_the_profiles_words_or_in_ours() {
        let said = |words: &str| {
            let fields = format!(
                "criteria = [{{ {words} messages = \"kern.info\", to = \"file\", rule = \"kern.* /x\" \
                 }}]"
            );
            let check = check(&format!("rsyslog_routing = {{ file = {FILE:?}, {fields} }}"));
            gaps(check.primitive(), &root(INCLUDE))[0].evidence.want.clone().unwrap().to_string()
        };
        assert_eq!(said("want = \"x\","), "x");
        assert_eq!(said(""), "a file for messages of kern.info");
        let wants: Vec<String> =
            want().criteria.iter().map(|criterion| criterion.wanted().to_string()).collect();
        assert_eq!(wants[2], "messages of *.emerg to everybody who is logged in");
    }
}
