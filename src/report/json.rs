//! The JSON form of a report.

use serde::Serialize;

use super::{Report, SCHEMA, messages};
use crate::error::Error;
use crate::message::Arg;

/// A report that this or an earlier version wrote as JSON. What a later one added is passed over.
///
/// # Errors
/// [`Error::Report`] for a text that is no report, and for one of another schema.
pub fn from_json(text: &str) -> Result<Report, Error> {
    let not_read = |e: serde_json::Error| Error::Report(messages::no_report(Arg::cause(e)));
    let value: serde_json::Value = serde_json::from_str(text).map_err(not_read)?;
    match value["schema"].as_str() {
        Some(SCHEMA) => serde_json::from_value(value).map_err(not_read),
        Some(found) => Err(Error::Report(messages::report_of_another_schema(found, SCHEMA))),
        None => Err(Error::Report(messages::no_schema(SCHEMA))),
    }
}

/// A report as JSON. Control characters are written as escapes, also those that JSON would
/// let through: the report may be looked at in a terminal.
///
/// # Errors
/// Those of the serializer.
pub fn to_json(data: &impl Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string_pretty(data)?;
    // Outside of strings JSON is ASCII, and its layout knows the line feed alone.
    let escaped = |c: char| c != '\n' && crate::rootfs::is_control(c);
    // There seldom is one.
    if !plain.contains(escaped) {
        return Ok(plain);
    }
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if escaped(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Ok(out)
}
