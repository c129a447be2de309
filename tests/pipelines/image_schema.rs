//! `gokaku image` by itself: the answer of `inspect` against its schema, on images of every kind that it
//! tells apart, and what the command of `lock` finds.

use serde_json::Value;

use crate::support::{bare_command, have, repository};

/// Makes the images; no root rights and no mounts.
const IMAGES: &str = r#"
    truncate -s 16M whole.raw; mke2fs -q -F -t ext4 -L whole whole.raw
    truncate -s 1M empty.raw
    truncate -s 64M gpt.raw
    printf 'label: gpt\nstart=2048,size=16384,name="a name"\nstart=20480,size=16384\n' | sfdisk -q gpt.raw
    mke2fs -q -F -t ext3 -E offset=1048576 gpt.raw 8M
    printf 'LUKS\272\276' | dd of=gpt.raw bs=512 seek=20480 conv=notrunc status=none
    truncate -s 64M dos.raw
    printf 'label: dos\nstart=2048,size=16384\nstart=20480,size=81920,type=5\nstart=22528,size=8192\n' |
        sfdisk -q dos.raw
    qemu-img convert -O qcow2 whole.raw disk.qcow2
    qemu-img convert -O vpc -o subformat=fixed,force_size whole.raw disk.vhd
    mkdir -p root/etc
    echo ID=ubuntu >root/etc/os-release
    printf '/dev/sda1 / ext3\nPARTLABEL=none /home ext4\n/dev/sda2 /var ext4\nLABEL=x /mnt auto nofail\n' >root/etc/fstab
"#;

fn schema() -> (boon::Schemas, boon::SchemaIndex) {
    let mut schemas = boon::Schemas::new();
    let path = repository("docs/schema/image-1.schema.json");
    let index = boon::Compiler::new().compile(path.to_str().unwrap(), &mut schemas).unwrap();
    (schemas, index)
}

/// Every field of every object that the schema does not demand, or does not know: there is none but
/// `system`.
fn is_strict(schema: &Value) -> bool {
    let Value::Object(fields) = schema else {
        return schema.as_array().is_none_or(|all| all.iter().all(is_strict));
    };
    let demanded = fields.get("required").and_then(Value::as_array).map_or(0, Vec::len);
    let known = fields.get("properties").and_then(Value::as_object);
    let strict = known.is_none_or(|known| {
        let optional = known.keys().filter(|k| *k == "system").count();
        fields["additionalProperties"] == false && demanded + optional == known.len()
    });
    strict && fields.values().all(is_strict)
}

