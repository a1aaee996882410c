//! What an account has that no call can make: campaigns, workflows, pipelines, reasons, templates, a place for
//! services, e-mails that wait.

use serde_json::{Map, Value, json};

use super::super::State;
use super::Kind;
use super::table::{CAMPAIGN, EMAIL, LOST, PIPELINE, SERVICE_LOCATION, TEMPLATE, WORKFLOW};
use crate::core::Core;

impl State {
    /// Gives every location what it has from the beginning.
    pub(in super::super) fn seed_things(&mut self, core: &Core) {
        let locations: Vec<String> = self.locations.keys().cloned().collect();
        for location in locations {
            let stage = |name: &str| json!({"id": core.random.uuid(), "name": name});
            let stages: Vec<Value> = ["New lead", "Viewing", "Offer"].map(stage).into();
            let seeds: [(&'static Kind, Value); 9] = [
                (
                    &CAMPAIGN,
                    json!({"name": "Newsletter", "status": "published"}),
                ),
                (
                    &CAMPAIGN,
                    json!({"name": "After the viewing", "status": "draft"}),
                ),
                (
                    &WORKFLOW,
                    json!({"name": "Welcome", "status": "published", "version": 3}),
                ),
                (
                    &WORKFLOW,
                    json!({"name": "Reminder", "status": "draft", "version": 1}),
                ),
                (&PIPELINE, json!({"name": "Sales", "stages": stages})),
                (&LOST, json!({"name": "Too expensive"})),
                (
                    &SERVICE_LOCATION,
                    json!({"name": "Main office", "slug": "main-office", "isActive": true, "isPrivate": false,
                        "locationType": "offline"}),
                ),
                (
                    &TEMPLATE,
                    json!({"name": "Invitation", "type": "email", "template": {"subject": "Come and see"}}),
                ),
                (
                    &EMAIL,
                    json!({"subject": "Soon", "body": "It waits.", "status": "scheduled", "direction": "outbound"}),
                ),
            ];
            for (kind, fields) in seeds {
                let fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
                self.seed_thing(kind, &location, fields, core);
            }
        }
    }
}
