//! An image together with the options of a run.

use crate::check::{Audit, Exclusions, Options, Subject};
use crate::rootfs::MemoryRootfs;

/// An image and how it is audited.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub root: MemoryRootfs,
    pub options: Options,
}

/// Options for an image of a test.
pub(crate) trait Run: Sized {
    /// The image with the options so far.
    fn scene(self) -> Scene;

    /// Names an account that no row may lock, age, deny or move.
    fn protecting(self, account: &str) -> Scene {
        let mut scene = self.scene();
        let subject = Subject::account(account.as_bytes());
        scene.options.exclusions.exclude(subject, crate::run::messages::protected(account));
        scene
    }

    /// Names a subject that no row may touch.
    fn excluding(self, subject: Subject) -> Scene {
        let mut scene = self.scene();
        let cause = crate::run::messages::protected(&subject.value);
        scene.options.exclusions.exclude(subject, cause);
        scene
    }

    /// Has files of people that give away trust put out of use.
    fn quarantining(self) -> Scene {
        let mut scene = self.scene();
        scene.options.quarantine = true;
        scene
    }

    /// Walks over the whole tree where a row needs it.
    fn surveyed(self) -> Scene {
        let mut scene = self.scene();
        scene.options.survey = true;
        scene
    }

    /// Supposes a version of a package, as its numbers, where no record of it is added.
    fn supposing(self, package: &str, version: &[u32]) -> Scene {
        let mut scene = self.scene();
        scene.options.versions.insert(package.to_owned(), version.to_vec());
        scene
    }
}

impl Run for MemoryRootfs {
    fn scene(self) -> Scene {
        let options = Options { exclusions: Exclusions::none(), ..Options::default() };
        Scene { root: self, options }
    }
}

impl Run for Scene {
    fn scene(self) -> Scene {
        self
    }
}

impl<'a> From<&'a Scene> for Audit<'a> {
    fn from(scene: &'a Scene) -> Audit<'a> {
        Audit::new(&scene.root, &scene.options)
    }
}
