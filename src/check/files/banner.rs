//! A login text gives nothing of the system away.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::{self, destination, remedy};
use crate::check::data::BadData;
use crate::check::foreign;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive, Subject};
use crate::error::Result;
use crate::error::kind;
use crate::message::{Arg, Message};
use crate::rootfs::{CONFIG_LIMIT, Change, FileKind, ImagePath, Location, Rootfs, escape};
use crate::text::{banner, os_release};

/// The text at `path` names neither system nor release, neither by an escape of the terminal's
/// greeter nor by the image's own `ID`.
///
/// A text that complies stays as it is, whoever wrote it. Any other loses the lines that name
/// something; where nothing of its owner's is left then, or the text is the distribution's own, it
/// becomes `text`, above the lines with other escapes (`\\n`, `\\l`) that are left.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Banner {
    /// The file with the text.
    pub path: ImagePath,
    /// What it means that there is no text.
    pub missing: Missing,
    /// The text that is written where nothing else is left. A final newline is added where it is
    /// missing.
    pub text: String,
}

/// Where Debian and Ubuntu keep the texts that new systems begin with.
const STOCK: &str = "/usr/share/base-files";

/// What it means that there is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Nothing is given away; the want holds vacuously.
    Vacuous,
    /// The text is missing, and `text` is written.
    NotMet,
}

impl Primitive for Banner {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        let wrong = |what: String| Err(BadData::field("text", what));
        if banner::is_blank(self.text.as_bytes()) {
            return wrong("is empty; want a sentence".to_owned());
        }
        match banner::leaks(self.text.as_bytes(), None).first() {
            Some(leak) => wrong(format!("holds `{}`, which names the system", leak.token)),
            None => Ok(()),
        }
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let is_link = root.stat(&self.path)?.is_some_and(|s| s.kind == FileKind::Symlink);
        let at = root.locate(&self.path)?;
        if is_link && let Some(finding) = self.judge_link(root, &at)? {
            return Ok(finding);
        }
        let place = if is_link { Evidence::at(&at.path) } else { Evidence::at(&self.path) };
        let Some(stat) = at.stat else {
            return match self.missing {
                Missing::Vacuous => {
                    let place = place.note(common::messages::not_there());
                    Ok(Finding::MetVacuously(vec![place]))
                }
                Missing::NotMet => self.gap(audit, place, common::messages::no_such_file(), b""),
            };
        };
        if stat.kind != FileKind::File {
            let evidence = place.found(kind(stat.kind)).want(kind(FileKind::File));
            let why = common::messages::not_a_file(&at.path, kind(stat.kind));
            let gap = remedy::none(audit, Subject::path(&self.path), evidence, why);
            return Ok(Finding::from_gaps(vec![gap], Vec::new()));
        }
        let content = root.read_bytes(&self.path, CONFIG_LIMIT)?;
        self.judge(audit, place, content.as_deref().unwrap_or_default())
    }
}

