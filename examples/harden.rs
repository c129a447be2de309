//! A whole run with the library: what would change, then the change, then the report.
//!
//! `cargo run --example harden -- /mnt/image /var/lib/gokaku`

use std::path::Path;

use gokaku::report::text::{Style, render};
use gokaku::rootfs::DiskRootfs;
use gokaku::run::{Hardening, Options};
use gokaku::{Profile, Report, Result};

/// Hardens the root in `dir`; what undoes it goes to `state`.
pub fn harden(dir: &Path, state: &Path) -> Result<Report> {
    let profile = Profile::embedded()?;
    let root = DiskRootfs::open(dir)?;
    let options = Options::new().protect("deploy").state_dir(state);
    let hardening = Hardening::begin(&profile, &root, &options)?;
    for change in hardening.plan().changes {
        print!("{}", change.diff.unwrap_or_default());
    }
    let done = hardening.apply()?;
    print!("{}", render(&done.report, Style::default()));
    Ok(done.report)
}

fn main() -> Result<()> {
    let place = |n| std::env::args_os().nth(n).expect("usage: harden DIRECTORY STATE-DIRECTORY");
    let report = harden(place(1).as_ref(), place(2).as_ref())?;
    std::process::exit(report.exit_status(false).into())
}
