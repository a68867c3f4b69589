//! `helm repo add`, `index`, `list`, `remove` and `update`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sutler_chart::Compatibility;
use sutler_repository::index::IndexFile;
use sutler_repository::repositories::{Repositories, RepositoriesLock, Repository};
use sutler_repository::transport::{Clock as _, SystemClock, TlsOptions};

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::complete;
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::flags::Format;
use crate::io::Io;
use crate::output;
use crate::prompt;
use crate::remote::Remote;
use crate::table::Table;

/// `repo`.
pub(super) const COMMAND: Command = Command {
    use_line: "repo add|remove|list|index|update [ARGS]",
    short: "repositories of charts",
    long: "Adds, lists, updates and removes repositories of charts, and writes their index files.",
    arguments: Arguments::None,
    subcommands: &[&ADD, &LIST, &REMOVE, &INDEX, &UPDATE],
    ..Command::EMPTY
};

const ADD: Command = Command {
    use_line: "add [NAME] [URL]",
    short: "add a repository",
    flags: &[&[
        Flag::text("username", "the user's name at the repository"),
        Flag::text("password", "the user's password at the repository"),
        Flag::switch("password-stdin", "read the password from standard input"),
        Flag::switch("force-update", "replace a repository of that name"),
        Flag::text("cert-file", "the file with this client's certificate"),
        Flag::text("key-file", "the file with this client's key"),
        Flag::text("ca-file", "the file with the authorities that may sign the server's certificate"),
        Flag::switch("insecure-skip-tls-verify", "do not check the server's certificate"),
        Flag::switch("allow-deprecated-repos", "take the URLs of official repositories that are gone, too"),
        Flag::switch("pass-credentials", "send the credentials to other hosts too"),
        Flag::duration("timeout", "2m0s", "how long fetching the index may take").only(Helms::Four),
        Flag::switch("no-update", "nothing: it is there for those who used it").only(Helms::Three),
    ]],
    arguments: Arguments::Exactly(2),
    action: Action::Run(add),
    complete: Completion::NothingAfter(2),
    ..Command::EMPTY
};

