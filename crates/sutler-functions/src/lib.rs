//! The template functions of Helm: sprig's and Helm's own, with Go's signatures, results and errors.
//!
//! [`all`] is what the engine is given. Functions that need the outside (`lookup`, `now`, the random ones) reach it
//! through the [`Host`] that the caller puts into the engine's context as a [`HostBox`]; nothing here reads a clock,
//! asks for randomness or talks to a network.
//!
//! ```text
//! strings words runes · numbers cast decimal · lists · dicts merge · flow · reflect     values of the language
//! patterns re2 · versions semver · dates time · urls · paths                            small languages within texts
//! yaml json toml · encoding digests crypto · random · templates                         formats, and the engine itself
//! ```
//!
//! The first name of each group holds the functions as templates call them (`FUNCTIONS`), the others what they stand on,
//! as plain Rust.

mod bounds;
mod cast;
mod crypto;
mod dates;
mod decimal;
mod depth;
mod dicts;
mod digests;
mod encoding;
mod flow;
mod host;
pub mod json;
mod lists;
mod merge;
mod numbers;
mod paths;
mod patterns;
mod random;
pub mod re2;
mod reflect;
mod runes;
pub mod semver;
mod show;
mod strings;
mod templates;
pub mod time;
mod toml;
pub mod url;
mod urls;
mod versions;
mod words;
pub mod yaml;

use std::sync::LazyLock;

use sutler_template::{Function, FunctionTable};

pub use dates::{TIME, TimeValue, time_value};
pub use depth::{MAX_DEPTH, TooDeep};
pub use host::{Host, HostBox, Refusal};
pub use merge::{Conflict, copy, merge};
pub use show::quoted;
pub use templates::{MESSAGE_END, MESSAGE_START, without_no_value};

/// The functions by subject.
static SUBJECTS: &[&[Function]] = &[
    crypto::FUNCTIONS,
    dates::FUNCTIONS,
    dicts::FUNCTIONS,
    digests::FUNCTIONS,
    encoding::FUNCTIONS,
    flow::FUNCTIONS,
    json::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    paths::FUNCTIONS,
    patterns::FUNCTIONS,
    random::FUNCTIONS,
    reflect::FUNCTIONS,
    strings::FUNCTIONS,
    templates::FUNCTIONS,
    toml::FUNCTIONS,
    urls::FUNCTIONS,
    versions::FUNCTIONS,
    yaml::FUNCTIONS,
];

/// Every function, grouped by subject; names are unique.
pub fn all() -> impl Iterator<Item = &'static Function> {
    SUBJECTS.iter().copied().flatten()
}

/// Every function as Helm 3.18.0 has it: without `mustToYaml`, and with the versions' rules and texts of Masterminds' 3.3.0.
pub fn all_of_helm3() -> impl Iterator<Item = &'static Function> {
    let replaced = |name: &str| name == "mustToYaml" || versions::FUNCTIONS_3_3.iter().any(|new| new.name == name);
    all().filter(move |function| !replaced(function.name)).chain(versions::FUNCTIONS_3_3)
}

/// [`all`] as a table, made once for all renderings of a program.
pub fn table() -> &'static FunctionTable {
    static TABLE: LazyLock<FunctionTable> = LazyLock::new(|| all().collect());
    &TABLE
}

/// [`all_of_helm3`] as a table, made once for all renderings of a program.
pub fn table_of_helm3() -> &'static FunctionTable {
    static TABLE: LazyLock<FunctionTable> = LazyLock::new(|| all_of_helm3().collect());
    &TABLE
}

/// The examples of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
