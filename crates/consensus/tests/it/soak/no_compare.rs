//! A store that swaps without comparing, and takes its time: what must be found out.

use consensus::store::{Nonce, Record, Saved, Snapshot, Store};
use consensus::{Error, ErrorKind, Token, WorkScope};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug)]
pub struct NoCompare {
    path: PathBuf,
}

impl NoCompare {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Store for NoCompare {
    type Version = Vec<u8>;

    async fn load(&mut self) -> Result<Snapshot<Vec<u8>>, Error> {
        let content = std::fs::read(&self.path).unwrap_or_default();
        let record = std::str::from_utf8(&content).ok().and_then(read);
        Ok(Snapshot::new(record, content))
    }

    async fn save(&mut self, record: &Record, _: &Vec<u8>) -> Result<Saved<Vec<u8>>, Error> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let content = write(record).into_bytes();
        let aside = self.path.with_extension(std::process::id().to_string());
        let failed = |error| Error::new(ErrorKind::Unavailable, "write").with_source(error);
        std::fs::write(&aside, &content).map_err(failed)?;
        std::fs::rename(&aside, &self.path).map_err(failed)?;
        Ok(Saved::Stored {
            version: content,
            revision: None,
        })
    }
}

fn write(record: &Record) -> String {
    let nonce = record.nonce.map_or(0, Nonce::to_bits);
    let token = record.token.map_or(0, Token::get);
    let holder = record.holder.as_deref().unwrap_or_default();
    format!(
        "{nonce} {token} {} {holder}",
        record.lease_duration.as_millis()
    )
}

/// Only what the election decides by.
fn read(text: &str) -> Option<Record> {
    let mut words = text.splitn(4, ' ');
    let nonce = words.next()?.parse().ok()?;
    let token = words.next()?.parse().ok()?;
    let lease = words.next()?.parse().ok()?;
    let holder = words.next()?;
    Some(Record {
        holder: (!holder.is_empty()).then(|| holder.into()),
        address: None,
        nonce: Some(Nonce::from_bits(nonce)),
        lease_duration: Duration::from_millis(lease),
        token: Some(Token::new(token)),
        work: WorkScope::Process,
        acquired_ms: 0,
        renewed_ms: 0,
    })
}
