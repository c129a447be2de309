//! What starts logrotate: a daily job, or a timer.

use crate::check::unit_files::{Fragment, fragment};
use crate::check::{Evidence, Gap};
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};

/// What starts logrotate, or the gap.
pub(super) fn trigger(root: &dyn Rootfs) -> Result<Result<Evidence, Gap>> {
    let mut notes = Vec::new();
    for job in ["/etc/cron.daily/logrotate", "/etc/cron.hourly/logrotate"] {
        let path = ImagePath::parse(job)?;
        match root.locate(&path)?.stat {
            Some(s) if s.kind == FileKind::File && s.mode & 0o111 != 0 && s.size > 0 => {
                return Ok(Ok(Evidence::at(&path).found(format!("mode {:04o}", s.mode))));
            }
            Some(s) => notes.push(format!("{job} is a {} of mode {:04o}", s.kind, s.mode)),
            None => {}
        }
    }
    for dir in ["timers", "multi-user", "basic"] {
        let dir = ImagePath::parse(format!("/etc/systemd/system/{dir}.target.wants"))?;
        if root.locate(&dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
            continue;
        }
        for name in root.list(&dir)?.unwrap_or_default() {
            let Some(timer) = name.to_str().filter(|n| is_timer(n)) else { continue };
            match fragment(root, timer, false)? {
                Fragment::File(unit) => {
                    let link = dir.join(&name)?;
                    return Ok(Ok(Evidence::at(&link).found(format!("{timer} enabled ({unit})"))));
                }
                Fragment::Masked(by) => notes.push(format!("{timer} is masked by {by}")),
                Fragment::Missing | Fragment::Generated => {
                    notes.push(format!("{timer} is enabled, but there is no such unit"));
                }
            }
        }
    }
    let evidence = Evidence::at(&ImagePath::parse("/etc/cron.daily/logrotate")?)
        .want("an executable job there, or logrotate.timer enabled");
    let evidence = if notes.is_empty() { evidence } else { evidence.found(notes.join("; ")) };
    let advice = "nothing starts logrotate: run `chmod 0755 /etc/cron.daily/logrotate`, \
                  or `systemctl enable logrotate.timer` where there is one";
    Ok(Err(Gap::no_remedy(evidence, advice)))
}

/// `logrotate.timer`, or one of a product's own such as `aks-logrotate.timer`.
fn is_timer(name: &str) -> bool {
    name == "logrotate.timer" || name.ends_with("-logrotate.timer")
}
