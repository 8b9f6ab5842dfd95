//! Which rights an election needs, as the Role that grants them.

use serde_json::json;

/// A Role with just what is needed, ready to be applied: with the right to watch, followers wait for
/// news instead of polling. Nobody can be given the right to create one Lease by its name.
pub(crate) fn role(namespace: &str, name: &str) -> String {
    let leases = |verbs: &[&str]| {
        json!({
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": verbs,
        })
    };
    let mut ours = leases(&["get", "update", "watch"]);
    ours["resourceNames"] = json!([name]);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "name": format!("election-{name}"), "namespace": namespace },
        "rules": [ours, leases(&["create"])],
    });
    role.to_string()
}
