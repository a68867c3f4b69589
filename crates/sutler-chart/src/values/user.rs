//! [`Values`]: a user's values, put together from whatever the program has: YAML text, anything that serde can serialize, texts
//! as `--set` takes them.

use serde::Serialize;
use sutler_template::{List, Map, Value, to_value};

use super::set::{self, Style};
use super::{ValuesError, merge_maps, read_file};
use crate::compat::{Compatibility, Numbers};

/// A user's values: always a table, in the order in which `helm` merges what it is given, each later source over the earlier ones.
///
/// ```
/// use serde_json::json;
/// use sutler_chart::Values;
///
/// #[derive(serde::Serialize)]
/// struct Settings { replicas: u16, image: Image }
/// #[derive(serde::Serialize)]
/// struct Image { tag: &'static str }
///
/// let values = Values::from_yaml("replicas: 1\nimage: {repository: nginx}\n")?        // as `-f`
///     .with(&Settings { replicas: 3, image: Image { tag: "1.27" } })?                 // a program's own types
///     .with(&json!({"ingress": {"hosts": ["a.example"]}}))?
///     .with_set("image.tag=1.28,debug=true")?;                                        // as `--set`
/// assert_eq!(
///     serde_json::to_value(&values)?,
///     json!({
///         "replicas": 3, "debug": true, "ingress": {"hosts": ["a.example"]},
///         "image": {"repository": "nginx", "tag": 1.28_f64.to_string()},
///     })
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Numbers
///
/// In a values file every number is a `float64`, which shows: `{{ .Values.n }}` of `1000000` prints `1e+06`. What `--set` and
/// [`Values::with`] bring keeps whole numbers whole (`int64`), as a program that uses Helm's Go library would hand them in. To have
/// them as if all of it had stood in a file, see [`Values::with_file_numbers`].
#[derive(Debug, Clone, PartialEq)]
pub struct Values(Value);

impl Values {
    /// No values: the chart's own count.
    pub fn new() -> Values {
        Values(Value::empty_map())
    }

    /// The values of a values file's text, read as Helm reads `-f`.
    ///
    /// # Errors
    /// When it is no YAML or no table.
    pub fn from_yaml(text: &str) -> Result<Values, ValuesError> {
        let map = read_file(text.as_bytes(), Compatibility::V4, Numbers::Float64)?;
        Ok(Values(Value::Map(map)))
    }

    /// The values of anything that is a table once it is serialized (a struct, a map, `serde_json::json!({…})`, a
    /// [`Value`]). Types stay what they are, see [`to_value`].
    ///
    /// # Errors
    /// When it cannot be serialized or is no table; `None` and `()` are an empty one.
    pub fn from_serialize(values: &(impl Serialize + ?Sized)) -> Result<Values, ValuesError> {
        match to_value(values)? {
            Value::Map(map) => Ok(Values(Value::Map(map))),
            Value::Nil => Ok(Values::new()),
            other => Err(ValuesError::NoTable(other.type_name())),
        }
    }

    /// These values with those of a values file over them, as a further `-f`.
    ///
    /// # Errors
    /// As [`Values::from_yaml`].
    pub fn with_yaml(self, text: &str) -> Result<Values, ValuesError> {
        Ok(self.with_values(&Values::from_yaml(text)?))
    }

    /// These values with serialized ones over them.
    ///
    /// # Errors
    /// As [`Values::from_serialize`].
    pub fn with(self, values: &(impl Serialize + ?Sized)) -> Result<Values, ValuesError> {
        Ok(self.with_values(&Values::from_serialize(values)?))
    }

    /// These values with others over them: tables are merged, everything else is replaced.
    #[must_use]
    pub fn with_values(self, over: &Values) -> Values {
        Values(Value::Map(merge_maps(&self.map(), &over.map())))
    }

    /// These values and what a text says as `--set` takes it: `image.tag=1.28,list={a,b}`.
    ///
    /// # Errors
    /// When the text cannot be read.
    pub fn with_set(self, text: &str) -> Result<Values, ValuesError> {
        self.setting(text, Style::Typed, "set")
    }

    /// As [`Values::with_set`], every value text (`--set-string`).
    ///
    /// # Errors
    /// When the text cannot be read.
    pub fn with_set_string(self, text: &str) -> Result<Values, ValuesError> {
        self.setting(text, Style::Text, "set-string")
    }

    /// A name, `=`, and a text that is taken as it is, commas and all (`--set-literal`).
    ///
    /// # Errors
    /// When the text cannot be read.
    pub fn with_set_literal(self, text: &str) -> Result<Values, ValuesError> {
        self.setting(text, Style::Literal, "set-literal")
    }

    fn setting(self, text: &str, style: Style<'_>, flag: &'static str) -> Result<Values, ValuesError> {
        // A deep copy: what is set must not be seen through clones of these values.
        let map = super::deep_copy_map(&self.map());
        set::set(text, style, &map, Compatibility::V4).map_err(|source| ValuesError::Set { flag, source })?;
        Ok(Values(Value::Map(map)))
    }

    /// The same values with every number a `float64`, as if all of them had been read from a values file.
    #[must_use]
    pub fn with_file_numbers(self) -> Values {
        Values(file_numbers(&self.0))
    }

    /// The value, which is a map.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The value, which is a map.
    pub fn into_value(self) -> Value {
        self.0
    }

    fn map(&self) -> Map {
        self.0.as_map().cloned().unwrap_or_default()
    }
}

impl Default for Values {
    fn default() -> Values {
        Values::new()
    }
}

impl AsRef<Value> for Values {
    fn as_ref(&self) -> &Value {
        &self.0
    }
}

impl Serialize for Values {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

// The depth is that of what was read or serialized, which both readers and `to_value` bound.
fn file_numbers(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            Value::Map(map.entries().iter().map(|(key, value)| (key.clone(), file_numbers(value))).collect())
        }
        Value::List(list) if list.as_bytes().is_none() => {
            Value::List(List::new(list.iter().map(|item| file_numbers(&item)).collect()))
        }
        number => match (number.as_signed(), number.as_unsigned()) {
            (Some(signed), _) => Value::Float64(signed as f64),
            (_, Some(unsigned)) => Value::Float64(unsigned as f64),
            _ => number.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_whole_unless_they_are_to_be_as_in_a_file() {
        let values = Values::from_yaml("file: 1").unwrap().with(&serde_json::json!({"json": 2})).unwrap();
        let values = values.with_set("set=3").unwrap();
        let types = |values: &Values| {
            let types: Vec<_> = values.map().values().iter().map(Value::type_name).collect();
            types.join(" ")
        };
        assert_eq!(types(&values), "float64 int64 int64");
        assert_eq!(types(&values.with_file_numbers()), "float64 float64 float64");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let error = |values: &serde_json::Value| Values::from_serialize(values).map_err(|error| error.to_string());
        assert_eq!(error(&serde_json::json!([1])), Err("values are a []interface {}, not a table".to_owned()));
        assert_eq!(error(&serde_json::Value::Null), Ok(Values::new()));
    }

    #[test]
    fn clones_do_not_see_what_is_set_later() {
        let first = Values::from_yaml("a: {b: 1}").unwrap();
        let second = first.clone().with_set("a.b=2").unwrap();
        assert_eq!(first, Values::from_yaml("a: {b: 1}").unwrap());
        assert_ne!(first, second);
    }
}
