//! The five Redis keys of one event. They share a hash tag, so a cluster keeps them on one node.

use happening_api::EventId;

/// In the order in which every script gets them: slots, seats, waitlist, pending, meta.
pub(crate) fn of_event(event: EventId) -> [String; 5] {
    ["slots", "seats", "waitlist", "pending", "meta"].map(|part| format!("event:{{{event}}}:{part}"))
}
