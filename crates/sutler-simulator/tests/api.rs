//! The API as a state machine: requests in, answers out, no network, no clock.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, its helpers too")]

use http::Method;
use serde_json::{Value, json};
use sutler_simulator::request::Request;
use sutler_simulator::{Simulator, Start};

fn simulator() -> Simulator {
    Simulator::in_memory(Start { clock: "2026-01-01T00:00:00Z".parse().unwrap(), seed: 1 }).unwrap()
}

/// Sends lines `METHOD TARGET [JSON]` (a patch: `PATCH:KIND`, KIND one of json, merge, strategic, apply) and writes down each
/// answer: its code and, of a refusal, the message; of an object, what `show` makes of it.
fn run(simulator: &Simulator, script: &str, show: fn(&Value) -> String) -> String {
    let mut said = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(3, ' ');
        let (method, target, body) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or(""));
        let (method, kind) = method.split_once(':').unwrap_or((method, ""));
        let mut request = Request::new(method.parse().unwrap(), target, body.to_string());
        request.user_agent = "test/1".into();
        request.content_type = match kind {
            "apply" => "application/apply-patch+yaml".into(),
            "" => "application/json".into(),
            kind => format!(
                "application/{}+json",
                if kind == "strategic" { "strategic-merge-patch".into() } else { format!("{kind}-patch") }
            ),
        };
        let response = simulator.answer(&request);
        let code = response.code;
        let warnings: String = response.warnings.iter().map(|warning| format!(" (warning: {warning})")).collect();
        let bytes = response.body.into_bytes().expect("no watch in these scripts");
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        let text = if value["kind"] == "Status" && value["status"] == "Failure" {
            format!("{} {}", value["reason"].as_str().unwrap_or("-"), value["message"].as_str().unwrap_or("-"))
        } else {
            show(&value)
        };
        said.push_str(format!("{code} {text}{warnings}").trim_end());
        said.push('\n');
    }
    said
}

#[track_caller]
fn check(script: &str, show: fn(&Value) -> String, expected: &str) {
    let said = run(&simulator(), script, show);
    let lines = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&said), lines(expected), "\nsaid:\n{said}");
}

fn data(object: &Value) -> String {
    format!("{}", object["data"])
}

