//! Permission bits as rules and reports write them: four octal digits.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// Permission bits, `0o7777` at most. Written `0640` everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("x-type" = "mode: four octal digits, as \"0640\""))]
pub struct Mode(pub u32);

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
        let text = String::deserialize(deserializer)?;
        let octal = text.len() == 4 && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let bits = octal.then(|| u32::from_str_radix(&text, 8).ok()).flatten();
        bits.map(Mode).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is not a mode; want four octal digits, as \"0640\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::parse_field;

    #[test]
    fn four_octal_digits_and_nothing_else() {
        assert_eq!(parse_field::<Mode>("\"0640\""), Ok(Mode(0o640)));
        assert_eq!(parse_field::<Mode>("\"7777\"").map(|m| m.to_string()), Ok("7777".to_owned()));
        for bad in ["640", "0680", "00640", "+640", "", "rw-r"] {
            let message = parse_field::<Mode>(&format!("\"{bad}\"")).unwrap_err();
            assert!(message.contains(&format!("`{bad}` is not a mode")), "{message}");
        }
        assert!(parse_field::<Mode>("640").is_err());
    }
}
