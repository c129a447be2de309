//! The table of consumers: which programs read what rows judge. `profiles/consumers.toml` says what
//! its fields mean.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::error::{Error, Result};

const TEXT: &str = include_str!("../../../profiles/consumers.toml");

/// What it means when nothing starts a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Nothing happens without it: a row is not met.
    Needed,
    /// What does not run lets nobody in: the file is judged as it stands.
    Guarded,
}

/// Who starts a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starter {
    /// The init system.
    #[default]
    Init,
    /// The kernel, when it is needed.
    Kernel,
    /// Whoever calls it.
    People,
    /// cron, or a timer.
    Jobs,
    /// The PAM stacks of services.
    Services,
}

/// A program, and how its command line names another file than the usual one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its path.
    pub path: String,
    /// The letter of the option that names the file.
    pub file: Option<char>,
    /// The option's long name.
    pub long: Option<String>,
    /// The letters of the options that take a value.
    #[serde(default)]
    pub values: String,
    /// Whether arguments are files.
    #[serde(default)]
    pub plain: bool,
    /// The argument without which it reads nothing.
    pub needs: Option<String>,
    /// Whether it is a script that passes on the consumer's `defaults`.
    #[serde(default)]
    pub wrapper: bool,
    /// The versions of which this is true; of all when missing.
    pub versions: Option<Versions>,
}

/// A range of versions of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The package.
    pub package: String,
    /// The first version.
    #[serde(default)]
    pub since: Vec<u32>,
    /// The first version that is not in it any more.
    pub until: Option<Vec<u32>>,
}

impl Versions {
    /// Whether this version, as its numbers, lies in it.
    pub fn hold(&self, version: &[u32]) -> bool {
        version >= &self.since[..] && self.until.as_ref().is_none_or(|until| version < &until[..])
    }
}

/// Where an init script or a wrapper takes options from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// The file.
    pub file: String,
    /// The variable in it.
    pub variable: String,
}

/// A module of PAM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name, with `.so`.
    pub name: String,
    /// The type of the lines that ask it.
    pub kind: String,
}

/// A file of modules that services include.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedStack {
    /// The file.
    pub file: String,
    /// The type of its lines.
    pub kind: String,
    /// The modules that do the work, and so must stand in it.
    pub sets: Vec<String>,
}

/// A consumer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// What it means when nothing starts it.
    pub absence: Absence,
    /// Who starts it.
    #[serde(default)]
    pub starter: Starter,
    /// Its units; the usual one is first.
    #[serde(default)]
    pub units: Vec<String>,
    /// Its programs.
    #[serde(default)]
    pub programs: Vec<Program>,
    /// Where a script takes options from.
    pub defaults: Option<Defaults>,
    /// The services whose stacks ask it.
    #[serde(default)]
    pub services: Vec<String>,
    /// The module, of a consumer that services start.
    pub module: Option<Module>,
    /// The file that those services include, of a consumer that reads it by them.
    pub stack: Option<SharedStack>,
    /// The files that it reads if nothing says otherwise.
    pub reads: Vec<String>,
}

impl Consumer {
    /// The program as people know it.
    pub fn program(&self) -> &str {
        match (&self.programs.first(), &self.module) {
            (Some(program), _) => &program.path,
            (None, Some(module)) => &module.name,
            (None, None) => "",
        }
    }

    /// The usual unit.
    #[cfg(feature = "internals")]
    pub fn unit(&self) -> &str {
        self.units.first().map_or("", String::as_str)
    }

    /// The program that `path` is one of ours, as a merged `/usr` may name it.
    pub fn program_at(&self, path: &str) -> Option<&Program> {
        fn bare(path: &str) -> &str {
            path.strip_prefix("/usr").unwrap_or(path)
        }
        self.programs.iter().find(|program| bare(&program.path) == bare(path))
    }
}

/// All consumers by name.
///
/// # Errors
/// A mistake in the embedded file; a test proves that there is none.
pub fn consumers() -> Result<&'static BTreeMap<String, Consumer>> {
    static TABLE: OnceLock<std::result::Result<BTreeMap<String, Consumer>, String>> =
        OnceLock::new();
    let read = TABLE.get_or_init(|| toml::from_str(TEXT).map_err(|e| e.to_string()));
    read.as_ref().map_err(|why| Error::Profile(format!("profiles/consumers.toml: {why}")))
}
