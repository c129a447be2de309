//! Something else at every path that gokaku reads or writes, and at every directory above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use gokaku::check::{Audit, Options};
use gokaku::plan;
use gokaku::rootfs::{DiskRootfs, FileKind, MemoryRootfs, Resolver, Rootfs};

use crate::cases;
use crate::support;
use crate::trap::{self, Trap, Watch, amount, as_root, assert_blind, rules, snapshot, walk};

/// Every path that an audit tells of, that a plan changes, or that a row's words name: of the stock
/// tree and of one with nothing but an identity.
fn managed() -> BTreeSet<String> {
    let bare = MemoryRootfs::new()
        .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
        .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        .file("/etc/group", "root:x:0:\n")
        .file("/etc/fstab", "LABEL=root\t/\text4\tdefaults\t0 0\n");
    let rules = rules();
    let mut found = BTreeSet::new();
    for image in [bare, cases::base()] {
        let plan = plan::plan(&rules, &image).unwrap();
        found.extend(plan.changes().iter().map(|c| c.path.to_string()));
        for row in plan.before.iter().chain(&plan.after) {
            found.extend(row.seen().filter_map(|e| Some(e.path.as_ref()?.to_string())));
        }
    }
    let word = regex::Regex::new(r#""(/(?:etc|usr|var|lib|boot|root)/[A-Za-z0-9_./-]+)""#).unwrap();
    for rule in &rules {
        for want in rule.wants() {
            found.extend(word.captures_iter(want).map(|c| c[1].trim_end_matches('/').to_owned()));
        }
    }
    found
}

/// The same with the directories above each; `true` for the paths themselves.
fn positions() -> BTreeMap<String, bool> {
    let mut all = BTreeMap::new();
    for path in managed() {
        for (at, _) in path.match_indices('/').skip(1) {
            all.entry(path[..at].to_owned()).or_insert(false);
        }
        all.insert(path, true);
    }
    all.remove("");
    all.remove("/");
    all
}

/// What is put in the place of a path. `false`: this machine cannot make it.
struct Plant {
    name: &'static str,
    /// Also in place of directories on the way.
    above: bool,
    make: fn(&Trap, &str) -> bool,
}

fn special(at: &Path, kind: &[&str]) -> bool {
    let made = Command::new("mknod").arg(at).args(kind).output().unwrap();
    made.status.success()
}

fn link(trap: &Trap, path: &str, target: impl AsRef<Path>) -> bool {
    symlink(target, trap.instead(path)).is_ok()
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "an absolute link to the host",
        above: true,
        make: |t, p| link(t, p, format!("{}{p}", t.host().display())),
    },
    Plant {
        name: "a relative link to the host",
        above: true,
        make: |t, p| {
            let up = "../".repeat(p.matches('/').count());
            link(t, p, format!("{up}host{p}"))
        },
    },
    Plant {
        name: "a link that climbs far above the root",
        above: true,
        make: |t, p| {
            link(t, p, format!("{}{}{p}", "../".repeat(40), &t.host().display().to_string()[1..]))
        },
    },
    Plant {
        name: "a link by way of the process's own files",
        above: true,
        make: |t, p| link(t, p, format!("/proc/self/root{}{p}", t.host().display())),
    },
    Plant { name: "a loop of links", above: true, make: |t, p| link(t, p, p) },
    Plant { name: "a link to the root", above: true, make: |t, p| link(t, p, "/") },
    Plant {
        name: "a link through something missing",
        above: true,
        make: |t, p| link(t, p, "missing/../../../etc/shadow"),
    },
    Plant { name: "a named pipe", above: true, make: |t, p| special(&t.instead(p), &["p"]) },
    Plant {
        name: "a socket",
        above: true,
        make: |t, p| std::os::unix::net::UnixListener::bind(t.instead(p)).is_ok(),
    },
    Plant {
        name: "an endless device",
        above: false,
        make: |t, p| special(&t.instead(p), &["c", "1", "5"]),
    },
    Plant { name: "a disk", above: false, make: |t, p| special(&t.instead(p), &["b", "7", "0"]) },
    Plant {
        name: "a sparse file of a terabyte",
        above: false,
        make: |t, p| fs::File::create(t.instead(p)).unwrap().set_len(1 << 40).is_ok(),
    },
    Plant {
        name: "a directory (or a file where one belongs)",
        above: true,
        make: |t, p| {
            let path = t.root().join(&p[1..]);
            let was_dir = path.is_dir() && !path.is_symlink();
            let path = t.instead(p);
            if was_dir {
                fs::write(path, "x").is_ok()
            } else {
                fs::create_dir_all(path.join("x")).is_ok()
            }
        },
    },
    Plant {
        name: "a file that a home has too",
        above: false,
        make: |t, p| {
            let path = t.root().join(&p[1..]);
            if path.is_dir() || path.is_symlink() {
                return false;
            }
            let home = t.file("home/eve/mine", "old\n");
            let path = if path.exists() {
                fs::remove_file(&home).unwrap();
                path
            } else {
                t.instead(p)
            };
            if path.exists() {
                fs::hard_link(path, home).is_ok()
            } else {
                fs::hard_link(home, path).is_ok()
            }
        },
    },
];

