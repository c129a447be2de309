//! Who may log in: the lists of users and groups.

use std::collections::BTreeMap;

use super::config::{Config, DirectiveLine, MatchScope};
use super::keyword::{Keyword, Takes, words};
use super::layout::insertion;
use super::lines::{HELD_BACK, SHOWN, at, refused};
use super::options;
use crate::check::accounts::people::{Groups, is_person, no_person, why_shut_out};
use crate::check::accounts::{AccountFile, ByName, UidRange};
use crate::check::{Evidence, Finding, Gap};
use crate::error::Result;
use crate::rootfs::{Change, Rootfs};
use crate::text::accounts::{AccountLine, Layout, PRIMARY_GID};
use crate::text::lossless;
use crate::text::sshd_config::edited;
use crate::text::sshd_value::pattern_fits;

const WANT: &str = "AllowUsers, AllowGroups, DenyUsers or DenyGroups with a name";

/// Judges whether any of the four lists is in force for all connections. Where none is, a list of
/// users to deny is stated; a list of users to allow is never made, because the name of the
/// administrator is not known while an image is built.
pub(super) fn audit(
    root: &dyn Rootfs,
    config: &Config,
    keyword: &'static Keyword,
    names: &[String],
) -> Result<Finding> {
    let lists: Vec<&DirectiveLine> = config
        .settings
        .iter()
        .filter(|s| s.keyword.is_some_and(|k| k.takes == Takes::Names))
        .filter(|s| s.refusal.is_none() && !patterns(config, s).is_empty())
        .collect();
    config.judged(lists.iter().copied())?;
    let (global, in_blocks): (Vec<&DirectiveLine>, Vec<&DirectiveLine>) =
        lists.into_iter().partition(|s| s.place == MatchScope::Global);
    let (refusals, held_back) = refused(config, None);
    let mut gaps = Vec::new();
    if global.is_empty() {
        gaps.extend(missing(config, keyword, names, held_back));
    }
    gaps.extend(global.iter().filter_map(|s| lock_out(config, s)));
    gaps.extend(refusals);
    gaps.extend(options::read(root)?.other_file()?);
    let mut holding: Vec<Evidence> = global
        .iter()
        .take(SHOWN)
        .map(|s| at(config, s).found(format!("{} {}", s.said.keyword, s.shown())).want(WANT))
        .collect();
    holding.extend(in_blocks.iter().take(SHOWN).map(|s| {
        at(config, s)
            .found(format!("{} {}", s.said.keyword, s.shown()))
            .note("in a Match block: replaces the list for its connections")
    }));
    holding.extend(nobody_allowed(root, config, &global)?);
    holding.extend(config.release.evidence());
    Ok(Finding::from_gaps(gaps, holding))
}

fn patterns<'a>(config: &Config, setting: &'a DirectiveLine) -> Vec<&'a str> {
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
fn lock_out(config: &Config, setting: &DirectiveLine) -> Option<Gap> {
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
    global: &[&DirectiveLine],
) -> Result<Option<Evidence>> {
    let allowing = |name: &str| -> Vec<&str> {
        let lists = global.iter().filter(|s| s.keyword.is_some_and(|k| k.name == name));
        lists.flat_map(|s| patterns(config, s)).collect()
    };
    let (users, groups_allowed) = (allowing("AllowUsers"), allowing("AllowGroups"));
    if users.is_empty() && groups_allowed.is_empty() {
        return Ok(None);
    }
    let range = UidRange::read(root)?;
    if let Err(border) = range.require() {
        return Ok(Some(Evidence::note_only(no_person(&border))));
    }
    let (passwd, member_of) =
        (AccountFile::read_or_empty(root, Layout::Passwd)?, Groups::read(root)?);
    let table = passwd.table();
    let lines = ByName::new(&table);
    let fits = |patterns: &[&str], name: &str| {
        patterns.iter().any(|p| pattern_fits(p.split('@').next().unwrap_or(p), name))
    };
    let is_allowed = |user: &&AccountLine<'_>| {
        let name = lossless::decode(user.name());
        let groups = member_of.of(user.name(), Some(user.number(PRIMARY_GID)));
        (users.is_empty() || fits(&users, &name))
            && (groups_allowed.is_empty()
                || member_of.names(&groups).iter().any(|group| fits(&groups_allowed, group)))
    };
    let mut people = table.entries.iter().filter(|user| {
        is_person(user, &range) && lines.first(user.name()).is_some_and(|l| l.line == user.line)
    });
    let gets_in = |user| why_shut_out(root, user).is_ok_and(|why| why.is_none());
    let note = format!(
        "no account of this image with a number from {} to {} and a shell that lets it in is \
         allowed; whoever is to log in must be added later",
        range.min, range.max
    );
    Ok((!people.any(|user| is_allowed(&user) && gets_in(user))).then(|| Evidence::note_only(note)))
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
            notes(&look(&access(), &root.file_with("/bin/bash", "", 0o755, 0, 0)))
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
    fn who_is_a_person_is_the_tree_s_own_answer() {
        let said = |line: &str, defs: &str, list: &str| {
            let root = image(BIONIC, list)
                .file("/etc/passwd", line)
                .file("/etc/group", "first:x:7:\nsecond:x:7:ann\n")
                .file("/etc/login.defs", defs)
                .file_with("/bin/sh", "", 0o755, 0, 0);
            notes(&look(&access(), &root))
        };
        let ann = |number: u32, shell: &str| format!("ann:x:{number}:100::/home/ann:{shell}\n");
        let user = "AllowUsers ann\n";
        for (line, defs, list, allowed) in [
            (ann(1000, "/bin/sh"), "", user, true),
            (ann(1000, ""), "", user, true),
            (ann(500, "/bin/sh"), "", user, false),
            (ann(500, "/bin/sh"), "UID_MIN 500\n", user, true),
            (ann(60001, "/bin/sh"), "", user, false),
            (ann(60001, "/bin/sh"), "UID_MAX 65000\n", user, true),
            (ann(1000, "/bin/false"), "", user, false),
            (ann(1000, "/bin/nologin"), "", user, false),
            // sshd refuses who has a shell that is not there.
            (ann(1000, "/bin/zsh"), "", user, false),
            // The first line with a name is the account.
            (format!("{}{}", ann(1000, "/bin/false"), ann(1000, "")), "", user, false),
            // Of two groups with one number the first gives the name.
            (ann(1000, ""), "", "AllowGroups first\n", true),
            (ann(1000, ""), "", "AllowGroups second\n", false),
        ] {
            let note = said(&line, defs, list);
            assert_eq!(note.is_empty(), allowed, "{line} {defs} {list}: {note}");
        }
        let nonsense = said(&ann(1000, ""), "UID_MIN 65000\n", user);
        assert!(nonsense.starts_with("people cannot be distinguished from programs"), "{nonsense}");
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
