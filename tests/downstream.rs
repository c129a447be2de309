//! `tests/downstream/` is a crate of its own, as the repository of an image has it: its tests run here
//! without root, and `docs/library.md` is made of it.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod cases;
#[path = "archives/pack.rs"]
#[allow(dead_code)]
mod pack;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gokaku::rootfs::Source;
use support::{have, repository, skip};

/// Runs the words behind it as an ordinary user who has numbers for a user namespace.
const AS_SOMEBODY: &str = r#"
mkdir etc
cp /etc/passwd etc/
echo 'builder:x:54321:54321::/:/bin/sh' >>etc/passwd
echo 'builder:200000:65536' | tee etc/subuid >etc/subgid
exec unshare -m sh -euc 'mount -t overlay overlay -o "lowerdir=$PWD/etc:/etc" /etc
    exec setpriv --reuid=54321 --regid=54321 --clear-groups "$@"' sh "$@"
"#;

/// The tests of the other crate, built, beside their image.
struct Downstream {
    dir: tempfile::TempDir,
}

impl Downstream {
    fn build() -> Downstream {
        let out = Command::new(env!("CARGO"))
            .args(["test", "--no-run", "--offline", "--locked", "--message-format=json"])
            .current_dir(repository("tests/downstream"))
            .env("CARGO_TARGET_DIR", repository("target/downstream"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{told}");
        assert!(!told.contains("warning"), "{told}");
        let lines = String::from_utf8(out.stdout).unwrap();
        let mut built = lines.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            let own = message["target"]["name"] == "image";
            message["executable"].as_str().filter(|_| own).map(PathBuf::from)
        });
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::copy(built.next_back().expect("the tests of the image"), at("image-tests")).unwrap();
        fs::write(at("image.tar"), pack::tar(&cases::base())).unwrap();
        for (name, mode) in [("", 0o755), ("image-tests", 0o755)] {
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        Downstream { dir }
    }

    /// Runs its tests with these arguments; `None`: an ordinary user cannot be had here.
    fn test(&self, test: &str, image: &str, args: &[&str]) -> Option<Output> {
        let own = self.dir.path().join("image-tests");
        let mut command = match users::get_effective_uid() {
            0 => {
                if !have(test, &["setpriv:util-linux", "newuidmap:uidmap"]) {
                    return None;
                }
                let _ = fs::remove_dir_all(self.dir.path().join("etc"));
                let mut command = Command::new("sh");
                command.args(["-euc", AS_SOMEBODY, "sh"]).arg(own);
                command
            }
            _ => Command::new(own),
        };
        command.args(args).env("IMAGE", image);
        command.env("RUST_BACKTRACE", "0");
        let out = command.current_dir(self.dir.path()).output().unwrap();
        if !String::from_utf8_lossy(&out.stdout).contains("running") {
            skip(test, &format!("no ordinary user: {}", String::from_utf8_lossy(&out.stderr)));
            return None;
        }
        Some(out)
    }
}

fn told(out: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    format!("{out}\n{err}")
}

#[test]
fn an_image_is_tested_and_a_directory_hardened_without_root() {
    let test = "an_image_is_tested_and_a_directory_hardened_without_root";
    let downstream = Downstream::build();
    let Some(out) = downstream.test(test, "image.tar", &[]) else { return };
    let forbidden = told(&out).contains("unshare: ");
    if forbidden {
        skip(test, &format!("no user namespace with a range of numbers here: {}", told(&out)));
    }
    assert!(out.status.success() || forbidden, "{}", told(&out));
    for name in
        ["the_image_is_as_we_build_it", "hardening_leaves_the_firewall_and_the_forwarding_alone"]
    {
        assert!(told(&out).contains(&format!("test {name} ... ok")), "{}", told(&out));
    }
    // The same image as `docker save` writes it.
    let saved =
        pack::docker(&downstream.dir.path().join("saved.tar"), &[pack::tar(&cases::base())]);
    assert!(matches!(saved, Source::Docker(..)));
    let skip = ["--skip", "a_hardened_directory_is_as_declared"];
    let out = downstream.test(test, &saved.to_string(), &skip).unwrap();
    assert!(out.status.success() && told(&out).contains("3 passed"), "{}", told(&out));
}

/// The blocks of a page in this language of code, without their fences.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let starts = page.split(&fence).skip(1);
    starts.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_shows_what_a_failing_assertion_says() {
    let test = "the_page_shows_what_a_failing_assertion_says";
    let downstream = Downstream::build();
    let args = ["--ignored", "--exact", "passwords_stay_a_day_and_root_stays_out"];
    let Some(out) = downstream.test(test, "image.tar", &args) else { return };
    assert_eq!(out.status.code(), Some(101), "{}", told(&out));
    // The directory is another one each time.
    let said = told(&out).replace(&format!("{}/", downstream.dir.path().display()), "/ci/");
    for name in PAGES {
        let page = fs::read_to_string(repository(name)).unwrap();
        let shown = blocks(&page, "text");
        assert_eq!(shown.len(), 1, "{name}");
        assert!(said.contains(&shown[0]), "{name} shows\n{}\nand not\n{said}", shown[0]);
    }
}

const PAGES: [&str; 2] = ["docs/library.md", "docs/library.ja.md"];

/// Lines without their indentation.
fn lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

#[test]
fn the_page_is_made_of_the_crate() {
    let read = |path: &str| fs::read_to_string(repository(path)).unwrap();
    let code = lines(&(read("tests/downstream/tests/image.rs") + &read("examples/harden.rs")));
    let manifest = read("tests/downstream/Cargo.toml");
    let own: Vec<String> = PAGES.map(|name| blocks(&read(name), "rust").concat()).into();
    assert_eq!(own[0], own[1], "the same code in both languages");
    for name in PAGES {
        let page = read(name);
        let shown = blocks(&page, "rust");
        assert!(shown.len() >= 5, "{name}");
        for block in shown {
            assert!(code.contains(&lines(&block)), "{name}: no test has\n{block}");
        }
        let [path, git] = blocks(&page, "toml").try_into().unwrap();
        assert!(manifest.contains(&path.replace("../gokaku", "../..")), "{name}: {path}");
        // By repository: the same but for the place.
        let place = git.lines().find(|line| line.starts_with("gokaku = ")).unwrap();
        assert!(place.contains("git = ") && place.contains("default-features = false"), "{place}");
    }
}

#[test]
fn every_public_name_has_its_use_on_the_page() {
    let listed = fs::read_to_string(repository("tests/data/api.txt")).unwrap();
    let kinds = ["struct", "enum", "trait", "const", "mod", "fn"];
    for name in PAGES {
        let page = fs::read_to_string(Path::new(&repository(name))).unwrap();
        for line in listed.lines().filter_map(|line| line.strip_prefix("pub ")) {
            let line = line.strip_prefix("non_exhaustive ").unwrap_or(line);
            let Some((kind, rest)) = line.split_once(' ') else { continue };
            let item = rest.split(['(', '<', ':', ' ']).next();
            let path = rest.split(['(', '<', ' ']).next().unwrap().trim_end_matches(':');
            let parts: Vec<&str> = path.split("::").collect();
            // Functions of a type are documented with it.
            let of_type = parts.iter().rev().skip(1).any(|p| p.starts_with(char::is_uppercase));
            if !kinds.contains(&kind) || of_type || item.is_none() {
                continue;
            }
            let last = parts.last().unwrap();
            assert!(
                page.contains(&format!("`{last}`")),
                "{name} says nothing of `{last}` ({path})"
            );
        }
    }
}
