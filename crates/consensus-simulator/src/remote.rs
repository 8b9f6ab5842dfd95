//! The store as the protocol of one candidate is given it: the shipped contract's side of the network.

use crate::checks::Author;
use crate::network::Content;
use crate::world::with;
use consensus::store::{Record, Saved, Snapshot, Store};
use consensus::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The store as the protocol of one candidate is given it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) usize);

impl Store for Remote {
    type Version = u64;

    async fn load(&mut self) -> Result<Snapshot<u64>, Error> {
        match Request::send(self.0, Content::Load, 0).await {
            Content::Loaded(answer) => answer,
            Content::Nothing | Content::Load | Content::Save(_) | Content::Saved(_) => {
                Err(mixed_up())
            }
        }
    }

    async fn save(&mut self, record: &Record, if_version: &u64) -> Result<Saved<u64>, Error> {
        let request = Request::send(self.0, Content::Save(record.clone()), *if_version);
        match request.await {
            Content::Saved(answer) => answer,
            Content::Nothing | Content::Load | Content::Save(_) | Content::Loaded(_) => {
                Err(mixed_up())
            }
        }
    }

    async fn changed(&mut self, seen: Option<&u64>) {
        let who = self.0;
        with(|world| world.watch(who, seen.copied()));
        Changed(who).await;
    }

    async fn let_go(&mut self) {
        let who = self.0;
        with(|world| {
            let life = world.nodes[who].life;
            let author = Author {
                candidate: who,
                life,
            };
            world.server.unmark(author, 0);
        });
    }
}

fn mixed_up() -> Error {
    Error::new(ErrorKind::Invalid, "the simulator mixes its answers up")
}

/// A request that somebody waits for.
struct Request {
    id: usize,
    answered: bool,
}

impl Request {
    /// It leaves at once, so that no future has to carry it.
    fn send(who: usize, content: Content, on: u64) -> Self {
        Self {
            id: with(|world| world.send(who, content, on)),
            answered: false,
        }
    }
}

impl Future for Request {
    type Output = Content;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Content> {
        match with(|world| world.take(self.id)) {
            Some(content) => {
                self.answered = true;
                Poll::Ready(content)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.answered {
            with(|world| world.network.abandon(self.id));
        }
    }
}

/// The wait for a hint.
struct Changed(usize);

impl Future for Changed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        with(|world| {
            if world.nodes[self.0].watch.arrived {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        with(|world| world.nodes[self.0].watch.waits = false);
    }
}
