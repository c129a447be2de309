//! Images as `docker save` writes them.

use serde::Deserialize;

use super::blob::Blob;
use super::fault::{Fault, shown};
use super::limits::LAYERS;
use super::members::Files;
use super::messages;
use super::oci::{json, names};

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

impl Image {
    /// Whether this is what somebody calls `wanted`: with or without the registry, and with the tag that
    /// counts where none is given.
    fn is(&self, wanted: &str) -> bool {
        let latest = format!("{wanted}:latest");
        self.tags.iter().flatten().any(|tag| {
            [wanted, &latest].into_iter().any(|wanted| {
                let before = tag.strip_suffix(wanted);
                before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
            })
        })
    }
}

/// The layers of the image with this name, the lowest first.
///
/// # Errors
/// No such image, or several; what the archive is refused for.
pub(super) fn layers(files: &Files, tag: Option<&str>) -> Result<Vec<Blob>, Fault> {
    let mut images: Vec<Image> = json("manifest.json", &files.get("manifest.json")?)?;
    let held: Vec<String> = images.iter().flat_map(|i| i.tags.iter().flatten().cloned()).collect();
    let held = || names(held.iter().map(String::as_str));
    if let Some(tag) = tag {
        images.retain(|image| image.is(tag));
        if images.is_empty() {
            return Err(messages::no_such_image(shown(tag.as_bytes()), held()).into());
        }
    }
    if images.len() > 1 {
        return Err(messages::several_images(held()).into());
    }
    let image = images.pop().ok_or_else(messages::no_image)?;
    if image.layers.len() > LAYERS {
        return Err(messages::too_many_layers(LAYERS).into());
    }
    image.layers.iter().map(|name| files.get(name)).collect()
}
