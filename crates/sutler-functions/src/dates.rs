//! Dates and durations as functions, and `time.Time` as a value of templates.

use sutler_template::types::{ANY, BOOL, INT, INT64, STRING, Type};
use sutler_template::{Arguments, CallError, Context, Function, Method, Object, Signature, Str, Value};

use crate::host;
use crate::strings::text_value;
use crate::time::{self, Time, Zone, duration};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("ago", &[&ANY], &STRING, ago),
    Function::new("date", &[&STRING, &ANY], &STRING, date),
    Function::new("dateInZone", &[&STRING, &ANY, &STRING], &STRING, date_in_zone),
    Function::new("dateModify", &[&STRING, &TIME], &TIME, date_modify),
    Function::new("date_in_zone", &[&STRING, &ANY, &STRING], &STRING, date_in_zone),
    Function::new("date_modify", &[&STRING, &TIME], &TIME, date_modify),
    Function::new("duration", &[&ANY], &STRING, duration_of_seconds),
    Function::new("durationRound", &[&ANY], &STRING, duration_round),
    Function::new("htmlDate", &[&ANY], &STRING, html_date),
    Function::new("htmlDateInZone", &[&ANY, &STRING], &STRING, html_date_in_zone),
    Function::new("mustDateModify", &[&STRING, &TIME], &TIME, must_date_modify),
    Function::new("mustToDate", &[&STRING, &STRING], &TIME, must_to_date),
    Function::new("must_date_modify", &[&STRING, &TIME], &TIME, must_date_modify),
    Function::new("now", &[], &TIME, now),
    Function::new("toDate", &[&STRING, &STRING], &TIME, to_date),
    Function::new("unixEpoch", &[&TIME], &STRING, unix_epoch),
];

/// `time.Time`.
pub static TIME: Type = Type::structure("time.Time").with_methods(METHODS);
/// `time.Duration`.
static DURATION: Type = Type::named("time.Duration", &INT64).with_methods(DURATION_METHODS);
/// `time.Month`.
static MONTH: Type = Type::named("time.Month", &INT).with_methods(NAMED_METHODS);
/// `time.Weekday`.
static WEEKDAY: Type = Type::named("time.Weekday", &INT).with_methods(NAMED_METHODS);

/// A `time.Time` in a template.
pub struct TimeValue(pub Time);

impl Object for TimeValue {
    fn go_type(&self) -> &'static Type {
        &TIME
    }

    fn string(&self) -> Option<Str> {
        Some(self.0.to_string().into())
    }

    fn json_value(&self) -> Option<Value> {
        Some(text_value(time::format(&self.0, b"2006-01-02T15:04:05.999999999Z07:00")))
    }
}

/// A number with a type and a text of its own.
struct Named {
    go_type: &'static Type,
    number: i64,
}

impl Object for Named {
    fn go_type(&self) -> &'static Type {
        self.go_type
    }

    fn string(&self) -> Option<Str> {
        let name = |names: &[&str], index: i64| {
            usize::try_from(index).ok().and_then(|index| names.get(index)).map(|name| Str::from(*name))
        };
        match self.go_type.name {
            "time.Month" => name(&MONTHS, self.number - 1),
            "time.Weekday" => name(&WEEKDAYS, self.number),
            _ => Some(duration::format(self.number).into()),
        }
    }

    fn underlying(&self) -> Option<Value> {
        Some(if self.go_type.is(&DURATION) { Value::Int64(self.number) } else { Value::Int(self.number) })
    }
}

const MONTHS: [&str; 12] = time::MONTHS;
const WEEKDAYS: [&str; 7] = time::WEEKDAYS;

const fn gives(result: &'static Type) -> Signature {
    Signature { params: &[], variadic: None, result }
}

const fn takes_time(result: &'static Type) -> Signature {
    static PARAMS: [&Type; 1] = [&TIME];
    Signature { params: &PARAMS, variadic: None, result }
}

