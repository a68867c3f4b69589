//! What templates of the tests find: typed data, and functions with many signatures. `tests/judge/main.go` has the same
//! in Go.

use serde_json::Value as Json;
use sutler_template::types::{self, Type};
use sutler_template::{
    Arguments, CallError, Context, ExecuteOptions, Function, List, Map, Method, MissingKey, Object, Signature, Str,
    TemplateSet, Value, print,
};

/// A set of templates and what to do with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) run: String,
    pub(crate) data: Json,
    pub(crate) missing_key: String,
    pub(crate) delimiters: (String, String),
}

/// What came of a case. Texts may be no UTF-8 in Go, where an error's bytes are kept; here they are compared lossily.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) out: Vec<u8>,
    pub(crate) error: Option<String>,
}

/// Parses and executes a case.
pub(crate) fn execute(case: &Case) -> Outcome {
    let missing_key = match case.missing_key.as_str() {
        "zero" => MissingKey::Zero,
        "error" => MissingKey::Error,
        _ => MissingKey::Invalid,
    };
    let mut set = TemplateSet::new("gotpl")
        .with_functions(FUNCTIONS)
        .with_missing_key(missing_key)
        .with_delimiters(&case.delimiters.0, &case.delimiters.1);
    for (name, text) in &case.files {
        if let Err(error) = set.parse(name.as_str(), text.as_slice()) {
            return Outcome { out: Vec::new(), error: Some(error.to_string()) };
        }
    }
    let mut out = Vec::new();
    let result = set.execute_into(&mut out, case.run.as_str(), &build(&case.data), ExecuteOptions::default());
    Outcome { out, error: result.err().map(|error| error.to_string()) }
}

static VALUES: Type = Type::named("main.Values", &types::MAP).with_methods(&[Method {
    name: "Upper",
    signature: Signature { params: &[&types::STRING], variadic: None, result: &types::STRING },
    call: |_, receiver, args| {
        let mut text = Vec::new();
        print(&mut text, &[receiver.get(args.str(0)?).unwrap_or(Value::Nil)]);
        Ok(Value::from(String::from_utf8_lossy(&text).to_uppercase()))
    },
}]);

static NAMES: Type = Type::named("main.Names", &types::STRINGS).with_methods(&[Method {
    name: "Has",
    signature: Signature { params: &[&types::STRING], variadic: None, result: &types::BOOL },
    call: |_, receiver, args| {
        let name = args.str(0)?;
        let list = receiver.as_list().ok_or_else(|| CallError::new("not a list"))?;
        Ok(Value::Bool(list.iter().any(|item| item.as_string() == Some(name))))
    },
}]);

static BYTES_MAP: Type = Type::map("map[string][]uint8", &types::BYTES);
static POINT: Type = Type::structure("main.Point");
static POINT_POINTER: Type = Type::pointer("*main.Point");
static DURATION: Type = Type::named("time.Duration", &types::INT64);
static VERSION: Type = Type::pointer("*main.Version").with_methods(&[
    Method {
        name: "Next",
        signature: Signature { params: &[&types::INT], variadic: None, result: &VERSION_RESULT },
        call: |_, receiver, args| {
            let version = receiver.downcast::<Version>().ok_or_else(|| CallError::new("not a version"))?;
            Ok(Value::object(Version { minor: version.minor + args.int(0)?, ..*version }))
        },
    },
    Method {
        name: "Fail",
        signature: Signature { params: &[], variadic: None, result: &types::STRING },
        call: |_, _, _| Err(CallError::new("no such version")),
    },
    Method {
        name: "String",
        signature: Signature { params: &[], variadic: None, result: &types::STRING },
        call: |_, receiver, _| {
            let version = receiver.downcast::<Version>().ok_or_else(|| CallError::new("not a version"))?;
            Ok(Value::String(version.string().unwrap_or_default()))
        },
    },
]);
/// A static cannot name itself in its methods.
static VERSION_RESULT: Type = Type::pointer("*main.Version");

