//! Which files make a profile: `--profile`, `extends`, and their order.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::nearest;
use super::{File, ProfileFiles, read, vars};
use crate::error::Result;
use crate::profile::embedded::{self, Embedded};
use crate::profile::{Identity, Profile};

/// What a profile is made from.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Names, files and directories, each over those before it; none is `auto`.
    pub profiles: Vec<PathBuf>,
    /// Values from the environment: `name=value` with commas between them.
    pub environment: Option<String>,
    /// Values of the command line, each `name=value`, over all others.
    pub values: Vec<String>,
    /// What the root says that it is; `auto` is the embedded table for that.
    pub root: Option<Identity>,
}

/// A profile, and how it was found.
#[derive(Debug)]
pub struct Loaded {
    /// The profile.
    pub profile: Profile,
    /// The embedded table that `auto` was.
    pub auto: Option<&'static str>,
}

impl Request {
    /// Finds, reads and merges the files.
    ///
    /// # Errors
    /// [`Error::Host`](crate::error::Error::Host) for a file that cannot be read,
    /// [`Error::Profile`](crate::error::Error::Profile) with all mistakes.
    pub fn load(&self) -> Result<Loaded> {
        let (files, auto) = self.files()?;
        Ok(Loaded { profile: files.parse()?, auto })
    }

    /// Whether the files are good, and only the values from the environment or the command line are not.
    pub fn is_wrong_in_its_values(&self) -> bool {
        let files = Request { environment: None, values: Vec::new(), ..self.clone() };
        (self.environment.is_some() || !self.values.is_empty()) && files.load().is_ok()
    }

    /// The files in the order in which they count, and the table that `auto` was.
    ///
    /// # Errors
    /// [`Error::Host`](crate::error::Error::Host) for a file that cannot be read.
    pub fn files(&self) -> Result<(ProfileFiles, Option<&'static str>)> {
        let mut walk = Walk { root: self.root.as_ref(), ..Walk::default() };
        for profile in &self.profiles {
            let named = profile.to_str().filter(|text| is_name(text));
            match named {
                Some(name) => walk.name(name, None)?,
                None => walk.file(profile, None)?,
            }
        }
        if walk.table.is_none() && walk.files.pending.is_empty() {
            walk.name("auto", None)?;
        }
        let mut files = walk.files;
        if let Some(pairs) = &self.environment {
            let pairs = vars::pairs_of_environment(pairs);
            files = files.with_values("GOKAKU_SET", pairs);
        }
        if !self.values.is_empty() {
            files = files.with_values("--set", self.values.join("\n"));
        }
        Ok((files, walk.auto))
    }
}

/// Whether a text names a profile: it has neither a slash nor `.toml`.
fn is_name(text: &str) -> bool {
    !text.contains('/') && !text.ends_with(".toml")
}

/// Where a file is named: the file that names it, and the place there.
type Named<'a> = Option<(&'a str, Range<usize>)>;

#[derive(Default)]
struct Walk<'r> {
    root: Option<&'r Identity>,
    files: ProfileFiles,
    /// The table's name.
    table: Option<String>,
    auto: Option<&'static str>,
    /// The files that are there.
    done: Vec<Key>,
    /// The files that lead to the one at hand.
    under_way: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Name(&'static str),
    File(PathBuf),
}

