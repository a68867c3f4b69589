//! Versions as values of templates: `semver` and `semverCompare`.

use sutler_template::types::{BOOL, INT, STRING, Type, UINT64};
use sutler_template::{Arguments, CallError, Context, Function, Method, Object, Signature, Str, Value};

use crate::semver::{self, Constraints, Prereleases, SemverError, Version};

type Answer = Result<Value, CallError>;

/// `*semver.Version`.
static POINTER: Type = Type::pointer("*semver.Version").with_methods(POINTER_METHODS);
/// `semver.Version`, which the methods that count up return.
static STRUCT: Type = Type::structure("semver.Version").with_methods(METHODS);

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("semver", &[&STRING], &POINTER, semver),
    Function::new("semverCompare", &[&STRING, &STRING], &BOOL, semver_compare),
];

/// Those of sprig over Masterminds' 3.3.0, in Helm 3.18.
pub(crate) static FUNCTIONS_3_3: &[Function] = &[
    Function::new("semver", &[&STRING], &POINTER, semver_3_3),
    Function::new("semverCompare", &[&STRING, &STRING], &BOOL, semver_compare_3_3),
];

/// A version in a template.
struct VersionValue {
    version: Version,
    go_type: &'static Type,
}

impl Object for VersionValue {
    fn go_type(&self) -> &'static Type {
        self.go_type
    }

    fn string(&self) -> Option<Str> {
        Some(self.version.to_string().into())
    }

    fn printed_fields(&self) -> Vec<(&'static str, Value)> {
        let Version { major, minor, patch, prerelease, metadata, original } = &self.version;
        vec![
            ("major", Value::Uint64(*major)),
            ("minor", Value::Uint64(*minor)),
            ("patch", Value::Uint64(*patch)),
            ("pre", prerelease.as_str().into()),
            ("metadata", metadata.as_str().into()),
            ("original", original.as_str().into()),
        ]
    }

    fn json_value(&self) -> Option<Value> {
        Some(self.version.to_string().into())
    }
}

const fn without_arguments(result: &'static Type) -> Signature {
    Signature { params: &[], variadic: None, result }
}

const fn with_other(result: &'static Type) -> Signature {
    static PARAMS: [&Type; 1] = [&POINTER];
    Signature { params: &PARAMS, variadic: None, result }
}

/// A table of the methods with a value as receiver, and of more.
macro_rules! methods {
    ($name:ident $(, $more:expr)* $(,)?) => {
        static $name: &[Method] = &[
            Method {
                name: "IncMajor",
                signature: without_arguments(&STRUCT),
                call: |_, this, _| Ok(release(of(this)?.next_major())),
            },
            Method {
                name: "IncMinor",
                signature: without_arguments(&STRUCT),
                call: |_, this, _| Ok(release(of(this)?.next_minor())),
            },
            Method {
                name: "IncPatch",
                signature: without_arguments(&STRUCT),
                call: |_, this, _| Ok(release(of(this)?.next_patch())),
            },
            Method {
                name: "Major",
                signature: without_arguments(&UINT64),
                call: |_, this, _| Ok(Value::Uint64(of(this)?.major)),
            },
            Method {
                name: "Metadata",
                signature: without_arguments(&STRING),
                call: |_, this, _| Ok(of(this)?.metadata.as_str().into()),
            },
            Method {
                name: "Minor",
                signature: without_arguments(&UINT64),
                call: |_, this, _| Ok(Value::Uint64(of(this)?.minor)),
            },
            Method {
                name: "Patch",
                signature: without_arguments(&UINT64),
                call: |_, this, _| Ok(Value::Uint64(of(this)?.patch)),
            },
            Method {
                name: "Prerelease",
                signature: without_arguments(&STRING),
                call: |_, this, _| Ok(of(this)?.prerelease.as_str().into()),
            },
            Method {
                name: "String",
                signature: without_arguments(&STRING),
                call: |_, this, _| Ok(of(this)?.to_string().into()),
            },
            Method {
                name: "SetMetadata",
                signature: Signature { params: &[&STRING], variadic: None, result: &STRUCT },
                call: |_, this, args| of(this)?.with_metadata(&args.str(0)?.to_str_lossy()).map(release).map_err(failed),
            },
            Method {
                name: "SetPrerelease",
                signature: Signature { params: &[&STRING], variadic: None, result: &STRUCT },
                call: |_, this, args| of(this)?.with_prerelease(&args.str(0)?.to_str_lossy()).map(release).map_err(failed),
            },
            $($more),*
        ];
    };
}

