//! dpkg's status file and versions, and apt's sources.

use std::cmp::Ordering;

use gokaku::text::apt_sources::{AptSource, one_line, stanzas as source_stanzas};
use gokaku::text::deb_version::compare;
use gokaku::text::dpkg::stanzas;
use gokaku::text::os_release;

/// A stanza is read whatever stands before it; versions have one order; no password is shown.
pub fn run(data: &[u8]) {
    let before: Vec<_> = stanzas(data).collect();
    for stanza in before.iter().flatten() {
        assert!(!stanza.name.is_empty() && stanza.line > 0);
        stanza.conffiles().for_each(|file| assert!(!file.is_empty()));
    }
    let more = [data, b"\n\nPackage: zz\nStatus: install ok installed\n"].concat();
    let mut after: Vec<_> = stanzas(&more).collect();
    let last = after.pop().expect("one more").expect("a good one");
    assert_eq!((last.name, last.state.is_installed()), (&b"zz"[..], true));
    assert_eq!(after.len(), before.len());

    let mut versions = data.split(|b| *b == b'\n');
    let [a, b, c] = [(); 3].map(|()| versions.next().unwrap_or_default());
    assert_eq!(compare(a, a), Ordering::Equal);
    assert_eq!(compare(a, b), compare(b, a).reverse());
    if compare(a, b) != Ordering::Greater && compare(b, c) != Ordering::Greater {
        assert_ne!(compare(a, c), Ordering::Greater, "an order has no circles");
    }

    os_release::value(data, "ID");
    let text = String::from_utf8_lossy(data);
    one_line(&text).iter().chain(&source_stanzas(&text)).for_each(no_password);
}

fn no_password(source: &AptSource) {
    let Some((_, rest)) = source.uri.split_once("://") else { return };
    let authority = rest.split('/').next().unwrap_or_default();
    if let Some((who, _)) = authority.rsplit_once('@') {
        assert_eq!(who, "***", "{source:?}");
    }
}
