//! What the API machinery itself keeps true, as controllers that run before all others.

use crate::controllers::Controller;
use crate::machine::Machine;

/// The machinery's own controllers.
pub(crate) fn controllers() -> Vec<Box<dyn Controller>> {
    Vec::new()
}

/// Makes what every cluster has.
pub(crate) fn found(_machine: &mut Machine) {}
