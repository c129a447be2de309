//! Whom services run as, and what they start.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Reader, Use, Way};
use crate::check::chain::Index;
use crate::check::chain::unit_files::{Fragment, fragment, placed_statements};
use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::becomes::variables;
use crate::text::unit::Assignment;
use crate::text::unit_install::{is_unit_name, template_of};

/// A statement and the file that it stands in.
type Placed = (Rc<ImagePath>, Assignment);

impl Reader<'_> {
    pub(super) fn units(&mut self) -> Result<()> {
        let index = Index::of(self.root)?;
        let mut services: BTreeSet<String> = BTreeSet::new();
        for name in index.names().filter(|n| n.ends_with(".service") && is_unit_name(n)) {
            services.insert(name.to_owned());
        }
        for name in services {
            let Some(said) = statements_of(self.root, &name)? else { continue };
            self.unit(&name, &said)?;
        }
        Ok(())
    }

    fn unit(&mut self, name: &str, said: &[Placed]) -> Result<()> {
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, one) in said.iter().filter(|(_, one)| one.is("Service", "Environment")) {
            for (name, values) in variables(&one.value.replace(['"', ' '], "\n")) {
                given.entry(name).or_default().extend(values);
            }
        }
        for (_, one) in said.iter().filter(|(_, one)| one.is("Service", "EnvironmentFile")) {
            let Ok(path) = ImagePath::parse(one.value.trim_start_matches('-')) else { continue };
            given.extend(variables(&self.text(&path).unwrap_or_default()));
        }
        for (path, one) in said {
            if &*one.section == "Service" && one.key.starts_with("Exec") {
                let command = one.value.trim_start_matches(['@', '-', ':', '+', '!']);
                self.commands(command, &given, |_| ((**path).clone(), one.line));
                let first = command.split_whitespace().next().unwrap_or_default();
                self.program(first, Way::Unit, path, one.line)?;
            }
        }
        // The last counts; an empty one is root.
        if let Some((path, user)) = said.iter().rfind(|(_, one)| one.is("Service", "User")) {
            let (at, unit) = (((**path).clone(), user.line), Some(name.to_owned()));
            self.used_by(&user.value, Use { way: Way::Unit, at, unit });
        }
        Ok(())
    }
}

/// What the service's files say; `None` where it is masked, and so never runs, whatever stands in its
/// drop-ins.
fn statements_of(root: &dyn Rootfs, name: &str) -> Result<Option<Vec<Placed>>> {
    let mut file = None;
    for name in [Some(name.to_owned()), template_of(name)].into_iter().flatten() {
        match fragment(root, &name, false) {
            Ok(Fragment::File(path)) => file = file.or(Some(path)),
            Ok(Fragment::Masked(_)) if file.is_none() => return Ok(None),
            // A generator may make it at boot.
            Ok(_) | Err(Error::WrongKind { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    placed_statements(root, name, file.as_ref()).map(Some)
}
