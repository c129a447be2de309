//! The commands of `docs/pipelines.md`, taken out of it and run as they stand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::image::TREE;
use crate::support::{self, gokaku, have, is_root, repository, skip, static_binary};

/// The fenced blocks with a mark above them, by its name, and those without.
fn recipes() -> (BTreeMap<String, String>, Vec<String>) {
    let text = std::fs::read_to_string(repository("docs/pipelines.md")).unwrap();
    let (mut named, mut others) = (BTreeMap::new(), Vec::new());
    let mut lines = text.lines();
    let mut mark = None;
    let mut paragraph = String::new();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("<!-- recipe: ").and_then(|l| l.strip_suffix(" -->"))
        {
            mark = Some(name.to_owned());
        } else if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            match mark.take() {
                Some(name) => {
                    assert_eq!(named.insert(name.clone(), block.join("\n")), None, "{name} twice");
                }
                None => others.push(paragraph.clone()),
            }
        } else if !line.is_empty() {
            line.clone_into(&mut paragraph);
        }
    }
    (named, others)
}

fn recipe(name: &str) -> String {
    recipes().0.remove(name).unwrap_or_else(|| panic!("docs/pipelines.md has no recipe {name}"))
}

#[test]
fn every_block_of_the_document_is_tested_or_says_that_it_is_not() {
    let (named, others) = recipes();
    let tested =
        ["buildah", "chroot", "containerfile", "directory", "mmdebstrap", "nspawn", "unshare"];
    assert!(named.keys().eq(tested), "{:?}", named.keys());
    for paragraph in others {
        assert!(paragraph.contains("not tested"), "{paragraph:?} stands above an untested block");
    }
}

/// A directory with `root`, `root.tar` and `gokaku`, as the document says.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(test: &str) -> Option<Place> {
        if !is_root(test, "run this recipe on a root with its owners") {
            return None;
        }
        let (binary, rootfs) = (static_binary(test)?, support::root(test)?);
        let place = Place { dir: tempfile::tempdir().unwrap() };
        std::fs::copy(binary, place.path("gokaku")).unwrap();
        let script = format!("{TREE}\ntree root; tar -C root -cf root.tar .");
        let mut make = place.command("sh");
        let made = make.env("ROOTFS", rootfs).args(["-euc", &script]).status().unwrap();
        assert!(made.success());
        Some(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = support::bare_command(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{path}:/usr/sbin:/sbin", self.dir.path().display()))
            .env("GOKAKU_STATE_DIR", self.path("host-state"))
            .env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, script: &str, settings: &[(&str, &str)]) -> Output {
        let mut shell = self.command("sh");
        shell.args(["-euc", script]).envs(settings.iter().copied()).output().unwrap()
    }

    /// The root is as declared, and neither program nor state is in it.
    fn hardened(&self, root: &str) {
        let audit = gokaku().args(["audit", "--root"]).arg(self.path(root)).output().unwrap();
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
        let find = format!("find {root} -name '*gokaku*' -not -path '*/proc/*'");
        let left = self.run(&find, &[]);
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    }

    fn unpacked(&self, tar: &str) -> &str {
        succeeded(&self.run(&format!("mkdir out; tar -C out -xpf {tar}"), &[]));
        "out"
    }
}

fn succeeded(out: &Output) {
    let said = [&out.stdout, &out.stderr].map(|o| String::from_utf8_lossy(o).into_owned());
    assert!(out.status.success(), "{}\n{}", out.status, said.concat());
}

#[test]
fn directory() {
    let Some(place) = Place::new("recipes::directory") else { return };
    succeeded(&place.run(&recipe("directory"), &[]));
    place.hardened("root");
    assert!(place.path("report.json").exists());
    assert!(!place.path("host-state").exists(), "the journal is dropped");
}

#[test]
fn unshare() {
    let test = "recipes::unshare";
    if !have(test, &["newuidmap:uidmap"]) {
        return;
    }
    let Some(place) = Place::new(test) else { return };
    // An ordinary user that only this test sees: the account files are its own copies.
    let script = r#"
rm -rf root
for file in passwd group subuid subgid; do cp "/etc/$file" "own-$file" 2>/dev/null || :; done
echo "recipe:x:54321:54321::$PWD:/bin/sh" >>own-passwd
echo "recipe:x:54321:" >>own-group
echo recipe:700000:65536 | tee -a own-subuid >>own-subgid
for file in passwd group subuid subgid; do
    [ -e "/etc/$file" ] || exit 77
    mount --bind "own-$file" "/etc/$file"
done
chown 54321:54321 . root.tar
chmod 711 .
setpriv --reuid 54321 --regid 54321 --clear-groups unshare -Ur --map-auto true || exit 77
setpriv --reuid 54321 --regid 54321 --clear-groups sh -euc "$RECIPE"
"#;
    let mut shell = place.command("unshare");
    shell.args(["-m", "--propagation", "private", "sh", "-euc", script]);
    let out = shell.env("RECIPE", recipe("unshare")).output().unwrap();
    if out.status.code() == Some(77) {
        skip(test, "no user namespaces for ordinary users here");
        return;
    }
    succeeded(&out);
    // The owners in the tar are those of the root, not the user's.
    place.hardened(place.unpacked("hardened.tar"));
    let shadow = place.run("stat -c %u:%g:%a out/etc/shadow", &[]);
    assert!(String::from_utf8_lossy(&shadow.stdout).starts_with("0:42:"), "{shadow:?}");
}

