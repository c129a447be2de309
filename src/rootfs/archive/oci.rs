//! Images in an OCI layout: from the index over a manifest to the layers, every file by its digest.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256, Sha512};

use super::blob::Blob;
use super::fault::{Fault, shown};
use super::limits::{JSON, LAYERS};
use super::members::Files;
use super::messages;
use crate::message::Arg;

/// The name of an image in its layout.
const NAME: &str = "org.opencontainers.image.ref.name";
/// What a builder adds to an image about how it was made.
const ABOUT: &str = "vnd.docker.reference.type";
/// Indexes within indexes.
const DEEPEST: usize = 4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// An index or a manifest.
#[derive(Deserialize)]
struct Document {
    manifests: Option<Vec<Descriptor>>,
    layers: Option<Vec<Descriptor>>,
}

/// The layers of the image with this name, the lowest first.
///
/// # Errors
/// No such image, or several; what the layout is refused for.
pub(super) fn layers(files: &Files, tag: Option<&str>) -> Result<Vec<Blob>, Fault> {
    let index: Index = json("index.json", &files.get("index.json")?)?;
    let mut found = choose(index.manifests, tag)?;
    for _ in 0..DEEPEST {
        let document: Document = json(&found.digest, &blob(files, &found)?)?;
        if let Some(layers) = document.layers {
            few(&layers)?;
            // A layer that is named a thousand times is read once.
            let mut known: BTreeMap<&str, Blob> = BTreeMap::new();
            for layer in &layers {
                if known.get(&*layer.digest).is_none_or(|blob| blob.len != layer.size) {
                    known.insert(&layer.digest, layer_of(files, layer)?);
                }
            }
            return Ok(layers.iter().filter_map(|l| known.get(&*l.digest).cloned()).collect());
        }
        let Some(manifests) = document.manifests else { break };
        found = choose_platform(manifests)?;
    }
    Err(messages::no_image().into())
}

/// What a JSON file says.
///
/// # Errors
/// It is too large, or is something else.
pub(super) fn json<T: DeserializeOwned>(name: &str, blob: &Blob) -> Result<T, Fault> {
    let read = || {
        let cause = |e: serde_json::Error| Fault::from(messages::bad_json(Arg::cause(e)));
        serde_json::from_slice(&blob.bytes(JSON)?).map_err(cause)
    };
    read().map_err(|fault: Fault| fault.at(name.as_bytes()))
}

/// Names in a message: a few of them.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>) -> Arg {
    Arg::names(names.take(20).map(|name| shown(name.as_bytes())))
}

fn few<T>(all: &[T]) -> Result<(), Fault> {
    match all.len() > LAYERS {
        true => Err(messages::too_many_layers(LAYERS).into()),
        false => Ok(()),
    }
}

fn choose(mut all: Vec<Descriptor>, tag: Option<&str>) -> Result<Descriptor, Fault> {
    few(&all)?;
    all.retain(|found| !found.annotations.contains_key(ABOUT));
    let name = |found: &Descriptor| found.annotations.get(NAME).cloned();
    let held: Vec<String> = all.iter().map(|f| name(f).unwrap_or(f.digest.clone())).collect();
    let held = || names(held.iter().map(String::as_str));
    match tag {
        Some(tag) => {
            all.retain(|found| name(found).is_some_and(|name| name == tag) || found.digest == tag);
            let why = messages::no_such_image(shown(tag.as_bytes()), held());
            // One name may be given to an image for each platform.
            if all.len() > 1 { choose_platform(all) } else { all.pop().ok_or_else(|| why.into()) }
        }
        None if all.is_empty() => Err(messages::no_image().into()),
        None if all.len() == 1 || all.iter().all(|f| name(f) == name(&all[0])) => {
            choose_platform(all)
        }
        None => Err(messages::several_images(held()).into()),
    }
}

/// The one of several that is for machines like this one.
fn choose_platform(mut all: Vec<Descriptor>) -> Result<Descriptor, Fault> {
    few(&all)?;
    all.retain(|found| !found.annotations.contains_key(ABOUT));
    if all.len() > 1 {
        let own = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let text = |p: &Platform| format!("{}/{}", p.os, p.architecture);
        let of = |f: &Descriptor| f.platform.as_ref().map_or_else(|| f.digest.clone(), text);
        let held: Vec<String> = all.iter().map(of).collect();
        let fits = |p: &Platform| p.os == "linux" && p.architecture == own;
        all.retain(|found| found.platform.as_ref().is_some_and(fits));
        if all.len() != 1 {
            let held = names(held.iter().map(String::as_str));
            return Err(messages::several_platforms(held).into());
        }
    }
    all.pop().ok_or_else(|| messages::no_image().into())
}

fn layer_of(files: &Files, layer: &Descriptor) -> Result<Blob, Fault> {
    let media_type = layer.media_type.as_deref().unwrap_or("tar");
    let readable = media_type.contains("tar") && !media_type.contains("encrypted");
    if !readable {
        let why = messages::no_layer(shown(media_type.as_bytes()));
        return Err(Fault::from(why).at(layer.digest.as_bytes()));
    }
    blob(files, layer)
}

/// A file that has the size and the digest that are said of it.
fn blob(files: &Files, described: &Descriptor) -> Result<Blob, Fault> {
    let digest = &described.digest;
    let read = || {
        let (algorithm, digits) = digest.split_once(':').ok_or_else(messages::bad_digest)?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(messages::bad_digest().into()),
        };
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() != length || !digits.bytes().all(is_digit) {
            return Err(messages::bad_digest().into());
        }
        let blob = files.get(&format!("blobs/{algorithm}/{digits}"))?;
        if blob.len != described.size {
            return Err(messages::other_size(blob.len, described.size).into());
        }
        let found = if length == 64 { hash::<Sha256>(&blob)? } else { hash::<Sha512>(&blob)? };
        match found == digits {
            true => Ok(blob),
            false => Err(messages::other_digest().into()),
        }
    };
    read().map_err(|fault: Fault| fault.at(digest.as_bytes()))
}

fn hash<D: Digest>(blob: &Blob) -> Result<String, Fault> {
    let (mut reader, mut hash) = (blob.reader(), D::new());
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
