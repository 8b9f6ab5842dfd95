//! After a term was lost to others: what the record says now, for whoever has to find out what happened.
//!
//! One look, when everything else is done. It decides nothing, and nobody waits long for it.

use crate::say::{plain, say};
use crate::times::{Instant, sleep_until};
use crate::url::{Seen, Url};
use std::time::Duration;

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says what stands there now.
pub(crate) async fn say_what_is_there(url: &Url, identity: &str) {
    tokio::select! {
        seen = url.look() => match seen {
            Ok(seen) => say(what_is_there(&seen, url, identity)),
            Err(error) => say(format_args!("what the record says now is not known: {error}")),
        },
        () = sleep_until(Instant::now().plus(PATIENCE)) => {
            say("what the record says now is not known: the store did not answer");
        }
    }
}

fn what_is_there(seen: &Seen, url: &Url, identity: &str) -> String {
    let Some(record) = &seen.record else {
        return format!("there is no record now ({url}): somebody removed or emptied it");
    };
    match record.leader() {
        Some(leader) if &*leader.identity == identity => match url {
            Url::File(_) => format!(
                "the record names us, but it or its lock file is not what we left ({url}): somebody removed \
                 the lock file, edited the record or put it back, or another process has our identity"
            ),
            Url::Kubernetes(_) => format!(
                "the record names us, but is not as we wrote it ({url}): somebody edited it or put it back, \
                 or another process has our identity"
            ),
        },
        Some(leader) => format!(
            "{} holds the record now ({url})",
            plain(&leader.to_string())
        ),
        None => format!("nobody holds the record now ({url})"),
    }
}
