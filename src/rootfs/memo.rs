//! Cached results about one state of an image, shared by rules that need the same one.
//!
//! A result records what it was derived from: every path that was looked at (found or missing), and
//! every directory that was listed. A stage that changes a path drops the results that looked at it,
//! and no others. Nobody keeps a list of what depends on what.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use super::{ImagePath, Location};
use crate::error::{Error, Result};

/// So many paths are remembered with where they lead: what is asked for again and again comes first, and
/// a tree may have a hundred thousand homes.
const MOST_PLACES: usize = 20_000;

/// Answers that hold as long as what they looked at stays as it is.
#[derive(Default)]
pub struct Memo {
    /// Where paths lead: last links not followed, and followed.
    /// `None`: to itself, and nothing is there, as with most paths that are looked for in homes.
    places: [RefCell<HashMap<ImagePath, Option<Box<Location>>>>; 2],
    /// One answer of each type, and of what else it was derived from.
    derived: RefCell<HashMap<Key, Answer>>,
    /// What the answers that are being derived have looked at so far, the innermost last.
    looking: RefCell<Vec<Looked>>,
    /// For tests: nothing is remembered.
    off: Cell<bool>,
}

type Key = (TypeId, String);

/// What came of deriving a value, and what it rests on.
#[derive(Clone)]
struct Answer {
    value: Result<Rc<dyn Any>, Rc<Error>>,
    looked: Rc<Looked>,
}

/// What was looked at, by paths without links.
#[derive(Default)]
struct Looked {
    at: HashSet<ImagePath>,
    listed: HashSet<ImagePath>,
    /// Directories whose way was looked at, step by step, and where it leads.
    ways: HashMap<ImagePath, ImagePath>,
    /// Other answers that this one rests on.
    answers: Vec<Rc<Looked>>,
}

impl Looked {
    /// Whether another state of `path` could give another answer.
    fn saw(&self, path: &ImagePath, parent: Option<&ImagePath>) -> bool {
        self.at.contains(path)
            || parent.is_some_and(|dir| self.listed.contains(dir))
            || self.answers.iter().any(|answer| answer.saw(path, parent))
    }
}

