//! Making and changing tasks and entries, and cancelling tasks.

use connector::{
    Calls, Change, CreateOutcome, Draft, Error, Fetched, Refusal, RemoveOutcome, UpdateOutcome,
};
use record::{Access, Field, FieldName, FieldSpec, Fields, Kind, RecordId, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::{
    Sort,
    fields::{
        self, BEGUN, CANCELLED, COMPLETED, DEADLINE, DEADLINE_COUNTS, DEADLINE_TIME, DONE,
        KIND_SETTING, NOTE_TYPE_SETTING, PRIORITY_SETTING, STATUS, TYPE_SETTING, is_closed,
        setting,
    },
    read,
};
use crate::{
    action::{Action, Verb},
    address::{number, write::send},
    codes::{Meaning, No, meaning},
    exchange::Written,
    value::{self, Writing},
    wall::Wall,
};

/// What is sent of one record.
#[derive(Debug, Default)]
struct Prepared {
    data: Map<String, Json>,
    /// What only a change takes: whether a task is done.
    later: Map<String, Json>,
    address: Option<u64>,
}

/// The names that an entry's fields have in a write (documented: "Create activity", "Modify activity").
fn written(sort: Sort, name: &str) -> &str {
    match (sort, name) {
        (Sort::Entry, "Bemerkung") => "note",
        (Sort::Entry, "Aktionsart") => "actionkind",
        (Sort::Entry, "Aktionstyp") => "actiontype",
        (Sort::Entry, "Datum") => "datetime",
        (_, name) => name,
    }
}

fn prepare(
    sort: Sort,
    schema: &Schema,
    set: &Fields,
    current: Option<&Fields>,
    wall: &Wall,
) -> Result<Prepared, Refusal> {
    let writing = match current {
        None => Writing::Create,
        Some(_) => Writing::Modify,
    };
    let mut prepared = Prepared::default();
    let mut unfit: Vec<(FieldName, String)> = Vec::new();
    for (name, field) in set.iter() {
        if writing == Writing::Create && *field == Field::Empty {
            continue;
        }
        if let Err(why) = one(sort, schema, name, field, wall, writing, &mut prepared) {
            unfit.push((name.clone(), why));
        }
    }
    if !unfit.is_empty() {
        return Err(crate::address::write::refusal(unfit));
    }
    if sort == Sort::Task {
        settle_status(set, current, &mut prepared);
    }
    Ok(prepared)
}

fn one(
    sort: Sort,
    schema: &Schema,
    name: &FieldName,
    field: &Field,
    wall: &Wall,
    writing: Writing,
    prepared: &mut Prepared,
) -> Result<(), String> {
    let spec = schema
        .field(name.as_str())
        .ok_or("the account has no such field")?;
    match spec.capability.access {
        Access::ReadWrite => {}
        Access::CreateOnly if writing == Writing::Create => {}
        Access::CreateOnly | Access::ReadOnly => return Err("it cannot be written".into()),
    }
    match name.as_str() {
        parent if parent == sort.parent() => {
            let id = field.text().and_then(|id| id.parse().ok());
            prepared.address = Some(id.ok_or("it is no number of an address")?);
        }
        // put together from both at the end
        STATUS | DONE => {}
        DEADLINE => deadline(field, wall, &mut prepared.data)?,
        own => {
            known_user(spec, field)?;
            let json = match (spec.kind, field) {
                (Kind::Choice, Field::Value(Value::Text(text))) => match text.parse::<u64>() {
                    Ok(number) => json!(number),
                    Err(_) => json!(text),
                },
                _ => value::write(spec, field, wall, writing)?,
            };
            prepared.data.insert(written(sort, own).to_owned(), json);
        }
    }
    Ok(())
}

/// The vendor takes any text as a responsible person without an error (observed): who is no user is not sent.
fn known_user(spec: &FieldSpec, field: &Field) -> Result<(), String> {
    let Some(login) = field.text().filter(|_| spec.kind == Kind::User) else {
        return Ok(());
    };
    if spec.choices.is_empty() || spec.choices.iter().any(|choice| choice.key == login) {
        return Ok(());
    }
    Err("it names no user of this client".into())
}

/// A deadline counts only with its switch; without a value the switch goes off and the day stays.
fn deadline(field: &Field, wall: &Wall, data: &mut Map<String, Json>) -> Result<(), String> {
    match field {
        Field::Value(Value::Instant(at)) => {
            let at = wall.write(*at);
            let time = at.get(11..).unwrap_or_default().to_owned();
            data.insert(DEADLINE.to_owned(), json!(at));
            data.insert(DEADLINE_TIME.to_owned(), json!(time));
            data.insert(DEADLINE_COUNTS.to_owned(), json!(1));
        }
        Field::Empty => {
            data.insert(DEADLINE_COUNTS.to_owned(), json!(0));
        }
        _ => return Err("the value is no point in time".into()),
    }
    Ok(())
}

/// `Status` and `erledigt` are independent of each other at the vendor (observed): whoever sets one sets both.
fn settle_status(set: &Fields, current: Option<&Fields>, prepared: &mut Prepared) {
    let status = set.get(STATUS).text().map(str::to_owned);
    let done = match set.get(DONE) {
        Field::Value(Value::Boolean(done)) => Some(*done),
        Field::Empty => Some(false),
        _ => None,
    };
    let before = current.and_then(|current| current.get(STATUS).text());
    let (status, done) = match (status, done) {
        (None, None) => return,
        (Some(status), _) => {
            let done = is_closed(&status);
            (Some(status), done)
        }
        (None, Some(true)) => match before {
            Some(before) if is_closed(before) => (None, true),
            _ => (Some(COMPLETED.to_owned()), true),
        },
        // made as it is: not begun
        (None, Some(false)) if current.is_none() => return,
        (None, Some(false)) => match before {
            Some(before) if !is_closed(before) => (None, false),
            _ => (Some(BEGUN.to_owned()), false),
        },
    };
    if let Some(number) = status.and_then(|status| status.parse::<u64>().ok()) {
        prepared.data.insert(STATUS.to_owned(), json!(number));
    }
    let mark = (DONE.to_owned(), json!(u8::from(done)));
    if current.is_some() {
        prepared.data.extend([mark]);
    } else if done {
        prepared.later.extend([mark]);
    }
}

/// Makes records, one outcome for each draft. That a task is done can only be said of one that is there: that is a
/// call of its own.
pub(crate) async fn create(
    calls: &dyn Calls,
    schema: &Schema,
    sort: Sort,
    drafts: &[Draft],
) -> Vec<CreateOutcome> {
    let mut outcomes: Vec<Option<CreateOutcome>> = drafts.iter().map(|_| None).collect();
    let mut ready: Vec<(usize, Prepared)> = Vec::with_capacity(drafts.len());
    for (place, draft) in drafts.iter().enumerate() {
        let prepared = match Wall::of(calls.settings()) {
            Ok(wall) => prepare(sort, schema, &draft.fields, None, &wall),
            Err(error) => {
                outcomes[place] = Some(CreateOutcome::Failed(error));
                continue;
            }
        };
        match prepared {
            Ok(mut prepared) => {
                complete(sort, calls.settings(), &mut prepared.data);
                ready.push((place, prepared));
            }
            Err(refusal) => outcomes[place] = Some(CreateOutcome::Refused(refusal)),
        }
    }
    let actions: Vec<Action> = ready
        .iter()
        .map(|(_, prepared)| creating(sort, prepared))
        .collect();
    let answers = send(calls, sort.operations().create, &actions).await;
    let mut after: Vec<(usize, Action)> = Vec::new();
    for ((place, prepared), answer) in ready.iter().zip(answers) {
        let outcome = made(sort, prepared, answer);
        if let CreateOutcome::Created { id, .. } = &outcome
            && !prepared.later.is_empty()
            && let Some(id) = number(id)
        {
            let modify = json!({"data": prepared.later});
            after.push((
                *place,
                Action::new(Verb::Modify, sort.resource(), modify).on(id),
            ));
        }
        outcomes[*place] = Some(outcome);
    }
    let actions: Vec<Action> = after.iter().map(|(_, action)| action.clone()).collect();
    let answers = send(calls, sort.operations().update, &actions).await;
    for ((place, _), answer) in after.into_iter().zip(answers) {
        if matches!(answer, Written::Done(_)) {
            continue;
        }
        if let Some(CreateOutcome::Created { left_out, .. }) = &mut outcomes[place] {
            left_out.push(DONE.into());
        }
    }
    outcomes
        .into_iter()
        .map(|outcome| {
            outcome.expect("each draft is refused or sent, and each that is sent has an outcome")
        })
        .collect()
}

/// What the settings of the connection give to a new record that has none of its own.
fn complete(sort: Sort, settings: &Json, data: &mut Map<String, Json>) {
    let given = match sort {
        Sort::Task => [("Art", TYPE_SETTING), ("Prio", PRIORITY_SETTING)],
        Sort::Entry => [
            ("actionkind", KIND_SETTING),
            ("actiontype", NOTE_TYPE_SETTING),
        ],
    };
    for (name, from) in given {
        if let Some(word) = setting(settings, from)
            && !data.contains_key(name)
        {
            let json = word
                .parse::<u64>()
                .map_or(json!(word), |number| json!(number));
            data.insert(name.to_owned(), json);
        }
    }
}

fn creating(sort: Sort, prepared: &Prepared) -> Action {
    let parameters = match sort {
        Sort::Task => {
            let mut parameters = Map::from_iter([("data".to_owned(), json!(prepared.data))]);
            if let Some(address) = prepared.address {
                parameters.insert("relatedAddressId".to_owned(), json!(address));
            }
            parameters
        }
        Sort::Entry => {
            let mut parameters = prepared.data.clone();
            if let Some(address) = prepared.address {
                parameters.insert("addressids".to_owned(), json!([address]));
            }
            parameters
        }
    };
    Action::new(Verb::Create, sort.resource(), Json::from(parameters))
}

fn made(sort: Sort, prepared: &Prepared, answer: Written) -> CreateOutcome {
    match answer {
        Written::Done(data) => {
            let id = data.records.first().and_then(|row| row.id.as_deref());
            match id.map(RecordId::from).filter(|id| number(id).is_some()) {
                Some(id) => CreateOutcome::Created {
                    id,
                    read: None,
                    left_out: Vec::new(),
                },
                None => CreateOutcome::Unknown {
                    why: "the vendor reports success without a number".into(),
                },
            }
        }
        Written::No(no) if meaning(no.code) == Meaning::Right => {
            CreateOutcome::Failed(Error::MissingRight {
                operation: sort.operations().create,
                missing: no.right(),
            })
        }
        Written::No(no) => CreateOutcome::Refused(refusal(&no, &prepared.data)),
        Written::Unclear(why) => CreateOutcome::Unknown { why },
        Written::NotSent(error) => CreateOutcome::Failed(Error::Call(error)),
    }
}

/// A refusal, with the setting that helps where the client demands what nobody has said.
fn refusal(no: &No, sent: &Map<String, Json>) -> Refusal {
    let mut refusal = no.refusal(sent);
    if no.code == 254
        && !sent.contains_key("Art")
        && refusal.fields.iter().any(|field| field.as_str() == "Art")
    {
        refusal.message.push_str(
            ": this client demands a type for every task; set `task_type` under the connection's `settings` to its number",
        );
    }
    refusal
}

/// Changes records, one outcome for each.
pub(crate) async fn update(
    calls: &dyn Calls,
    schema: &Schema,
    sort: Sort,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    let mut outcomes: Vec<Option<UpdateOutcome>> = changes.iter().map(|_| None).collect();
    let mut ready: Vec<(usize, Action)> = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        let prepared = match Wall::of(calls.settings()) {
            Ok(wall) => {
                let current = Some(&change.current.fields);
                prepare(sort, schema, &change.set, current, &wall)
            }
            Err(error) => {
                outcomes[place] = Some(UpdateOutcome::Failed(error));
                continue;
            }
        };
        let refused = |refusal| UpdateOutcome::Refused {
            refusal,
            done: Vec::new(),
        };
        match (prepared, number(&change.current.id)) {
            (Err(refusal), _) => outcomes[place] = Some(refused(refusal)),
            (Ok(_), None) => outcomes[place] = Some(UpdateOutcome::Gone),
            (Ok(prepared), Some(id)) => {
                let modify = json!({"data": prepared.data});
                let action = Action::new(Verb::Modify, sort.resource(), modify).on(id);
                ready.push((place, action));
            }
        }
    }
    let actions: Vec<Action> = ready.iter().map(|(_, action)| action.clone()).collect();
    let answers = send(calls, sort.operations().update, &actions).await;
    for ((place, action), answer) in ready.into_iter().zip(answers) {
        let id = &changes[place].current.id;
        let outcome = match answer {
            Written::Done(_) => UpdateOutcome::Done { read: None },
            Written::Unclear(why) => UpdateOutcome::Unknown { why },
            Written::NotSent(error) => UpdateOutcome::Failed(Error::Call(error)),
            Written::No(no) => match refused(calls, sort, schema, id, &no).await {
                Refused::Gone => UpdateOutcome::Gone,
                Refused::Right(error) => UpdateOutcome::Failed(error),
                Refused::Content => UpdateOutcome::Refused {
                    refusal: refusal(
                        &no,
                        action.parameters["data"].as_object().unwrap_or(&Map::new()),
                    ),
                    done: Vec::new(),
                },
            },
        };
        outcomes[place] = Some(outcome);
    }
    outcomes
        .into_iter()
        .map(|outcome| outcome.expect("each change is refused or sent"))
        .collect()
}

