//! Random values, from the host's source of random bytes.

use sutler_template::types::{INT, STRING};
use sutler_template::{Arguments, CallError, Context, Function, Value};

use crate::bounds::MOST_BYTES;
use crate::encoding::encode_base64;
use crate::host::{self, Host};
use crate::runes;
use crate::strings::text_value;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("randAlpha", &[&INT], &STRING, |ctx, args| text(ctx, args, |byte| byte.is_ascii_alphabetic())),
    Function::new("randAlphaNum", &[&INT], &STRING, |ctx, args| text(ctx, args, |byte| byte.is_ascii_alphanumeric())),
    Function::new("randAscii", &[&INT], &STRING, |ctx, args| text(ctx, args, |_| true)),
    Function::new("randBytes", &[&INT], &STRING, rand_bytes),
    Function::new("randInt", &[&INT, &INT], &INT, rand_int),
    Function::new("randNumeric", &[&INT], &STRING, |ctx, args| text(ctx, args, |byte| byte.is_ascii_digit())),
    Function::new("shuffle", &[&STRING], &STRING, shuffle),
    Function::new("uuidv4", &[], &STRING, uuidv4),
];

/// A number below `bound`, which is not 0; each is equally likely.
fn below(host: &dyn Host, bound: u64) -> u64 {
    // Numbers from the last, incomplete round through the bound are thrown away.
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        host.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < limit {
            return number % bound;
        }
    }
}

fn length(args: Arguments<'_>) -> Result<usize, CallError> {
    // A negative count is an error of the library, which sprig answers with nothing.
    let count = usize::try_from(args.int(0)?).unwrap_or(0);
    if count > MOST_BYTES { Err(CallError::new("runtime error: makeslice: len out of range")) } else { Ok(count) }
}

/// Printable ASCII characters that are wanted.
fn text(ctx: &mut Context<'_>, args: Arguments<'_>, wanted: impl Fn(u8) -> bool) -> Answer {
    let characters: Vec<u8> = (b' '..=b'~').filter(|byte| wanted(*byte)).collect();
    let host = host::of(ctx)?;
    let count = length(args)?;
    let choose = || {
        let index = below(host, characters.len() as u64);
        characters[usize::try_from(index).expect("an index below a length")]
    };
    Ok(text_value(std::iter::repeat_with(choose).take(count).collect()))
}

fn rand_bytes(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    if args.int(0)? < 0 {
        return Err(CallError::new("runtime error: makeslice: len out of range"));
    }
    let mut bytes = vec![0; length(args)?];
    host::of(ctx)?.random(&mut bytes);
    Ok(encode_base64(&bytes).into())
}

fn rand_int(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (min, max) = (args.int(0)?, args.int(1)?);
    let range = max.wrapping_sub(min);
    if range <= 0 {
        return Err(CallError::new("invalid argument to Intn"));
    }
    let offset = below(host::of(ctx)?, range.unsigned_abs()).cast_signed();
    Ok(Value::Int(min.wrapping_add(offset)))
}

fn shuffle(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let mut letters: Vec<char> = runes::runes(args.str(0)?.as_bytes()).map(|(_, rune)| rune).collect();
    let host = host::of(ctx)?;
    for last in (1..letters.len()).rev() {
        let other = below(host, last as u64 + 1);
        letters.swap(last, usize::try_from(other).expect("an index below a length"));
    }
    Ok(text_value(runes::encode(letters)))
}

fn uuidv4(ctx: &mut Context<'_>, _: Arguments<'_>) -> Answer {
    let mut bytes = [0; 16];
    host::of(ctx)?.random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = |range: &[u8]| range.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parts = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
    Ok(parts.map(hex).join("-").into())
}
