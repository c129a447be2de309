//! New passwords are hashed with SHA-512.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use super::pam_stack::{COMMON_PASSWORD, Stack, missing};
use crate::check::accounts::{AccountFile, Lock};
use crate::check::common::{remedy, rewrite};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs, show_name};
use crate::text::accounts::{Layout, PASSWORD};
use crate::text::login_defs;
use crate::text::pam::Rule;
use crate::text::splice::{Edit, splice};

/// Every line of `common-password` (and of what it includes) that has `pam_unix.so` set passwords
/// names one scheme: sha512.
///
/// A line that names another one gets sha512 in its place. A stack without such a line is
/// somebody else's and is not touched.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamSha512 {}

const WANT: &str = "sha512";
const LOGIN_DEFS: &str = "/etc/login.defs";
/// At most this many accounts are named.
const SHOWN: usize = 20;
/// The other words that choose a scheme. The module compares their beginning only.
const OTHERS: [&str; 6] = ["md5", "bigcrypt", "sha256", "blowfish", "gost_yescrypt", "yescrypt"];

fn is_other(word: &str) -> bool {
    OTHERS.iter().any(|other| word.starts_with(other))
}

impl Primitive for PamSha512 {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("passwd")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let path = ImagePath::parse(COMMON_PASSWORD)?;
        let Some(stack) = Stack::read(root, "password", &path)? else { return missing(audit) };
        let subject = stack.subject("pam_unix.so");
        let unix = stack.unix();
        if unix.is_empty() {
            let evidence = Evidence::at(&path).want(messages::want_sha512_line());
            let gap = remedy::none(audit, subject, evidence, messages::no_unix_hashing(&path));
            return Ok(Finding::from_gaps(vec![gap], Vec::new()));
        }
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        for (index, source) in stack.sources.iter().enumerate() {
            let (mut wrong, mut edits) = (Vec::new(), Vec::new());
            for i in &unix {
                let Some(module) = stack.modules.get(*i).filter(|m| m.source == index) else {
                    continue;
                };
                let evidence = stack.evidence(*i);
                if complies(&module.rule) {
                    holding.push(evidence);
                    continue;
                }
                let evidence = evidence.want(messages::want_only_sha512());
                let repair = match audit.excluded_in(&subject, &source.path) {
                    Some(exclusion) => Err(exclusion.cause.clone()),
                    None => repair(&module.rule)
                        .ok_or_else(|| messages::write_sha512(&source.path, module.rule.line)),
                };
                match repair {
                    Ok(more) => {
                        wrong.push((subject.clone(), evidence));
                        edits.extend(more);
                    }
                    Err(why) => {
                        gaps.push(Gap::no_remedy(evidence, why).about(subject.clone()));
                    }
                }
            }
            if wrong.is_empty() {
                continue;
            }
            let text = splice(&source.text, edits);
            gaps.extend(rewrite::gaps(root, wrong, &source.path, text)?);
        }
        holding.extend(notes(root)?);
        Ok(Finding::from_gaps(gaps, holding))
    }
}

/// What else a reader should know; it decides nothing.
fn notes(root: &dyn Rootfs) -> Result<Vec<Evidence>> {
    let mut notes = Vec::new();
    let path = ImagePath::parse(LOGIN_DEFS)?;
    if let Ok(Some(text)) = root.read(&path)
        && let Some(method) = login_defs::last(&text, "ENCRYPT_METHOD")
        && method != "SHA512"
    {
        let evidence = Evidence::at(&path).found(format!("ENCRYPT_METHOD {method}"));
        notes.push(evidence.note(messages::other_tools_scheme()).aside());
    }
    if let Ok(Some(shadow)) = AccountFile::read(root, Layout::Shadow) {
        let old = shadow.table().entries.into_iter().filter(|e| {
            let hash = e.field(PASSWORD);
            Lock::of(hash) == Lock::Password && !hash.starts_with(b"$6$")
        });
        let names: Vec<String> = old.map(|e| show_name(e.name())).take(SHOWN).collect();
        if !names.is_empty() {
            notes.push(shadow.whole().found(names.join(" ")).note(messages::old_hashes()));
        }
    }
    Ok(notes)
}

fn complies(rule: &Rule) -> bool {
    rule.has(WANT) && !rule.arguments.iter().any(|a| is_other(&a.text))
}

