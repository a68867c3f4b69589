//! `json.Number`: a number kept as the text it was written with. Helm 3.18.0 reads a chart's values.yaml into these, so that
//! templates of such a chart see a text of kind `string` where other versions show a `float64`.

use sutler_template::types::{FLOAT64, INT64, STRING, Type};
use sutler_template::{CallError, Method, Object, Signature, Str, Value};

use crate::show;

static NUMBER: Type = Type::named("json.Number", &STRING).with_methods(&[
    Method { name: "Float64", signature: without_arguments(&FLOAT64), call: |_, this, _| as_float(this) },
    Method { name: "Int64", signature: without_arguments(&INT64), call: |_, this, _| as_int(this) },
    Method { name: "String", signature: without_arguments(&STRING), call: |_, this, _| Ok(show::default(this).into()) },
]);

const fn without_arguments(result: &'static Type) -> Signature {
    Signature { params: &[], variadic: None, result }
}

/// The text of a number, as JSON writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Number(Str);

impl Object for Number {
    fn go_type(&self) -> &'static Type {
        &NUMBER
    }

    fn string(&self) -> Option<Str> {
        Some(self.0.clone())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }

    fn json_value(&self) -> Option<Value> {
        let text = self.0.as_str()?;
        let whole = text.parse().map(Value::Int64).or_else(|_| text.parse().map(Value::Uint64));
        whole.ok().or_else(|| text.parse().ok().map(Value::Float64))
    }
}

/// A whole number as a `json.Number`.
pub fn whole_number(number: i64) -> Value {
    Value::object(Number(number.to_string().into()))
}

/// A whole number as a `json.Number`.
pub fn unsigned_number(number: u64) -> Value {
    Value::object(Number(number.to_string().into()))
}

/// A finite number as a `json.Number`, spelled as Go's JSON spells it. Others become null, which JSON has instead.
pub fn fractional_number(number: f64) -> Value {
    super::write::float(number).map_or(Value::Nil, |text| Value::object(Number(text.into())))
}

/// The text of a `json.Number`; `None` for every other value.
pub(crate) fn number_text(value: &Value) -> Option<&str> {
    value.downcast::<Number>()?.0.as_str()
}

fn failed(function: &str, value: &Value) -> CallError {
    let text = show::quoted(&show::default(value));
    CallError::new(format!("strconv.{function}: parsing {text}: invalid syntax"))
}

fn as_float(value: &Value) -> Result<Value, CallError> {
    let float = number_text(value).and_then(|text| text.parse().ok());
    float.map(Value::Float64).ok_or_else(|| failed("ParseFloat", value))
}

fn as_int(value: &Value) -> Result<Value, CallError> {
    let int = number_text(value).and_then(|text| text.parse().ok());
    int.map(Value::Int64).ok_or_else(|| failed("ParseInt", value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_number_is_a_text_that_is_written_as_a_number() {
        let value = fractional_number(1e21);
        assert_eq!((value.type_name(), value.truth()), ("json.Number", true));
        assert_eq!(crate::json::write(&value, crate::json::Style::Html).unwrap(), "1e+21");
        let zero = whole_number(0);
        assert!(zero.truth(), "Go's template language sees a text that is not empty");
        assert_eq!(crate::yaml::write(&unsigned_number(u64::MAX)).unwrap(), "18446744073709551615");
        assert_eq!(crate::yaml::write_pretty(&zero).unwrap(), "\"0\"", "go-yaml sees a text");
        assert_eq!(crate::cast::int(&fractional_number(1.5)), 0, "as `cast` reads the text 1.5 as an integer");
        assert_eq!(crate::cast::float(&fractional_number(1.5)), 1.5);
    }
}