const INDEX: Command = Command {
    use_line: "index [DIR]",
    short: "write the index file of a folder of archives",
    flags: &[&[
        Flag::text("url", "the URL that the archives are found at"),
        Flag::text("merge", "an index file to take over"),
        Flag::switch("json", "write JSON"),
    ]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(index),
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};

const LIST: Command = Command {
    use_line: "list",
    aliases: &["ls"],
    short: "list the repositories",
    flags: &[&[Flag::switch("no-headers", "no line of titles in the table").only(Helms::Four), Flag::format()]],
    arguments: Arguments::None,
    action: Action::Run(list),
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};

const REMOVE: Command = Command {
    use_line: "remove [REPO1 [REPO2 ...]]",
    aliases: &["rm"],
    short: "remove repositories",
    arguments: Arguments::AtLeast(1),
    action: Action::Run(remove),
    complete: Completion::Custom(complete::complete_repositories),
    ..Command::EMPTY
};

const UPDATE: Command = Command {
    use_line: "update [REPO1 [REPO2 ...]]",
    aliases: &["up"],
    short: "fetch the repositories' indexes anew",
    flags: &[&[
        Flag::duration("timeout", "2m0s", "how long fetching an index may take").only(Helms::Four),
        Flag::switch("fail-on-repo-update-fail", "one repository that fails is a failure").only(Helms::Three),
    ]],
    action: Action::Run(update),
    complete: Completion::Custom(complete::complete_repositories),
    ..Command::EMPTY
};

/// Official repositories that are gone, and what took their place.
const DEPRECATED: &[(&str, &str)] = &[
    ("//kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("//kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
];

fn add(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let flags = &call.flags;
    let (name, url) = (call.arguments[0].clone(), call.arguments[1].clone());
    if !flags.is_on("allow-deprecated-repos")
        && let Some((_, instead)) = DEPRECATED.iter().find(|(gone, _)| url.contains(gone))
    {
        let (url, instead) = (sutler_chart::go_quoted(&url), sutler_chart::go_quoted(instead));
        return Err(Failure::new(format!("repo {url} is no longer available; try {instead} instead")));
    }
    let remote = Remote::of(call, io);
    let path = &remote.places.repository_config;
    let _lock = RepositoriesLock::take(path, &SystemClock)?;
    let mut repositories = match Repositories::read(path) {
        Ok(repositories) => repositories,
        Err(error) if error.is_not_found() => Repositories::default(),
        // Helm does not say here which file it reads.
        Err(sutler_repository::repositories::RepositoriesError::Read { source, .. }) => return Err(source.into()),
        Err(error) => return Err(error.into()),
    };
    let username = flags.text("username").to_owned();
    let mut password = flags.text("password").to_owned();
    if !username.is_empty() && password.is_empty() {
        password = ask_password(call, io)?;
    }
    let repository = Repository {
        name: name.clone(),
        url: url.clone(),
        username,
        password,
        tls: TlsOptions {
            ca_file: flags.text("ca-file").to_owned(),
            cert_file: flags.text("cert-file").to_owned(),
            key_file: flags.text("key-file").to_owned(),
            insecure_skip_verify: flags.is_on("insecure-skip-tls-verify"),
        },
        pass_credentials_all: flags.is_on("pass-credentials"),
    };
    if name.contains('/') {
        return Err(Failure::new(format!(
            "repository name ({name}) contains '/', please specify a different name without '/'"
        )));
    }
    let quoted = sutler_chart::go_quoted(&name);
    if let Some(known) = repositories.get(&name).filter(|_| !flags.is_on("force-update")) {
        if *known != repository {
            return Err(Failure::new(format!(
                "repository name ({name}) already exists, please specify a different name"
            )));
        }
        io.line(format!("{quoted} already exists with the same configuration, skipping"));
        return Ok(());
    }
    let mut indexes = remote.indexes();
    indexes.timeout = timeout(call);
    indexes.check(&repository)?;
    indexes.update(&repository, io).map_err(|error| {
        let quoted = sutler_chart::go_quoted(&url);
        Failure::from(error)
            .context(format!("looks like {quoted} is not a valid chart repository or cannot be reached"))
    })?;
    repositories.put(repository);
    repositories.write(path)?;
    io.line(format!("{quoted} has been added to your repositories"));
    Ok(())
}

/// The password from standard input, or from the person.
fn ask_password(call: &Invocation, io: &mut Io<'_>) -> Result<String, Failure> {
    if call.flags.is_on("password-stdin") {
        let input = io.read_stdin().map_err(Failure::new)?;
        let input = String::from_utf8_lossy(&input).into_owned();
        let password = input.strip_suffix('\n').unwrap_or(&input);
        return Ok(password.strip_suffix('\r').unwrap_or(password).to_owned());
    }
    let password = prompt::secret(io, "Password: ");
    io.line("");
    password.map_err(Failure::new)
}

/// `--timeout`; 0 is without end, as for Go's HTTP client.
fn timeout(call: &Invocation) -> Option<Duration> {
    if !call.flags.has("timeout") {
        return None;
    }
    let timeout = call.flags.duration("timeout");
    Some(if timeout.is_zero() { Duration::MAX } else { Duration::try_from(timeout).unwrap_or(Duration::ZERO) })
}

fn index(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let flags = &call.flags;
    let folder = std::path::absolute(&call.arguments[0])?;
    let folder = PathBuf::from(sutler_chart::clean_path(&folder.display().to_string()));
    let now = sutler_repository::go_rfc3339(SystemClock.now(), &jiff::tz::TimeZone::system());
    let as_json = flags.is_on("json");
    let mut index = IndexFile::of_folder(&folder, flags.text("url"), &now)?;
    let merge = flags.text("merge");
    if !merge.is_empty() {
        let other = merged(Path::new(merge), &now, as_json, io)?;
        let mut remarks = Vec::new();
        index.merge(other, &mut remarks);
        remarks.iter().for_each(|remark| io.remark(remark));
    }
    index.sort();
    index.write(&folder.join("index.yaml"), as_json)?;
    Ok(())
}

/// The index to take over; where there is none, an empty one is written.
fn merged(path: &Path, now: &str, as_json: bool, io: &mut Io<'_>) -> Result<IndexFile, Failure> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let empty = IndexFile::new(now);
            // As Helm: that it cannot be written does not matter.
            drop(empty.write(path, as_json));
            return Ok(empty);
        }
        Err(error) => {
            let message = sutler_chart::io_message(&error);
            return Err(Failure::new(format!("merge failed: open {}: {message}", path.display())));
        }
    };
    let mut remarks = Vec::new();
    let source = path.display().to_string();
    let index = IndexFile::read(&bytes, &source, &mut remarks)
        .map_err(|error| Failure::from(error).context(format!("merge failed: error loading {source}")));
    remarks.iter().for_each(|remark| io.remark(remark));
    index
}

