//! The log on stderr: one line an event, as text in the language of the output or as JSON; and the warnings once more at the end,
//! where somebody reads who scrolls up from the exit status of a long build.
//!
//! No line carries a time: an image pipeline's log has its own clock, and two runs on the same tree
//! read the same. Colour only on a terminal, and neither with `NO_COLOR` nor on a dumb one.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use log::{Level, Record, kv};
use serde_json::{Map, Value};

use super::args::LogFormat;
use super::messages;
use crate::message::log::{KEY, message_of};
use crate::message::{Lang, Message};
use crate::report::secret::for_terminal;
use crate::text::lossless;

/// The warnings so far, ready to be written again.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Starts it. `RUST_LOG` decides what is shown where it is set; else phases and worse are (not the
/// phases where `pages` says so), with `quiet` errors alone, with `verbose` more.
pub fn start(format: LogFormat, lang: Lang, verbose: u8, quiet: bool, pages: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) if pages => "warn",
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let env = env_logger::Env::default().default_filter_or(level);
    // Not left to env_logger, for which CLICOLOR_FORCE counts more than TERM=dumb.
    let style = match super::has_colour(&io::stderr()) {
        true => env_logger::WriteStyle::Always,
        false => env_logger::WriteStyle::Never,
    };
    let started = env_logger::Builder::from_env(env)
        .write_style(style)
        .format(move |out, record| {
            if record.level() == Level::Warn {
                let again = match format {
                    LogFormat::Text => {
                        let word = messages::again(word(record.level())).text(lang);
                        format!("gokaku: {word}: {}", shown(record, lang))
                    }
                    LogFormat::Json => json(record, true),
                };
                WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).push(again);
            }
            match format {
                LogFormat::Json => writeln!(out, "{}", json(record, false)),
                LogFormat::Text => text(out, record, lang),
            }
        })
        .try_init();
    // A second start in one process (tests of the library) keeps the first logger.
    drop(started);
}

/// Writes the warnings once more, and forgets them.
pub fn repeat_warnings() {
    let warnings = std::mem::take(&mut *WARNINGS.lock().unwrap_or_else(PoisonError::into_inner));
    let mut stderr = io::stderr().lock();
    for line in warnings {
        // There is nowhere left to report that stderr is gone.
        let _ = writeln!(stderr, "{line}");
    }
}

fn text(out: &mut env_logger::fmt::Formatter, record: &Record<'_>, lang: Lang) -> io::Result<()> {
    let style = match record.level() {
        level @ (Level::Error | Level::Warn) => out.default_level_style(level),
        _ => Default::default(),
    };
    let word = word(record.level()).text(lang);
    writeln!(out, "gokaku: {style}{word}:{style:#} {}", shown(record, lang))
}

/// The text in a language where the line has one, without orders to the terminal that a file of the
/// target may hold.
fn shown(record: &Record<'_>, lang: Lang) -> String {
    let carried = (lang != Lang::En).then(|| message_of(record)).flatten();
    let text = carried.map_or_else(|| record.args().to_string(), |message| message.text(lang));
    fit(&text)
}

/// A text of which the target may have a part, fit for a terminal and without secrets.
fn fit(text: &str) -> String {
    for_terminal(&lossless::shown(text))
}

fn word(level: Level) -> Message {
    match level {
        Level::Error => messages::level_error(),
        Level::Warn => messages::level_warning(),
        Level::Info => messages::level_info(),
        Level::Debug => messages::level_debug(),
        Level::Trace => messages::level_trace(),
    }
}

