//! What the API server itself counts: requests that it has answered, and those that are still open.

use crate::failure::Failure;
use consensus_testbed::Control;
use http::Method;
use std::collections::BTreeMap;
use std::ops::Sub;

/// Answered requests for Leases and Events, by resource, verb and status. A watch is one of them when it has
/// ended: what is open is counted apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Requests {
    counts: BTreeMap<String, u64>,
    /// Watches of Leases that are open. Of a difference: those at its end.
    pub(crate) watches: u64,
}

impl Requests {
    pub(crate) fn counted(control: &Control) -> Result<Self, Failure> {
        let answer = control.request(&Method::GET, "/metrics", None);
        match answer.map_err(|error| Failure::cannot("ask for the API server's metrics", error))? {
            (200, body) => Ok(Self::parse(body.as_str().unwrap_or_default())),
            (status, _) => {
                let message = format!("the API server answers {status} about its metrics");
                Err(Failure::new(message))
            }
        }
    }

    /// Prometheus' text: `NAME{LABEL="VALUE",…} NUMBER` a line.
    fn parse(text: &str) -> Self {
        let mut requests = Self::default();
        for line in text.lines() {
            let Some((series, number)) = line.rsplit_once(' ') else {
                continue;
            };
            let Some((name, labels)) = series.split_once('{') else {
                continue;
            };
            let count = number.parse::<f64>().map_or(0, whole);
            let resource = label(labels, "resource");
            let verb = label(labels, "verb");
            match (name, resource) {
                ("apiserver_request_total", "leases" | "events") => {
                    let what = format!("{verb} {resource} {}", label(labels, "code"));
                    *requests.counts.entry(what).or_default() += count;
                }
                ("apiserver_longrunning_requests", "leases") => requests.watches += count,
                _ => {}
            }
        }
        requests
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Every kind of which there were any.
    pub(crate) fn words(&self) -> String {
        let some = self.counts.iter().filter(|(_, count)| **count > 0);
        let words: Vec<String> = some
            .map(|(what, count)| format!("{what}: {count}"))
            .collect();
        if words.is_empty() {
            return "nothing".to_owned();
        }
        words.join(", ")
    }
}

impl Sub for &Requests {
    type Output = Requests;

    fn sub(self, before: &Requests) -> Requests {
        let counts = self.counts.iter().map(|(what, count)| {
            let before = before.counts.get(what).copied().unwrap_or_default();
            (what.clone(), count.saturating_sub(before))
        });
        Requests {
            counts: counts.collect(),
            watches: self.watches,
        }
    }
}

/// A label's value. Empty: there is no such label.
fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let mut all = labels.trim_end_matches('}').split(',');
    let value = all.find_map(|label| label.strip_prefix(name)?.strip_prefix("=\""));
    value
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or_default()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count, which Prometheus' text has as a floating-point number"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
mod tests {
    use super::Requests;

    const BEFORE: &str = r#"# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",resource="leases",scope="resource",verb="PUT"} 7
apiserver_request_total{code="200",component="apiserver",resource="pods",scope="resource",verb="PUT"} 9
apiserver_longrunning_requests{component="apiserver",resource="leases",scope="namespace",verb="WATCH"} 2
"#;

    #[test]
    fn what_was_asked_in_between_is_the_difference() {
        let after = BEFORE.replace("} 7", "} 1.2e+01");
        let asked = &Requests::parse(&after) - &Requests::parse(BEFORE);
        assert_eq!((asked.total(), asked.watches), (5, 2));
        assert_eq!(asked.words(), "PUT leases 200: 5");
    }
}
