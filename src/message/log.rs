//! Messages as log lines.
//!
//! A record's text is the English one, for any logger; the message itself goes with it under the
//! key [`KEY`], so that the command line's logger can show another language, and ids and arguments.
//! It goes as JSON: `log` hands on no values of types that it does not know.

use std::fmt;

use super::Message;

/// The key of a record under which the message stands.
pub const KEY: &str = "message";

/// The message of a log line, where it has one.
pub fn message_of(record: &log::Record<'_>) -> Option<Message> {
    let carried = record.key_values().get(KEY.into())?;
    serde_json::from_str(&carried.to_string()).ok()
}

/// A message as a value of a record: its JSON, written only where a logger asks for it.
pub(crate) struct Carried<'m>(pub(crate) &'m Message);

impl fmt::Display for Carried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
    }
}

/// Logs a message: `say!(warn, message)`, or with fields, `say!(info, phase = "write", changed = 3;
/// message)`. The message is made only where its level is logged.
macro_rules! say {
    (error, $($rest:tt)+) => { $crate::message::say!(@ ::log::Level::Error, $($rest)+) };
    (warn, $($rest:tt)+) => { $crate::message::say!(@ ::log::Level::Warn, $($rest)+) };
    (info, $($rest:tt)+) => { $crate::message::say!(@ ::log::Level::Info, $($rest)+) };
    (debug, $($rest:tt)+) => { $crate::message::say!(@ ::log::Level::Debug, $($rest)+) };
    (@ $level:expr, $($key:ident = $value:expr),+; $message:expr) => {
        if ::log::log_enabled!($level) {
            let message: $crate::message::Message = $message;
            ::log::log!(
                $level,
                $($key = $value,)+
                message:% = $crate::message::log::Carried(&message);
                "{message}"
            );
        }
    };
    (@ $level:expr, $message:expr) => {
        if ::log::log_enabled!($level) {
            let message: $crate::message::Message = $message;
            ::log::log!(
                $level,
                message:% = $crate::message::log::Carried(&message);
                "{message}"
            );
        }
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use log::{Log, Metadata, Record};

    use super::*;
    use crate::message::Lang;
    use crate::message::tests::kept;

    /// Level, phase, text, message.
    type Line = (log::Level, Option<String>, String, Option<Message>);

    /// Keeps what is logged.
    struct Kept(Mutex<Vec<Line>>);

    impl Log for Kept {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &Record<'_>) {
            let phase = record.key_values().get("phase".into()).map(|v| v.to_string());
            let line = (record.level(), phase, record.args().to_string(), message_of(record));
            self.0.lock().unwrap().push(line);
        }
        fn flush(&self) {}
    }

    #[test]
    fn a_line_carries_its_message() {
        log::set_max_level(log::LevelFilter::Trace);
        let logger = Kept(Mutex::new(Vec::new()));
        let message = kept("/etc/x\n\"y\"", Message::value("0644"));
        // As `say!` does, on a logger of this test's own.
        log::log!(logger: logger, log::Level::Warn, phase = "write",
            message:% = Carried(&message); "{message}");
        log::log!(logger: logger, log::Level::Info, "a line of another crate");
        let lines = logger.0.into_inner().unwrap();
        let (level, phase, text, read) = &lines[0];
        assert_eq!((*level, phase.as_deref()), (log::Level::Warn, Some("write")));
        assert_eq!(text, "/etc/x\n\"y\" is kept: 0644");
        let read = read.as_ref().unwrap();
        assert_eq!((read.id(), read.text(Lang::Ja)), ("test.kept", message.text(Lang::Ja)));
        assert_eq!(read.json_args()["path"], "/etc/x\n\"y\"");
        assert!(lines[1].3.is_none());
    }
}
