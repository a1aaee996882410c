//! An answer that becomes a rule: the policy of the field, in a new revision of the config.

use http::StatusCode;
use mapping::{OnLoss, Policy};
use serde::Serialize;
use store::{ReviewId, ReviewKind};

use crate::{
    Code,
    app::AppState,
    config::{self, Changed, FieldRule},
    error::{ApiError, ApiResult},
};

/// The rule that an answer became.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    /// The revision of the config with it. None where the config is read from a file at each start: there it has to be written
    /// by hand, or it would not last.
    revision: Option<u64>,
    /// That file.
    file: Option<String>,
    /// The line of the config, from 1.
    line: usize,
    /// What stands there with the rule.
    lines: Vec<String>,
}

/// Makes the answer to a question about a field the policy of that field.
pub(super) async fn make_rule(app: &AppState, id: ReviewId, choice: &str) -> ApiResult<Rule> {
    let refuse = |why: &str| ApiError::new(StatusCode::CONFLICT, Code::ReviewAlways, why);
    let review = app
        .store()
        .review(app.workspace(), id)
        .await?
        .ok_or_else(|| {
            ApiError::not_found(Code::ReviewUnknown, format!("there is no review {id}"))
        })?;
    let rule = match (review.kind, choice) {
        (ReviewKind::Conflict, "left") => FieldRule::Policy(Policy::LeftOwns),
        (ReviewKind::Conflict, "right") => FieldRule::Policy(Policy::RightOwns),
        (ReviewKind::Lossy, "shorten") => FieldRule::Lossy(OnLoss::Shorten),
        (ReviewKind::Lossy, "leave") => FieldRule::Lossy(OnLoss::Leave),
        _ => {
            return Err(refuse(
                "only `left` or `right` to a conflict, and `shorten` or `leave` to a lossy value, can become a rule",
            ));
        }
    };
    if super::offered(&review, choice).is_none() {
        return Err(refuse("the review does not offer this answer"));
    }
    let mapping = review.details["mapping"].as_str().unwrap_or_default();
    let applied = app
        .store()
        .applied_config(app.workspace())
        .await?
        .ok_or_else(ApiError::no_config)?;
    let document = app.read(&applied.document)?;
    let place = (review.sync.as_str(), review.entity, mapping);
    let Changed { text, line, lines } =
        config::with_rule(&applied.document, &document, place, rule).ok_or_else(|| {
            refuse("the rule of this field does not stand in the config as it is in force; its sync may come from a template")
        })?;
    let document = app.read(&text)?;
    let file = app.config_file();
    let revision = match file {
        Some(_) => None,
        None => {
            app.check_live(&text, &document).await?;
            Some(app.apply(&text, document).await?.revision)
        }
    };
    Ok(Rule {
        revision,
        file,
        line,
        lines,
    })
}
