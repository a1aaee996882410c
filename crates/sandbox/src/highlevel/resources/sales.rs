//! Opportunities beyond keeping them: searching, upsert, status, followers.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::gate::Admitted;
use super::table::{LOST, OPPORTUNITY, own_id};
use super::{Answered, Item, Row, paged, wrapped};
use crate::vendor::Answer;

impl State {
    /// `GET /opportunities/search`, whose parameters are spelt with underscores.
    pub(super) fn search_opportunities(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let by = [
            ("pipeline_id", "pipelineId"),
            ("pipeline_stage_id", "pipelineStageId"),
            ("contact_id", "contactId"),
            ("assigned_to", "assignedTo"),
        ];
        let status = admitted.query("status").filter(|status| status != "all");
        let text = admitted.query("q").unwrap_or_default().to_lowercase();
        let fits = |item: &&Item| {
            let equal = |(name, field): &(&str, &str)| {
                admitted
                    .query(name)
                    .is_none_or(|value| item.text(field) == value)
            };
            by.iter().all(equal)
                && status
                    .as_ref()
                    .is_none_or(|status| item.text("status") == status)
                && admitted.query("id").is_none_or(|id| item.id == id)
                && item.text("name").to_lowercase().contains(&text)
        };
        let found: Vec<&Item> = self
            .things
            .living(&OPPORTUNITY, &request.location_id)
            .filter(fits)
            .collect();
        let total = found.len();
        let limit: usize = admitted
            .query("limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(20);
        let page: usize = admitted
            .query("page")
            .and_then(|text| text.parse().ok())
            .unwrap_or(1);
        let skipped = page.saturating_sub(1) * limit;
        let shown: Vec<Value> = found
            .into_iter()
            .skip(skipped)
            .take(limit)
            .map(|item| item.shown(&OPPORTUNITY))
            .collect();
        let meta = json!({"total": total, "currentPage": page,
            "nextPage": (skipped + shown.len() < total).then_some(page + 1), "prevPage": null});
        Ok(Answer::json(
            200,
            &json!({"opportunities": shown, "meta": meta, "aggregations": {}}),
        ))
    }

    /// `POST /opportunities/search`.
    pub(super) fn find_opportunities(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let text = request.body["query"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        let found: Vec<&Item> = self
            .things
            .living(&OPPORTUNITY, &request.location_id)
            .filter(|item| item.text("name").to_lowercase().contains(&text))
            .collect();
        let number = |name: &str, least: u64| {
            let number = request.body[name].as_u64().unwrap_or(least).max(least);
            usize::try_from(number).unwrap_or(usize::MAX)
        };
        let (limit, page) = (number("limit", 1), number("page", 1));
        let shown: Vec<Value> = found
            .iter()
            .skip((page - 1).saturating_mul(limit))
            .take(limit)
            .map(|item| item.shown(&OPPORTUNITY))
            .collect();
        Ok(Answer::json(
            200,
            &json!({"opportunities": shown, "total": found.len(), "aggregations": {}}),
        ))
    }

    /// `POST /opportunities/upsert`: by its id, else a new one.
    pub(super) fn upsert_opportunity(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let mut fields = request.object();
        for (name, value) in &fields {
            if let Some(id) = value.as_str() {
                self.there(admitted, &request.location_id, name, id)?;
            }
        }
        for name in ["isRemoveAllFollowers", "followersActionType"] {
            fields.remove(name);
        }
        let id = fields
            .remove("id")
            .and_then(|id| id.as_str().map(str::to_owned));
        let (item, new) = match id {
            Some(id) => {
                let core = admitted.core;
                (
                    self.change(&OPPORTUNITY, &request.location_id, &id, fields, core)?,
                    false,
                )
            }
            None => {
                fields.entry("status").or_insert(json!("open"));
                (
                    self.make(&OPPORTUNITY, &request.location_id, fields, admitted.core),
                    true,
                )
            }
        };
        let shown = item.shown(&OPPORTUNITY);
        Ok(Answer::json(
            200,
            &json!({"opportunity": shown, "new": new}),
        ))
    }

    /// `PUT /opportunities/{id}/status`.
    pub(super) fn set_opportunity_status(
        &mut self,
        admitted: &Admitted<'_>,
        row: &Row,
    ) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        self.change(
            &OPPORTUNITY,
            &request.location_id,
            id,
            request.object(),
            admitted.core,
        )?;
        Ok(Answer::json(200, &json!({"succeded": true})))
    }

    /// `POST` and `DELETE /opportunities/{id}/followers`.
    pub(super) fn opportunity_followers(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let item = self.named(admitted, row, &request)?;
        let list =
            |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let mut followers = list(item.fields.get("followers"));
        let id = item.id.clone();
        let wanted = list(request.body.get("followers"));
        let add = row.method == http::Method::POST;
        let all = !add && admitted.query("isRemoveAllFollowers").as_deref() == Some("true");
        let moved: Vec<Value> = match (add, all) {
            (true, _) => wanted
                .into_iter()
                .filter(|user| !followers.contains(user))
                .collect(),
            (false, true) => followers.clone(),
            (false, false) => wanted
                .into_iter()
                .filter(|user| followers.contains(user))
                .collect(),
        };
        match add {
            true => followers.extend(moved.clone()),
            false => followers.retain(|user| !moved.contains(user)),
        }
        let name = if add {
            "followersAdded"
        } else {
            "followersRemoved"
        };
        let answer = json!({"followers": followers, name: moved});
        let fields = Map::from_iter([("followers".to_owned(), Value::Array(followers))]);
        self.change(
            &OPPORTUNITY,
            &request.location_id,
            &id,
            fields,
            admitted.core,
        )?;
        Ok(wrapped(row, answer, admitted))
    }

    /// `GET /opportunities/lost-reason`.
    pub(super) fn lost_reasons(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let all = self.things.living(&LOST, &request.location_id);
        let total = all.count();
        let all = self.things.living(&LOST, &request.location_id);
        let shown: Vec<Value> = paged(all, admitted).map(|item| item.shown(&LOST)).collect();
        Ok(Answer::json(
            200,
            &json!({"lostReasons": shown, "total": total}),
        ))
    }
}
