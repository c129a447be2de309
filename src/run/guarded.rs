//! A root that is the right one, and how it is judged.

use std::rc::Rc;

use super::{Options, guards, messages};
use crate::apply;
use crate::check::{self, Audit, Exclusions, Subject};
use crate::error::{Error, Result};
use crate::message::{Message, say};
use crate::plan::{self, Judged, Plan};
use crate::profile::{Profile, Rule};
use crate::report::{Facts, Fixes, Mode, Patch, Report, TargetRef};
use crate::rootfs::{AccountDb, Rootfs};

/// A root that the guards have taken, with the rows and the options of the run. Nothing else leads
/// to an audit in this module.
pub(crate) struct Guarded<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) rules: Vec<&'a Rule>,
    pub(crate) target: TargetRef,
    pub(super) root: &'a dyn Rootfs,
    pub(super) audit: check::Options,
    pub(super) options: &'a Options,
    /// The accounts that nothing may shut out.
    accounts: Vec<String>,
    /// The accounts of the tree, for diffs.
    names: Rc<AccountDb>,
}

impl<'a> Guarded<'a> {
    /// Checks that `root` is the right one, and collects how it is judged.
    pub(crate) fn new(
        profile: &'a Profile,
        rules: Vec<&'a Rule>,
        root: &'a dyn Rootfs,
        options: &'a Options,
    ) -> Result<Guarded<'a>> {
        if options.validate.is_some() && root.on_disk().is_none() {
            return Err(Error::Guard(messages::nothing_runs(root.name())));
        }
        let identity = guards::target(options.force_target, profile, root)?;
        let accounts = guards::accounts(&options.protect, root)?;
        let mut exclusions = Exclusions::none();
        for account in &accounts {
            let cause = messages::protected(account);
            exclusions.exclude(Subject::account(account.as_bytes()), cause);
        }
        let audit = check::Options {
            survey: options.survey,
            quarantine: options.quarantine,
            versions: profile.target.versions.clone(),
            exclusions,
            guarded: accounts.iter().cloned().collect(),
        };
        let target = TargetRef {
            root: root.name(),
            os: identity.os,
            version: identity.version,
            live: root.is_live(),
        };
        let names = AccountDb::read(root)?;
        Ok(Guarded { profile, rules, target, root, audit, options, accounts, names })
    }

    /// The same, with the rows that the options select.
    pub(super) fn selected(
        profile: &'a Profile,
        root: &'a dyn Rootfs,
        options: &'a Options,
    ) -> Result<Guarded<'a>> {
        let rules = profile.select(&options.only, &options.skip)?;
        Guarded::new(profile, rules, root, options)
    }

    /// Says what is to be known before the run: a wrong clock, and, where nothing is cleared away,
    /// what an earlier run has left.
    pub(crate) fn warn(&self, writes: bool) {
        guards::clock(&self.rules, self.root);
        let disk = self.root.on_disk().filter(|_| !writes);
        if let Some(left) = disk.and_then(apply::left_behind) {
            say!(warn, left);
        }
    }

    /// The report of an audit.
    pub(crate) fn audit(&self) -> Report {
        let judged = plan::audit(&self.rules, Audit::new(self.root, &self.audit));
        plan::log_judged(&self.rules, &judged, false);
        let mut report = self.report(Mode::Audit, None, &judged, None);
        if self.options.fixes {
            match self.planned(self.root) {
                Ok(plan) => {
                    self.outlook(&plan);
                    report.attached.fixes = self.fixes(self.root, &plan);
                }
                // What can be judged is judged, whether it can be fixed or not.
                Err(e) => say!(warn, messages::no_fixes(Message::from(&e))),
            }
        }
        report
    }

    /// What each row changes, of a plan that was made in parts.
    fn fixes(&self, root: &dyn Rootfs, plan: &Plan) -> Fixes {
        let audit = Audit::new(root, plan.options(&self.audit));
        Fixes::of(plan, &plan::package_changes(&self.rules, audit))
    }

    /// The report of a plan that is not to be carried out.
    pub(crate) fn plan(&self) -> Result<Report> {
        let plan = self.planned(self.root)?;
        self.outlook(&plan);
        guards::drift(self.profile, &Audit::new(self.root, &self.audit), &plan)?;
        if let Some(disk) = self.root.on_disk() {
            self.validate(disk, &plan)?;
        }
        Ok(self.report_of(Mode::Plan, &plan))
    }

    /// The verdicts as the root is, what the plan for it ends, and its diffs.
    #[cfg(feature = "cli")]
    pub(crate) fn explain(&self) -> Result<(Report, String)> {
        let plan = self.planned(self.root)?;
        self.outlook(&plan);
        let diffs = crate::report::diff::render(plan.changes(), &self.names);
        let mut now = self.report(Mode::Audit, None, &plan.before, None);
        now.consequences = self.report_of(Mode::Plan, &plan).consequences;
        Ok((now, diffs))
    }

    /// The plan for a state of the root.
    pub(super) fn planned(&self, root: &dyn Rootfs) -> Result<Plan> {
        let audit = Audit::new(root, &self.audit);
        match self.options.fixes {
            true => plan::plan_in_parts(&self.rules, audit),
            false => plan::plan(&self.rules, audit),
        }
    }

    /// Says whose next login a plan for the root would end.
    fn outlook(&self, plan: &Plan) {
        guards::lockout(&Audit::new(self.root, &self.audit), &self.accounts, plan);
    }

    /// Lets a plan for a state of the root pass, or refuses it.
    ///
    /// # Errors
    /// [`Error::Lockout`]; what the root's own programs refuse.
    pub(super) fn review(&self, root: &crate::rootfs::DiskRootfs, plan: &Plan) -> Result<()> {
        let ended = guards::lockout(&Audit::new(root, &self.audit), &self.accounts, plan);
        match ended.first() {
            Some(first) if !self.options.allow_lockout => {
                return Err(Error::Lockout(crate::lockout::messages::refused(first)));
            }
            _ => {}
        }
        guards::drift(self.profile, &Audit::new(root, &self.audit), plan)?;
        self.validate(root, plan)
    }

    fn validate(&self, root: &crate::rootfs::DiskRootfs, plan: &Plan) -> Result<()> {
        match &self.options.validate {
            Some(steps) => apply::validate(root, plan.changes(), steps.program()),
            None => Ok(()),
        }
    }

    /// The report of a plan, as it stands.
    pub(super) fn report_of(&self, mode: Mode, plan: &Plan) -> Report {
        let mut report = self.report(mode, Some(&plan.before), &plan.after, Some(plan));
        if self.options.fixes {
            report.attached.fixes = self.fixes(self.root, plan);
            report.attached.patch = (mode == Mode::Plan).then(|| Patch::of(plan));
        }
        report
    }

    /// A report of these verdicts, in the order of the rows.
    fn report(
        &self,
        mode: Mode,
        before: Option<&[Judged]>,
        judged: &[Judged],
        plan: Option<&Plan>,
    ) -> Report {
        Report::made_of(Facts {
            mode,
            profile: self.profile,
            target: self.target.clone(),
            rules: &self.rules,
            before,
            judged,
            changes: plan.map_or(&[], |plan| plan.changes()),
            consequences: plan.map_or(&[], |plan| &plan.consequences),
            names: &self.names,
        })
    }
}
