//! Key files, as GLib and two kinds of systemd read them.

use gokaku::text::byte_size;
use gokaku::text::ini::{Dialect, assignments, disable, refused, set};

use super::support::{chosen, kept, lines, one_of};

const DIALECTS: [Dialect; 3] = [Dialect::OldSystemd, Dialect::Systemd, Dialect::KeyFile];
const PLACES: [(&str, &str); 2] = [("Journal", "Storage"), ("xdmcp", "Enable")];

/// What is set is got; other keys stay; what is refused can be switched off.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let (dialect, pick) = one_of(pick, &DIALECTS);
    let ((section, key), pick) = one_of(pick, &PLACES);
    let values = |text: &str, section: &str, key: &str| -> Vec<String> {
        assignments(text, dialect, section, key).into_iter().map(|a| a.value).collect()
    };
    for value in values(&text, section, key) {
        if let Some(bytes) = byte_size::systemd(&value) {
            assert_eq!(byte_size::systemd(&bytes.to_string()), Some(bytes), "{value:?}");
        }
    }
    if pick % 2 == 0 {
        let once = set(&text, dialect, section, key, "none");
        assert_eq!(
            values(&once, section, key).last().map(String::as_str),
            Some("none"),
            "{once:?}"
        );
        assert_eq!(set(&once, dialect, section, key, "none"), once, "twice is once");
        for other in ["Compress", "SystemMaxUse"] {
            let same = values(&text, section, other) == values(&once, section, other);
            assert!(same, "{other}: {text:?}\n{once:?}");
        }
        if !text.contains('\\') {
            kept(&text, &once, |line| !line.contains(key));
        }
        return;
    }

    let ranges = |text: &str| -> Vec<(usize, usize)> {
        refused(text, dialect, section).into_iter().map(|r| (r.line, r.last_line)).collect()
    };
    let off = disable(&text, ranges(&text));
    assert_eq!(ranges(&off), [], "{text:?}\n{off:?}");
    assert_eq!(lines(&off).len(), lines(&text).len());
    assert_eq!(values(&text, section, key), values(&off, section, key), "{text:?}\n{off:?}");
}
