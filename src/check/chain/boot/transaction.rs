//! systemd's first transaction: what the default target makes start, and which of it conflicts.

use std::collections::{BTreeMap, BTreeSet};

use super::load::{Asks, Dependency, Load, Loader};
use crate::check::chain::{Place, messages};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::ImagePath;

/// Units that require each other, this deep, are no tree that somebody boots.
const DEEPEST: usize = 256;

/// Why a job is there: the job that asks, and how.
#[derive(Debug, Clone)]
struct Link {
    /// The unit whose start asks; `None` for the default target.
    by: Option<String>,
    /// Whether that unit fails without.
    matters: bool,
    at: Option<Place>,
}

type Jobs = BTreeMap<String, Vec<Link>>;

/// Why something does not start.
#[derive(Debug, Clone)]
pub(in crate::check) struct Cause {
    /// The file or line that decides.
    pub at: Place,
    /// In words.
    pub why: Message,
}

/// What comes of it.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Units that start, and what asks for each first.
    pub started: BTreeMap<String, Option<Place>>,
    /// Units whose start another one takes away.
    pub lost: BTreeMap<String, Cause>,
    /// Why nothing starts at all, or only what rescues.
    pub failed: Option<Cause>,
}

struct Builder<'a, 'l> {
    loader: &'a Loader<'l>,
    starts: Jobs,
    stops: Jobs,
}

/// The transaction of the default target.
///
/// # Errors
/// A file that cannot be read; more units, or more that require each other, than a tree has.
pub(super) fn boot(loader: &Loader<'_>) -> Result<Transaction> {
    let mut failed = None;
    for target in ["default.target", "rescue.target"] {
        let unit = loader.load(target)?;
        // A unit of another type under this name is refused when it is loaded.
        if let Some(cause) = not_loaded(&unit.load, target)? {
            failed.get_or_insert(cause);
            continue;
        }
        let mut transaction = of(loader, target)?;
        // What rescues is not the boot that was asked for.
        transaction.failed = failed.or(transaction.failed);
        return Ok(transaction);
    }
    Ok(Transaction { failed, ..Transaction::default() })
}

/// What starts besides once the system runs, when `name` is started; `runs` says what does already.
pub(super) fn later(
    loader: &Loader<'_>,
    name: &str,
    runs: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Option<Place>>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![(loader.load(name)?, None)];
    while let Some((unit, at)) = todo.pop() {
        let ready = matches!(unit.load, Load::Ready);
        if !ready || runs(&unit.id) || found.contains_key(&unit.id) {
            continue;
        }
        found.insert(unit.id.clone(), at);
        for asked in unit.asks.iter().filter(|asked| asked.asks != Asks::Conflicts) {
            todo.push((loader.load_asked(asked)?, asked.at.clone()));
        }
    }
    Ok(found)
}

/// The transaction that starts one unit.
fn of(loader: &Loader<'_>, anchor: &str) -> Result<Transaction> {
    let mut builder = Builder { loader, starts: Jobs::new(), stops: Jobs::new() };
    let first = Link { by: None, matters: true, at: None };
    if let Some(cause) = builder.start(anchor, None, first, 0)? {
        return Ok(Transaction { failed: Some(cause), ..Transaction::default() });
    }
    let anchor = loader.load(anchor)?.id.clone();
    Ok(builder.settle(&anchor))
}

fn not_loaded(load: &Load, name: &str) -> Result<Option<Cause>> {
    Ok(match load {
        Load::Ready => None,
        Load::Missing => {
            let at = ImagePath::parse(super::super::units::ETC)?.join(name)?;
            Some(Cause { at: Place::file(&at), why: messages::no_unit(name) })
        }
        Load::Masked(path) => {
            Some(Cause { at: Place::file(path), why: messages::unit_is_masked(name) })
        }
        Load::Refused(at, why) => {
            let why = messages::unit_is_refused(name, why.clone());
            Some(Cause { at: at.clone(), why })
        }
    })
}

