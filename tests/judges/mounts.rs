//! The tree's own findmnt and mount, and the kernel, say what the hardened fstab means.

use crate::bench::judged;

/// What findmnt reads of the fstab, line by line.
const READ: &str = r#"
inside findmnt --fstab --tab-file /etc/fstab -J -o TARGET,SOURCE,FSTYPE,OPTIONS >"$OUT/fstab.json"
"#;

fn options(ran: &crate::support::Ran, target: &str) -> Vec<String> {
    let json = ran.json("fstab.json");
    let lines = json["filesystems"].as_array().unwrap();
    let line = lines.iter().find(|l| l["target"] == target).unwrap_or_else(|| panic!("{json}"));
    line["options"].as_str().unwrap().split(',').map(str::to_owned).collect()
}

#[test]
fn the_declared_shared_memory_mounts_with_the_options() {
    let test = "the_declared_shared_memory_mounts_with_the_options";
    // In a tree without a running system: the whole file is read, one line is tried for real.
    let look = READ.to_owned()
        + r#"
inside mount -fv /dev/shm >"$OUT/fake" 2>&1
booted sh -c 'mount /dev/shm && findmnt -n -o OPTIONS /dev/shm' >"$OUT/real"
"#;
    let Some(ran) = judged(test, &["mount", "findmnt"], "", &look) else { return };
    let said = options(&ran, "/dev/shm");
    for want in ["nodev", "nosuid"] {
        assert!(said.iter().any(|o| o == want), "{said:?}");
    }
    assert!(!said.iter().any(|o| o == "noexec"), "containers run from there: {said:?}");
    assert!(ran.file("fake").contains("mounted on /dev/shm"), "{}", ran.file("fake"));
    let real = ran.file("real");
    for want in ["rw", "nosuid", "nodev"] {
        assert!(real.trim_end().split(',').any(|o| o == want), "{want}: {real}");
    }
    assert!(!real.contains("noexec"), "{real}");
}

/// As systemd does at boot with what the kernel or it has mounted already.
#[test]
fn the_remount_at_boot_takes_the_options_over() {
    let test = "the_remount_at_boot_takes_the_options_over";
    let look = r#"
sed -i '/cloudimg-rootfs/d' "$GOKAKU_ROOT/etc/fstab"    # the view of the tree stays as it is
booted sh -c 'mount -t tmpfs shm /dev/shm
    findmnt -n -o OPTIONS /dev/shm >/root/before
    systemd=/lib/systemd; $systemd/systemd-remount-fs
    findmnt -n -o OPTIONS /dev/shm >/root/after'
cp "$GOKAKU_ROOT/root/before" "$GOKAKU_ROOT/root/after" "$OUT"
"#;
    let Some(ran) = judged(test, &["mount", "findmnt", "systemd-remount-fs"], "", look) else {
        return;
    };
    let (before, after) = (ran.file("before"), ran.file("after"));
    assert!(!before.contains("nosuid") && !before.contains("nodev"), "{before}");
    assert!(after.contains("nosuid") && after.contains("nodev"), "{after}");
    assert!(!after.contains("noexec"), "{after}");
}

/// Mounts that are declared get the options their rows want; what contradicts them goes.
#[test]
fn declared_mounts_mount_with_the_options() {
    let test = "declared_mounts_mount_with_the_options";
    let prepare = r#"
cat >>"$GOKAKU_ROOT/etc/fstab" <<'END'
# site
shm  /dev/shm/  tmpfs rw,dev,suid,exec,size=1m 0 0
scratch	/tmp	tmpfs	exec,mode=1777,nodev,dev	0	0
var /var/tmp tmpfs user,exec,suid,mode=1777
homes /home tmpfs defaults 0 0
END"#;
    let look = READ.to_owned()
        + r#"
booted sh -c 'for m in /dev/shm /tmp /var/tmp /home; do
    mount $m && echo "$m $(findmnt -n -o OPTIONS $m)"
done' >"$OUT/real"
"#;
    let Some(ran) = judged(test, &["mount", "findmnt"], prepare, &look) else { return };
    let real = ran.file("real");
    for (mount, want, never) in [
        ("/dev/shm", &["nodev", "nosuid"][..], &["noexec"][..]),
        // The table leaves its nodev (1.1.3) as it is: here, switched off by the last word.
        ("/tmp", &["nosuid", "noexec"], &["nodev"]),
        ("/var/tmp", &["nodev", "nosuid", "noexec"], &[]),
        ("/home", &["nodev"], &["noexec", "nosuid"]),
    ] {
        let line = real.lines().find_map(|l| l.strip_prefix(&format!("{mount} "))).expect(&real);
        let options: Vec<&str> = line.split(',').collect();
        for word in want {
            assert!(options.contains(word), "{mount} {word}: {line}");
        }
        for word in never {
            assert!(!options.contains(word), "{mount} {word}: {line}");
        }
    }
}
