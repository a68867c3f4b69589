//! What no template may do to the program that executes it: exhaust the stack, run for ever, write without end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicBool, Ordering};

use sutler_template::{
    ExecuteError, ExecuteOptions, Frozen, Function, Limits, List, Map, Stop, Str, TemplateSet, Usage, Value, print,
    types,
};

static FUNCTIONS: &[Function] = &[
    Function::new("include", &[&types::STRING, &types::ANY], &types::STRING, |ctx, args| {
        Ok(ctx.execute_template(args.str(0)?, args.any(1)?)?.into())
    }),
    Function::new("tpl", &[&types::STRING, &types::ANY], &types::STRING, |ctx, args| {
        Ok(ctx.execute_text(args.str(0)?, args.any(1)?)?.into())
    }),
    Function::variadic("list", &[], &types::ANY, &types::LIST, |_, args| Ok(List::new(args.rest(0).to_vec()).into())),
    Function::new("set", &[&types::MAP, &types::STRING, &types::ANY], &types::MAP, |_, args| {
        args.map(0)?.insert(args.str(1)?.clone(), args.any(2)?.clone())?;
        args.any(0).cloned()
    }),
];

fn set(text: &str) -> TemplateSet {
    let mut set = TemplateSet::new("gotpl").with_functions(FUNCTIONS);
    set.parse("t", text).unwrap();
    set
}

fn execute(text: &str, data: &Value, limits: Limits) -> Result<Str, ExecuteError> {
    set(text).execute("t", data, ExecuteOptions { limits, ..ExecuteOptions::default() })
}

fn parse_error(text: &str) -> String {
    TemplateSet::new("gotpl").with_functions(FUNCTIONS).parse("t", text).unwrap_err().to_string()
}

/// Cuts off what would be megabytes.
fn end_of(text: &str) -> &str {
    &text[text.len().saturating_sub(60)..]
}

#[test]
fn a_hundred_thousand_templates_nest_in_control_structures_and_one_more_is_an_error() {
    let text = r#"{{ define "r" }}{{ if . }}{{ with 1 }}{{ range 1 }}{{ template "r" $ }}{{ end }}{{ end }}{{ end }}{{ end }}{{ template "r" 1 }}"#;
    let error = execute(text, &Value::Nil, Limits::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "template: t:1:63: executing \"r\" at <{{template \"r\" $}}>: exceeded maximum template depth (100000)"
    );
}

#[test]
fn parentheses_nest_as_deep_as_in_go_and_no_deeper() {
    let nested = |depth: usize| format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(execute(&nested(10_000), &Value::Nil, Limits::default()).unwrap(), "1");
    assert_eq!(parse_error(&nested(10_001)), "template: t:1: max expression depth exceeded");
    assert_eq!(
        end_of(&parse_error(&format!("{}{{{{ nope }}}}", nested(10_000)))),
        "template: t:1: function \"nope\" not defined"
    );
    // An error's node is printed, whatever its depth.
    let deep = format!("{{{{ print {}1 | len{} }}}}", "(".repeat(9_999), ")".repeat(9_999));
    let error = execute(&deep, &Value::Nil, Limits::default()).unwrap_err().to_string();
    assert_eq!(end_of(&error), ": executing \"t\" at <len>: error calling len: len of type int");
}

#[test]
fn control_structures_nest_ten_thousand_deep() {
    let nested = |depth: usize| format!("{}x{}", "{{if 1}}".repeat(depth), "{{end}}".repeat(depth));
    assert_eq!(execute(&nested(10_000), &Value::Nil, Limits::default()).unwrap(), "x");
    assert_eq!(parse_error(&nested(10_001)), "template: t:1: max control structure depth exceeded");
    let chain = format!("{{{{if 0}}}}{}{{{{else}}}}x{{{{end}}}}", "{{else if 0}}".repeat(9_999));
    assert_eq!(execute(&chain, &Value::Nil, Limits::default()).unwrap(), "x");
    let unfinished = "{{if 1}}".repeat(100_000);
    assert_eq!(parse_error(&unfinished), "template: t:1: max control structure depth exceeded");
    assert_eq!(
        parse_error(&"{{block \"a\" 1}}".repeat(100_000)),
        "template: t:1: max control structure depth exceeded"
    );
}

#[test]
fn functions_that_execute_templates_nest_up_to_the_limit() {
    let limits = Limits::default().with_depth(2_000);
    for text in [r#"{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}"#, r#"{{ tpl .text . }}"#] {
        let data: Map = [("text", Value::from("{{ tpl .text . }}"))].into_iter().collect();
        let error = execute(text, &Value::Map(data), limits).unwrap_err();
        assert_eq!(error, ExecuteError::Stopped(Stop::Depth(2_000)), "{text}");
    }
}