methods!(METHODS);
// Go finds those with a pointer as receiver only on a pointer.
methods!(
    POINTER_METHODS,
    Method {
        name: "Compare",
        signature: with_other(&INT),
        call: |_, this, args| Ok(Value::Int(i64::from(compared(this, args)? as i8))),
    },
    Method {
        name: "Equal",
        signature: with_other(&BOOL),
        call: |_, this, args| Ok(Value::Bool(compared(this, args)?.is_eq())),
    },
    Method {
        name: "GreaterThan",
        signature: with_other(&BOOL),
        call: |_, this, args| Ok(Value::Bool(compared(this, args)?.is_gt())),
    },
    Method {
        name: "GreaterThanEqual",
        signature: with_other(&BOOL),
        call: |_, this, args| Ok(Value::Bool(compared(this, args)?.is_ge())),
    },
    Method {
        name: "LessThan",
        signature: with_other(&BOOL),
        call: |_, this, args| Ok(Value::Bool(compared(this, args)?.is_lt())),
    },
    Method {
        name: "LessThanEqual",
        signature: with_other(&BOOL),
        call: |_, this, args| Ok(Value::Bool(compared(this, args)?.is_le())),
    },
    Method {
        name: "Original",
        signature: without_arguments(&STRING),
        call: |_, this, _| Ok(of(this)?.original.as_str().into()),
    },
);

/// What copystructure makes of a version: its fields are not exported, so the copy is version 0.0.0. `None` for other
/// values.
pub(crate) fn copied(value: &Value) -> Option<Value> {
    let VersionValue { go_type, .. } = value.downcast::<VersionValue>()?;
    let (prerelease, metadata, original) = Default::default();
    let version = Version { major: 0, minor: 0, patch: 0, prerelease, metadata, original };
    Some(Value::object(VersionValue { version, go_type }))
}

fn of(value: &Value) -> Result<&Version, CallError> {
    match value.downcast::<VersionValue>() {
        Some(value) => Ok(&value.version),
        None => Err(CallError::new(crate::reflect::NIL_POINTER)),
    }
}

fn compared(this: &Value, args: Arguments<'_>) -> Result<std::cmp::Ordering, CallError> {
    Ok(of(this)?.precedence(of(args.any(0)?)?))
}

fn release(version: Version) -> Value {
    Value::object(VersionValue { version, go_type: &STRUCT })
}

fn failed(error: SemverError) -> CallError {
    CallError::new(error.to_string())
}

fn semver(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let version = Version::parse(&args.str(0)?.to_str_lossy()).map_err(failed)?;
    Ok(Value::object(VersionValue { version, go_type: &POINTER }))
}

fn semver_compare(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    semver::compare(&args.str(0)?.to_str_lossy(), &args.str(1)?.to_str_lossy()).map(Value::Bool).map_err(failed)
}

fn failed_3_3(error: SemverError) -> CallError {
    CallError::new(error.text_3_3())
}

fn semver_3_3(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let version = Version::parse(&args.str(0)?.to_str_lossy()).map_err(failed_3_3)?;
    Ok(Value::object(VersionValue { version, go_type: &POINTER }))
}

fn semver_compare_3_3(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let constraints = Constraints::parse(&args.str(0)?.to_str_lossy()).map_err(failed_3_3)?;
    let version = Version::parse(&args.str(1)?.to_str_lossy()).map_err(failed_3_3)?;
    Ok(Value::Bool(constraints.allow_under(&version, Prereleases::ByCondition)))
}
