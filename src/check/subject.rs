//! What a gap is about, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rootfs::ImagePath;

/// The kinds of things that a row can find wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubjectKind {
    /// An account, by its name.
    Account,
    /// A group, by its name.
    Group,
    /// A line of a file that names nothing else: its path and number.
    Line,
    /// A file or directory, by its path inside the root.
    Path,
    /// A setting, by its key: a sysctl, a variable, a key of an INI file; with the file before it
    /// where the key alone may be another program's (`journald.conf:Storage`).
    Key,
    /// A statement of a program's configuration, by its keyword.
    Directive,
    /// A package, by its name.
    Package,
    /// A systemd unit, by its name.
    Unit,
    /// A network service, by its name.
    Service,
    /// A mount, by its mount point.
    Mount,
    /// A kernel module, by its name.
    Module,
    /// An argument of the kernel's command line, by its name.
    BootArgument,
    /// A file of `/etc/pam.d` and the module in question: `common-password:pam_unix.so`.
    PamModule,
    /// A selector of a log daemon (`auth.*`).
    Selector,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [SubjectKind; 14] = [
        SubjectKind::Account,
        SubjectKind::Group,
        SubjectKind::Line,
        SubjectKind::Path,
        SubjectKind::Key,
        SubjectKind::Directive,
        SubjectKind::Package,
        SubjectKind::Unit,
        SubjectKind::Service,
        SubjectKind::Mount,
        SubjectKind::Module,
        SubjectKind::BootArgument,
        SubjectKind::PamModule,
        SubjectKind::Selector,
    ];

    /// The spelling in reports.
    pub fn word(self) -> &'static str {
        match self {
            SubjectKind::Account => "account",
            SubjectKind::Group => "group",
            SubjectKind::Line => "line",
            SubjectKind::Path => "path",
            SubjectKind::Key => "key",
            SubjectKind::Directive => "directive",
            SubjectKind::Package => "package",
            SubjectKind::Unit => "unit",
            SubjectKind::Service => "service",
            SubjectKind::Mount => "mount",
            SubjectKind::Module => "module",
            SubjectKind::BootArgument => "boot_argument",
            SubjectKind::PamModule => "pam_module",
            SubjectKind::Selector => "selector",
        }
    }
}

/// What a gap is about: a kind and a value, the same in every run on the same tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of thing it is.
    pub kind: SubjectKind,
    /// Which one: a name, a path, a key.
    pub value: String,
}

impl Subject {
    /// A thing of a kind, by its name.
    pub fn new(kind: SubjectKind, value: impl Into<String>) -> Subject {
        Subject { kind, value: value.into() }
    }

    /// Reads `kind:value`, as profiles spell a subject; `None` where it is none.
    pub fn parse(text: &str) -> Option<Subject> {
        let (kind, value) = text.split_once(':').filter(|(_, value)| !value.is_empty())?;
        let kind = SubjectKind::ALL.into_iter().find(|known| known.word() == kind)?;
        Some(Subject::new(kind, value))
    }

    /// An account, by the bytes of its name in the account files.
    pub fn account(name: &[u8]) -> Subject {
        Subject::new(SubjectKind::Account, crate::rootfs::show_name(name))
    }

    /// A group, by the bytes of its name in the account files.
    pub fn group(name: &[u8]) -> Subject {
        Subject::new(SubjectKind::Group, crate::rootfs::show_name(name))
    }

    /// A file or directory.
    pub fn path(path: &ImagePath) -> Subject {
        Subject::new(SubjectKind::Path, path.to_string())
    }

    /// A line of a file, from 1, that names nothing else.
    pub fn line(path: &ImagePath, line: usize) -> Subject {
        Subject::new(SubjectKind::Line, format!("{path}:{line}"))
    }

    /// A setting.
    pub fn key(key: impl Into<String>) -> Subject {
        Subject::new(SubjectKind::Key, key)
    }

    /// A statement of a program's configuration.
    pub fn directive(keyword: impl Into<String>) -> Subject {
        Subject::new(SubjectKind::Directive, keyword)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.value)
    }
}