struct Point {
    pointer: bool,
    x: i64,
    y: i64,
    any: Value,
}

impl Object for Point {
    fn go_type(&self) -> &'static Type {
        if self.pointer { &POINT_POINTER } else { &POINT }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("X", Value::Int(self.x)), ("Y", Value::Int(self.y)), ("Any", self.any.clone())]
    }
}

#[derive(Clone, Copy)]
struct Version {
    major: i64,
    minor: i64,
}

impl Object for Version {
    fn go_type(&self) -> &'static Type {
        &VERSION
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Major", Value::Int(self.major)), ("Minor", Value::Int(self.minor))]
    }

    fn string(&self) -> Option<Str> {
        Some(format!("v{}.{}", self.major, self.minor).into())
    }
}

struct Duration(i64);

impl Object for Duration {
    fn go_type(&self) -> &'static Type {
        &DURATION
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn string(&self) -> Option<Str> {
        // The tests use whole seconds below a minute only.
        Some(format!("{}s", self.0 / 1_000_000_000).into())
    }
}

/// The value that the data of a case describes: `{"$int": 1}` is an `int`, a plain number a `float64`.
pub(crate) fn build(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float64(number.as_f64().unwrap()),
        Json::String(text) => Value::from(text),
        Json::Array(items) => items.iter().map(build).collect::<List>().into(),
        Json::Object(entries) => {
            if let Some((key, content)) = entries.iter().next().filter(|_| entries.len() == 1)
                && let Some(name) = key.strip_prefix('$')
            {
                return typed(name, content);
            }
            Value::Map(entries.iter().map(|(key, value)| (key.as_str(), build(value))).collect())
        }
    }
}

fn typed(name: &str, content: &Json) -> Value {
    let number = || content.as_f64().unwrap();
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let texts = || content.as_array().unwrap().iter().map(text);
    let entries = || content.as_object().unwrap().iter();
    let item = |index: usize| &content.as_array().unwrap()[index];
    match name {
        "int" => Value::Int(number() as i64),
        "int8" => Value::Int8(number() as i8),
        "int16" => Value::Int16(number() as i16),
        "int32" => Value::Int32(number() as i32),
        "int64" => Value::Int64(number() as i64),
        "uint" => Value::Uint(number() as u64),
        "uint8" => Value::Uint8(number() as u8),
        "uint16" => Value::Uint16(number() as u16),
        "uint32" => Value::Uint32(number() as u32),
        "uint64" => Value::Uint64(number() as u64),
        "float32" => Value::Float32(number() as f32),
        "strings" => List::strings(texts()).into(),
        "ints" => List::ints(content.as_array().unwrap().iter().map(|item| item.as_i64().unwrap())).into(),
        "names" => List::strings(texts()).as_type(&NAMES).into(),
        "bytes" => List::bytes(text(content).into()).into(),
        "stringmap" => {
            let map: Map = entries().map(|(key, value)| (key.as_str(), Value::from(text(value)))).collect();
            map.as_type(&types::STRING_MAP).into()
        }
        "bytesmap" => {
            let map: Map =
                entries().map(|(key, value)| (key.as_str(), List::bytes(text(value).into()).into())).collect();
            map.as_type(&BYTES_MAP).into()
        }
        "values" => build(content).as_map().unwrap().as_type(&VALUES).into(),
        "point" | "pointer" => Value::object(Point {
            pointer: name == "pointer",
            x: item(0).as_i64().unwrap(),
            y: item(1).as_i64().unwrap(),
            any: build(item(2)),
        }),
        "version" => Value::object(Version { major: item(0).as_i64().unwrap(), minor: item(1).as_i64().unwrap() }),
        "duration" => Value::object(Duration(number() as i64)),
        "nilmap" => Map::nil(&types::MAP).into(),
        "nillist" => List::nil(&types::LIST).into(),
        other => panic!("unknown type {other}"),
    }
}

type Result<T> = std::result::Result<T, CallError>;

fn same(_: &mut Context<'_>, args: Arguments<'_>) -> Result<Value> {
    args.any(0).cloned()
}

