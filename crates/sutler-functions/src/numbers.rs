//! Arithmetic. Integers are 64 bits and wrap; whatever is no number counts as 0 (see [`crate::cast`]).

use sutler_template::types::{ANY, FLOAT64, INT, INT64, STRING};
use sutler_template::{Arguments, CallError, Context, Function, Value};

use crate::decimal::{Decimal, DecimalError};
use crate::{cast, show};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::variadic("add", &[], &ANY, &INT64, add),
    Function::new("add1", &[&ANY], &INT64, add1),
    Function::new("add1f", &[&ANY], &FLOAT64, add1f),
    Function::variadic("addf", &[], &ANY, &FLOAT64, addf),
    Function::new("atoi", &[&STRING], &INT, atoi),
    Function::variadic("biggest", &[&ANY], &ANY, &INT64, max),
    Function::new("ceil", &[&ANY], &FLOAT64, ceil),
    Function::new("div", &[&ANY, &ANY], &INT64, div),
    Function::variadic("divf", &[&ANY], &ANY, &FLOAT64, divf),
    Function::new("float64", &[&ANY], &FLOAT64, float64),
    Function::new("floor", &[&ANY], &FLOAT64, floor),
    Function::new("int", &[&ANY], &INT, int),
    Function::new("int64", &[&ANY], &INT64, int64),
    Function::variadic("max", &[&ANY], &ANY, &INT64, max),
    Function::variadic("maxf", &[&ANY], &ANY, &FLOAT64, maxf),
    Function::variadic("min", &[&ANY], &ANY, &INT64, min),
    Function::variadic("minf", &[&ANY], &ANY, &FLOAT64, minf),
    Function::new("mod", &[&ANY, &ANY], &INT64, modulo),
    Function::variadic("mul", &[&ANY], &ANY, &INT64, mul),
    Function::variadic("mulf", &[&ANY], &ANY, &FLOAT64, mulf),
    Function::variadic("round", &[&ANY, &INT], &FLOAT64, &FLOAT64, round),
    Function::new("sub", &[&ANY, &ANY], &INT64, sub),
    Function::variadic("subf", &[&ANY], &ANY, &FLOAT64, subf),
    Function::new("toDecimal", &[&ANY], &INT64, to_decimal),
];

fn integers<'a>(args: Arguments<'a>) -> impl Iterator<Item = i64> + 'a {
    args.0.iter().map(cast::int)
}

fn floats<'a>(args: Arguments<'a>) -> impl Iterator<Item = f64> + 'a {
    args.0.iter().map(cast::float)
}

fn integer(args: Arguments<'_>, index: usize) -> Result<i64, CallError> {
    Ok(cast::int(args.any(index)?))
}

fn float(args: Arguments<'_>, index: usize) -> Result<f64, CallError> {
    Ok(cast::float(args.any(index)?))
}

fn int(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int(integer(args, 0)?))
}

fn int64(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integer(args, 0)?))
}

fn float64(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Float64(float(args, 0)?))
}

/// As `strconv.Atoi` with its error dropped: what is out of range is the nearest that is in it.
fn atoi(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = args.str(0)?.as_str().unwrap_or("");
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Value::Int(0));
    }
    Ok(Value::Int(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })))
}

/// Octal digits as a number, as `strconv.ParseInt(text, 8, 64)` with 0 for its errors.
fn to_decimal(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = show::default(args.any(0)?);
    let octal = text.as_str().and_then(|text| i64::from_str_radix(text, 8).ok());
    Ok(Value::Int64(octal.unwrap_or(0)))
}

fn add(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integers(args).fold(0, i64::wrapping_add)))
}

fn add1(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integer(args, 0)?.wrapping_add(1)))
}

fn sub(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integer(args, 0)?.wrapping_sub(integer(args, 1)?)))
}

fn mul(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integers(args).fold(1, i64::wrapping_mul)))
}

fn divisor(args: Arguments<'_>) -> Result<i64, CallError> {
    match integer(args, 1)? {
        0 => Err(CallError::new("runtime error: integer divide by zero")),
        divisor => Ok(divisor),
    }
}

fn div(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integer(args, 0)?.wrapping_div(divisor(args)?)))
}

fn modulo(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integer(args, 0)?.wrapping_rem(divisor(args)?)))
}

