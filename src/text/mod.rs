//! Pure editors of configuration text: from a text to a text, without paths or files.
//!
//! Properties of every editor, tested on generated text: what was set is read back; setting twice
//! equals setting once; other lines stay as they are, byte for byte.

pub mod access_conf;
pub mod accounts;
pub mod apt_sources;
pub mod banner;
pub mod becomes;
pub mod byte_size;
pub mod crontab;
pub mod deb_version;
pub mod dpkg;
pub mod fstab;
pub mod ini;
pub mod joined;
pub mod limits;
pub mod login_defs;
pub mod logrotate;
pub mod lossless;
pub mod modprobe;
pub mod mount_options;
pub mod mountinfo;
pub mod ntp;
pub mod os_release;
pub mod pam;
pub mod pattern;
pub mod postfix;
pub mod pwquality;
pub mod rsyslog;
pub mod script;
pub mod search_path;
pub mod served;
pub mod services;
pub mod shell_assignments;
pub mod shell_umask;
pub mod shell_var;
pub mod splice;
pub mod sshd_config;
pub mod sshd_value;
pub mod sudoers;
pub mod sysctl;
pub mod unit;
pub mod unit_install;
pub mod useradd;

use std::fmt;

/// A text as lines that keep their terminators, so that putting it together again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    lines: Vec<String>,
}

/// The mark of a line that was switched off. It is an ordinary comment to every reader.
pub const DISABLED: &str = "# gokaku: ";

impl Lines {
    /// Splits a text after each line feed.
    pub fn new(text: &str) -> Lines {
        Lines { lines: text.split_inclusive('\n').map(str::to_owned).collect() }
    }

    /// How many lines there are; a last line without line feed counts.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines without their terminators (`\n` or `\r\n`), numbered from 1.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &str)> + ExactSizeIterator {
        self.lines.iter().enumerate().map(|(i, l)| (i + 1, bare(l)))
    }

    /// Line `number` (from 1) without its terminator.
    pub fn get(&self, number: usize) -> Option<&str> {
        self.lines.get(number.checked_sub(1)?).map(|l| bare(l))
    }

    /// Replaces the text of line `number` (from 1); its terminator stays.
    pub fn set(&mut self, number: usize, text: &str) {
        if let Some(line) = number.checked_sub(1).and_then(|i| self.lines.get_mut(i)) {
            let end = line[bare(line).len()..].to_owned();
            *line = format!("{text}{end}");
        }
    }

    /// Makes line `number` a comment that still shows what stood there.
    pub fn disable(&mut self, number: usize) {
        if let Some(old) = self.get(number).map(str::to_owned) {
            self.set(number, &format!("{DISABLED}{old}"));
        }
    }

    /// Inserts a line before line `number` (from 1); `len() + 1` appends. A last line without
    /// terminator gets one first; the file's own line ending is used.
    pub fn insert(&mut self, number: usize, text: &str) {
        let dos = |l: &String| l.trim_end_matches('\n').ends_with('\r');
        let end = if self.lines.first().is_some_and(dos) { "\r\n" } else { "\n" };
        let at = number.saturating_sub(1).min(self.lines.len());
        if at == self.lines.len()
            && let Some(last) = self.lines.last_mut()
            && !last.ends_with('\n')
        {
            // A carriage return that lost its line feed is half of the terminator already.
            last.push_str(if last.ends_with('\r') { "\n" } else { end });
        }
        self.lines.insert(at, format!("{text}{end}"));
    }

    /// Appends a line.
    pub fn push(&mut self, text: &str) {
        self.insert(self.lines.len() + 1, text);
    }

    /// Takes line `number` (from 1) away.
    pub fn remove(&mut self, number: usize) {
        if (1..=self.lines.len()).contains(&number) {
            self.lines.remove(number - 1);
        }
    }
}

fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|l| f.write_str(l))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edits_keep_terminators() {
        let mut lines = Lines::new("a\r\nb\nc");
        lines.set(1, "x");
        lines.disable(2);
        lines.push("d");
        assert_eq!(lines.to_string(), "x\r\n# gokaku: b\nc\r\nd\r\n");
        lines.remove(3);
        lines.insert(1, "top");
        assert_eq!(lines.to_string(), "top\r\nx\r\n# gokaku: b\nd\r\n");
        assert_eq!(lines.get(9), None);
        let mut torn = Lines::new("a\r\nb\r");
        torn.push("c");
        assert_eq!(torn.to_string(), "a\r\nb\r\nc\r\n");
        let mut torn = Lines::new("a\r");
        torn.push("b");
        assert_eq!(torn.to_string(), "a\r\nb\r\n");
    }

    proptest! {
        #[test]
        fn splitting_and_joining_changes_nothing(text in any::<String>()) {
            prop_assert_eq!(Lines::new(&text).to_string(), text);
        }
    }
}