fn list(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    // As Helm: what cannot be read holds no repositories.
    let repositories = Repositories::read(Path::new(&call.settings.repository_config)).unwrap_or_default().entries;
    let format = call.flags.format("output");
    if format == Format::Table {
        if repositories.is_empty() {
            const NONE: &str = "no repositories to show";
            if io.compatibility == Compatibility::V3 {
                return Err(Failure::new(NONE));
            }
            io.note(NONE);
            return Ok(());
        }
        let mut table = Table::new(0);
        if !call.flags.has("no-headers") || !call.flags.is_on("no-headers") {
            table.row(["NAME", "URL"]);
        }
        repositories.iter().for_each(|repository| table.row([repository.name.as_str(), &repository.url]));
        io.line(table.text());
        return Ok(());
    }
    let rows = repositories
        .iter()
        .map(|repository| vec![("name", repository.name.as_str().into()), ("url", repository.url.as_str().into())]);
    output::objects(io, format, rows.collect())
}

fn remove(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let path = Path::new(&call.settings.repository_config);
    let mut repositories = Repositories::read(path).unwrap_or_default();
    if repositories.entries.is_empty() {
        return Err(Failure::new("no repositories configured"));
    }
    let places = Remote::of(call, io).places;
    for name in &call.arguments {
        let quoted = sutler_chart::go_quoted(name);
        if !repositories.remove(name) {
            return Err(Failure::new(format!("no repo named {quoted} found")));
        }
        repositories.write(path)?;
        drop(std::fs::remove_file(places.charts_file(name)));
        let index = places.index_file(name);
        match std::fs::remove_file(&index) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = sutler_chart::io_message(&error);
                return Err(Failure::new(format!("remove {}: {message}", index.display())));
            }
            _ => io.line(format!("{quoted} has been removed from your repositories")),
        }
    }
    Ok(())
}

fn update(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let none = || Failure::new("no repositories found. You must add one before updating");
    let path = &call.settings.repository_config;
    let repositories = match Repositories::read(Path::new(path)) {
        Ok(repositories) => repositories.entries,
        Err(error) if error.is_not_found() => return Err(none()),
        Err(error) => return Err(Failure::from(error).context(format!("failed loading file: {path}"))),
    };
    if repositories.is_empty() {
        return Err(none());
    }
    if let Some(unknown) =
        call.arguments.iter().find(|name| !repositories.iter().any(|repository| repository.name == **name))
    {
        return Err(Failure::new(format!("no repositories found matching '{unknown}'.  Nothing will be updated")));
    }
    let wanted: Vec<Repository> = repositories
        .into_iter()
        .filter(|repository| call.arguments.is_empty() || call.arguments.contains(&repository.name))
        .collect();
    let remote = Remote::of(call, io);
    let mut indexes = remote.indexes();
    indexes.timeout = timeout(call);
    for repository in &wanted {
        indexes.check(repository)?;
    }
    io.line("Hang tight while we grab the latest from your chart repositories...");
    let mut failed = Vec::new();
    for (repository, (result, collected)) in wanted.iter().zip(indexes.update_all(&wanted)) {
        io.remarks(&collected.err);
        let name = sutler_chart::go_quoted(&repository.name);
        match result {
            Ok(_) => io.line(format!("...Successfully got an update from the {name} chart repository")),
            Err(error) => {
                let (url, error) = (&repository.url, sutler_chart::error_chain(&error));
                io.line(format!("...Unable to get an update from the {name} chart repository ({url}):\n\t{error}"));
                failed.push(repository.url.as_str());
            }
        }
    }
    let is_failure = match call.settings.compatibility {
        Compatibility::V4 => !failed.is_empty(),
        Compatibility::V3 => !failed.is_empty() && call.flags.is_on("fail-on-repo-update-fail"),
    };
    if is_failure {
        let failed_to = if call.settings.compatibility == Compatibility::V4 { "failed" } else { "Failed" };
        return Err(Failure::new(format!("{failed_to} to update the following repositories: [{}]", failed.join(" "))));
    }
    io.line("Update Complete. ⎈Happy Helming!⎈");
    Ok(())
}
