//! The stack.yaml to start from.

/// The folder beside stack.yaml for what Sutler writes there itself.
pub const STATE_FOLDER: &str = ".sutler";

/// The schema's file in that folder.
pub const SCHEMA_FILE: &str = "stack.schema.json";

/// A commented stack.yaml for a stack of this name.
pub fn stack_yaml(name: &str) -> String {
    include_str!("init.yaml").replace("@NAME@", name)
}

/// A folder's name as a stack's name: lower-case letters, digits and `-`.
pub fn name_of_folder(folder: &str) -> String {
    let replaced: String = folder
        .chars()
        .map(|found| if found.is_ascii_alphanumeric() { found.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    match replaced.trim_matches('-') {
        "" => "data-team".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_to_start_from_is_a_stack() {
        let text = stack_yaml("data-team");
        let file = crate::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
        crate::stack::Stack::from_file(file).unwrap_or_else(|report| panic!("{report}"));
    }

    #[test]
    fn a_folders_name_becomes_a_stacks() {
        assert_eq!(name_of_folder("My Team_1"), "my-team-1");
        assert_eq!(name_of_folder("/"), "data-team");
    }
}
