//! `passwd`, `shadow`, `group`, `gshadow`.

use gokaku::rootfs::AccountDb;
use gokaku::text::accounts::{Edits, Layout, days, members, number, parse};

use super::support::{chosen_bytes, one_of};

const LAYOUTS: [Layout; 4] = [Layout::Passwd, Layout::Shadow, Layout::Group, Layout::Gshadow];

/// One field changes and nothing else; what is added is found.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen_bytes(data);
    let (layout, pick) = one_of(pick, &LAYOUTS);
    assert_eq!(Edits::new().apply(text), text);
    AccountDb::parse(text, text);
    number(text);
    days(text);
    members(text).for_each(|name| assert!(!name.is_empty()));
    let table = parse(text, layout);
    for fault in &table.faults {
        let _ = format!("{:?}", fault.what);
    }

    let mut add = Edits::new();
    let mut fields = vec![&b"7"[..]; layout.fields()];
    fields[0] = b"zz-added";
    add.add(&fields);
    let new = add.apply(text);
    let names = |text| -> Vec<Vec<u8>> {
        parse(text, layout).entries.iter().map(|e| e.name().to_vec()).collect()
    };
    let mut after = names(&new);
    let place = after.iter().position(|n| n == b"zz-added");
    if !text.windows(8).any(|w| w == b"zz-added") {
        after.remove(place.expect("what was added is there"));
        assert_eq!(after, names(text));
    }

    if table.entries.is_empty() {
        return;
    }
    let entry = table.entries[pick % table.entries.len()];
    let index = 1 + pick / table.entries.len() % (layout.fields() - 1);
    let mut edits = Edits::new();
    edits.set(entry.line, index, *b"42");
    let new = edits.apply(text);
    assert_eq!(edits.apply(&new), new, "twice is once");
    let old: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let got: Vec<&[u8]> = new.split(|b| *b == b'\n').collect();
    assert_eq!(old.len(), got.len());
    for (i, (old, got)) in old.iter().zip(&got).enumerate() {
        if i + 1 != entry.line {
            assert_eq!(old, got);
            continue;
        }
        let fields: Vec<&[u8]> = got.split(|b| *b == b':').collect();
        assert_eq!(fields.len(), layout.fields());
        for (field, got) in fields.into_iter().enumerate() {
            let want = if field == index { b"42" } else { entry.field(field) };
            assert_eq!(got, want);
        }
    }
}
