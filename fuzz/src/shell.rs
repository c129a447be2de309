//! Shell scripts: variables, masks, search paths.

use gokaku::text::script::read;
use gokaku::text::search_path;
use gokaku::text::shell_assignments::assignments;
use gokaku::text::shell_umask::umasks;
use gokaku::text::shell_var::{Value, set, value};
use gokaku::text::splice::splice;

use super::support::{chosen, kept, one_of};

/// What is surely set is surely got; what the shell would not run is no command.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    match pick % 4 {
        0 => words(&text),
        1 => searched(&text),
        2 => assigned(&text, pick / 4),
        _ => masked(&text),
    }
}

fn words(text: &str) {
    let count = text.split('\n').count();
    let script = read(text);
    assert!(script.broken.is_none_or(|line| (1..=count).contains(&line)), "{text:?}");
    for command in script.commands {
        assert!((1..=count).contains(&command.line), "{command:?}");
        for word in &command.words {
            assert_eq!(text.get(word.at.clone()), Some(word.raw()), "{word:?}");
            word.literal();
            word.assignment();
        }
    }
}

fn searched(text: &str) {
    assignments(text);
    search_path::script(text);
    search_path::environment(text);
    search_path::sudoers(text);
    search_path::sudoers_includes(text);
}

fn assigned(text: &str, pick: usize) {
    let (key, pick) = one_of(pick, &["enabled", "PATH"]);
    let (new, _) = one_of(pick, &["0", "a b", "it's", ""]);
    let other = if key == "PATH" { "enabled" } else { "PATH" };
    if let Some(once) = set(text, key, new) {
        assert!(matches!(value(&once, key), Value::Known { value, .. } if value == new));
        assert_eq!(set(&once, key, new).as_ref(), Some(&once), "twice is once");
        if !text.contains(['\'', '"', '\\']) {
            kept(text, &once, |line| !line.contains(key));
        }
        match (value(text, other), value(&once, other)) {
            (Value::Unclear { .. }, _) => {}
            // The new value may take fewer lines than the old one.
            (Value::Known { value: before, .. }, Value::Known { value: after, .. }) => {
                assert_eq!(before, after, "{text:?}\n{once:?}");
            }
            (before, after) => assert_eq!(before, after, "{text:?}\n{once:?}"),
        }
    }
}

fn masked(text: &str) {
    let before = umasks(text);
    let loose = before.iter().filter(|u| u.effect.loosens(0o027));
    let new = splice(text, loose.map(|u| u.set("027")).collect());
    let after = umasks(&new);
    assert_eq!(after.len(), before.len(), "{text:?}\n{new:?}");
    assert!(!after.iter().any(|u| u.effect.loosens(0o027)), "{after:?}");
}