impl Banner {
    /// What the text gives away.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let root = audit.root();
        let mut levels = Levels::default();
        if root.locate(&self.path)?.stat.is_some_and(|stat| stat.kind == FileKind::File) {
            let text = root.read_bytes(&self.path, CONFIG_LIMIT)?;
            let leaks =
                banner::leaks(text.as_deref().unwrap_or_default(), system_name(root)?.as_deref());
            let tokens = leaks.into_iter().map(|leak| leak.token.to_ascii_lowercase());
            levels.only(Subject::path(&self.path), Level::lets(tokens));
        }
        Ok(levels)
    }

    fn judge(&self, audit: &Audit<'_>, place: Evidence, content: &[u8]) -> Result<Finding> {
        let name = system_name(audit.root())?;
        if self.missing == Missing::NotMet && banner::is_blank(content) {
            return self.gap(audit, place, messages::empty_text(), b"");
        }
        let leaks = banner::leaks(content, name.as_deref());
        let Some(first) = leaks.first() else {
            let found = match content {
                [] => messages::empty_file(),
                _ => messages::names_no_system(),
            };
            let place = place.found(found);
            return Ok(Finding::Met(vec![match name {
                Some(_) => place,
                None => place.note(messages::no_system_name()),
            }]));
        };
        let tokens: Vec<String> =
            leaks.iter().map(|leak| format!("`{}`", escape(leak.token.as_bytes()))).collect();
        let rest = banner::without_leaks(content, name.as_deref());
        // A distribution's own text is no owner's, whatever its other lines say.
        let rest = if self.is_stock(audit.root(), content)? { Vec::new() } else { rest };
        self.gap(audit, place.line(first.line), Message::value(tokens.join(", ")), &rest)
    }

    /// Whether this is the text that the image's own packages give new systems.
    fn is_stock(&self, root: &dyn Rootfs, content: &[u8]) -> Result<bool> {
        let Some(name) = self.path.file_name() else { return Ok(false) };
        let stock = ImagePath::parse(STOCK)?.join(name)?;
        Ok(root.read_bytes(&stock, CONFIG_LIMIT)?.is_some_and(|stock| *stock == *content))
    }

    /// A link whose end says nothing yet, or must not be judged.
    fn judge_link(&self, root: &dyn Rootfs, at: &Location) -> Result<Option<Finding>> {
        let evidence = |note: Message| {
            let to = Evidence::at(&self.path).found(messages::link_to(&at.path));
            Ok(Some(Finding::Manual(vec![to.note(note)])))
        };
        if at.path.starts_with(&ImagePath::parse("/run")?) && !root.is_live() {
            return evidence(messages::text_made_at_boot());
        }
        if at.stat.is_none() && self.missing == Missing::Vacuous {
            return evidence(messages::link_for_later());
        }
        Ok(None)
    }

    /// `rest` is what may stay of the text.
    fn gap(
        &self,
        audit: &Audit<'_>,
        place: Evidence,
        found: Message,
        rest: &[u8],
    ) -> Result<Finding> {
        let root = audit.root();
        let evidence = place.found(found).want(messages::a_text_that_names_no_system());
        let gap = remedy::gap(audit, Subject::path(&self.path), evidence, || {
            if let Some(reason) = destination::refusal(root, &self.path)? {
                return Ok(Err(reason));
            }
            if banner::has_words(rest) {
                return Ok(Ok(Change::write(&self.path, rest)));
            }
            let name = system_name(root)?;
            let own = banner::leaks(self.text.as_bytes(), name.as_deref());
            if let Some(leak) = own.first() {
                return Ok(Err(messages::text_of_the_profile(&self.path, Arg::from(&*leak.token))));
            }
            let mut text = self.text.clone().into_bytes();
            if !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            let lines = rest.split_inclusive(|b| *b == b'\n');
            text.extend(lines.filter(|line| line.contains(&b'\\')).flatten());
            Ok(Ok(Change::write(&self.path, &text[..])))
        })?;
        Ok(Finding::from_gaps(vec![gap], Vec::new()))
    }
}