/// One object on one line: level, phase and counts where there are any; the message in English, and
/// its id and arguments where it is one in several languages.
fn json(record: &Record<'_>, again: bool) -> String {
    let mut fields = Fields(Map::new());
    fields.0.insert("level".into(), word(record.level()).text(Lang::En).into());
    // Collecting into a map does not fail.
    let _ = record.key_values().visit(&mut fields);
    if let Some(message) = message_of(record).filter(|message| !message.is_value()) {
        fields.0.insert("id".into(), message.id().into());
        let mut args = Value::Object(message.json_args());
        fit_all(&mut args);
        fields.0.insert("args".into(), args);
    }
    fields.0.insert(KEY.into(), shown(record, Lang::En).into());
    if again {
        fields.0.insert("again".into(), true.into());
    }
    Value::Object(fields.0).to_string()
}

/// Every text of an argument, at any depth.
fn fit_all(value: &mut Value) {
    match value {
        Value::String(text) => *text = fit(text),
        Value::Array(all) => all.iter_mut().for_each(fit_all),
        Value::Object(all) => all.values_mut().for_each(fit_all),
        _ => {}
    }
}

struct Fields(Map<String, Value>);

impl<'kvs> kv::VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        if key.as_str() == KEY {
            return Ok(());
        }
        let value = match (value.to_u64(), value.to_bool()) {
            (Some(number), _) => number.into(),
            (None, Some(truth)) => truth.into(),
            (None, None) => for_terminal(&value.to_string()).into(),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_is_one_line_whatever_it_says() {
        let pairs: [(&str, kv::Value<'_>); 3] =
            [("phase", "plan".into()), ("files", 3u64.into()), ("live", true.into())];
        let source: &dyn kv::Source = &pairs.as_slice();
        let line = json(
            &Record::builder()
                .level(Level::Warn)
                .args(format_args!("a \"b\"\nc \u{1b}[31m"))
                .key_values(&source)
                .build(),
            true,
        );
        assert!(!line.contains('\n') && !line.contains('\u{1b}'), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        let want = serde_json::json!({
            "level": "warning", "phase": "plan", "files": 3, "live": true,
            "message": "a \"b\"\nc \\x1b[31m", "again": true,
        });
        assert_eq!(value, want);
    }

    #[test]
    fn a_hash_that_gets_into_a_line_does_not_show() {
        let pairs = [("path", kv::Value::from("/etc/$6$saltsalt$PLANTED0123456789"))];
        let source: &dyn kv::Source = &pairs.as_slice();
        let mut record = Record::builder();
        let record = record.key_values(&source);
        // Arguments do not outlive the expression that they are in.
        let text = shown(
            &record.args(format_args!("bob:$6$saltsalt$PLANTED0123456789")).build(),
            Lang::En,
        );
        let line =
            json(&record.args(format_args!("bob:$y$j9T$ab$PLANTED0123456789")).build(), true);
        assert_eq!(text, "bob:(hash)");
        assert!(line.contains("bob:(hash)") && line.contains("/etc/(hash)"), "{line}");
    }

    #[test]
    fn a_line_is_in_the_language_and_json_has_id_and_arguments() {
        let message =
            crate::run::messages::clock_in_doubt("bob:$6$saltsalt$PLANTED0123456789\u{1b}[31m");
        let carried = serde_json::to_string(&message).unwrap();
        let pairs = [("phase", kv::Value::from("end")), (KEY, kv::Value::from(carried.as_str()))];
        let source: &dyn kv::Source = &pairs.as_slice();
        let mut record = Record::builder();
        let record = record.level(Level::Warn).key_values(&source);
        // Arguments do not outlive the expression that they are in.
        let (ja, line) = (
            shown(&record.args(format_args!("{message}")).build(), Lang::Ja),
            json(&record.args(format_args!("{message}")).build(), false),
        );
        assert!(ja.starts_with("bob:(hash)\\x1b[31m。パスワード"), "{ja}");
        let want = serde_json::json!({
            "level": "warning", "phase": "end", "id": "cli.clock_in_doubt",
            "args": {"why": "bob:(hash)\\x1b[31m"},
            "message": "bob:(hash)\\x1b[31m; nothing about the age of passwords is changed",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), want);
    }
}
