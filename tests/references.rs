//! Severities and references of the embedded table, and of the layer `aks-node`, against the SCAP content that they are taken from, as
//! Debian packages it (`ssg-debderived`; a few rules are only in `ssg-nondebian`, which is large: unpack it
//! anywhere and name its folder `content` in `GOKAKU_TEST_SSG`). Without a package, its rows are skipped.
//!
//! A row names the rules of the content that check the same; that is written by hand. The rest is
//! derived from it, and `BLESS=1 cargo test --test references` writes it into the files.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "support/aks_node.rs"]
mod aks_node;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gokaku::profile::{RatedBy, Rule, Severity};
use regex::Regex;
use support::{repository, skip};

const CONTENT: &str = "/usr/share/xml/scap/ssg/content";

/// The systems whose content is looked at. The first that has a rule counts; what is said of it is the
/// same in those of Ubuntu.
const SYSTEMS: [&str; 7] =
    ["ubuntu1804", "ubuntu2004", "ubuntu2204", "rhel8", "rhel9", "rhel7", "sle15"];

const NIST: &str = "NIST.SP.800-53r4.pdf";
const CIS_CONTROLS: &str = "https://www.cisecurity.org/controls/";

/// Where the rows stand.
const FILES: [&str; 7] = [
    "aks-ubuntu-18.04/1-initial-setup.toml",
    "aks-ubuntu-18.04/2-services.toml",
    "aks-ubuntu-18.04/3-network.toml",
    "aks-ubuntu-18.04/4-logging.toml",
    "aks-ubuntu-18.04/5-access.toml",
    "aks-ubuntu-18.04/6-maintenance.toml",
    "aks-node.toml",
];

/// What the content says of one of its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    /// `None`: the content says `unknown`.
    severity: Option<Severity>,
    nist: BTreeSet<(String, u16, String)>,
    cis_controls: BTreeSet<u8>,
}

impl Facts {
    /// What several rules say together.
    fn of<'a>(rules: impl IntoIterator<Item = &'a Facts>) -> Facts {
        let mut all = Facts::default();
        for facts in rules {
            all.severity = all.severity.max(facts.severity);
            all.nist.extend(facts.nist.iter().cloned());
            all.cis_controls.extend(&facts.cis_controls);
        }
        all
    }

    fn nist(&self) -> Vec<String> {
        self.nist.iter().map(|(family, number, rest)| format!("{family}-{number}{rest}")).collect()
    }

    /// The row's field.
    fn line(&self, row: &Rule) -> String {
        let quoted = |ids: Vec<String>| -> String {
            ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ")
        };
        let numbers: Vec<String> = self.cis_controls.iter().map(ToString::to_string).collect();
        let scap = quoted(row.references.scap.iter().map(ToString::to_string).collect());
        let lists =
            [("scap", scap), ("nist", quoted(self.nist())), ("cis_controls", numbers.join(", "))];
        let lists: Vec<String> = lists
            .into_iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(name, ids)| format!("{name} = [{ids}]"))
            .collect();
        format!("references = {{ {} }}", lists.join(", "))
    }
}

/// The rules of the content of one system, if its version is the one that the profile names.
fn rules_of(path: &Path, version: &str) -> Result<BTreeMap<String, Facts>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let head = text.split("<xccdf-1.2:version ").nth(1).unwrap_or_default();
    let found = head.split(['>', '<']).nth(1).unwrap_or_default();
    if found != version {
        return Err(format!("{}: found version {found}, want {version}", path.display()));
    }
    let control = Regex::new(r"^([A-Z]{2})-([0-9]+) ?((?:\([0-9a-zA-Z]+\))*)$").unwrap();
    let mut rules = BTreeMap::new();
    for rule in text.split("<xccdf-1.2:Rule ").skip(1) {
        let (rule, _) = rule.split_once("</xccdf-1.2:Rule>").unwrap();
        let (head, body) = rule.split_once('>').unwrap();
        let attribute = |name: &str| {
            let (_, value) = head.split_once(&format!("{name}=\"")).unwrap();
            value.split_once('"').unwrap().0
        };
        let (_, id) = attribute("id").split_once(".content_rule_").unwrap();
        let word = attribute("severity");
        let severity = Severity::ALL.into_iter().find(|s| s.word() == word);
        assert!(severity.is_some() || word == "unknown", "{id}: {word}");
        let mut facts = Facts { severity, ..Facts::default() };
        for reference in body.split("<xccdf-1.2:reference href=\"").skip(1) {
            let (catalogue, rest) = reference.split_once("\">").unwrap();
            let id = rest.split('<').next().unwrap().trim();
            if catalogue.ends_with(NIST) {
                // `CM-6.1(iv)` is a step of an assessment, not a control.
                if let Some(id) = control.captures(id) {
                    let number = id[2].parse().unwrap();
                    facts.nist.insert((id[1].to_owned(), number, id[3].to_owned()));
                }
            } else if catalogue == CIS_CONTROLS {
                facts.cis_controls.insert(id.parse().unwrap());
            }
        }
        rules.insert(id.to_owned(), facts);
    }
    assert!(rules.len() > 100, "{}: {} rules", path.display(), rules.len());
    Ok(rules)
}

