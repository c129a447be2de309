//! What a simulation must not show.

use super::messages;
use super::simulation::{Simulation, bare};
use super::target::Marks;
use crate::check::packages::dpkg::Packages;
use crate::message::Message;
use crate::text::pattern::{Wildcards, matches};

/// The pattern that protects `name`, if one does.
pub(super) fn pattern<'a>(name: &str, protected: &'a [String]) -> Option<&'a str> {
    let mut all = protected.iter().map(String::as_str);
    all.find(|p| matches(Wildcards::Stars, p.as_bytes(), name.as_bytes()))
}

/// Whether the simulated removal takes what was asked for, what hangs on it, and nothing that
/// matters to anybody.
pub(super) fn check_purge(
    simulation: &Simulation,
    wanted: &[String],
    state: &Packages,
    marks: &Marks,
    protect: &[String],
) -> Result<(), Message> {
    let wanted: Vec<&str> = wanted.iter().map(|name| bare(name)).collect();
    let list = wanted.join(" ");
    let refuse = |why: Message| Err(messages::refused_purge(&list, why));
    for shown in &simulation.remove {
        let name = bare(shown);
        if let Some(pattern) = pattern(name, protect) {
            return refuse(messages::takes_protected(shown, pattern));
        }
        if state.records(name).iter().any(|r| r.essential) {
            return refuse(messages::takes_essential(shown));
        }
        if !wanted.contains(&name) && !marks.is_automatic(shown, state) {
            return refuse(messages::takes_on_purpose(shown));
        }
    }
    if let Some(name) = simulation.install.first() {
        return refuse(messages::would_install(name));
    }
    match wanted.iter().find(|w| !simulation.remove.iter().any(|r| bare(r) == **w)) {
        Some(name) => refuse(messages::would_leave(*name)),
        None => Ok(()),
    }
}

/// Whether the simulated install takes nothing away; `going` are packages that will be purged
/// before it.
pub(super) fn check_install(
    simulation: &Simulation,
    wanted: &[String],
    going: &[String],
) -> Result<(), Message> {
    let going: Vec<&str> = going.iter().map(|name| bare(name)).collect();
    match simulation.remove.iter().find(|name| !going.contains(&bare(name))) {
        Some(name) => Err(messages::install_removes(wanted.join(" "), name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::profile::{Disposition, Profile};
    use crate::rootfs::MemoryRootfs;

    fn state() -> Rc<Packages> {
        let stanza = |name: &str, more: &str| {
            format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n{more}\n")
        };
        let text = [
            stanza("nis", ""),
            stanza("yp-site", ""),
            stanza("yp-auto", ""),
            stanza("tar", "Essential: yes\n"),
            stanza("dpkg", ""),
        ];
        Packages::read(&MemoryRootfs::new().file("/var/lib/dpkg/status", text.concat())).unwrap()
    }

    fn purge(remove: &[&str], install: &[&str], protect: &[&str]) -> Result<(), Message> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let simulation = Simulation { install: owned(install), remove: owned(remove) };
        let marks = Marks::parse("Package: yp-auto\nArchitecture: amd64\nAuto-Installed: 1\n");
        let mut protected = Profile::embedded().unwrap().protected_packages;
        protected.extend(owned(protect));
        check_purge(&simulation, &owned(&["nis"]), &state(), &marks, &protected)
    }

    #[test]
    fn a_removal_may_take_what_was_asked_for_and_what_hangs_on_it() {
        assert_eq!(purge(&["nis"], &[], &[]), Ok(()));
        assert_eq!(purge(&["nis", "yp-auto"], &[], &[]), Ok(()));
        assert_eq!(purge(&["nis", "yp-auto:amd64"], &[], &[]), Ok(()));
        for (remove, install, protect, word) in [
            (&["nis", "yp-site"][..], &[][..], &[][..], "installed on purpose"),
            (&["nis", "yp-auto:i386"], &[], &[], "`apt-mark auto yp-auto:i386`"),
            (&["nis", "tar"], &[], &[], "essential"),
            (&["nis", "linux-image-5.4.0-1-azure"], &[], &[], "protected (`linux-*`)"),
            (&["nis", "openssh-server"], &[], &[], "protected (`openssh-*`)"),
            (&["nis", "yp-auto"], &[], &["yp-a*"], "protected (`yp-a*`)"),
            (&["nis"], &["yp-other"], &[], "would install or change yp-other"),
            (&[], &[], &[], "would leave nis where it is"),
        ] {
            let e = purge(remove, install, protect).unwrap_err().to_string();
            assert!(e.contains(word), "{remove:?}: {e}");
        }
    }

    #[test]
    fn an_install_takes_nothing_away() {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let simulation = Simulation { install: owned(&["ufw"]), remove: owned(&["gone"]) };
        let check = |going: &[&str]| check_install(&simulation, &owned(&["ufw"]), &owned(going));
        assert!(check(&[]).unwrap_err().to_string().contains("would remove gone"));
        assert_eq!(check(&["gone:i386"]), Ok(()));
    }

    #[test]
    fn what_the_table_wants_away_is_not_protected() {
        let profile = Profile::embedded().unwrap();
        let protected = &profile.protected_packages;
        let mut seen = 0;
        for rule in &profile.rules {
            let Disposition::Enforce(want) = &rule.disposition else { continue };
            for check in want {
                let crate::check::Check::Package(package) = check else { continue };
                for name in &package.absent {
                    assert_eq!(
                        pattern(&name.replace('*', "-core"), protected),
                        None,
                        "{}",
                        rule.id
                    );
                    seen += 1;
                }
                for name in &package.present {
                    assert!(
                        pattern(name, protected).is_some(),
                        "{name} is wanted and not protected"
                    );
                }
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
