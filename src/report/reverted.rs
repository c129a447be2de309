//! The result of a revert as text.

use std::fmt::Write;

use crate::apply::{How, Reverted};

/// The summary; with `all`, every path.
pub fn render(done: &Reverted, all: bool) -> String {
    let mut out = String::new();
    for path in done.paths.iter().filter(|_| all) {
        let how = match path.how {
            How::Restored => "restored",
            How::Removed => "removed",
        };
        let _ = writeln!(out, "{how}  {}", path.path);
    }
    for path in &done.left {
        let _ = writeln!(out, "left  {path}: holds what the run did not make");
    }
    let count = done.paths.len();
    let _ = match done.run {
        Some(run) => writeln!(out, "{}: run {run:06} reverted, {count} path(s)", done.root),
        None => writeln!(
            out,
            "{}: the last run was cut off; it is undone, {count} path(s) put back",
            done.root
        ),
    };
    for what in &done.not_undone {
        let _ = writeln!(out, "not undone: {what}");
    }
    if done.remaining > 0 {
        let _ = writeln!(out, "{} earlier run(s) can be reverted, too", done.remaining);
    }
    out
}
