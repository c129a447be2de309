//! From TOML to a checked profile: one table, layers over it, values from the command line. Every
//! mistake has file, line, column and word, and none hides another.

mod decide;
mod defaults;
mod fill;
mod layer;
mod merge;
mod merged;
mod mistakes;
mod read;
mod render;
mod resolve;
mod source;
mod strict;
mod table;
#[cfg(test)]
mod tests;
mod vars;

use std::borrow::Cow;
use std::path::Path;

pub use merged::Line;
pub use resolve::{Loaded, Request};
pub use source::Place;

use self::mistakes::Mistakes;
use self::source::Sources;
use super::Profile;
use crate::error::{Error, Result};

/// The name of the format of profiles that this program reads.
pub const FORMAT: &str = "gokaku.profile/1";

/// A text and its name, for messages.
type File = (String, Cow<'static, str>);

/// The files of a profile: those of the table (the first is the head), the layers in their order, and
/// the values from outside.
#[derive(Debug, Clone, Default)]
pub struct ProfileFiles {
    table: Vec<File>,
    layers: Vec<File>,
    /// In lines of `name=value`.
    values: Vec<File>,
    /// What is wrong with the files before they are read: which one (`None`: the command line), where
    /// in it, and what.
    pending: Vec<(Option<String>, std::ops::Range<usize>, String)>,
    /// Whether what is over on this day is a mistake, and rows that contradict each other.
    strict: Option<i64>,
}

impl Profile {
    /// A profile from a directory with a `profile.toml` and chapter files beside it.
    ///
    /// # Errors
    /// [`Error::Host`] when it cannot be read, [`Error::Profile`] for a mistake in it.
    pub fn from_dir(dir: &Path) -> Result<Profile> {
        ProfileFiles::from_dir(dir)?.parse()
    }
}

impl ProfileFiles {
    /// Reads the `*.toml` files of a directory of this machine, `profile.toml` first.
    ///
    /// # Errors
    /// [`Error::Host`] when it cannot be read.
    pub fn from_dir(dir: &Path) -> Result<ProfileFiles> {
        let mut table = Vec::new();
        for path in read::of_dir(dir)? {
            table.push((path.display().to_string(), read::text(&path)?.into()));
        }
        Ok(ProfileFiles { table, ..ProfileFiles::default() })
    }

    /// The given files of a table; the first is the head (`profile.toml`).
    pub fn from_files<N: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> ProfileFiles {
        let table = files.into_iter().map(|(n, t)| (n.into(), Cow::Owned(t.into()))).collect();
        ProfileFiles { table, ..ProfileFiles::default() }
    }

    /// The same with one more layer, over all that are there.
    #[must_use]
    pub fn with_layer(mut self, name: impl Into<String>, text: impl Into<String>) -> ProfileFiles {
        self.layers.push((name.into(), Cow::Owned(text.into())));
        self
    }

    /// The same with values of variables, in lines of `name=value`, over all that are there; `name` is
    /// where they are from.
    #[must_use]
    pub fn with_values(
        mut self,
        name: impl Into<String>,
        pairs: impl Into<String>,
    ) -> ProfileFiles {
        self.values.push((name.into(), Cow::Owned(pairs.into())));
        self
    }

    /// The same, where a waiver that is over on the day `today` (from 1970-01-01) is a mistake, and so are
    /// rows that want one setting to have two values.
    #[must_use]
    pub fn strictly(self, today: i64) -> ProfileFiles {
        ProfileFiles { strict: Some(today), ..self }
    }

    /// Parses, merges and checks the whole profile.
    ///
    /// # Errors
    /// [`Error::Profile`], with all mistakes: file, line, column, the line, and what would be right.
    pub fn parse(&self) -> Result<Profile> {
        let mut sources = Sources::default();
        let mut add = |files: &[File]| -> Vec<usize> {
            files.iter().map(|(name, text)| sources.add(name, text.clone())).collect()
        };
        let parts = merge::Parts {
            table: add(&self.table),
            layers: add(&self.layers),
            values: add(&self.values),
        };
        if parts.table.is_empty() && self.pending.is_empty() {
            return Err(Error::Profile("a profile needs a `profile.toml`; found no file".into()));
        }
        let outside = self.pending.iter().filter(|(file, ..)| file.is_none());
        let command_line: Vec<String> = outside.map(|(_, _, says)| says.clone()).collect();
        if !command_line.is_empty() {
            return Err(Error::Profile(command_line.join("\n")));
        }
        let mut mistakes = Mistakes::default();
        for (file, span, says) in &self.pending {
            let all = self.table.iter().chain(&self.layers).enumerate();
            let named = all.into_iter().find(|(_, (name, _))| Some(name) == file.as_ref());
            if let Some((number, _)) = named {
                let start = sources.start(number);
                mistakes.add(span.start + start..span.end + start, says);
            }
        }
        let profile = merge::profile(&sources, &parts, &mut mistakes);
        if let (Some(profile), Some(today)) = (&profile, self.strict) {
            strict::look(profile, today, &sources, &mut mistakes);
        }
        let warnings = mistakes.finish(&sources)?;
        let broken = || Error::Profile("the profile has a mistake that has no place".to_owned());
        profile.map(|profile| Profile { warnings, ..profile }).ok_or_else(broken)
    }
}

/// One want with what a head adds to it, or what is wrong with it.
#[cfg(test)]
pub(super) fn want(head: &str, want: &str) -> std::result::Result<crate::check::Check, String> {
    use serde::Deserialize;
    use toml::de::{DeTable, DeValue, Deserializer};

    #[derive(Deserialize)]
    struct Row {
        want: crate::check::Check,
    }
    let text = format!("want = {{ {want} }}");
    let mut table = DeTable::parse(&text).map_err(|e| e.to_string())?;
    let mut mistakes = Mistakes::default();
    let head = DeTable::parse(head).expect("a good head").into_inner();
    let defaults = defaults::Defaults::of(&head, &mut mistakes);
    for (_, value) in table.get_mut().iter_mut() {
        if let DeValue::Table(want) = value.get_mut() {
            defaults.fill_want(want);
        }
    }
    let row = Row::deserialize(Deserializer::from(table)).map_err(|mut e| {
        e.set_input(Some(&text));
        e.to_string()
    });
    row.map(|row| row.want)
}
