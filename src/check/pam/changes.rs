//! Whether users can change their passwords: not a rule's question, but that of whoever has to know
//! what a plan ends.

use super::account::Said;
use super::messages;
use super::pam_stack::{COMMON_PASSWORD, Stack};
use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::pam::Rule;
use crate::text::pwquality::{Edition, read};

/// The modules that look new passwords up in a list of words, and refuse all without one.
const VETTING: [&str; 2] = ["pam_pwquality.so", "pam_cracklib.so"];
/// One of the files of cracklib's word list, where Debian and Ubuntu make it.
pub(super) const WORDS: &str = "/var/cache/cracklib/cracklib_dict.pwd";
pub(super) const CONF: &str = "/etc/security/pwquality.conf";

/// What refuses every new password of an ordinary user; `None` where nothing does.
///
/// # Errors
/// A file that decides it cannot be read.
pub(crate) fn refused_changes(root: &dyn Rootfs) -> Result<Option<Said>> {
    let path = ImagePath::parse(COMMON_PASSWORD)?;
    let stack = match Stack::read(root, "password", &path) {
        Err(Error::Syntax { .. } | Error::CannotTell { .. }) | Ok(None) => return Ok(None),
        Err(e) => return Err(e),
        Ok(Some(stack)) => stack,
    };
    let reached = stack.reachable(|_| false);
    let is_reached = |index: &usize| reached.get(*index) == Some(&true);
    let vetting = VETTING.iter().flat_map(|name| stack.named(name)).find(is_reached);
    let Some(index) = vetting else { return Ok(None) };
    let Some(rule) = stack.modules.get(index).map(|module| &module.rule) else { return Ok(None) };
    let said = |list| Said { says: messages::refuses_without_words(), path: list, line: 0 };
    Ok(missing_words(root, Some(rule))?.map(said))
}

/// The list of words that a vetting module looks passwords up in, where it is not there; `None` too
/// where nothing is looked up. `rule` is the module's line, as far as there is one.
///
/// # Errors
/// A file that decides it cannot be read.
pub(super) fn missing_words(root: &dyn Rootfs, rule: Option<&Rule>) -> Result<Option<ImagePath>> {
    let text = root.read(&ImagePath::parse(CONF)?)?.unwrap_or_default();
    let argument = |name: &str| Some(rule?.value(name)?.1);
    let in_file = || read(&text, Edition::New).last("dictcheck").map(|setting| setting.value);
    let looked_up = argument("dictcheck").map(|value| value.parse().unwrap_or(1));
    if looked_up.or_else(in_file) == Some(0) {
        return Ok(None);
    }
    let list = match argument("dictpath").or_else(|| dictpath(&text)) {
        Some(path) => format!("{path}.pwd"),
        None => WORDS.to_owned(),
    };
    let list = ImagePath::parse(&list)?;
    Ok(root.locate(&list)?.stat.is_none().then_some(list))
}

/// The last path that the file names.
fn dictpath(text: &str) -> Option<&str> {
    let said = |line: &'_ str| -> Option<std::ops::Range<usize>> {
        let line = line.split('#').next()?;
        let rest = line.trim_start().strip_prefix("dictpath")?;
        let value = rest.trim_start().trim_start_matches('=').trim();
        let at = line.find(value).filter(|_| !value.is_empty())?;
        Some(at..at + value.len())
    };
    text.lines().rev().find_map(|line| line.get(said(line)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn without_a_word_list_the_module_refuses_everything() {
        let wired = "password requisite pam_pwquality.so retry=3\npassword required pam_unix.so\n";
        let of = |stack: &str, conf: &str| {
            MemoryRootfs::new().file(COMMON_PASSWORD, stack).file(CONF, conf)
        };
        let is = |root: &MemoryRootfs| refused_changes(root).unwrap().is_some();
        assert!(is(&of(wired, "")));
        assert!(!is(&of(wired, "").file(WORDS, "x")));
        assert!(!is(&of(wired, "dictcheck = 0\n")));
        assert!(is(&of(wired, "dictcheck = 0\ndictcheck = 1\n")));
        assert!(!is(&of(&wired.replace("retry=3", "dictcheck=0"), "")));
        assert!(!is(&of(wired, "dictpath = /d\n").file("/d.pwd", "x")));
        assert!(!is(&of("password required pam_unix.so\n", "")));
        assert!(!is(&MemoryRootfs::new()));
    }
}
