//! Errors as data: where, through which templates, and what.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sutler_template::{ExecuteError, ExecuteOptions, Function, MissingKey, TemplateSet, Value, types};

static FUNCTIONS: &[Function] = &[
    Function::new("include", &[&types::STRING, &types::ANY], &types::STRING, |ctx, args| {
        Ok(ctx.execute_template(args.str(0)?, args.any(1)?)?.into())
    }),
    Function::new("tpl", &[&types::STRING, &types::ANY], &types::STRING, |ctx, args| {
        let text = args.str(0)?;
        ctx.execute_text(text, args.any(1)?).map(Value::String).map_err(|error| {
            sutler_template::CallError::from(error).context(format!("error during tpl function execution for {text:?}"))
        })
    }),
];

/// The chain, a line each, and the message.
fn failure(texts: &[(&str, &str)]) -> String {
    let mut set = TemplateSet::new("gotpl").with_functions(FUNCTIONS).with_missing_key(MissingKey::Zero);
    for (name, text) in texts {
        set.parse(*name, *text).unwrap();
    }
    let error = set.execute(texts[0].0, &Value::empty_map(), ExecuteOptions::default()).unwrap_err();
    let ExecuteError::Failed(failure) = error else { panic!("{error}") };
    let mut lines: Vec<String> = failure
        .chain()
        .iter()
        .map(|at| format!("{}:{}:{} {} <{}>", at.file, at.line, at.column, at.template, at.node))
        .collect();
    assert_eq!(failure.location(), failure.chain().last());
    lines.push(failure.message().to_owned());
    lines.join("\n")
}

#[test]
fn an_error_has_its_place_and_its_message() {
    assert_eq!(failure(&[("a.yaml", "x\n  {{ index .l 5 }}")]), "a.yaml:2:5 a.yaml <index .l 5>\nindex of untyped nil");
    assert_eq!(
        failure(&[("a.yaml", "{{ .a.b.c }}")]),
        "a.yaml:1:5 a.yaml <.a.b.c>\nnil pointer evaluating interface {}.b"
    );
}

#[test]
fn an_error_within_templates_that_functions_execute_has_the_whole_chain() {
    let helpers = "{{ define \"labels\" }}\n{{ include \"name\" . }}{{ end }}{{ define \"name\" }}{{ .a.b }}{{ end }}";
    let page = "{{ include \"labels\" . }}";
    assert_eq!(
        failure(&[("a.yaml", page), ("_helpers.tpl", helpers)]),
        "a.yaml:1:3 a.yaml <include \"labels\" .>\n_helpers.tpl:2:3 labels <include \"name\" .>\n\
         _helpers.tpl:2:55 name <.a.b>\nnil pointer evaluating interface {}.b"
    );
    assert_eq!(
        failure(&[("a.yaml", r#"{{ tpl "{{ index 1 2 }}" . }}"#)]),
        "a.yaml:1:3 a.yaml <tpl \"{{ index 1 2 }}\" .>\ngotpl:1:3 gotpl <index 1 2>\ncan't index item of type int"
    );
}

#[test]
fn parse_errors_have_their_line() {
    let error = TemplateSet::new("t").parse("a.yaml", "\n{{ nope }}").unwrap_err();
    assert_eq!(
        (error.name().to_string(), error.line(), error.message()),
        ("a.yaml".to_owned(), 2, "function \"nope\" not defined")
    );
    assert_eq!(error.to_string(), "template: a.yaml:2: function \"nope\" not defined");
}