/// One tree with one thing planted, through one resolver: judged and hardened.
fn run(trap: &Trap, path: &str, plant: &Plant, resolver: Resolver) {
    let at = format!("{} at {path} ({resolver:?})", plant.name);
    let planted = trap.root().join(&path[1..]);
    let kind = |p: &Path| fs::symlink_metadata(p).ok().map(|m| (m.file_type(), m.len()));
    let was = kind(&planted);
    let watch = Watch::tree(&trap.host());
    let is_special = was.as_ref().is_some_and(|(kind, size)| {
        *size > 1 << 30 || !(kind.is_dir() || kind.is_file() || kind.is_symlink())
    });
    let at_planted = Watch::none();
    if is_special {
        at_planted.add(&planted);
    }
    let home = fs::read(trap.root().join("home/eve/mine")).ok();
    let before = snapshot(&trap.root());
    let rules = rules();
    // With the walk over all files, which is to follow no link either.
    let root = DiskRootfs::open_with(&trap.root(), resolver).unwrap();
    let options = Options { survey: true, ..Options::default() };
    assert_blind(&plan::audit(&rules, Audit::new(&root, &options)), &at);
    assert_eq!(snapshot(&trap.root()), before, "{at}: an audit writes nothing");
    match trap::harden(&root, &trap.state()) {
        Ok(done) => assert_blind(&done.report.rules, &at),
        Err(e) => {
            assert!(!e.to_string().contains("canary"), "{at}: {e}");
            assert_eq!(snapshot(&trap.root()), before, "{at}: {e}");
        }
    }
    let heard = watch.heard();
    assert!(heard.is_empty(), "{at}: {heard:?}");
    // Nothing but a regular file is opened; that one for its mode, but it is not read.
    let is_file = was.as_ref().is_some_and(|(kind, _)| kind.is_file());
    let heard: Vec<String> = at_planted
        .heard()
        .into_iter()
        .filter(|e| !is_file || e.contains("ACCESS") || e.contains("MODIFY"))
        .filter(|e| !e.contains("ATTRIB") || e.contains("OPEN"))
        .collect();
    assert!(heard.is_empty(), "{at}: {heard:?}");
    if is_special {
        assert_eq!(kind(&planted), was, "{at}: is replaced");
    }
    // The other name of a file that is written anew keeps the old bytes.
    assert_eq!(fs::read(trap.root().join("home/eve/mine")).ok(), home, "{at}");
    let left =
        walk(&trap.root()).into_iter().find(|(p, _)| p.to_string_lossy().contains(".gokaku-"));
    assert!(left.is_none(), "{at}: {left:?}");
}