fn max(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integers(args).max().unwrap_or(0)))
}

fn min(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Int64(integers(args).min().unwrap_or(0)))
}

/// As `math.Max`: infinity wins over not-a-number, and 0 over -0.
fn larger(left: f64, right: f64) -> f64 {
    match () {
        () if left == f64::INFINITY || right == f64::INFINITY => f64::INFINITY,
        () if left.is_nan() || right.is_nan() => f64::NAN,
        () if left == 0.0 && right == 0.0 => {
            if left.is_sign_negative() {
                right
            } else {
                left
            }
        }
        () if left > right => left,
        () => right,
    }
}

fn maxf(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Float64(floats(args).reduce(larger).unwrap_or(0.0)))
}

fn minf(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    // `math.Min` mirrors `math.Max`.
    Ok(Value::Float64(-floats(args).map(|value| -value).reduce(larger).unwrap_or(0.0)))
}

fn floor(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Float64(float(args, 0)?.floor()))
}

fn ceil(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Float64(float(args, 0)?.ceil()))
}

/// Ten to a whole power, as Go's `math.Pow` computes it: by squaring, with mantissa and exponent apart.
fn power_of_ten(power: i64) -> f64 {
    // 10 is 0.625 * 2^4.
    let (mut base, mut base_exponent) = (0.625_f64, 4_i64);
    let (mut result, mut exponent) = (1.0_f64, 0_i64);
    let mut bits = power.unsigned_abs();
    while bits != 0 {
        if base_exponent.abs() > 1 << 12 {
            exponent += base_exponent;
            break;
        }
        if bits & 1 == 1 {
            result *= base;
            exponent += base_exponent;
        }
        base *= base;
        base_exponent *= 2;
        if base < 0.5 {
            base += base;
            base_exponent -= 1;
        }
        bits >>= 1;
    }
    if power < 0 {
        result = 1.0 / result;
        exponent = -exponent;
    }
    scale(result, exponent)
}

/// `value * 2^exponent` with a single rounding.
fn scale(value: f64, exponent: i64) -> f64 {
    let exponent = i32::try_from(exponent.clamp(-2200, 2200)).expect("it was clamped");
    if exponent < -1022 {
        // In two steps, the first of which is exact.
        return value * 2.0_f64.powi(-1000) * 2.0_f64.powi(exponent + 1000);
    }
    if exponent > 1000 {
        return value * 2.0_f64.powi(1000) * 2.0_f64.powi(exponent - 1000);
    }
    value * 2.0_f64.powi(exponent)
}

fn round(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (value, places) = (float(args, 0)?, args.int(1)?);
    let round_on = if args.len() > 2 { args.float(2)? } else { 0.5 };
    let power = power_of_ten(places);
    let digit = power * value;
    // Infinity's fraction is not a number, in Go as here.
    let fraction = if digit.is_finite() { digit.fract() } else { f64::NAN };
    let rounded = if fraction >= round_on { digit.ceil() } else { digit.floor() };
    Ok(Value::Float64(rounded / power))
}

/// Folds decimals from `first` over the `rest` of the arguments.
fn fold(
    first: f64,
    rest: &[Value],
    combine: impl Fn(&Decimal, &Decimal) -> Result<Decimal, DecimalError>,
) -> Result<Value, DecimalError> {
    let mut result = Decimal::from_float(first)?;
    for value in rest {
        result = combine(&result, &Decimal::from_float(cast::float(value))?)?;
    }
    Ok(Value::Float64(result.to_float()))
}

fn computed(result: Result<Value, DecimalError>) -> Answer {
    result.map_err(|error| CallError::new(error.to_string()))
}

fn addf(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    computed(fold(0.0, args.0, |left, right| Ok(left.add(right))))
}

fn add1f(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    computed(fold(float(args, 0)?, &[Value::Int(1)], |left, right| Ok(left.add(right))))
}

fn subf(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    computed(fold(float(args, 0)?, args.rest(1), |left, right| Ok(left.subtract(right))))
}

fn mulf(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    computed(fold(float(args, 0)?, args.rest(1), |left, right| Ok(left.multiply(right))))
}

fn divf(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    computed(fold(float(args, 0)?, args.rest(1), Decimal::divide))
}
