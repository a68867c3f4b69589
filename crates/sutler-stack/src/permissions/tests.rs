//! A stack's role in, its policy document out.

use super::*;

fn stack(role: &str) -> Stack {
    let text = format!(
        "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: data\nenvironments: {{prod: {{target: eks, account: \"444455556666\", region: us-west-2}}}}\n\
         defaults: {{environment: prod}}\ncluster: {{}}\nroles:\n  Daft: {{serviceAccounts: [ray/daft], {role}}}\n"
    );
    let file = crate::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
    Stack::from_file(file).unwrap_or_else(|report| panic!("{report}"))
}

/// `Sid: actions on resources`, a line each.
fn told(document: &Document) -> String {
    let join = |values: &Option<Values>| values.iter().flat_map(Values::iter).collect::<Vec<_>>().join(" ");
    let line = |statement: &Statement| {
        let actions = statement.action.iter().collect::<Vec<_>>().join(" ");
        format!("{}: {actions} on {}\n", statement.sid.as_deref().unwrap_or("-"), join(&statement.resource))
    };
    document.statement.iter().map(line).collect()
}

const KEY: &str = "arn:aws:kms:us-west-2:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn a_roles_grants_become_one_document() {
    let stack = stack(&format!(
        "s3: [{{bucket: team-data, access: read, kmsKey: \"{KEY}\"}}, {{bucket: team-scratch, prefix: daft/, access: write, kmsKey: \"{KEY}\"}}], \
         glue: [{{database: sales, tables: [orders]}}], assume: [\"arn:aws:iam::777788889999:role/Shared\"], \
         managedPolicies: [\"arn:aws:iam::aws:policy/AmazonAthenaFullAccess\"]"
    ));
    let role = &stack.roles["Daft"];
    let told = told(&role.permissions(&stack).unwrap().unwrap());
    for line in [
        // One key for two buckets: the one that is written to decides.
        format!("EncryptByKey1: kms:Decrypt kms:GenerateDataKey on {KEY}"),
        "TakeRoles: sts:AssumeRole sts:TagSession on arn:aws:iam::777788889999:role/Shared".to_owned(),
    ] {
        assert!(told.lines().any(|found| found == line), "{line} is not in\n{told}");
    }
    assert!(told.contains("glue:us-west-2:444455556666:table/sales/orders"), "{told}");
    assert_eq!(
        role.grants(),
        "read s3://team-data, write s3://team-scratch/daft/, read glue:sales.{orders}, \
         take arn:aws:iam::777788889999:role/Shared, AmazonAthenaFullAccess"
    );
}

#[test]
fn a_role_without_grants_has_no_document() {
    let stack = stack("managedPolicies: [\"arn:aws:iam::aws:policy/AmazonAthenaFullAccess\"]");
    assert_eq!(stack.roles["Daft"].permissions(&stack).unwrap(), None);
}

#[test]
fn statements_of_the_owners_file_come_last_and_keep_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("own.json"), text).unwrap();
    let statement = |sid: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "{sid}", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}}]}}"#
        )
    };
    let mut stack = stack("s3: [{bucket: team-data, access: write}], policy: own.json");
    write(&statement("KeepAll"));
    read_policies(&mut stack, folder.path()).unwrap();
    let document = stack.roles["Daft"].permissions(&stack).unwrap().unwrap();
    assert!(told(&document).ends_with("KeepAll: s3:DeleteObject on *\n"), "{}", told(&document));

    // IAM takes no id twice.
    let made = document.statement[0].sid.clone().unwrap();
    write(&statement(&made));
    read_policies(&mut stack, folder.path()).unwrap();
    let error = stack.roles["Daft"].permissions(&stack).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("statement id `{made}` of own.json is one that is made from the role's grants")
    );
}

#[test]
fn a_policy_file_is_refused_with_line_and_column() {
    let refused = |text: &str| own_policy("own.json", text).unwrap_err().to_string();
    let syntax = refused("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [,]\n}");
    assert!(syntax.contains(" --> own.json:3:17"), "{syntax}");
    let older = refused(
        r#"{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::home/${aws:username}/*"}}"#,
    );
    assert!(older.contains("2008-10-17") && older.contains("hint: begin with \"Version\": \"2012-10-17\""), "{older}");
    let principal = refused(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}}"#,
    );
    assert!(principal.contains(" --> own.json:1:"), "{principal}");
}
