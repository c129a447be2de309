//! Under which filter each action stands.

use super::selector::{self, Mask};
use super::{Target, TokenKind, condition};

/// Which messages reach a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// By facility and severity.
    pub mask: Mask,
    /// Whether all of those do. Not so under a condition on anything else, or in a set of rules
    /// that must be called first.
    pub certain: bool,
}

impl Filter {
    const ALL: Filter = Filter { mask: Mask::ALL, certain: true };

    fn and(self, other: Filter) -> Filter {
        let certain = self.certain && other.certain;
        Filter { mask: self.mask.and(other.mask), certain }
    }
}

/// A statement that does something with the messages that reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilteredAction {
    /// The index of its token.
    pub token: usize,
    /// Which messages reach it.
    pub filter: Filter,
    /// What it does.
    pub what: What,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Sends them somewhere.
    Send(Target),
    /// Is done with them: later statements do not see them.
    Stop,
}

/// The statements of a configuration whose includes have been put in place, in order.
pub fn actions<'a>(tokens: impl IntoIterator<Item = &'a TokenKind>) -> Vec<FilteredAction> {
    let uncertain = Filter { mask: Mask::ALL, certain: false };
    let mut out = Vec::new();
    // The filters around this place; those of blocks to come back to.
    let (mut around, mut blocks) = (Filter::ALL, Vec::new());
    // The filter that stands before the next statement; that of the last one, whole.
    let (mut pending, mut last) = (Filter::ALL, Filter::ALL);
    // Statements go to the rules that run by themselves until a directive says otherwise.
    let (mut default_rules, mut only_as_substitute) = (true, false);
    for (token, kind) in tokens.into_iter().enumerate() {
        match kind {
            TokenKind::Selector(selector) => {
                // A selector that rsyslog refuses takes its action with it.
                let mask = selector::mask(selector).unwrap_or(Mask::NONE);
                pending = pending.and(Filter { mask, certain: true });
            }
            TokenKind::If(condition) => pending = pending.and(condition_filter(condition)),
            TokenKind::Property | TokenKind::Foreach | TokenKind::Else => {
                pending = pending.and(uncertain)
            }
            TokenKind::And => pending = last,
            TokenKind::Open => {
                blocks.push(around);
                around = around.and(pending);
                pending = Filter::ALL;
            }
            TokenKind::Close => {
                around = blocks.pop().unwrap_or(Filter::ALL);
                pending = Filter::ALL;
            }
            TokenKind::Directive(directive) => match directive.name.as_str() {
                "ruleset" => {
                    default_rules = directive.value.eq_ignore_ascii_case("RSYSLOG_DefaultRuleset");
                }
                "actionexeconlywhenpreviousissuspended" => {
                    only_as_substitute = directive.value.to_ascii_lowercase().starts_with("on");
                }
                _ => {}
            },
            TokenKind::Include { .. } => {}
            // The rules in its block run when they are called.
            TokenKind::Object(object) if object.name == "ruleset" => pending = uncertain,
            TokenKind::Statement => {
                last = around.and(pending);
                pending = Filter::ALL;
            }
            TokenKind::Stop | TokenKind::Action(_) | TokenKind::Object(_) => {
                let what = match Target::of(kind) {
                    Some(Target::Discard) => What::Stop,
                    Some(target) => What::Send(target),
                    None if *kind == TokenKind::Stop => What::Stop,
                    None => continue,
                };
                let substitute = match kind {
                    TokenKind::Object(object) => object
                        .value("action.execonlywhenpreviousissuspended")
                        .is_some_and(|v| v.eq_ignore_ascii_case("on")),
                    _ => only_as_substitute,
                };
                last = around.and(pending);
                pending = Filter::ALL;
                let certain = last.certain && default_rules && !substitute;
                out.push(FilteredAction { token, filter: Filter { certain, ..last }, what });
            }
        }
    }
    out
}

fn condition_filter(condition: &str) -> Filter {
    match condition::mask(condition) {
        Some(mask) => Filter { mask, certain: true },
        None => Filter { mask: Mask::ALL, certain: false },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Token, tokens};
    use super::*;
    use proptest::prelude::*;

    /// For each step: what it does, the severities of kern that reach it, and `?` if uncertain.
    fn shown(text: &str) -> Vec<String> {
        let tokens: Vec<Token> = tokens(text).unwrap();
        let show = |action: FilteredAction| {
            let what = match action.what {
                What::Send(Target::File(path)) => path,
                What::Send(target) => format!("{target:?}"),
                What::Stop => "stop".to_owned(),
            };
            let unsure = if action.filter.certain { "" } else { "?" };
            format!("{what} {:02x}{unsure}", action.filter.mask.severities(0))
        };
        actions(tokens.iter().map(|t| &t.kind)).into_iter().map(show).collect()
    }

    #[test]
    fn table() {
        for (text, want) in [
            ("kern.* /a\n*.emerg :omusrmsg:*\n", vec!["/a ff", "Everyone 01"]),
            ("mail.* /a\n", vec!["/a 00"]),
            ("kern.nonsense /a\n", vec!["/a 00"]),
            ("kern.=err /a\n& /b\n& ~\n", vec!["/a 08", "/b 08", "stop 08"]),
            (":msg,contains,\"x\" /a\n& stop\n/b\n", vec!["/a ff?", "stop ff?", "/b ff"]),
            (
                "kern.* {\n mail.* /a\n *.crit /b\n stop\n}\n/c\n",
                vec!["/a 00", "/b 07", "stop ff", "/c ff"],
            ),
            ("if $x == 1 then /a\nelse /b\n", vec!["/a ff?", "/b ff?"]),
            ("if $x == 1 then {\n/a\n}\nelse {\n/b\n}\n/c\n", vec!["/a ff?", "/b ff?", "/c ff"]),
            ("if prifilt(\"kern.err\") then stop\n", vec!["stop 0f"]),
            ("if $syslogfacility-text == 'kern' then stop\n/a\n", vec!["stop ff", "/a ff"]),
            ("if $syslogseverity <= 3 then /a\n", vec!["/a 0f"]),
            ("ruleset(name=\"r\") {\n/a\n}\n/b\n", vec!["/a ff?", "/b ff"]),
            ("$RuleSet other\n/a\n$RuleSet RSYSLOG_DefaultRuleset\n/b\n", vec!["/a ff?", "/b ff"]),
            ("$ActionExecOnlyWhenPreviousIsSuspended on\n/a\n", vec!["/a ff?"]),
            ("input(type=\"imudp\")\nmodule(load=\"x\")\ncall r\n", vec![]),
            ("}\n}\n/a\n", vec!["/a ff"]),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-z*.;,{}&~/\n\" ()]{0,60}") {
            if let Ok(tokens) = tokens(&text) {
                actions(tokens.iter().map(|t| &t.kind));
            }
        }
    }
}