#[test]
fn nothing_planted_at_any_managed_path_leads_out_or_hangs() {
    if !as_root("paths::nothing_planted_at_any_managed_path_leads_out_or_hangs") {
        return;
    }
    // Every one with 1; a part of them, another for each resolver, otherwise.
    let step = amount("GOKAKU_TEST_PATHS_STEP", 17);
    let positions = positions();
    let resolvers: BTreeSet<String> =
        [Resolver::detect(), Resolver::Walk].iter().map(|r| format!("{r:?}")).collect();
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut impossible: BTreeMap<&str, usize> = BTreeMap::new();
    let mut number = 0;
    for (path, is_managed) in &positions {
        for plant in PLANTS.iter().filter(|p| p.above || *is_managed) {
            for resolver in [Resolver::Openat2, Resolver::Walk] {
                number += 1;
                if number % step != 0 || !resolvers.contains(&format!("{resolver:?}")) {
                    continue;
                }
                let trap = Trap::new();
                if (plant.make)(&trap, path) {
                    run(&trap, path, plant, resolver);
                    *tried.entry(plant.name).or_default() += 1;
                } else {
                    *impossible.entry(plant.name).or_default() += 1;
                }
            }
        }
    }
    for (name, count) in impossible.iter().filter(|(name, _)| !tried.contains_key(*name)) {
        support::skip("paths", &format!("{name} ({count} cases): cannot be made here"));
    }
    let total: usize = tried.values().sum();
    assert!(total > 100, "{total}");
    println!(
        "{} managed paths, {} positions, {} resolvers: {total} of {number} hostile cases tried, 0 \
         escapes; {tried:?}",
        positions.values().filter(|m| **m).count(),
        positions.len(),
        resolvers.len()
    );
}

#[test]
fn everything_at_once_is_a_special_file() {
    if !as_root("paths::everything_at_once_is_a_special_file") {
        return;
    }
    for plant in PLANTS {
        for resolver in [Resolver::detect(), Resolver::Walk] {
            let trap = Trap::new();
            let identity = ["/etc/os-release", "/usr/lib/os-release"];
            // Longest first: what stands above another would take it away.
            let mut paths: Vec<String> = managed().into_iter().collect();
            paths.sort_by_key(|p| std::cmp::Reverse(p.len()));
            let mut made = Vec::new();
            for path in paths.iter().filter(|p| !identity.contains(&p.as_str())) {
                let parent_is_dir = trap.root().join(&path[1..]).parent().unwrap().is_dir();
                if !paths.iter().any(|p| p.starts_with(&format!("{path}/")))
                    && parent_is_dir
                    && plant.name != "a file that a home has too"
                    && (plant.make)(&trap, path)
                {
                    made.push(trap.root().join(&path[1..]));
                }
            }
            if made.is_empty() {
                continue;
            }
            let kind = |p: &PathBuf| fs::symlink_metadata(p).ok().map(|m| (m.file_type(), m.len()));
            let kinds: Vec<_> = made.iter().map(kind).collect();
            let is_file = kinds.iter().flatten().all(|(kind, _)| kind.is_file());
            let at_planted = Watch::none();
            for (path, (kind, size)) in made.iter().zip(kinds.iter().flatten()) {
                if *size > 1 << 30 || !(kind.is_dir() || kind.is_file() || kind.is_symlink()) {
                    at_planted.add(path);
                }
            }
            let watch = Watch::tree(&trap.host());
            let root = DiskRootfs::open_with(&trap.root(), resolver).unwrap();
            assert_blind(&plan::audit(&rules(), &root), plant.name);
            let _ = trap::harden(&root, &trap.state());
            let heard = watch.heard();
            assert!(heard.is_empty(), "{}: {heard:?}", plant.name);
            // A file may be opened for its mode, and mode and owner of anything be set.
            let heard = at_planted.heard().into_iter().find(|e| {
                e.contains("ACCESS") || e.contains("MODIFY") || (e.contains("OPEN") && !is_file)
            });
            assert_eq!(heard, None, "{}", plant.name);
            if kinds.iter().flatten().all(|(kind, _)| !kind.is_dir() && !kind.is_symlink()) {
                let now: Vec<_> = made.iter().map(kind).collect();
                assert_eq!(now, kinds, "{}: is replaced", plant.name);
            }
        }
    }
}

