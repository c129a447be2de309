//! Cached results about one state of an image, shared by rules that need the same one.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use super::{ImagePath, Location};
use crate::error::{Error, Result};

/// Answers that hold as long as an image stays as it is.
#[derive(Clone, Default)]
pub struct Memo {
    /// Where paths lead: last links not followed, and followed.
    places: [RefCell<HashMap<ImagePath, Location>>; 2],
    /// One value of each type.
    derived: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    /// Why there is no value of a type.
    failed: RefCell<HashMap<TypeId, Rc<Error>>>,
}

impl Memo {
    /// The one value of type `T` that is derived from the image: the one known, or else what
    /// `derive` says. A failure is remembered where it follows from what the image holds, so that
    /// a file that does not parse is parsed once; one of the kernel is not.
    ///
    /// # Errors
    /// Those of `derive`.
    pub fn derived<T: 'static>(&self, derive: impl FnOnce() -> Result<T>) -> Result<Rc<T>> {
        let key = TypeId::of::<T>();
        let known = self.derived.borrow().get(&key).cloned();
        if let Some(known) = known.and_then(|any| any.downcast::<T>().ok()) {
            return Ok(known);
        }
        let failed = self.failed.borrow().get(&key).cloned();
        if let Some(error) = failed.and_then(|error| error.again()) {
            return Err(error);
        }
        // Not borrowed meanwhile: what is derived may rest upon something else that is.
        let value = derive().inspect_err(|error| {
            if let Some(error) = error.again() {
                self.failed.borrow_mut().insert(key, Rc::new(error));
            }
        })?;
        let value = Rc::new(value);
        self.derived.borrow_mut().insert(key, Rc::<T>::clone(&value));
        Ok(value)
    }

    /// The place found before, or the one that `locate` finds.
    pub(super) fn place(
        &self,
        path: &ImagePath,
        follow_last: bool,
        locate: impl FnOnce() -> Result<Location>,
    ) -> Result<Location> {
        let places = &self.places[usize::from(follow_last)];
        if let Some(known) = places.borrow().get(path) {
            return Ok(known.clone());
        }
        let at = locate()?;
        places.borrow_mut().insert(path.clone(), at.clone());
        Ok(at)
    }

    /// For when the image, or what is asked of it, has changed.
    pub(super) fn forget(&mut self) {
        *self = Memo::default();
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::ErrorKind;

    use super::*;

    struct Parsed;

    /// How often three questions about one state look at the image.
    fn looks(failure: impl Fn() -> Error) -> usize {
        let (memo, looks) = (Memo::default(), Cell::new(0));
        for _ in 0..3 {
            let parsed = memo.derived(|| -> Result<Parsed> {
                looks.set(looks.get() + 1);
                Err(failure())
            });
            assert_eq!(parsed.err().map(|e| e.to_string()), Some(failure().to_string()));
        }
        looks.get()
    }

    #[test]
    fn what_does_not_parse_is_parsed_once() {
        let path = ImagePath::root;
        let found = "x".repeat(1_000);
        let syntax = || Error::Syntax { path: path(), line: 3, found: found.clone(), want: "y" };
        assert_eq!(looks(syntax), 1);
        assert_eq!(looks(|| Error::NotUtf8 { path: path(), line: None, found: "\\xE9".into() }), 1);
        assert_eq!(looks(|| Error::CannotTell { path: path(), why: "no shell".into() }), 1);
        assert_eq!(looks(|| Error::TooLarge { path: path(), size: 9, limit: 8 }), 1);
        // The next attempt may be luckier.
        assert_eq!(looks(|| Error::target("read", &path(), ErrorKind::Interrupted)), 3);
    }

    #[test]
    fn another_state_is_looked_at_again() {
        let mut memo = Memo::default();
        let failure = Error::CannotTell { path: ImagePath::root(), why: "no".into() };
        assert!(memo.derived::<Parsed>(|| Err(failure)).is_err());
        memo.forget();
        assert!(memo.derived(|| Ok(Parsed)).is_ok());
    }
}