impl Walk<'_> {
    /// An embedded profile.
    fn name(&mut self, name: &str, named: Named<'_>) -> Result<()> {
        let name = if name == "auto" {
            let auto = embedded::for_root(self.root);
            self.auto = Some(auto);
            auto
        } else {
            name
        };
        let Some((name, known)) = embedded::find(name) else {
            let names: Vec<&str> = std::iter::once("auto").chain(embedded::names()).collect();
            let meant = nearest(name, names.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let dir = match read::is_dir(Path::new(name)) {
                true => format!("; the directory of this name is ./{name}"),
                false => String::new(),
            };
            let says = format!("no profile `{name}`; known are: {}{meant}{dir}", names.join(", "));
            self.wrong(named, says);
            return Ok(());
        };
        let key = Key::Name(name);
        if !self.enter(&key, name, &named) {
            return Ok(());
        }
        match known {
            Embedded::Table(files) => {
                let files = files.iter().map(|(n, t)| ((*n).to_owned(), (*t).into())).collect();
                self.take_table(name, files, named);
            }
            Embedded::Layer(file, text) => {
                self.extends(file, text, None)?;
                self.files.layers.push((file.to_owned(), text.into()));
            }
        }
        self.leave(key);
        Ok(())
    }

    /// A file, or a directory with a table.
    fn file(&mut self, path: &Path, named: Named<'_>) -> Result<()> {
        let shown = path.display().to_string();
        let key = Key::File(read::real(path));
        if !self.enter(&key, &shown, &named) {
            return Ok(());
        }
        match self.open(path, &shown, named.clone()) {
            // What a file names is that file's mistake, and hides no other.
            Err(e) if named.is_some() => self.wrong(named, e.to_string()),
            other => other?,
        }
        self.leave(key);
        Ok(())
    }

    fn open(&mut self, path: &Path, shown: &str, named: Named<'_>) -> Result<()> {
        if read::is_dir(path) {
            let files = ProfileFiles::from_dir(path)?;
            self.take_table(shown, files.table, named);
            return Ok(());
        }
        let text = read::text(path)?;
        if is_table(&text) {
            self.take_table(shown, vec![(shown.to_owned(), text.into())], named);
            return Ok(());
        }
        self.extends(shown, &text, path.parent())?;
        self.files.layers.push((shown.to_owned(), text.into()));
        Ok(())
    }

    /// What a layer names in `extends`, each before the layer itself. A value of another type is found
    /// when the layer is read.
    fn extends(&mut self, file: &str, text: &str, dir: Option<&Path>) -> Result<()> {
        let (table, _) = DeTable::parse_recoverable(text);
        let one =
            |item: &Spanned<DeValue<'_>>| Some((item.get_ref().as_str()?.to_owned(), item.span()));
        let named: Vec<(String, Range<usize>)> = match table.get_ref().get("extends") {
            None => Vec::new(),
            Some(value) => match value.get_ref() {
                DeValue::Array(items) => items.iter().filter_map(one).collect(),
                _ => one(value).into_iter().collect(),
            },
        };
        for (name, at) in named {
            let at = Some((file, at));
            if is_name(&name) {
                self.name(&name, at)?;
            } else {
                self.file(&dir.unwrap_or(Path::new("")).join(&name), at)?;
            }
        }
        Ok(())
    }

    fn take_table(&mut self, name: &str, files: Vec<File>, named: Named<'_>) {
        match &self.table {
            Some(first) => {
                let says = format!(
                    "a profile has one table, and {first} is it already; {name} is another: name only \
                     one of them"
                );
                self.wrong(named, says);
            }
            None => {
                self.table = Some(name.to_owned());
                self.files.table = files;
            }
        }
    }

    /// Whether a file is new. One that is met again counts where it was met first; a circle is a mistake.
    fn enter(&mut self, key: &Key, shown: &str, named: &Named<'_>) -> bool {
        if self.under_way.contains(key) {
            let says = format!("{shown} extends itself, through the files between: remove this");
            self.wrong(named.clone(), says);
            return false;
        }
        if self.done.contains(key) {
            return false;
        }
        self.under_way.push(key.clone());
        true
    }

    fn leave(&mut self, key: Key) {
        self.under_way.pop();
        self.done.push(key);
    }

    fn wrong(&mut self, named: Named<'_>, says: String) {
        self.files.pending.push(match named {
            Some((file, at)) => (Some(file.to_owned()), at, says),
            None => (None, 0..0, says),
        });
    }
}

/// Whether a text is a table, and no layer.
fn is_table(text: &str) -> bool {
    let (table, _) = DeTable::parse_recoverable(text);
    ["benchmark", "target"].iter().any(|name| table.get_ref().contains_key(*name))
}
