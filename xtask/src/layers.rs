//! `check`: imports only go down. Each source file of a crate belongs to a layer. A file may import from its own layer
//! and the layers below, and the modules of a layer must not import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use happening_stack::project::root;

/// A layer: its name, and patterns of its files. `folder/` means all files of a folder, `*/name.rs` that file of every
/// folder; the longest pattern wins.
type Layer = (&'static str, &'static [&'static str]);

/// The server's layers, the lowest first.
const SERVER: [Layer; 8] = [
    (
        "foundation",
        &[
            "access.rs",
            "clock.rs",
            "config.rs",
            "database/",
            "limits/",
            "links.rs",
            "metrics.rs",
            "page.rs",
            "problem.rs",
            "switches.rs",
            "telemetry.rs",
            "telemetry/",
            "wake.rs",
        ],
    ),
    (
        "records",
        &[
            "*/store.rs",
            "audit_log.rs",
            "auth/",
            "bookings/board.rs",
            "bookings/lists.rs",
            "broker/",
            "events/seats.rs",
            "events/views.rs",
            "idempotency.rs",
            "outbox/",
            "seats/",
            "shown/",
            "users/known.rs",
        ],
    ),
    ("app", &["app.rs"]),
    (
        "operations",
        &[
            "audit/",
            "bookings/",
            "delivery/",
            "events/",
            "invites/",
            "notifications/",
            "organizations/",
            "timers/",
            "users/",
        ],
    ),
    ("http", &["http/"]),
    ("handlers", &["*/http.rs"]),
    ("routes", &["http/examples.rs", "http/router.rs"]),
    ("commands", &["commands/", "main.rs"]),
];

/// The screens' layers, the lowest first.
const SCREENS: [Layer; 7] = [
    (
        "words",
        &[
            "clock.rs",
            "connection.rs",
            "focus.rs",
            "format.rs",
            "layers.rs",
            "locale.rs",
            "pause.rs",
            "presence.rs",
            "route.rs",
            "said.rs",
            "typing.rs",
        ],
    ),
    ("features", &["features/"]),
    ("state", &["api/", "appearance.rs", "breakdown.rs", "here.rs", "session.rs", "shortcuts.rs", "store/"]),
    ("components", &["components/", "seat_map/"]),
    ("changes", &["write.rs"]),
    ("pages", &["finder.rs", "pages/", "sidebar.rs"]),
    ("app", &["app.rs", "lib.rs", "main.rs"]),
];

/// Checks the crates that have layers: the server and the screens.
///
/// # Errors
/// When a file imports from a higher layer or belongs to no layer, or modules of a layer import each other in a circle.
pub(crate) fn check() -> Result<()> {
    let mut found = violations(&root().join("backend/src"), &SERVER)?;
    found.extend(violations(&root().join("ui/src"), &SCREENS)?);
    ensure!(
        found.is_empty(),
        "imports that do not look down (the layers stand in xtask/src/layers.rs):\n{}",
        found.join("\n")
    );
    Ok(())
}

fn violations(folder: &Path, layers: &[Layer]) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    read(folder, Path::new(""), &mut files)?;
    let known: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    let mut found = Vec::new();
    // within a layer: each module, and the modules that it imports
    let mut beside: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
    for (file, text) in &files {
        let Some(own) = layer_of(file, layers) else {
            found.push(format!("{file} belongs to no layer"));
            continue;
        };
        for named in named_by(file, text, &known) {
            match layer_of(&named, layers) {
                Some(other) if other > own => {
                    found.push(format!("{file} ({}) names {named} ({})", layers[own].0, layers[other].0));
                }
                Some(other) if other == own && module_of(&named) != module_of(file) => {
                    beside.entry((own, module_of(file))).or_default().insert(module_of(&named));
                }
                _ => {}
            }
        }
    }
    found.extend(
        beside
            .keys()
            .filter(|(layer, module)| is_in_cycle(*layer, module, &beside))
            .map(|(layer, module)| format!("{module} is in a circle of modules of the layer {}", layers[*layer].0)),
    );
    Ok(found)
}

/// Reads the code of all source files, by their path in the folder. Tests are left out, since they may import anything:
/// the simulation here, and unit tests in [`code_of`].
fn read(folder: &Path, inside: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder.join(inside))? {
        let entry = entry?;
        let path = inside.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "simulation" {
                read(folder, &path, files)?;
            }
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(entry.path()).with_context(|| entry.path().display().to_string())?;
            files.insert(path.to_string_lossy().into_owned(), code_of(&text));
        }
    }
    Ok(())
}

