//! Modules of a crate do not import one another in a circle.
//!
//! A file and the files below it count as one when they import each other: a type and its parts. `lib.rs`, `main.rs` and
//! `state.rs` hold the state that handlers share, and name the types of all modules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, Meta, UseTree};

use super::source::{Source, sources};

const SHARED_STATE: [&str; 3] = ["lib", "main", "state"];

type Module = Vec<String>;

/// Modules of a crate, and the modules of the crate that each imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Collects the paths that begin with `crate`.
#[derive(Default)]
struct CratePaths(Vec<Module>);

impl CratePaths {
    fn add_tree(&mut self, prefix: &Module, tree: &UseTree) {
        let with = |name: &syn::Ident| [prefix.as_slice(), &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.add_tree(prefix, item)),
            UseTree::Name(name) => self.add(with(&name.ident)),
            UseTree::Rename(rename) => self.add(with(&rename.ident)),
            UseTree::Glob(_) => self.add(prefix.clone()),
        }
    }

    fn add(&mut self, path: Module) {
        if path.first().is_some_and(|first| first == "crate") {
            self.0.push(path[1..].to_vec());
        }
    }
}

impl<'a> Visit<'a> for CratePaths {
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.add_tree(&Module::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.add(
            path.segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if !module.attrs.iter().any(is_test) {
            visit::visit_item_mod(self, module);
        }
    }
}

fn is_test(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

/// Returns the module of a file: `services/booking/src/rpc/convert.rs` is `rpc::convert` of `services/booking`.
fn module_of(path: &Path) -> Option<(String, Module)> {
    let (name, below) = path.to_str()?.split_once("/src/")?;
    let module: Module = Path::new(below)
        .with_extension("")
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => part.to_str().map(str::to_owned),
            _ => None,
        })
        .collect();
    (!module.iter().any(|part| part == "tests")).then(|| (name.to_owned(), module))
}

/// Returns the imports of every crate.
fn imports(sources: &[Source]) -> BTreeMap<String, Imports> {
    let mut crates: BTreeMap<String, BTreeMap<Module, &Source>> = BTreeMap::new();
    for source in sources {
        if let Some((name, module)) = module_of(&source.path)
            && !(module.len() == 1 && SHARED_STATE.contains(&module[0].as_str()))
        {
            crates.entry(name).or_default().insert(module, source);
        }
    }
    let of_crate = |modules: BTreeMap<Module, &Source>| {
        let imports = modules.iter().map(|(module, source)| {
            let mut paths = CratePaths::default();
            paths.visit_file(&source.ast);
            let used = paths.0.iter().filter_map(|path| deepest(path, &modules));
            let foreign = used.filter(|used| !used.starts_with(module) && !module.starts_with(used));
            (module.clone(), foreign.collect())
        });
        imports.collect()
    };
    crates
        .into_iter()
        .map(|(name, modules)| (name, of_crate(modules)))
        .collect()
}

/// Returns the deepest module on a path, whose last parts are items.
fn deepest<T>(path: &Module, modules: &BTreeMap<Module, T>) -> Option<Module> {
    let prefixes = (1..=path.len()).map(|length| path[..length].to_vec());
    prefixes.take_while(|prefix| modules.contains_key(prefix)).last()
}

/// Returns a circle of imports.
fn circle(imports: &Imports) -> Option<Vec<Module>> {
    fn follow(
        module: &Module,
        imports: &Imports,
        path: &mut Vec<Module>,
        done: &mut BTreeSet<Module>,
    ) -> bool {
        if path.contains(module) {
            path.push(module.clone());
            return true;
        }
        if done.contains(module) {
            return false;
        }
        path.push(module.clone());
        let mut used = imports.get(module).into_iter().flatten();
        if used.any(|used| follow(used, imports, path, done)) {
            return true;
        }
        path.pop();
        done.insert(module.clone());
        false
    }
    let (mut path, mut done) = (Vec::new(), BTreeSet::new());
    let found = imports
        .keys()
        .any(|module| follow(module, imports, &mut path, &mut done));
    found.then_some(path)
}

#[test]
fn modules_do_not_import_one_another_in_a_circle() {
    for (name, imports) in imports(&sources()) {
        assert_eq!(circle(&imports), None, "{name}");
    }
}

#[test]
fn circle_of_imports_is_reported() {
    let file = |name: &str, text: &str| Source::parse(format!("crates/x/src/{name}.rs"), text);
    let of = |files: &[Source]| circle(&imports(files)["crates/x"]);
    let a = || file("a", "use crate::{b::{self, c::C}, state::State};");
    let c = file("b/c", "fn f() -> crate::d::D { crate::d::new() }");
    let parts = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    assert_eq!(
        of(&[a(), file("b", "mod c;"), c, file("d", "use crate::a::A;")]),
        Some(vec![parts("a"), parts("b::c"), parts("d"), parts("a")])
    );
    let in_tests = "#[cfg(test)] mod tests { use crate::a::A; }";
    assert_eq!(
        of(&[a(), file("b", in_tests), file("state", "use crate::a::A;")]),
        None
    );
    assert_eq!(
        of(&[file("b", "use crate::b::c::C;"), file("b/c", "use crate::b::B;")]),
        None
    );
}