impl Builder<'_, '_> {
    /// Adds the start of a unit and of all that it asks for. What is added stays where something
    /// that is required cannot be loaded.
    fn start(
        &mut self,
        name: &str,
        asked: Option<&Dependency>,
        link: Link,
        depth: usize,
    ) -> Result<Option<Cause>> {
        let unit = match asked {
            Some(asked) => self.loader.load_asked(asked)?,
            None => self.loader.load(name)?,
        };
        if let Some(cause) = not_loaded(&unit.load, name)? {
            return Ok(Some(cause));
        }
        let known = self.starts.entry(unit.id.clone()).or_default();
        known.push(link);
        if known.len() > 1 {
            return Ok(None);
        }
        if depth >= DEEPEST {
            let path = unit.file().cloned().unwrap_or_else(ImagePath::root);
            let why = messages::too_deep(DEEPEST);
            return Err(Error::CannotTell { path, why });
        }
        for kind in [Asks::Requires, Asks::Wants, Asks::Conflicts] {
            for asked in unit.asks.iter().filter(|asked| asked.asks == kind) {
                let link = Link {
                    by: Some(unit.id.clone()),
                    matters: kind != Asks::Wants,
                    at: asked.at.clone(),
                };
                if kind == Asks::Conflicts {
                    let other = self.loader.load_asked(asked)?;
                    self.stops.entry(other.id.clone()).or_default().push(link);
                } else if let Some(cause) = self.start(&asked.of, Some(asked), link, depth + 1)?
                    && kind == Asks::Requires
                {
                    return Ok(Some(cause));
                }
            }
        }
        Ok(None)
    }

    /// Of a start and a stop of one unit, one goes.
    fn settle(mut self, anchor: &str) -> Transaction {
        let mattering = self.mattering(anchor);
        // Starting a unit also stops those that conflict with it; such a stop gives way.
        let both: Vec<String> =
            self.stops.keys().filter(|id| self.starts.contains_key(*id)).cloned().collect();
        let mut lost = BTreeMap::new();
        for id in both {
            let Some(links) = self.stops.get(&id) else { continue };
            let by = |link: &&Link| link.by.as_ref().is_some_and(|b| self.starts.contains_key(b));
            let Some(stop) = links.iter().find(by).cloned() else { continue };
            let stop_matters = links
                .iter()
                .filter(by)
                .any(|l| l.by.as_ref().is_some_and(|b| mattering.contains(b)));
            if mattering.contains(&id) {
                if stop_matters {
                    let at = stop.at.unwrap_or_else(Place::nowhere);
                    let why = messages::conflicts_with(stop.by.unwrap_or_default(), id);
                    let failed = Some(Cause { at, why });
                    return Transaction { failed, ..Transaction::default() };
                }
                continue;
            }
            self.lose(&id, &stop, &mut lost);
        }
        let started = self.starts.into_iter().map(|(id, links)| {
            let at = links.into_iter().find_map(|link| link.at);
            (id, at)
        });
        Transaction { started: started.collect(), lost, failed: None }
    }

    /// Takes a start away, and those of the units that require it.
    fn lose(&mut self, id: &str, stop: &Link, lost: &mut BTreeMap<String, Cause>) {
        let mut todo = vec![id.to_owned()];
        while let Some(id) = todo.pop() {
            let Some(links) = self.starts.remove(&id) else { continue };
            todo.extend(links.into_iter().filter(|l| l.matters).filter_map(|l| l.by));
            let by = stop.by.clone().unwrap_or_default();
            let why = messages::conflicts_with(by, &id);
            let at = stop.at.clone().unwrap_or_else(Place::nowhere);
            lost.insert(id, Cause { at, why });
        }
    }

    /// The units without which the default target fails.
    fn mattering(&self, anchor: &str) -> BTreeSet<String> {
        let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, links) in &self.starts {
            for by in links.iter().filter(|l| l.matters).filter_map(|l| l.by.as_deref()) {
                needs.entry(by).or_default().push(id);
            }
        }
        let mut found = BTreeSet::from([anchor.to_owned()]);
        let mut todo = vec![anchor];
        while let Some(id) = todo.pop() {
            for needed in needs.get(id).into_iter().flatten() {
                if found.insert((*needed).to_owned()) {
                    todo.push(needed);
                }
            }
        }
        found
    }
}