/// The text without comments, and without the tests at its end.
fn code_of(text: &str) -> String {
    let tests = text.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| {
        // `mod tests;` only declares a module in another file
        text[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{'))
    });
    let code = &text[..tests.map_or(text.len(), |(at, _)| at)];
    let without_comment = |line: &str| {
        let code = line.split(" // ").next().unwrap_or_default();
        if code.trim_start().starts_with("//") { String::new() } else { code.to_owned() }
    };
    code.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

fn layer_of(file: &str, layers: &[Layer]) -> Option<usize> {
    let length = |pattern: &str| {
        let matches = match pattern.strip_prefix('*') {
            Some(name) => file.ends_with(name),
            None if pattern.ends_with('/') => file.starts_with(pattern),
            None => file == pattern,
        };
        // a pattern for a file is more specific than one for its folder
        matches.then(|| if pattern.ends_with('/') { pattern.len() } else { 1_000 + pattern.len() })
    };
    let best =
        |(at, (_, patterns)): (usize, &Layer)| Some((patterns.iter().filter_map(|pattern| length(pattern)).max()?, at));
    layers.iter().enumerate().filter_map(best).max().map(|(_, at)| at)
}

/// The first part of a file's path.
fn module_of(file: &str) -> String {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs").to_owned()
}

fn is_in_cycle(layer: usize, from: &str, beside: &BTreeMap<(usize, String), BTreeSet<String>>) -> bool {
    let (mut seen, mut todo) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(module) = todo.pop() {
        for next in beside.get(&(layer, module)).into_iter().flatten() {
            if next == from {
                return true;
            }
            if seen.insert(next.clone()) {
                todo.push(next.clone());
            }
        }
    }
    false
}

/// The other files whose items a file uses, by `crate::`, `super::` or `self::`, or by a module that the file declares
/// or imports.
fn named_by(file: &str, text: &str, known: &BTreeSet<&str>) -> BTreeSet<String> {
    let own: Vec<String> =
        file.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").map(str::to_owned).collect();
    let mut paths = paths_from("crate::", &[], text);
    paths.extend(paths_from("super::", &own[..own.len() - 1], text));
    paths.extend(paths_from("self::", &own, text));
    let children = text.lines().filter_map(|line| line.trim_end_matches(';').rsplit_once("mod ")).map(|(_, name)| name);
    let children = children.map(|name| Named::of([&own[..], &[name.to_owned()]].concat()));
    let mut todo: Vec<Named> = children.chain(paths.clone()).chain(renamed_parents(&own, text)).collect();
    let mut modules = BTreeSet::new();
    while let Some(module) = todo.pop() {
        if is_module(&module.path, known) && modules.insert(module.clone()) {
            // an import can rename what another import has renamed
            let more = paths_from(&format!("{}::", module.name), &module.path, text);
            todo.extend(more.iter().cloned());
            paths.extend(more);
        }
    }
    let mut named: BTreeSet<String> = paths.iter().filter_map(|one| resolve(&one.path, known)).collect();
    named.remove(file);
    named
}

/// A path in a file, and the name that the file uses for it, as in `use path as name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    path: Vec<String>,
    name: String,
}

impl Named {
    fn of(path: Vec<String>) -> Self {
        Self { name: path.last().cloned().unwrap_or_default(), path }
    }
}

/// The names of `use super as name` and its like.
fn renamed_parents(own: &[String], text: &str) -> Vec<Named> {
    let bases = [("use crate as ", &[][..]), ("use super as ", &own[..own.len() - 1]), ("use self as ", own)];
    let names = bases.into_iter().flat_map(|(start, base)| {
        let after = text.split(start).skip(1);
        after.map(|rest| Named { path: base.to_vec(), name: rest.split(';').next().unwrap_or_default().to_owned() })
    });
    names.collect()
}

/// The paths in the text that begin with `start`, which stands for `base`.
fn paths_from(start: &str, base: &[String], text: &str) -> Vec<Named> {
    let ends_a_word = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let mut paths = Vec::new();
    for (at, _) in text.match_indices(start).filter(|(at, _)| !ends_a_word(&text[..*at])) {
        expand(base.to_vec(), &text[at + start.len()..], &mut paths);
    }
    paths
}

/// Whether a path names a module; the empty path is the crate's root.
fn is_module(path: &[String], known: &BTreeSet<&str>) -> bool {
    let module = path.join("/");
    path.is_empty()
        || [format!("{module}.rs"), format!("{module}/mod.rs")].iter().any(|file| known.contains(file.as_str()))
}

/// Collects the paths that begin with `base` and continue as the text does: `a::{b, c::d}` is two paths. Answers the
/// text that follows them.
fn expand<'t>(mut base: Vec<String>, text: &'t str, paths: &mut Vec<Named>) -> &'t str {
    let mut text = text.trim_start();
    if let Some(mut inside) = text.strip_prefix('{') {
        loop {
            inside = expand(base.clone(), inside, paths).trim_start();
            match inside.strip_prefix(',') {
                Some(rest) if !rest.trim_start().starts_with('}') => inside = rest,
                Some(rest) => return rest.trim_start().strip_prefix('}').unwrap_or(rest),
                None => return inside.strip_prefix('}').unwrap_or(inside),
            }
        }
    }
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    match word {
        "super" => drop(base.pop()),
        "self" | "" => {}
        _ => base.push(word.to_owned()),
    }
    text = rest;
    if let Some(rest) = text.strip_prefix("::").filter(|rest| !rest.starts_with('<')) {
        return expand(base, rest, paths);
    }
    let Some(rest) = text.trim_start().strip_prefix("as ") else {
        paths.push(Named::of(base));
        return text;
    };
    let rest = rest.trim_start();
    let (name, rest) = rest.split_at(rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len()));
    paths.push(Named { path: base, name: name.to_owned() });
    rest
}

