//! What is said while work goes on, for whoever shows it: Helm prints progress on standard output and warnings on standard
//! error.

use sutler_chart::Remark;

/// Takes what is said, in its order.
pub trait Notes {
    /// Text for standard output, as it is.
    fn print(&mut self, text: &str);
    /// A line of the log, for standard error.
    fn remark(&mut self, remark: Remark);
    /// Text for standard error, as it is.
    fn note(&mut self, text: &str);
}

/// Notes that are kept in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// What Helm prints on standard output.
    pub out: String,
    /// What Helm prints on standard error.
    pub err: String,
}

impl Notes for Collected {
    fn print(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn remark(&mut self, remark: Remark) {
        self.err.push_str(&format!("{remark}\n"));
    }

    fn note(&mut self, text: &str) {
        self.err.push_str(text);
    }
}

/// Passes on the remarks that a function collected.
pub(crate) fn pass_on(remarks: Vec<Remark>, notes: &mut dyn Notes) {
    for remark in remarks {
        notes.remark(remark);
    }
}
