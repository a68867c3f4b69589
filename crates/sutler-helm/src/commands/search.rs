//! `helm search hub` and `repo`.

use std::path::Path;

use serde_json::Value;
use sutler_chart::Level;
use sutler_functions::url::Url;
use sutler_repository::fetch::load_index;
use sutler_repository::repositories::Repositories;
use sutler_repository::search::{Query, search};
use sutler_repository::transport::{Method, Request, TlsOptions};

use crate::command::{Action, Command, Invocation};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::flags::Format;
use crate::io::Io;
use crate::output;
use crate::remote::Remote;
use crate::table::Table;

use super::flag_groups::column_width;

/// `search`.
pub(super) const COMMAND: Command = Command {
    use_line: "search [keyword]",
    short: "look for charts",
    long: "Looks for charts in the repositories that were added, or in the Artifact Hub.",
    subcommands: &[&HUB, &REPO],
    ..Command::EMPTY
};

const HUB: Command = Command {
    use_line: "hub [KEYWORD]",
    short: "look for charts in the Artifact Hub, or in a hub of your own",
    flags: &[&[
        Flag::text("endpoint", "the hub to ask").or("https://hub.helm.sh"),
        column_width("50"),
        Flag::switch("list-repo-url", "show the URLs of the charts' repositories"),
        NONE_FAILS,
        Flag::format(),
    ]],
    action: Action::Run(hub),
    ..Command::EMPTY
};

const REPO: Command = Command {
    use_line: "repo [keyword]",
    short: "look for charts in the repositories that were added",
    flags: &[&[
        Flag::switch("regexp", "the keyword is a regular expression").short('r'),
        Flag::switch("versions", "all versions, not only the latest").short('l'),
        Flag::switch("devel", "versions under development too, as --version '>0.0.0-0'"),
        Flag::text("version", "a range of versions"),
        column_width("50"),
        NONE_FAILS,
        Flag::format(),
    ]],
    action: Action::Run(repo),
    ..Command::EMPTY
};

const NONE_FAILS: Flag = Flag::switch("fail-on-no-result", "finding nothing is a failure");

fn repo(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let flags = &call.flags;
    call.debug(io, "original chart version", &[("version", flags.text("version").to_owned())]);
    if flags.text("version").is_empty() {
        call.debug(io, &format!("setting version to >0.0.0{}", if flags.is_on("devel") { "-0" } else { "" }), &[]);
    }
    let repositories = Repositories::read(Path::new(&call.settings.repository_config)).unwrap_or_default().entries;
    if repositories.is_empty() {
        return Err(Failure::new("no repositories configured"));
    }
    let places = Remote::of(call, io).places;
    let mut indexes = Vec::new();
    for repository in repositories {
        match load_index(&places.index_file(&repository.name), io) {
            Ok(index) => indexes.push((repository.name, index)),
            Err(error) => {
                let error = sutler_chart::error_chain(&error);
                io.log(Level::Warn, "repo is corrupt or missing", &[("repo", repository.name), ("error", error)]);
            }
        }
    }
    let query = Query {
        words: (!call.arguments.is_empty()).then(|| call.arguments.join(" ")),
        is_pattern: flags.is_on("regexp"),
        version: flags.text("version").to_owned(),
        devel: flags.is_on("devel"),
        all_versions: flags.is_on("versions"),
    };
    let rows = search(&indexes, &query)?
        .iter()
        .map(|found| {
            let entry = found.entry;
            [found.full_name(), entry.version.clone(), entry.app_version.clone(), entry.description.clone()]
        })
        .collect();
    print(
        call,
        io,
        &["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"],
        rows,
        |[name, version, app, description]| {
            vec![
                ("name", name.into()),
                ("version", version.into()),
                ("app_version", app.into()),
                ("description", description.into()),
            ]
        },
    )
}

/// Prints what was found.
fn print<const N: usize>(
    call: &Invocation,
    io: &mut Io<'_>,
    titles: &[&str],
    rows: Vec<[String; N]>,
    object: impl Fn([String; N]) -> Vec<(&'static str, Value)>,
) -> Result<(), Failure> {
    if rows.is_empty() && call.flags.is_on("fail-on-no-result") {
        return Err(Failure::new("no results found"));
    }
    match call.flags.format("output") {
        Format::Table if rows.is_empty() => io.line("No results found"),
        Format::Table => {
            let mut table = Table::new(call.flags.unsigned("max-col-width"));
            table.row(titles.iter().copied());
            rows.iter().for_each(|row| table.row(row.iter().take(titles.len()).map(String::as_str)));
            io.line(table.text());
        }
        format => output::objects(io, format, rows.into_iter().map(object).collect())?,
    }
    Ok(())
}

fn hub(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let endpoint = call.flags.text("endpoint");
    let quoted = sutler_chart::go_quoted(endpoint);
    let no_connection = |problem: String| Failure::new(format!("unable to create connection to {quoted}: {problem}"));
    let mut url = Url::parse(endpoint.as_bytes()).map_err(|error| no_connection(error.to_string()))?;
    if url.hostname().is_empty() {
        return Err(no_connection("no hostname provided".to_owned()));
    }
    let path = String::from_utf8_lossy(&url.path).into_owned();
    let path = if path.is_empty() { SEARCH_PATH.to_owned() } else { format!("{path}/{SEARCH_PATH}") };
    url.path = sutler_chart::clean_path(&path).into_bytes();
    url.raw_path = Vec::new();
    url.query = format!("q={}", query_escaped(&call.arguments.join(" "))).into_bytes();
    let text = url.to_string();
    let tls = TlsOptions::default();
    let failed = || Failure::new(format!("unable to perform search against {quoted}"));
    let remote = Remote::of(call, io);
    let response = remote
        .transport
        .send(&Request::new(Method::Get, &text, &tls))
        .map_err(|error| failed().hint(sutler_chart::error_chain(&error)))?;
    if response.status != 200 {
        return Err(failed().hint(format!("failed to fetch {text} : {}", response.status_text)));
    }
    // As Helm: an answer that is no JSON holds nothing.
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let found = answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let rows = found
        .iter()
        .map(|found| {
            let text = |path: &str| found.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            let package = text("/artifactHub/packageUrl");
            let url = if package.is_empty() { format!("{endpoint}/charts/{}", text("/id")) } else { package };
            let version = "/relationships/latestChartVersion/data";
            [
                url,
                text(&format!("{version}/version")),
                text(&format!("{version}/app_version")),
                text("/attributes/description"),
                text("/attributes/repo/url"),
                text("/attributes/repo/name"),
            ]
        })
        .collect();
    let titles: &[&str] = &["URL", "CHART VERSION", "APP VERSION", "DESCRIPTION", "REPO URL"];
    let shown = if call.flags.is_on("list-repo-url") { titles } else { &titles[..4] };
    print(call, io, shown, rows, |[url, version, app, description, repository_url, repository]| {
        vec![
            ("url", url.into()),
            ("version", version.into()),
            ("app_version", app.into()),
            ("description", description.into()),
            ("repository", output::object(vec![("url", repository_url.into()), ("name", repository.into())])),
        ]
    })
}

/// Where hubs are asked.
const SEARCH_PATH: &str = "api/chartsvc/v1/charts/search";

/// A text within a query, as Go's `url.QueryEscape`.
fn query_escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
