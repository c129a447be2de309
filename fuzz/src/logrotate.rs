//! logrotate's configuration.

use gokaku::text::logrotate::{Item, parse};

/// What stands at the end is read whatever stands before it, once a stanza that does not end is ended.
pub fn run(data: &[u8]) {
    let text = gokaku::text::lossless::decode(data);
    let count = text.split('\n').count();
    match parse(&text) {
        Ok(items) => {
            assert!(items.iter().all(|i| (1..=count).contains(&i.line())));
            // Outside of a stanza, a brace that ends one is an error.
            let end = if parse(&format!("{text}\n}}\n")).is_ok() { "}\n" } else { "" };
            let more = parse(&format!("{text}\n{end}/var/log/zz {{\n\tdaily\n}}\n"));
            let Ok(mut more) = more else { panic!("{text:?}: {more:?}") };
            let Some(Item::Stanza(last)) = more.pop() else { panic!("{text:?}") };
            assert_eq!(last.patterns, ["/var/log/zz"]);
            assert_eq!(last.directives.len(), 1);
            assert_eq!(more, items);
        }
        Err(bad) => assert!((1..=count).contains(&bad.line), "{bad:?}"),
    }
}