impl Memo {
    /// The one value of type `T` that is derived from the image: the one known, or else what
    /// `derive` says. A failure is remembered where it follows from what the image holds, so that
    /// a file that does not parse is parsed once; one of the kernel is not.
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
        if self.off.get() {
            return derive().map(Rc::new);
        }
        let key = (TypeId::of::<T>(), with);
        let known = self.derived.borrow().get(&key).cloned();
        if let Some(Answer { value, looked }) = known {
            let value = match value {
                Ok(any) => any.downcast::<T>().ok().map(Ok),
                Err(error) => error.again().map(Err),
            };
            if let Some(value) = value {
                self.rests_on(looked);
                return value;
            }
        }
        self.looking.borrow_mut().push(Looked::default());
        // Not borrowed meanwhile: what is derived may rest upon something else that is.
        let value = derive().map(Rc::new);
        let mut looked = self.looking.borrow_mut().pop().unwrap_or_default();
        looked.ways = HashMap::new();
        let looked = Rc::new(looked);
        self.rests_on(Rc::clone(&looked));
        let answer = match &value {
            Ok(value) => Some(Ok(Rc::<T>::clone(value) as Rc<dyn Any>)),
            Err(error) => error.again().map(|error| Err(Rc::new(error))),
        };
        if let Some(answer) = answer {
            self.derived.borrow_mut().insert(key, Answer { value: answer, looked });
        }
        value
    }

    /// What is being derived rests on another answer.
    fn rests_on(&self, looked: Rc<Looked>) {
        if let Some(inner) = self.looking.borrow_mut().last_mut() {
            inner.answers.push(looked);
        }
    }

    /// Records that a path without links was looked at: its kind, mode, owner, or what it holds.
    pub(super) fn look(&self, path: &ImagePath) {
        if let Some(inner) = self.looking.borrow_mut().last_mut()
            && !inner.at.contains(path)
        {
            inner.at.insert(path.clone());
        }
    }

    /// Where a directory leads, if what is being derived has looked at every step of the way.
    pub(super) fn known_way(&self, dir: &ImagePath) -> Option<ImagePath> {
        self.looking.borrow().last()?.ways.get(dir).cloned()
    }

    /// Records that every step of the way to a directory was looked at.
    pub(super) fn keep_way(&self, dir: &ImagePath, leads: &ImagePath) {
        if let Some(inner) = self.looking.borrow_mut().last_mut() {
            inner.ways.insert(dir.clone(), leads.clone());
        }
    }

    /// Records that the names in a directory, by its path without links, were listed.
    pub(super) fn list(&self, dir: &ImagePath) {
        if let Some(inner) = self.looking.borrow_mut().last_mut() {
            inner.listed.insert(dir.clone());
        }
    }

    /// The place found before, or the one that `locate` finds.
    pub(super) fn place(
        &self,
        path: &ImagePath,
        follow_last: bool,
        locate: impl FnOnce() -> Result<Location>,
    ) -> Result<Location> {
        let places = &self.places[usize::from(follow_last)];
        // Whatever is being derived must see every step of the way, to record it.
        if self.looking.borrow().is_empty()
            && let Some(known) = places.borrow().get(path)
        {
            return Ok(known.as_deref().cloned().unwrap_or_else(|| nothing_at(path)));
        }
        let at = locate()?;
        if !self.off.get() {
            let mut places = places.borrow_mut();
            if places.len() < MOST_PLACES {
                let known = (at != nothing_at(path)).then(|| Box::new(at.clone()));
                places.insert(path.clone(), known);
            }
        }
        Ok(at)
    }

    /// For when one path, without links, is another than before. `leads_elsewhere`: it came, went,
    /// or is another kind of thing, so that paths through it may lead elsewhere.
    pub(super) fn changed(&mut self, path: &ImagePath, leads_elsewhere: bool) {
        let parent = path.parent().filter(|_| leads_elsewhere);
        let saw = |answer: &Answer| answer.looked.saw(path, parent.as_ref());
        self.derived.get_mut().retain(|_, answer| !saw(answer));
        if leads_elsewhere {
            self.places.iter_mut().for_each(|places| places.get_mut().clear());
        }
    }

    /// For when anything may be another than before.
    pub(super) fn forget(&mut self) {
        *self = Memo { off: Cell::new(self.off.get()), ..Memo::default() };
    }

    /// The memo of a stage on this image: what is known holds there until it is changed.
    pub(super) fn for_stage(&self) -> Memo {
        Memo { derived: self.derived.clone(), off: Cell::new(self.off.get()), ..Memo::default() }
    }

    /// A memo of another image, which remembers nothing where this one remembers nothing.
    pub(super) fn empty(&self) -> Memo {
        Memo { off: Cell::new(self.off.get()), ..Memo::default() }
    }

    /// Whether something is being derived, so that what is looked at must be recorded.
    pub(super) fn records(&self) -> bool {
        !self.looking.borrow().is_empty()
    }

    /// Remembers nothing from now on: plans must be the same without memory.
    #[cfg(feature = "internals")]
    pub(super) fn off(&self) {
        self.off.set(true);
    }
}

fn nothing_at(path: &ImagePath) -> Location {
    Location { path: path.clone(), stat: None }
}

/// The same answers, as long as nothing is being derived.
impl Clone for Memo {
    fn clone(&self) -> Memo {
        Memo {
            places: self.places.clone(),
            derived: self.derived.clone(),
            looking: RefCell::default(),
            off: self.off.clone(),
        }
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
    use crate::message::Message;

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
        assert_eq!(
            looks(|| Error::CannotTell { path: path(), why: Message::value("no shell") }),
            1
        );
        assert_eq!(looks(|| Error::TooLarge { path: path(), size: 9, limit: 8 }), 1);
        // The next attempt may be luckier.
        assert_eq!(
            looks(|| Error::target(crate::error::cannot::read, &path(), ErrorKind::Interrupted)),
            3
        );
    }

    #[test]
    fn another_state_is_looked_at_again() {
        let mut memo = Memo::default();
        let failure = Error::CannotTell { path: ImagePath::root(), why: Message::value("no") };
        assert!(memo.derived::<Parsed>(|| Err(failure)).is_err());
        memo.forget();
        assert!(memo.derived(|| Ok(Parsed)).is_ok());
    }
}
