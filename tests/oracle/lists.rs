//! The text of the two lists, `known-wrong.txt` and `stricter.txt`: reading and writing, no files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use gokaku::profile::RuleId;

use super::{At, Compared};

/// The line that heads an area in `stricter.txt`.
pub fn summary(seen: &Compared) -> String {
    let (area, inputs, answers) = (&seen.area, seen.inputs, seen.verdicts.len());
    let (stricter, wrong) = (seen.stricter().len(), seen.wrong().len());
    let agree = answers - stricter - wrong;
    format!(
        "== {area}: {inputs} inputs, {answers} answers: {agree} agree, {stricter} stricter, {wrong} \
         wrong"
    )
}

/// An area's part of `stricter.txt`: the summary, and for each row the numbers of the inputs.
/// `FIRST-LAST` stands for all inputs between them, too, for which the row holds.
pub fn section(seen: &Compared) -> String {
    let stricter = seen.stricter();
    let mut rows: BTreeMap<_, Vec<(String, String)>> = BTreeMap::new();
    let mut last = None;
    for (row, number) in seen.holding() {
        let at = (row, number);
        if !stricter.contains(&at) {
            last = None;
            continue;
        }
        let (row, number) = at;
        let runs = rows.entry(row.clone()).or_default();
        match runs.last_mut() {
            Some(run) if last == Some(row.clone()) => run.1 = number,
            _ => runs.push((number.clone(), number)),
        }
        last = Some(row);
    }
    let mut text = summary(seen) + "\n";
    for (row, runs) in rows {
        let mut line = format!("{row}:");
        for (first, end) in runs {
            let word = if first == end { first } else { format!("{first}-{end}") };
            if line.len() + 1 + word.len() > 100 {
                text.push_str(&line);
                text.push('\n');
                line = " ".to_owned();
            }
            let _ = write!(line, " {word}");
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The part of an area in `stricter.txt`, from its `== ` line to the next one.
pub fn find<'t>(text: &'t str, area: &str) -> &'t str {
    let head = format!("== {area}: ");
    let starts = text.match_indices("== ").map(|(at, _)| at);
    let starts: Vec<usize> =
        starts.filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n').collect();
    let Some(at) = starts.iter().position(|at| text[*at..].starts_with(&head)) else { return "" };
    &text[starts[at]..starts.get(at + 1).copied().unwrap_or(text.len())]
}

/// `stricter.txt` with another part for an area; a new area comes last.
pub fn replace(text: &str, area: &str, section: &str) -> String {
    match find(text, area) {
        "" => format!("{text}{section}"),
        old => text.replacen(old, section, 1),
    }
}

/// The answers that an area's part of `stricter.txt` lists.
///
/// # Errors
/// The word that is none of the form, or stands before any row.
pub fn listed_stricter(section: &str, seen: &Compared) -> Result<BTreeSet<At>, String> {
    let mut row: Option<RuleId> = None;
    let mut listed = BTreeSet::new();
    let holding = seen.holding();
    let words = section.lines().skip(1).flat_map(str::split_ascii_whitespace);
    for word in words {
        if let Some(id) = word.strip_suffix(':') {
            row = Some(id.parse().map_err(|e| format!("{e}"))?);
            continue;
        }
        let row = row.as_ref().ok_or_else(|| format!("`{word}` stands before any row"))?;
        match word.split_once('-') {
            None => drop(listed.insert((row.clone(), word.to_owned()))),
            Some((first, last)) => listed.extend(
                holding
                    .iter()
                    .filter(|(r, n)| r == row && (first..=last).contains(&n.as_str()))
                    .cloned(),
            ),
        }
    }
    Ok(listed)
}

/// The answers of an area in `known-wrong.txt`.
///
/// # Errors
/// The line that is none of the form: an answer without a reason above it, an id of no area, an
/// answer that is listed twice.
pub fn listed_wrong(text: &str, area: &str) -> Result<BTreeSet<At>, String> {
    let mut listed = BTreeSet::new();
    let mut reason = false;
    for (line, number) in text.lines().zip(1..) {
        let fault = |what: &str| Err(format!("line {number}: `{line}`: {what}"));
        if let Some(why) = line.strip_prefix("== ") {
            reason = !why.trim().is_empty();
            continue;
        }
        let mut words = words_of(line);
        let Some(id) = words.next() else { continue };
        if !reason {
            return fault("no `== reason` above it");
        }
        let Some((of, input)) = id.split_once('-').filter(|(of, _)| super::AREAS.contains(of))
        else {
            return fault("want AREA-NNNN and rows");
        };
        for row in words {
            let Ok(row) = row.parse() else { return fault("want AREA-NNNN and rows") };
            if of == area && !listed.insert((row, input.to_owned())) {
                return fault("listed twice");
            }
        }
    }
    Ok(listed)
}

/// `known-wrong.txt` without these answers of an area: a line without rows goes, and a reason
/// without lines.
pub fn without(text: &str, area: &str, gone: &BTreeSet<At>) -> String {
    let mut kept = Vec::new();
    for line in text.lines() {
        let mut words = words_of(line);
        let number = words.next().and_then(|id| id.strip_prefix(area)?.strip_prefix('-'));
        let Some(number) = number else {
            kept.push(line.to_owned());
            continue;
        };
        let is_gone = |row: &str| gone.iter().any(|(r, n)| n == number && r.to_string() == row);
        let rows: Vec<&str> = words.filter(|row| !is_gone(row)).collect();
        if !rows.is_empty() {
            kept.push(format!("{area}-{number} {}", rows.join(" ")));
        }
    }
    // From the end: a reason with nothing between it and the next one is left out.
    let (mut lines, mut used) = (Vec::new(), false);
    for line in kept.into_iter().rev() {
        if line.starts_with("== ") {
            if !used {
                while lines.last().is_some_and(|below: &String| below.is_empty()) {
                    lines.pop();
                }
                continue;
            }
            used = false;
        }
        used |= words_of(&line).next().is_some();
        lines.push(line);
    }
    lines.reverse();
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// The words of a line that names answers; none of any other.
fn words_of(line: &str) -> impl Iterator<Item = &str> {
    let line = if line.starts_with("== ") || line.starts_with('#') { "" } else { line };
    line.split_ascii_whitespace()
}
