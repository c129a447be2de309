//! qcow2: other files that its header and `qemu-img info` name, and the options to create one like it.
//!
//! The header is checked before any program opens the image, because qemu opens the files it names.

use serde_json::Value;

use super::disk::{Disk, be32, be64};
use super::messages;
use crate::error::{Error, Result};
use crate::message::Message;

const ENCRYPTION: usize = 32;
const SNAPSHOTS: usize = 60;
const INCOMPATIBLE: usize = 72;
const DIRTY: u64 = 1;
const CORRUPT: u64 = 2;
const DATA_FILE: u64 = 4;
/// Dirty, corrupt, data file, compression, extended L2: a later one means something unknown.
const KNOWN: u64 = 0x1f;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;

fn refuse(disk: &Disk, why: Message) -> Error {
    Error::Guard(messages::refused(disk.path().display().to_string(), why))
}

/// Refuses an image that names another file, or that could not be replaced by one like it.
pub(super) fn check_header(disk: &Disk) -> Result<()> {
    let version = disk.read(0, 8)?.map_or(0, |head| be32(&head, 4));
    let length = if version == 2 { 72 } else { 104 };
    let header = disk.read(0, length)?.filter(|_| matches!(version, 2 | 3));
    let header = header.ok_or_else(|| refuse(disk, messages::bad_header()))?;
    if be64(&header, 8) != 0 {
        return Err(refuse(disk, messages::backing_file()));
    }
    let features = if version == 2 { 0 } else { be64(&header, INCOMPATIBLE) };
    if features & DATA_FILE != 0 || names_data_file(disk, version)? {
        return Err(refuse(disk, messages::data_file()));
    }
    for (wrong, why) in [
        (be32(&header, ENCRYPTION) != 0, messages::encrypted()),
        (be32(&header, SNAPSHOTS) != 0, messages::snapshots()),
        (features & (DIRTY | CORRUPT) != 0, messages::unclean()),
        (features & !KNOWN != 0, messages::unknown_features()),
    ] {
        if wrong {
            return Err(refuse(disk, why));
        }
    }
    Ok(())
}

/// Whether an extension of the header holds the name of a data file.
fn names_data_file(disk: &Disk, version: u32) -> Result<bool> {
    let mut at = match version {
        2 => 72,
        _ => u64::from(disk.read(100, 4)?.map_or(0, |n| be32(&n, 0))),
    };
    // The header is one cluster, and a cluster 2 MiB at most.
    while at < 2 << 20 {
        let Some(extension) = disk.read(at, 8)? else { break };
        match be32(&extension, 0) {
            0 => break,
            EXTENSION_DATA_FILE => return Ok(true),
            _ => at += 8 + u64::from(be32(&extension, 4)).div_ceil(8) * 8,
        }
    }
    Ok(false)
}

/// From the output of `qemu-img info --output=json`: refuses what names another file, and gives the
/// options (`-o`) that make an image like this one.
///
/// # Errors
/// [`Error::Guard`] naming what was found.
pub fn options(disk: &Disk, info: &Value) -> Result<String> {
    if info["format"] != "qcow2" {
        return Err(refuse(disk, messages::not_qcow2()));
    }
    let data = &info["format-specific"]["data"];
    for (found, what) in [
        (info.get("backing-filename"), messages::backing_file()),
        (info.get("full-backing-filename"), messages::backing_file()),
        (data.get("data-file"), messages::data_file()),
    ] {
        if found.is_some_and(|found| !found.is_null()) {
            return Err(refuse(disk, what));
        }
    }
    let set = |value: &Value| value.as_array().is_some_and(|all| !all.is_empty());
    for (found, why) in [
        (info["encrypted"] == true || data.get("encrypt").is_some(), messages::encrypted()),
        (set(&info["snapshots"]), messages::snapshots()),
        (set(&data["bitmaps"]), messages::bitmaps()),
    ] {
        if found {
            return Err(refuse(disk, why));
        }
    }
    let switch = |value: &Value| value.as_bool().map(|on| if on { "on" } else { "off" }.to_owned());
    let number = |value: &Value| value.as_u64().map(|n| n.to_string());
    // A word that is not of letters, digits and dots would be an option of its own.
    let word = |value: &Value| {
        let text = value.as_str()?;
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.').then(|| text.to_owned())
    };
    let all = [
        ("compat", word(&data["compat"])),
        ("cluster_size", number(&info["cluster-size"])),
        ("lazy_refcounts", switch(&data["lazy-refcounts"])),
        ("refcount_bits", number(&data["refcount-bits"])),
        ("extended_l2", switch(&data["extended-l2"]).filter(|on| on == "on")),
        ("compression_type", word(&data["compression-type"]).filter(|how| how != "zlib")),
    ];
    let told = all.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    Ok(told.collect::<Vec<_>>().join(","))
}

