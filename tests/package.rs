//! The Debian package: what is in it, and that the root's own dpkg installs it and takes it away.
//!
//! `tests/run.sh` builds it (`provision/build-deb.sh`) and names it in `GOKAKU_DEB`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code)] // its `main`
#[path = "../examples/packaging.rs"]
mod packaging;
mod support;

use std::process::Command;

use support::{have, in_overlay, root, skip};

/// A package that happens to lie around may be an old one; only the one that was named counts.
fn package(test: &str) -> Option<String> {
    let named = std::env::var("GOKAKU_DEB").ok();
    if named.is_none() {
        skip(test, "GOKAKU_DEB names no package; tests/run.sh builds one and does");
    }
    named
}

fn verbs() -> Vec<String> {
    gokaku::cli::command().get_subcommands().map(|v| v.get_name().to_owned()).collect()
}

#[test]
fn the_roots_own_dpkg_installs_it_and_purges_it_without_a_trace() {
    let test = "the_roots_own_dpkg_installs_it_and_purges_it_without_a_trace";
    let (Some(package), Some(root)) = (package(test), root(test)) else { return };
    let script = format!(
        r#"
# What dpkg itself keeps is dpkg's business; the file system root's own time, the copy's.
rest() {{ grep -v -e '^/var/lib/dpkg' -e '^/var/log/' -e '^/var/cache/' -e '^/	' "$OUT/$1" >"$OUT/$1.rest"; }}
dpkg_here() {{ chroot "$GOKAKU_ROOT" env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive dpkg "$@"; }}
listing before
cp "{package}" "$GOKAKU_ROOT/gokaku.deb"
dpkg_here --install /gokaku.deb >&2
rm "$GOKAKU_ROOT/gokaku.deb"
chroot "$GOKAKU_ROOT" /usr/bin/gokaku --version >"$OUT/version"
dpkg_here --listfiles gokaku >"$OUT/installed"
dpkg_here --verify gokaku >"$OUT/verify"

"$GOKAKU_ROOT/usr/bin/gokaku" list --profile "$GOKAKU_ROOT/usr/share/gokaku/profiles/aks-ubuntu-18.04" >"$OUT/list"
cp "$GOKAKU_ROOT"/usr/share/man/man1/gokaku*.gz "$OUT/"
dpkg_here --remove gokaku >&2
dpkg_here --purge gokaku >&2
listing after
rest before; rest after
"#
    );
    let Some(ran) = in_overlay(test, &root, &script) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    // A release build in a checkout tells its commit.
    let version = ran.file("version");
    let prefix = format!("gokaku {}", env!("CARGO_PKG_VERSION"));
    assert!(version.starts_with(&prefix), "{version}");
    if support::repository(".git").exists() {
        let commit = version.split(['(', ')']).nth(1).unwrap_or_default();
        let hex = commit.strip_suffix("-dirty").unwrap_or(commit);
        assert!(hex.len() >= 12 && hex.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
    }
    assert_eq!(ran.file("verify"), "", "the files are what the package says");
    assert_eq!(ran.file("list").lines().count(), 206, "the profile of the package loads");
    let files = ran.file("installed");
    let want = [
        "/usr/bin/gokaku",
        "/usr/share/bash-completion/completions/gokaku",
        "/usr/share/zsh/vendor-completions/_gokaku",
        "/usr/share/fish/vendor_completions.d/gokaku.fish",
        "/usr/share/gokaku/provision/need.sh",
        "/usr/share/gokaku/profiles/aks-ubuntu-18.04/profile.toml",
        "/usr/share/doc/gokaku/README.md",
        "/usr/share/doc/gokaku/CHANGELOG.md",
        "/usr/share/doc/gokaku/SECURITY.md",
        "/usr/share/doc/gokaku/ARCHITECTURE.md",
        "/usr/share/doc/gokaku/copyright",
        "/usr/share/doc/gokaku/changelog.Debian.gz",
        "/usr/share/doc/gokaku/changelog.gz",
        "/usr/share/lintian/overrides/gokaku",
        "/usr/share/doc/gokaku/schema/report-1.schema.json",
        "/usr/share/doc/gokaku/schema/list-1.schema.json",
        "/usr/share/gokaku/profiles/aks-node.toml",
        "/usr/share/man/man1/gokaku.1.gz",
    ];
    let pages = verbs().into_iter().map(|v| format!("/usr/share/man/man1/gokaku-{v}.1.gz"));
    for path in want.into_iter().map(str::to_owned).chain(pages) {
        assert!(files.lines().any(|l| l == path), "{path} is missing in\n{files}");
    }
    let stray = files.lines().find(|l| !l.starts_with("/usr") && !matches!(*l, "/." | "/"));
    assert_eq!(stray, None);
    for builder in ["build-static.sh", "build-deb.sh", "demo.sh"] {
        assert!(!files.contains(builder), "{builder} is of no use where it is installed");
    }
    let (before, after) = (ran.listing("before.rest"), ran.listing("after.rest"));
    let differ = |a: &str, b: &str| a.split_whitespace().ne(b.split_whitespace());
    // A directory's time tells that something came and went; nothing else may.
    let left: Vec<_> = after
        .iter()
        .filter(|(path, now)| match before.get(*path) {
            None => true,
            Some(then) if now.starts_with('d') && then.starts_with('d') => {
                let known = |l: &str| l.split(' ').take(3).collect::<Vec<_>>().join(" ");
                known(now) != known(then)
            }
            Some(then) => differ(now, then),
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(before.keys().all(|path| after.contains_key(path)));
    assert!(before.len() > 1000);
}

#[test]
fn lintian_has_nothing_to_say_that_is_not_explained() {
    let test = "lintian_has_nothing_to_say_that_is_not_explained";
    let Some(package) = package(test) else { return };
    if !have(test, &["lintian:lintian"]) {
        return;
    }
    let lintian = |more: &[&str]| {
        let mut command = Command::new("lintian");
        command.args(["--tag-display-limit", "0"]).args(more).arg(&package).env("LC_ALL", "C");
        let out = command.output().unwrap();
        let told = String::from_utf8(out.stdout).unwrap();
        (told, String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (told, errors) = lintian(&[]);
    let found: Vec<&str> = told.lines().filter(|l| l.starts_with(['E', 'W'])).collect();
    assert!(found.is_empty(), "{found:#?}\n{errors}");
    // It has looked: each of these is found, and explained.
    let (told, errors) = lintian(&["--show-overrides"]);
    for tag in ["shared-library-lacks-prerequisites", "uses-dpkg-database-directly"] {
        let line = told.lines().find(|l| l.starts_with("O: gokaku: ") && l.contains(tag));
        assert!(line.is_some(), "{tag}: {told}\n{errors}");
    }
    assert!(!told.contains("unused-override"), "{told}");
}

#[test]
fn the_man_pages_are_clean() {
    let test = "the_man_pages_are_clean";
    if Command::new("groff").arg("--version").output().is_err() {
        return skip(test, "no groff; tests/run.sh installs it");
    }
    let dir = pages();
    let mut names: Vec<String> = verbs().iter().map(|v| format!("gokaku-{v}")).collect();
    names.push("gokaku".to_owned());
    for name in names {
        let page = dir.path().join("man").join(format!("{name}.1"));
        let args = ["-man", "-ww", "-z", "-Kutf8", "-Tutf8"];
        let out = Command::new("groff").args(args).arg(&page).output().unwrap();
        assert!(out.status.success() && out.stderr.is_empty(), "{name}: {out:?}");
        let text = std::fs::read_to_string(&page).unwrap();
        let header = text.lines().find(|l| l.starts_with(".TH")).unwrap().to_owned();
        assert!(header.contains("2026-01-31"), "{header}");
        for section in ["NAME", "SYNOPSIS", "OPTIONS", "\"EXIT STATUS\"", "\"SEE ALSO\""] {
            assert!(text.contains(&format!(".SH {section}\n")), "{name}: no {section}");
        }
        let (_, statuses) = text.split_once(".SH \"EXIT STATUS\"\n").unwrap();
        let (statuses, _) = statuses.split_once(".SH ").unwrap();
        let plain = |text: &str| {
            let bare = text.replace("\\fB", "").replace("\\fR", "");
            bare.replace("\\-", "-").replace('`', "")
        };
        let want = gokaku::cli::status::TABLE;
        let want = want.iter().map(|r| format!(".TP\n.B {}\n{}\n", r.status, plain(r.en)));
        assert_eq!(plain(statuses), want.collect::<String>(), "{name}");
    }
}

#[test]
fn the_completions_are_scripts_that_know_the_verbs() {
    let dir = pages();
    for (file, shell) in [("gokaku.bash", "bash"), ("_gokaku", "zsh"), ("gokaku.fish", "fish")] {
        let path = dir.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        for verb in verbs() {
            assert!(text.contains(&verb), "{file}: no {verb}");
        }
        match Command::new(shell).arg("-n").arg(&path).output() {
            Ok(out) => assert!(out.status.success(), "{out:?}"),
            Err(_) => skip(file, &format!("no {shell} to parse it")),
        }
    }
    // The shell's own question: what may follow these words?
    let ask = r#". "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); \
                 _gokaku gokaku "${*: -1}" "${*: -2:1}"; echo "${COMPREPLY[@]}""#;
    for (words, want) in [
        (&["gokaku", "au"][..], "audit"),
        (&["gokaku", "audit", "--lang", ""], "en ja"),
        (&["gokaku", "audit", "--rule", "1.1.1.1"], "1.1.1.1"),
        (&["gokaku", "plan", "--skip", "5.3.10"], "5.3.10"),
        (&["gokaku", "explain", "6.2.17"], "6.2.17"),
    ] {
        let script = dir.path().join("gokaku.bash");
        match Command::new("bash").args(["-c", ask, "bash"]).arg(script).args(words).output() {
            Ok(out) => {
                let offered = String::from_utf8_lossy(&out.stdout).trim().to_owned();
                assert!(offered.split_whitespace().eq(want.split(' ')), "{words:?}: {out:?}");
            }
            Err(_) => return skip("completions", "no bash to ask"),
        }
    }
}

/// Man pages and completions, as the package has them.
fn pages() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    packaging::write(dir.path(), "2026-01-31").unwrap();
    dir
}
