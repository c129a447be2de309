//! The tree that an archive's layers make: names and attributes in memory, contents elsewhere.
//!
//! Entries are put in their places as container runtimes do it: links in the way to an entry are followed
//! inside the root, the last component is replaced, and a directory that comes again keeps what is in it.

use std::collections::BTreeMap;

use super::fault::{Fault, shown};
use super::limits::{Limits, NAME, PATH};
use super::messages;
use super::pax::AclRecord;
use super::store::Content;
use crate::message::Message;
use crate::rootfs::FileKind;
use crate::rootfs::locate::MAX_LINKS;

/// What an entry takes in memory besides its texts (bytes, with what the allocator and the maps add).
const NODE: usize = 232;

/// The place of a node.
pub(super) type Id = u32;
/// The root.
pub(super) const ROOT: Id = 0;

/// A file, directory and so on; it may have several names.
pub(super) struct Node {
    pub attributes: Attributes,
    pub links: u64,
    pub body: Body,
}

/// What is the same in every kind of node.
#[derive(Clone)]
pub(super) struct Attributes {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: i64,
    pub acl: Option<AclRecord>,
}

/// What distinguishes the kinds.
pub(super) enum Body {
    Dir(Dir),
    File(Content),
    Symlink(Box<[u8]>),
    /// A device or a pipe.
    Other(FileKind),
}

/// The names in a directory.
#[derive(Default)]
pub(super) struct Dir {
    pub names: BTreeMap<Box<[u8]>, Slot>,
    /// Everything in it is of this layer, or of a later one.
    opaque: u32,
}

/// What has a name.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub id: Id,
    /// The last layer that has an entry for it, or for something below.
    layer: u32,
}

impl Node {
    pub fn kind(&self) -> FileKind {
        match &self.body {
            Body::Dir(_) => FileKind::Dir,
            Body::File(_) => FileKind::File,
            Body::Symlink(_) => FileKind::Symlink,
            Body::Other(kind) => *kind,
        }
    }

    /// What it takes in memory (bytes).
    fn cost(&self) -> usize {
        let acl = match &self.attributes.acl {
            Some(AclRecord::Kernel(acl)) => acl.bytes().len(),
            Some(AclRecord::Text(acl)) => acl.cost(),
            None => 0,
        };
        NODE + acl
            + match &self.body {
                Body::File(content) => content.cost(),
                Body::Symlink(target) => target.len(),
                _ => 0,
            }
    }
}

/// The way to an entry: its components, checked.
pub(super) fn components(name: &[u8]) -> Result<Vec<&[u8]>, Message> {
    let parts: Vec<&[u8]> =
        name.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    if parts.contains(&&b".."[..]) {
        return Err(messages::outside());
    }
    let fits = |part: &&[u8]| part.len() <= NAME && !part.contains(&0);
    if name.is_empty() || name.len() >= PATH || !parts.iter().all(fits) {
        return Err(messages::bad_name());
    }
    Ok(parts)
}

/// All nodes.
pub(super) struct Tree {
    nodes: Vec<Option<Node>>,
    free: Vec<Id>,
    limits: Limits,
    /// What is in memory (bytes).
    cost: usize,
    entries: u64,
    steps: u64,
    /// The layer whose entries come now, from 1.
    layer: u32,
}

impl Tree {
    pub fn new(limits: Limits) -> Tree {
        let attributes = Attributes { mode: 0o755, uid: 0, gid: 0, mtime: 0, acl: None };
        let root = Node { attributes, links: 2, body: Body::Dir(Dir::default()) };
        let nodes = vec![Some(root)];
        Tree { nodes, free: Vec::new(), limits, cost: NODE, entries: 0, steps: 0, layer: 0 }
    }

    /// The entries that come are those of the next layer.
    pub fn next_layer(&mut self) {
        self.layer += 1;
    }

    /// One more entry was read.
    ///
    /// # Errors
    /// It is one too many.
    pub fn count(&mut self) -> Result<(), Fault> {
        self.entries += 1;
        match self.entries > self.limits.entries {
            true => Err(messages::too_many_entries(self.limits.entries).into()),
            false => Ok(()),
        }
    }

