//! What template functions get from outside, all of it from [`RenderOptions`].

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sutler_functions::{Host, Refusal};
use sutler_template::{List, Map, Str, Value};

use super::{Lookup, RenderOptions};
use crate::log::{Level, Remark};

/// Where the messages of `fail` and `required` go in the linter, which does not stop at them.
pub(super) type Refusals = Arc<Mutex<Vec<Remark>>>;

/// The outside world of one rendering.
pub(super) struct RenderHost {
    lookup: Arc<dyn Lookup>,
    now: Timestamp,
    random: Mutex<RandomStream>,
    /// None where a refusal is an error.
    refusals: Option<Refusals>,
}

impl RenderHost {
    pub(super) fn new(options: &RenderOptions, refusals: Option<Refusals>) -> RenderHost {
        let random = RandomStream { seed: options.seed, block: 0, left: Vec::new() };
        RenderHost { lookup: options.lookup.clone(), now: options.now, random: Mutex::new(random), refusals }
    }
}

impl Host for RenderHost {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Map, String> {
        match unstructured(&self.lookup.lookup(api_version, kind, namespace, name)?) {
            Value::Map(object) => Ok(object),
            _ => Ok(Map::new()),
        }
    }

    fn random(&self, bytes: &mut [u8]) {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }

    fn goes_on_after(&self, refusal: Refusal, message: &Str) -> bool {
        let Some(refusals) = &self.refusals else { return false };
        let (level, text) = match refusal {
            Refusal::Fail => (Level::Info, "funcMap fail"),
            Refusal::RequiredNil => (Level::Warn, "missing required value"),
            Refusal::RequiredEmpty => (Level::Warn, "missing required values"),
        };
        let remark = Remark::new(level, text, vec![("message", message.to_str_lossy().into_owned())]);
        refusals.lock().unwrap_or_else(PoisonError::into_inner).push(remark);
        true
    }

    fn now(&self) -> (i64, u32) {
        let nanoseconds = self.now.as_nanosecond();
        let second = 1_000_000_000;
        let seconds = i64::try_from(nanoseconds.div_euclid(second)).expect("a timestamp's seconds fit");
        (seconds, u32::try_from(nanoseconds.rem_euclid(second)).expect("less than a second"))
    }
}

/// Bytes that follow from a seed: SHA-256 of the seed and a counter, block after block. Whoever does not know the seed cannot tell
/// them from random ones, which matters: passwords and keys are made of them.
struct RandomStream {
    seed: [u8; 32],
    block: u64,
    left: Vec<u8>,
}

impl RandomStream {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.left.is_empty() {
                self.left =
                    Sha256::new().chain_update(self.seed).chain_update(self.block.to_be_bytes()).finalize().to_vec();
                self.block += 1;
            }
            *byte = self.left.pop().expect("a block was just made");
        }
    }
}

/// An object as Kubernetes' client holds it: whole numbers are `int64`.
fn unstructured(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int64(whole),
            None => Value::Float64(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::Array(items) => Value::List(List::new(items.iter().map(unstructured).collect())),
        serde_json::Value::Object(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key, unstructured(value))).collect())
        }
        plain => crate::values::from_json(plain),
    }
}
