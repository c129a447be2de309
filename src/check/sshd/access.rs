//! Who may log in: the lists of users and groups.

use std::collections::BTreeMap;

use super::config::{Config, DirectiveLine};
use super::keyword::{Keyword, Takes, words};
use super::layout::insertion;
use super::lines::{SHOWN, at, open, refused, spot, subject};
use super::messages;
use super::options;
use crate::check::accounts::people::{Groups, is_person, no_person, why_shut_out};
use crate::check::accounts::{AccountFile, ByName, UidRange};
use crate::check::{Audit, Evidence, Exclusion, Finding, Gap, Subject, SubjectKind};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, Rootfs};
use crate::text::accounts::{AccountLine, Layout, PRIMARY_GID};
use crate::text::lossless;
use crate::text::sshd_config::edited;
use crate::text::sshd_value::pattern_fits;

/// Judges whether any of the four lists is in force for all connections. Where none is, a list of
/// users to deny is stated; a list of users to allow is never made, because the name of the
/// administrator is not known while an image is built.
pub(super) fn audit(
    audit: &Audit<'_>,
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
        lists.into_iter().partition(|s| s.place.is_active());
    let (refusals, held_back) = refused(audit, config, None);
    let mut gaps = Vec::new();
    if global.is_empty() {
        gaps.extend(missing(audit, config, keyword, names, held_back)?);
    }
    gaps.extend(global.iter().filter_map(|s| lock_out(audit, config, s)));
    gaps.extend(refusals);
    gaps.extend(options::refused(audit, config, None)?);
    gaps.extend(options::read(audit)?.other_file(audit)?);
    let mut holding: Vec<Evidence> = global
        .iter()
        .take(SHOWN)
        .map(|s| {
            let found = format!("{} {}", s.said.keyword, s.shown());
            at(config, s).found(found).want(messages::a_list())
        })
        .collect();
    holding.extend(in_blocks.iter().take(SHOWN).map(|s| {
        at(config, s)
            .found(format!("{} {}", s.said.keyword, s.shown()))
            .note(messages::replaces_list())
    }));
    holding.extend(nobody_allowed(audit.root(), config, &global)?);
    holding.extend(config.release.evidence());
    Ok(Finding::from_gaps(gaps, holding))
}

fn patterns<'a>(config: &Config, setting: &'a DirectiveLine) -> Vec<&'a str> {
    words(&setting.said, &config.release).unwrap_or_default()
}

/// No list: the gap that a new line closes, and one for each account or group that the line leaves
/// alone although it is to be denied.
fn missing(
    audit: &Audit<'_>,
    config: &Config,
    keyword: &'static Keyword,
    names: &[String],
    held_back: Option<Message>,
) -> Result<Vec<Gap>> {
    let Some(main) = config.main() else { return Ok(Vec::new()) };
    let evidence = || Evidence::at(&main.path).want(messages::a_list());
    let directive = Subject::directive(keyword.name);
    let Spared { stated, kept } = spare(audit, keyword, names)?;
    let reason = match audit.excluded(&directive) {
        Some(exclusion) => Some(exclusion.cause.clone()),
        None if main.outside => Some(messages::outside_etc(main.spot(None))),
        None => held_back,
    };
    let mut gaps = Vec::new();
    match reason {
        Some(reason) => gaps.push(Gap::no_remedy(evidence(), reason).about(directive)),
        // All that is missing is what is spared.
        None if stated.is_empty() => {}
        None => {
            let line = format!("{} {}", keyword.name, stated.join(" "));
            let at = insertion(config, keyword, &main.text);
            let none = BTreeMap::new();
            let text = edited(&main.text, config.release.style(), &none, Some((at, &line)));
            gaps.push(Gap::fixed_by(evidence(), Change::write(&main.path, text)).about(directive));
        }
    }
    gaps.extend(kept.into_iter().map(|(subject, exclusion)| {
        Gap::no_remedy(evidence(), exclusion.cause.clone()).about(subject.clone())
    }));
    Ok(gaps)
}

/// What may be stated of a list.
struct Spared<'n, 'a> {
    /// The names that may be.
    stated: Vec<&'n str>,
    /// The accounts and groups because of which others may not, and why.
    kept: Vec<(&'a Subject, &'a Exclusion)>,
}

