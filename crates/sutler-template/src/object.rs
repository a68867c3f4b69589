//! [`Object`]: a value that is neither plain data nor a function: a struct or pointer of the host program, with fields,
//! methods and a text of its own (`.Capabilities`, a `time.Time`, a `*semver.Version`).

use std::any::Any;

use crate::text::Str;
use crate::types::Type;
use crate::value::Value;

/// What a template may do with a value of the host's. Methods come with the type ([`Type::methods`]).
///
/// ```
/// use sutler_template::{Object, Value, types::Type};
///
/// static KUBE_VERSION: Type = Type::structure("common.KubeVersion");
///
/// struct KubeVersion { major: String, minor: String }
///
/// impl Object for KubeVersion {
///     fn go_type(&self) -> &'static Type { &KUBE_VERSION }
///     fn fields(&self) -> Vec<(&'static str, Value)> {
///         vec![("Major", Value::from(&self.major)), ("Minor", Value::from(&self.minor))]
///     }
/// }
///
/// let version = Value::object(KubeVersion { major: "1".into(), minor: "34".into() });
/// assert_eq!(version.type_name(), "common.KubeVersion");
/// assert_eq!(version.downcast::<KubeVersion>().map(|version| &*version.minor), Some("34"));
/// ```
pub trait Object: Any + Send + Sync {
    /// The type, as `typeOf` and `%T` name it; also gives the methods.
    fn go_type(&self) -> &'static Type;

    /// The fields of the struct (or of the struct pointed to), in order of declaration, as `%v` prints them.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The fields that `printf` shows under a verb that does not use [`string`](Object::string), where those are not only
    /// [`fields`](Object::fields): Go prints the fields that a package keeps to itself, too.
    fn printed_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields()
    }

    /// The field of that name, `None` if there is none. Worth overriding where [`fields`](Object::fields) is dear or
    /// where fields of an embedded struct are promoted.
    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find_map(|(field, value)| (field == name).then_some(value))
    }

    /// What the Go type's `String` or `Error` method returns, if it has one: then that is what is printed.
    fn string(&self) -> Option<Str> {
        None
    }

    /// What the `String` method of a pointer to this struct returns, where only the pointer has that method: an action that
    /// ends in such a struct, found behind a pointer, prints this; printed by a function it is a struct like any other.
    fn addressed_string(&self) -> Option<Str> {
        None
    }

    /// The plain value, if the type is a named number, string, boolean, list or map (`time.Duration`, `time.Month`).
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// The fields that Go's `encoding/json` writes, in their order, if they are not all of [`fields`](Object::fields) by
    /// their Go names.
    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// The plain data that Go's `encoding/json` makes of it, if that is not an object of its fields by their Go names.
    fn json_value(&self) -> Option<Value> {
        None
    }
}
