//! rsyslog's configuration.

use gokaku::text::rsyslog::{
    Target, TokenKind, actions, edited, file_mode, logical_start, mask, tokens,
};
use gokaku::text::splice::splice;

use super::support::{chosen, kept_around};

/// A token without its place.
fn shape(kind: &TokenKind) -> String {
    match kind {
        TokenKind::Directive(d) => format!("${} {}", d.name, d.value),
        TokenKind::Object(o) => {
            let parameters: Vec<_> = o.parameters.iter().map(|p| (&p.name, &p.value)).collect();
            format!("{}{parameters:?}", o.name)
        }
        other => format!("{other:?}"),
    }
}

fn shapes(text: &str) -> Option<Vec<String>> {
    Some(tokens(text).ok()?.iter().map(|t| shape(&t.kind)).collect())
}

/// One value changes, and nothing else does.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let count = text.split('\n').count();
    assert!((1..=count.max(pick)).contains(&logical_start(&text, pick)));
    mask(&text);
    file_mode(&text);
    let Ok(found) = tokens(&text) else { return };
    assert!(found.iter().all(|t| (1..=count).contains(&t.line)), "{found:?}");
    actions(found.iter().map(|t| &t.kind));
    let before: Vec<String> = found.iter().map(|t| shape(&t.kind)).collect();
    for token in &found {
        let _ = Target::of(&token.kind);
        if let TokenKind::Selector(selector) = &token.kind {
            mask(selector);
        }
    }
    if found.is_empty() {
        return;
    }
    let at = pick % found.len();
    let edit = match &found[at].kind {
        TokenKind::Directive(d) => d.set("0640"),
        TokenKind::Object(o) => o.set("fileCreateMode", "0640"),
        _ => None,
    };
    let Some(edit) = edit else { return };
    let Some(new) = edited(&text, vec![edit]) else { return };
    let Ok(again) = tokens(&new) else { panic!("no longer understood: {text:?}\n{new:?}") };
    match &again.get(at).map(|t| &t.kind) {
        Some(TokenKind::Directive(d)) => {
            assert_eq!(file_mode(&d.value), Some(0o640), "{new:?}");
            assert_eq!(d.set("0640").map(|e| splice(&new, vec![e])).as_ref(), Some(&new));
        }
        Some(TokenKind::Object(o)) => {
            assert_eq!(o.value("filecreatemode"), Some("0640"), "{new:?}");
            assert_eq!(
                o.set("fileCreateMode", "0640").map(|e| splice(&new, vec![e])),
                Some(new.clone())
            );
        }
        other => panic!("became {other:?}: {text:?}\n{new:?}"),
    }
    let mut after = shapes(&new).unwrap_or_default();
    let mut others = before;
    assert_eq!(after.len(), others.len(), "{text:?}\n{new:?}");
    after.remove(at);
    others.remove(at);
    assert_eq!(after, others, "{text:?}\n{new:?}");
    let last = found.get(at + 1).map_or(count, |t| t.line);
    kept_around(&text, &new, found[at].line, last.max(found[at].line));
}
