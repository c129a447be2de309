//! What the gaps of each primitive can be about, for whoever names a subject of a row.

use super::{Check, SubjectKind};

impl Check {
    /// The kinds of subjects that gaps of this want can have.
    pub fn subject_kinds(&self) -> Vec<SubjectKind> {
        use SubjectKind::{
            Account, BootArgument, Directive, Group, Key, Line, Module, Mount, Package, PamModule,
            Path, Selector, Service, Unit,
        };
        let own: &[SubjectKind] = match self {
            Check::AccountAgeing(_)
            | Check::NoEmptyPasswords(_)
            | Check::PastPasswordChanges(_)
            | Check::RootGroup(_)
            | Check::RootOnlySuperuser(_)
            | Check::ShadowedPasswords(_)
            | Check::SystemAccounts(_) => &[Account, Line, Path],
            Check::AccountUnique(_) | Check::EmptyGroup(_) | Check::PrimaryGroups(_) => {
                &[Account, Group, Line, Path]
            }
            Check::LoginDefs(_)
            | Check::UseraddDefault(_)
            | Check::ShellVar(_)
            | Check::Sysctl(_) => &[Key, Path],
            Check::LocalMta(_) => &[Service],
            Check::NtpConf(_) => &[Directive, Key, Path],
            Check::Banner(_)
            | Check::FileMode(_)
            | Check::Line(_)
            | Check::Tree(_)
            | Check::RootPath(_)
            | Check::AptSources(_) => &[Path],
            Check::Ini(_) => &[Key, Path],
            Check::Limits(_) => &[Account, Group, Key, Path],
            Check::Mount(_) => &[Mount, Path],
            Check::HomeDotFiles(_)
            | Check::HomeExists(_)
            | Check::HomeFileAbsent(_)
            | Check::HomeMode(_)
            | Check::HomeOwner(_) => &[Account, Path],
            Check::BootArgument(_) => &[BootArgument, Path],
            Check::KernelModule(_) => &[Module, Path],
            Check::LogRotation(_) => &[Directive, Path, Unit],
            Check::RsyslogCreateMode(_) => &[Directive, Path],
            Check::RsyslogRouting(_) => &[Path, Selector],
            Check::Package(_) | Check::Updates(_) => &[Package],
            Check::PamPwquality(_) | Check::PamSha512(_) => &[PamModule, Path],
            Check::Pwquality(_) => &[Key, Path],
            Check::DefaultUmask(_) => &[Key, PamModule, Path],
            Check::Sshd(_) => &[Account, Directive, Group, Line, Path],
            Check::Service(_) | Check::ServicesReview(_) => &[Service, Unit],
            Check::SystemdConf(_) => &[Key, Path],
            Check::TimeSync(_) => &[Package, Unit],
        };
        // Who starts the programs that read what is judged is a matter of units, or of files.
        let chain: &[SubjectKind] = match self.primitive().consumers().is_empty() {
            true => &[],
            false => &[Unit, Path],
        };
        let mut all = [own, chain].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}
