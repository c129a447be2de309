//! What starts logrotate: a daily job, or a timer.

use crate::check::common::remedy;
use crate::check::logs::messages;
use crate::check::systemd::unit_files::{Fragment, fragment, statements};
use crate::check::systemd::units::{self, Pull};
use crate::check::{Audit, Evidence, Gap, Subject, SubjectKind};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat};
use crate::text::script::{Word, commands};

const JOBS: [&str; 2] = ["/etc/cron.daily/logrotate", "/etc/cron.hourly/logrotate"];
/// There while systemd runs. Newer packages' jobs look for it and leave the work to the timer.
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const SYSTEMD: [&str; 2] = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"];

/// What starts logrotate, or the gap.
pub(super) fn trigger(audit: &Audit<'_>) -> Result<Result<Evidence, Gap>> {
    let root = audit.root();
    let mut notes = Vec::new();
    for job in JOBS {
        let path = ImagePath::parse(job)?;
        let Some(stat) = root.locate(&path)?.stat else { continue };
        match idle_job(root, &path, stat)? {
            None => {
                let mode = messages::mode(format!("{:04o}", stat.mode));
                return Ok(Ok(Evidence::at(&path).found(mode)));
            }
            Some(why) => notes.push(why),
        }
    }
    for dir in ["timers", "multi-user", "basic"] {
        let dir = ImagePath::parse(format!("/etc/systemd/system/{dir}.target.wants"))?;
        for name in units::names_in(root, &dir)?.iter() {
            let Some(timer) = name.to_str().filter(|n| is_timer(n)) else { continue };
            let link = dir.join(name)?;
            match started_by(root, &link, timer)? {
                Ok(unit) => {
                    return Ok(Ok(Evidence::at(&link).found(messages::timer_enabled(timer, unit))));
                }
                Err(why) => notes.push(why),
            }
        }
    }
    let evidence = Evidence::at(&ImagePath::parse(JOBS[0])?).want(messages::wants_trigger());
    let evidence = match notes.is_empty() {
        true => evidence,
        false => evidence.found(messages::idle_triggers(notes)),
    };
    let subject = Subject::new(SubjectKind::Unit, "logrotate.timer");
    Ok(Err(remedy::none(audit, subject, evidence, messages::nothing_starts_logrotate())))
}

/// Why a job of cron's does not start logrotate.
fn idle_job(root: &dyn Rootfs, path: &ImagePath, stat: Stat) -> Result<Option<Message>> {
    if stat.kind != FileKind::File {
        return Ok(Some(messages::job_not_regular(path)));
    }
    if stat.mode & 0o111 == 0 {
        return Ok(Some(messages::job_not_executable(path, format!("{:04o}", stat.mode))));
    }
    if stat.size == 0 {
        return Ok(Some(messages::job_empty(path)));
    }
    let mut has_systemd = false;
    for program in SYSTEMD {
        has_systemd |= root.locate(&ImagePath::parse(program)?)?.stat.is_some();
    }
    let text = root.read(path)?.unwrap_or_default();
    let asks = |word: &Word| word.literal().is_some_and(|w| w == SYSTEMD_RUNS);
    let yields = has_systemd && commands(&text).iter().any(|c| c.words.iter().any(asks));
    Ok(yields.then(|| messages::job_yields(path)))
}

/// The unit file of an enabled timer, or why it does not start logrotate.
fn started_by(
    root: &dyn Rootfs,
    link: &ImagePath,
    timer: &str,
) -> Result<Result<ImagePath, Message>> {
    if units::pull(root, link)? != Some(Pull::Link) {
        return Ok(Err(messages::link_enables_nothing(link)));
    }
    let file = |unit: &str| -> Result<Result<ImagePath, Message>> {
        Ok(match fragment(root, unit, false)? {
            Fragment::File(path) => Ok(path),
            Fragment::Masked(by) => Err(messages::unit_masked(unit, by)),
            Fragment::Missing | Fragment::Generated => Err(messages::unit_missing(unit)),
        })
    };
    let unit = match file(timer)? {
        Ok(unit) => unit,
        Err(why) => return Ok(Err(messages::enabled_but(timer, why))),
    };
    let said = statements(root, timer, Some(&unit))?;
    let service = match said.iter().rfind(|a| a.is("Timer", "Unit")) {
        Some(named) if !named.value.is_empty() => named.value.clone(),
        _ => timer.replace(".timer", ".service"),
    };
    Ok(match file(&service)? {
        Ok(_) => Ok(unit),
        Err(why) => Err(messages::enabled_but(timer, why)),
    })
}

/// `logrotate.timer`, or one of a product's own such as `aks-logrotate.timer`.
fn is_timer(name: &str) -> bool {
    name == "logrotate.timer" || name.ends_with("-logrotate.timer")
}
