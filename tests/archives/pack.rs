//! Archives and images of any root, as the tools of each kind write them.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gokaku::rootfs::{FileKind, ImagePath, Rootfs, Source};
use serde_json::json;
use sha2::{Digest, Sha256};

type Builder = tar::Builder<Vec<u8>>;

fn header(root: &dyn Rootfs, at: &ImagePath) -> tar::Header {
    let stat = root.stat(at).unwrap().unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_mode(stat.mode);
    header.set_uid(stat.uid.into());
    header.set_gid(stat.gid.into());
    header.set_mtime(stat.mtime.cast_unsigned());
    header.set_size(0);
    header.set_entry_type(match stat.kind {
        FileKind::File => tar::EntryType::Regular,
        FileKind::Dir => tar::EntryType::Directory,
        FileKind::Symlink => tar::EntryType::Symlink,
        FileKind::Fifo => tar::EntryType::Fifo,
        FileKind::BlockDevice => tar::EntryType::Block,
        FileKind::CharDevice | FileKind::Socket => tar::EntryType::Char,
    });
    header
}

fn name(at: &ImagePath) -> PathBuf {
    let bytes = at.as_bytes();
    Path::new(std::ffi::OsStr::from_bytes(if at.is_root() { b"./" } else { &bytes[1..] })).into()
}

fn one(tar: &mut Builder, root: &dyn Rootfs, at: &ImagePath) {
    if let Some(acl) = root.acl(at).unwrap() {
        let record = ("SCHILY.xattr.system.posix_acl_access", acl.bytes());
        tar.append_pax_extensions([record]).unwrap();
    }
    let mut header = header(root, at);
    match root.read_link(at).unwrap() {
        Some(target) => {
            let target = Path::new(std::ffi::OsStr::from_bytes(&target));
            tar.append_link(&mut header, name(at), target).unwrap();
        }
        None => {
            let is_file = header.entry_type() == tar::EntryType::Regular;
            let content = if is_file { root.read_bytes(at, 64 << 20).unwrap() } else { None };
            let content = content.unwrap_or_default();
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name(at), &*content).unwrap();
        }
    }
}

fn is_dir(root: &dyn Rootfs, at: &ImagePath) -> bool {
    root.stat(at).unwrap().is_some_and(|stat| stat.kind == FileKind::Dir)
}

fn below(root: &dyn Rootfs, dir: &ImagePath) -> Vec<ImagePath> {
    let names = root.list(dir).unwrap().unwrap();
    names.iter().map(|name| dir.join(name).unwrap()).collect()
}

/// A root as one archive.
pub fn tar(root: &dyn Rootfs) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut todo = vec![ImagePath::root()];
    while let Some(at) = todo.pop() {
        one(&mut tar, root, &at);
        if is_dir(root, &at) {
            todo.extend(below(root, &at));
        }
    }
    tar.into_inner().unwrap()
}

/// What a layer holds that makes another root of one: what is new or other, and whiteouts for what is
/// gone; every second directory with one is made opaque instead.
pub fn layer(before: &dyn Rootfs, after: &dyn Rootfs) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let white = |tar: &mut Builder, dir: &ImagePath, gone: &[u8]| {
        let path = dir.join([b".wh.", gone].concat()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        tar.append_data(&mut header, name(&path), &b""[..]).unwrap();
    };
    // A directory, and whether there is nothing left of it from below.
    let mut todo = vec![(ImagePath::root(), false)];
    let mut opaque = true;
    while let Some((dir, mut fresh)) = todo.pop() {
        one(&mut tar, after, &dir);
        let fresh_before = fresh || !is_dir(before, &dir);
        let old = if fresh_before { Vec::new() } else { below(before, &dir) };
        let new = below(after, &dir);
        let gone: BTreeSet<_> = old.iter().filter(|path| !new.contains(path)).collect();
        fresh = fresh_before;
        if !gone.is_empty() {
            opaque = !opaque;
            if opaque && !dir.is_root() {
                white(&mut tar, &dir, b".wh..opq");
                fresh = true;
            } else {
                gone.iter().for_each(|p| white(&mut tar, &dir, p.file_name().unwrap().as_bytes()));
            }
        }
        for at in new {
            if is_dir(after, &at) {
                todo.push((at, fresh));
            } else if fresh || !same(before, after, &at) {
                one(&mut tar, after, &at);
            }
        }
    }
    tar.into_inner().unwrap()
}

fn same(a: &dyn Rootfs, b: &dyn Rootfs, at: &ImagePath) -> bool {
    let file = |root: &dyn Rootfs| {
        let stat = root.stat(at).unwrap();
        let content = match stat {
            Some(stat) if stat.kind == FileKind::File => root.read_bytes(at, 64 << 20).unwrap(),
            _ => None,
        };
        (stat, root.read_link(at).unwrap(), root.acl(at).unwrap(), content)
    };
    file(a) == file(b)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// An OCI layout in the directory `dir`, with one image of these layers.
pub fn oci(dir: &Path, layers: &[Vec<u8>]) -> Source {
    std::fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    let blob = |media_type: &str, bytes: &[u8]| {
        let digest = Sha256::digest(bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(dir.join("blobs/sha256").join(&digest), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() })
    };
    let tar = "application/vnd.oci.image.layer.v1.tar";
    let layers: Vec<_> = layers.iter().map(|layer| blob(tar, layer)).collect();
    let config = blob("application/vnd.oci.image.config.v1+json", b"{}");
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers }).to_string();
    let mut manifest = blob("application/vnd.oci.image.manifest.v1+json", manifest.as_bytes());
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string();
    std::fs::write(dir.join("index.json"), index).unwrap();
    std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    Source::Oci(dir.into(), Some("v1".into()))
}

/// What `docker save` writes, at `path`.
pub fn docker(path: &Path, layers: &[Vec<u8>]) -> Source {
    let mut tar = Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).unwrap();
    };
    let names: Vec<String> = (0..layers.len()).map(|at| format!("{at}/layer.tar")).collect();
    names.iter().zip(layers).for_each(|(name, layer)| add(name, layer));
    let image = json!([{ "Config": "config.json", "RepoTags": ["node:v1"], "Layers": names }]);
    add("config.json", b"{}");
    add("manifest.json", image.to_string().as_bytes());
    std::fs::write(path, tar.into_inner().unwrap()).unwrap();
    Source::Docker(path.into(), None)
}
