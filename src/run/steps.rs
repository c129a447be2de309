//! The right to start this program again.

use std::ffi::OsString;
use std::path::Path;

use crate::apply;

/// This program, for what is started again.
const OWN: &str = "/proc/self/exe";

/// A program that starts itself again for what runs inside a container of the root.
///
/// Programs of the root never run in this process: [`Options::validate`] and [`Packages`] start this
/// very program again, as the keeper of a container. So it must look at its arguments first, and only
/// a program that has done so gets a `Steps`.
///
/// ```no_run
/// use std::process::ExitCode;
/// use gokaku::run::{Options, Steps};
///
/// fn main() -> ExitCode {
///     // Before anything else, while there is no other thread and no open file.
///     let steps = match Steps::serve(std::env::args_os()) {
///         Ok(steps) => steps,
///         Err(status) => return status.into(),
///     };
///     let options = Options::new().validate(steps);
/// #   drop(options);
///     ExitCode::SUCCESS
/// }
/// ```
///
/// [`Options::validate`]: super::Options::validate
/// [`Packages`]: super::Packages
#[derive(Debug, Clone)]
pub struct Steps(());

impl Steps {
    /// Does the step that the program was started for, if its arguments (the first is its name) say
    /// so. Called first in `main`.
    ///
    /// # Errors
    /// The exit status of the step, with which the program ends.
    pub fn serve(args: impl IntoIterator<Item = OsString>) -> Result<Steps, u8> {
        let args: Vec<OsString> = args.into_iter().collect();
        apply::serve(&args).map_or(Ok(Steps(())), Err)
    }

    /// The program to start.
    pub(super) fn program(&self) -> &'static Path {
        Path::new(OWN)
    }
}
