//! How tight the values of a directive are: what a connection gets, outside `Match` blocks and in each.

use super::Sshd;
use super::config::{Config, DirectiveLine, MatchScope};
use super::judge::Judge;
use super::keyword::{Takes, single, words};
use super::want::Value;
use crate::check::order::{Level, Levels};
use crate::check::{Audit, Subject};
use crate::error::Result;

impl Sshd {
    /// The values that are in force. A value that sshd does not take is none.
    pub(super) fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let Some(config) = Config::read(audit)? else { return Ok(levels) };
        if let Value::Access(_) = self.value {
            access(&config, &mut levels);
            return Ok(levels);
        }
        let keyword = self.directive.0;
        let judge = Judge { config: &config, keyword, value: &self.value };
        let lines: Vec<(&DirectiveLine, &str)> = config
            .about(keyword)
            .filter(|line| line.refusal.is_none())
            .filter_map(|line| Some((line, single(&line.said, &config.release).ok()?)))
            .collect();
        let first = |is: &dyn Fn(MatchScope) -> bool| {
            lines.iter().find(|(line, _)| is(line.place)).map(|(_, value)| *value)
        };
        // A block for all connections comes before what stands outside.
        let stated = first(&|place| matches!(place, MatchScope::MatchAll { .. }))
            .or_else(|| first(&|place| place == MatchScope::Global));
        let default = judge.default();
        if let Some(level) = stated.or(default.as_deref()).and_then(|value| judge.level(value)) {
            levels.only(Subject::directive(keyword.name), level);
        }
        let mut blocks: Vec<usize> = Vec::new();
        for (line, value) in &lines {
            let MatchScope::Match { block } = line.place else { continue };
            if blocks.contains(&block) {
                continue;
            }
            blocks.push(block);
            if let Some(level) = judge.level(value) {
                levels.add(Subject::directive(keyword.name), format!("block {block}"), level);
            }
        }
        Ok(levels)
    }
}

/// Who is let in, and who is not, by the lists that are in force for all connections.
fn access(config: &Config, levels: &mut Levels) {
    for name in ["AllowUsers", "AllowGroups", "DenyUsers", "DenyGroups"] {
        let lists = config.settings.iter().filter(|line| {
            let is_list = |k: &super::keyword::Keyword| k.takes == Takes::Names && k.name == name;
            line.refusal.is_none() && line.place.is_active() && line.keyword.is_some_and(is_list)
        });
        let patterns: Vec<&str> =
            lists.flat_map(|line| words(&line.said, &config.release).unwrap_or_default()).collect();
        let subject = || Subject::directive(name);
        if !name.starts_with("Allow") {
            levels.only(subject(), Level::asks(patterns));
            continue;
        }
        // Without a list, everybody is let in.
        levels.add(subject(), "a list", Level::asks((!patterns.is_empty()).then_some("a list")));
        if !patterns.is_empty() {
            levels.add(subject(), "names", Level::lets(patterns));
        }
    }
}
