//! What the page calls. Texts and bytes cross in buffers: the page asks for room, writes into it, calls a function and reads the
//! answer. There is nothing of wasm-bindgen in it, and so nothing to install beside the compiler's target.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sutler_chart::Chart;

use crate::{Answer, Request, Trouble, answer, load, sample};

/// Everything between two calls.
struct State {
    /// What the page hands in.
    input: Vec<u8>,
    /// What it is answered: JSON.
    output: Vec<u8>,
    chart: Option<Chart>,
}

static STATE: Mutex<State> = Mutex::new(State { input: Vec::new(), output: Vec::new(), chart: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for `length` bytes of input, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    let mut state = state();
    state.input = vec![0; length];
    state.input.as_mut_ptr()
}

/// Where the last answer is.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    state().output.as_ptr()
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn output_length() -> usize {
    state().output.len()
}

/// Loads the chart whose archive is the input; with an empty input, the sample. The answer is an empty text, or the error.
#[unsafe(no_mangle)]
pub extern "C" fn load_chart() {
    let mut state = state();
    let loaded = if state.input.is_empty() { sample() } else { load(&state.input) };
    match loaded {
        Ok(chart) => {
            state.chart = Some(chart);
            state.output.clear();
        }
        Err(error) => state.output = error.into_bytes(),
    }
}

/// Renders the loaded chart as the input, a [`Request`] in JSON, asks; the answer is an [`Answer`] in JSON.
#[unsafe(no_mangle)]
pub extern "C" fn render_chart() {
    let mut state = state();
    let answer = match (&state.chart, serde_json::from_slice::<Request>(&state.input)) {
        (Some(chart), Ok(request)) => answer(chart, &request),
        (None, _) => failed("no chart is loaded".to_owned()),
        (_, Err(error)) => failed(error.to_string()),
    };
    state.output = serde_json::to_vec(&answer).expect("an answer is made of texts and lists");
}

fn failed(text: String) -> Answer {
    Answer { error: Some(Trouble { text, chain: Vec::new() }), ..Answer::default() }
}
