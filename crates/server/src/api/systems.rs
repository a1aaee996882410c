//! The systems that can be connected: how one signs in to each, and what can be kept in sync there.

use axum::{Json, extract::State};
use connector::{AuthScheme, Deletes};
use serde_json::{Value, json};

use crate::app::AppState;

/// All systems, also those that nothing is connected to.
pub(crate) async fn list(State(app): State<AppState>) -> Json<Vec<Value>> {
    Json(
        app.connectors()
            .iter()
            .map(|connector| {
                let description = connector.describe();
                json!({
                    "system": description.system,
                    "title": description.title,
                    "base_url": description.base_url,
                    "webhooks": description.webhooks,
                    "auth": description.auth.iter().map(scheme).collect::<Vec<_>>(),
                    "entities": description.entities.iter().map(|entity| json!({
                        "entity": entity.entity,
                        "title": entity.title,
                        "deletes": match entity.deletes {
                            Deletes::Delete => "delete",
                            Deletes::Archive => "archive",
                            Deletes::Cancel => "cancel",
                            Deletes::Never => "never",
                        },
                    })).collect::<Vec<_>>(),
                })
            })
            .collect(),
    )
}

fn scheme(scheme: &AuthScheme) -> Value {
    let fields: Vec<Value> = scheme
        .fields()
        .iter()
        .map(|field| {
            json!({
                "name": field.name,
                "label": field.label,
                "secret": field.secret,
                "help": field.help,
            })
        })
        .collect();
    json!({
        "scheme": scheme.name(),
        "redirect": matches!(scheme, AuthScheme::AuthorizationCode { .. }),
        "fields": fields,
    })
}