/// From the output of `qemu-img check --output=json`: whether its data are compressed.
///
/// # Errors
/// [`Error::Guard`] for an image with errors.
pub fn check(disk: &Disk, found: &Value) -> Result<bool> {
    let count = |key: &str| found[key].as_u64().unwrap_or(0);
    if !found.is_object() || ["corruptions", "leaks", "check-errors"].map(count) != [0; 3] {
        return Err(refuse(disk, messages::unclean()));
    }
    Ok(count("compressed-clusters") > 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn disk(change: impl Fn(&mut [u8])) -> Disk {
        let mut bytes = vec![0; 1024];
        bytes[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        bytes[103] = 104;
        change(&mut bytes);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        Disk::open(file.path()).unwrap()
    }

    #[test]
    fn what_names_another_file_is_seen_in_the_header() {
        assert!(check_header(&disk(|_| {})).is_ok());
        for (change, what) in [
            ((|b: &mut [u8]| b[15] = 1) as fn(&mut [u8]), "backing file"),
            (|b| b[79] = 4, "data file"),
            (|b| b[104..112].copy_from_slice(b"DATA\0\0\0\x01"), "data file"),
            (
                |b| {
                    b[104..112].copy_from_slice(b"abcd\0\0\0\x03");
                    b[120..124].copy_from_slice(b"DATA");
                },
                "data file",
            ),
            (|b| b[35] = 1, "encrypted"),
            (|b| b[63] = 1, "snapshots"),
            (|b| b[79] = 2, "not clean"),
            (|b| b[72] = 1, "not known"),
            (|b| b[7] = 9, "too new"),
        ] {
            let why = check_header(&disk(change)).unwrap_err().to_string();
            assert!(why.contains(what), "{what}: {why}");
        }
        let old = |b: &mut [u8]| {
            b[7] = 2;
            b[72..76].copy_from_slice(b"DATA");
        };
        assert!(check_header(&disk(old)).is_err(), "an old header has extensions, too");
    }

    #[test]
    fn an_image_with_errors_is_refused() {
        let found = |answer: Value| check(&disk(|_| {}), &answer).map_err(|e| e.to_string());
        assert_eq!(found(json!({"check-errors": 0, "total-clusters": 7})), Ok(false));
        assert_eq!(found(json!({"check-errors": 0, "compressed-clusters": 1})), Ok(true));
        for errors in
            [json!({"corruptions": 1}), json!({"leaks": 2}), json!({"check-errors": 1}), json!([])]
        {
            assert!(found(errors).unwrap_err().contains("not clean"));
        }
    }

    #[test]
    fn options_are_those_of_the_image_and_nothing_else_gets_in() {
        let like = |data: Value| {
            json!({"format": "qcow2", "cluster-size": 65536,
            "format-specific": {"data": data}})
        };
        let all = like(json!({"compat": "1.1", "lazy-refcounts": false, "refcount-bits": 16,
            "extended-l2": false, "compression-type": "zstd"}));
        assert_eq!(
            options(&disk(|_| {}), &all).unwrap(),
            "compat=1.1,cluster_size=65536,lazy_refcounts=off,refcount_bits=16,compression_type=zstd"
        );
        let odd = like(json!({"compat": "1.1,data_file=x"}));
        assert_eq!(options(&disk(|_| {}), &odd).unwrap(), "cluster_size=65536");
        for (more, what) in [
            (json!({"data-file": "/etc/shadow"}), "data file"),
            (json!({"encrypt": {}}), "encrypted"),
            (json!({"bitmaps": [{}]}), "bitmaps"),
        ] {
            let why = options(&disk(|_| {}), &like(more)).unwrap_err().to_string();
            assert!(why.contains(what), "{what}: {why}");
        }
        let mut backed = like(json!({}));
        backed["backing-filename"] = "json:{}".into();
        assert!(options(&disk(|_| {}), &backed).is_err());
    }
}
