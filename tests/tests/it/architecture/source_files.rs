//! Rules of single source files: their length, no files that only re-export, no doc comments that repeat a name.

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Field, Ident, ImplItemFn, Item, Lit, Meta, TraitItemFn, Variant, Visibility};

use super::source::{Source, sources};

const MAX_LINES: usize = 300;
/// Files of re-exports above this length list a public interface.
const MAX_LINES_OF_REEXPORTS: usize = 12;

/// Words without meaning of their own in a doc comment.
const FILLERS: [&str; 14] = [
    "a", "an", "the", "its", "of", "this", "that", "all", "every", "each", "for", "in", "handles", "rpc",
];

fn is_too_long(text: &str) -> bool {
    text.lines().count() > MAX_LINES
}

/// Returns whether a short file contains nothing but re-exports, and the modules that they come from.
fn only_reexports(source: &Source) -> bool {
    let is_public = |visibility: &Visibility| !matches!(visibility, Visibility::Inherited);
    let lines = source
        .text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    let items = &source.ast.items;
    lines.count() <= MAX_LINES_OF_REEXPORTS
        && items.iter().any(|item| matches!(item, Item::Use(_)))
        && items.iter().all(|item| match item {
            Item::Use(item) => is_public(&item.vis),
            _ => false,
        })
}

/// Collects documented names with their documentation.
#[derive(Default)]
struct Documented(Vec<(String, String)>);

impl Documented {
    fn add(&mut self, name: &Ident, attributes: &[Attribute]) {
        let lines: Vec<String> = attributes.iter().filter_map(doc_line).collect();
        if !lines.is_empty() {
            self.0.push((name.to_string(), lines.join(" ")));
        }
    }
}

impl<'a> Visit<'a> for Documented {
    fn visit_item(&mut self, item: &'a Item) {
        match item {
            Item::Const(item) => self.add(&item.ident, &item.attrs),
            Item::Enum(item) => self.add(&item.ident, &item.attrs),
            Item::Fn(item) => self.add(&item.sig.ident, &item.attrs),
            Item::Mod(item) => self.add(&item.ident, &item.attrs),
            Item::Static(item) => self.add(&item.ident, &item.attrs),
            Item::Struct(item) => self.add(&item.ident, &item.attrs),
            Item::Trait(item) => self.add(&item.ident, &item.attrs),
            Item::Type(item) => self.add(&item.ident, &item.attrs),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_field(&mut self, field: &'a Field) {
        if let Some(name) = &field.ident {
            self.add(name, &field.attrs);
        }
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'a Variant) {
        self.add(&variant.ident, &variant.attrs);
        visit::visit_variant(self, variant);
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.add(&function.sig.ident, &function.attrs);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a TraitItemFn) {
        self.add(&function.sig.ident, &function.attrs);
        visit::visit_trait_item_fn(self, function);
    }
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(value) if meta.path.is_ident("doc") => match &value.lit {
            Lit::Str(line) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether every word of a comment that has a meaning is a word of the name. Code in a comment counts as meaning.
fn repeats(name: &str, doc: &str) -> bool {
    let name = name.to_lowercase().replace('_', "");
    let words = doc.split(|c: char| !c.is_alphanumeric() && c != '`');
    let mut meaningful = words
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !FILLERS.contains(&word.as_str()));
    meaningful.all(|word| name.contains(&word) || name.contains(word.trim_end_matches('s')))
}

/// Returns the doc comments of a file that repeat their names.
fn repetitions(source: &Source) -> Vec<String> {
    let mut documented = Documented::default();
    documented.visit_file(&source.ast);
    let found = documented.0.into_iter().filter(|(name, doc)| repeats(name, doc));
    found
        .map(|(name, doc)| format!("{}: {name}: {doc}", source.path.display()))
        .collect()
}

#[test]
fn source_files_have_at_most_300_lines() {
    let sources = sources();
    let long = sources.iter().filter(|source| is_too_long(&source.text));
    let long: Vec<_> = long.map(|source| &source.path).collect();
    assert!(long.is_empty(), "{long:#?}");
    assert!(is_too_long(&"x\n".repeat(301)) && !is_too_long(&"x\n".repeat(300)));
}

#[test]
fn no_short_file_only_reexports() {
    let sources = sources();
    let found: Vec<_> = sources
        .iter()
        .filter(|source| only_reexports(source))
        .map(|source| &source.path)
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    let file = |text: &str| Source::parse("a.rs", text);
    assert!(only_reexports(&file(
        "//! Ids.\n\npub use a::A;\npub use b::{B, C};\n"
    )));
    assert!(!only_reexports(&file("pub use a::A;\npub struct B;\n")));
    assert!(!only_reexports(&file(&"pub use a::A;\n".repeat(13))));
}

#[test]
fn doc_comments_do_not_repeat_the_name() {
    let found: Vec<String> = sources().iter().flat_map(repetitions).collect();
    assert!(found.is_empty(), "{found:#?}");
    let file = "struct S {\n/// Its id.\nid: u8,\n/// The PKCS #8 key.\nkey: u8\n}\n/// Handles the RPC.\nfn handle() {}";
    let file = Source::parse("a.rs", file);
    assert_eq!(
        repetitions(&file),
        ["a.rs: id: Its id.", "a.rs: handle: Handles the RPC."]
    );
    assert!(!repeats("redis", "`[redis]`"));
}
