//! Kernel parameter files, by every reader.

use gokaku::text::sysctl::{Assignment, Dialect, Key, assignments, disable, replace, set};

use super::support::{chosen, kept, lines, one_of};

const READERS: [[Dialect; 2]; 3] = [
    [Dialect::SystemdPlain, Dialect::ProcpsPlain],
    [Dialect::Systemd { negative: false }, Dialect::ProcpsLines],
    [Dialect::Systemd { negative: true }, Dialect::ProcpsList],
];
const KEYS: [&str; 4] =
    ["net.ipv4.conf.all.rp_filter", "kernel.randomize_va_space", "fs.suid_dumpable", "a.b"];
/// No reader cuts a line that is shorter (bytes).
const CUT: usize = 255;

fn values(text: &str, key: &str, dialect: Dialect) -> Vec<Option<String>> {
    assignments(text, &Key::new(key), dialect).into_iter().map(|a| a.value).collect()
}

/// What is set is got by both readers; other keys and lines stay.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let (readers, pick) = one_of(pick, &READERS);
    let (key, pick) = one_of(pick, &KEYS);
    let (value, pick) = one_of(pick, &["1", "0"]);
    let leaf = key.rsplit('.').next().unwrap_or(key);
    let foreign = |line: &str| !line.contains(leaf);

    if pick % 3 == 0 {
        let once = set(&text, key, value, &readers);
        assert_eq!(set(&once, key, value, &readers), once, "twice is once");
        kept(&text, &once, foreign);
        for reader in readers {
            let last = values(&once, key, reader).pop();
            assert_eq!(last.flatten().as_deref(), Some(value), "{reader:?}: {once:?}");
            // A reader that cuts long lines may have found another key behind the cut.
            if lines(&text).into_iter().any(|l| !foreign(l) && l.len() >= CUT) {
                continue;
            }
            for other in KEYS.into_iter().filter(|k| *k != key) {
                assert_eq!(values(&text, other, reader), values(&once, other, reader), "{other}");
            }
        }
        return;
    }
    let edit = if pick % 3 == 1 { disable } else { replace };
    let off = edit(&text, key, value, &readers);
    assert_eq!(edit(&off, key, value, &readers), off, "twice is once");
    assert_eq!(lines(&off).len(), lines(&text).len());
    kept(&text, &off, foreign);
    for reader in readers {
        let wrong = |a: &Assignment| a.whole && !a.is(value);
        assert!(!assignments(&off, &Key::new(key), reader).iter().any(wrong), "{off:?}");
    }
}
