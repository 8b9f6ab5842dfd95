//! One Lease, as JSON: what it says, and what is written into it.
//!
//! JSON and not typed structs, since those would drop what newer servers add: labels, annotations,
//! owners and fields that are not ours survive every write. Whose write a Lease shows is for
//! `annotation.rs` to say.

use crate::annotation::{Annotation, KEY, whole_seconds};
use crate::micro_time;
use consensus::WorkScope;
use consensus::store::Record;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a released Lease is said to last: as client-go's electors write it.
const RELEASED_SECONDS: i64 = 1;

/// More than this the field cannot count.
const MOST_TRANSITIONS: i64 = i32::MAX as i64;

/// The fields that electors use, whoever wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Empty: nobody.
    pub(crate) holder: String,
    pub(crate) seconds: Option<i64>,
    /// In microseconds since 1970, as the next.
    pub(crate) acquired: Option<i64>,
    pub(crate) renewed: Option<i64>,
    pub(crate) transitions: i64,
}

impl Fields {
    fn of(lease: &Value) -> Result<Self, String> {
        let spec = &lease["spec"];
        let time = |name: &str| match spec[name].as_str() {
            None => Ok(None),
            Some(text) => match micro_time::read(text) {
                Some(time) => Ok(Some(time)),
                None => Err(format!("its {name} is {text:?}, which is no time")),
            },
        };
        Ok(Self {
            holder: spec["holderIdentity"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            seconds: spec["leaseDurationSeconds"].as_i64(),
            acquired: time("acquireTime")?,
            renewed: time("renewTime")?,
            transitions: spec["leaseTransitions"].as_i64().unwrap_or_default(),
        })
    }
}

/// Reads the record. `None`: nobody has led here yet, or what somebody left was emptied.
/// The error says why no elector can have written this.
pub(crate) fn read(lease: &Value) -> Result<Option<Record>, String> {
    let fields = Fields::of(lease)?;
    let ours = annotation(lease).map(Annotation::read).transpose()?;
    if let Some(ours) = ours.as_ref().filter(|ours| ours.is_bound(&fields)) {
        return Ok(Some(ours.record(&fields)));
    }
    if fields.holder.is_empty() {
        return Ok(
            is_released(&fields, ours.as_ref()).then(|| strangers(None, &fields, RELEASED_SECONDS))
        );
    }
    let Some(seconds) = fields.seconds else {
        let holder = &fields.holder;
        return Err(format!(
            "it names the holder {holder:?}, but no leaseDurationSeconds: nobody can tell when it \
             runs out; correct it, or remove the holder"
        ));
    };
    Ok(Some(strangers(Some(&fields.holder), &fields, seconds)))
}

/// Whether somebody who knows client-go's rules gave it up. With our annotation, it must be after an
/// acquisition over us, which raises the transitions: else it was *our* leader that was erased, as
/// client-go does that was paused past its lease and then ended (promise 5: edited, so held).
fn is_released(fields: &Fields, ours: Option<&Annotation>) -> bool {
    fields.seconds == Some(RELEASED_SECONDS)
        && fields.renewed.is_some()
        && ours.is_none_or(|ours| ours.transitions != fields.transitions)
}

/// The record of somebody who knows no nonces.
fn strangers(holder: Option<&str>, fields: &Fields, seconds: i64) -> Record {
    Record {
        holder: holder.map(Into::into),
        address: None,
        nonce: None,
        lease_duration: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        token: None,
        work: WorkScope::Beyond,
        acquired_ms: fields.acquired.map(micro_time::to_ms).unwrap_or_default(),
        renewed_ms: fields.renewed.map(micro_time::to_ms).unwrap_or_default(),
    }
}

/// The Lease with this record in it: what it was before, or a new one. Pure.
pub(crate) fn write(record: &Record, before: &Value) -> Value {
    let held = &before["spec"];
    let holder = record.holder.as_deref().unwrap_or_default();
    // As client-go counts: whenever another one than before begins to hold it.
    let transitions = held["leaseTransitions"].as_i64().unwrap_or_default();
    let is_first = before["metadata"]["resourceVersion"].is_null();
    let begins = !is_first && !holder.is_empty() && held["holderIdentity"].as_str() != Some(holder);
    let seconds = match record.holder {
        Some(_) => whole_seconds(record.lease_duration),
        None => RELEASED_SECONDS,
    };
    let (acquired, renewed) = (
        micro_time::write(record.acquired_ms),
        micro_time::write(record.renewed_ms),
    );
    let fields = Fields {
        holder: holder.to_owned(),
        seconds: Some(seconds),
        acquired: micro_time::read(&acquired),
        renewed: micro_time::read(&renewed),
        transitions: (transitions + i64::from(begins)).min(MOST_TRANSITIONS),
    };
    let mut lease = before.clone();
    let spec = [
        ("holderIdentity", Value::from(holder)),
        ("leaseDurationSeconds", seconds.into()),
        ("acquireTime", acquired.into()),
        ("renewTime", renewed.into()),
        ("leaseTransitions", fields.transitions.into()),
    ];
    for (name, value) in spec {
        set(&mut lease["spec"], name, value);
    }
    let annotations = &mut lease["metadata"]["annotations"];
    if let Some(nonce) = record.nonce {
        let old = annotation(before).unwrap_or_default();
        set(
            annotations,
            KEY,
            Annotation::write(record, nonce, &fields, old).into(),
        );
    } else if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove(KEY);
    }
    lease
}

/// A Lease that is not there yet.
pub(crate) fn new(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {},
    })
}

/// What of ours stands otherwise in the answer than it was sent: somebody between us and the store
/// changed it.
pub(crate) fn changed(sent: &Value, answer: &Value) -> Option<String> {
    let spec = ["holderIdentity", "leaseDurationSeconds", "leaseTransitions"];
    let times = ["acquireTime", "renewTime"];
    let time = |lease: &Value, name: &str| lease["spec"][name].as_str().and_then(micro_time::read);
    let changed = spec
        .into_iter()
        .find(|name| sent["spec"][name] != answer["spec"][name]);
    let changed = changed.or_else(|| {
        times
            .into_iter()
            .find(|name| time(sent, name) != time(answer, name))
    });
    let changed = changed.map(|name| format!("spec.{name}"));
    changed.or_else(|| {
        (annotation(sent) != annotation(answer)).then(|| format!("metadata.annotations[{KEY:?}]"))
    })
}

fn annotation(lease: &Value) -> Option<&str> {
    lease["metadata"]["annotations"][KEY].as_str()
}

/// Sets a field, in an object that is made if it is not there.
fn set(object: &mut Value, name: &str, value: Value) {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    object[name] = value;
}

#[cfg(test)]
mod tests;
