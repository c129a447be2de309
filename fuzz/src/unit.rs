//! systemd's unit files.

use gokaku::text::unit::{Unit, escape_path, set};
use gokaku::text::unit_install::{Install, is_unit_name, template_of};

use super::support::{chosen, kept, one_of};

/// What is set is the last value; every other assignment stays as it is.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let ((section, key), _) = one_of(pick, &[("Mount", "Options"), ("Service", "ExecStart")]);
    Install::read(&Unit::parse(&text).assignments);
    if is_unit_name(&text) {
        template_of(&text);
    }
    assert!(escape_path(data).bytes().all(|b| b.is_ascii_graphic()));

    let once = set(&text, section, key, "nodev,nosuid");
    let (before, after) = (Unit::parse(&text), Unit::parse(&once));
    let last = after.last(section, key).map(|a| a.value.as_str());
    assert_eq!(last, Some("nodev,nosuid"), "{once:?}");
    assert_eq!(set(&once, section, key, "nodev,nosuid"), once, "twice is once");
    let others = |unit: &Unit| -> Vec<(String, String, String)> {
        let is = |a: &gokaku::text::unit::Assignment| &*a.section == section && a.key == key;
        let skip = unit.assignments.iter().rposition(is);
        let rest = unit.assignments.iter().enumerate().filter(|(i, _)| Some(*i) != skip);
        rest.map(|(_, a)| (a.section.to_string(), a.key.clone(), a.value.clone())).collect()
    };
    assert_eq!(others(&before), others(&after), "{text:?}\n{once:?}");
    after.words(section, key);
    if !text.contains('\\') {
        kept(&text, &once, |line| !line.contains(key));
    }
}