/// What a no to a change says of the record.
enum Refused {
    Gone,
    /// It may not be changed, or why it was not could not be found out.
    Right(Error),
    Content,
}

/// A record that is not there and one that may not be changed get one number: a read tells them apart.
async fn refused(
    calls: &dyn Calls,
    sort: Sort,
    schema: &Schema,
    id: &RecordId,
    no: &No,
) -> Refused {
    let right = || {
        Refused::Right(Error::MissingRight {
            operation: sort.operations().update,
            missing: no.right(),
        })
    };
    match meaning(no.code) {
        Meaning::Gone => Refused::Gone,
        Meaning::Right => right(),
        Meaning::GoneOrRight => {
            let found = read::fetch(calls, schema, sort, std::slice::from_ref(id)).await;
            match found.map(|mut found| found.pop()) {
                Ok(Some(Fetched::Gone(_))) => Refused::Gone,
                Ok(Some(Fetched::Found(_))) => right(),
                // which of the two it is can be asked again
                Ok(Some(Fetched::Failed(_, error))) | Err(error) => Refused::Right(error),
                Ok(None) => Refused::Content,
            }
        }
        Meaning::Content | Meaning::Trouble => Refused::Content,
    }
}

/// Cancels tasks. Entries of the log stay: the description says so, and nobody asks.
pub(crate) async fn remove(calls: &dyn Calls, sort: Sort, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    let no = |why: &str| {
        RemoveOutcome::Refused(Refusal {
            code: "not sent".into(),
            message: why.into(),
            fields: Vec::new(),
        })
    };
    if sort == Sort::Entry {
        let kept = "onOffice keeps the entries of its activity log: none is removed by API";
        return ids.iter().map(|_| no(kept)).collect();
    }
    let cancelled: u64 = CANCELLED.parse().expect("it is a number");
    let modify = json!({"data": {STATUS: cancelled, DONE: 1}});
    let actions: Vec<Action> = ids
        .iter()
        .filter_map(number)
        .map(|id| Action::new(Verb::Modify, sort.resource(), modify.clone()).on(id))
        .collect();
    let mut answers = send(calls, sort.operations().remove, &actions)
        .await
        .into_iter();
    let schema = Schema {
        entity: sort.entity(),
        fields: fields::usual(sort)
            .into_iter()
            .filter(|field| field.name.as_str() == STATUS)
            .collect(),
    };
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        let answer = number(id).and_then(|_| answers.next());
        outcomes.push(match answer {
            None => no("the id is no number"),
            Some(Written::Done(_)) => RemoveOutcome::Done,
            Some(Written::Unclear(why)) => RemoveOutcome::Unknown { why },
            Some(Written::NotSent(error)) => RemoveOutcome::Failed(Error::Call(error)),
            Some(Written::No(refusal)) => match refused(calls, sort, &schema, id, &refusal).await {
                Refused::Gone => RemoveOutcome::Gone,
                Refused::Right(error) => RemoveOutcome::Failed(error),
                Refused::Content => RemoveOutcome::Refused(refusal.refusal(&Map::new())),
            },
        });
    }
    outcomes
}