#[test]
fn steps_and_output_are_limited() {
    let endless = "{{ range 1000000000 }}{{ end }}";
    let limits = Limits::default().with_steps(10_000);
    assert_eq!(execute(endless, &Value::Nil, limits), Err(ExecuteError::Stopped(Stop::Steps(10_000))));
    let long = "{{ range 1000000000 }}text{{ end }}";
    let limits = Limits::default().with_output(1_000);
    assert_eq!(execute(long, &Value::Nil, limits), Err(ExecuteError::Stopped(Stop::Output(1_000))));
    // Also within a function, whose error would otherwise be Go's.
    let within = r#"{{ define "long" }}{{ range 1000000000 }}text{{ end }}{{ end }}{{ include "long" . | len }}"#;
    assert_eq!(execute(within, &Value::Nil, limits), Err(ExecuteError::Stopped(Stop::Output(1_000))));
}

#[test]
fn what_functions_make_counts_as_output_but_what_they_pass_on_does_not() {
    let limits = Limits::default().with_output(1_000_000);
    let doubled =
        r#"{{ $t := "0123456789012345678901234567890123456789" }}{{ range 60 }}{{ $t = print $t $t }}{{ end }}"#;
    assert_eq!(execute(doubled, &Value::Nil, limits), Err(ExecuteError::Stopped(Stop::Output(1_000_000))));
    let lists = "{{ $l := list }}{{ range 10000 }}{{ $l = list $l $l $l $l $l $l $l $l }}{{ end }}";
    assert_eq!(execute(lists, &Value::Nil, limits), Err(ExecuteError::Stopped(Stop::Output(1_000_000))));
    let data: Map = [("map", Value::Map([("list", Value::from(vec![Value::Nil; 1000]))].into_iter().collect()))]
        .into_iter()
        .collect();
    let passed_on = r#"{{ range 10000 }}{{ $_ := set $.map "a" 1 }}{{ $_ := index $.map "list" }}{{ end }}done"#;
    assert_eq!(execute(passed_on, &Value::Map(data), limits).unwrap(), "done");
}

#[test]
fn executions_that_are_given_one_count_share_their_limits() {
    let (set, usage) = (set("{{ range 100 }}x{{ end }}"), std::cell::Cell::new(Usage::default()));
    let limits = Limits::default().with_output(250);
    let options = ExecuteOptions { limits, usage: Some(&usage), ..ExecuteOptions::default() };
    assert!(set.execute("t", &Value::Nil, options).is_ok());
    assert_eq!(usage.get(), Usage { steps: 201, output: 100 });
    assert!(set.execute("t", &Value::Nil, options).is_ok());
    assert_eq!(set.execute("t", &Value::Nil, options), Err(ExecuteError::Stopped(Stop::Output(250))));
}

#[test]
fn a_deadline_of_the_callers_clock_ends_an_execution() {
    let set = set("{{ range 1000000000000 }}{{ end }}");
    let asked = std::cell::Cell::new(0);
    let deadline = || asked.replace(asked.get() + 1) == 10;
    let options = ExecuteOptions { deadline: Some(&deadline), ..ExecuteOptions::default() };
    assert_eq!(set.execute("t", &Value::Nil, options), Err(ExecuteError::Stopped(Stop::Deadline)));
    assert_eq!(asked.get(), 11);
}

#[test]
fn another_thread_can_cancel() {
    let (set, cancel) = (set("{{ range 1000000000000 }}{{ end }}"), AtomicBool::new(false));
    let result = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            set.execute("t", &Value::Nil, ExecuteOptions { cancel: Some(&cancel), ..ExecuteOptions::default() })
        });
        cancel.store(true, Ordering::Relaxed);
        running.join().unwrap()
    });
    assert_eq!(result, Err(ExecuteError::Stopped(Stop::Cancelled)));
}

#[test]
fn a_value_that_contains_itself_prints_to_an_end() {
    let scope = sutler_template::CycleScope::enter();
    let map = Map::new();
    map.insert("self", Value::Map(map.clone())).unwrap();
    let mut out = Vec::new();
    print(&mut out, &[Value::Map(map.clone())]);
    assert!(out.starts_with(b"map[self:map[self:") && out.len() < 1_000_000);
    assert!(Frozen::new(&Value::Map(map.clone())).is_err());
    drop(map);
    drop(scope);
}

#[test]
fn a_list_nested_by_a_template_is_printed_compared_and_freed() {
    let text = "{{ $l := list }}{{ range 200000 }}{{ $l = list $l }}{{ end }}{{ len (print $l) }}";
    let out = execute(text, &Value::Nil, Limits::default()).unwrap();
    // What is deeper than 10,000 is three dots.
    assert_eq!(out, "20007");
}

#[test]
fn threads_share_a_set_and_each_sees_its_own_changes_of_frozen_data() {
    let inner: Map = [("count", Value::Int(0))].into_iter().collect();
    let data: Map = [("inner", Value::Map(inner))].into_iter().collect();
    let frozen = Frozen::new(&Value::Map(data)).unwrap();
    let set =
        set("{{ $alias := .inner }}{{ range 100 }}{{ $_ := set $.inner \"count\" . }}{{ end }}{{ $alias.count }}");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| set.execute("t", &frozen.thaw(), ExecuteOptions::default()).unwrap()))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), "99");
        }
    });
    let untouched = frozen.thaw().get("inner").and_then(|inner| inner.get("count"));
    assert_eq!(untouched, Some(Value::Int(0)));
}
