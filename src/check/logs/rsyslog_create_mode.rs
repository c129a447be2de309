//! Files that rsyslogd creates are closed to others.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use super::rsyslog::{Config, MAIN, RsyslogFile, no_configuration};
use crate::check::common::{preview, remedy, rewrite};
use crate::check::files::mode::Mode;
use crate::check::packages::dpkg;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath};
use crate::text::Lines;
use crate::text::rsyslog::{
    Object, Target, Token, TokenKind, edited, file_mode, inserted, logical_start,
};
use crate::text::splice::Edit;

/// Every file that rsyslogd creates gets at most the mode `mode`.
///
/// Actions in the old form take it from the last `$FileCreateMode` before them, 0644 if there is
/// none. Actions of RainerScript do not look at that: they have a parameter of their own, or the
/// default of the module.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RsyslogCreateMode {
    /// The bits that a new file may have, as `"0640"`.
    pub mode: Mode,
}

const DIRECTIVE: &str = "filecreatemode";
const PARAMETER: &str = "fileCreateMode";

/// What is wrong at one token, and the edit of its file that closes it.
struct Wrong {
    token: usize,
    subject: Subject,
    evidence: Evidence,
    edit: Option<Edit>,
}

/// What a walk over the configuration finds.
#[derive(Default)]
struct Walk {
    wrong: Vec<Wrong>,
    /// The places that comply.
    holding: Vec<Evidence>,
    /// The first file action in the old form that no directive stands before, if any.
    bare: Option<usize>,
    /// Whether a directive is there at all.
    stated: bool,
    /// Whether everything was set back to the defaults somewhere before the bare action.
    reset: bool,
}

impl Primitive for RsyslogCreateMode {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "rsyslog")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let Some(config) = Config::read(root)? else {
            return Ok(Finding::from_gaps(vec![no_configuration(audit)?], Vec::new()));
        };
        let walk = self.walk(&config);
        let mut gaps = self.edits(audit, &config, walk.wrong)?;
        if walk.bare.is_some() || !walk.stated {
            gaps.push(self.unstated(audit, &config, walk.bare, walk.reset)?);
        }
        Ok(Finding::from_gaps(gaps, walk.holding))
    }
}

impl RsyslogCreateMode {
    fn complies(&self, mode: Option<u32>) -> bool {
        mode.is_some_and(|mode| mode & !self.mode.0 == 0)
    }

    fn walk(&self, config: &Config) -> Walk {
        let mut walk = Walk::default();
        // What the directives have set so far, and whether the module's default complies.
        let (mut current, mut module_complies) = (false, false);
        for (token, Token { kind, .. }) in config.tokens() {
            match kind {
                TokenKind::Directive(directive) if directive.name == DIRECTIVE => {
                    walk.stated = true;
                    current = true;
                    let evidence = config.evidence(token);
                    if self.complies(file_mode(&directive.value)) {
                        walk.holding.push(evidence);
                    } else {
                        let evidence = evidence.want(format!("$FileCreateMode {}", self.mode));
                        let edit = directive.set(&self.mode.to_string());
                        walk.wrong.push(Wrong { token, subject: about(), evidence, edit });
                    }
                }
                TokenKind::Directive(directive) if directive.name == "resetconfigvariables" => {
                    current = false;
                    walk.reset |= walk.bare.is_none();
                }
                TokenKind::Action(_) if creates_file(kind) && !current => {
                    walk.bare = walk.bare.or(Some(token));
                }
                TokenKind::Object(object) if object.is_of("omfile") => {
                    let is_action = object.name == "action";
                    let stated = object.value(&PARAMETER.to_ascii_lowercase());
                    match stated {
                        None if is_action && module_complies => {}
                        None if !is_action => {}
                        Some(mode) if self.complies(file_mode(mode)) => {
                            walk.holding.push(config.evidence(token));
                            module_complies |= !is_action;
                        }
                        _ => walk.wrong.push(self.wrong_object(config, token, object, stated)),
                    }
                }
                _ => {}
            }
        }
        // Without any action of the old form the reset does no harm.
        walk.reset &= walk.bare.is_some();
        walk
    }

