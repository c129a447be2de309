//! One key in one section of one key file, as GLib's programs (gdm, dconf, NetworkManager) keep
//! them. There are no drop-ins; the last assignment in the section counts.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::{self, remedy, rewrite};
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive, Subject};
use crate::error::{Error, Result};
use crate::message::{Arg, Message};
use crate::rootfs::ImagePath;
use crate::text::ini::{self, Assignment, Dialect};

/// A key of a key file is set to a value, to some text, or not to certain values.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ini {
    /// The file.
    pub path: ImagePath,
    /// The section, exactly.
    pub section: String,
    /// The key, exactly.
    pub key: String,
    /// The wanted value; what is written. Exactly one of `value`, `quoted` and `not` is given.
    pub value: Option<String>,
    /// Other values that mean the same; only beside `value`.
    #[serde(default)]
    pub accept: Vec<String>,
    /// Any text in quotes will do, if it is not empty; this one is written where there is none.
    pub quoted: Option<String>,
    /// Values it must not have; case does not count. Not being set is fine.
    #[serde(default)]
    pub not: Vec<String>,
    /// The package without which nobody reads the file; absent, the want holds vacuously.
    pub package: Option<String>,
    /// A path that exists while a program runs that writes the file itself; looked at on a running
    /// system only.
    pub running: Option<ImagePath>,
}

/// What `value`, `accept`, `quoted` and `not` say together.
enum Want<'a> {
    Value { value: &'a str, accept: &'a [String] },
    Quoted(&'a str),
    Not(&'a [String]),
}

impl Primitive for Ini {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        self.want().map(drop)
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(package) = &self.package
            && let Some(absent) = dpkg::absent(root, package)?
        {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let want = self.want().map_err(BadData::into_error)?;
        let text = root.read(&self.path)?;
        let there = text.is_some();
        let text = text.unwrap_or_default();
        if let Some(refused) = ini::refused(&text, Dialect::KeyFile, &self.section).first() {
            // What the text says further on is not read by anybody, so it cannot be judged, and
            // dropping the line would bring all of it into force.
            return Err(Error::Syntax {
                path: self.path.clone(),
                line: refused.line,
                found: format!("`{}`", refused.found),
                want: "`[section]`, `key=value` or `# comment`; its reader refuses the whole file",
            });
        }
        let all = ini::assignments(&text, Dialect::KeyFile, &self.section, &self.key);
        let set = all.last();
        let evidence = self.evidence(&want, set, there);
        if want.holds(set) {
            return Ok(Finding::Met(vec![evidence]));
        }
        let gap = remedy::gap(audit, self.subject(), evidence, || {
            if let Some(running) = &self.running
                && root.is_live()
                && root.stat(running)?.is_some()
            {
                return Ok(Err(messages::kept_by_a_program(running, &self.path)));
            }
            let text = match want {
                Want::Not(_) => {
                    let ruled_out = all.iter().filter(|a| !want.holds(Some(a)));
                    ini::disable(&text, ruled_out.map(|a| (a.line, a.last_line)))
                }
                _ => ini::set(&text, Dialect::KeyFile, &self.section, &self.key, &want.written()),
            };
            rewrite::change(root, &self.path, text, 0o644)
        })?;
        Ok(Finding::from_gaps(vec![gap], Vec::new()))
    }
}

impl Want<'_> {
    fn holds(&self, set: Option<&Assignment>) -> bool {
        match (self, set) {
            (Want::Value { value, accept }, Some(set)) => {
                set.value == *value || accept.contains(&set.value)
            }
            (Want::Quoted(_), Some(set)) => unquote(&set.value).is_some_and(|t| !t.is_empty()),
            (Want::Not(not), Some(set)) => !not.iter().any(|n| n.eq_ignore_ascii_case(&set.value)),
            (Want::Not(_), None) => true,
            (_, None) => false,
        }
    }

    /// The value in the file's spelling.
    fn written(&self) -> String {
        match self {
            Want::Value { value, .. } => (*value).to_owned(),
            Want::Quoted(text) => quote(text),
            Want::Not(_) => String::new(),
        }
    }
}

impl Ini {
    /// The key with its section, as dconf writes it: `org/gnome/login-screen/disable-user-list`.
    fn subject(&self) -> Subject {
        Subject::key(format!("{}/{}", self.section, self.key))
    }