/// The content of all systems that is here, and why the rest is not.
fn content(version: &str) -> (BTreeMap<String, Facts>, Vec<String>) {
    let further = std::env::var_os("GOKAKU_TEST_SSG").map(PathBuf::from);
    let places: Vec<PathBuf> = [PathBuf::from(CONTENT)].into_iter().chain(further).collect();
    let (mut all, mut missing) = (BTreeMap::new(), Vec::new());
    for system in SYSTEMS {
        let name = format!("ssg-{system}-xccdf.xml");
        let paths = places.iter().map(|place| place.join(&name));
        match paths.map(|path| rules_of(&path, version)).reduce(Result::or).unwrap() {
            Ok(rules) => {
                for (id, facts) in rules {
                    let known = all.entry(id.clone()).or_insert_with(|| facts.clone());
                    let alike = !system.starts_with("ubuntu") || *known == facts;
                    assert!(alike, "{system}: {id} differs from that of another Ubuntu");
                }
            }
            Err(why) => missing.push(why),
        }
    }
    (all, missing)
}

#[test]
fn severities_and_references_are_those_of_the_content() {
    let test = "severities_and_references_are_those_of_the_content";
    let profile = aks_node::merged();
    let source = profile.references.as_ref().unwrap();
    let (content, missing) = content(&source.version);
    let packages = source.packages.join(", ");
    let mut unseen = BTreeSet::new();
    let (mut seen, mut wrong) = (BTreeMap::new(), Vec::new());
    for row in profile.rules.iter().filter(|row| !row.references.scap.is_empty()) {
        let names: Vec<String> = row.references.scap.iter().map(ToString::to_string).collect();
        let unknown: Vec<&String> = names.iter().filter(|n| !content.contains_key(*n)).collect();
        if !unknown.is_empty() {
            assert!(!missing.is_empty(), "{}: the content has no {unknown:?}", row.id);
            unseen.insert(row.id.clone());
            continue;
        }
        let facts = Facts::of(names.iter().map(|name| &content[name]));
        let nist: Vec<String> = row.references.nist.iter().map(ToString::to_string).collect();
        let numbers: Vec<String> =
            row.references.cis_controls.iter().map(ToString::to_string).collect();
        let want: Vec<String> = facts.cis_controls.iter().map(ToString::to_string).collect();
        if (nist, numbers) != (facts.nist(), want) {
            wrong.push(format!("{}: want {}", row.id, facts.line(row)));
        }
        let rated = (row.severity, row.rated_by);
        match facts.severity {
            Some(severity) if rated != (Some(severity), Some(RatedBy::Scap)) => {
                wrong.push(format!("{}: want severity {}", row.id, severity.word()));
            }
            // A rating of our own is only for what the content does not rate.
            None if row.rated_by != Some(RatedBy::Own) => {
                wrong.push(format!("{}: the content does not rate it; want `rated_by`", row.id));
            }
            _ => {}
        }
        seen.insert(row.id.to_string(), (row, facts));
    }
    if std::env::var_os("BLESS").is_some() {
        return bless(&seen);
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 cargo test --test references", wrong.join("\n"));
    if !unseen.is_empty() {
        let rows: Vec<String> = unseen.iter().map(ToString::to_string).collect();
        let (rows, missing) = (rows.join(", "), missing.join("; "));
        skip(
            test,
            &format!("{} rows compared, not {rows}: install {packages} ({missing})", seen.len()),
        );
    }
}

/// Writes what the content says into the files.
fn bless(seen: &BTreeMap<String, (&Rule, Facts)>) {
    for file in FILES {
        let path = repository("profiles").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let mut row = None;
        let mut out = String::new();
        for line in text.lines() {
            if let Some(id) = line.strip_prefix("id = \"") {
                row = seen.get(id.trim_end_matches('"'));
            }
            let new = match row {
                Some((row, facts)) if line.starts_with("references = ") => Some(facts.line(row)),
                Some((_, facts)) if line.starts_with("severity = ") => {
                    facts.severity.map(|severity| format!("severity = \"{}\"", severity.word()))
                }
                _ => None,
            };
            out.push_str(new.as_deref().unwrap_or(line));
            out.push('\n');
        }
        fs::write(path, out).unwrap();
    }
}

/// Whatever is installed: every row is rated, and where not by the content, it says so; and what the
/// auditor's results relate to a row (`tests/data/oscap.tsv`) is among its references.
#[test]
fn every_row_is_rated_and_names_the_rules_that_the_auditor_ran() {
    let profile = aks_node::merged();
    for row in &profile.rules {
        assert!(row.severity.is_some(), "{}: no severity", row.id);
        let rated_by = row.rated_by.unwrap_or_else(|| panic!("{}: rated by nobody", row.id));
        assert!(rated_by == RatedBy::Own || !row.references.scap.is_empty(), "{}", row.id);
    }
    let own = profile.rules.iter().filter(|row| row.rated_by == Some(RatedBy::Own)).count();
    assert!(own < profile.rules.len() / 4, "{own} rows are not rated by the content");
    let table = fs::read_to_string(repository("tests/data/oscap.tsv")).unwrap();
    let mut related = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let rows = fields[2].split(' ').filter(|id| *id != "-");
        for id in rows {
            let row = profile.rule(&id.parse().unwrap()).unwrap();
            let known = row.references.scap.iter().any(|rule| rule.to_string() == fields[1]);
            assert!(known, "{id}: the auditor's {} is not among its references", fields[1]);
            related += 1;
        }
    }
    assert!(related > 200, "{related}");
}
