//! Digests in hexadecimal: `sha256sum` and its like.

use std::fmt::Write as _;

use sha2::Digest as _;
use sutler_template::types::STRING;
use sutler_template::{Arguments, CallError, Context, Function, Value};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("adler32sum", &[&STRING], &STRING, adler32sum),
    Function::new("sha1sum", &[&STRING], &STRING, sha1sum),
    Function::new("sha256sum", &[&STRING], &STRING, sha256sum),
    Function::new("sha512sum", &[&STRING], &STRING, sha512sum),
];

fn hexadecimal(bytes: &[u8]) -> Value {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text.into()
}

fn sha1sum(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(hexadecimal(&sha1::Sha1::digest(args.str(0)?.as_bytes())))
}

fn sha256sum(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(hexadecimal(&sha2::Sha256::digest(args.str(0)?.as_bytes())))
}

fn sha512sum(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(hexadecimal(&sha2::Sha512::digest(args.str(0)?.as_bytes())))
}

/// In decimal, unlike the others.
fn adler32sum(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    const MODULUS: u32 = 65_521;
    let (mut low, mut high) = (1_u32, 0_u32);
    for &byte in args.str(0)?.as_bytes() {
        low = (low + u32::from(byte)) % MODULUS;
        high = (high + low) % MODULUS;
    }
    Ok((high << 16 | low).to_string().into())
}
