//! What is calculated of what is there: balances of coins, ways to pay, the document of an invoice; and what accounting says of an
//! allocation.

use jiff::civil::Date;
use jiff::{ToSpan as _, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::super::State;
use super::super::errors::Refusal;
use super::super::listing;
use super::super::record::Stamp;
use super::super::shape::millis;
use super::show::{Dates, OneView};
use super::{Row, Thing, log};
use crate::core::Core;
use crate::edits::Operation;
use crate::vendor::{Answer, Call};

impl State {
    /// `GET /coins/stats`: what each set of credits is worth in a month. Nothing here uses any up.
    pub(super) fn coins(&self, row: &Row, question: &str, core: &Core) -> Result<Answer, Refusal> {
        let query = match listing::asked(&row.spec, question, core) {
            Ok(query) => query,
            Err(answer) => return Ok(answer),
        };
        let asked = |name: &str| {
            url::form_urlencoded::parse(question.as_bytes())
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.into_owned())
        };
        let (from_ms, to_ms) = month(&asked("month").unwrap_or_default()).ok_or_else(|| {
            Refusal::Invalid(vec![
                "month must be a valid ISO 8601 date string".to_owned(),
            ])
        })?;
        let is_of = |own: &Thing, name: &str| asked(name).is_none_or(|id| own.text(name) == id);
        let begun = |own: &Thing| millis(own.text("startDate")).is_none_or(|at_ms| at_ms < to_ms);
        let over = |own: &Thing| millis(own.text("endDate")).is_some_and(|at_ms| at_ms < from_ms);
        let balances: Vec<Map<String, Value>> = self
            .things
            .living(row.kind)
            .map(|(_, own)| own)
            .filter(|own| is_of(own, "member") && is_of(own, "company"))
            .filter(|own| begun(own) && !over(own))
            .map(balance)
            .collect();
        let mut places = (0..).take(balances.len());
        let page = listing::page(&Dates(balances), &mut places, &query, core);
        Ok(Answer::json(200, &page))
    }

    /// `GET /payments/methods`: those of the payment details that there are.
    pub(super) fn payment_methods(&self) -> Answer {
        let details = self.things.living("payment_details");
        let methods: std::collections::BTreeSet<&str> =
            details.map(|(_, own)| own.text("method")).collect();
        Answer::json(200, &json!({"paymentMethods": methods}))
    }

    /// `GET /payments/{paymentId}/documents`: the reference shows one object.
    pub(super) fn payment_document(&self, id: &str, base: &str) -> Result<Answer, Refusal> {
        let payment = self.things.get(self.things.find("payment", id)?);
        let kind = match payment.text("documentType") {
            "" => "invoice",
            kind => kind,
        };
        Ok(Answer::json(
            200,
            &json!({
                "_id": id, "name": format!("{kind}-{id}.pdf"), "type": kind, "templateName": "Standard",
                "url": format!("{base}/documents/{id}.pdf"),
            }),
        ))
    }

    /// `PUT /payments/{paymentId}/allocations/{allocationId}/accounting`: answered with the payment.
    pub(super) fn account(
        &mut self,
        (row, id, body): (&'static Row, &str, Map<String, Value>),
        call: &Call<'_>,
        stamp: &Stamp,
        core: &Core,
    ) -> Result<Answer, Refusal> {
        let mut payment = call.path.split('/').skip_while(|part| *part != "payments");
        let payment = payment.nth(1).unwrap_or_default();
        let place = self.things.find("payment", payment)?;
        let slot = self.things.find(row.kind, id)?;
        if self.things.get(slot).text("payment") != payment {
            return Err(Refusal::NoItem(id.to_owned()));
        }
        let accounting = Map::from_iter([("accounting".to_owned(), Value::Object(body))]);
        self.change(slot, accounting, stamp, core);
        log(core, Operation::Update, row.kind, id);
        let mut shown = self.view(core).one(place, OneView::Alone);
        let own = self.things.living(row.kind);
        let own = own.filter(|(_, own)| own.text("payment") == payment);
        let allocations = own.map(|(_, own)| {
            let mut shown = own.fields.clone();
            shown.remove("payment");
            shown.insert("_id".to_owned(), json!(own.id));
            Value::Object(shown)
        });
        shown.insert("allocations".to_owned(), allocations.collect());
        Ok(Answer::json(200, &Value::Object(shown)))
    }
}

/// One set of credits as a balance.
fn balance(own: &Thing) -> Map<String, Value> {
    let list = |name: &str| own.fields.get(name).cloned().unwrap_or(json!([]));
    let total = own
        .fields
        .get("count")
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    let worth = |total: f64| json!({"total": total, "used": 0, "remaining": total});
    let once = own.text("intervalLength") == "once";
    let (monthly, once) = if once { (0.0, total) } else { (total, 0.0) };
    let shown = json!({
        "creditAccount": own.id, "resourceRates": list("resourceRates"), "resourceTypes": list("resourceTypes"),
        "oneOffPlans": [], "validFor": own.fields.get("validFor").cloned().unwrap_or(json!("all")),
        "monthly": worth(monthly), "once": worth(once),
    });
    let mut shown = shown.as_object().cloned().unwrap_or_default();
    for name in ["member", "company"] {
        if let Some(id) = own.fields.get(name) {
            shown.insert(name.to_owned(), id.clone());
        }
    }
    shown
}

/// The beginning of the month of a date (`2026-03`, `2026-03-14`, a time) and of the one after it, UTC.
fn month(text: &str) -> Option<(i64, i64)> {
    let first: Date = format!("{}-01", text.get(..7)?).parse().ok()?;
    let at_ms = |date: Date| {
        let zoned = date.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp().as_millisecond())
    };
    Some((at_ms(first)?, at_ms(first.checked_add(1.month()).ok()?)?))
}
