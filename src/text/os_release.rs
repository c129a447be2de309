//! `os-release`: `KEY=value` lines in shell syntax.

use super::lossless;

/// The value of `key` without its quotes; the last assignment counts. `None` when there is none.
///
/// The file may hold any bytes; those that are not UTF-8 have a stand-in.
pub fn value(text: &[u8], key: &str) -> Option<String> {
    let mut found = None;
    for line in text.split(|b| *b == b'\n') {
        let line = lossless::decode(line);
        if let Some((name, value)) = line.trim().split_once('=')
            && name == key
        {
            found = Some(unquote(value));
        }
    }
    found
}

/// Takes one pair of quotes away; in double quotes a backslash shields the next character.
fn unquote(value: &str) -> String {
    for quote in ['"', '\''] {
        let inner = value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote));
        let Some(inner) = inner else { continue };
        if quote == '\'' {
            return inner.to_owned();
        }
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            out.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        return out;
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_a_shell_reads_them() {
        let text = b"NAME=\"Ubuntu \\\"x\\\"\"\n# ID=commented\nID=debian\nID_LIKE=debian\n\
            ID='ubuntu'\r\nBAD=\xff\nEMPTY=\n\"\nHALF=\"\nVERSION_ID=\"18.04\"";
        let get = |key| value(text, key);
        assert_eq!(get("ID").as_deref(), Some("ubuntu"));
        assert_eq!(get("NAME").as_deref(), Some("Ubuntu \"x\""));
        assert_eq!(get("VERSION_ID").as_deref(), Some("18.04"));
        assert_eq!(get("EMPTY").as_deref(), Some(""));
        assert_eq!(get("HALF").as_deref(), Some("\""));
        assert_eq!(get("BAD").as_deref(), Some("\u{10ffff}"));
        assert_eq!(get("LIKE"), None);
    }
}
