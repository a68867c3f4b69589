//! Running a release's tests: its hooks for the moment `test`.

use crate::error::Error;
use crate::event::Events;
use crate::hooks;
use crate::operation::{Operation, check_name};
use crate::record::{HookEvent, Release};
use crate::request::TestRequest;
use crate::{Releases, store};

impl Releases {
    /// Runs the tests of a release's last revision, one after the other; how they went is kept in its record.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such release; [`Error::Hook`] for the first test that fails.
    pub async fn test(&self, request: &TestRequest, events: Events<'_>) -> Result<Release, Error> {
        check_name(&request.name)?;
        let _at_work = self.begin_work(&request.namespace, &request.name)?;
        let mut history = store::history(&self.cluster, &request.namespace, &request.name).await?;
        let missing = || Error::NotFound { namespace: request.namespace.clone(), name: request.name.clone() };
        let last = history.pop().ok_or_else(missing)?;
        let mut operation = Operation::without_lease(&self.cluster, events, last);
        let outcome = hooks::run(&mut operation, HookEvent::Test, request.timeout).await;
        if !matches!(outcome, Err(Error::LeaseLost { .. })) {
            operation.save().await?;
        }
        outcome.map(|()| operation.record)
    }
}