fn names(list: &Value) -> String {
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

fn version(object: &Value) -> String {
    let meta = &object["metadata"];
    format!("version {} generation {}", meta["resourceVersion"], meta["generation"])
}

const CM: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENT: &str = r#"{"metadata": {"name": "d"}, "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "d"}}, "template": {"metadata": {"labels": {"a": "d"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}"#;

#[test]
fn an_object_is_created_read_replaced_and_deleted() {
    check(
        &format!(
            r#"
            POST {CM} {{"metadata": {{"name": "x"}}, "data": {{"a": "1"}}}}
            POST {CM} {{"metadata": {{"name": "x"}}}}
            GET {CM}/x
            PUT {CM}/x {{"metadata": {{"name": "x", "resourceVersion": "1"}}, "data": {{"a": "2"}}}}
            PUT {CM}/x {{"metadata": {{"name": "x"}}, "data": {{"a": "2"}}}}
            PUT {CM}/x {{"metadata": {{"name": "y"}}}}
            PUT {CM}/z {{"metadata": {{"name": "z"}}}}
            DELETE {CM}/x
            GET {CM}/x
            DELETE {CM}/x
            "#
        ),
        data,
        r#"
        201 {"a":"1"}
        409 AlreadyExists configmaps "x" already exists
        200 {"a":"1"}
        409 Conflict Operation cannot be fulfilled on configmaps "x": the object has been modified; please apply your changes to the latest version and try again
        200 {"a":"2"}
        400 BadRequest the name of the object (y) does not match the name on the URL (x)
        404 NotFound configmaps "z" not found
        200 null
        404 NotFound configmaps "x" not found
        404 NotFound configmaps "x" not found
        "#,
    );
}

#[test]
fn a_namespace_has_to_be_there() {
    check(
        r#"
        POST /api/v1/namespaces/n/configmaps {"metadata": {"name": "x"}}
        POST /api/v1/namespaces {"metadata": {"name": "n"}}
        POST /api/v1/namespaces/n/configmaps {"metadata": {"name": "x", "namespace": "m"}}
        POST /api/v1/namespaces/n/configmaps {"metadata": {"name": "x", "finalizers": ["example.com/wait"]}, "data": {"a": "1"}}
        DELETE /api/v1/namespaces/n
        POST /api/v1/namespaces/n/secrets {"metadata": {"name": "s"}}
        GET /api/v1/namespaces/n/serviceaccounts/default
        PATCH:merge /api/v1/namespaces/n/configmaps/x {"metadata": {"finalizers": null}}
        GET /api/v1/namespaces/n
        DELETE /api/v1/namespaces/kube-system
        "#,
        |object| object["status"]["phase"].as_str().unwrap_or("").to_string(),
        r#"
        404 NotFound namespaces "n" not found
        201 Active
        400 BadRequest the namespace of the provided object does not match the namespace sent on the request
        201
        200 Terminating
        403 Forbidden secrets "s" is forbidden: unable to create new content in namespace n because it is being terminated
        404 NotFound serviceaccounts "default" not found
        200
        404 NotFound namespaces "n" not found
        403 Forbidden namespaces "kube-system" is forbidden: this namespace may not be deleted
        "#,
    );
}

#[test]
fn a_namespace_takes_only_the_pods_that_its_standard_allows() {
    let pod = |name: &str, spec: &str| {
        format!(
            r#"POST /api/v1/namespaces/shut/pods {{"metadata": {{"name": "{name}"}}, "spec": {{"automountServiceAccountToken": false, {spec}}}}}"#
        )
    };
    let (plain, host) = (
        r#""containers": [{"name": "c", "image": "i"}]"#,
        r#""hostNetwork": true, "containers": [{"name": "c", "image": "i"}]"#,
    );
    let simulator = simulator();
    let said = run(
        &simulator,
        &[
            r#"POST /api/v1/namespaces {"metadata": {"name": "shut", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}"#,
            &pod("plain", plain),
            &pod("host", host),
            r#"PATCH:merge /api/v1/namespaces/shut {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}"#,
            &pod("other", plain),
            r#"PATCH:merge /api/v1/namespaces/shut {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": null}}}"#,
            &pod("host", host),
        ]
        .join("\n"),
        |object| object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
    );
    assert_eq!(
        said,
        "201 shut\n201 plain\n\
         403 Forbidden pods \"host\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)\n\
         200 shut\n\
         403 Forbidden pods \"other\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false \
         (container \"c\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set \
         securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set \
         securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \
         \"RuntimeDefault\" or \"Localhost\")\n\
         200 shut\n201 host\n"
    );
}

#[test]
fn each_kind_of_patch_does_what_it_says() {
    check(
        &format!(
            r#"
            POST {CM} {{"metadata": {{"name": "x"}}, "data": {{"a": "1", "b": "1"}}}}
            PATCH:merge {CM}/x {{"data": {{"a": null, "c": "3"}}}}
            PATCH:strategic {CM}/x {{"data": {{"b": null}}}}
            PATCH:json {CM}/x [{{"op": "add", "path": "/data/d", "value": "4"}}]
            PATCH:json {CM}/x [{{"op": "test", "path": "/data/d", "value": "5"}}]
            PATCH:apply {CM}/x?fieldManager=other {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "x"}}, "data": {{"d": "5"}}}}
            PATCH:apply {CM}/x?fieldManager=other&force=true {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "x"}}, "data": {{"d": "5"}}}}
            PATCH:apply {CM}/x?fieldManager=other {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "x"}}, "data": {{}}}}
            PATCH:apply {CM}/new?fieldManager=other {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "new"}}, "data": {{"n": "1"}}}}
            PATCH:apply {CM}/new {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "new"}}}}
            "#
        ),
        data,
        r#"
        201 {"a":"1","b":"1"}
        200 {"b":"1","c":"3"}
        200 {"c":"3"}
        200 {"c":"3","d":"4"}
        422 Invalid the server rejected our request due to an error in our request: testing value /data/d failed: test failed
        409 Conflict Apply failed with 1 conflict: conflict with "test" using v1: .data.d
        200 {"c":"3","d":"5"}
        200 {"c":"3"}
        201 {"n":"1"}
        400 BadRequest PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch
        "#,
    );
}

#[test]
fn an_apply_may_be_yaml() {
    let simulator = simulator();
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: \"1\"\n";
    let mut request = Request::new(Method::PATCH, &format!("{CM}/one?fieldManager=m"), yaml);
    request.content_type = "application/apply-patch+yaml".into();
    let response = simulator.answer(&request);
    assert_eq!(response.code, 201, "{:?}", response.body);
    assert_eq!(run(&simulator, &format!("GET {CM}/one"), data), "200 {\"a\":\"1\"}\n");
    let mut request = Request::new(Method::POST, CM, yaml.replace("name: one", "name: two"));
    request.content_type = "application/yaml".into();
    assert_eq!(simulator.answer(&request).code, 201);
}

