//! Hints on their way: a store may tell of changes late, too often, or never.

use crate::odds::{self, Hinting};
use crate::plan::Hints;
use crate::world::{Event, World};

impl World {
    /// A candidate begins to wait for another version than `seen`.
    pub(crate) fn watch(&mut self, who: usize, seen: Option<u64>) {
        let watch = &mut self.nodes[who].watch;
        watch.number = watch.number.wrapping_add(1);
        (watch.seen, watch.waits) = (seen, true);
        (watch.told, watch.arrived) = (false, false);
        let number = watch.number;
        if seen != Some(self.server.version) {
            return self.hint(who);
        }
        let idle = self.faults.meets(odds::WATCHING, &mut self.rng);
        if idle.is_some_and(|((), fault)| self.faults.happens(fault)) {
            let wait = self.rng.below(self.lease / 2);
            self.after(wait, Event::Hint { who, watch: number });
        }
    }

    /// The version changed.
    pub(crate) fn spread_hints(&mut self) {
        let version = Some(self.server.version);
        for who in 0..self.nodes.len() {
            let watch = &self.nodes[who].watch;
            if watch.waits && !watch.told && watch.seen != version {
                self.hint(who);
            }
        }
    }

    fn hint(&mut self, who: usize) {
        let watch = &mut self.nodes[who].watch;
        watch.told = true;
        let number = watch.number;
        match self.server.hints() {
            Hints::Promised => {}
            Hints::AtTimes if self.rng.one_in(2) => {}
            Hints::AtTimes | Hints::Never => return,
        }
        let mut wait = self.draw_way();
        let meets = self.faults.meets(odds::HINTING, &mut self.rng);
        match meets.filter(|(_, fault)| self.faults.happens(*fault)) {
            Some((Hinting::Lost, _)) => return,
            Some((Hinting::Late, _)) => wait += self.rng.below(self.lease / 2),
            None => {}
        }
        self.after(wait, Event::Hint { who, watch: number });
    }
}
