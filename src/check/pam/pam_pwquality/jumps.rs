//! The jumps of a stack whose lines change: what they skipped they skip afterwards.

use super::Look;
use crate::check::pam::pam_stack::Next;
use crate::text::pam::{Action, Control, Rule};
use crate::text::splice::Edit;

const DENY: &str = "password\trequisite\t\t\tpam_deny.so";
const PERMIT: &str = "password\trequired\t\t\tpam_permit.so";
/// The answers that say that a password was set.
const SUCCESSES: [&str; 2] = ["success", "new_authtok_reqd"];

/// An edit, and the number of the file in the stack that it is for.
pub(super) type FileEdit = (usize, Edit);

/// How the lines of a stack change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reshaping<'a> {
    /// The module whose line goes away.
    pub gone: Option<usize>,
    /// Before this module come so many new ones, in its file.
    pub come: Option<(usize, u32)>,
    /// What is put at the end, for jumps that lead to nowhere.
    pub end: &'a [&'static str],
}

impl Look<'_> {
    /// The lines that give jumps to nowhere a goal, for a stack whose jumps to nowhere are all those
    /// of a success. They end as a stack of pam-auth-update does: what did not succeed is denied.
    pub(super) fn end(&self) -> Vec<&'static str> {
        let bad = self.stack.bad_jumps();
        let Some(first) = bad.first() else { return Vec::new() };
        let all_succeed = bad.iter().all(|index| {
            let Some(module) = self.stack.modules.get(*index) else { return false };
            let Control::Answers(answers) = &module.rule.control else { return false };
            let nowhere = |action: &Action| self.stack.next(*index, *action) == Next::Nowhere;
            let success = |name: &String| SUCCESSES.contains(&name.as_str());
            module.level == 0 && answers.iter().all(|(name, a)| success(name) || !nowhere(a))
        });
        if !all_succeed {
            return Vec::new();
        }
        let below = self.stack.modules.iter().skip(first + 1);
        let denied = below.filter(|m| m.level == 0).any(|m| m.rule.is("pam_deny.so"));
        if denied { vec![PERMIT] } else { vec![DENY, PERMIT] }
    }

    /// The edits of the jumps, and the lines of `end`. `None` where a jump cannot be edited, or no
    /// change may touch it.
    pub(super) fn jumps(&self, shape: &Reshaping<'_>) -> Option<Vec<FileEdit>> {
        let mut edits = Vec::new();
        for (index, module) in self.stack.modules.iter().enumerate() {
            if Some(index) == shape.gone {
                continue;
            }
            let more = module.rule.shift_jumps(|count| self.shift(index, count, shape));
            let source = self.stack.sources.get(module.source)?;
            let subject = self.stack.subject(&module.rule.module);
            if !more.is_empty() && self.audit.excluded_in(&subject, &source.path).is_some() {
                return None;
            }
            // A number that stands in pieces.
            if more.len() < self.shifted(index, &module.rule, shape) {
                return None;
            }
            edits.extend(more.into_iter().map(|edit| (module.source, edit)));
        }
        if !shape.end.is_empty() {
            let text = &self.stack.sources.first()?.text;
            let feed = super::placement::line_end(text);
            let before = if text.is_empty() || text.ends_with('\n') { "" } else { feed };
            let lines: String = shape.end.iter().map(|line| format!("{line}{feed}")).collect();
            edits.push((0, Edit::insert(text.len(), format!("{before}{lines}"))));
        }
        Some(edits)
    }

    /// How many of a rule's jumps change. One over nothing but the line that goes away stays: there
    /// is no jump over nothing, and whether the stack works with it is tried.
    fn shifted(&self, index: usize, rule: &Rule, shape: &Reshaping<'_>) -> usize {
        let Control::Answers(answers) = &rule.control else { return 0 };
        let moves = |action: &Action| {
            let Action::Jump(count) = *action else { return false };
            let shift = self.shift(index, count, shape);
            shift != 0 && count.checked_add_signed(shift).is_some_and(|new| new > 0)
        };
        answers.iter().filter(|(_, action)| moves(action)).count()
    }

    /// By how much the jump from the module `index` over `count` others must change.
    fn shift(&self, index: usize, count: u32, shape: &Reshaping<'_>) -> i32 {
        let goal = match self.stack.next(index, Action::Jump(count)) {
            Next::At(goal) => Some(goal),
            Next::Nowhere if shape.end.is_empty() => return 0,
            Next::Nowhere => None,
        };
        let level = |at: usize| self.stack.modules.get(at).map(|m| m.level);
        let over = |at: usize| {
            index < at && goal.is_none_or(|goal| at < goal) && level(at) == level(index)
        };
        let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let mut shift = 0_i32;
        if let Some((at, lines)) = shape.come
            && over(at)
        {
            shift = shift.saturating_add_unsigned(lines);
        }
        if shape.gone.is_some_and(over) {
            shift = shift.saturating_sub(1);
        }
        if goal.is_none() {
            // To the last of the new lines.
            let leads = |n: &u32| self.stack.next(index, Action::Jump(*n)) != Next::Nowhere;
            let there = (1..=count).take_while(leads).count() + shape.end.len() - 1;
            shift = shift.saturating_add(number(there)).saturating_sub_unsigned(count);
        }
        shift
    }
}
