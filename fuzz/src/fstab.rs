//! `fstab`, mount options and `mountinfo`.

use gokaku::text::fstab::{FstabLine, entries, set_options};
use gokaku::text::mount_options::{Flag, implied_by, is_bind, is_sound, require, states};
use gokaku::text::{Lines, mountinfo};

use super::support::{chosen, kept_around, one_of};

const FLAGS: [Flag; 3] = [Flag::Nodev, Flag::Nosuid, Flag::Noexec];

fn options(options: &str) {
    for flag in FLAGS {
        implied_by(options, flag);
        let once = require(options, flag);
        if !is_sound(options) {
            continue;
        }
        assert!(states(&once, flag), "{options:?}: {once:?}");
        assert_eq!(require(&once, flag), once);
        assert_eq!(is_bind(&once), is_bind(options));
        for other in FLAGS.into_iter().filter(|f| *f != flag) {
            assert_eq!(states(&once, other), states(options, other), "{options:?}");
        }
    }
}

/// The options of one line change, and nothing else does.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    if pick % 4 == 3 {
        mountinfo::flags(&text, "/dev/shm");
        return options(&text);
    }
    let found = entries(&text);
    for entry in &found {
        entry.target_path();
    }
    if found.is_empty() {
        return;
    }
    let (entry, _) = one_of(pick / 4, &found.iter().collect::<Vec<_>>());
    let mut lines = Lines::new(&text);
    set_options(&mut lines, entry.line, "rw,nosuid");
    let once = lines.to_string();
    set_options(&mut lines, entry.line, "rw,nosuid");
    assert_eq!(lines.to_string(), once, "twice is once");
    kept_around(&text, &once, entry.line, entry.line);
    let mut want: Vec<FstabLine> = found.clone();
    for changed in want.iter_mut().filter(|e| e.line == entry.line) {
        changed.kind.get_or_insert_with(|| "auto".to_owned());
        changed.options = Some("rw,nosuid".to_owned());
    }
    assert_eq!(entries(&once), want);
}