/// The file that declares an item: the longest prefix of the item's path that is a file.
fn resolve(path: &[String], known: &BTreeSet<&str>) -> Option<String> {
    (1..=path.len()).rev().find_map(|length| {
        let module = path[..length].join("/");
        [format!("{module}.rs"), format!("{module}/mod.rs")].into_iter().find(|file| known.contains(file.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(file: &str, text: &str) -> Vec<String> {
        let known = ["a.rs", "a/b.rs", "c/mod.rs", "c/d.rs", "c/e.rs", "main.rs"].into_iter().collect();
        named_by(file, text, &known).into_iter().collect()
    }

    #[test]
    fn all_forms_of_imports_are_found() {
        assert_eq!(named("main.rs", "use crate::a::{self, b::X as Y, Z};"), ["a.rs", "a/b.rs"]);
        assert_eq!(named("c/e.rs", "use super::d::X;\nfn f() -> crate::a::b::T {}"), ["a/b.rs", "c/d.rs"]);
        assert_eq!(named("c/mod.rs", "use self::d::X; use super::a;"), ["a.rs", "c/d.rs"]);
        assert_eq!(
            named("c/d.rs", "use super::super::a::b;\nuse super::{Thing, e};"),
            ["a/b.rs", "c/e.rs", "c/mod.rs"]
        );
        assert_eq!(
            named("c/mod.rs", "mod d;\npub(crate) use d::X;\nuse crate::a; fn f() { a::b::g() }"),
            ["a.rs", "a/b.rs", "c/d.rs"]
        );
        assert_eq!(
            named(
                "main.rs",
                "use crate::a as first; use crate::c::{self as second, e}; fn f() { first::b::g(second::d::h()) }"
            ),
            ["a.rs", "a/b.rs", "c/d.rs", "c/e.rs", "c/mod.rs"]
        );
        assert_eq!(named("c/e.rs", "use super as up; fn f() { up::d::g() }"), ["c/d.rs"]);
        let root =
            "use crate::{self as root}; use crate::a as first; use first::b as second; fn f() { root::c::d::g() }";
        assert_eq!(named("main.rs", root), ["a.rs", "a/b.rs", "c/d.rs"]);
        assert_eq!(named("a.rs", "not_crate::c::d(); other::super::c;"), Vec::<String>::new());
    }

    #[test]
    fn imports_in_comments_and_tests_do_not_count() {
        let text = "#[cfg(test)]\nmod simulation;\nuse crate::a::{b, // see crate::c\n    X};\n// crate::c\n#[cfg(test)]\nmod tests {\n    use crate::c;";
        assert_eq!(named("main.rs", &code_of(text)), ["a.rs", "a/b.rs"]);
    }

    #[test]
    fn upward_imports_and_circles_are_reported() {
        let layers: [Layer; 2] = [("low", &["one/", "two/"]), ("high", &["*/top.rs", "three.rs"])];
        let folder = std::env::temp_dir().join(format!("happening-layers-{}", std::process::id()));
        let write = |file: &str, text: &str| {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| std::fs::write(path, text))
        };
        write("one/mod.rs", "use crate::two::X;\nuse crate::three::Y;").expect("a file");
        write("two/mod.rs", "fn f() { crate::one::g() }").expect("a file");
        write("two/top.rs", "use crate::one::g;").expect("a file");
        write("three.rs", "").expect("a file");
        write("four.rs", "").expect("a file");
        let found = violations(&folder, &layers).expect("files");
        std::fs::remove_dir_all(&folder).expect("it was made");
        assert_eq!(
            found,
            [
                "four.rs belongs to no layer",
                "one/mod.rs (low) names three.rs (high)",
                "one is in a circle of modules of the layer low",
                "two is in a circle of modules of the layer low",
            ]
        );
    }
}