/// A method that reads one number of the calendar or clock.
macro_rules! reading {
    ($name:literal, $field:ident) => {
        Method { name: $name, signature: gives(&INT), call: |_, this, _| Ok(Value::Int(time_of(this)?.civil().$field)) }
    };
}

static METHODS: &[Method] = &[
    Method {
        name: "Add",
        signature: Signature { params: &[&DURATION], variadic: None, result: &TIME },
        call: |_, this, args| Ok(time_value(time_of(this)?.add(nanoseconds(args.any(0)?)))),
    },
    Method {
        name: "AddDate",
        signature: Signature { params: &[&INT, &INT, &INT], variadic: None, result: &TIME },
        call: |_, this, args| Ok(time_value(time_of(this)?.add_date(args.int(0)?, args.int(1)?, args.int(2)?))),
    },
    Method {
        name: "After",
        signature: takes_time(&BOOL),
        call: |_, this, args| Ok(Value::Bool(instant(this)? > instant(args.any(0)?)?)),
    },
    Method {
        name: "Before",
        signature: takes_time(&BOOL),
        call: |_, this, args| Ok(Value::Bool(instant(this)? < instant(args.any(0)?)?)),
    },
    Method {
        name: "Compare",
        signature: takes_time(&INT),
        call: |_, this, args| Ok(Value::Int(instant(this)?.cmp(&instant(args.any(0)?)?) as i64)),
    },
    reading!("Day", day),
    Method {
        name: "Equal",
        signature: takes_time(&BOOL),
        call: |_, this, args| Ok(Value::Bool(instant(this)? == instant(args.any(0)?)?)),
    },
    Method {
        name: "Format",
        signature: Signature { params: &[&STRING], variadic: None, result: &STRING },
        call: |_, this, args| Ok(text_value(time::format(time_of(this)?, args.str(0)?.as_bytes()))),
    },
    reading!("Hour", hour),
    Method {
        name: "IsZero",
        signature: gives(&BOOL),
        call: |_, this, _| Ok(Value::Bool(instant(this)? == (time::ZERO_SECONDS, 0))),
    },
    Method {
        name: "Local",
        signature: gives(&TIME),
        call: |ctx, this, _| Ok(time_value(time_of(this)?.shown_in(local_zone(ctx)))),
    },
    reading!("Minute", minute),
    Method {
        name: "Month",
        signature: gives(&MONTH),
        call: |_, this, _| Ok(named(&MONTH, time_of(this)?.civil().month)),
    },
    Method {
        name: "Nanosecond",
        signature: gives(&INT),
        call: |_, this, _| Ok(Value::Int(i64::from(time_of(this)?.nanoseconds))),
    },
    Method {
        name: "Round",
        signature: Signature { params: &[&DURATION], variadic: None, result: &TIME },
        call: |_, this, args| Ok(time_value(time_of(this)?.round(nanoseconds(args.any(0)?)))),
    },
    reading!("Second", second),
    Method { name: "String", signature: gives(&STRING), call: |_, this, _| Ok(time_of(this)?.to_string().into()) },
    Method {
        name: "Sub",
        signature: takes_time(&DURATION),
        call: |_, this, args| Ok(named(&DURATION, time_of(this)?.since(time_of(args.any(0)?)?))),
    },
    Method {
        name: "Truncate",
        signature: Signature { params: &[&DURATION], variadic: None, result: &TIME },
        call: |_, this, args| Ok(time_value(time_of(this)?.truncate(nanoseconds(args.any(0)?)))),
    },
    Method {
        name: "UTC",
        signature: gives(&TIME),
        call: |_, this, _| Ok(time_value(time_of(this)?.shown_in(Zone::Utc))),
    },
    Method { name: "Unix", signature: gives(&INT64), call: |_, this, _| Ok(Value::Int64(time_of(this)?.seconds)) },
    Method {
        name: "UnixMicro",
        signature: gives(&INT64),
        call: |_, this, _| {
            let time = time_of(this)?;
            Ok(Value::Int64(time.seconds.wrapping_mul(1_000_000).wrapping_add(i64::from(time.nanoseconds / 1000))))
        },
    },
    Method {
        name: "UnixMilli",
        signature: gives(&INT64),
        call: |_, this, _| {
            let time = time_of(this)?;
            Ok(Value::Int64(time.seconds.wrapping_mul(1000).wrapping_add(i64::from(time.nanoseconds / 1_000_000))))
        },
    },
    Method {
        name: "UnixNano",
        signature: gives(&INT64),
        call: |_, this, _| Ok(Value::Int64(time_of(this)?.unix_nanoseconds())),
    },
    Method {
        name: "Weekday",
        signature: gives(&WEEKDAY),
        call: |_, this, _| Ok(named(&WEEKDAY, time_of(this)?.civil().weekday)),
    },
    reading!("Year", year),
    reading!("YearDay", year_day),
];

