//! Whom sshd lets in: not a rule's question, but that of the guard against shutting out the account
//! that builds an image ([`crate::lockout`]).
//!
//! Where the connection would have to be known (`Match Address`, `AllowUsers name@host`), the answer
//! is the one that keeps quiet: such a block is not taken, such a host is taken to fit. The guard
//! compares two states of one tree, so what was there before tells on both sides.

use std::collections::BTreeMap;

use super::config::{Config, DirectiveLine, MAIN, MatchScope};
use super::keyword::{Takes, conditions, words};
use super::keywords;
use super::lines::subject;
use super::messages;
use super::options;
use crate::check::chain::Word;
use crate::check::{Audit, Subject};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::ImagePath;
use crate::text::sshd_config::statement;
use crate::text::sshd_value::pattern_fits;

/// Somebody who logs in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The account's name.
    pub name: String,
    /// Whether it is a superuser's.
    pub is_root: bool,
    /// The names of its groups.
    pub groups: Vec<String>,
}

/// A line that keeps somebody out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shut {
    /// The directive; empty for a line that keeps sshd from starting.
    pub directive: &'static str,
    /// What it says, for people.
    pub says: Message,
    /// What a gap that is closed like this is about.
    pub subject: Subject,
    /// Where it stands.
    pub path: ImagePath,
    /// The line, from 1.
    pub line: usize,
}

/// What sshd asks of somebody.
#[derive(Debug)]
pub(crate) struct Door {
    /// What keeps the person out whatever they bring.
    pub shut: Vec<Shut>,
    /// Keys are taken.
    pub keys: bool,
    /// Passwords are taken, in one of the two ways.
    pub passwords: bool,
    /// PAM has a say: locked accounts may use keys, but an expired password must be changed.
    pub pam: bool,
    /// Files of keys that others can write to are refused.
    pub strict: bool,
    /// Where keys are looked for, with `%h` and the like.
    pub key_files: Vec<String>,
    /// Keys may come from a command or an authority that an image does not show.
    pub keys_from_elsewhere: bool,
    /// Passwords that are empty are taken.
    pub empty_passwords: bool,
    /// The directory that the session is shut into, with `%h` and the like.
    pub chroot: Option<String>,
    /// A line names this account or one of its groups: a list of those who may come, or a block.
    pub named_at: Option<(ImagePath, usize)>,
}

/// What sshd's configuration means for a person; `None` when the tree configures no sshd.
///
/// # Errors
/// The configuration cannot be read, or sshd is started with another one.
pub(crate) fn door(audit: &Audit<'_>, person: &Person) -> Result<Option<Door>> {
    let Some(config) = Config::read(audit)? else { return Ok(None) };
    let given = options::read(audit)?;
    if let Some(gap) = given.other_file(audit)? {
        let why = messages::reads_another_file(MAIN);
        return Err(Error::CannotTell {
            path: gap.evidence.path.unwrap_or_else(ImagePath::root),
            why,
        });
    }
    let view = View::new(&config, person, &given.statements);
    let mut shut = Vec::new();
    let mut refused = config.settings.iter().filter_map(|s| Some((s, s.refusal.as_ref()?)));
    if let Some((bad, why)) = refused.next() {
        let line = format!("{} {}", bad.said.keyword, bad.shown());
        shut.extend(view.shut_by(bad, "", messages::keeps_from_starting(line, why)));
    }
    let mut passwords = view.flag("PasswordAuthentication", true);
    let pam = view.flag("UsePAM", false);
    let interactive = view
        .value("KbdInteractiveAuthentication")
        .or_else(|| view.value("ChallengeResponseAuthentication"))
        .is_none_or(|v| v.eq_ignore_ascii_case("yes"));
    passwords |= pam && interactive;
    if person.is_root {
        match view.value("PermitRootLogin").unwrap_or("prohibit-password") {
            "no" | "forced-commands-only" => shut.extend(view.shut_by_value("PermitRootLogin")),
            "yes" => {}
            _ => passwords = false,
        }
    }
    shut.extend(view.lists());
    let key_files = match view.all("AuthorizedKeysFile") {
        files if files.is_empty() => vec![".ssh/authorized_keys", ".ssh/authorized_keys2"],
        files => files,
    };
    let named = |name: &str| view.value(name).is_some_and(|v| !v.eq_ignore_ascii_case("none"));
    Ok(Some(Door {
        shut,
        keys: view.flag("PubkeyAuthentication", true),
        passwords,
        pam,
        strict: view.flag("StrictModes", true),
        key_files: key_files.into_iter().filter(|f| *f != "none").map(str::to_owned).collect(),
        keys_from_elsewhere: named("AuthorizedKeysCommand") || named("TrustedUserCAKeys"),
        empty_passwords: view.flag("PermitEmptyPasswords", false),
        chroot: view.value("ChrootDirectory").filter(|v| *v != "none").map(str::to_owned),
        named_at: view.named_at(),
    }))
}

