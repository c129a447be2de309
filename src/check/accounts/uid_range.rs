//! The user numbers that people get, by `/etc/login.defs`.

use crate::error::Result;
use crate::rootfs::{CONFIG_LIMIT, ImagePath, Rootfs};

/// The numbers of people's accounts, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) struct UidRange {
    /// The smallest: `UID_MIN`, or 1000.
    pub min: u32,
    /// The largest: `UID_MAX`, or 60000.
    pub max: u32,
}

impl UidRange {
    /// As the account tools of the image read it.
    ///
    /// # Errors
    /// The file cannot be read. That it is not there is no error: the defaults apply.
    pub fn read(root: &dyn Rootfs) -> Result<UidRange> {
        let text = root.read_bytes(&ImagePath::parse("/etc/login.defs")?, CONFIG_LIMIT)?;
        Ok(UidRange::parse(text.as_deref().unwrap_or_default()))
    }

    fn parse(text: &[u8]) -> UidRange {
        let mut range = UidRange { min: 1000, max: 60000 };
        for line in text.split(|b| *b == b'\n') {
            let line = line.trim_ascii();
            let Some(end) = line.iter().position(|b| matches!(b, b' ' | b'\t')) else { continue };
            let (key, value) = line.split_at(end);
            // The last line counts; one without a number brings the default back.
            match key {
                b"UID_MIN" => range.min = number(value).unwrap_or(1000),
                b"UID_MAX" => range.max = number(value).unwrap_or(60000),
                _ => {}
            }
        }
        range
    }
}

/// A number as C writes them: decimal, `0x…` or `0…`. Quotes may stand around it.
fn number(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.trim_start_matches([' ', '\t', '"']);
    let text = text.split('"').next().unwrap_or_default();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    let radix = if text.len() > 1 && text.starts_with('0') { 8 } else { 10 };
    text.bytes().all(|b| b.is_ascii_digit()).then(|| u32::from_str_radix(text, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_keys_and_the_last_line_count() {
        let range = |text: &str| {
            let range = UidRange::parse(text.as_bytes());
            (range.min, range.max)
        };
        assert_eq!(range(""), (1000, 60000));
        assert_eq!(range("SYS_UID_MIN 100\nUID_MIN\t\t 500\r\nUID_MAX 70000"), (500, 70000));
        assert_eq!(range("UID_MIN 500\nUID_MIN 2000\n#UID_MIN 1\n # UID_MIN 2\n"), (2000, 60000));
        assert_eq!(range("uid_min 500\nUID_MIN=7\nUID_MAXIMUM 1\nUID_MIN"), (1000, 60000));
        assert_eq!(range("UID_MIN 500 # people\nUID_MAX x"), (1000, 60000));
        assert_eq!(range("UID_MIN \"0x3e8\"\nUID_MAX 0100000"), (1000, 32768));
        assert_eq!(range("UID_MIN 99999999999999\nUID_MAX -1\n\u{fffd} \u{0}"), (1000, 60000));
    }
}
