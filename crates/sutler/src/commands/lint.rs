//! `sutler lint`: what is wrong with a stack as far as its files tell.

use sutler_stack::lint::{Lint, lint};

use crate::Outcome;
use crate::arguments::{Lint as Arguments, Output};
use crate::failure::Failure;
use crate::{choose, printer, repositories, view};

pub(crate) async fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    // Without -e every environment counts, not only that of the stack that was brought up last.
    let environment = arguments.stack.environment.as_deref();
    let found = lint(&chosen.file, environment, &repositories::of_this_user()).await?;
    match arguments.output {
        Output::Json => printer::line(view::json(&found)),
        Output::Text => {
            printer::data(&text(&found));
            printer::note(summary(&found, &chosen.file.display().to_string()));
        }
    }
    Ok(if errors(&found) > 0 { Outcome::Broken } else { Outcome::Done })
}

fn errors(found: &Lint) -> usize {
    found.problems.iter().filter(|problem| problem.severity == "error").count()
}

fn text(found: &Lint) -> String {
    let each = found.problems.iter().map(|problem| {
        let everywhere = problem.environments.len() == found.environments.len();
        let only = if everywhere { String::new() } else { format!("\nin: {}", problem.environments.join(", ")) };
        format!("{}{only}\n\n", problem.text)
    });
    each.collect()
}

fn summary(found: &Lint, file: &str) -> String {
    let errors = errors(found);
    let warnings = found.problems.len() - errors;
    let of = match found.environments.as_slice() {
        [] => String::new(),
        [one] => format!(" in environment {one}"),
        all => format!(" in environments {}", all.join(", ")),
    };
    match (errors, warnings) {
        (0, 0) => format!("{file}: nothing is wrong{of}"),
        _ => format!("{file}: {}, {}{of}", view::count(errors, "error"), view::count(warnings, "warning")),
    }
}