/// The resolvers, and the one by name that the stage uses, agree on trees made at random.
#[test]
fn the_resolvers_agree_on_random_trees_of_links() {
    if Resolver::detect() == Resolver::Walk {
        support::skip("the_resolvers_agree_on_random_trees_of_links", "this kernel has no openat2");
        return;
    }
    let mut seed = amount("GOKAKU_TEST_SEED", 18_04) as u64;
    let mut dice = move |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let rounds = amount("GOKAKU_TEST_LINK_TREES", 150);
    let mut looked = 0;
    for round in 0..rounds {
        let top = crate::trap::scratch();
        let root = top.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::create_dir(top.path().join("a")).unwrap();
        fs::write(top.path().join("a/b"), "outside").unwrap();
        let mut name = || ["a", "b", "c", "..", ".", ""][dice(6) as usize].to_owned();
        let mut places = vec![String::new()];
        let mut told = Vec::new();
        for _ in 0..14 {
            let parent = places[name().len() * 7 % places.len()].clone();
            let parent = if name() == "a" { String::new() } else { parent };
            let own = ["a", "b", "c", "d"][(name().len() + places.len()) % 4];
            let path = format!("{parent}/{own}");
            let at = root.join(&path[1..]);
            if fs::symlink_metadata(&at).is_ok() {
                continue;
            }
            match name().as_str() {
                "a" => fs::write(&at, &path).unwrap(),
                "b" | "c" => {
                    fs::create_dir(&at).unwrap();
                    places.push(path.clone());
                }
                _ => {
                    let mut target: Vec<String> = (0..4).map(|_| name()).collect();
                    target.retain(|part| !part.is_empty() || target_is_odd(&path));
                    let slash = if name() == "." { "/" } else { "" };
                    let text = format!("{slash}{}", target.join("/"));
                    if !text.is_empty() {
                        symlink(&text, &at).unwrap();
                        told.push(format!("{path} -> {text}"));
                    }
                }
            }
        }
        let disks =
            [Resolver::Openat2, Resolver::Walk].map(|r| DiskRootfs::open_with(&root, r).unwrap());
        for a in ["a", "b", "c", "d"] {
            for b in ["", "/a", "/b", "/c", "/a/b", "/b/a/c", "/d/a"] {
                let path = format!("/{a}{b}").parse().unwrap();
                looked += 1;
                let answers = disks.each_ref().map(|disk| {
                    let kind = disk.stat(&path).map(|s| s.map(|s| s.kind));
                    let text = disk.read_bytes(&path, 99).map(|t| t.map(|t| t.to_vec()));
                    let list = disk.list(&path);
                    format!("{kind:?} {text:?} {list:?}")
                });
                assert_eq!(answers[0], answers[1], "{round}: {path} of {told:#?}");
                assert!(!answers[0].contains("outside"), "{path}: {}", answers[0]);
                // By name: the same kind, or the same failure to get there.
                let named = disks[0].locate(&path);
                let kind = named.as_ref().map(|l| l.stat.map(|s| s.kind)).ok();
                let by_kernel = disks[0].list(&path);
                match (&kind, by_kernel) {
                    (Some(Some(FileKind::Dir)), answer) => {
                        assert!(answer.unwrap().is_some(), "{path} {told:#?}")
                    }
                    (Some(None), answer) => assert!(answer.unwrap().is_none(), "{path} {told:#?}"),
                    (None, answer) => assert!(answer.is_err(), "{path} {told:#?}"),
                    _ => {}
                }
            }
        }
    }
    println!("{rounds} trees of links, {looked} look-ups through three resolvers, 0 differences");
}

fn target_is_odd(path: &str) -> bool {
    path.len() % 2 == 1
}
