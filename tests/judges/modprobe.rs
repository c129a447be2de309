//! The tree's own modprobe says what it would do for a module.

use crate::bench::{implemented, judged};
use crate::support::Ran;

/// Which row blocks which module.
const BLOCKED: &[(&str, &str)] = &[
    ("1.1.1.1", "cramfs"),
    ("1.1.1.2", "freevxfs"),
    ("1.1.1.3", "jffs2"),
    ("1.1.1.4", "hfs"),
    ("1.1.1.5", "hfsplus"),
    ("1.1.24", "usb-storage"),
];

/// What nodes need, or the table leaves.
const FREE: &[&str] = &[
    "udf",
    "vfat",
    "squashfs",
    "overlay",
    "ext4",
    "sctp",
    "dccp",
    "rds",
    "tipc",
    "usb_common",
    "hfs_other",
    "br_netfilter",
    "nf_conntrack",
];

/// Modules for a made-up kernel, so that requests by alias can be tried as mount makes them.
pub const KERNEL: &str = r#"
lib=$(readlink -f "$GOKAKU_ROOT/lib")
case $lib in "$GOKAKU_ROOT"/*) ;; *) lib=$GOKAKU_ROOT/lib ;; esac
modules=$lib/modules/5.4.0-judge
mkdir -p "$modules/kernel/fs"
for m in cramfs freevxfs jffs2 hfs hfsplus udf vfat squashfs overlay usb-storage needs_hfs; do
    {
        echo 'static const char licence[] __attribute__((section(".modinfo"), used)) = "license=GPL";'
        echo "static const char alias[] __attribute__((section(\".modinfo\"), used)) = \"alias=fs-$m\";"
        [ $m != needs_hfs ] || echo 'void from_hfs(void); void f(void) { from_hfs(); }'
        [ $m != hfs ] ||
            echo 'static const char e[] __attribute__((section("__ksymtab_strings"), used)) = "from_hfs";' \
                'void from_hfs(void) {}'
    } | gcc -w -x c -c -o "$modules/kernel/fs/$m.ko" -
done
: >"$modules/modules.builtin"
: >"$modules/modules.order"
inside depmod 5.4.0-judge
"#;

fn ask(words: &str) -> String {
    format!(
        r#"
mkdir "$GOKAKU_ROOT/root/asked"
inside sh -c 'for m in {words}; do
    modprobe -S 5.4.0-judge -n -v "$m" >"/root/asked/$m" 2>&1
done' || true
cp "$GOKAKU_ROOT"/root/asked/* "$OUT"
"#
    )
}

fn words() -> String {
    let names = BLOCKED.iter().map(|(_, name)| *name).chain(FREE.iter().copied());
    names.flat_map(|name| [name.to_owned(), format!("fs-{name}")]).collect::<Vec<_>>().join(" ")
}

/// Asked for by name.
fn blocked(ran: &Ran, name: &str) {
    assert_eq!(ran.file(name).trim_end(), "install /bin/true", "{name}");
}

/// Asked for by an alias, as mount does it. A `blacklist` line has already ended it then.
fn blocked_by_alias(ran: &Ran, name: &str) {
    let said = ran.file(&format!("fs-{name}"));
    assert!(["install /bin/true", ""].contains(&said.trim_end()), "fs-{name}: {said}");
}

#[test]
fn modprobe_runs_true_instead_of_six_modules() {
    let test = "modprobe_runs_true_instead_of_six_modules";
    let Some(ran) = judged(test, &["modprobe"], "", &ask(&words())) else { return };
    let report = ran.json("apply.json");
    for (row, name) in BLOCKED {
        if implemented(test, &report, row) {
            blocked(&ran, name);
        }
    }
    for name in FREE {
        assert!(!ran.file(name).contains("install"), "{name}: {}", ran.file(name));
    }
}

#[test]
fn a_request_by_alias_or_dependency_is_blocked_too() {
    let test = "a_request_by_alias_or_dependency_is_blocked_too";
    if !crate::bench::here(test, "gcc", "gcc") {
        return;
    }
    let words = words() + " needs_hfs";
    let Some(ran) = judged(test, &["modprobe", "depmod"], KERNEL, &ask(&words)) else { return };
    let report = ran.json("apply.json");
    for (row, name) in BLOCKED {
        if implemented(test, &report, row) {
            blocked(&ran, name);
            blocked_by_alias(&ran, name);
        }
    }
    if implemented(test, &report, "1.1.1.4") {
        let said = ran.file("needs_hfs");
        assert!(said.starts_with("install /bin/true") && !said.contains("fs/hfs.ko"), "{said}");
    }
    for name in ["udf", "vfat", "squashfs", "overlay"] {
        for name in [name.to_owned(), format!("fs-{name}")] {
            let said = ran.file(&name);
            assert!(said.starts_with("insmod "), "{name}: {said}");
        }
    }
}

/// Lines that decide before ours, each in its way.
#[test]
fn an_earlier_line_does_not_win() {
    let test = "an_earlier_line_does_not_win";
    let prepare = r#"
cd "$GOKAKU_ROOT/etc/modprobe.d"
echo 'install cramfs /sbin/modprobe --ignore-install cramfs' >00-site.conf
printf '# a note that goes on \\\ninstall jffs2 /bin/true\n' >01-swallowed.conf
printf 'install hfs*  /sbin/insmod-it\ninstall \\\n freevxfs /bin/echo\n' >02-pattern.alias
echo 'install usb_storage /bin/true # until further notice' >AAA.conf
cd - >/dev/null
mkdir -p "$GOKAKU_ROOT/lib/modprobe.d"
echo 'install freevxfs /bin/echo from the vendor' >"$GOKAKU_ROOT/lib/modprobe.d/00-vendor.conf"
"#
    .to_owned()
        + KERNEL;
    let Some(ran) = judged(test, &["modprobe", "depmod"], &prepare, &ask(&words())) else { return };
    let report = ran.json("apply.json");
    for (row, name) in BLOCKED {
        if implemented(test, &report, row) {
            blocked(&ran, name);
            blocked_by_alias(&ran, name);
        }
    }
}
