//! What changed, or would change: paths and packages.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::apply::packages::{Action, Operation};
use crate::message::Message;
use crate::plan::{PathChange, Serves};
use crate::profile::RuleId;
use crate::rootfs::{ImagePath, NodeBody};

/// One changed path.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangeReport {
    /// Inside the root, links resolved.
    pub path: ImagePath,
    /// What is done to it.
    pub kind: ChangeKind,
    /// For which rows.
    pub rules: BTreeSet<RuleId>,
    /// For which gaps of these rows.
    #[serde(default)]
    pub serves: Vec<Serves>,
    /// What changes, as `plan` shows it, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Which package, of a change of kind [`ChangeKind::Package`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageReport>,
}

/// One changed package.
#[derive(Debug, Serialize, Deserialize)]
pub struct PackageReport {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// What happened to it.
    pub action: Action,
    /// The version that was there.
    pub from: Option<String>,
    /// The version that is there now.
    pub to: Option<String>,
    /// Whether a row names it; otherwise it was changed as a dependency.
    pub asked: bool,
}

impl PackageReport {
    pub(crate) fn of(o: &Operation) -> PackageReport {
        PackageReport {
            name: o.name.clone(),
            architecture: o.architecture.clone(),
            action: o.action,
            from: o.from.clone(),
            to: o.to.clone(),
            asked: o.asked,
        }
    }
}

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// New content (and perhaps a new mode or owner).
    Write,
    /// Mode or owner only.
    Stat,
    /// A symbolic link.
    Symlink,
    /// A new directory.
    Mkdir,
    /// Taken away.
    Remove,
    /// A package, by the package manager; the path is that of dpkg's record.
    Package,
}

impl ChangeKind {
    /// The kind of a planned change.
    pub(crate) fn of(change: &PathChange) -> ChangeKind {
        match (&change.before, change.after.as_ref().map(|n| &n.body)) {
            (_, None) => ChangeKind::Remove,
            (_, Some(NodeBody::Symlink(_))) => ChangeKind::Symlink,
            (_, Some(NodeBody::File(Some(_)))) => ChangeKind::Write,
            (None, Some(NodeBody::Dir)) => ChangeKind::Mkdir,
            _ => ChangeKind::Stat,
        }
    }
}

/// The result of the package runner.
#[derive(Debug, Serialize, Deserialize)]
pub struct PackagesReport {
    /// What was recovered first.
    pub notes: Vec<Message>,
    /// Why it could not complete; `null` if it did.
    pub failure: Option<Message>,
}
