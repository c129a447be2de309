//! Whole trees on disk, packed by GNU tar, and the same trees as archives of every kind.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::rich::plant;
use super::support::{have, is_root, root};
use super::{alike, pack, report, shell, succeeded};

/// What ordinary and hostile trees have beyond plain files.
const ODD: &str = r#"
cd "$1"
ln -s loop etc/loop; ln -s ../../../../etc etc/up; ln -s /etc/passwd etc/abs; ln -s missing/../passwd etc/odd
mkdir -p dev run var/log/d tmp usr/bin home/bob 'home/a b'; mknod dev/null c 1 3; mknod dev/sda b 8 0; mkfifo run/initctl
ln etc/passwd home/eve/passwd; ln etc/passwd etc/passwd2; chmod 1777 tmp; chmod 777 var/log/d
install -m 4755 /dev/null usr/bin/su; install -m 2755 /dev/null usr/bin/wall; install -o 77 -g 88 -m 666 /dev/null var/log/x
install -o 3000000000 -g 3000000001 /dev/null usr/bin/big
printf x >"etc/$(printf 'a\nb\303\251\377')"; ln -s "$(printf 'x%.0s' $(seq 200))" etc/long
d=usr/$(printf 'deep/%.0s' $(seq 60)); mkdir -p "$d"; printf 'x' >"$d/file"; chmod 666 "$d/file"
truncate -s 3M var/sparse; printf tail >>var/sparse
printf '* hard core 0\n' >etc/l; mkdir -p etc/security; truncate -s 100k etc/security/limits.conf; cat etc/l >>etc/security/limits.conf
touch -d 2035-01-01 etc/shadow
! command -v setfacl >/dev/null || { setfacl -m u:1000:rw,g:7:r etc/shadow; setfacl -d -m u:1000:rw home/eve; setfacl -m u:1000:r home/eve/.bashrc; }
"#;

/// The archives of a tree, as GNU tar writes them, and images of them.
fn archives(dir: &Path) -> Vec<String> {
    succeeded(&shell(
        dir,
        "set -- -C root --numeric-owner --xattrs --xattrs-include='*' --acls
        tar \"$@\" --format=pax -cf pax.tar .
        tar \"$@\" --format=pax -S -cf sparse.tar .
        tar -C root --numeric-owner --format=pax --xattrs --xattrs-include='*' -cf xattrs.tar .
        gzip -1 -c pax.tar >pax.tar.gz
        ! command -v zstd >/dev/null || zstd -q -1 pax.tar -o pax.tar.zst",
    ));
    let tar = fs::read(dir.join("pax.tar")).unwrap();
    let empty = vec![0; 1024];
    pack::oci(&dir.join("layout"), &[tar.clone(), empty.clone()]);
    pack::oci(&dir.join("packed"), &[pack::gzip(&empty), pack::zstd(&tar)]);
    pack::docker(&dir.join("docker.tar"), &[empty, tar]);
    succeeded(&shell(dir, "tar -C layout -cf oci.tar .; gzip -1 -k docker.tar"));
    let at = |name: &str| dir.join(name).display().to_string();
    let mut all = ["pax.tar", "sparse.tar", "xattrs.tar", "pax.tar.gz"].map(at).to_vec();
    all.extend(dir.join("pax.tar.zst").exists().then(|| at("pax.tar.zst")));
    all.push(format!("oci:{}:v1", at("layout")));
    all.push(format!("oci:{}", at("packed")));
    all.push(format!("oci:{}", at("oci.tar")));
    all.push(format!("docker-archive:{}:node:v1", at("docker.tar")));
    all.push(format!("docker-archive:{}", at("docker.tar.gz")));
    all
}

fn judged_alike(dir: &Path, root: &Path) {
    let archives = archives(dir);
    // A plan has what an audit finds, and more.
    for (verb, archives) in [("plan", &archives[..]), ("audit", &archives[..1])] {
        let want = report(verb, &root.display().to_string());
        assert!(want["rules"].as_array().unwrap().len() > 200);
        for archive in archives {
            alike(&format!("{verb} {archive}"), &report(verb, archive), &want);
        }
    }
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    (dir, root)
}

#[test]
fn the_test_root_is_judged_as_its_archives() {
    let test = "the_test_root_is_judged_as_its_archives";
    if !is_root(test, "read all of a root") {
        return;
    }
    let Some(root) = root(test) else { return };
    let (dir, link) = scratch();
    std::os::unix::fs::symlink(root, &link).unwrap();
    judged_alike(dir.path(), &link);
}

#[test]
fn an_odd_tree_is_judged_as_its_archives() {
    let test = "an_odd_tree_is_judged_as_its_archives";
    if !is_root(test, "make devices and give files away") || !have(test, &["tar:tar"]) {
        return;
    }
    let (dir, root) = scratch();
    fs::create_dir(&root).unwrap();
    plant(&root);
    let script = format!("set -- {}\n{ODD}", root.display());
    succeeded(&shell(dir.path(), &script));
    judged_alike(dir.path(), &root);
}
