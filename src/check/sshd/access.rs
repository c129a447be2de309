//! Who may log in: the lists of users and groups.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, Place, Setting};
use super::directive::other_file;
use super::keyword::{Keyword, Takes, words};
use super::repair::insertion;
use super::{HELD_BACK, at, options, refused};
use crate::check::{Evidence, Finding, Gap};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::lossless;
use crate::text::sshd_config::edited;
use crate::text::sshd_value::pattern_fits;

const WANT: &str = "AllowUsers, AllowGroups, DenyUsers or DenyGroups with a name";
/// The directives that name who may log in.
pub(super) const LISTS: &[&str] = &["AllowUsers", "AllowGroups", "DenyUsers", "DenyGroups"];
/// An account file may be this large (bytes).
const ACCOUNT_LIMIT: u64 = 16 << 20;

/// Judges whether any of the four lists is in force for all connections. Where none is, a list of
/// users to deny is stated; a list of users to allow is never made, because the name of the
/// administrator is not known while an image is built.
pub(super) fn audit(
    root: &dyn Rootfs,
    config: &Config,
    keyword: &'static Keyword,
    names: &[String],
) -> Result<Finding> {
    let lists: Vec<&Setting> = config
        .settings
        .iter()
        .filter(|s| s.keyword.is_some_and(|k| k.takes == Takes::Names))
        .filter(|s| s.refusal.is_none() && !patterns(config, s).is_empty())
        .collect();
    config.judged(lists.iter().copied())?;
    let (global, in_blocks): (Vec<&Setting>, Vec<&Setting>) =
        lists.into_iter().partition(|s| s.place == Place::Global);
    let (refusals, held_back) = refused(config, None);
    let mut gaps = Vec::new();
    if global.is_empty() {
        gaps.extend(missing(config, keyword, names, held_back));
    }
    gaps.extend(global.iter().filter_map(|s| lock_out(config, s)));
    gaps.extend(refusals);
    gaps.extend(other_file(&options::read(root)?)?);
    let mut holding: Vec<Evidence> = global
        .iter()
        .take(super::SHOWN)
        .map(|s| at(config, s).found(format!("{} {}", s.said.keyword, s.shown())).want(WANT))
        .collect();
    holding.extend(in_blocks.iter().take(super::SHOWN).map(|s| {
        at(config, s)
            .found(format!("{} {}", s.said.keyword, s.shown()))
            .note("in a Match block: replaces the list for its connections")
    }));
    holding.extend(nobody_allowed(root, config, &global)?);
    holding.extend(config.release.evidence());
    Ok(Finding::from_gaps(gaps, holding))
}

fn patterns<'a>(config: &Config, setting: &'a Setting) -> Vec<&'a str> {
    words(&setting.said, &config.release).unwrap_or_default()
}

/// No list: the gap that a new line closes.
fn missing(
    config: &Config,
    keyword: &'static Keyword,
    names: &[String],
    held_back: bool,
) -> Option<Gap> {
    let main = config.main()?;
    let evidence = Evidence::at(&main.path).want(WANT);
    Some(match &main.locked {
        Some(locked) => Gap::no_remedy(evidence, locked),
        None if held_back => Gap::no_remedy(evidence, HELD_BACK),
        None => {
            let line = format!("{} {}", keyword.name, names.join(" "));
            let at = insertion(config, keyword, &main.text);
            let none = BTreeMap::new();
            let text = edited(&main.text, config.release.style(), &none, Some((at, &line)));
            Gap::fixed_by(evidence, Change::write(&main.path, text))
        }
    })
}

/// A list that denies everybody.
fn lock_out(config: &Config, setting: &Setting) -> Option<Gap> {
    let denies = setting.keyword.is_some_and(|k| k.name.starts_with("Deny"));
    let everybody = |pattern: &&str| {
        let (name, host) = pattern.split_once('@').unwrap_or((pattern, "*"));
        let any = |p: &str| p.contains('*') && p.chars().all(|c| matches!(c, '*' | '?'));
        // `???*` still lets short names in.
        any(name) && name.matches('?').count() < 2 && any(host) && !host.contains('?')
    };
    let pattern = patterns(config, setting).into_iter().find(everybody).filter(|_| denies)?;
    let evidence = at(config, setting)
        .found(format!("{} {}", setting.said.keyword, setting.shown()))
        .want("a list that leaves somebody in");
    let advice = format!("`{pattern}` locks everybody out; name those who are to stay out");
    Some(Gap::no_remedy(evidence, advice))
}

