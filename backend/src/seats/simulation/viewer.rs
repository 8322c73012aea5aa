//! A viewer of the simulation reads events through the `Reader`, and checks that it sees what the rows say.

use happening_api::EventId;

use super::database::Database;
use super::executor::Step;
use crate::seats::reading::Reader;

const LOOKS: usize = 6;

pub(super) struct Viewer {
    pub(super) events: Vec<EventId>,
    pub(super) database: Database,
    pub(super) reader: Reader<Database>,
}

impl Viewer {
    pub(super) async fn act(self) {
        for _ in 0..LOOKS {
            Step::default().await;
            let (event, name, failovers) = {
                let mut world = self.database.lock_world();
                let event = self.events[world.chance.below(self.events.len())];
                let row = &world.tables.events[&event];
                (event, (row.version, row.head), world.failovers)
            };
            Step::default().await;
            if self.reader.bring_up(event, name).await.is_ok() {
                self.check(event, name.0, failovers);
            }
        }
    }

    fn check(&self, event: EventId, version: i64, failovers: usize) {
        let Some(known) = self.reader.look(event, Clone::clone) else { return };
        let mut world = self.database.lock_world();
        if known.version < version && world.failovers == failovers {
            world.violations.push(format!("a reader of {event} is behind the row that it had read"));
        }
        let mut found = Vec::new();
        world.tables.check_state(event, &known, "what a reader sees", &mut found);
        world.violations.extend(found);
    }
}
