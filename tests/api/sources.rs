//! The sources of a crate as syntax, and what of them is public.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Fields, ImplItem, Item, ItemImpl, Meta, Signature, TraitItem, Type, UseTree,
    Visibility,
};

/// A module of the crate: its path, as `report::text`; empty for the root.
type Place = String;

/// The modules of a crate as it is built with its default features.
pub struct Sources {
    modules: BTreeMap<Place, (bool, Vec<Item>)>,
}

impl Sources {
    /// Reads a crate from its root file.
    pub fn read(root: &Path) -> Sources {
        let mut sources = Sources { modules: BTreeMap::new() };
        sources.add_file(String::new(), true, root, root.parent().unwrap());
        sources
    }

    /// Adds the module in a file; `dir` holds the files of its children.
    fn add_file(&mut self, place: Place, public: bool, file: &Path, dir: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{file:?}: {e}"));
        let items = syn::parse_file(&text).unwrap_or_else(|e| panic!("{file:?}: {e}")).items;
        self.add(place, public, items, dir);
    }

    fn add(&mut self, place: Place, public: bool, items: Vec<Item>, dir: &Path) {
        let items: Vec<Item> = items.into_iter().filter(|i| is_built(attributes(i))).collect();
        for item in &items {
            let Item::Mod(module) = item else { continue };
            let name = module.ident.to_string();
            let (inner, inner_dir) = (join(&place, &name), dir.join(&name));
            let public = is_public(&module.vis) && !is_hidden(&module.attrs);
            match &module.content {
                Some((_, items)) => self.add(inner, public, items.clone(), &inner_dir),
                None => {
                    let beside = dir.join(format!("{name}.rs"));
                    let file = if beside.exists() { beside } else { inner_dir.join("mod.rs") };
                    self.add_file(inner, public, &file, &inner_dir);
                }
            }
        }
        self.modules.insert(place, (public, items));
    }

    /// Every public item, a line each, sorted.
    pub fn public(&self) -> Vec<String> {
        let mut out = BTreeSet::new();
        self.list("", &mut out);
        out.into_iter().collect()
    }

    /// The public items of a module that is public itself.
    fn list(&self, place: &str, out: &mut BTreeSet<String>) {
        let (_, items) = &self.modules[place];
        for item in items.iter().filter(|item| !is_hidden(attributes(item))) {
            match item {
                Item::Mod(module) if is_public(&module.vis) => {
                    let inner = join(place, &module.ident.to_string());
                    out.insert(format!("pub mod {}", shown(&inner)));
                    self.list(&inner, out);
                }
                Item::Use(import) if is_public(&import.vis) => {
                    for (path, name) in names(&import.tree) {
                        self.show_at(place, &path, &join(place, &name), out);
                    }
                }
                item if visibility(item).is_some_and(is_public) => {
                    let name = ident(item).unwrap_or_default();
                    self.show(item, place, &join(place, &name), out);
                }
                _ => {}
            }
        }
    }

    /// Shows what `path` in the module `place` names, under the public name `at`.
    fn show_at(&self, place: &str, path: &[String], at: &str, out: &mut BTreeSet<String>) {
        let (module, name) = self.resolve(place, path);
        if self.modules.contains_key(&join(&module, &name)) {
            out.insert(format!("pub mod {}", shown(at)));
            return;
        }
        let (_, items) = self.modules.get(&module).unwrap_or_else(|| panic!("{path:?} in {place}"));
        for item in items {
            match item {
                Item::Use(import) => {
                    let found = names(&import.tree).into_iter().find(|(_, known)| *known == name);
                    if let Some((path, _)) = found {
                        return self.show_at(&module, &path, at, out);
                    }
                }
                item if ident(item).as_deref() == Some(&name) => {
                    // What has a public place of its own is shown there.
                    if self.is_open(&module) && visibility(item).is_some_and(is_public) {
                        let own = shown(&join(&module, &name));
                        out.insert(format!("pub use {own} as {}", shown(at)));
                        return;
                    }
                    return self.show(item, &module, at, out);
                }
                _ => {}
            }
        }
        panic!("{path:?} in `{place}`: nothing of this name in `{module}`");
    }