/// The configuration as it is in force for one person.
struct View<'a> {
    config: &'a Config,
    person: &'a Person,
    /// `keyword` (lower case) and value, of sshd's command line.
    given: BTreeMap<String, Word>,
    /// The lines of blocks that are for this person.
    matched: Vec<&'a DirectiveLine>,
    /// The lines that are for everybody.
    global: Vec<&'a DirectiveLine>,
    /// The lines that begin a block for this person.
    headers: Vec<&'a DirectiveLine>,
}

impl<'a> View<'a> {
    fn new(config: &'a Config, person: &'a Person, given: &[Word]) -> View<'a> {
        let mut blocks: BTreeMap<usize, bool> = BTreeMap::new();
        let (mut matched, mut global, mut headers) = (Vec::new(), Vec::new(), Vec::new());
        for setting in &config.settings {
            if setting.keyword.is_some_and(|k| k.takes == Takes::Match) {
                let fits = block_fits(&conditions(&setting.said, &config.release), person);
                headers.extend(fits.then_some(setting));
                blocks.insert(blocks.len() + 1, fits);
                continue;
            }
            if setting.refusal.is_some() {
                continue;
            }
            match setting.place {
                MatchScope::Global => global.push(setting),
                MatchScope::MatchAll { .. } => {
                    matched.push(setting);
                    global.push(setting);
                }
                MatchScope::Match { block } if blocks.get(&block) == Some(&true) => {
                    matched.push(setting)
                }
                MatchScope::Match { .. } => {}
            }
        }
        let pairs = given.iter().filter_map(|line| {
            let said = statement(&line.text, config.release.style())?;
            let value = Word { text: said.args.first()?.clone(), at: line.at.clone() };
            Some((said.keyword.to_ascii_lowercase(), value))
        });
        let mut first = BTreeMap::new();
        for (keyword, value) in pairs {
            first.entry(keyword).or_insert(value);
        }
        View { config, person, given: first, matched, global, headers }
    }

    /// The line that counts: the first of a block for this person, else the first for everybody.
    fn line(&self, name: &str) -> Option<&'a DirectiveLine> {
        let keyword = keywords::find(name)?;
        self.matched.iter().chain(&self.global).copied().find(|s| s.is(keyword))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let given = self.given.get(&name.to_ascii_lowercase()).map(|word| word.text.as_str());
        given.or_else(|| self.line(name)?.said.args.first().map(String::as_str))
    }

    /// All words of the line that counts.
    fn all(&self, name: &str) -> Vec<&str> {
        match (self.given.get(&name.to_ascii_lowercase()), self.line(name)) {
            (Some(given), _) => vec![given.text.as_str()],
            (None, Some(line)) => words(&line.said, &self.config.release).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.value(name).map_or(otherwise, |v| v.eq_ignore_ascii_case("yes"))
    }

    fn shut_by(
        &self,
        line: &DirectiveLine,
        directive: &'static str,
        says: Message,
    ) -> Option<Shut> {
        let path = self.config.sources.get(line.source)?.path.clone();
        let subject = subject(self.config, line);
        Some(Shut { directive, says, subject, path, line: line.line })
    }

    fn shut_by_value(&self, directive: &'static str) -> Option<Shut> {
        let says = Message::value(format!("{directive} {}", self.value(directive)?));
        match self.given.get(&directive.to_lowercase()) {
            None => self.shut_by(self.line(directive)?, directive, says),
            Some(word) => {
                let (subject, path) = (Subject::directive(directive), word.at.path.clone());
                Some(Shut { directive, says, subject, path, line: word.at.line.unwrap_or(0) })
            }
        }
    }

    /// Where the person or one of its groups is named as one who may come, or has a block.
    fn named_at(&self) -> Option<(ImagePath, usize)> {
        let name = std::slice::from_ref(&self.person.name);
        let names = |line: &DirectiveLine, directive, names: &[String]| {
            keywords::find(directive).is_some_and(|keyword| line.is(keyword))
                && words(&line.said, &self.config.release).unwrap_or_default().iter().any(|word| {
                    let user = word.split_once('@').map_or(*word, |(user, _)| user);
                    user != "*" && names.iter().any(|name| pattern_fits(user, name))
                })
        };
        let listed = self.matched.iter().chain(&self.global).find(|line| {
            names(line, "AllowUsers", name) || names(line, "AllowGroups", &self.person.groups)
        });
        let in_a_block = self.headers.iter().find(|line| {
            let said = conditions(&line.said, &self.config.release);
            said.iter().any(|word| ["user", "group"].iter().any(|by| word.eq_ignore_ascii_case(by)))
        });
        let line = listed.or(in_a_block)?;
        Some((self.config.sources.get(line.source)?.path.clone(), line.line))
    }

    /// What the four lists of names say against this person.
    fn lists(&self) -> Vec<Shut> {
        let name = [self.person.name.clone()];
        let groups = &self.person.groups;
        [
            self.list("DenyUsers", &name, true),
            self.list("AllowUsers", &name, false),
            self.list("DenyGroups", groups, true),
            self.list("AllowGroups", groups, false),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// A list adds up over its lines; one in a block for this person takes its place.
    fn list(&self, directive: &'static str, names: &[String], denies: bool) -> Option<Shut> {
        let keyword = keywords::find(directive)?;
        let of = |lines: &[&'a DirectiveLine]| -> Vec<(&'a DirectiveLine, Vec<&'a str>)> {
            let lines = lines.iter().filter(|s| s.is(keyword));
            lines
                .map(|s| (*s, words(&s.said, &self.config.release).unwrap_or_default()))
                .filter(|(_, words)| !words.is_empty())
                .collect()
        };
        let lines = Some(of(&self.matched)).filter(|l| !l.is_empty()).unwrap_or(of(&self.global));
        let fits = |pattern: &str| {
            let (user, host) = pattern.split_once('@').unwrap_or((pattern, "*"));
            // Who is denied from some hosts only may come from another.
            names.iter().any(|n| pattern_fits(user, n)) && (!denies || host == "*")
        };
        let hit = lines.iter().find(|(_, words)| words.iter().any(|w| fits(w)));
        let line = match (denies, hit) {
            (true, Some((line, _))) => *line,
            (false, None) => lines.first()?.0,
            _ => return None,
        };
        self.shut_by(line, directive, Message::value(format!("{directive} {}", line.shown())))
    }
}

/// Whether a block is surely for this person.
fn block_fits(conditions: &[&str], person: &Person) -> bool {
    let mut left = conditions.iter();
    while let Some(name) = left.next() {
        if name.eq_ignore_ascii_case("all") {
            continue;
        }
        let Some(list) = left.next() else { return false };
        let fits = match name.to_ascii_lowercase().as_str() {
            "user" => list_fits(list, std::slice::from_ref(&person.name)),
            "group" => list_fits(list, &person.groups),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    !conditions.is_empty()
}

/// Patterns with commas between; one that begins with `!` and fits is decisive.
fn list_fits(list: &str, names: &[String]) -> bool {
    let any = |pattern: &str| names.iter().any(|n| pattern_fits(pattern, n));
    let (against, for_it): (Vec<&str>, Vec<&str>) =
        list.split(',').partition(|p| p.starts_with('!'));
    !against.iter().any(|p| any(&p[1..])) && for_it.iter().any(|p| any(p))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BIONIC, BULLSEYE, image};
    use super::*;

    fn person(name: &str) -> Person {
        Person { name: name.to_owned(), is_root: name == "root", groups: vec!["wheel".to_owned()] }
    }

    fn shut(version: &str, text: &str, name: &str) -> Vec<String> {
        let door = door(&(&image(version, text)).into(), &person(name)).unwrap().unwrap();
        door.shut.iter().map(|s| format!("{}:{} {}", s.path, s.line, s.says)).collect()
    }

    #[test]
    fn lines_that_keep_somebody_out() {
        let at = "/etc/ssh/sshd_config";
        for (text, name, why) in [
            ("DenyUsers x bob\n", "bob", ":1 DenyUsers x bob"),
            ("DenyUsers x\nDenyUsers b*\n", "bob", ":2 DenyUsers b*"),
            ("DenyUsers bob@*\n", "bob", ":1 DenyUsers bob@*"),
            ("AllowUsers x y\n", "bob", ":1 AllowUsers x y"),
            ("DenyGroups wheel\n", "bob", ":1 DenyGroups wheel"),
            ("AllowGroups x\n", "bob", ":1 AllowGroups x"),
            ("PermitRootLogin no\nPermitRootLogin yes\n", "root", ":1 PermitRootLogin no"),
            (
                "permitrootlogin forced-commands-only\n",
                "root",
                ":1 PermitRootLogin forced-commands-only",
            ),
            ("Match User root\nPermitRootLogin no\n", "root", ":2 PermitRootLogin no"),
            ("Match Group wheel,x\nDenyUsers bob\n", "bob", ":2 DenyUsers bob"),
        ] {
            assert_eq!(shut(BIONIC, text, name), [format!("{at}{why}")], "{text}");
        }
        let open = [
            ("", "root"),
            ("DenyUsers root\nPermitRootLogin no\n", "bob"),
            ("DenyUsers bob@10.0.0.1\n", "bob"),
            ("AllowUsers bob@10.0.0.1 x\n", "bob"),
            ("AllowUsers x\nAllowUsers bob\n", "bob"),
            ("AllowUsers x\nMatch User bob\nAllowUsers bob\n", "bob"),
            ("Match Address 10.0.0.0/8\nDenyUsers bob\n", "bob"),
            ("Match Group *,!wheel\nDenyUsers bob\n", "bob"),
            ("PermitRootLogin no\nMatch User root\nPermitRootLogin yes\n", "root"),
            ("#DenyUsers bob\n", "bob"),
        ];
        for (text, name) in open {
            assert_eq!(shut(BIONIC, text, name), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_file_that_sshd_refuses_keeps_everybody_out() {
        let found = shut(BIONIC, "Port 22\nCiphers rot13\n", "bob");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("sshd_config:2 `Ciphers rot13` keeps sshd from"), "{found:?}");
    }

    #[test]
    fn what_is_asked_for() {
        let of = |text: &str, name: &str| {
            door(&(&image(BULLSEYE, text)).into(), &person(name)).unwrap().unwrap()
        };
        let plain = of("", "bob");
        assert!(plain.keys && plain.passwords && !plain.pam && plain.strict);
        assert_eq!(plain.key_files, [".ssh/authorized_keys", ".ssh/authorized_keys2"]);
        assert!(!of("", "root").passwords, "the default for root");
        assert!(of("PermitRootLogin yes\n", "root").passwords);
        let none = of("PasswordAuthentication no\nChallengeResponseAuthentication no\n", "bob");
        assert!(!none.passwords);
        assert!(of("PasswordAuthentication no\nUsePAM yes\n", "bob").passwords);
        let keys = of("AuthorizedKeysFile /etc/keys/%u none\nPubkeyAuthentication no\n", "bob");
        assert_eq!((keys.key_files, keys.keys), (vec!["/etc/keys/%u".to_owned()], false));
        assert!(
            of("AuthorizedKeysCommand /bin/x\nAuthorizedKeysCommandUser y\n", "bob")
                .keys_from_elsewhere
        );
        let first = image(BULLSEYE, "UsePAM yes\nPermitRootLogin yes\n")
            .file("/etc/default/ssh", "SSHD_OPTS='-o UsePAM=no -oPermitRootLogin=no'\n");
        let first = door(&(&first).into(), &person("root")).unwrap().unwrap();
        assert!(!first.pam);
        assert_eq!(first.shut[0].path.to_string(), "/etc/default/ssh");
        let other = image(BULLSEYE, "").file("/etc/default/ssh", "SSHD_OPTS='-f /x'\n");
        assert!(door(&(&other).into(), &person("bob")).is_err());
        assert!(
            door(&(&crate::rootfs::MemoryRootfs::new()).into(), &person("bob")).unwrap().is_none()
        );
    }
}
