//! Which edits leave a directive stated once, right and first.

use std::collections::{BTreeMap, BTreeSet};

use super::access::LISTS;
use super::config::{Config, Place, Setting};
use super::directive::DIRECTIVES;
use super::judge::Judge;
use super::keyword::Keyword;
use crate::text::sshd_config::{Edit, edited, sample, statement};
use crate::text::{DISABLED, Lines};

/// What is wrong and what puts it right.
#[derive(Default)]
pub(super) struct Repair<'a> {
    /// The line that holds for all connections and is right.
    pub stated: Option<&'a Setting>,
    /// The lines that are wrong.
    pub wrong: Vec<&'a Setting>,
    /// By source and line.
    edits: BTreeMap<usize, BTreeMap<usize, Edit>>,
    /// What is to be stated in a new line, if so.
    pub insert: Option<String>,
    /// There is no value that both the profile and sshd allow.
    pub hopeless: bool,
}

impl<'a> Repair<'a> {
    /// What puts right what `judge` finds wrong.
    pub fn of(judge: &Judge<'a>) -> Repair<'a> {
        let about = judge.config.about(judge.keyword);
        let lines: Vec<(&Setting, bool)> = about.map(|s| (s, judge.is_right(s))).collect();
        let mut repair = Repair {
            wrong: lines.iter().filter(|(_, right)| !right).map(|(s, _)| *s).collect(),
            ..Repair::default()
        };
        repair.global(judge, &lines);
        repair.blocks(judge, &lines);
        repair
    }

    /// Leaves one line outside the blocks that is right and comes first: one that is there, or the
    /// first of the main file with another value, or a new one.
    fn global(&mut self, judge: &Judge<'a>, lines: &[(&'a Setting, bool)]) {
        let global: Vec<(&Setting, bool)> =
            lines.iter().copied().filter(|(s, _)| s.place == Place::Global).collect();
        // What cannot be edited and is wrong wins over all that follows it.
        let open = global.iter().position(|(s, right)| !right && is_locked(judge.config, s));
        let open = open.unwrap_or(global.len());
        self.stated = global.iter().take(open).find(|(_, right)| *right).map(|(s, _)| *s);
        let mut stated = self.stated.is_some();
        for (i, (setting, right)) in global.iter().enumerate() {
            if *right || is_locked(judge.config, setting) {
                continue;
            }
            let edit = match judge.to_write(Some(setting)) {
                Some(value) if !stated && setting.source == 0 && i < open => {
                    stated = true;
                    Edit::Set(judge.line(&value))
                }
                _ => Edit::Disable,
            };
            self.edits.entry(setting.source).or_default().insert(setting.line, edit);
        }
        if stated {
            return;
        }
        match judge.to_write(None) {
            None => self.hopeless = true,
            Some(value) => {
                self.insert = Some(judge.line(&value));
                // A right line that came too late would be the second one.
                for (setting, _) in global.iter().filter(|(s, right)| *right && s.source == 0) {
                    let edits = self.edits.entry(setting.source).or_default();
                    edits.insert(setting.line, Edit::Disable);
                }
            }
        }
    }

    /// In a block of the main file the value is put right once; what is superfluous there, does
    /// not go there, or stands in another file becomes a comment.
    fn blocks(&mut self, judge: &Judge<'a>, lines: &[(&'a Setting, bool)]) {
        let block_of = |s: &Setting| match s.place {
            Place::Global => None,
            Place::Match { block } | Place::MatchAll { block } => Some(block),
        };
        let mut settled: BTreeSet<usize> =
            lines.iter().filter(|(_, right)| *right).filter_map(|(s, _)| block_of(s)).collect();
        for (setting, right) in lines {
            let Some(block) = block_of(setting) else { continue };
            if *right || is_locked(judge.config, setting) {
                continue;
            }
            let goes = matches!(setting.place, Place::MatchAll { .. })
                || judge.keyword.goes_in_match(&judge.config.release);
            let edit = match judge.to_write(Some(setting)) {
                Some(value) if goes && setting.source == 0 && settled.insert(block) => {
                    Edit::Set(judge.line(&value))
                }
                _ => Edit::Disable,
            };
            self.edits.entry(setting.source).or_default().insert(setting.line, edit);
        }
    }

    /// The new text of a file.
    pub fn text(&self, judge: &Judge<'_>, source: usize, old: &str) -> String {
        let insert = self.insert.as_deref().filter(|_| source == 0);
        let insert = insert.map(|line| (insertion(judge.config, judge.keyword, old), line));
        let none = BTreeMap::new();
        let edits = self.edits.get(&source).unwrap_or(&none);
        edited(old, judge.config.release.style(), edits, insert)
    }
}

fn is_locked(config: &Config, setting: &Setting) -> bool {
    config.sources.get(setting.source).is_none_or(|s| s.locked.is_some())
}

/// The line before which a new line about `keyword` goes: below a sample of it if there is one,
/// but above all blocks and included files; else right above the first of those, else at the end.
/// Lines that stand there by this rule keep one order, whichever row was settled first.
pub(super) fn insertion(config: &Config, keyword: &Keyword, main: &str) -> usize {
    let lines = Lines::new(main);
    let limit = config.first_block.unwrap_or(lines.len() + 1);
    if let Some(line) = sample(main, keyword.name, limit) {
        return line + 1;
    }
    let Some(own) = place(keyword.name) else { return limit };
    // Looked for once each: a file may repeat a line any number of times.
    let mut samples = BTreeMap::new();
    let mut at = limit;
    while let Some(above) = at.checked_sub(1).and_then(|number| lines.get(number)) {
        // What has become a comment of ours stood there before.
        let above = statement(above.trim_start_matches(DISABLED), config.release.style());
        let other = above.as_ref().and_then(|said| place(&said.keyword).map(|place| (said, place)));
        let Some((said, _)) = other.filter(|(_, place)| *place > own) else { break };
        let name = said.keyword.to_ascii_lowercase();
        let shown = *samples.entry(name).or_insert_with_key(|name| sample(main, name, limit));
        if shown.is_some_and(|line| line + 2 == at) {
            break;
        }
        at -= 1;
    }
    at
}

/// Where a keyword that rules write stands among the others; `None`: no rule writes it.
fn place(keyword: &str) -> Option<usize> {
    let mut written = DIRECTIVES.iter().chain(LISTS);
    written.position(|name| name.eq_ignore_ascii_case(keyword))
}
