//! Which edits leave a directive stated once, right and first.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, DirectiveLine, MatchScope};
use super::judge::Judge;
use super::layout::insertion;
use crate::text::sshd_config::{Edit, edited};

/// What is wrong and what puts it right.
#[derive(Default)]
pub(super) struct Repair<'a> {
    /// The line that holds for all connections and is right.
    pub stated: Option<&'a DirectiveLine>,
    /// The lines that are wrong.
    pub wrong: Vec<&'a DirectiveLine>,
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
        let lines: Vec<(&DirectiveLine, bool)> = about.map(|s| (s, judge.is_right(s))).collect();
        let mut repair = Repair {
            wrong: lines.iter().filter(|(_, right)| !right).map(|(s, _)| *s).collect(),
            ..Repair::default()
        };
        repair.global(judge, &lines);
        repair.blocks(judge, &lines);
        repair
    }

    /// Leaves one line for all connections that is right and comes first: one that is there, or the
    /// first of the main file with another value, or a new one. What stands behind `Match all` is
    /// for all connections, too; `blocks` edits it.
    fn global(&mut self, judge: &Judge<'a>, lines: &[(&'a DirectiveLine, bool)]) {
        let global: Vec<(&DirectiveLine, bool)> =
            lines.iter().copied().filter(|(s, _)| s.place.is_active()).collect();
        // What cannot be edited and is wrong wins over all that follows it.
        let open = global.iter().position(|(s, right)| !right && is_locked(judge.config, s));
        let open = open.unwrap_or(global.len());
        self.stated = global.iter().take(open).find(|(_, right)| *right).map(|(s, _)| *s);
        let mut stated = self.stated.is_some();
        for (i, (setting, right)) in global.iter().enumerate() {
            if *right || is_locked(judge.config, setting) {
                continue;
            }
            if setting.place != MatchScope::Global {
                stated |=
                    setting.source == 0 && i < open && judge.to_write(Some(setting)).is_some();
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
                let late = |(s, right): &&(&DirectiveLine, bool)| {
                    *right && s.source == 0 && s.place == MatchScope::Global
                };
                for (setting, _) in global.iter().filter(late) {
                    let edits = self.edits.entry(setting.source).or_default();
                    edits.insert(setting.line, Edit::Disable);
                }
            }
        }
    }

    /// In a block of the main file the value is put right once; what is superfluous there, does
    /// not go there, or stands in another file becomes a comment.
    fn blocks(&mut self, judge: &Judge<'a>, lines: &[(&'a DirectiveLine, bool)]) {
        let block_of = |s: &DirectiveLine| match s.place {
            MatchScope::Global => None,
            MatchScope::Match { block } | MatchScope::MatchAll { block } => Some(block),
        };
        let mut settled: BTreeSet<usize> =
            lines.iter().filter(|(_, right)| *right).filter_map(|(s, _)| block_of(s)).collect();
        for (setting, right) in lines {
            let Some(block) = block_of(setting) else { continue };
            if *right || is_locked(judge.config, setting) {
                continue;
            }
            let goes = matches!(setting.place, MatchScope::MatchAll { .. })
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

fn is_locked(config: &Config, setting: &DirectiveLine) -> bool {
    config.sources.get(setting.source).is_none_or(|s| s.outside)
}
