//! The static binary: in a root with an older C library, and in a directory with nothing else.
//!
//! `tests/run.sh` builds it (`provision/build-static.sh`) and names it in `GOKAKU_STATIC`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

use support::{in_overlay, root, static_binary};

#[test]
fn it_runs_inside_an_older_root_and_where_nothing_else_is() {
    let test = "it_runs_inside_an_older_root_and_where_nothing_else_is";
    let (Some(binary), Some(root)) = (static_binary(test), root(test)) else { return };
    let binary = binary.display();
    let script = format!(
        r#"
install -m 755 "{binary}" "$GOKAKU_ROOT/usr/local/bin/gokaku"
# No /proc, no /dev, no name service: only the root itself.
chroot "$GOKAKU_ROOT" /usr/local/bin/gokaku audit --root / --rule 5.1 --format json >"$OUT/inside.json" ||
    echo $? >"$OUT/inside.status"
gokaku audit --root "$GOKAKU_ROOT" --rule 5.1 --format json >"$OUT/outside.json" || true
mkdir "$OUT/empty"
install -m 755 "{binary}" "$OUT/empty/gokaku"
chroot "$OUT/empty" /gokaku --version >"$OUT/version"
status=0
chroot "$OUT/empty" /gokaku audit --root / 2>"$OUT/empty.stderr" || status=$?
echo $status >"$OUT/empty.status"
"#
    );
    let Some(ran) = in_overlay(test, &root, &script) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    let (inside, outside) = (ran.json("inside.json"), ran.json("outside.json"));
    assert_eq!(inside["rules"], outside["rules"], "the same verdicts from inside and outside");
    assert_eq!(inside["target"]["live"], false, "a chroot is not the running system");
    assert!(ran.file("version").starts_with("gokaku "));
    assert_eq!(ran.file("empty.status").trim(), "3");
    assert!(ran.file("empty.stderr").contains("found no os-release"));
}