fn list_of(args: Arguments<'_>, go_type: &'static Type) -> Result<Value> {
    Ok(List::with_type(args.rest(0).to_vec(), go_type).into())
}

fn printed(values: &[Value]) -> Str {
    let mut out = Vec::new();
    print(&mut out, values);
    out.into()
}

static FUNCTIONS: &[Function] = &[
    Function::new("int1", &[&types::INT], &types::INT, same),
    Function::new("int64f", &[&types::INT64], &types::INT64, same),
    Function::new("uint8f", &[&types::UINT8], &types::UINT8, same),
    Function::new("float1", &[&types::FLOAT64], &types::FLOAT64, same),
    Function::new("bool1", &[&types::BOOL], &types::BOOL, same),
    Function::new("str1", &[&types::STRING], &types::STRING, same),
    Function::new("two", &[&types::INT, &types::STRING], &types::STRING, |_, args| Ok(printed(args.rest(0)).into())),
    Function::new("any1", &[&types::ANY], &types::ANY, same),
    Function::variadic("list", &[], &types::ANY, &types::LIST, |_, args| list_of(args, &types::LIST)),
    Function::variadic("strs", &[], &types::STRING, &types::STRINGS, |_, args| list_of(args, &types::STRINGS)),
    Function::variadic("ints", &[], &types::INT, &types::INTS, |_, args| list_of(args, &types::INTS)),
    Function::new("maps", &[&types::MAP], &types::MAP, same),
    Function::new("lists", &[&types::LIST], &types::LIST, same),
    Function::variadic("join", &[&types::STRING], &types::STRING, &types::STRING, |_, args| {
        let texts: Vec<&[u8]> = args.rest(1).iter().filter_map(Value::as_string).map(Str::as_bytes).collect();
        Ok(texts.join(args.str(0)?.as_bytes()).into())
    }),
    Function::new("fail", &[&types::STRING], &types::STRING, |_, args| Err(CallError::new(args.str(0)?.to_string()))),
    Function::new("divide", &[&types::INT, &types::INT], &types::INT, |_, args| {
        let quotient = args.int(0)?.checked_div(args.int(1)?);
        quotient.map(Value::Int).ok_or_else(|| CallError::new("runtime error: integer divide by zero"))
    }),
    Function::new("typeOf", &[&types::ANY], &types::STRING, |_, args| Ok(args.any(0)?.type_name().into())),
    Function::new("nilany", &[], &types::ANY, |_, _| Ok(Value::Nil)),
    Function::new("nilmap", &[], &types::MAP, |_, _| Ok(Map::nil(&types::MAP).into())),
    Function::new("nillist", &[], &types::LIST, |_, _| Ok(List::nil(&types::LIST).into())),
    Function::new("keys", &[&types::MAP], &types::STRINGS, |_, args| Ok(List::strings(args.map(0)?.keys()).into())),
    Function::variadic("dict", &[], &types::ANY, &types::MAP, |_, args| {
        let pairs = args.rest(0).chunks_exact(2);
        Ok(Value::Map(pairs.map(|pair| (printed(&pair[..1]), pair[1].clone())).collect()))
    }),
    Function::new("set", &[&types::MAP, &types::STRING, &types::ANY], &types::MAP, |_, args| {
        args.map(0)?.insert(args.str(1)?.clone(), args.any(2)?.clone())?;
        args.any(0).cloned()
    }),
    Function::new("include", &[&types::STRING, &types::ANY], &types::STRING, |ctx, args| {
        Ok(ctx.execute_template(args.str(0)?, args.any(1)?)?.into())
    }),
    Function::new("tpl", &[&types::STRING, &types::ANY], &types::STRING, |ctx, args| {
        match ctx.execute_text(args.str(0)?, args.any(1)?) {
            Ok(text) => Ok(text.into()),
            Err(sutler_template::TextError::Parse(error)) => Err(CallError::new(format!("cannot parse: {error}"))),
            Err(error) => Err(error.into()),
        }
    }),
];