    /// Whether a module and all that it is in are public.
    fn is_open(&self, place: &str) -> bool {
        let up = place.rsplit_once("::").map_or("", |(up, _)| up);
        place.is_empty() || (self.modules[place].0 && self.is_open(up))
    }

    /// The module that a path leads to, and the last name in it.
    fn resolve(&self, place: &str, path: &[String]) -> (Place, String) {
        let (name, way) = path.split_last().unwrap();
        let mut module = place.to_owned();
        for (n, step) in way.iter().enumerate() {
            module = match step.as_str() {
                "crate" => String::new(),
                "self" => module,
                "super" => module.rsplit_once("::").map_or("", |(up, _)| up).to_owned(),
                // A crate's own name is no module of this place.
                step if n == 0 && !self.modules.contains_key(&join(&module, step)) => {
                    step.to_owned()
                }
                step => join(&module, step),
            };
        }
        (module, name.clone())
    }

    fn show(&self, item: &Item, module: &str, at: &str, out: &mut BTreeSet<String>) {
        let at_shown = shown(at);
        let open = |attrs: &[Attribute]| {
            if has(attrs, "non_exhaustive") { "non_exhaustive " } else { "" }
        };
        match item {
            Item::Struct(item) => {
                out.insert(format!("pub {}struct {at_shown}", open(&item.attrs)));
                for (n, field) in item.fields.iter().enumerate() {
                    let name = field.ident.as_ref().map_or(n.to_string(), ToString::to_string);
                    if is_public(&field.vis) {
                        out.insert(format!("pub field {at_shown}::{name}: {}", text(&field.ty)));
                    }
                }
                self.show_impls(&item.attrs, &item.ident.to_string(), module, &at_shown, out);
            }
            Item::Enum(item) => {
                out.insert(format!("pub {}enum {at_shown}", open(&item.attrs)));
                for variant in item.variants.iter().filter(|v| !is_hidden(&v.attrs)) {
                    let fields = match &variant.fields {
                        Fields::Unit => String::new(),
                        Fields::Unnamed(fields) => text(fields),
                        Fields::Named(fields) => {
                            let one = |f: &syn::Field| {
                                format!("{}: {}", f.ident.as_ref().unwrap(), text(&f.ty))
                            };
                            let all: Vec<String> = fields.named.iter().map(one).collect();
                            format!(" {{ {} }}", all.join(", "))
                        }
                    };
                    out.insert(format!("{at_shown}::{}{fields}", variant.ident));
                }
                self.show_impls(&item.attrs, &item.ident.to_string(), module, &at_shown, out);
            }
            Item::Trait(item) => {
                out.insert(format!("pub trait {at_shown}"));
                for inner in &item.items {
                    if let TraitItem::Fn(function) = inner
                        && !is_hidden(&function.attrs)
                    {
                        out.insert(signature(&function.sig, &format!("{at_shown}::")));
                    }
                }
            }
            Item::Fn(item) => {
                let prefix = at_shown.rsplit_once("::").map_or("", |(prefix, _)| prefix);
                let mut function = item.sig.clone();
                let name = at.rsplit("::").next().unwrap_or(at);
                function.ident = syn::Ident::new(name, function.ident.span());
                out.insert(signature(&function, &format!("{prefix}::")));
            }
            Item::Const(item) => {
                out.insert(format!("pub const {at_shown}: {}", text(&item.ty)));
            }
            Item::Type(item) => {
                out.insert(format!("pub type {at_shown} = {}", text(&item.ty)));
            }
            other => {
                panic!("{at_shown}: a kind of item that this list does not know: {}", text(other))
            }
        }
    }

    /// What a type can do: its public functions, and its traits.
    fn show_impls(
        &self,
        attrs: &[Attribute],
        name: &str,
        module: &str,
        at: &str,
        out: &mut BTreeSet<String>,
    ) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
            let _ = attr.parse_nested_meta(|meta| {
                out.insert(format!("{at}: {}", text(&meta.path)));
                Ok(())
            });
        }
        // Types of one name are in different top-level modules.
        let top = |place: &str| place.split("::").next().unwrap_or_default().to_owned();
        for (place, (_, items)) in &self.modules {
            let another =
                place != module && items.iter().any(|i| ident(i).as_deref() == Some(name));
            for item in items.iter().filter(|_| !another) {
                let Item::Impl(block) = item else { continue };
                if top(place) == top(module) && self_name(block).as_deref() == Some(name) {
                    show_impl(block, at, out);
                }
            }
        }
    }
}