static NAMED_METHODS: &[Method] =
    &[Method { name: "String", signature: gives(&STRING), call: |_, this, _| Ok(crate::show::default(this).into()) }];

/// A method that gives a duration in some unit as a float.
macro_rules! in_unit {
    ($name:literal, $unit:expr) => {
        Method {
            name: $name,
            signature: gives(&sutler_template::types::FLOAT64),
            call: |_, this, _| {
                let (amount, unit): (i64, i64) = (nanoseconds(this), $unit);
                Ok(Value::Float64((amount / unit) as f64 + (amount % unit) as f64 / unit as f64))
            },
        }
    };
}

static DURATION_METHODS: &[Method] = &[
    in_unit!("Hours", 3600 * duration::SECOND),
    in_unit!("Minutes", 60 * duration::SECOND),
    in_unit!("Seconds", duration::SECOND),
    Method {
        name: "Milliseconds",
        signature: gives(&INT64),
        call: |_, this, _| Ok(Value::Int64(nanoseconds(this) / 1_000_000)),
    },
    Method {
        name: "Microseconds",
        signature: gives(&INT64),
        call: |_, this, _| Ok(Value::Int64(nanoseconds(this) / 1_000)),
    },
    Method { name: "Nanoseconds", signature: gives(&INT64), call: |_, this, _| Ok(Value::Int64(nanoseconds(this))) },
    Method {
        name: "Round",
        signature: Signature { params: &[&DURATION], variadic: None, result: &DURATION },
        call: |_, this, args| Ok(named(&DURATION, duration::round(nanoseconds(this), nanoseconds(args.any(0)?)))),
    },
    Method { name: "String", signature: gives(&STRING), call: |_, this, _| Ok(crate::show::default(this).into()) },
];

fn named(go_type: &'static Type, number: i64) -> Value {
    Value::object(Named { go_type, number })
}

fn nanoseconds(value: &Value) -> i64 {
    match value.downcast::<Named>() {
        Some(named) => named.number,
        None => value.as_signed().unwrap_or(0),
    }
}

/// A time as a value.
pub fn time_value(time: Time) -> Value {
    Value::object(TimeValue(time))
}

fn time_of(value: &Value) -> Result<&Time, CallError> {
    value.downcast::<TimeValue>().map(|value| &value.0).ok_or_else(|| CallError::new(crate::reflect::NIL_POINTER))
}

/// What orders times: the instant, not where it is shown.
fn instant(value: &Value) -> Result<(i64, u32), CallError> {
    let time = time_of(value)?;
    Ok((time.seconds, time.nanoseconds))
}

fn local_zone(ctx: &Context<'_>) -> Zone {
    host::of(ctx).map_or(Zone::Utc, |host| host.local_zone())
}

fn current(ctx: &Context<'_>) -> Result<Time, CallError> {
    let host = host::of(ctx)?;
    let (seconds, nanoseconds) = host.now();
    Ok(Time { seconds, nanoseconds, zone: host.local_zone() })
}

