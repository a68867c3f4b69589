//! [`CancelToken`]: how another thread ends a rendering.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends renderings from another thread. Clones are the same token; once raised it stays so.
///
/// ```
/// use sutler_chart::{CancelToken, RenderOptions};
///
/// let token = CancelToken::new();
/// let options = RenderOptions::install("demo", "default").with_cancel(token.clone());
/// std::thread::spawn(move || token.cancel());
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that was not raised.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Ends every rendering that has this token, now and later, with [`Stop::Cancelled`](sutler_template::Stop::Cancelled). A single
    /// call of a template's function (a large RSA key, say) is not interrupted; what follows it does not happen.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn flag(&self) -> &AtomicBool {
        &self.0
    }
}
