//! Signals that ask the program to end.
//!
//! A run that writes ends between two steps and undoes them; a second signal kills at once, and the
//! next run undoes what was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use super::messages;
use crate::apply::Stop;
use crate::message::{Arg, say};

/// From here on, SIGINT, SIGTERM and SIGHUP stop a run in good order. Those that the caller has
/// made us ignore (`nohup`, a shell's background job) stay ignored.
pub fn watch() -> Stop {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if is_ignored(signal) {
            continue;
        }
        let again = Arc::new(AtomicBool::new(false));
        let registered = flag::register_conditional_default(signal, Arc::clone(&again))
            .and_then(|_| flag::register(signal, again))
            .and_then(|_| {
                flag::register_usize(signal, stop.flag(), signal.unsigned_abs() as usize)
            });
        if let Err(e) = registered {
            say!(warn, messages::signal_ends_at_once(signal, Arg::cause(e)));
        }
    }
    // A limit on the size of files is an error to report and undo, not a reason to die.
    if let Err(e) = flag::register(SIGXFSZ, Arc::default()) {
        say!(warn, messages::file_limit_ends_at_once(Arg::cause(e)));
    }
    stop
}

/// The exit status of the last signal that asked for the end, 0 before: for a run that only waits for another
/// process, which a second signal would leave without care. What is ignored stays ignored.
pub fn watch_for_another() -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    for signal in [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)) {
        let status = 128 + signal.unsigned_abs() as usize;
        if let Err(e) = flag::register_usize(signal, Arc::clone(&asked), status) {
            say!(warn, messages::signal_ends_at_once(signal, Arg::cause(e)));
        }
    }
    asked
}

/// Whether this process was started with the signal ignored.
fn is_ignored(signal: i32) -> bool {
    #[allow(clippy::disallowed_methods)] // about this process, not about a target
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}