fn now(ctx: &mut Context<'_>, _: Arguments<'_>) -> Answer {
    current(ctx).map(time_value)
}

/// A time, or Unix seconds in one of the types that sprig takes; anything else is the present.
fn time_or_now(ctx: &Context<'_>, value: &Value) -> Result<Time, CallError> {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Ok(Time::unix(*seconds, local_zone(ctx))),
        Value::Int32(seconds) => Ok(Time::unix(i64::from(*seconds), local_zone(ctx))),
        value => match value.downcast::<TimeValue>() {
            Some(TimeValue(time)) => Ok(time.clone()),
            None => current(ctx),
        },
    }
}

/// The zone of a name, UTC when there is none.
fn zone(ctx: &Context<'_>, name: &Str) -> Zone {
    name.as_str().and_then(|name| Zone::load(name, &local_zone(ctx))).unwrap_or(Zone::Utc)
}

fn date(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let shown = time_or_now(ctx, args.any(1)?)?.shown_in(local_zone(ctx));
    Ok(text_value(time::format(&shown, args.str(0)?.as_bytes())))
}

fn date_in_zone(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let shown = time_or_now(ctx, args.any(1)?)?.shown_in(zone(ctx, args.str(2)?));
    Ok(text_value(time::format(&shown, args.str(0)?.as_bytes())))
}

fn html_date(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let shown = time_or_now(ctx, args.any(0)?)?.shown_in(local_zone(ctx));
    Ok(text_value(time::format(&shown, b"2006-01-02")))
}

fn html_date_in_zone(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let shown = time_or_now(ctx, args.any(0)?)?.shown_in(zone(ctx, args.str(1)?));
    Ok(text_value(time::format(&shown, b"2006-01-02")))
}

fn must_date_modify(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let by = duration::parse(args.str(0)?.as_bytes()).map_err(|error| CallError::new(error.to_string()))?;
    Ok(time_value(time_of(args.any(1)?)?.add(by)))
}

/// What is no duration changes nothing.
fn date_modify(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let by = duration::parse(args.str(0)?.as_bytes()).unwrap_or(0);
    Ok(time_value(time_of(args.any(1)?)?.add(by)))
}

fn must_to_date(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    time::parse(args.str(0)?.as_bytes(), args.str(1)?.as_bytes(), &local_zone(ctx))
        .map(time_value)
        .map_err(|error| CallError::new(error.to_string()))
}

/// What is no date is the zero time.
fn to_date(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let parsed = time::parse(args.str(0)?.as_bytes(), args.str(1)?.as_bytes(), &local_zone(ctx));
    Ok(time_value(parsed.unwrap_or_else(|_| Time::zero())))
}

fn unix_epoch(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(time_of(args.any(0)?)?.seconds.to_string().into())
}

fn ago(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    // Unlike the other functions, this one does not take an int32.
    let then = match args.any(0)? {
        Value::Int32(_) => current(ctx)?,
        value => time_or_now(ctx, value)?,
    };
    let elapsed = current(ctx)?.since(&then);
    Ok(duration::format(duration::round(elapsed, duration::SECOND)).into())
}

fn duration_of_seconds(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let seconds = match args.any(0)? {
        Value::String(text) => clamped(text.as_str().unwrap_or("")),
        Value::Int64(seconds) => *seconds,
        _ => 0,
    };
    Ok(duration::format(seconds.wrapping_mul(duration::SECOND)).into())
}

/// As `strconv.ParseInt` with its error dropped: 0, or the end of the range that was passed.
fn clamped(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn duration_round(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let amount = match args.any(0)? {
        Value::String(text) => duration::parse(text.as_bytes()).unwrap_or(0),
        Value::Int64(amount) => *amount,
        value => match value.downcast::<TimeValue>() {
            Some(TimeValue(time)) => current(ctx)?.since(time),
            None => 0,
        },
    };
    Ok(duration::coarse(amount).into())
}