    fn wrong_object(
        &self,
        config: &Config,
        token: usize,
        object: &Object,
        stated: Option<&str>,
    ) -> Wrong {
        let found = match stated {
            Some(mode) => Message::value(format!("{PARAMETER}=\"{mode}\"")),
            None => messages::without_parameter(&object.name, PARAMETER),
        };
        let evidence = config.evidence(token);
        // Else it quotes a value that has to be seen.
        let evidence = if evidence.aside { evidence.found(found) } else { evidence };
        let evidence = evidence.want(format!("{PARAMETER}=\"{}\"", self.mode));
        let subject = match object.value("file").filter(|_| object.name == "action") {
            Some(file) => Subject::new(SubjectKind::Path, file),
            None => Subject::directive(PARAMETER),
        };
        Wrong { token, subject, evidence, edit: object.set(PARAMETER, &self.mode.to_string()) }
    }

    /// One gap per wrong place; the first of a file carries the new text of that file.
    fn edits(&self, audit: &Audit<'_>, config: &Config, wrong: Vec<Wrong>) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        let mut by_file: Vec<Wrongs<'_>> = Vec::new();
        for Wrong { token, subject, evidence, edit } in wrong {
            let (Some(source), Some(edit)) = (config.source(token), edit) else {
                let why = messages::set_mode_by_hand(self.mode.to_string(), place(&evidence));
                gaps.push(remedy::none(audit, subject, evidence, why));
                continue;
            };
            let whole = || audit.excluded(&Subject::path(&source.path));
            if let Some(exclusion) = audit.excluded(&subject).or_else(whole) {
                let gap = Gap::no_remedy(evidence, exclusion.cause.clone());
                gaps.push(gap.about(subject));
                continue;
            }
            match by_file.iter_mut().find(|(file, ..)| file.path == source.path) {
                Some((_, all, edits)) => {
                    all.push((subject, evidence));
                    edits.push(edit);
                }
                None => by_file.push((source, vec![(subject, evidence)], vec![edit])),
            }
        }
        for (RsyslogFile { path, text, .. }, wrong, edits) in by_file {
            let open = |why: Message| {
                let gap =
                    move |(subject, evidence)| Gap::no_remedy(evidence, why.clone()).about(subject);
                wrong.clone().into_iter().map(gap)
            };
            if !in_etc(path) {
                gaps.extend(open(messages::not_below_etc(path)));
                continue;
            }
            match edited(text, edits) {
                Some(new) => gaps.extend(rewrite::gaps(audit.root(), wrong, path, new)?),
                None => gaps.extend(open(messages::quote_open(path))),
            }
        }
        Ok(gaps)
    }

    /// No directive stands before the actions: it is put before the first of them.
    fn unstated(
        &self,
        audit: &Audit<'_>,
        config: &Config,
        bare: Option<usize>,
        reset: bool,
    ) -> Result<Gap> {
        let root = audit.root();
        let main = ImagePath::parse(MAIN)?;
        let line = format!("$FileCreateMode {}", self.mode);
        let evidence = match bare {
            Some(token) => config.evidence(token).note(messages::mode_by_default()),
            None => Evidence::at(&main).note(messages::mode_unset()),
        };
        let evidence = evidence.want(&line);
        let advice = match bare {
            Some(_) => messages::put_before(&line, place(&evidence)),
            None => messages::put_into(&line, &main),
        };
        let Some(source) = config.main().filter(|_| !reset) else {
            return Ok(remedy::none(audit, about(), evidence, advice));
        };
        let first = config.tokens().find(|(token, t)| {
            config.source(*token).is_some_and(|s| s.path == source.path) && begins_rules(&t.kind)
        });
        let before_rules = match first {
            Some((_, token)) => {
                inserted(&source.text, logical_start(&source.text, token.line), &line)
            }
            None => Some(appended(&source.text, &line)),
        };
        let helps = |text: &String| {
            let after = preview::with(root, &[Change::write(&source.path, text.as_str())]);
            let Ok(Some(config)) = after.and_then(|staged| Config::read(&staged)) else {
                return false;
            };
            let walk = self.walk(&config);
            walk.stated && walk.bare.is_none()
        };
        // Where a statement that began before goes on: before everything.
        let mut texts = [before_rules, inserted(&source.text, 1, &line)].into_iter().flatten();
        let Some(text) = texts.find(helps) else {
            return Ok(remedy::none(audit, about(), evidence, advice));
        };
        remedy::rewrite(audit, about(), evidence, &main, text, 0o644)
    }
}

