//! A number that a profile spells in octal: a file mode or a umask.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// Permission bits, `0o7777` at most. In a profile a string of three or four octal digits, as
/// `"0640"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Octal(pub u32);

impl fmt::Display for Octal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for Octal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Octal, D::Error> {
        let text = String::deserialize(deserializer)?;
        let good =
            (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if good => Ok(Octal(bits)),
            _ => Err(de::Error::custom(format!("`{text}` is not three or four octal digits"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_or_four_digits() {
        #[derive(Deserialize)]
        struct Row {
            mode: Octal,
        }
        let of = |text: &str| toml::from_str::<Row>(&format!("mode = \"{text}\"")).map(|r| r.mode);
        assert_eq!(of("0640").unwrap(), Octal(0o640));
        assert_eq!(of("027").unwrap(), Octal(0o27));
        assert_eq!(Octal(0o27).to_string(), "0027");
        for bad in ["", "64", "00640", "0648", "+640", "rw-"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
