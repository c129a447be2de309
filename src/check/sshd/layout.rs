//! Where a new line goes in the main file.

use std::collections::BTreeMap;

use super::config::Config;
use super::keyword::Keyword;
use super::keywords;
use crate::text::sshd_config::{sample, statement};
use crate::text::{DISABLED, Lines};

/// The line before which a new line about `keyword` goes: below a sample of it if there is one,
/// but above all blocks and included files; else right above the first of those, else at the end.
/// Lines that stand there by this rule keep one order, whichever row was settled first.
pub(super) fn insertion(config: &Config, keyword: &Keyword, main: &str) -> usize {
    let lines = Lines::new(main);
    let limit = config.first_block.unwrap_or(lines.len() + 1);
    if let Some(line) = sample(main, keyword.name, limit) {
        return line + 1;
    }
    let Some(own) = keyword.rank else { return limit };
    // Looked for once each: a file may repeat a line any number of times.
    let mut samples = BTreeMap::new();
    let mut at = limit;
    while let Some(above) = at.checked_sub(1).and_then(|number| lines.get(number)) {
        // What has become a comment of ours stood there before.
        let above = statement(above.trim_start_matches(DISABLED), config.release.style());
        let later = |name: &str| keywords::find(name).and_then(|k| k.rank).is_some_and(|r| r > own);
        let Some(said) = above.filter(|said| later(&said.keyword)) else { break };
        let name = said.keyword.to_ascii_lowercase();
        let shown = *samples.entry(name).or_insert_with_key(|name| sample(main, name, limit));
        if shown.is_some_and(|line| line + 2 == at) {
            break;
        }
        at -= 1;
    }
    at
}