#[test]
fn what_is_said_of_an_image_is_as_its_schema_has_it() {
    let test = "what_is_said_of_an_image_is_as_its_schema_has_it";
    if !have(test, &["mke2fs:e2fsprogs", "sfdisk:fdisk", "qemu-img:qemu-utils"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = bare_command(program);
        command.current_dir(dir.path()).env("PATH", format!("{path}:/usr/sbin:/sbin"));
        let out = command.args(arguments).output().unwrap();
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    };
    run("sh", &["-euc", IMAGES]);
    let (schemas, index) = schema();
    let inspect = |arguments: &[&str]| -> Value {
        let arguments = [&["image", "inspect", "--format", "json"], arguments].concat();
        let found = run(env!("CARGO_BIN_EXE_gokaku"), &arguments);
        let found = serde_json::from_slice(&found).unwrap();
        if let Err(e) = schemas.validate(&found, index) {
            panic!("{arguments:?}: {e:#}\n{found:#}");
        }
        found
    };
    for (image, format, table) in [
        ("whole.raw", "raw", Some("none")),
        ("empty.raw", "raw", Some("none")),
        ("gpt.raw", "raw", Some("gpt")),
        ("dos.raw", "raw", Some("dos")),
        ("disk.vhd", "vhd", Some("none")),
        ("disk.qcow2", "qcow2", None),
    ] {
        let found = inspect(&[image]);
        assert_eq!((found["format"].as_str(), found["table"].as_str()), (Some(format), table));
        assert!(found.get("system").is_none());
    }
    let found = inspect(&["gpt.raw", "--root", "root", "--partition", "1"]);
    assert_eq!(found["partitions"][0]["name"], "a name");
    assert_eq!(found["partitions"][1]["filesystem"]["type"], "crypto_LUKS");
    let system = &found["system"];
    assert_eq!(system["mounts"][0]["type"], "ext3");
    assert_eq!(system["left"][0]["path"], "/mnt");
    assert_eq!(system["refused"].as_array().unwrap().len(), 2);

    // FAT as its own program makes it, which needs no kernel that has it.
    if have(test, &["mkfs.vfat:dosfstools", "blkid:util-linux"]) {
        for (bits, size) in [("12", "2M"), ("16", "32M"), ("32", "64M")] {
            let make = "truncate -s $2 fat; mkfs.vfat -F $1 -n UEFI fat >&2; blkid -p -o value -s UUID fat; rm -f fat.raw; cp fat fat.raw; rm fat";
            let uuid = String::from_utf8(run("sh", &["-euc", make, "sh", bits, size])).unwrap();
            let found = &inspect(&["fat.raw"])["partitions"][0]["filesystem"];
            assert_eq!(
                (found["type"].as_str(), found["label"].as_str()),
                (Some("vfat"), Some("UEFI"))
            );
            assert_eq!(
                (found["uuid"].as_str(), &found["clean"]),
                (Some(uuid.trim()), &true.into())
            );
        }
    }

    // What is not in it is not in the output, and the other way round.
    let text = std::fs::read(repository("docs/schema/image-1.schema.json")).unwrap();
    assert!(is_strict(&serde_json::from_slice(&text).unwrap()));
    let mut more = found.clone();
    more["partitions"][0]["more"] = 1.into();
    assert!(schemas.validate(&more, index).is_err());
    let mut less = found;
    less["system"]["mounts"][0].as_object_mut().unwrap().remove("clean");
    assert!(schemas.validate(&less, index).is_err());
}

#[test]
fn the_command_of_a_lock_knows_the_image() {
    let dir = tempfile::tempdir().unwrap();
    let dir = std::fs::canonicalize(dir.path()).map(|path| (dir, path)).unwrap();
    let (at, state) = (dir.1.display().to_string(), dir.1.join("state"));
    std::fs::write(dir.1.join("a b.raw"), vec![0; 1 << 20]).unwrap();
    std::os::unix::fs::symlink("a b.raw", dir.1.join("link")).unwrap();
    let lock = |work: &str| {
        let mut command = bare_command(env!("CARGO_BIN_EXE_gokaku"));
        command.current_dir(&dir.1).args([
            "-q",
            "image",
            "lock",
            "--work-dir",
            work,
            "--state-dir",
        ]);
        let shown = "echo \"$image|$format|$raw|$new|$half_done\"";
        let out = command.arg(&state).args(["link", "--", "sh", "-c", shown]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let (raw, new) = (format!("{at}/.a b.raw.gokaku-raw"), format!("{at}/.a b.raw.gokaku-new"));
    assert_eq!(lock(&at), format!("{at}/a b.raw|raw|{raw}|{new}|\n"));
    let other = format!("{at}/copies");
    std::fs::create_dir(&other).unwrap();
    let elsewhere = lock(&other);
    let name = elsewhere.split('|').nth(2).unwrap();
    let number = name.strip_prefix(&format!("{other}/.")).unwrap();
    let number = number.strip_suffix(".gokaku-raw").unwrap();
    assert!(number.len() == 16 && number.bytes().all(|b| b.is_ascii_hexdigit()), "{elsewhere}");

    // A run of it that was cut off.
    let run = state.join(format!("image-{number}-0123456789abcdef/key/1"));
    std::fs::create_dir_all(&run).unwrap();
    for (phase, half_done) in [("done", "|\n"), ("open", "|1\n")] {
        let text = serde_json::json!({"journal": {"phase": phase}}).to_string();
        std::fs::write(run.join("journal.json"), text).unwrap();
        assert!(lock(&at).ends_with(half_done), "{phase}");
    }
}