    fn want(&self) -> Result<Want<'_>, BadData> {
        let (accept, not) = (self.accept.as_slice(), self.not.as_slice());
        match (self.value.as_deref(), self.quoted.as_deref()) {
            (Some(value), None) if not.is_empty() => Ok(Want::Value { value, accept }),
            (None, Some(text)) if not.is_empty() && accept.is_empty() => {
                let text = text.trim_end();
                if text.is_empty() || text.chars().any(|c| c.is_control() && c != '\n') {
                    let want = "want some text, without control characters";
                    return Err(BadData::field("quoted", want));
                }
                Ok(Want::Quoted(text))
            }
            (None, None) if !not.is_empty() && accept.is_empty() => Ok(Want::Not(not)),
            _ => {
                let want = "want exactly one of `value` (with `accept`), `quoted` and `not`";
                Err(BadData::whole(want))
            }
        }
    }

    fn evidence(&self, want: &Want<'_>, set: Option<&Assignment>, there: bool) -> Evidence {
        let wanted = match want {
            Want::Value { value, .. } => Message::value(format!("{}={value}", self.key)),
            Want::Quoted(_) => messages::some_text(&self.key),
            Want::Not(not) => messages::not_one_of(&self.key, Arg::names(*not)),
        };
        let evidence = Evidence::at(&self.path).want(wanted);
        match set {
            Some(set) => evidence.line(set.line).found(format!("{}={}", self.key, set.value)),
            None if there => evidence.note(messages::not_in_section(&self.section, &self.key)),
            None => evidence.note(common::messages::not_there()),
        }
    }
}

/// A text as dconf reads it: in single quotes, with backslashes before what would end it or the
/// line.
fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("'{escaped}'")
}

