//! `sutler helm`: Helm's commands.

use crate::Outcome;
use crate::arguments::Helm;
use crate::failure::Failure;

pub(crate) fn run(_: Helm) -> Result<Outcome, Failure> {
    Err(Failure::new("lands next"))
}