/// Says so when a list of those who may log in holds no person of this image.
fn nobody_allowed(
    root: &dyn Rootfs,
    config: &Config,
    global: &[&Setting],
) -> Result<Option<Evidence>> {
    let allowing = |name: &str| -> Vec<&str> {
        let lists = global.iter().filter(|s| s.keyword.is_some_and(|k| k.name == name));
        lists.flat_map(|s| patterns(config, s)).collect()
    };
    let (users, groups) = (allowing("AllowUsers"), allowing("AllowGroups"));
    if users.is_empty() && groups.is_empty() {
        return Ok(None);
    }
    let people = people(root)?;
    let fits = |patterns: &[&str], name: &str| {
        patterns.iter().any(|p| pattern_fits(p.split('@').next().unwrap_or(p), name))
    };
    let allowed = people.iter().any(|(name, member_of)| {
        (users.is_empty() || fits(&users, name))
            && (groups.is_empty() || member_of.iter().any(|group| fits(&groups, group)))
    });
    let note = "no account of this image with a login shell and a number from 1000 is allowed in; \
                whoever is to log in must be added later";
    Ok((!allowed).then(|| Evidence::note_only(note)))
}

/// The accounts of people, each with its groups.
fn people(root: &dyn Rootfs) -> Result<Vec<(String, BTreeSet<String>)>> {
    let passwd = rows(root, "/etc/passwd")?;
    let groups = rows(root, "/etc/group")?;
    let field = |row: &[String], i: usize| row.get(i).cloned().unwrap_or_default();
    let mut member_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut by_number: BTreeMap<String, String> = BTreeMap::new();
    for row in &groups {
        by_number.entry(field(row, 2)).or_insert_with(|| field(row, 0));
        for member in field(row, 3).split(',').filter(|m| !m.is_empty()) {
            member_of.entry(member.to_owned()).or_default().insert(field(row, 0));
        }
    }
    let is_person = |row: &&Vec<String>| {
        let shell = field(row, 6);
        let name = shell.rsplit('/').next().unwrap_or_default();
        field(row, 2).parse::<u32>().is_ok_and(|uid| (1000..=60000).contains(&uid))
            && !matches!(name, "nologin" | "false")
    };
    let with_groups = |row: &Vec<String>| {
        let name = field(row, 0);
        let mut groups = member_of.get(&name).cloned().unwrap_or_default();
        groups.extend(by_number.get(&field(row, 3)).cloned());
        (name, groups)
    };
    Ok(passwd.iter().filter(is_person).map(with_groups).collect())
}

