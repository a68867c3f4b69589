//! `helm registry login` and `logout`.

use sutler_repository::oci::{RegistryClient, RegistryOptions};
use sutler_repository::transport::TlsOptions;

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;
use crate::prompt;
use crate::remote::{Remote, registry_failure};

/// `registry`.
pub(super) const COMMAND: Command = Command {
    use_line: "registry",
    short: "log in to a registry, and out",
    subcommands: &[&LOGIN, &LOGOUT],
    ..Command::EMPTY
};

const LOGIN: Command = Command {
    use_line: "login [host]",
    short: "log in to a registry",
    long: "Tries a login at a registry, and keeps it for the commands that pull and push.

What is not given is asked for. Take care of passwords among the arguments, others may see them; better pipe one in:

    echo \"$TOKEN\" | helm registry login registry.example.org -u me --password-stdin",
    flags: &[&[
        Flag::text("username", "the user's name").short('u'),
        Flag::text("password", "the user's password or token").short('p'),
        Flag::switch("password-stdin", "read the password or token from standard input"),
        Flag::switch("insecure", "let the connection be not safe"),
        Flag::text("cert-file", "the file with this client's certificate"),
        Flag::text("key-file", "the file with this client's key"),
        Flag::text("ca-file", "the file with the authorities that may sign the server's certificate"),
        Flag::switch("plain-http", "talk HTTP without TLS"),
    ]],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(login),
    complete: Completion::Nothing,
    ..Command::EMPTY
};

const LOGOUT: Command = Command {
    use_line: "logout [host]",
    short: "log out of a registry",
    long: "Forgets the login of a registry.",
    arguments: Arguments::AtLeast(1),
    action: Action::Run(logout),
    complete: Completion::Nothing,
    ..Command::EMPTY
};

fn login(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (username, password) = user_and_password(call, io)?;
    let remote = Remote::of(call, io);
    let mut logins = remote.logins()?;
    let flags = &call.flags;
    let tls = TlsOptions {
        ca_file: flags.text("ca-file").to_owned(),
        cert_file: flags.text("cert-file").to_owned(),
        key_file: flags.text("key-file").to_owned(),
        insecure_skip_verify: flags.is_on("insecure"),
    };
    let options = RegistryOptions { tls, plain_http: flags.is_on("plain-http"), username, password };
    let mut remarks = String::new();
    let result = RegistryClient::login(&remote.transport, options, &mut logins, &call.arguments[0], &mut remarks);
    io.remarks(&remarks);
    result.map_err(registry_failure)
}

fn logout(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let mut logins = Remote::of(call, io).logins()?;
    let mut remarks = String::new();
    RegistryClient::logout(&mut logins, &call.arguments[0], &mut remarks)?;
    io.remarks(&remarks);
    Ok(())
}

/// The login as typed, piped in or asked for, as Helm's `getUsernamePassword`.
fn user_and_password(call: &Invocation, io: &mut Io<'_>) -> Result<(String, String), Failure> {
    let (mut username, password) = (call.flags.text("username").to_owned(), call.flags.text("password").to_owned());
    if call.flags.is_on("password-stdin") {
        let input = io.read_stdin().map_err(Failure::new)?;
        let input = String::from_utf8_lossy(&input).into_owned();
        let password = input.strip_suffix('\n').unwrap_or(&input);
        return Ok((username, password.strip_suffix('\r').unwrap_or(password).to_owned()));
    }
    if !password.is_empty() {
        io.warn("using --password via the CLI is insecure. Use --password-stdin", &[]);
        return Ok((username, password));
    }
    if username.is_empty() {
        username = prompt::line(io, "Username: ").map_err(Failure::new)?.trim().to_owned();
    }
    let (question, missing) = match username.as_str() {
        "" => ("Token: ", "token required"),
        _ => ("Password: ", "password required"),
    };
    let password = prompt::secret(io, question).map_err(Failure::new)?;
    io.line("");
    if password.is_empty() { Err(Failure::new(missing)) } else { Ok((username, password)) }
}