/// The text with one more line. A backslash at the very end would swallow it.
fn appended(text: &str, line: &str) -> String {
    let mut lines = Lines::new(text);
    if lines.get(lines.len()).is_some_and(|l| l.trim_end().ends_with('\\')) {
        lines.push("");
    }
    lines.push(line);
    lines.to_string()
}

fn in_etc(path: &ImagePath) -> bool {
    path.components().next().is_some_and(|top| top == "etc")
}

/// Whether an action makes files; devices are there already.
fn creates_file(kind: &TokenKind) -> bool {
    match Target::of(kind) {
        Some(Target::File(path)) => !path.starts_with("/dev/"),
        Some(Target::DynamicFile) => true,
        _ => false,
    }
}

/// Whether rules, or other files that may hold some, begin with this token.
fn begins_rules(kind: &TokenKind) -> bool {
    match kind {
        TokenKind::Directive(_) | TokenKind::Statement => false,
        TokenKind::Object(object) => matches!(object.name.as_str(), "action" | "ruleset"),
        _ => true,
    }
}

/// The mode of files that actions of the old form create.
fn about() -> Subject {
    Subject::directive("$FileCreateMode")
}

/// Where the evidence is from, as `path:line`.
fn place(evidence: &Evidence) -> String {
    let path = evidence.path.as_ref().map(ToString::to_string).unwrap_or_default();
    evidence.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"))
}