fn rows(root: &dyn Rootfs, path: &str) -> Result<Vec<Vec<String>>> {
    let bytes = root.read_bytes(&ImagePath::parse(path)?, ACCOUNT_LIMIT)?;
    let text = lossless::decode(bytes.as_deref().unwrap_or_default());
    Ok(text.lines().map(|l| l.split(':').map(str::to_owned).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::config::MAIN;
    use super::super::testing::{
        BIONIC, BOOKWORM, BULLSEYE, image, look, main_after, notes, reasons, repaired, want,
    };
    use crate::check::{Check, Outcome};

    fn access() -> Check {
        want(
            r#"directive = "DenyUsers", value = { access = ["root", "omsagent", "nxautomation"] }"#,
        )
    }

    const LINE: &str = "DenyUsers root omsagent nxautomation";

    #[test]
    fn any_list_will_do() {
        for text in [
            "DenyUsers root\n",
            "denyusers = a,b # x",
            "AllowGroups ssh wheel\n",
            "AllowUsers me\n",
            "DenyGroups x\n",
            "DenyUsers\nDenyUsers \"\"\nDenyUsers x\n",
        ] {
            let finding = look(&access(), &image(BIONIC, text));
            assert_eq!(finding.outcome(), Outcome::Met, "{text}: {finding:?}");
        }
        let included = image(BULLSEYE, "Include a\n").file("/etc/ssh/a", "DenyUsers x\n");
        assert_eq!(look(&access(), &included).outcome(), Outcome::Met);
    }

    #[test]
    fn without_a_list_one_is_made() {
        for (before, after) in [
            ("", format!("{LINE}\n")),
            ("Port 22", format!("Port 22\n{LINE}\n")),
            ("#DenyUsers x\nPort 22\n", format!("#DenyUsers x\n{LINE}\nPort 22\n")),
            ("DenyUsers \"\"\n", format!("DenyUsers \"\"\n{LINE}\n")),
            (
                "Port 22\nMatch User x\nDenyUsers y\n",
                format!("Port 22\n{LINE}\nMatch User x\nDenyUsers y\n"),
            ),
            ("Match all\nDenyUsers y\n", format!("{LINE}\nMatch all\nDenyUsers y\n")),
        ] {
            assert_eq!(main_after(&access(), &image(BIONIC, before)), after, "{before}");
        }
        let settled = image(BIONIC, "DenyUsers a\nMatch all\nDenyUsers y\n");
        assert!(notes(&look(&access(), &settled)).contains("replaces the list"));
    }

    #[test]
    fn a_list_that_denies_everybody_has_no_remedy() {
        for pattern in ["*", "**", "?*", "*@*"] {
            let (files, finding) =
                repaired(&access(), &image(BIONIC, &format!("DenyUsers root {pattern}\n")));
            assert!(files.is_empty());
            assert!(reasons(&finding)[0].contains("locks everybody out"), "{pattern}: {finding:?}");
        }
        for fine in ["DenyUsers *a", "DenyUsers *@10.*", "AllowUsers *", "DenyUsers ???*"] {
            let finding = look(&access(), &image(BIONIC, &format!("{fine}\n")));
            assert_eq!(finding.outcome(), Outcome::Met, "{fine}: {finding:?}");
        }
        assert!(
            !reasons(&look(&access(), &image(BIONIC, "AllowUsers a\nDenyGroups *\n"))).is_empty()
        );
    }

    #[test]
    fn a_list_that_allows_nobody_here_is_remarked() {
        let passwd = "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n\
                      svc:x:1001:1001::/:/usr/sbin/nologin\nshort:x\n";
        let group = "ann:x:1000:\nwheel:x:10:root,ann\nempty:x:11:\n";
        let said = |text: &str| {
            let root = image(BIONIC, text).file("/etc/passwd", passwd).file("/etc/group", group);
            notes(&look(&access(), &root))
        };
        for fine in [
            "AllowUsers a*",
            "AllowUsers ann@10.0.0.1",
            "AllowGroups wheel",
            "AllowGroups ann",
            "DenyUsers x",
        ] {
            assert_eq!(said(fine), "", "{fine}");
        }
        for nobody in
            ["AllowUsers root svc", "AllowGroups empty", "AllowUsers ann\nAllowGroups empty"]
        {
            assert!(said(nobody).contains("no account of this image"), "{nobody}");
        }
    }

    #[test]
    fn what_holds_us_back() {
        let (files, finding) = repaired(&access(), &image(BIONIC, "Nonsense 1\n"));
        assert!(files.is_empty() && reasons(&finding).len() == 2, "{finding:?}");
        let (files, finding) = repaired(&access(), &image(BIONIC, "UsePAM maybe\n"));
        assert_eq!(files[0].1, format!("UsePAM maybe\n{LINE}\n"));
        assert!(reasons(&finding)[0].contains("its own rule"));
        // From 9.7 a list without names is refused.
        let finding = look(&access(), &image("1:10.0p1-7", "DenyUsers #x\nDenyUsers a\n"));
        assert_eq!(reasons(&finding).len(), 1);
        let finding = look(&access(), &image(BOOKWORM, "DenyUsers #x\nDenyUsers a\n"));
        assert_eq!(finding.outcome(), Outcome::Met);
        let linked = image(BIONIC, "").without(MAIN).link(MAIN, "/usr/x").file("/usr/x", "");
        let (files, finding) = repaired(&access(), &linked);
        assert!(files.is_empty() && reasons(&finding)[0].contains("outside /etc"));
        let other = image(BIONIC, "DenyUsers a\n").file("/etc/default/ssh", "SSHD_OPTS='-f /x'\n");
        assert!(reasons(&look(&access(), &other))[0].contains("another file"));
    }
}
