//! Messages from inside a container, through the output of its keeper.

use crate::message::{Arg, Lang, Message};

/// Prints a message for the run, which reads it with [`line()`].
pub(super) fn say(message: &Message) {
    // Strings and maps with string keys: this cannot fail.
    eprintln!("{}", serde_json::to_string(message).unwrap_or_default());
}

/// A line that a keeper or its step printed: a message of ours, or the words of a program.
pub(in super::super) fn line(text: &str) -> Arg {
    let read = serde_json::from_str::<Message>(text).ok();
    match read.filter(|message| !message.is_value() && is_plain(message)) {
        Some(message) => Arg::from(message),
        None => Arg::cause(text),
    }
}

/// What a keeper or its step said in its last lines.
pub(in super::super) fn words<'l>(lines: impl IntoIterator<Item = &'l Arg>) -> Arg {
    let lines: Vec<&Arg> = lines.into_iter().collect();
    if let Some(message @ Arg::Message(_)) = lines.last() {
        return (*message).clone();
    }
    let text = |arg: &&Arg| match arg {
        Arg::Cause(said) => said.to_string(),
        _ => String::new(),
    };
    Arg::cause(lines.iter().map(text).collect::<Vec<_>>().join("; "))
}

/// Whether a terminal shows it as it stands: a program of the tree can print what looks like ours.
fn is_plain(message: &Message) -> bool {
    [Lang::En, Lang::Ja].iter().all(|lang| !message.text(*lang).contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::container::messages;

    fn read(lines: &[&str]) -> Message {
        let lines: Vec<Arg> = lines.iter().map(|text| line(text)).collect();
        messages::cannot_be_run("x", words(&lines))
    }

    #[test]
    fn a_message_arrives_in_both_languages_and_nothing_else_passes_for_one() {
        let ours = serde_json::to_string(&messages::not_there("/usr/sbin/sshd")).unwrap();
        let japanese = read(&["noise", &ours]).text(Lang::Ja);
        assert_eq!(japanese, "x を実行できない: /usr/sbin/sshd が存在しない");
        assert_eq!(read(&["a: EPERM", "b"]).text(Lang::Ja), "x を実行できない: 「a: EPERM; b」");
        assert_eq!(read(&["\"x\""]).text(Lang::Ja), "x を実行できない: 「\"x\"」");
        let hostile = r#"{"id":"x","en":"a\u001b[2J","ja":"b"}"#;
        assert!(read(&[hostile]).text(Lang::Ja).contains("\\u001b"));
    }
}