/// Who must be left alone is neither denied nor left out of those who are let in.
fn spare<'n, 'a>(
    audit: &Audit<'a>,
    keyword: &Keyword,
    names: &'n [String],
) -> Result<Spared<'n, 'a>> {
    let (denies, of_groups) = (keyword.name.starts_with("Deny"), keyword.name.ends_with("Groups"));
    let mut stated: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut kept = Vec::new();
    let mut members = None;
    for (subject, exclusion) in audit.exclusions() {
        let known_as = match (subject.kind, of_groups) {
            (SubjectKind::Account, false) | (SubjectKind::Group, true) => {
                vec![subject.value.clone()]
            }
            (SubjectKind::Account, true) => {
                let members = match &mut members {
                    Some(members) => members,
                    none => none.insert(Members::read(audit.root())?),
                };
                members.groups_of(&subject.value)
            }
            _ => continue,
        };
        let hits = |pattern: &str| {
            let user = pattern.split('@').next().unwrap_or(pattern);
            known_as.iter().any(|name| pattern_fits(user, name))
        };
        match (denies, names.iter().any(|name| hits(name))) {
            (true, true) => stated.retain(|name| !hits(name)),
            // Whom a list of those who are let in does not name, it keeps out.
            (false, false) => stated.clear(),
            _ => continue,
        }
        kept.push((subject, exclusion));
    }
    Ok(Spared { stated, kept })
}

/// Who is in which group.
struct Members {
    passwd: AccountFile,
    groups: Groups,
}

impl Members {
    fn read(root: &dyn Rootfs) -> Result<Members> {
        let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
        Ok(Members { passwd, groups: Groups::read(root)? })
    }

    fn groups_of(&self, account: &str) -> Vec<String> {
        let table = self.passwd.table();
        let mut users = table.entries.iter();
        let primary = users.find(|user| user.name() == account.as_bytes());
        let primary = primary.map(|user| user.number(PRIMARY_GID));
        self.groups.names(&self.groups.of(account.as_bytes(), primary))
    }
}

/// A list that denies everybody.
fn lock_out(audit: &Audit<'_>, config: &Config, setting: &DirectiveLine) -> Option<Gap> {
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
        .want(messages::not_everybody());
    let advice = messages::denies_everybody(pattern, spot(config, setting));
    Some(open(audit, subject(config, setting), evidence, advice))
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
    let note = messages::nobody_allowed(range.min, range.max);
    Ok((!people.any(|user| is_allowed(&user) && gets_in(user))).then(|| Evidence::note_only(note)))
}

