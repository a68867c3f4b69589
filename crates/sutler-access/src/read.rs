//! Policies as people write them: JSON in, a [`Policy`] out, and everything that IAM would refuse, each with line and column.
//!
//! Start with [`read`]. Reading goes on after a problem, so that a file's faults are shown together.

mod check;
mod json;
mod problem;

pub use json::SyntaxError;
pub use problem::{Fault, Problem, Severity};

use std::collections::BTreeMap;

use self::json::{Member, Node, Value};
use crate::policy::{
    Conditions, Document, Effect, OLD_VERSION, Policy, PolicyKind, Position, Principal, Statement, Values,
};

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The policy; `None` where a problem is an error, for then it might mean something else than was written.
    pub policy: Option<Policy>,
    /// Errors and warnings in the order of the text.
    pub problems: Vec<Problem>,
}

/// Reads a policy of this kind. `name` is what answers call it: the file, or the policy's name.
///
/// ```
/// use sutler_access::{PolicyKind, read::read};
///
/// let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "allow", "Action": "s3:*", "Resource": "*"}}"#;
/// let read = read(text, PolicyKind::Identity, "team.json");
/// assert_eq!(read.problems[0].to_string(), "1:51: `allow` is no effect: `Allow` or `Deny` is wanted");
/// ```
#[must_use]
pub fn read(text: &str, kind: PolicyKind, name: &str) -> Read {
    let mut reader = Reader { kind, problems: Vec::new() };
    let root = match json::read(text) {
        Ok(root) => root,
        Err((at, error)) => {
            let problem = Problem { severity: Severity::Error, at, fault: Fault::Syntax(error) };
            return Read { policy: None, problems: vec![problem] };
        }
    };
    let (document, positions) = reader.document(&root);
    let length = text.chars().filter(|c| !c.is_whitespace()).count();
    reader.check_length(root.at, length);
    reader.problems.sort_by_key(|problem| problem.at);
    let is_whole = reader.problems.iter().all(|problem| problem.severity != Severity::Error);
    let policy = is_whole.then(|| Policy { kind, name: name.to_owned(), document, positions });
    Read { policy, problems: reader.problems }
}

/// Collects problems while it turns values into a document.
struct Reader {
    kind: PolicyKind,
    problems: Vec<Problem>,
}

const DOCUMENT_ELEMENTS: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

impl Reader {
    fn error(&mut self, at: Position, fault: Fault) {
        self.problems.push(Problem { severity: Severity::Error, at, fault });
    }

    fn warn(&mut self, at: Position, fault: Fault) {
        self.problems.push(Problem { severity: Severity::Warning, at, fault });
    }

    fn wrong_kind(&mut self, node: &Node, element: &str, wanted: &'static str) {
        let fault = Fault::WrongKind { element: element.to_owned(), found: node.value.kind(), wanted };
        self.error(node.at, fault);
    }

