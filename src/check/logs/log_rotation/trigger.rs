//! What starts logrotate: a daily job, or a timer.

use crate::check::systemd::unit_files::{Fragment, fragment, statements};
use crate::check::systemd::units::{self, Pull};
use crate::check::{Evidence, Gap};
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat};
use crate::text::script::{Word, commands};

const JOBS: [&str; 2] = ["/etc/cron.daily/logrotate", "/etc/cron.hourly/logrotate"];
/// There while systemd runs. Newer packages' jobs look for it and leave the work to the timer.
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const SYSTEMD: [&str; 2] = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"];

/// What starts logrotate, or the gap.
pub(super) fn trigger(root: &dyn Rootfs) -> Result<Result<Evidence, Gap>> {
    let mut notes = Vec::new();
    for job in JOBS {
        let path = ImagePath::parse(job)?;
        let Some(stat) = root.locate(&path)?.stat else { continue };
        match idle_job(root, &path, stat)? {
            None => return Ok(Ok(Evidence::at(&path).found(format!("mode {:04o}", stat.mode)))),
            Some(why) => notes.push(format!("{job} {why}")),
        }
    }
    for dir in ["timers", "multi-user", "basic"] {
        let dir = ImagePath::parse(format!("/etc/systemd/system/{dir}.target.wants"))?;
        for name in units::names_in(root, &dir)?.iter() {
            let Some(timer) = name.to_str().filter(|n| is_timer(n)) else { continue };
            let link = dir.join(name)?;
            match started_by(root, &link, timer)? {
                Ok(unit) => {
                    return Ok(Ok(Evidence::at(&link).found(format!("{timer} enabled ({unit})"))));
                }
                Err(why) => notes.push(why),
            }
        }
    }
    let evidence = Evidence::at(&ImagePath::parse(JOBS[0])?)
        .want("an executable job there, or logrotate.timer enabled");
    let evidence = if notes.is_empty() { evidence } else { evidence.found(notes.join("; ")) };
    let advice = "nothing starts logrotate: run `systemctl enable logrotate.timer` where there is \
                  one, or `chmod 0755 /etc/cron.daily/logrotate`";
    Ok(Err(Gap::no_remedy(evidence, advice)))
}

/// Why a job of cron's does not start logrotate.
fn idle_job(root: &dyn Rootfs, path: &ImagePath, stat: Stat) -> Result<Option<String>> {
    if stat.kind != FileKind::File || stat.mode & 0o111 == 0 || stat.size == 0 {
        return Ok(Some(format!("is a {} of mode {:04o}", stat.kind, stat.mode)));
    }
    let mut has_systemd = false;
    for program in SYSTEMD {
        has_systemd |= root.locate(&ImagePath::parse(program)?)?.stat.is_some();
    }
    let text = root.read(path)?.unwrap_or_default();
    let asks = |word: &Word| word.literal().is_some_and(|w| w == SYSTEMD_RUNS);
    let yields = has_systemd && commands(&text).iter().any(|c| c.words.iter().any(asks));
    Ok(yields.then(|| "leaves the work to a timer where systemd runs".to_owned()))
}

/// The unit file of an enabled timer, or why it does not start logrotate.
fn started_by(
    root: &dyn Rootfs,
    link: &ImagePath,
    timer: &str,
) -> Result<Result<ImagePath, String>> {
    if units::pull(root, link)? != Some(Pull::Link) {
        return Ok(Err(format!("{link} pulls nothing in")));
    }
    let file = |unit: &str| -> Result<Result<ImagePath, String>> {
        Ok(match fragment(root, unit, false)? {
            Fragment::File(path) => Ok(path),
            Fragment::Masked(by) => Err(format!("{unit} is masked by {by}")),
            Fragment::Missing | Fragment::Generated => Err(format!("there is no {unit}")),
        })
    };
    let unit = match file(timer)? {
        Ok(unit) => unit,
        Err(why) => return Ok(Err(format!("{timer} is enabled, but {why}"))),
    };
    let said = statements(root, timer, Some(&unit))?;
    let service = match said.iter().rfind(|a| a.is("Timer", "Unit")) {
        Some(named) if !named.value.is_empty() => named.value.clone(),
        _ => timer.replace(".timer", ".service"),
    };
    Ok(match file(&service)? {
        Ok(_) => Ok(unit),
        Err(why) => Err(format!("{timer} is enabled, but {why}")),
    })
}

/// `logrotate.timer`, or one of a product's own such as `aks-logrotate.timer`.
fn is_timer(name: &str) -> bool {
    name == "logrotate.timer" || name.ends_with("-logrotate.timer")
}
