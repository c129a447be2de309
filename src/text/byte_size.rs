//! Sizes as systemd's configuration has them: `1G`, `512M`, `1G 512M`, `1.5K`, in powers of 1024.

/// The suffixes, the largest first: a size of several parts has them in this order, each once.
const UNITS: [(char, u64); 7] = [
    ('E', 1 << 60),
    ('P', 1 << 50),
    ('T', 1 << 40),
    ('G', 1 << 30),
    ('M', 1 << 20),
    ('K', 1 << 10),
    ('B', 1),
];

/// The bytes of a size; `None` for what systemd does not take.
pub fn systemd(text: &str) -> Option<u64> {
    let (mut rest, mut units, mut sum) = (text, &UNITS[..], 0u64);
    loop {
        rest = rest.trim_start_matches(BLANK);
        let whole: u64 = digits(&mut rest).parse().ok()?;
        let mut fraction = 0.0;
        if let Some(behind) = rest.strip_prefix('.') {
            rest = behind;
            let tenths = digits(&mut rest);
            if !tenths.is_empty() {
                fraction = format!("0.{tenths}").parse().ok()?;
            }
        }
        rest = rest.trim_start_matches(BLANK);
        let (factor, left) = match units.iter().position(|(unit, _)| rest.starts_with(*unit)) {
            Some(at) => {
                rest = &rest[1..];
                (units[at].1, &units[at + 1..])
            }
            // Without a suffix it is bytes, and the last part; after bytes nothing can follow.
            None if rest.is_empty() && !units.is_empty() => (1, &units[..0]),
            None => return None,
        };
        units = left;
        let part = whole.checked_mul(factor)?.checked_add(part_of(factor, fraction))?;
        sum = sum.checked_add(part).filter(|sum| i64::try_from(*sum).is_ok())?;
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// Takes the digits at the beginning.
fn digits<'t>(rest: &mut &'t str) -> &'t str {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    *rest = behind;
    digits
}

/// So many bytes of a unit, rounded down.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn part_of(factor: u64, fraction: f64) -> u64 {
    (fraction * factor as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::systemd;

    #[test]
    fn sizes_are_read_as_systemd_reads_them() {
        for (text, want) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("1G", Some(1 << 30)),
            ("1024M", Some(1 << 30)),
            (" 1 G", Some(1 << 30)),
            ("1K 1", Some(1025)),
            ("1G 512M", Some((1 << 30) + (512 << 20))),
            ("1G512M", Some((1 << 30) + (512 << 20))),
            ("1.5K", Some(1536)),
            ("1.K", Some(1024)),
            ("7E", Some(7 << 60)),
            ("10B", Some(10)),
            ("", None),
            ("G", None),
            ("1g", None),
            ("1GB", None),
            ("1GiB", None),
            ("-1", None),
            ("+1", None),
            ("1M 1G", None),
            ("1G 1G", None),
            ("1 1", None),
            ("infinity", None),
            ("10%", None),
            ("8E", None),
            ("99999999999999999999", None),
            ("1G\u{a0}", None),
        ] {
            assert_eq!(systemd(text), want, "{text:?}");
        }
    }
}