#[cfg(test)]
mod tests {
    use super::super::config::MAIN;
    use super::super::testing::{
        BIONIC, BOOKWORM, BULLSEYE, KEPT, excluding, image, look, main_after, notes, outlook,
        reasons, repaired, want,
    };
    use crate::check::testing::Run;
    use crate::check::{Audit, Check, Outcome, Subject};
    use crate::message::Message;

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
            ("Match User z\nDenyUsers y\n", format!("{LINE}\nMatch User z\nDenyUsers y\n")),
            // `Match all` is for all connections.
            ("Match all\nDenyUsers y\n", "Match all\nDenyUsers y\n".to_owned()),
        ] {
            assert_eq!(main_after(&access(), &image(BIONIC, before)), after, "{before}");
        }
        let settled = image(BIONIC, "DenyUsers a\nMatch User z\nDenyUsers y\n");
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
    fn excluded_accounts_are_not_denied() {
        let spec = |directive: &str, names: &str| {
            format!(r#"directive = "{directive}", value = {{ access = [{names}] }}"#)
        };
        let root = || {
            image(BIONIC, "Port 22\n")
                .file("/etc/passwd", "ann:x:1000:100::/home/ann:/bin/sh\n")
                .file("/etc/group", "users:x:100:\nwheel:x:10:ann\nadm:x:4:\n")
        };
        let ann = || [Subject::account(b"ann")];
        let deny = r#""root", "a*", "omsagent""#;
        for (directive, names, subjects, line, open) in [
            ("DenyUsers", deny, &ann()[..], "DenyUsers root omsagent", ""),
            ("DenyUsers", r#""ann@10.*", "bob""#, &ann(), "DenyUsers bob", ""),
            ("DenyUsers", r#""ann""#, &ann(), "", "account ann"),
            ("DenyUsers", deny, &[Subject::account(b"eve")], "DenyUsers root a* omsagent", ""),
            ("DenyUsers", deny, &[Subject::directive("DenyUsers")], "", "directive DenyUsers"),
            ("DenyUsers", deny, &[Subject::group(b"users")], "DenyUsers root a* omsagent", ""),
            ("DenyGroups", r#""wheel", "adm""#, &ann(), "DenyGroups adm", ""),
            ("DenyGroups", r#""users", "adm""#, &ann(), "DenyGroups adm", ""),
            ("DenyGroups", r#""users""#, &[Subject::group(b"users")], "", "group users"),
            ("AllowUsers", r#""ann", "bob""#, &ann(), "AllowUsers ann bob", ""),
            ("AllowUsers", r#""bob""#, &ann(), "", "account ann"),
            ("AllowGroups", r#""wheel""#, &ann(), "AllowGroups wheel", ""),
            ("AllowGroups", r#""adm""#, &ann(), "", "account ann"),
        ] {
            let spec = spec(directive, names);
            let (files, left) = outlook(&spec, &excluding(root(), subjects));
            let text = files.first().map_or("", |(_, text)| text);
            let want = if line.is_empty() { String::new() } else { format!("Port 22\n{line}\n") };
            assert_eq!(text, want, "{spec} {subjects:?}");
            let want: Vec<String> = match open {
                "" => vec![],
                open => vec![format!("{open}: {KEPT}")],
            };
            assert_eq!(left, want, "{spec} {subjects:?}");
        }
    }

    #[test]
    fn the_exclusion_of_a_row_is_that_row_s() {
        let rules: [crate::profile::RuleId; 2] = ["5.3.4".parse().unwrap(), "1.1".parse().unwrap()];
        let mut scene = image(BIONIC, "").scene();
        let root = Subject::account(b"root");
        scene.options.exclusions.exclude_of(&rules[0], root.clone(), Message::value(KEPT));
        let access = access();
        let gaps = |rule| {
            let audit = Audit::from(&scene).of_rule(rule);
            crate::check::testing::gaps(access.primitive(), audit)
        };
        let [whole, spared] = &gaps(&rules[0])[..] else { panic!() };
        assert_eq!((&whole.subject, &spared.subject), (&Subject::directive("DenyUsers"), &root));
        assert_eq!(spared.fix.reason(), Some(Message::value(KEPT)));
        assert_eq!(gaps(&rules[1]).len(), 1);
    }

    #[test]
    fn what_holds_us_back() {
        let (files, finding) = repaired(&access(), &image(BIONIC, "Nonsense 1\n"));
        assert!(files.is_empty() && reasons(&finding).len() == 2, "{finding:?}");
        let (files, finding) = repaired(&access(), &image(BIONIC, "UsePAM maybe\n"));
        assert_eq!(files[0].1, format!("UsePAM maybe\n{LINE}\n"));
        assert!(reasons(&finding)[0].contains("the rule about UsePAM repairs it"));
        // From 9.7 a list without names is refused.
        let finding = look(&access(), &image("1:10.0p1-7", "DenyUsers #x\nDenyUsers a\n"));
        assert_eq!(reasons(&finding).len(), 1);
        let finding = look(&access(), &image(BOOKWORM, "DenyUsers #x\nDenyUsers a\n"));
        assert_eq!(finding.outcome(), Outcome::Met);
        let linked = image(BIONIC, "").without(MAIN).link(MAIN, "/usr/x").file("/usr/x", "");
        let (files, finding) = repaired(&access(), &linked);
        assert!(files.is_empty() && reasons(&finding)[0].contains("outside /etc"));
        let other = image(BIONIC, "DenyUsers a\n").file("/etc/default/ssh", "SSHD_OPTS='-f /x'\n");
        assert!(reasons(&look(&access(), &other))[0].contains("sshd reads /x instead"));
    }
}
