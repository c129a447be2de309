//! Cached results about one state of an image, shared by rules that need the same one.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use super::{ImagePath, Location};
use crate::error::Result;

/// Answers that hold as long as an image stays as it is.
#[derive(Clone, Default)]
pub struct Memo {
    /// Where paths lead: last links not followed, and followed.
    places: [RefCell<HashMap<ImagePath, Location>>; 2],
    /// One value of each type, and of what else it was derived from.
    derived: RefCell<HashMap<(TypeId, String), Rc<dyn Any>>>,
}

impl Memo {
    /// The one value of type `T` that is derived from the image: the one known, or else what
    /// `derive` says. A failure is not remembered.
    ///
    /// # Errors
    /// Those of `derive`.
    pub fn derived<T: 'static>(&self, derive: impl FnOnce() -> Result<T>) -> Result<Rc<T>> {
        self.derived_for(String::new(), derive)
    }

    /// As [`Memo::derived`], of what is derived from the image and from something else, which
    /// `with` describes.
    ///
    /// # Errors
    /// Those of `derive`.
    pub fn derived_for<T: 'static>(
        &self,
        with: String,
        derive: impl FnOnce() -> Result<T>,
    ) -> Result<Rc<T>> {
        let key = (TypeId::of::<T>(), with);
        let known = self.derived.borrow().get(&key).cloned();
        if let Some(known) = known.and_then(|any| any.downcast::<T>().ok()) {
            return Ok(known);
        }
        // Not borrowed meanwhile: what is derived may rest upon something else that is.
        let value = Rc::new(derive()?);
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
