//! `facility.severity` lists.

/// Which messages pass: for each facility (kern 0 … local7 23) a bit per severity (emerg 0 …
/// debug 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask([u8; Mask::FACILITIES]);

const NAMES: [(&str, usize); 23] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("security", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("audit", 13),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
    // Messages of rsyslog's own clock; no facility that anything else sends with.
    ("mark", 24),
];

const SEVERITIES: [(&str, u8); 11] = [
    ("emerg", 0),
    ("panic", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("error", 3),
    ("warning", 4),
    ("warn", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

/// The number of the facility with this name.
pub(super) fn named_facility(name: &str) -> Option<usize> {
    NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, number)| *number)
}

/// The number of the severity with this name.
pub(super) fn named_severity(name: &str) -> Option<usize> {
    let known = SEVERITIES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    known.map(|(_, number)| usize::from(*number))
}

/// The number of a facility, by its name or number.
fn facility(name: &str) -> Option<usize> {
    if let Some(number) = named_facility(name) {
        return Some(number);
    }
    // A number is taken as it goes over the wire: shifted by three.
    name.parse::<usize>().ok().map(|n| n >> 3).filter(|n| *n <= Mask::FACILITIES)
}

impl Mask {
    /// How many facilities there are.
    pub const FACILITIES: usize = 24;
    /// Every message.
    pub const ALL: Mask = Mask([0xff; Mask::FACILITIES]);
    /// No message.
    pub const NONE: Mask = Mask([0; Mask::FACILITIES]);

    /// The messages, by the numbers of their facility and severity, that `passes` picks.
    pub fn of(passes: impl Fn(usize, usize) -> bool) -> Mask {
        let mut mask = Mask::NONE;
        for (facility, bits) in mask.0.iter_mut().enumerate() {
            for severity in (0..8).filter(|severity| passes(facility, *severity)) {
                *bits |= 1 << severity;
            }
        }
        mask
    }

    /// The severities that pass of one facility.
    pub fn severities(&self, facility: usize) -> u8 {
        self.0.get(facility).copied().unwrap_or(0)
    }

    /// What passes both.
    #[must_use]
    pub fn and(self, other: Mask) -> Mask {
        self.with(other, |a, b| a & b)
    }

    /// What passes either.
    #[must_use]
    pub fn or(self, other: Mask) -> Mask {
        self.with(other, |a, b| a | b)
    }

    /// What passes this one alone.
    #[must_use]
    pub fn without(self, other: Mask) -> Mask {
        self.with(other, |a, b| a & !b)
    }

    fn with(mut self, other: Mask, f: fn(u8, u8) -> u8) -> Mask {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        self
    }
}

/// What a selector lets pass; later parts override earlier ones. `None` when it holds a name that
/// rsyslog does not know: it then passes the whole line over.
pub fn mask(selector: &str) -> Option<Mask> {
    let mut mask = Mask::NONE;
    let mut rest = selector;
    while !rest.is_empty() {
        let (facilities, tail) = rest.split_once('.')?;
        let end = tail.find([',', ';']).unwrap_or(tail.len());
        let (severity, tail) = tail.split_at(end);
        rest = tail.trim_start_matches([',', ';']);
        let (negated, severity) = match severity.strip_prefix('!') {
            Some(severity) => (true, severity),
            None => (false, severity),
        };
        let (single, severity) = match severity.strip_prefix('=') {
            Some(severity) => (true, severity),
            None => (false, severity),
        };
        let bits = severity_bits(severity, single)?;
        // A list of facilities ends at a semicolon too; what follows it there is passed over.
        let facilities = facilities.split(';').next().unwrap_or_default();
        for name in facilities.split(',').filter(|n| !n.is_empty()) {
            let chosen = if name.starts_with('*') { None } else { Some(facility(name)?) };
            for (number, have) in mask.0.iter_mut().enumerate() {
                if chosen.is_none_or(|c| c == number) {
                    match (bits, negated) {
                        (Some(bits), false) => *have |= bits,
                        (Some(bits), true) => *have &= !bits,
                        (None, false) => *have = 0,
                        (None, true) => *have = 0xff,
                    }
                }
            }
        }
    }
    Some(mask)
}

/// The severities a word names; the inner `None` for `none`.
fn severity_bits(name: &str, single: bool) -> Option<Option<u8>> {
    if name.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    if name == "*" {
        return Some(Some(0xff));
    }
    let known = SEVERITIES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    let number = match known {
        Some((_, number)) => *number,
        None => name.parse().ok().filter(|n| *n < 8)?,
    };
    Some(Some(if single { 1 << number } else { (0xff >> (7 - number)) as u8 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KERN: usize = 0;
    const MAIL: usize = 2;
    const AUTH: usize = 4;
    const AUTHPRIV: usize = 10;

    #[test]
    fn selectors() {
        let of = |selector: &str, facility| mask(selector).unwrap().severities(facility);
        assert_eq!(of("*.*", KERN), 0xff);
        assert_eq!(of("auth,authpriv.*", AUTHPRIV), 0xff);
        assert_eq!(of("auth,authpriv.*", AUTH), 0xff);
        assert_eq!(of("auth,authpriv.*", KERN), 0);
        assert_eq!(of("*.*;auth,authpriv.none", AUTH), 0);
        assert_eq!(of("*.*;auth,authpriv.none", KERN), 0xff);
        assert_eq!(of("mail.err", MAIL), 0b1111);
        assert_eq!(of("mail.=err", MAIL), 0b1000);
        assert_eq!(of("mail.*;mail.!err", MAIL), 0b1111_0000);
        assert_eq!(of("mail.*;mail.!=err", MAIL), 0b1111_0111);
        assert_eq!(of("MAIL.Info", MAIL), 0b0111_1111);
        assert_eq!(of("*.emerg", AUTHPRIV), 1);
        assert_eq!(of("*.=info;*.=notice;*.=warn;mail.none", KERN), 0b0111_0000);
        assert_eq!(of("*.=info;*.=notice;*.=warn;mail.none", MAIL), 0);
        assert_eq!(of("mail.!none", MAIL), 0xff);
        assert_eq!(of("mail.3", MAIL), 0b1111);
        assert_eq!(of("security.*", AUTH), 0xff);
        for bad in ["mail", "mail.", "mail.nonsense", "post.*", "mail.8", "mail.*;x.*"] {
            assert_eq!(mask(bad), None, "{bad}");
        }
        assert_eq!(mask(""), Some(Mask::NONE));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            mask(&text);
        }

        #[test]
        fn nothing_panics_on_familiar_pieces(text in "[a-z0-9*.,;!= ]{0,24}") {
            mask(&text);
        }
    }
}