fn show_impl(block: &ItemImpl, at: &str, out: &mut BTreeSet<String>) {
    if let Some((_, path, _)) = &block.trait_ {
        out.insert(format!("{at}: {}", text(path)));
        return;
    }
    for item in &block.items {
        if let ImplItem::Fn(function) = item
            && is_public(&function.vis)
            && is_built(&function.attrs)
            && !is_hidden(&function.attrs)
        {
            out.insert(signature(&function.sig, &format!("{at}::")));
        }
    }
}

/// The name of the type that a block is about.
fn self_name(block: &ItemImpl) -> Option<String> {
    let Type::Path(path) = &*block.self_ty else { return None };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

/// Whether an item is there in a build with the default features.
fn is_built(attrs: &[Attribute]) -> bool {
    let conditions = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    conditions.filter_map(|attr| attr.parse_args::<Meta>().ok()).all(|meta| is_true(&meta))
}

fn is_true(condition: &Meta) -> bool {
    let name = text(condition.path());
    let parts = |list: &syn::MetaList| {
        let parts = list.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated);
        parts.unwrap_or_else(|e| panic!("{}: {e}", text(list)))
    };
    match (name.as_str(), condition) {
        ("test", Meta::Path(_)) => false,
        ("feature", Meta::NameValue(feature)) => text(&feature.value) == "\"cli\"",
        // The list is that of the platform that the program is built for.
        ("target_arch", Meta::NameValue(arch)) => text(&arch.value) == "\"x86_64\"",
        ("not", Meta::List(list)) => !parts(list).iter().any(is_true),
        ("any", Meta::List(list)) => parts(list).iter().any(is_true),
        ("all", Meta::List(list)) => parts(list).iter().all(is_true),
        _ => panic!("a condition that this list does not know: {}", text(condition)),
    }
}

fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) => list.path.is_ident("doc") && list.tokens.to_string() == "hidden",
        _ => false,
    })
}

fn has(attrs: &[Attribute], name: &str) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident(name))
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The paths that a `use` names, each with the name it gets.
fn names(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    match tree {
        UseTree::Path(path) => {
            let under = |(mut way, name): (Vec<String>, String)| {
                way.insert(0, path.ident.to_string());
                (way, name)
            };
            names(&path.tree).into_iter().map(under).collect()
        }
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        UseTree::Rename(name) => vec![(vec![name.ident.to_string()], name.rename.to_string())],
        UseTree::Group(group) => group.items.iter().flat_map(names).collect(),
        // Nothing public is named like this; what is private need not be followed.
        UseTree::Glob(_) => Vec::new(),
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

fn visibility(item: &Item) -> Option<&Visibility> {
    Some(match item {
        Item::Const(i) => &i.vis,
        Item::Enum(i) => &i.vis,
        Item::Fn(i) => &i.vis,
        Item::Static(i) => &i.vis,
        Item::Struct(i) => &i.vis,
        Item::Trait(i) => &i.vis,
        Item::Type(i) => &i.vis,
        _ => return None,
    })
}

fn ident(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(i) => i.ident.to_string(),
        Item::Enum(i) => i.ident.to_string(),
        Item::Fn(i) => i.sig.ident.to_string(),
        Item::Static(i) => i.ident.to_string(),
        Item::Struct(i) => i.ident.to_string(),
        Item::Trait(i) => i.ident.to_string(),
        Item::Type(i) => i.ident.to_string(),
        _ => return None,
    })
}

fn signature(function: &Signature, prefix: &str) -> String {
    let whole = text(function);
    let name = format!("fn {}", function.ident);
    format!("pub {}", whole.replacen(&name, &format!("fn {prefix}{}", function.ident), 1))
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}::{name}") }
}

fn shown(place: &str) -> String {
    join("crate", place)
}

/// Tokens as they are written.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        ("> ", ">"),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" :", ":"),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        ("- >", "->"),
        ("->", "-> "),
        ("<& ", "<&"),
    ] {
        text = text.replace(from, to);
    }
    text = text
        .replace("->  ", "-> ")
        .replace(">where", "> where")
        .replace(",)", ")")
        .replace("=(", "= (");
    text
}
