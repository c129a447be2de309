//! A process in the tree that exchanges directories for links while gokaku is at work.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gokaku::plan;
use gokaku::rootfs::{DiskRootfs, Resolver};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::trap::{self, Trap, Watch, amount, as_root, assert_blind, rules};

/// What is exchanged for a link to the host's own.
const TARGETS: &[&str] = &[
    "etc",
    "etc/ssh",
    "etc/sysctl.d",
    "etc/modprobe.d",
    "etc/security",
    "etc/crontab",
    "etc/shadow",
    "etc/ssh/sshd_config",
    "etc/pam.d",
];

/// Ends the exchanges whatever becomes of the runs: a run that fails the test must not wait for them.
struct Until<'s>(&'s AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_million_swaps_of_directories_for_links_reach_nothing_outside() {
    if !as_root("races::a_million_swaps_of_directories_for_links_reach_nothing_outside") {
        return;
    }
    // A million, asked for; enough to hit every window some times otherwise.
    let wanted = amount("GOKAKU_TEST_SWAPS", 60_000);
    let rules = rules();
    let (mut swaps, mut runs, mut refused) = (0, 0, 0);
    let mut turn = 0;
    while swaps < wanted || turn < 2 * TARGETS.len() {
        let resolver = if turn % 2 == 0 { Resolver::detect() } else { Resolver::Walk };
        let target = TARGETS[(turn / 2) % TARGETS.len()];
        turn += 1;
        let trap = Trap::new();
        let watch = Watch::tree(&trap.host());
        let inside = trap.root().join(target);
        // Beside the tree's own entry, on the same filesystem, so that one call exchanges them.
        let link = trap.root().join("link");
        symlink(trap.host().join(target), &link).unwrap();
        let stop = AtomicBool::new(false);
        let done = AtomicUsize::new(0);
        let root = DiskRootfs::open_with(&trap.root(), resolver).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // A pair, so that the tree's own entry is there half of the time and at the end.
                    for _ in 0..2 {
                        let flags = RenameFlags::EXCHANGE;
                        if renameat_with(CWD, &link, CWD, &inside, flags).is_ok() {
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    if done.load(Ordering::Relaxed).is_multiple_of(64) {
                        std::thread::yield_now();
                    }
                }
            });
            let _until = Until(&stop);
            for round in 0..3 {
                assert_blind(&plan::audit(&rules, &root.reopen().unwrap()), target);
                // What an earlier round could not put right must not stop this one.
                let state = trap.state().join(round.to_string());
                match trap::harden(&root, &state) {
                    Ok(done) => assert_blind(&done.report.rules, target),
                    Err(e) => {
                        refused += 1;
                        assert!(!e.to_string().contains("canary"), "{target}: {e}");
                    }
                }
                runs += 1;
            }
        });
        let heard = watch.heard();
        assert!(heard.is_empty(), "{target} ({resolver:?}): {heard:?}");
        swaps += done.load(Ordering::Relaxed);
        fs::remove_dir_all(trap.root()).unwrap();
    }
    println!(
        "{swaps} swaps at {} places during {runs} audits and {runs} applies ({refused} of them gave \
         up), through both resolvers: the host was never opened",
        TARGETS.len()
    );
}