    /// The members of an object, each key once and each among those known.
    fn members<'a>(&mut self, node: &'a Node, element: &str, known: Option<&[&'static str]>) -> Vec<&'a Member> {
        let Value::Object(members) = &node.value else {
            self.wrong_kind(node, element, "an object");
            return Vec::new();
        };
        let mut found: Vec<&Member> = Vec::new();
        for member in members {
            if let Some(first) = found.iter().find(|other| other.key == member.key) {
                self.error(member.at, Fault::Twice { key: member.key.clone(), first: first.at });
                continue;
            }
            if let Some(known) = known.filter(|known| !known.contains(&member.key.as_str())) {
                let near = known.iter().find(|name| is_near(name, &member.key)).copied();
                self.error(member.at, Fault::UnknownElement { element: member.key.clone(), near });
                continue;
            }
            found.push(member);
        }
        found
    }

    fn document(&mut self, root: &Node) -> (Document, Vec<Position>) {
        let mut document = Document { version: OLD_VERSION.to_owned(), id: None, statement: Vec::new() };
        let mut positions = Vec::new();
        let members = self.members(root, "the policy", Some(DOCUMENT_ELEMENTS));
        let is_object = matches!(root.value, Value::Object(_));
        for wanted in ["Version", "Statement"] {
            if is_object && !members.iter().any(|member| member.key == wanted) {
                match wanted {
                    "Version" => self.warn(root.at, Fault::NoVersion),
                    _ => self.error(root.at, Fault::Lacks { what: "the policy", element: "Statement" }),
                }
            }
        }
        for Member { key, value, .. } in members {
            match (key.as_str(), &value.value) {
                ("Version", Value::Text(version)) => {
                    self.check_version(value.at, version);
                    document.version.clone_from(version);
                }
                ("Id", Value::Text(id)) => document.id = Some(id.clone()),
                ("Version" | "Id", _) => self.wrong_kind(value, key, "a text"),
                (_, Value::List(items)) => {
                    if items.is_empty() {
                        self.error(value.at, Fault::Empty { element: "Statement".to_owned() });
                    }
                    for item in items {
                        positions.push(item.at);
                        document.statement.push(self.statement(item));
                    }
                }
                (_, Value::Object(_)) => {
                    positions.push(value.at);
                    document.statement.push(self.statement(value));
                }
                (_, _) => self.wrong_kind(value, key, "an object or a list of objects"),
            }
        }
        self.check_document(&document, &positions);
        (document, positions)
    }

    fn statement(&mut self, node: &Node) -> Statement {
        let mut statement = Statement::default();
        let members = self.members(node, "a statement", Some(STATEMENT_ELEMENTS));
        let mut has_effect = false;
        for member in &members {
            let Member { key, value, at } = member;
            match key.as_str() {
                "Sid" => statement.sid = self.sid(value),
                "Effect" => {
                    has_effect = true;
                    statement.effect = self.effect(value);
                }
                "Principal" => statement.principal = self.principal(value, key),
                "NotPrincipal" => statement.not_principal = self.principal(value, key),
                "Action" => statement.action = self.checked_texts(value, key, Self::check_action),
                "NotAction" => statement.not_action = self.checked_texts(value, key, Self::check_action),
                "Resource" => statement.resource = Some(self.checked_texts(value, key, Self::check_resource)),
                "NotResource" => statement.not_resource = Some(self.checked_texts(value, key, Self::check_resource)),
                _ => statement.condition = self.conditions(value, *at),
            }
        }
        if matches!(node.value, Value::Object(_)) {
            if !has_effect {
                self.error(node.at, Fault::Lacks { what: "the statement", element: "Effect" });
            }
            let keys: BTreeMap<&str, Position> = members.iter().map(|one| (one.key.as_str(), one.at)).collect();
            self.check_statement(node.at, &keys, &statement);
        }
        statement
    }

    fn sid(&mut self, node: &Node) -> Option<String> {
        let Value::Text(sid) = &node.value else {
            self.wrong_kind(node, "Sid", "a text");
            return None;
        };
        self.check_sid(node.at, sid);
        Some(sid.clone())
    }

    fn effect(&mut self, node: &Node) -> Effect {
        match &node.value {
            Value::Text(effect) if effect == "Allow" => Effect::Allow,
            Value::Text(effect) if effect == "Deny" => Effect::Deny,
            Value::Text(effect) => {
                self.error(node.at, Fault::Effect(effect.clone()));
                Effect::Deny
            }
            _ => {
                self.wrong_kind(node, "Effect", "a text");
                Effect::Deny
            }
        }
    }

    /// One text or a list of texts, each with its place.
    fn texts<'a>(&mut self, node: &'a Node, element: &str) -> Vec<(Position, &'a str)> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            self.error(node.at, Fault::Empty { element: element.to_owned() });
        }
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) => texts.push((item.at, text.as_str())),
                _ => self.wrong_kind(item, element, "a text"),
            }
        }
        texts
    }

    fn checked_texts(&mut self, node: &Node, element: &str, check: fn(&mut Self, Position, &str)) -> Values {
        let texts = self.texts(node, element);
        for (at, text) in &texts {
            check(self, *at, text);
        }
        texts.into_iter().map(|(_, text)| text).collect()
    }

    fn principal(&mut self, node: &Node, element: &str) -> Option<Principal> {
        match &node.value {
            Value::Text(text) if text == "*" => Some(Principal::Anybody(text.clone())),
            Value::Text(text) => {
                self.error(node.at, Fault::PrincipalText(text.clone()));
                None
            }
            Value::Object(members) => {
                if members.is_empty() {
                    self.error(node.at, Fault::Empty { element: element.to_owned() });
                }
                let mut kinds = BTreeMap::new();
                for member in self.members(node, element, Some(check::PRINCIPAL_KINDS)) {
                    let values = self.texts(&member.value, &member.key);
                    for (at, value) in &values {
                        self.check_principal(*at, &member.key, value);
                    }
                    kinds.insert(member.key.clone(), values.into_iter().map(|(_, value)| value).collect());
                }
                Some(Principal::Of(kinds))
            }
            _ => {
                self.wrong_kind(node, element, "\"*\" or an object");
                None
            }
        }
    }

    fn conditions(&mut self, node: &Node, at: Position) -> Conditions {
        let mut conditions = Conditions::new();
        let members = self.members(node, "Condition", None);
        if members.is_empty() && matches!(node.value, Value::Object(_)) {
            self.warn(at, Fault::Empty { element: "Condition".to_owned() });
        }
        for member in members {
            let operator = self.check_operator(member.at, &member.key);
            let mut keys = BTreeMap::new();
            for key in self.members(&member.value, &member.key, None) {
                self.check_key(key.at, &key.key);
                let values = self.scalars(&key.value, &key.key);
                if let Some(operator) = operator {
                    for (at, value) in &values {
                        self.check_value(*at, operator, value);
                    }
                    self.check_quantifier(key.at, operator, &key.key);
                }
                keys.insert(key.key.clone(), values.into_iter().map(|(_, value)| value).collect());
            }
            conditions.insert(member.key.clone(), keys);
        }
        conditions
    }

    /// A condition's values: texts, and numbers and truth values that become texts, as AWS has it.
    fn scalars(&mut self, node: &Node, key: &str) -> Vec<(Position, String)> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut values = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) | Value::Number(text) => values.push((item.at, text.clone())),
                Value::Bool(value) => values.push((item.at, value.to_string())),
                _ => self.wrong_kind(item, key, "a text, a number or a truth value"),
            }
        }
        if items.is_empty() {
            self.warn(node.at, Fault::Empty { element: key.to_owned() });
        }
        values
    }
}

/// Whether a name is another by a slip: case, one letter too many, too few, other or swapped.
fn is_near(known: &str, written: &str) -> bool {
    crate::spelling::distance(&known.to_ascii_lowercase(), &written.to_ascii_lowercase()) <= 2
}

#[cfg(test)]
mod tests;