    pub fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id as usize)?.as_ref()
    }

    fn node_mut(&mut self, id: Id) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize)?.as_mut()
    }

    /// The names in a directory; `None` for anything else.
    pub fn dir(&self, id: Id) -> Option<&Dir> {
        match &self.node(id)?.body {
            Body::Dir(dir) => Some(dir),
            _ => None,
        }
    }

    fn dir_mut(&mut self, id: Id) -> Option<&mut Dir> {
        match &mut self.node_mut(id)?.body {
            Body::Dir(dir) => Some(dir),
            _ => None,
        }
    }

    /// What has this name in a directory.
    pub fn child(&self, dir: Id, name: &[u8]) -> Option<Id> {
        Some(self.dir(dir)?.names.get(name)?.id)
    }

    /// Puts what an entry describes in its place.
    ///
    /// # Errors
    /// There is no such place; memory for it.
    pub fn put(&mut self, way: &[&[u8]], attributes: Attributes, body: Body) -> Result<(), Fault> {
        let Some((name, parents)) = way.split_last() else {
            let Body::Dir(_) = body else { return Err(messages::root_no_directory().into()) };
            return self.set_attributes(ROOT, attributes);
        };
        let parent = self.make_way(parents)?;
        let slot = self.dir(parent).and_then(|dir| dir.names.get(*name)).copied();
        if let Some(slot) = slot {
            if matches!(body, Body::Dir(_)) && self.dir(slot.id).is_some() {
                self.touch(parent, name);
                return self.set_attributes(slot.id, attributes);
            }
            self.detach(parent, name);
        }
        self.add(parent, name, Node { attributes, links: 0, body })?;
        Ok(())
    }

    /// Gives a file one more name.
    ///
    /// # Errors
    /// As [`Tree::put`]; there is no such file.
    pub fn link(&mut self, way: &[&[u8]], target: &[u8]) -> Result<(), Fault> {
        let none = || Fault::from(messages::no_link_target(shown(target)));
        let Some((name, parents)) = way.split_last() else {
            return Err(messages::root_no_directory().into());
        };
        let to = components(target).map_err(|_| none())?;
        let (last, above) = to.split_last().ok_or_else(none)?;
        let found = self.find_way(above)?.and_then(|dir| self.child(dir, last));
        let found = found.filter(|id| self.dir(*id).is_none()).ok_or_else(none)?;
        let parent = self.make_way(parents)?;
        match self.child(parent, name) {
            Some(old) if old == found => {
                self.touch(parent, name);
                return Ok(());
            }
            Some(_) => self.detach(parent, name),
            None => {}
        }
        // It was in what the new name replaces.
        let Some(node) = self.node_mut(found) else { return Err(none()) };
        node.links += 1;
        self.name(parent, name, found)
    }

    /// Takes away what earlier layers have under a name.
    ///
    /// # Errors
    /// A way that no name can have.
    pub fn white_out(&mut self, parents: &[&[u8]], name: &[u8]) -> Result<(), Fault> {
        if matches!(name, b"" | b"." | b"..") {
            return Err(messages::bad_name().into());
        }
        let Some(parent) = self.find_way(parents)? else { return Ok(()) };
        let slot = self.dir(parent).and_then(|dir| dir.names.get(name)).copied();
        match slot {
            Some(slot) if slot.layer == self.layer => self.hide_below(slot.id),
            Some(_) => self.detach(parent, name),
            None => {}
        }
        Ok(())
    }

    /// Takes away what earlier layers have in a directory.
    ///
    /// # Errors
    /// As [`Tree::white_out`].
    pub fn make_opaque(&mut self, way: &[&[u8]]) -> Result<(), Fault> {
        if let Some(dir) = self.find_way(way)? {
            self.hide_below(dir);
        }
        Ok(())
    }

    fn hide_below(&mut self, top: Id) {
        let layer = self.layer;
        let mut todo = vec![top];
        while let Some(at) = todo.pop() {
            let Some(dir) = self.dir_mut(at) else { continue };
            if dir.opaque == layer {
                continue;
            }
            dir.opaque = layer;
            let (kept, gone): (Vec<_>, Vec<_>) =
                std::mem::take(&mut dir.names).into_iter().partition(|(_, s)| s.layer == layer);
            todo.extend(kept.iter().map(|(_, slot)| slot.id));
            dir.names = kept.into_iter().collect();
            for (name, slot) in gone {
                self.forget(&name, slot.id);
            }
        }
    }

    /// The directory that these names lead to, made where it is missing.
    fn make_way(&mut self, names: &[&[u8]]) -> Result<Id, Fault> {
        Ok(self.walk(names, true)?.unwrap_or(ROOT))
    }

    /// The directory that these names lead to.
    fn find_way(&mut self, names: &[&[u8]]) -> Result<Option<Id>, Fault> {
        self.walk(names, false)
    }

    fn walk(&mut self, names: &[&[u8]], make: bool) -> Result<Option<Id>, Fault> {
        let mut stack = vec![ROOT];
        // The next one last; whether a link named it.
        let mut todo: Vec<(Box<[u8]>, bool)> =
            names.iter().rev().map(|name| ((*name).into(), false)).collect();
        let mut links = 0;
        while let Some((name, from_link)) = todo.pop() {
            self.steps += 1;
            if self.steps > self.limits.steps {
                return Err(messages::too_many_steps(self.limits.steps).into());
            }
            if *name == *b".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            let at = stack.last().copied().unwrap_or(ROOT);
            let Some(id) = self.child(at, &name) else {
                match (make, from_link) {
                    (false, _) => return Ok(None),
                    (true, true) => return Err(messages::through_nothing().into()),
                    (true, false) => {}
                }
                let attributes = Attributes { mode: 0o755, uid: 0, gid: 0, mtime: 0, acl: None };
                let body = Body::Dir(Dir::default());
                let id = self.add(at, &name, Node { attributes, links: 0, body })?;
                stack.push(id);
                continue;
            };
            if make {
                self.touch(at, &name);
            }
            match self.node(id).map(|node| &node.body) {
                Some(Body::Dir(_)) => stack.push(id),
                Some(Body::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(messages::link_loop().into());
                    }
                    if target.starts_with(b"/") {
                        stack.truncate(1);
                    }
                    let parts = target.split(|b| *b == b'/').rev();
                    let parts = parts.filter(|part| !matches!(*part, b"" | b"."));
                    todo.extend(parts.map(|part| (part.into(), true)));
                }
                _ if !make => return Ok(None),
                _ => return Err(messages::below_no_directory().into()),
            }
        }
        Ok(stack.pop())
    }

    /// This layer has something at or below a name.
    fn touch(&mut self, dir: Id, name: &[u8]) {
        let layer = self.layer;
        if let Some(slot) = self.dir_mut(dir).and_then(|dir| dir.names.get_mut(name)) {
            slot.layer = layer;
        }
    }

    fn set_attributes(&mut self, id: Id, attributes: Attributes) -> Result<(), Fault> {
        if let Some(node) = self.node_mut(id) {
            let before = node.cost();
            node.attributes = attributes;
            let after = node.cost();
            self.cost = self.cost.saturating_sub(before);
            self.charge(after)?;
        }
        Ok(())
    }

    fn charge(&mut self, cost: usize) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        match self.cost > self.limits.metadata {
            true => Err(messages::too_much_metadata(self.limits.metadata as u64).into()),
            false => Ok(()),
        }
    }

    fn add(&mut self, dir: Id, name: &[u8], mut node: Node) -> Result<Id, Fault> {
        node.links = if matches!(node.body, Body::Dir(_)) { 2 } else { 1 };
        self.charge(node.cost())?;
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.nodes.push(None);
                Id::try_from(self.nodes.len() - 1)
                    .map_err(|_| messages::too_many_entries(self.limits.entries))?
            }
        };
        self.nodes[id as usize] = Some(node);
        self.name(dir, name, id)?;
        Ok(id)
    }

    fn name(&mut self, dir: Id, name: &[u8], id: Id) -> Result<(), Fault> {
        self.charge(NODE / 2 + name.len())?;
        let slot = Slot { id, layer: self.layer };
        if let Some(dir) = self.dir_mut(dir) {
            dir.names.insert(name.into(), slot);
        }
        Ok(())
    }

    fn detach(&mut self, dir: Id, name: &[u8]) {
        let gone = self.dir_mut(dir).and_then(|dir| dir.names.remove(name));
        if let Some(slot) = gone {
            self.forget(name, slot.id);
        }
    }

    /// A name is gone, and with the last one the node and all below it.
    fn forget(&mut self, name: &[u8], id: Id) {
        let mut todo = vec![(name.len(), id)];
        while let Some((length, id)) = todo.pop() {
            self.cost = self.cost.saturating_sub(NODE / 2 + length);
            let Some(node) = self.node_mut(id) else { continue };
            node.links = node.links.saturating_sub(1);
            if node.links > 0 && !matches!(node.body, Body::Dir(_)) {
                continue;
            }
            let cost = node.cost();
            self.cost = self.cost.saturating_sub(cost);
            let Some(node) = self.nodes[id as usize].take() else { continue };
            self.free.push(id);
            if let Body::Dir(dir) = node.body {
                todo.extend(dir.names.into_iter().map(|(name, slot)| (name.len(), slot.id)));
            }
        }
    }
}
