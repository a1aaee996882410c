//! What an answer about a value does that a side cannot hold whole.

use serde_json::{Map, Value as Json};
use store::Review;
use uuid::Uuid;

use super::{side_in, text_in};
use crate::{
    Error,
    decide::{LossAnswer, Override},
    edit::{Edit, EditError, edit_for},
    engine::Core,
    pair::Pairing,
};

/// The field, and what is to become of the value that was asked about.
pub(super) fn answer<'a>(review: &'a Review, answer: &str) -> Result<(&'a str, Override), Error> {
    let asked = text_in(review, "value")?;
    let asked = u64::from_str_radix(asked, 16).map_err(|error| Error::NotReady {
        sync: review.sync.to_string(),
        why: format!("the mark `{asked}` of the question {}: {error}", review.id),
    })?;
    let answer = LossAnswer {
        side: side_in(&review.details["side"]),
        asked,
        shorten: answer == "shorten",
    };
    Ok((text_in(review, "mapping")?, Override::OnLoss(answer)))
}

/// Writes a person's value to both sides.
pub(super) async fn edit(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    value: Option<&str>,
) -> Result<(), Error> {
    let source = side_in(&review.details["side"]).other();
    let field = review.details["edits"].as_str();
    let record = match source {
        record::Side::Left => &review.left,
        record::Side::Right => &review.right,
    };
    let refused = |why: String| Error::NotReady {
        sync: review.sync.to_string(),
        why,
    };
    let (Some(field), Some(record)) = (field, record) else {
        return Err(Error::NoReview(review.id.to_string()));
    };
    let Some(value) = value else {
        return Err(refused(
            "`edit` needs the value that is to be there".to_owned(),
        ));
    };
    let edit = Edit {
        sync: review.sync.clone(),
        connection: pairing.end(source).connection.clone(),
        entity: review.entity,
        record: record.clone(),
        fields: Map::from_iter([(field.to_owned(), Json::from(value))]),
        trace: Uuid::now_v7(),
    };
    match edit_for(core, &edit, Some(review)).await {
        Ok(_) => Ok(()),
        Err(EditError::Refused(why) | EditError::NotNow(why)) => Err(refused(why)),
        Err(EditError::Failed(error)) => Err(error),
    }
}
