//! The result of a revert as text.

use super::messages;
use crate::apply::{How, Reverted};
use crate::message::Lang;

/// The summary; with `all`, every path.
pub fn render(done: &Reverted, all: bool, lang: Lang) -> String {
    let mut lines = Vec::new();
    for path in done.paths.iter().filter(|_| all) {
        lines.push(match path.how {
            How::Restored => messages::put_back(&path.path),
            How::Removed => messages::taken_away(&path.path),
        });
    }
    lines.extend(done.left.iter().map(messages::left));
    let count = done.paths.len();
    lines.push(match done.run {
        Some(run) => messages::reverted(&done.root, format!("{run:06}"), count),
        None => messages::undone(&done.root, count),
    });
    lines.extend(done.not_undone.iter().map(messages::not_undone));
    if done.remaining > 0 {
        lines.push(messages::remaining(done.remaining));
    }
    lines.iter().map(|line| line.text(lang) + "\n").collect()
}