#[test]
fn only_what_changes_something_gets_a_new_version_and_only_the_spec_a_generation() {
    let simulator = simulator();
    let of = |script: &str| run(&simulator, script, version);
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let number = |said: String| -> (u64, u64) {
        let numbers: Vec<u64> =
            said.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
        (numbers[1], numbers[2])
    };
    // The controllers work on it as soon as it is there: what counts is what each request itself makes of it.
    let (_, generation) = number(of(&format!("POST {path} {DEPLOYMENT}")));
    assert_eq!(generation, 1);
    let (before, _) = number(of(&format!("GET {path}/d")));
    let (same, _) = number(of(&format!(r#"PATCH:merge {path}/d {{"spec": {{"replicas": 1}}}}"#)));
    assert_eq!(same, before);
    let (labelled, generation) =
        number(of(&format!(r#"PATCH:merge {path}/d {{"metadata": {{"labels": {{"x": "y"}}}}}}"#)));
    assert!(labelled > before && generation == 1);
    let (scaled, generation) = number(of(&format!(r#"PATCH:merge {path}/d {{"spec": {{"replicas": 2}}}}"#)));
    assert!(scaled > labelled && generation == 2);
    let (status, generation) = number(of(&format!(
        r#"PATCH:merge {path}/d/status {{"status": {{"replicas": 7}}, "spec": {{"replicas": 9}}}}"#
    )));
    assert!(status > scaled && generation == 2);
    let replicas = run(&simulator, &format!("GET {path}/d"), |object| object["spec"]["replicas"].to_string());
    assert_eq!(replicas, "200 2\n", "the status subresource leaves the spec alone");
}

#[test]
fn unknown_fields_and_wrong_types_are_judged_as_the_request_wants() {
    check(
        &format!(
            r#"
            POST {CM}?fieldValidation=Strict {{"metadata": {{"name": "x"}}, "dataa": {{}}}}
            POST {CM} {{"metadata": {{"name": "x"}}, "dataa": {{}}}}
            POST {CM}?fieldValidation=Ignore {{"metadata": {{"name": "y"}}, "dataa": {{}}}}
            POST {CM} {{"metadata": {{"name": "z"}}, "data": 5}}
            POST {CM} {{"metadata": {{}}}}
            POST {CM} {{"metadata": {{"name": "Not Good"}}}}
            POST {CM} {{
            POST {CM} []
            POST {CM} {{"metadata": 7}}
            POST {CM} {{"kind": "Secret", "apiVersion": "v1", "metadata": {{"name": "s"}}}}
            "#
        ),
        data,
        r#"
        400 BadRequest ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dataa"
        201 null (warning: unknown field "dataa")
        201 null
        400 BadRequest ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string
        422 Invalid ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required
        422 Invalid ConfigMap "Not Good" is invalid: metadata.name: Invalid value: "Not Good": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        400 BadRequest couldn't get version/kind; json parse error: EOF while parsing an object at line 1 column 1
        400 BadRequest the body of the request is not a JSON object
        400 BadRequest ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.metadata of type v1.ObjectMeta
        400 BadRequest Secret in version "v1" cannot be handled as a ConfigMap: no kind "Secret" is registered for version "v1"
        "#,
    );
}

#[test]
fn lists_are_selected_and_come_in_pages() {
    let simulator = simulator();
    let create: String = ["a", "b", "c", "d"]
        .map(|name| {
            format!("POST {CM} {{\"metadata\": {{\"name\": \"{name}\", \"labels\": {{\"l\": \"{name}\"}}}}}}\n")
        })
        .concat();
    run(&simulator, &create, names);
    let script = format!(
        "GET {CM}?labelSelector=l\nGET {CM}?labelSelector=l%20in%20(a,c)\nGET {CM}?fieldSelector=metadata.name!%3Da&labelSelector=l
        GET {CM}?fieldSelector=spec.x%3Da\nGET {CM}?limit=x\nGET {CM}?continue=zzz\nGET {CM}?labelSelector=%3D%3D"
    );
    let said = run(&simulator, &script, names);
    assert!(
        said.starts_with("200 a b c d\n200 a c\n200 b c d\n400 BadRequest field label not supported: spec.x\n400 "),
        "{said}"
    );
    assert_eq!(said.matches("400 ").count(), 4, "{said}");
    let mut token = String::new();
    let mut pages = Vec::new();
    loop {
        let target = format!("{CM}?limit=3&labelSelector=l&continue={token}");
        let response = simulator.answer(&Request::new(Method::GET, &target, ""));
        let list: Value = serde_json::from_slice(&response.body.into_bytes().unwrap()).unwrap();
        pages.push(names(&list));
        match list["metadata"]["continue"].as_str() {
            Some(next) => token = next.to_string(),
            None => break,
        }
    }
    assert_eq!(pages, ["a b c", "d"]);
}

#[test]
fn owners_take_their_dependents_along_as_the_deletion_says() {
    for (options, left) in [
        (r#"{"propagationPolicy": "Background"}"#, ""),
        (r#"{"propagationPolicy": "Foreground"}"#, ""),
        (r#"{"propagationPolicy": "Orphan"}"#, "child grandchild"),
        ("", ""),
    ] {
        let simulator = simulator();
        let uid = |name: &str, owner: Option<String>| {
            let owners = owner.map_or(json!([]), |uid| {
                json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": uid, "blockOwnerDeletion": true}])
            });
            let object = json!({"metadata": {"name": name, "labels": {"l": ""}, "ownerReferences": owners}});
            let said = run(&simulator, &format!("POST {CM} {object}"), |object| {
                object["metadata"]["uid"].as_str().unwrap().to_string()
            });
            said.trim_start_matches("201 ").trim().to_string()
        };
        let parent = uid("parent", None);
        let child = uid("child", Some(parent));
        uid("grandchild", Some(child));
        run(&simulator, &format!("DELETE {CM}/parent {options}"), names);
        let said = run(&simulator, &format!("GET {CM}?labelSelector=l"), names);
        assert_eq!(said.trim(), format!("200 {left}").trim(), "{options}");
    }
}

#[test]
fn an_object_whose_owner_was_never_there_is_garbage() {
    let script = format!(
        r#"POST {CM} {{"metadata": {{"name": "x", "ownerReferences": [{{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "gone"}}]}}}}
        GET {CM}/x"#
    );
    check(&script, data, "201 null\n404 NotFound configmaps \"x\" not found");
}

#[test]
fn a_finalizer_keeps_an_object_until_it_is_taken_off() {
    check(
        &format!(
            r#"
            POST {CM} {{"metadata": {{"name": "x", "finalizers": ["example.com/wait"]}}}}
            DELETE {CM}/x
            GET {CM}/x
            PATCH:json {CM}/x [{{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/more"}}]
            PATCH:merge {CM}/x {{"metadata": {{"finalizers": []}}}}
            GET {CM}/x
            "#
        ),
        |object| (!object["metadata"]["deletionTimestamp"].is_null()).to_string(),
        r#"
        201 false
        200 true
        200 true
        422 Invalid ConfigMap "x" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}
        200 true
        404 NotFound configmaps "x" not found
        "#,
    );
}

#[test]
fn a_dry_run_answers_and_keeps_nothing() {
    check(
        &format!(
            r#"
            POST {CM}?dryRun=All {{"metadata": {{"name": "x"}}, "data": {{"a": "1"}}}}
            GET {CM}/x
            POST {CM} {{"metadata": {{"name": "x"}}, "data": {{"a": "1"}}}}
            PATCH:merge {CM}/x?dryRun=All {{"data": {{"a": "2"}}}}
            DELETE {CM}/x?dryRun=All
            GET {CM}/x
            POST {CM}?dryRun=Some {{"metadata": {{"name": "y"}}}}
            "#
        ),
        data,
        r#"
        201 {"a":"1"}
        404 NotFound configmaps "x" not found
        201 {"a":"1"}
        200 {"a":"2"}
        200 null
        200 {"a":"1"}
        400 BadRequest dryRun: Unsupported value: "Some": supported values: "All"
        "#,
    );
}

#[test]
fn secrets_take_text_and_immutable_objects_stay_as_they_are() {
    let secrets = "/api/v1/namespaces/default/secrets";
    check(
        &format!(
            r#"
            POST {secrets} {{"metadata": {{"name": "s"}}, "stringData": {{"a": "b"}}, "immutable": true}}
            PATCH:merge {secrets}/s {{"data": {{"a": "Yw=="}}}}
            "#
        ),
        data,
        r#"
        201 {"a":"Yg=="}
        422 Invalid Secret "s" is invalid: data: Forbidden: field is immutable when `immutable` is set
        "#,
    );
}

#[test]
fn a_definition_serves_its_resource_as_long_as_it_is_there() {
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let foos = "/apis/example.com/v1/namespaces/default/foos";
    let definition = json!({"metadata": {"name": "foos.example.com"}, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"kind": "Foo", "plural": "foos"},
        "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}},
            "status": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}}}}]}});
    check(
        &format!(
            r#"
            GET {foos}
            POST {definitions} {definition}
            POST {foos} {{"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {{"name": "f"}}, "spec": {{}}, "status": {{"ok": true}}}}
            PATCH:merge {foos}/f {{"spec": {{"size": "x"}}}}
            PATCH:merge {foos}/f {{"spec": {{"other": 1}}}}
            PATCH:strategic {foos}/f {{"spec": {{"size": 4}}}}
            PATCH:merge {foos}/f/status {{"status": {{"ok": false}}}}
            DELETE {definitions}/foos.example.com
            GET {foos}
            "#
        ),
        |object| format!("{} {}", object["spec"]["size"], object["status"]["ok"]),
        r#"
        404 NotFound the server could not find the requested resource
        201 null null
        201 3 null
        422 Invalid Foo.example.com "f" is invalid: spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"
        200 3 null (warning: unknown field "spec.other")
        415 UnsupportedMediaType the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml
        200 3 false
        200 null null
        404 NotFound the server could not find the requested resource
        "#,
    );
}

#[test]
fn scale_shows_and_sets_replicas_of_whatever_has_them() {
    let path = "/apis/apps/v1/namespaces/default/deployments";
    check(
        &format!(
            r#"
            POST {path} {DEPLOYMENT}
            GET {path}/d/scale
            PATCH:merge {path}/d/scale {{"spec": {{"replicas": 5}}}}
            PUT {path}/d/scale {{"metadata": {{"name": "d"}}, "spec": {{"replicas": -1}}}}
            GET {path}/d
            "#
        ),
        |object| format!("{} {} {}", object["kind"], object["spec"]["replicas"], object["status"]["selector"]),
        r#"
        201 "Deployment" 1 null
        200 "Scale" 1 "a=d"
        200 "Scale" 5 "a=d"
        422 Invalid Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0
        200 "Deployment" 5 null
        "#,
    );
}

#[test]
fn nothing_that_comes_in_makes_the_machine_panic() {
    let simulator = simulator();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = [
        "null",
        "1",
        "\"x\"",
        "[]",
        "{}",
        &deep,
        "{\"metadata\": null}",
        "{\"metadata\": {\"name\": 1}}",
        "{\"metadata\": {\"name\": \"x\", \"labels\": \"l\"}}",
        "{\"metadata\": {\"name\": \"x\"}, \"spec\": \"s\"}",
        "{\"metadata\": {\"name\": \"x\"}, \"status\": []}",
        "{\"metadata\": {\"name\": \"x\", \"ownerReferences\": {}}}",
        "{\"metadata\": {\"name\": \"x\", \"finalizers\": [1]}}",
        "{\"spec\": {\"replicas\": 1e99}}",
        "\u{0}",
    ];
    let targets = [
        "/api/v1/namespaces",
        "/api/v1/namespaces/default",
        "/api/v1/namespaces/default/pods",
        "/api/v1/namespaces/default/services",
        "/api/v1/namespaces/default/services/kubernetes",
        "/api/v1/namespaces/default/secrets",
        "/apis/apps/v1/namespaces/default/deployments",
        "/apis/apps/v1/namespaces/default/deployments/x/scale",
        "/api/v1/namespaces/default/serviceaccounts/default/token",
        "/api/v1/namespaces/default/pods/x/eviction",
        "/api/v1/namespaces/default/bindings",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        "/sutler.dev/v1/cluster",
        "/sutler.dev/v1/clock",
        "/",
        "//",
        "/%",
        "/api/v1/namespaces/default/configmaps?limit=-1&continue=!&watch=maybe",
        "/openapi/v3/apis/apps/v1",
    ];
    for target in targets {
        for body in odd {
            for (method, kind) in [
                ("GET", ""),
                ("POST", "application/json"),
                ("POST", "application/vnd.kubernetes.protobuf"),
                ("PUT", ""),
                ("PATCH", "application/merge-patch+json"),
                ("PATCH", "application/json-patch+json"),
                ("PATCH", "application/strategic-merge-patch+json"),
                ("PATCH", "application/apply-patch+yaml"),
                ("DELETE", ""),
            ] {
                let mut request = Request::new(method.parse().unwrap(), target, body.to_string());
                request.content_type = kind.into();
                if kind.ends_with("yaml") {
                    request.query.push(("fieldManager".into(), "m".into()));
                }
                let code = simulator.answer(&request).code;
                assert!(
                    code < 500 || kind.ends_with("yaml") || code == 500 && method == "POST",
                    "{method} {target} {body:.80}: {code}"
                );
            }
        }
    }
    let said = run(&simulator, "GET /api/v1/namespaces/kube-system", |object| object["status"]["phase"].to_string());
    assert_eq!(said, "200 \"Active\"\n");
}