/// The first other scheme becomes sha512, further ones go; without any it is added.
fn repair(rule: &Rule) -> Option<Vec<Edit>> {
    let others: Vec<usize> = rule
        .arguments
        .iter()
        .enumerate()
        .filter(|(_, a)| is_other(&a.text))
        .map(|(i, _)| i)
        .collect();
    let mut edits = Vec::new();
    let mut there = rule.has(WANT);
    for index in others {
        edits.push(if there {
            rule.remove_argument(index)?
        } else {
            there = true;
            rule.set_argument(index, WANT)?
        });
    }
    if !there {
        edits.push(rule.insert_argument(rule.arguments.len(), WANT)?);
    }
    Some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{self, Run, changed, reasons, settled_text, stage};
    use crate::check::{Outcome, Subject, SubjectKind};
    use crate::rootfs::MemoryRootfs;

    const STOCK: &str = "# here\npassword\t[success=1 default=ignore]\tpam_unix.so obscure sha512\n\
                         # there\npassword\trequisite\tpam_deny.so\npassword\trequired\tpam_permit.so\n";

    fn root(text: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(COMMON_PASSWORD, text)
    }

    fn outcome(root: &MemoryRootfs) -> Outcome {
        testing::outcome(&PamSha512 {}, root)
    }

    #[test]
    fn verdicts_and_remedies() {
        let unix = |arguments: &str| STOCK.replace("obscure sha512", arguments);
        for good in ["sha512", "sha512 sha512", "sha512 # md5", "obscure\tsha512\tminlen=14"] {
            assert_eq!(outcome(&root(&unix(good))), Outcome::Met, "{good}");
        }
        for (before, after) in [
            ("obscure", "obscure sha512"),
            ("obscure md5", "obscure sha512"),
            ("obscure yescrypt remember=5", "obscure sha512 remember=5"),
            ("gost_yescrypt", "sha512"),
            ("blowfish md5 obscure bigcrypt", "sha512 obscure"),
            ("sha512 md5", "sha512"),
            ("md5  sha512", " sha512"),
            ("sha256 # sha512", "sha512 # sha512"),
            ("SHA512", "SHA512 sha512"),
            ("sha5120", "sha5120 sha512"),
            ("obscure \\\n  md5 \\\n use_authtok", "obscure \\\n  sha512 \\\n use_authtok"),
            ("obscure\r", "obscure sha512\r"),
        ] {
            assert_eq!(outcome(&root(&unix(before))), Outcome::NotMet, "{before}");
            let text = settled_text(&PamSha512 {}, &root(&unix(before)), COMMON_PASSWORD);
            assert_eq!(text, unix(after), "{before}");
        }
        let bare = "password required pam_unix.so";
        assert_eq!(
            settled_text(&PamSha512 {}, &root(bare), COMMON_PASSWORD),
            format!("{bare} sha512")
        );
        let twice = format!("{STOCK}password required /lib/security/pam_unix.so remember=5\n");
        assert!(
            settled_text(&PamSha512 {}, &root(&twice), COMMON_PASSWORD)
                .ends_with("remember=5 sha512\n")
        );
    }

    #[test]
    fn what_is_noted_decides_nothing() {
        let root = root(STOCK).file("/etc/login.defs", "ENCRYPT_METHOD MD5\n").file(
            "/etc/shadow",
            "root:*:1::::::\na:$1$x:1::::::\nb:$6$x:1::::::\nc:!$1$x:1::::::\n",
        );
        let Finding::Met(evidence) = PamSha512 {}.audit(&root).unwrap() else { panic!() };
        let found: Vec<String> = evidence
            .iter()
            .filter_map(|e| e.found.as_ref().map(ToString::to_string))
            .skip(1)
            .collect();
        assert_eq!(found, ["ENCRYPT_METHOD MD5", "a"]);
    }

    #[test]
    fn other_stacks_are_left_alone() {
        for text in [
            "",
            "# pam_unix.so sha512\n",
            "password required pam_sss.so\n",
            "auth required pam_unix.so md5\n",
        ] {
            let finding = PamSha512 {}.audit(&root(text)).unwrap();
            assert_eq!(reasons(&finding).len(), 1, "{text}");
        }
        assert_eq!(outcome(&root("password what\n")), Outcome::Unknown);
        assert_eq!(outcome(&root("").link(COMMON_PASSWORD, "common-password")), Outcome::Unknown);
        assert_eq!(outcome(&MemoryRootfs::new()), Outcome::Unknown);
        let status = MemoryRootfs::new().file("/var/lib/dpkg/status", "");
        assert_eq!(outcome(&status), Outcome::MetVacuously);
        let installed = "Package: libpam-runtime\nStatus: install ok installed\n";
        assert_eq!(outcome(&status.file("/var/lib/dpkg/status", installed)), Outcome::NotMet);
    }

    #[test]
    fn what_is_excluded_stays() {
        let text = format!("{}@include own\n", STOCK.replace("sha512", "md5"));
        let own = "password required pam_unix.so md5\n";
        let root = root(&text).file("/etc/pam.d/own", own);
        let unix = Subject::new(SubjectKind::PamModule, "common-password:pam_unix.so");
        let held = root.clone().excluding(unix.clone());
        assert!(changed(&stage(&PamSha512 {}, &held)).is_empty());
        assert_eq!(testing::held(&PamSha512 {}, &held), 2);
        let subjects = testing::gaps(&PamSha512 {}, &held).into_iter().map(|gap| gap.subject);
        assert_eq!(subjects.collect::<Vec<_>>(), [unix.clone(), unix]);
        // Of an excluded file, lines stay; those of another one do not.
        let path = Subject::path(&ImagePath::parse("/etc/pam.d/own").unwrap());
        let staged = root.excluding(path);
        let staged = stage(&PamSha512 {}, &staged);
        assert_eq!(changed(&staged), [(COMMON_PASSWORD.into(), text.replace("md5", "sha512"))]);
    }

    #[test]
    fn included_files_and_links() {
        let included =
            root("@include own\n").file("/etc/pam.d/own", "password required pam_unix.so md5\n");
        let staged = stage(&PamSha512 {}, &included);
        let want = "password required pam_unix.so sha512\n".to_owned();
        assert_eq!(changed(&staged), [("/etc/pam.d/own".to_owned(), want.clone())]);
        let inside = included.clone().link(COMMON_PASSWORD, "own");
        assert_eq!(changed(&stage(&PamSha512 {}, &inside)), [("/etc/pam.d/own".to_owned(), want)]);
        let outside = included
            .link(COMMON_PASSWORD, "/usr/share/pam/x")
            .file("/usr/share/pam/x", "password required pam_unix.so\n");
        let finding = PamSha512 {}.audit(&outside).unwrap();
        assert!(reasons(&finding)[0].contains("leads to /usr/share/pam/x"));
    }
}
