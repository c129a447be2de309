//! Images made by a real tool.

use super::support::rich::plant;
use super::support::{have, is_root, root};
use super::{alike, report, shell, succeeded};

/// Buildah's store in the test's own directory, with the driver and isolation that work anywhere.
const STORE: &str = r#"
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/store"\nrunroot = "%s/storerun"\n' "$PWD" "$PWD" >storage.conf
export CONTAINERS_STORAGE_CONF="$PWD/storage.conf" BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
"#;

/// An image of two layers: a tree, and what is changed in it.
const IMAGE: &str = r#"
c=$(buildah from scratch); m=$(buildah mount "$c"); cp -a root/. "$m/"
buildah umount "$c" >/dev/null; buildah commit -q "$c" below; buildah rm "$c" >/dev/null
c=$(buildah from below); m=$(buildah mount "$c")
cd "$m"
rm -rf etc/cron.daily etc/pam.d; mkdir etc/cron.daily; echo x >etc/cron.daily/new
rm -f etc/issue; ln -s motd etc/issue; chmod 666 etc/crontab; ln etc/shadow etc/copy; chown 5:6 etc/fstab
rm -rf usr/share/doc etc/ssh; echo file >etc/ssh; mkdir -p opt; touch opt/x; chmod 4777 opt/x
cd "$OLDPWD"
buildah umount "$c" >/dev/null; buildah commit -q "$c" node; buildah rm "$c" >/dev/null
buildah push -q node "oci:$PWD/layout:node"
buildah push -q node "oci-archive:$PWD/oci.tar:node"
buildah push -q node "docker-archive:$PWD/docker.tar:node:1"
c=$(buildah from node); buildah mount "$c" >mounted
"#;

fn judged_alike(test: &str, plant: impl FnOnce(&std::path::Path)) {
    if !is_root(test, "mount an image's layers") || !have(test, &["buildah:buildah"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    plant(&dir.path().join("root"));
    succeeded(&shell(dir.path(), &format!("{STORE}{IMAGE}")));
    let mounted = std::fs::read_to_string(dir.path().join("mounted")).unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let want = report("plan", mounted.trim());
    for archive in [
        format!("oci:{}:node", at("layout")),
        format!("oci:{}", at("oci.tar")),
        format!("docker-archive:{}", at("docker.tar")),
        format!("docker-archive:{}:node:1", at("docker.tar")),
    ] {
        alike(&archive, &report("plan", &archive), &want);
    }
    // The commands that a refusal names work as they stand.
    for archive in ["oci:layout:node", "oci:oci.tar", "docker-archive:docker.tar:node:1"] {
        let refused = shell(dir.path(), &format!("gokaku apply --root {archive}"));
        let said = String::from_utf8(refused.stderr).unwrap();
        let commands = said.trim().split_once("unpack it as root: ").expect(&said).1;
        let (unpack, apply) = commands.split_once("; and then: ").unwrap();
        let script = format!(
            "{STORE}{unpack}; {apply} -q --state-dir \"$PWD/state\" --format json >done || test $? -le 2"
        );
        succeeded(&shell(dir.path(), &script));
        let done = std::fs::read_to_string(dir.path().join("done")).unwrap();
        let done: serde_json::Value = serde_json::from_str(&done).unwrap();
        assert!(!done["changes"].as_array().unwrap().is_empty(), "{archive}");
    }
}

#[test]
fn an_image_of_buildah_is_judged_as_its_mounted_tree() {
    judged_alike("an_image_of_buildah_is_judged_as_its_mounted_tree", |root| {
        std::fs::create_dir(root).unwrap();
        plant(root);
    });
}

#[test]
fn the_test_root_as_an_image_of_buildah_is_judged_as_its_mounted_tree() {
    let test = "the_test_root_as_an_image_of_buildah_is_judged_as_its_mounted_tree";
    let Some(ready) = root(test) else { return };
    judged_alike(test, |root| std::os::unix::fs::symlink(ready, root).unwrap());
}
