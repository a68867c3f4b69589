//! Ctrl-C: it ends a command, but while Terraform works it is left to Terraform, which hears it too and stops in good order.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::printer;

/// A listener for Ctrl-C, for the time of a command.
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    terraform_works: AtomicBool,
    heard: Notify,
}

/// While it lives, Ctrl-C is Terraform's.
pub(crate) struct LeftToTerraform<'a>(&'a Shared);

impl Interrupt {
    /// Begins to listen.
    pub(crate) async fn listen() -> Interrupt {
        let shared = Arc::new(Shared::default());
        let mut next: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(tokio::signal::ctrl_c());
        // Listening begins when it is first polled.
        tokio::select! {
            biased;
            _ = &mut next => shared.heard.notify_one(),
            () = std::future::ready(()) => {}
        }
        let listener = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while next.await.is_ok() {
                    if shared.terraform_works.load(Ordering::SeqCst) {
                        printer::note("stopping: Terraform ends what it has begun");
                    } else {
                        shared.heard.notify_one();
                    }
                    next = Box::pin(tokio::signal::ctrl_c());
                }
            }
        });
        Interrupt { shared, listener }
    }

    /// Leaves it to Terraform until the answer is dropped.
    pub(crate) fn left_to_terraform(&self) -> LeftToTerraform<'_> {
        self.shared.terraform_works.store(true, Ordering::SeqCst);
        LeftToTerraform(&self.shared)
    }

    /// Waits until it is heard while Terraform does not work.
    pub(crate) async fn heard(&self) {
        self.shared.heard.notified().await;
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Drop for LeftToTerraform<'_> {
    fn drop(&mut self) {
        self.0.terraform_works.store(false, Ordering::SeqCst);
    }
}
