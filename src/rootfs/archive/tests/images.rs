//! Images of layers: what a later one takes away, and manifests that lie.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::*;
use crate::message::Message;

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A layout in a directory.
struct Layout(tempfile::TempDir);

impl Layout {
    fn of(layers: &[Vec<u8>]) -> Layout {
        let layout = Layout(tempfile::tempdir().unwrap());
        fs::create_dir_all(layout.at("blobs/sha256")).unwrap();
        fs::write(layout.at("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let layers: Vec<_> = layers.iter().map(|layer| layout.blob(layer)).collect();
        let manifest = layout.blob(
            &serde_json::to_vec(&serde_json::json!({
                "schemaVersion": 2, "layers": layers,
            }))
            .unwrap(),
        );
        layout.index(&[manifest]);
        layout
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A blob, and its descriptor.
    fn blob(&self, bytes: &[u8]) -> serde_json::Value {
        let digest = digest(bytes);
        fs::write(self.at(&format!("blobs/sha256/{digest}")), bytes).unwrap();
        let size = bytes.len();
        serde_json::json!({ "digest": format!("sha256:{digest}"), "size": size })
    }

    fn index(&self, manifests: &[serde_json::Value]) {
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": manifests });
        fs::write(self.at("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
    }

    fn open(&self, tag: Option<&str>) -> Result<ArchiveRootfs> {
        ArchiveRootfs::open(&Source::Oci(self.0.path().into(), tag.map(str::to_owned)))
    }

    fn refusal(&self, tag: Option<&str>) -> String {
        match self.open(tag) {
            Err(Error::Archive { why, .. }) => Message::id(&why).to_owned(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it was taken"),
        }
    }

    /// The same in an archive.
    fn packed(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_dir_all(".", self.0.path()).unwrap();
        tar.into_inner().unwrap()
    }
}

fn listing(root: &ArchiveRootfs, at: &str) -> Vec<String> {
    let names = root.list(&path(at)).unwrap().unwrap();
    names.iter().map(|name| name.to_str().unwrap().to_owned()).collect()
}

#[test]
fn later_layers_replace_and_take_away() {
    let below = Tar::new()
        .dir("etc", |_| {})
        .file("etc/kept", b"1")
        .file("etc/gone", b"1")
        .file("etc/again", b"1")
        .hard("etc/other", "etc/again")
        .file("dir/a", b"")
        .file("dir/sub/a", b"")
        .file("file", b"")
        .file("whole/a", b"")
        .file("whole/kept/a", b"")
        .symlink("lib", "usr/lib")
        .dir("usr/lib", |_| {})
        .end();
    let above = Tar::new()
        .file("etc/.wh.gone", b"")
        .file("etc/again", b"2")
        // In the same layer the order does not matter.
        .file("etc/new", b"2")
        .file("etc/.wh.new", b"")
        .file("etc/.wh.never", b"")
        .file("nowhere/.wh.x", b"")
        .file("dir", b"a file by now")
        .dir("file", |_| {})
        .file("file/x", b"")
        .file("whole/kept/b", b"")
        .file("whole/.wh..wh..opq", b"")
        .file("whole/c", b"")
        .file("whole/.wh..wh.aufs", b"")
        .file("lib/b", b"below a link")
        .end();
    let layout = Layout::of(&[below, gzip(&above)]);
    let packed = layout.packed();
    let mut archive = tempfile::NamedTempFile::new().unwrap();
    archive.write_all(&packed).unwrap();
    let mut gz = tempfile::NamedTempFile::new().unwrap();
    gz.write_all(&gzip(&packed)).unwrap();
    let of = |path: &Path| ArchiveRootfs::open(&Source::Oci(path.into(), None)).unwrap();
    for root in [layout.open(None).unwrap(), of(archive.path()), of(gz.path())] {
        assert_eq!(listing(&root, "/etc"), ["again", "kept", "new", "other"]);
        assert_eq!(text(&root, "/etc/again").as_deref(), Some("2"));
        assert_eq!(text(&root, "/etc/other").as_deref(), Some("1"));
        assert_eq!(root.stat(&path("/etc/other")).unwrap().unwrap().links, 1);
        assert_eq!(text(&root, "/dir").as_deref(), Some("a file by now"));
        assert_eq!(listing(&root, "/file"), ["x"]);
        assert_eq!(listing(&root, "/whole"), ["c", "kept"]);
        assert_eq!(listing(&root, "/whole/kept"), ["b"]);
        assert_eq!(text(&root, "/usr/lib/b").as_deref(), Some("below a link"));
        assert_eq!(root.stat(&path("/nowhere")).unwrap(), None);
        assert_eq!(listing(&root, "/"), ["dir", "etc", "file", "lib", "usr", "whole"]);
    }
    // In an archive of a tree they are names like others.
    let plain = opened(&Tar::new().file("etc/x", b"").file("etc/.wh.x", b"").end());
    assert_eq!(listing(&plain, "/etc"), [".wh.x", "x"]);
    for name in [".wh.", ".wh..", "d/.wh..."] {
        let layout = Layout::of(&[Tar::new().file(name, b"").end()]);
        assert_eq!(layout.refusal(None), "archive.bad_name", "{name}");
    }
}

#[test]
fn a_layout_is_believed_by_digest_alone() {
    let layer = || Tar::new().file("etc/x", b"x").end();
    let layout = Layout::of(&[layer()]);
    let blob = layout.at(&format!("blobs/sha256/{}", digest(&layer())));
    let mut bytes = layer();
    bytes[600] ^= 1;
    fs::write(&blob, &bytes).unwrap();
    assert_eq!(layout.refusal(None), "archive.other_digest");
    fs::write(&blob, &bytes[1..]).unwrap();
    assert_eq!(layout.refusal(None), "archive.other_size");
    fs::remove_file(&blob).unwrap();
    assert_eq!(layout.refusal(None), "archive.missing");
    let outside = layout.0.path().join("elsewhere");
    fs::write(&outside, layer()).unwrap();
    std::os::unix::fs::symlink(&outside, &blob).unwrap();
    assert_eq!(layout.refusal(None), "archive.link_in_layout");
    fs::remove_file(&blob).unwrap();
    fs::create_dir(&blob).unwrap();
    assert_eq!(layout.refusal(None), "archive.no_file");
    for bad in ["../../../etc/passwd", "sha256:../../../../etc/passwd", "md5:abc", "sha256:ab"] {
        layout.index(&[serde_json::json!({ "digest": bad, "size": 1 })]);
        assert_eq!(layout.refusal(None), "archive.bad_digest", "{bad}");
    }
}

#[test]
fn one_image_of_several_is_named() {
    let layout = Layout::of(&[]);
    let image = |name: &str, content: &str, platform: Option<&str>| {
        let layer = layout.blob(&Tar::new().file("etc/x", content.as_bytes()).end());
        let manifest = serde_json::json!({ "layers": [layer] });
        let mut found = layout.blob(&serde_json::to_vec(&manifest).unwrap());
        found["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": name });
        if let Some(architecture) = platform {
            found["platform"] = serde_json::json!({ "os": "linux", "architecture": architecture });
        }
        found
    };
    let x = |root: &ArchiveRootfs| text(root, "/etc/x").unwrap();
    layout.index(&[image("a", "a", None), image("b", "b", None)]);
    assert_eq!(layout.refusal(None), "archive.several_images");
    assert_eq!(layout.refusal(Some("c")), "archive.no_such_image");
    assert_eq!(x(&layout.open(Some("b")).unwrap()), "b");
    // An index of one image for several machines, with what is said about it.
    let mut about = image("", "about", Some("unknown"));
    about["annotations"]["vnd.docker.reference.type"] = "attestation-manifest".into();
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let all = [image("", "own", Some(own)), image("", "other", Some("s390x")), about];
    let inner = |all: &[serde_json::Value]| {
        let index = serde_json::json!({ "manifests": all });
        layout.blob(&serde_json::to_vec(&index).unwrap())
    };
    layout.index(&[inner(&all)]);
    assert_eq!(x(&layout.open(None).unwrap()), "own");
    layout.index(&[inner(&[all[1].clone(), image("", "", Some("riscv64"))])]);
    assert_eq!(layout.refusal(None), "archive.several_platforms");
    layout.index(&[inner(&all[2..])]);
    assert_eq!(layout.refusal(None), "archive.no_image");
    let mut artifact = layout.blob(b"text");
    artifact["mediaType"] = "application/vnd.in-toto+json".into();
    let manifest = serde_json::json!({ "layers": [artifact] });
    layout.index(&[layout.blob(&serde_json::to_vec(&manifest).unwrap())]);
    assert_eq!(layout.refusal(None), "archive.no_layer");
}

#[test]
fn what_docker_saves_is_read_and_no_name_in_it_leads_out() {
    let layer = Tar::new().file("etc/x", b"1").file("etc/y", b"").end();
    let above = Tar::new().file("etc/x", b"2").file("etc/.wh.y", b"").end();
    let save = |layers: &[&str], tags: &[&str]| {
        let image = serde_json::json!({ "Config": "c.json", "RepoTags": tags, "Layers": layers });
        let manifest = serde_json::to_vec(&serde_json::json!([image])).unwrap();
        let tar = Tar::new()
            .file("a/layer.tar", &layer)
            .file("b.tar", &above)
            // As old versions save a layer that two images have.
            .symlink("b/layer.tar", "../b.tar")
            .symlink("out/layer.tar", "../../../b.tar")
            .symlink("abs", "/b.tar")
            .symlink("loop", "loop")
            .dir("dir", |_| {})
            .file("manifest.json", &manifest)
            .end();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tar).unwrap();
        file
    };
    let open = |file: &tempfile::NamedTempFile, tag: Option<&str>| {
        ArchiveRootfs::open(&Source::Docker(file.path().into(), tag.map(str::to_owned)))
    };
    let file =
        save(&["a/layer.tar", "b/layer.tar"], &["docker.io/library/node:1", "x/node:latest"]);
    for tag in [None, Some("node:1"), Some("library/node:1"), Some("node"), Some("x/node")] {
        let root = open(&file, tag).unwrap();
        assert_eq!(
            (text(&root, "/etc/x").as_deref(), listing(&root, "/etc").len()),
            (Some("2"), 1)
        );
    }
    for tag in ["ode:1", "node:2", ""] {
        assert!(open(&file, Some(tag)).is_err(), "{tag}");
    }
    for (name, id) in [
        ("../b.tar", "archive.name_outside"),
        ("/etc/passwd", "archive.name_outside"),
        ("out/layer.tar", "archive.no_file"),
        ("abs", "archive.no_file"),
        ("loop", "archive.link_loop"),
        ("dir", "archive.no_file"),
        ("missing", "archive.missing"),
    ] {
        match open(&save(&[name], &[]), None) {
            Err(Error::Archive { why, entry, .. }) => {
                assert_eq!((Message::id(&why), entry.as_deref()), (id, Some(name)));
            }
            _ => panic!("{name}"),
        }
    }
    let error = ArchiveRootfs::open(&Source::Tar(file.path().into())).err().unwrap().to_string();
    assert!(error.contains("name it as docker-archive:/"), "{error}");
}