/// What stands between the quotes; `None` if it is no quoted text.
fn unquote(value: &str) -> Option<&str> {
    let mark = value.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let inner = value.strip_prefix(mark)?.strip_suffix(mark)?;
    let mut escaped = false;
    for c in inner.chars() {
        if !escaped && c == mark {
            return None;
        }
        escaped = !escaped && c == '\\';
    }
    (!escaped).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{
        Run, changed, fixes, gaps, parse_fields, reasons, settled_text, stage, stuck,
    };
    use crate::rootfs::MemoryRootfs;
    use proptest::prelude::*;

    const GREETER: &str = "/etc/gdm3/greeter.dconf-defaults";

    fn want(rest: &str) -> Ini {
        let head =
            format!("path = '{GREETER}'\nsection = 'org/gnome/login-screen'\npackage = 'gdm3'\n");
        parse_fields(&format!("{head}{rest}")).unwrap()
    }

    fn list() -> Ini {
        want("key = 'disable-user-list'\nvalue = 'true'")
    }

    fn banner() -> Ini {
        want("key = 'banner-message-text'\nquoted = \"it's \\\\ use\"")
    }

    fn xdmcp() -> Ini {
        parse_fields("path = '/etc/gdm3/custom.conf'\nsection = 'xdmcp'\nkey = 'Enable'\nnot = ['true', '1']")
            .unwrap()
    }

    fn gdm() -> MemoryRootfs {
        MemoryRootfs::new()
            .file("/var/lib/dpkg/status", "Package: gdm3\nStatus: install ok installed\n")
    }

    fn outcome(want: &Ini, root: &MemoryRootfs) -> Outcome {
        want.audit(root).unwrap().outcome()
    }

    #[test]
    fn a_value_must_be_stated_in_the_section() {
        use Outcome::{Met, NotMet};
        let s = "[org/gnome/login-screen]";
        for (text, wanted) in [
            (String::new(), NotMet),
            (format!("{s}\n"), NotMet),
            (format!("{s}\ndisable-user-list=true\n"), Met),
            (format!("{s}\r\n disable-user-list = true \r\n"), Met),
            (format!("{s}\ndisable-user-list=true"), Met),
            (format!("{s}\ndisable-user-list=false\n"), NotMet),
            (format!("{s}\ndisable-user-list=True\n"), NotMet),
            (format!("{s}\n#disable-user-list=true\n"), NotMet),
            (format!("{s}\ndisable-user-lists=true\n"), NotMet),
            (format!("{s}\nDisable-User-List=true\n"), NotMet),
            (format!("{s}\ndisable-user-list=true # x\n"), NotMet),
            (format!("[other]\ndisable-user-list=true\n{s}\n"), NotMet),
            (format!("{s}\ndisable-user-list=true\ndisable-user-list=true\n"), Met),
            (format!("{s}\ndisable-user-list=false\ndisable-user-list=true\n"), Met),
            (format!("{s}\ndisable-user-list=true\n[x]\n{s}\ndisable-user-list=false\n"), NotMet),
        ] {
            let root = gdm().file(GREETER, &text);
            assert_eq!(outcome(&list(), &root), wanted, "{text:?}");
            assert_eq!(settled_text(&list(), &root, GREETER) == text, wanted == Met, "{text:?}");
        }
    }

    #[test]
    fn the_setting_goes_below_the_sample_of_the_stock_file() {
        let stock = "# These are comments\n[org/gnome/login-screen]\n# - Text\n#banner-message-enable=true\n\
                     #banner-message-text='Welcome to all'\n\n# - No users\n# disable-user-list=true\n";
        let root = gdm().file(GREETER, stock);
        assert_eq!(
            settled_text(&list(), &root, GREETER),
            format!("{stock}disable-user-list=true\n")
        );
        assert_eq!(
            settled_text(&banner(), &root, GREETER),
            stock.replace(
                "#banner-message-text='Welcome to all'",
                "#banner-message-text='Welcome to all'\nbanner-message-text='it\\'s \\\\ use'"
            )
        );
    }

    #[test]
    fn a_missing_file_is_made_only_with_its_package() {
        let staged_root = gdm();
        let staged = stage(&list(), &staged_root);
        let after = staged.changes().unwrap();
        let file = after.iter().find(|c| c.path.to_string() == GREETER).unwrap();
        assert_eq!(file.after.as_ref().unwrap().stat.mode, 0o644);
        assert_eq!(
            changed(&staged).last().unwrap().1,
            "[org/gnome/login-screen]\ndisable-user-list=true\n"
        );
        let bare = MemoryRootfs::new().file("/var/lib/dpkg/status", "");
        assert_eq!(outcome(&list(), &bare), Outcome::MetVacuously);
        assert!(list().audit(&MemoryRootfs::new()).is_err());
    }

    #[test]
    fn any_text_in_quotes_is_a_banner() {
        let root = |value: &str| {
            gdm().file(GREETER, format!("[org/gnome/login-screen]\nbanner-message-text={value}\n"))
        };
        for good in ["'a'", "\"a b\"", "'it\\'s'", "'\"'", "'a\\\\'"] {
            assert_eq!(outcome(&banner(), &root(good)), Outcome::Met, "{good}");
        }
        for bad in ["", "''", "\"\"", "text", "'a", "a'", "'a' b", "'a'b'", "'a\\'", "'", "'a\""] {
            assert_eq!(outcome(&banner(), &root(bad)), Outcome::NotMet, "{bad}");
            let text = settled_text(&banner(), &root(bad), GREETER);
            assert!(text.ends_with("banner-message-text='it\\'s \\\\ use'\n"), "{text}");
        }
    }

    #[test]
    fn not_set_is_fine_where_only_values_are_ruled_out() {
        let root = |text: &str| MemoryRootfs::new().file("/etc/gdm3/custom.conf", text);
        assert_eq!(outcome(&xdmcp(), &MemoryRootfs::new()), Outcome::Met);
        for good in [
            "",
            "[xdmcp]\n",
            "[xdmcp]\nEnable=false\n",
            "[debug]\nEnable=true\n",
            "[xdmcp]\n#Enable=1\n",
        ] {
            assert_eq!(outcome(&xdmcp(), &root(good)), Outcome::Met, "{good}");
        }
        for bad in ["true", "TRUE", "1"] {
            let text = format!("[debug]\nEnable=true\n[xdmcp]\nEnable = {bad}\nMax=1\n");
            assert_eq!(outcome(&xdmcp(), &root(&text)), Outcome::NotMet, "{bad}");
            assert_eq!(
                settled_text(&xdmcp(), &root(&text), "/etc/gdm3/custom.conf"),
                format!("[debug]\nEnable=true\n[xdmcp]\n# gokaku: Enable = {bad}\nMax=1\n")
            );
        }
        let twice = root("[xdmcp]\nEnable=true\nEnable=1\n");
        let text = settled_text(&xdmcp(), &twice, "/etc/gdm3/custom.conf");
        assert_eq!(text.matches("# gokaku: ").count(), 2);
    }

    #[test]
    fn what_the_reader_refuses_is_unknown() {
        for text in ["key=1\n", "[a]\njunk\n", "[a\n", "[a]\n=x\n"] {
            let error = list().audit(&gdm().file(GREETER, text)).unwrap_err().to_string();
            assert!(error.starts_with(GREETER), "{error}");
        }
        assert!(list().audit(&gdm().link(GREETER, GREETER)).is_err());
    }

    #[test]
    fn links_are_followed_inside_etc_only() {
        let inside = gdm().file("/etc/own", "").link(GREETER, "/etc/own");
        assert!(settled_text(&list(), &inside, "/etc/own").contains("disable-user-list=true"));
        let outside = gdm().link(GREETER, "/usr/share/gdm/greeter");
        let finding = list().audit(&outside).unwrap();
        assert!(fixes(&finding).is_empty());
        assert!(reasons(&finding)[0].contains("leads to /usr/share/gdm/greeter"));
    }

    #[test]
    fn a_file_that_a_running_program_keeps_is_left_to_it() {
        let state = "/var/lib/NetworkManager/NetworkManager.state";
        let want: Ini = parse_fields(&format!(
            "path = '{state}'\nsection = 'main'\nkey = 'WWANEnabled'\nvalue = 'false'\n\
             accept = ['0', 'no']\nrunning = '/run/NetworkManager'"
        ))
        .unwrap();
        let root = MemoryRootfs::new().file(state, "[main]\nWWANEnabled=true\n").dir(
            "/run/NetworkManager",
            0o755,
            0,
            0,
        );
        assert_eq!(settled_text(&want, &root, state), "[main]\nWWANEnabled=false\n");
        let live = root.clone().live();
        assert!(reasons(&want.audit(&live).unwrap())[0].contains("/run/NetworkManager exists"));
        let stopped = live.without("/run/NetworkManager");
        assert_eq!(settled_text(&want, &stopped, state), "[main]\nWWANEnabled=false\n");
        assert_eq!(outcome(&want, &root.file(state, "[main]\nWWANEnabled=no\n")), Outcome::Met);
    }

    #[test]
    fn an_excluded_key_stays_and_another_of_the_file_is_set() {
        let subject = Subject::key("org/gnome/login-screen/disable-user-list");
        let text = "[org/gnome/login-screen]\ndisable-user-list=false\n";
        let scene = gdm().file(GREETER, text).excluding(subject.clone());
        assert_eq!(gaps(&list(), &scene)[0].subject, subject);
        assert!(stuck(&list(), &scene).contains("is protected"));
        let new = settled_text(&banner(), &scene, GREETER);
        assert!(new.contains("\ndisable-user-list=false\n"), "{new}");
        assert!(new.contains("\nbanner-message-text='it"), "{new}");
    }

    #[test]
    fn a_text_of_several_lines_becomes_one_value() {
        let want = want("key = 'banner-message-text'\nquoted = \"one\\ntwo\\n\"");
        let text = settled_text(&want, &gdm(), GREETER);
        assert_eq!(text, "[org/gnome/login-screen]\nbanner-message-text='one\\ntwo'\n");
    }

    #[test]
    fn exactly_one_wish() {
        let head = "path = '/a'\nsection = 's'\nkey = 'k'\n";
        for bad in [
            "",
            "value = 'a'\nnot = ['b']",
            "quoted = ''",
            "quoted = 'a'\nvalue = 'b'",
            "not = ['a']\naccept = ['b']",
            "value = 'a'\nvalues = 'b'",
            "quoted = \"a\\rb\"",
            "quoted = \"\\n\"",
        ] {
            assert!(parse_fields::<Ini>(&format!("{head}{bad}")).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_a_text(text in "[^\\p{Cc}]{1,20}") {
            prop_assert!(!unquote(&quote(&text)).unwrap().is_empty());
        }

        #[test]
        fn anything_can_be_unquoted(text in any::<String>()) {
            let _ = unquote(&text);
        }
    }
}