#[test]
fn chroot() {
    let Some(place) = Place::new("recipes::chroot") else { return };
    succeeded(&place.run(&recipe("chroot"), &[]));
    place.hardened("root");
}

#[test]
fn nspawn() {
    let test = "recipes::nspawn";
    if !have(test, &["systemd-nspawn:systemd-container"]) {
        return;
    }
    let Some(place) = Place::new(test) else { return };
    // It wants /run not to be on a disk, which in a container of its own it may be.
    let mut shell = place.command("unshare");
    shell.args(["-m", "--propagation", "private", "sh", "-euc"]);
    shell.arg(format!("mount -t tmpfs tmpfs /run\n{}", recipe("nspawn")));
    succeeded(&shell.output().unwrap());
    place.hardened("root");
}

#[test]
fn mmdebstrap() {
    let test = "recipes::mmdebstrap";
    if !have(test, &["mmdebstrap:mmdebstrap"]) {
        return;
    }
    let Some(place) = Place::new(test) else { return };
    // The root that is here, in place of one from the network.
    let hook = "#!/bin/sh\ntar -C \"$1\" -xpf \"$DIR/root.tar\" && mkdir -p \"$1/dev/pts\" \"$1/dev/shm\"\n";
    std::fs::write(place.path("hook"), hook).unwrap();
    succeeded(&place.run("chmod +x hook", &[]));
    let options = format!(
        "--mode=root --variant=custom --setup-hook={} --skip=update,setup,cleanup",
        place.path("hook").display()
    );
    let dir = place.path("");
    let settings = [("OPTIONS", &*options), ("SUITE", ""), ("DIR", dir.to_str().unwrap())];
    succeeded(&place.run(&recipe("mmdebstrap"), &settings));
    place.hardened(place.unpacked("hardened.tar"));
}

/// Buildah's store in the test's own directory, with the driver and isolation that work anywhere.
fn buildah(place: &Place, script: &str) -> Output {
    let dir = place.dir.path().display();
    let store = format!(
        "[storage]\ndriver = \"vfs\"\ngraphroot = \"{dir}/store\"\nrunroot = \"{dir}/storerun\"\n"
    );
    std::fs::write(place.path("storage.conf"), store).unwrap();
    let conf = place.path("storage.conf");
    let settings = [
        ("CONTAINERS_STORAGE_CONF", conf.to_str().unwrap()),
        ("BUILDAH_ISOLATION", "chroot"),
        ("STORAGE_DRIVER", "vfs"),
    ];
    place.run(script, &settings)
}

/// The single layer of the image in an OCI archive, as a tree.
const UNPACK: &str = r#"
mkdir oci out
tar -C oci -xf hardened.tar
manifest=$(sed -n 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/p' oci/index.json)
for layer in $(grep -o '"layers":.*' "oci/blobs/sha256/$manifest" | grep -o 'sha256:[0-9a-f]*'); do
    tar -C out -xpf "oci/blobs/sha256/${layer#sha256:}"
done
"#;

#[test]
fn buildah_from_scratch() {
    let test = "recipes::buildah_from_scratch";
    if !have(test, &["buildah:buildah"]) {
        return;
    }
    let Some(place) = Place::new(test) else { return };
    succeeded(&buildah(&place, &recipe("buildah")));
    succeeded(&place.run(UNPACK, &[]));
    place.hardened("out");
    assert!(place.path("report.json").exists());
}

#[test]
fn containerfile() {
    let test = "recipes::containerfile";
    if !have(test, &["buildah:buildah"]) {
        return;
    }
    let Some(place) = Place::new(test) else { return };
    std::fs::write(place.path("Containerfile"), recipe("containerfile")).unwrap();
    // Devices of the tar are the host's business.
    let build = "mkdir context; mv root.tar gokaku Containerfile context/
        buildah build -q -t hardened context && buildah push -q hardened oci-archive:hardened.tar";
    succeeded(&buildah(&place, build));
    succeeded(&place.run(UNPACK, &[]));
    place.hardened("out");
}