/// The `ID` of the image's `os-release`, the word a banner must not hold.
fn system_name(root: &dyn Rootfs) -> Result<Option<String>> {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        let path = ImagePath::parse(path)?;
        if let Some(text) = root.read_bytes(&path, CONFIG_LIMIT)? {
            let name = os_release::value(&text, "ID").filter(|id| !id.trim().is_empty());
            foreign::judged(&path, None, name.as_deref().unwrap_or_default())?;
            return Ok(name);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{
        Run, changed_entries, gaps, parse, path, settle_entries, stage, stuck,
    };
    use crate::check::{Fix, Outcome};
    use crate::rootfs::MemoryRootfs;

    const TEXT: &str = "Approved persons only.\n";

    fn banner(path: &str, missing: &str) -> Banner {
        let text = TEXT.trim_end();
        parse(&format!("{{ path = {path:?}, missing = {missing:?}, text = {text:?} }}")).unwrap()
    }

    fn root() -> MemoryRootfs {
        MemoryRootfs::new()
            .dir("/etc", 0o755, 0, 0)
            .file("/usr/lib/os-release", "ID=ubuntu\n")
            .link("/etc/os-release", "../usr/lib/os-release")
    }

    fn outcome(path: &str, missing: &str, root: &MemoryRootfs) -> Outcome {
        banner(path, missing).audit(root).unwrap().outcome()
    }

    #[test]
    fn texts_that_say_nothing_stay() {
        for text in ["ours\n", "ours", "a\r\nb\r\n", "\\n \\l", "b\u{fc}ro \u{1b}[0m", "debian"] {
            let root = root().file("/etc/issue", text);
            assert_eq!(outcome("/etc/issue", "not-met", &root), Outcome::Met, "{text:?}");
            assert!(settle_entries(&banner("/etc/issue", "not-met"), &root).is_empty());
        }
        let root = root().file("/etc/issue", b"\xff\xfe\x00");
        assert_eq!(outcome("/etc/issue", "not-met", &root), Outcome::Met, "any bytes are judged");
    }

    #[test]
    fn texts_that_say_too_much_are_replaced() {
        let want = format!("/etc/issue: {TEXT}");
        let telling: [&[u8]; 8] = [
            b"Ubuntu 18.04 LTS \\n \\l\n\n",
            b"\\S{NAME}",
            b"==\n\\R",
            b"\\m",
            b"\\v",
            b"kUbUnTuX",
            b"\xffubuntu",
            b"# ubuntu",
        ];
        for text in telling {
            let root = root().file("/etc/issue", text);
            assert_eq!(
                settle_entries(&banner("/etc/issue", "not-met"), &root),
                [&want[..]],
                "{text:?}"
            );
        }
        let motd = root().file("/etc/motd", "Welcome to Ubuntu");
        assert_eq!(
            settle_entries(&banner("/etc/motd", "vacuous"), &motd),
            [format!("/etc/motd: {TEXT}")]
        );
    }

    #[test]
    fn an_owners_text_loses_the_lines_that_say_too_much() {
        let issue = banner("/etc/issue", "not-met");
        for (text, rest) in [
            (&b"Ours\nHost, Ubuntu 18.04 \\n \\l\nnot yours\n"[..], &b"Ours\nnot yours\n"[..]),
            (b"on \\s\r\n\r\nb\xfcro \\l\r\n", b"\r\nb\xfcro \\l\r\n"),
            (b"a\nubuntu", b"a\n"),
        ] {
            let root = root().file("/etc/issue", text);
            let staged = stage(&issue, &root);
            let after = staged.read_bytes(&path("/etc/issue"), CONFIG_LIMIT).unwrap().unwrap();
            assert_eq!(&*after, rest, "{text:?}");
            assert_eq!(issue.audit(&staged).unwrap().outcome(), Outcome::Met);
        }
        // What a greeter fills in is no text, and stays.
        let bare = root().file("/etc/issue", "Ubuntu\n\n\\n \\l\n\n");
        assert_eq!(settle_entries(&issue, &bare), [format!("/etc/issue: {TEXT}\\n \\l\n")]);
        // The distribution's own text, whole.
        let text = "What comes with Ubuntu\nis free software.\n";
        let motd = banner("/etc/motd", "vacuous");
        let stock = root().file("/etc/motd", text).file("/usr/share/base-files/motd", text);
        assert_eq!(settle_entries(&motd, &stock), [format!("/etc/motd: {TEXT}")]);
        let own = stock.file("/etc/motd", format!("{text}Ours\n"));
        assert_eq!(settle_entries(&motd, &own), ["/etc/motd: is free software.\nOurs\n"]);
    }

    #[test]
    fn the_name_is_the_images_own() {
        let debian = MemoryRootfs::new().file("/etc/os-release", "ID=\"Debian\"\n");
        let named = debian.clone().file("/etc/issue", "DEBIAN");
        assert_eq!(outcome("/etc/issue", "not-met", &named), Outcome::NotMet);
        let other = debian.file("/etc/issue", "ubuntu");
        assert_eq!(outcome("/etc/issue", "not-met", &other), Outcome::Met);
        let nameless = MemoryRootfs::new().file("/etc/issue", "ubuntu");
        let finding = banner("/etc/issue", "not-met").audit(&nameless).unwrap();
        let Finding::Met(evidence) = finding else { panic!("{finding:?}") };
        assert!(evidence[0].note.as_ref().unwrap().to_string().contains("no ID"));
    }

    #[test]
    fn no_text_is_written_where_one_is_wanted_only() {
        let want = format!("/etc/issue: {TEXT}");
        assert_eq!(settle_entries(&banner("/etc/issue", "not-met"), &root()), [&want[..]]);
        for blank in ["", " \n\n"] {
            let root = root().file("/etc/issue", blank);
            assert_eq!(settle_entries(&banner("/etc/issue", "not-met"), &root), [&want[..]]);
            let root = root.file("/etc/motd", blank);
            assert_eq!(outcome("/etc/motd", "vacuous", &root), Outcome::Met);
        }
        assert_eq!(outcome("/etc/motd", "vacuous", &root()), Outcome::MetVacuously);
    }

    #[test]
    fn a_new_text_is_roots_and_readable_and_an_old_one_keeps_its_mode() {
        let root = root().file_with("/etc/issue", "ubuntu", 0o640, 7, 8);
        let staged = stage(&banner("/etc/issue", "not-met"), &root);
        let stat = |p: &str| staged.stat(&ImagePath::parse(p).unwrap()).unwrap().unwrap();
        assert_eq!((stat("/etc/issue").mode, stat("/etc/issue").uid), (0o640, 7));
        let root = MemoryRootfs::new();
        let staged = stage(&banner("/etc/issue.net", "not-met"), &root);
        let stat = staged.stat(&ImagePath::parse("/etc/issue.net").unwrap()).unwrap().unwrap();
        assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));
    }

    #[test]
    fn links_are_followed_inside_etc_only() {
        let inside = root().file("/etc/local/issue", "ubuntu").link("/etc/issue", "local/issue");
        let changes = settle_entries(&banner("/etc/issue", "not-met"), &inside);
        assert_eq!(changes, [format!("/etc/local/issue: {TEXT}")]);

        for out in ["/usr/share/issue", "/usr/lib/os-release"] {
            let root = root().file("/usr/share/issue", "ubuntu").link("/etc/issue", out);
            let finding = banner("/etc/issue", "not-met").audit(&root).unwrap();
            let Finding::NotMet { gaps, .. } = finding else { panic!("{finding:?}") };
            assert!(
                matches!(&gaps[0].fix, Fix::None(r) if r.to_string().contains("outside of /etc"))
            );
            assert!(changed_entries(&stage(&banner("/etc/issue", "not-met"), &root)).is_empty());
        }

        let dangling = root().link("/etc/motd", "/var/nothing").link("/etc/issue", "/var/nothing");
        assert_eq!(outcome("/etc/motd", "vacuous", &dangling), Outcome::Manual);
        assert_eq!(outcome("/etc/issue", "not-met", &dangling), Outcome::NotMet);
        let boot = root().file("/run/motd", "ubuntu").link("/etc/motd", "/run/motd");
        assert_eq!(outcome("/etc/motd", "vacuous", &boot), Outcome::Manual, "made at boot");
        assert_eq!(outcome("/etc/motd", "vacuous", &boot.live()), Outcome::NotMet);
        let loops = root().link("/etc/motd", "motd");
        assert!(banner("/etc/motd", "vacuous").audit(&loops).is_err());
    }

    #[test]
    fn other_kinds_have_no_remedy_and_a_telling_text_of_the_profile_neither() {
        let odd = root().special("/etc/issue", FileKind::Fifo);
        let finding = banner("/etc/issue", "not-met").audit(&odd).unwrap();
        let Finding::NotMet { gaps, .. } = finding else { panic!("{finding:?}") };
        assert_eq!(
            gaps[0].evidence.found.as_ref().map(ToString::to_string).as_deref(),
            Some("named pipe")
        );
        assert!(matches!(gaps[0].fix, Fix::None(_)));

        let own: Banner =
            parse("{ path = '/etc/issue', missing = 'not-met', text = 'our Ubuntu' }").unwrap();
        let finding = own.audit(&root()).unwrap();
        let Finding::NotMet { gaps, .. } = finding else { panic!("{finding:?}") };
        assert!(
            matches!(&gaps[0].fix, Fix::None(r) if r.to_string().contains("`Ubuntu`")),
            "{gaps:?}"
        );
    }

    #[test]
    fn an_excluded_text_stays_and_another_is_replaced() {
        let root = root().file("/etc/issue", "ubuntu").file("/etc/issue.net", "ubuntu");
        let subject = Subject::path(&path("/etc/issue"));
        let scene = root.excluding(subject.clone());
        let issue = banner("/etc/issue", "not-met");
        let gaps = gaps(&issue, &scene);
        assert_eq!(gaps[0].subject, subject);
        assert!(stuck(&issue, &scene).contains("/etc/issue is protected"));
        assert!(changed_entries(&stage(&issue, &scene)).is_empty());
        let other = banner("/etc/issue.net", "not-met");
        assert_eq!(settle_entries(&other, &scene), [format!("/etc/issue.net: {TEXT}")]);
    }

    #[test]
    fn mistakes_in_a_profile_are_named() {
        let of = |rest: &str| parse::<Banner>(&format!("{{ path = '/etc/issue', {rest} }}"));
        for (rest, want) in [
            ("missing = 'not-met', text = ' '", "is empty"),
            ("missing = 'not-met', text = 'on \\s'", "holds `\\s`"),
            ("missing = 'maybe', text = 'a'", "unknown variant `maybe`"),
            ("missing = 'vacuous', text = 'a', txt = 1", "unknown field `txt`"),
            ("text = 'a'", "missing field `missing`"),
        ] {
            let message = of(rest).unwrap_err();
            assert!(message.contains(want), "want {want} in {message}");
        }
    }
}
