//! What the library shows to other crates, with its default features: `tests/data/api.txt`. A change
//! there is a change for every user. `BLESS=1 cargo test --test api` writes it anew.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod sources;

use std::path::Path;

use sources::Sources;

#[test]
fn what_is_public_is_meant_to_be() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Sources::read(&root.join("src/lib.rs")).public().join("\n") + "\n";
    let path = root.join("tests/data/api.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &listed).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let missing: Vec<&str> = known.lines().filter(|l| !listed.lines().any(|k| k == *l)).collect();
    let new: Vec<&str> = listed.lines().filter(|l| !known.lines().any(|k| k == *l)).collect();
    assert!(
        known == listed,
        "the public API is another one (BLESS=1 if that is meant)\ngone: {missing:#?}\nnew: {new:#?}"
    );
}

#[test]
fn the_list_sees_what_another_crate_sees() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write(
        "lib.rs",
        r#"
        mod inner;
        #[cfg(feature = "internals")]
        pub mod secret { pub struct Hidden; }
        pub mod open;
        pub use inner::deep::{Shown, free as freed};
        "#,
    );
    write(
        "inner.rs",
        r#"
        pub mod deep {
            #[derive(Clone)]
            pub struct Shown { pub field: u8, other: u8 }
            impl Shown { pub fn new() -> Shown { todo!() } fn not(&self) {} #[doc(hidden)] pub fn no(&self) {} }
            impl std::fmt::Display for Shown {}
            pub fn free(at: &str) -> Option<u8> { None }
            pub struct NotShown;
        }
        impl deep::Shown { #[cfg(feature = "internals")] pub fn inside(&self) {} pub fn elsewhere(self) {} }
        "#,
    );
    write(
        "open.rs",
        r#"
        pub trait Reads { fn read(&self) -> u8; #[doc(hidden)] fn hidden(&self) { } }
        pub(crate) enum Inner { A }
        #[non_exhaustive]
        pub enum Kind { One, Two(u8), Three { at: u8 } }
        pub const MANY: usize = 3;
        "#,
    );
    let listed = Sources::read(&dir.path().join("lib.rs")).public();
    let want = [
        "crate::Shown: Clone",
        "crate::Shown: std::fmt::Display",
        "crate::open::Kind::One",
        "crate::open::Kind::Three { at: u8 }",
        "crate::open::Kind::Two(u8)",
        "pub const crate::open::MANY: usize",
        "pub field crate::Shown::field: u8",
        "pub fn crate::Shown::elsewhere(self)",
        "pub fn crate::Shown::new() -> Shown",
        "pub fn crate::freed(at: &str) -> Option<u8>",
        "pub fn crate::open::Reads::read(&self) -> u8",
        "pub mod crate::open",
        "pub non_exhaustive enum crate::open::Kind",
        "pub struct crate::Shown",
        "pub trait crate::open::Reads",
    ];
    assert_eq!(listed, want);
}