/// A file, what is wrong in it, and what puts that right.
type Wrongs<'f> = (&'f RsyslogFile, Vec<(Subject, Evidence)>, Vec<Edit>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{
        self, Run, changed, fixes, reasons, reasons_on, settled_text, stage,
    };
    use crate::rootfs::MemoryRootfs;

    const WANT: RsyslogCreateMode = RsyslogCreateMode { mode: Mode(0o640) };
    const STOCK: &str = "module(load=\"imuxsock\")\n$FileOwner syslog\n$FileCreateMode 0640\n\
                         $IncludeConfig /etc/rsyslog.d/*.conf\n";

    fn bare() -> MemoryRootfs {
        MemoryRootfs::new().file(
            "/var/lib/dpkg/status",
            "Package: rsyslog\nStatus: install ok installed\nArchitecture: amd64\n",
        )
    }

    fn root(main: &str) -> MemoryRootfs {
        bare().file(MAIN, main)
    }

    fn outcome(root: &MemoryRootfs) -> Outcome {
        testing::outcome(&WANT, root)
    }

    #[test]
    fn verdicts() {
        for (main, want) in [
            (STOCK, Outcome::Met),
            ("$FileCreateMode 0640\r\n*.* /x\r\n", Outcome::Met),
            ("  $filecreatemode\t0600 # tight\n*.* /x", Outcome::Met),
            ("$FileCreateMode 0640\n$FileCreateMode 0600\n", Outcome::Met),
            ("", Outcome::NotMet),
            ("$FileCreateMode 0644\n*.* /x\n", Outcome::NotMet),
            ("$FileCreateMode 640\n*.* /x\n", Outcome::NotMet),
            ("$FileCreateMode\n*.* /x\n", Outcome::NotMet),
            ("#$FileCreateMode 0640\n*.* /x\n", Outcome::NotMet),
            ("$FileCreateModes 0640\n*.* /x\n", Outcome::NotMet),
            ("*.* /x\n$FileCreateMode 0640\n", Outcome::NotMet),
            ("*.* /dev/console\n$FileCreateMode 0640\n*.* /x\n", Outcome::Met),
            ("*.* @@host\n$FileCreateMode 0640\n", Outcome::Met),
            ("$FileCreateMode 0640\n*.* /x\n$FileCreateMode 0644\n", Outcome::NotMet),
            ("$FileCreateMode 0640\n$ResetConfigVariables\n*.* /x\n", Outcome::NotMet),
            ("$FileCreateMode 0640\n*.* /x\n$ResetConfigVariables\n", Outcome::Met),
            ("$FileCreateMode 0640\naction(type=\"omfile\" file=\"/x\")\n", Outcome::NotMet),
            (
                "$FileCreateMode 0640\naction(type=\"omfile\" file=\"/x\" fileCreateMode=\"0600\")\n",
                Outcome::Met,
            ),
            (
                "$FileCreateMode 0640\nmodule(load=\"builtin:omfile\" FileCreateMode=\"0640\")\n\
                 action(type=\"omfile\" file=\"/x\")\n",
                Outcome::Met,
            ),
            ("$FileCreateMode 0640\nmodule(load=\"builtin:omfile\")\n", Outcome::Met),
            ("$FileCreateMode 0640\naction(type=\"omfile\"\n", Outcome::Unknown),
        ] {
            assert_eq!(outcome(&root(main)), want, "{main:?}");
        }
    }

    #[test]
    fn prerequisites() {
        assert_eq!(outcome(&bare()), Outcome::NotMet);
        let absent = MemoryRootfs::new().file("/var/lib/dpkg/status", "").file(MAIN, "");
        assert_eq!(outcome(&absent), Outcome::MetVacuously);
        assert_eq!(outcome(&MemoryRootfs::new().file(MAIN, STOCK)), Outcome::Unknown);
        let looping = bare().link(MAIN, "rsyslog.conf");
        assert_eq!(outcome(&looping), Outcome::Unknown);
        for judged in ["$FileCreateMode 0640\\xff", "action(type=\"omfile\" file=\"/\\xff\")"] {
            let text = judged.replace("\\xff", "\u{10ffff}");
            let text = format!("$FileCreateMode 0640\n{text}\n");
            let root = bare().file(MAIN, crate::text::lossless::encode(text));
            assert_eq!(outcome(&root), Outcome::Unknown, "{judged}");
        }
        let elsewhere = b"# \xff\n$FileCreateMode 0640 # \xff\n*.* /var/log/\xff\n";
        assert_eq!(outcome(&bare().file(MAIN, elsewhere)), Outcome::Met);
    }

    #[test]
    fn remedies_change_one_value() {
        let after = |main: &str| settled_text(&WANT, &root(main), MAIN);
        assert_eq!(after(""), "$FileCreateMode 0640\n");
        assert_eq!(after("# c \\"), "# c \\\n\n$FileCreateMode 0640\n");
        for text in ["call\nr /x\n", "set $.a =\n1; *.* /x\n", "call\n"] {
            assert_eq!(after(text), format!("$FileCreateMode 0640\n{text}"));
        }
        assert_eq!(
            after("$Umask 0022\r\n$FileCreateMode 0644\r\n"),
            "$Umask 0022\r\n$FileCreateMode 0640\r\n"
        );
        assert_eq!(
            after("$FileCreateMode 0644\n*.* /x\n$FileCreateMode 0666\n*.* /y\n"),
            "$FileCreateMode 0640\n*.* /x\n$FileCreateMode 0640\n*.* /y\n"
        );
        assert_eq!(
            after("module(load=\"imklog\")\n# rules\n*.*;\\\n mail.none /x"),
            "module(load=\"imklog\")\n# rules\n$FileCreateMode 0640\n*.*;\\\n mail.none /x"
        );
        assert_eq!(
            after("$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n"),
            "$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n",
            "the included files make none"
        );
        assert_eq!(
            after("$FileCreateMode 0640\naction(type=\"omfile\"\n  file=\"/x\")\n"),
            "$FileCreateMode 0640\naction(type=\"omfile\"\n  file=\"/x\" fileCreateMode=\"0640\")\n"
        );
        assert_eq!(
            after(
                "$FileCreateMode 0640\nmodule(load=\"builtin:omfile\" fileCreateMode=\"0644\")\n"
            ),
            "$FileCreateMode 0640\nmodule(load=\"builtin:omfile\" fileCreateMode=\"0640\")\n"
        );
    }

    #[test]
    fn included_files_are_looked_at() {
        let root = root("$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n")
            .file("/etc/rsyslog.d/10-a.conf", "*.* /x\n")
            .file("/etc/rsyslog.d/20-b.conf", "$FileCreateMode 0666\n");
        let staged = stage(&WANT, &root);
        let main =
            "$FileCreateMode 0640\n$IncludeConfig /etc/rsyslog.d/*.conf\n$FileCreateMode 0640\n";
        assert_eq!(
            changed(&staged),
            [
                (MAIN.to_owned(), main.to_owned()),
                ("/etc/rsyslog.d/20-b.conf".to_owned(), "$FileCreateMode 0640\n".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_not_ours_to_edit_stays() {
        let linked = root("$FileCreateMode 0640\n$IncludeConfig /etc/rsyslog.d/*.conf\n")
            .file("/usr/share/x.conf", "$FileCreateMode 0644\n")
            .link("/etc/rsyslog.d/x.conf", "/usr/share/x.conf");
        let finding = WANT.audit(&linked).unwrap();
        assert!(fixes(&finding).is_empty());
        assert_eq!(
            reasons(&finding),
            ["/usr/share/x.conf is not below /etc and is not edited; correct it by hand"]
        );

        let reset = root("$ResetConfigVariables\n*.* /x\n");
        let finding = WANT.audit(&reset).unwrap();
        assert!(fixes(&finding).is_empty(), "{finding:?}");
        assert_eq!(
            reasons(&finding),
            ["put `$FileCreateMode 0640` before /etc/rsyslog.conf:2 by hand"]
        );

        let inside = bare().link(MAIN, "conf/rsyslog.conf").file("/etc/conf/rsyslog.conf", "");
        assert_eq!(changed(&stage(&WANT, &inside))[0].0, "/etc/conf/rsyslog.conf");
    }

    #[test]
    fn many_lines_are_one_change() {
        let root = root(&"$FileCreateMode 0644\n".repeat(20_000));
        let finding = WANT.audit(&root).unwrap();
        assert_eq!(fixes(&finding).len(), 1);
    }

    #[test]
    fn what_is_excluded_stays_and_the_rest_is_changed() {
        let open = "action(type=\"omfile\" file=\"/var/log/y\")\n";
        let closed = open.replace(")", " fileCreateMode=\"0640\")");
        let root = root(&format!("$FileCreateMode 0644\n*.* /x\n{open}"));
        let log = Subject::new(SubjectKind::Path, "/var/log/y");
        for (subject, after) in [
            (about(), format!("$FileCreateMode 0644\n*.* /x\n{closed}")),
            (log, format!("$FileCreateMode 0640\n*.* /x\n{open}")),
        ] {
            let scene = root.clone().excluding(subject.clone());
            assert_eq!(changed(&stage(&WANT, &scene)), [(MAIN.to_owned(), after)], "{subject}");
            assert_eq!(reasons_on(&WANT, &scene).len(), 1);
        }
        let unstated = super::tests::root("*.* /x\n");
        let main = Subject::path(&testing::path(MAIN));
        for subject in [about(), main.clone()] {
            assert!(changed(&stage(&WANT, &unstated.clone().excluding(subject))).is_empty());
        }
        assert!(changed(&stage(&WANT, &root.excluding(main))).is_empty(), "the file itself");
    }
}
