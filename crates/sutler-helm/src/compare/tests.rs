//! What is told of two renderings: the first line that differs, and what made it.

use super::*;

fn output(stdout: &str, stderr: &str, exit_code: i32) -> Output {
    Output { stdout: stdout.to_owned(), stderr: stderr.to_owned(), exit_code }
}

fn never() -> Output {
    panic!("helm is not run again where nothing differs")
}

#[test]
fn equal_outputs_need_no_second_run() {
    let one = output("---\n# Source: c/templates/a.yaml\nkind: A\n", "", 0);
    assert_eq!(judge(&one, &one.clone(), never), Verdict::Equal);
    let refused = output("", "Error: no\n", 1);
    assert_eq!(judge(&refused, &refused.clone(), never), Verdict::Refused);
}

#[test]
fn remarks_in_the_order_of_maps_are_a_set() {
    let ours = output("", "level=WARN msg=a\nlevel=WARN msg=b\nError: x\n", 1);
    let helm = output("", "level=WARN msg=b\nlevel=WARN msg=a\nError: x\n", 1);
    assert_eq!(judge(&ours, &helm, never), Verdict::Refused);
}

#[test]
fn the_first_difference_names_the_template() {
    let ours =
        output("---\n# Source: c/templates/a.yaml\nkind: A\n---\n# Source: c/templates/b.yaml\nx: 1\ny: 2\n", "", 0);
    let helm =
        output("---\n# Source: c/templates/a.yaml\nkind: A\n---\n# Source: c/templates/b.yaml\nx: 2\ny: 3\n", "", 0);
    let Verdict::Different(found, 0) = judge(&ours, &helm, || helm.clone()) else { panic!("they differ") };
    assert_eq!((found.line, found.source.as_deref(), found.more), (6, Some("c/templates/b.yaml"), 1));
    assert_eq!((found.ours.as_deref(), found.helm.as_deref()), (Some("x: 1"), Some("x: 2")));
}

#[test]
fn lines_in_which_helm_differs_from_itself_are_left_out_and_counted() {
    let with = |password: &str, name: &str| output(&format!("a: {name}\npassword: {password}\n"), "", 0);
    assert_eq!(judge(&with("x", "n"), &with("y", "n"), || with("z", "n")), Verdict::EqualButRandom(1));
    let verdict = judge(&with("x", "other"), &with("y", "n"), || with("z", "n"));
    assert!(matches!(&verdict, Verdict::Different(found, 1) if found.line == 1), "{verdict:?}");
}

#[test]
fn an_output_that_ends_early_and_an_exit_code_are_differences() {
    let Verdict::Different(found, _) =
        judge(&output("a\n", "", 0), &output("a\nb\n", "", 0), || output("a\nb\n", "", 0))
    else {
        panic!("they differ")
    };
    assert_eq!((found.line, found.ours, found.helm.as_deref()), (2, None, Some("b")));
    let Verdict::Different(found, _) = judge(&output("", "", 0), &output("", "", 1), || output("", "", 1)) else {
        panic!("they differ")
    };
    assert_eq!(found.stream, Stream::ExitCode);
}

#[test]
fn one_chart_is_told_in_sentences_and_many_in_a_table() {
    let time = Duration::from_millis(2);
    let case = |verdict| Case { values: None, verdict, ours: time, helm: Duration::from_millis(60) };
    let equal = Comparison { chart: "charts/a".to_owned(), cases: vec![case(Verdict::Equal)] };
    let difference = Difference {
        stream: Stream::Stdout,
        line: 3,
        source: Some("b/templates/x.yaml".to_owned()),
        ours: Some("a: 1".to_owned()),
        helm: None,
        more: 0,
        template: Some(("b/templates/x.yaml".to_owned(), 7)),
    };
    let different =
        Comparison { chart: "charts/b".to_owned(), cases: vec![case(Verdict::Different(Box::new(difference), 2))] };
    assert_eq!(
        text(std::slice::from_ref(&equal), "v4.1.4"),
        "charts/a: equal (2.0 ms here, 60 ms by Helm)\n\nnone of 1 renderings differ from v4.1.4\n"
    );
    assert_eq!(
        text(&[equal, different.clone()], "v4.1.4"),
        "\
CHART     CASES  EQUAL  DIFFERENT  REFUSED  HERE    HELM
charts/a  1      1      0          0        2.0 ms  60 ms
charts/b  1      0      1          0        2.0 ms  60 ms

charts/b: different (2.0 ms here, 60 ms by Helm)
  line 3 of the output, from b/templates/x.yaml, made by b/templates/x.yaml:7
  - (nothing more)
  + a: 1
  (- Helm, + this program)

1 of 2 renderings differ from v4.1.4; 2 lines are left out, in which two runs of Helm itself differ
"
    );
    assert_eq!(json(&[different], "v4.1.4")["charts"][0]["cases"][0]["difference"]["template"]["line"], 7);
}
