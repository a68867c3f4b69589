//! `urlParse` and `urlJoin`, over URLs as Go's `net/url` sees them.

use sutler_template::types::{MAP, STRING};
use sutler_template::{Arguments, CallError, Context, Function, Map, Str, Value};

use crate::reflect::{NIL_POINTER, kind_name};
use crate::url::Url;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] =
    &[Function::new("urlJoin", &[&MAP], &STRING, url_join), Function::new("urlParse", &[&STRING], &MAP, url_parse)];

fn url_parse(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let url =
        Url::parse(args.str(0)?.as_bytes()).map_err(|error| CallError::new(format!("unable to parse url: {error}")))?;
    let text = |bytes: &[u8]| Value::String(bytes.into());
    let entries: Map = [
        ("scheme", text(&url.scheme)),
        ("host", text(&url.host)),
        ("hostname", text(url.hostname())),
        ("path", text(&url.path)),
        ("query", text(&url.query)),
        ("opaque", text(&url.opaque)),
        ("fragment", text(&url.fragment)),
        ("userinfo", url.user.as_ref().map_or(Value::EMPTY, |user| text(&user.to_bytes()))),
    ]
    .into_iter()
    .collect();
    Ok(Value::Map(entries))
}

fn part(map: &Map, key: &str) -> Result<Vec<u8>, CallError> {
    match map.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(CallError::new(NIL_POINTER)),
        Some(value) => Err(CallError::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            kind_name(&value)
        ))),
    }
}

fn url_join(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let map = args.map(0)?;
    let mut url = Url {
        scheme: part(map, "scheme")?,
        host: part(map, "host")?,
        path: part(map, "path")?,
        query: part(map, "query")?,
        opaque: part(map, "opaque")?,
        fragment: part(map, "fragment")?,
        ..Url::default()
    };
    let userinfo = part(map, "userinfo")?;
    if !userinfo.is_empty() {
        let whole = [b"proto://".as_slice(), &userinfo, b"@host"].concat();
        let parsed =
            Url::parse(&whole).map_err(|error| CallError::new(format!("unable to parse userinfo in dict: {error}")))?;
        url.user = parsed.user;
    }
    Ok(Value::String(Str::from(url.to_bytes())))
}
