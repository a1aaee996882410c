//! Notes of members. OfficeRnD has none that its API shows, so they are kept in a text property of the member, which the
//! connection's setting `notes_property` names.
//!
//! Each note that we make is a block below a line of its own, `[note 2026-03-01 18f3a9c]`: the day on which it was made, and what
//! tells it from the others. What stands above the first such line was written by people, and is one note as well. What
//! is lost by it is declared: nobody's name stands at a note, and the property has room for so much.
//!
//! A property can only be written whole. So notes of a member are written one after the other, each into what was read just
//! before, and while nothing else of the member is written.

use std::collections::BTreeMap;

use connector::{
    Calls, Change, CreateOutcome, Draft, Error, Fetched, IdentityKey, KeyKind, Page, PageRequest,
    Refusal, RemoveOutcome, UpdateOutcome,
};
use jiff::{
    Timestamp,
    civil::{Date, time},
    tz::TimeZone,
};
use record::{
    Access, Capability, Choice, Completeness, Entity, Field, FieldSpec, Fields, Kind, Read, Record,
    RecordId, Schema,
};

use crate::{
    api::{bearing_missing_right, in_flight},
    changes, comments, fetch, list,
    pen::Pens,
    properties,
    resource::{PROPERTIES, Resource},
    settings::{NOTES_PROPERTY, Settings},
    unsupported, update,
};

/// What a note says.
pub(crate) const BODY: &str = "body";

/// Whose it is.
pub(crate) const MEMBER: &str = "member";

/// What stands for the token of what people wrote above all notes.
const OWN_TEXT: &str = "text";

/// The fields of every note.
pub(crate) fn usual() -> Vec<FieldSpec> {
    let field = |name: &str, label: &str, kind, access| FieldSpec {
        name: name.into(),
        label: label.to_owned(),
        kind,
        capability: Capability {
            required: true,
            clearable: false,
            ..Capability::of(access)
        },
        choices: Vec::new(),
        custom: false,
    };
    let member = Kind::Reference(Entity::Contact);
    vec![
        field(BODY, "Text", Kind::LongText, Access::ReadWrite),
        field(MEMBER, "Member", member, Access::CreateOnly),
    ]
}

/// The same, if the property is there. As long as the setting does not name one, each note lacks it.
pub(crate) async fn schema(calls: &dyn Calls) -> Result<Schema, Error> {
    if Settings::of(calls).notes_ticket().is_some() {
        return Ok(comments::schema(calls));
    }
    let Some(property) = Settings::of(calls).notes_property() else {
        let mut fields = usual();
        let mut lacking = fields[0].clone();
        lacking.name = "property".into();
        lacking.label = "Property of the member that holds it".to_owned();
        lacking.kind = Kind::Choice;
        lacking.choices = text_properties(calls)
            .await?
            .unwrap_or_default()
            .into_iter()
            .map(|(key, label)| Choice { key, label })
            .collect();
        lacking.capability = Capability {
            required: true,
            setting: Some(NOTES_PROPERTY.to_owned()),
            ..Capability::of(Access::CreateOnly)
        };
        fields.push(lacking);
        return Ok(Schema {
            entity: Entity::Note,
            fields,
        });
    };
    if let Some(texts) = text_properties(calls).await? {
        let texts: Vec<&str> = texts.iter().map(|(key, _)| key.as_str()).collect();
        if !texts.contains(&property) {
            return Err(Error::Setting {
                setting: NOTES_PROPERTY,
                hint: format!(
                    "members have no text property `{property}`; they have {}",
                    texts.join(", ")
                ),
            });
        }
    }
    Ok(Schema {
        entity: Entity::Note,
        fields: usual(),
    })
}

/// The text properties of members, each with what people see; `None` where they may not be read.
async fn text_properties(calls: &dyn Calls) -> Result<Option<Vec<(String, String)>>, Error> {
    let known = properties::specs(calls, members()?).await;
    Ok(bearing_missing_right(known)?.ok().map(|known| {
        let texts = known
            .into_iter()
            .filter(|spec| matches!(spec.kind, Kind::Text | Kind::LongText));
        texts
            .filter_map(|spec| {
                let key = spec.name.as_str().strip_prefix(PROPERTIES)?.to_owned();
                Some((key, spec.label))
            })
            .collect()
    }))
}

fn property(calls: &dyn Calls) -> Result<&str, Error> {
    Settings::of(calls)
        .notes_property()
        .ok_or_else(|| Error::Setting {
            setting: NOTES_PROPERTY,
            hint: "say the key of the text property of members that holds their notes (Settings → Data & Extensibility → \
                   Custom Properties → Add, type Text, target Members)"
                .to_owned(),
        })
}

fn members() -> Result<&'static Resource, Error> {
    Resource::of(Entity::Contact).ok_or_else(|| unsupported(Entity::Contact))
}

/// Members with nothing but the property.
struct Members {
    resource: &'static Resource,
    schema: Schema,
    name: String,
}

impl Members {
    fn of(calls: &dyn Calls) -> Result<Self, Error> {
        let name = format!("{PROPERTIES}{}", property(calls)?);
        let spec = FieldSpec {
            name: name.as_str().into(),
            label: name.clone(),
            kind: Kind::LongText,
            capability: Capability {
                clearable: true,
                ..Capability::of(Access::ReadWrite)
            },
            choices: Vec::new(),
            custom: true,
        };
        Ok(Self {
            resource: members()?,
            schema: Schema {
                entity: Entity::Contact,
                fields: vec![spec],
            },
            name,
        })
    }

    /// One member as it is now.
    async fn read(&self, calls: &dyn Calls, id: &RecordId) -> Fetched {
        let ids = std::slice::from_ref(id);
        let found = fetch::fetch(calls, &self.schema, self.resource, ids).await;
        found.into_iter().next().unwrap_or_else(|| {
            let what = "no outcome for a member".to_owned();
            let operation = self.resource.operations.get;
            let error = Error::Unexpected {
                operation,
                status: 200,
                what,
            };
            Fetched::Failed(id.clone(), error)
        })
    }

    fn blocks(&self, member: &Read) -> Vec<Block> {
        let text = member.record.fields.get(&self.name).text();
        text.map_or_else(Vec::new, blocks)
    }

    /// The notes of a member. A listing that does not show the property is no proof that there are none: then it is read.
    async fn notes(&self, calls: &dyn Calls, member: Read) -> Result<Vec<Read>, Error> {
        let member = if member.record.fields.get(&self.name).is_known() {
            member
        } else {
            match self.read(calls, &member.record.id).await {
                Fetched::Found(read) => *read,
                Fetched::Gone(_) => return Ok(Vec::new()),
                Fetched::Failed(_, error) => return Err(error),
            }
        };
        let blocks = self.blocks(&member);
        Ok(blocks.iter().map(|block| block.note(&member)).collect())
    }

    /// One note as it is now.
    async fn note(&self, calls: &dyn Calls, id: &RecordId) -> Fetched {
        let (member, token) = parts(id);
        match self.read(calls, &member).await {
            Fetched::Found(member) => {
                let blocks = self.blocks(&member);
                match blocks.iter().find(|block| block.token == token) {
                    Some(block) => Fetched::Found(Box::new(block.note(&member))),
                    None => Fetched::Gone(id.clone()),
                }
            }
            Fetched::Gone(_) => Fetched::Gone(id.clone()),
            Fetched::Failed(_, error) => Fetched::Failed(id.clone(), error),
        }
    }

    async fn page(&self, calls: &dyn Calls, page: Page) -> Result<Page, Error> {
        let mut reads = Vec::new();
        for member in page.reads {
            reads.extend(self.notes(calls, member).await?);
        }
        Ok(Page {
            reads,
            total: None,
            ..page
        })
    }

    /// Writes the notes of a member anew, who was just read. Whoever calls this holds the member's pen.
    async fn write(&self, calls: &dyn Calls, member: Read, blocks: &[Block]) -> UpdateOutcome {
        let text = joined(blocks);
        let field = if text.is_empty() {
            Field::Empty
        } else {
            Field::of(text)
        };
        let mut set = Fields::new();
        set.set(self.name.as_str(), field);
        let change = Change {
            current: member.record,
            set,
            sets: std::collections::BTreeMap::new(),
        };
        let changes = [change];
        let outcomes = update::update(calls, &self.schema, self.resource, None, &changes).await;
        outcomes
            .into_iter()
            .next()
            .unwrap_or_else(|| UpdateOutcome::Unknown {
                why: "no outcome for a member".to_owned(),
            })
    }
}

/// The member and the token in the id of a note.
fn parts(id: &RecordId) -> (RecordId, &str) {
    match id.as_str().rsplit_once(':') {
        Some((member, token)) => (RecordId::from(member), token),
        None => (id.clone(), ""),
    }
}

pub(crate) async fn list(calls: &dyn Calls, page: PageRequest) -> Result<Page, Error> {
    if let Some(subject) = Settings::of(calls).notes_ticket() {
        return comments::list(calls, subject).await;
    }
    let members = Members::of(calls)?;
    let listed = list::list(calls, &members.schema, members.resource, page).await?;
    members.page(calls, listed).await
}

pub(crate) async fn changes(calls: &dyn Calls, page: PageRequest) -> Result<Page, Error> {
    if Settings::of(calls).notes_ticket().is_some() {
        return Ok(comments::changes(&page));
    }
    let members = Members::of(calls)?;
    let changed = changes::changes(calls, &members.schema, members.resource, page).await?;
    members.page(calls, changed).await
}

pub(crate) async fn fetch(calls: &dyn Calls, ids: &[RecordId]) -> Result<Vec<Fetched>, Error> {
    if let Some(subject) = Settings::of(calls).notes_ticket() {
        return comments::fetch(calls, subject, ids).await;
    }
    let members = Members::of(calls)?;
    let reading = ids.iter().map(|id| members.note(calls, id)).collect();
    Ok(in_flight(reading).await)
}

/// The notes of these members.
pub(crate) async fn find(calls: &dyn Calls, keys: &[IdentityKey]) -> Result<Vec<Read>, Error> {
    if let Some(subject) = Settings::of(calls).notes_ticket() {
        return comments::find(calls, subject, keys).await;
    }
    let members = Members::of(calls)?;
    let ids: Vec<RecordId> = keys
        .iter()
        .filter(|key| key.kind == KeyKind::Parent)
        .map(|key| RecordId::from(key.value.as_str()))
        .collect();
    let reading = ids.iter().map(|id| members.read(calls, id)).collect();
    let mut found = Vec::new();
    for member in in_flight(reading).await {
        match member {
            Fetched::Found(member) => found.extend(members.notes(calls, *member).await?),
            Fetched::Gone(_) => {}
            Fetched::Failed(_, error) => return Err(error),
        }
    }
    Ok(found)
}

fn refusal(why: &str) -> Refusal {
    Refusal {
        code: "not sent".to_owned(),
        message: why.to_owned(),
        fields: Vec::new(),
    }
}

pub(crate) async fn create(calls: &dyn Calls, pens: &Pens, drafts: &[Draft]) -> Vec<CreateOutcome> {
    if let Some(subject) = Settings::of(calls).notes_ticket() {
        let _alone = pens.of(subject).await;
        return comments::make(calls, subject, drafts).await;
    }
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        outcomes.push(make(calls, pens, draft).await);
    }
    outcomes
}

async fn make(calls: &dyn Calls, pens: &Pens, draft: &Draft) -> CreateOutcome {
    let members = match Members::of(calls) {
        Ok(members) => members,
        Err(error) => return CreateOutcome::Failed(error),
    };
    let (Some(of), Some(body)) = (
        draft.fields.get(MEMBER).text().map(RecordId::from),
        draft.fields.get(BODY).text(),
    ) else {
        let why = "a note needs a member and a text";
        return CreateOutcome::Refused(refusal(why));
    };
    let _alone = pens.of(of.as_str()).await;
    let member = match members.read(calls, &of).await {
        Fetched::Found(member) => *member,
        Fetched::Gone(_) => return CreateOutcome::Refused(refusal("its member is not there")),
        Fetched::Failed(_, error) => return CreateOutcome::Failed(error),
    };
    let mut blocks = members.blocks(&member);
    let made = Block::new(body, &blocks, calls.now());
    let token = made.token.clone();
    blocks.push(made);
    match members.write(calls, member, &blocks).await {
        UpdateOutcome::Done { read } => {
            let note = read.and_then(|member| {
                let blocks = members.blocks(&member);
                let made = blocks.iter().find(|block| block.token == token)?;
                Some(Box::new(made.note(&member)))
            });
            CreateOutcome::Created {
                id: id_of(&of, &token),
                read: note,
                left_out: Vec::new(),
            }
        }
        UpdateOutcome::Refused { refusal, .. } => CreateOutcome::Refused(of_body(refusal)),
        UpdateOutcome::Gone => CreateOutcome::Refused(refusal("its member is not there")),
        UpdateOutcome::Unknown { why } => CreateOutcome::Unknown { why },
        UpdateOutcome::Failed(error) => CreateOutcome::Failed(error),
    }
}

/// What was refused is the text.
fn of_body(refusal: Refusal) -> Refusal {
    Refusal {
        fields: vec![BODY.into()],
        ..refusal
    }
}

pub(crate) async fn update(
    calls: &dyn Calls,
    pens: &Pens,
    changes: &[Change],
) -> Vec<UpdateOutcome> {
    if Settings::of(calls).notes_ticket().is_some() {
        return changes.iter().map(|_| comments::refuse_change()).collect();
    }
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        let text = change.set.get(BODY).text();
        outcomes.push(rewrite(calls, pens, &change.current.id, text).await);
    }
    outcomes
}

pub(crate) async fn remove(calls: &dyn Calls, pens: &Pens, ids: &[RecordId]) -> Vec<RemoveOutcome> {
    if Settings::of(calls).notes_ticket().is_some() {
        return ids.iter().map(|_| comments::refuse_removal()).collect();
    }
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        outcomes.push(match rewrite(calls, pens, id, None).await {
            UpdateOutcome::Done { .. } => RemoveOutcome::Done,
            UpdateOutcome::Refused { refusal, .. } => RemoveOutcome::Refused(refusal),
            UpdateOutcome::Gone => RemoveOutcome::Gone,
            UpdateOutcome::Unknown { why } => RemoveOutcome::Unknown { why },
            UpdateOutcome::Failed(error) => RemoveOutcome::Failed(error),
        });
    }
    outcomes
}

/// Gives a note another text, or takes it out.
async fn rewrite(
    calls: &dyn Calls,
    pens: &Pens,
    id: &RecordId,
    text: Option<&str>,
) -> UpdateOutcome {
    let members = match Members::of(calls) {
        Ok(members) => members,
        Err(error) => return UpdateOutcome::Failed(error),
    };
    let (member, token) = parts(id);
    let _alone = pens.of(member.as_str()).await;
    let member = match members.read(calls, &member).await {
        Fetched::Found(member) => *member,
        Fetched::Gone(_) => return UpdateOutcome::Gone,
        Fetched::Failed(_, error) => return UpdateOutcome::Failed(error),
    };
    let mut blocks = members.blocks(&member);
    let Some(place) = blocks.iter().position(|block| block.token == token) else {
        return UpdateOutcome::Gone;
    };
    match text {
        Some(text) => text.clone_into(&mut blocks[place].text),
        None => drop(blocks.remove(place)),
    }
    match members.write(calls, member, &blocks).await {
        UpdateOutcome::Done { read } => UpdateOutcome::Done {
            read: read.and_then(|member| {
                let blocks = members.blocks(&member);
                let block = blocks.iter().find(|block| block.token == token)?;
                Some(Box::new(block.note(&member)))
            }),
        },
        UpdateOutcome::Refused { refusal, done } => UpdateOutcome::Refused {
            refusal: of_body(refusal),
            done,
        },
        other => other,
    }
}

fn id_of(member: &RecordId, token: &str) -> RecordId {
    RecordId::new(format!("{member}:{token}"))
}

/// One note in the text of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    /// When it was made; nobody knows of what people wrote.
    day: Option<Date>,
    token: String,
    text: String,
}

impl Block {
    /// A new one among these.
    fn new(text: &str, others: &[Self], now: Timestamp) -> Self {
        let mut number = now.as_millisecond();
        let token = loop {
            let token = format!("{number:x}");
            if others.iter().all(|other| other.token != token) {
                break token;
            }
            number += 1;
        };
        Self {
            day: Some(TimeZone::UTC.to_datetime(now).date()),
            token,
            text: text.to_owned(),
        }
    }

    fn note(&self, member: &Read) -> Read {
        let mut fields = Fields::new();
        fields.set(BODY, Field::of(self.text.trim()));
        fields.set(MEMBER, Field::of(member.record.id.as_str()));
        let noon = |day: &Date| {
            let noon = TimeZone::UTC.to_timestamp(day.to_datetime(time(12, 0, 0, 0)));
            noon.ok()
        };
        Read {
            record: Record {
                id: id_of(&member.record.id, &self.token),
                fields,
            },
            freshness: member.freshness,
            completeness: Completeness::Complete,
            as_of: member.as_of,
            // the member's stamp moves with whatever is changed of the member, and tells nothing of one note
            modified: None,
            created: self.day.as_ref().and_then(noon),
            unclear: BTreeMap::new(),
        }
    }
}

const BEGINS: &str = "[note ";

/// The day and the token in a line that begins a note.
fn header(line: &str) -> Option<(Date, &str)> {
    let inner = line.trim_end().strip_prefix(BEGINS)?.strip_suffix(']')?;
    let (day, token) = inner.split_once(' ')?;
    let is_token = !token.is_empty() && token.chars().all(|each| each.is_ascii_alphanumeric());
    Some((day.parse().ok()?, token)).filter(|_| is_token)
}

/// The notes in a text.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block {
        day: None,
        token: OWN_TEXT.to_owned(),
        text: String::new(),
    }];
    for line in text.lines() {
        if let Some((day, token)) = header(line) {
            blocks.push(Block {
                day: Some(day),
                token: token.to_owned(),
                text: String::new(),
            });
        } else if let Some(block) = blocks.last_mut() {
            // one that only looks like a beginning was moved in by a space
            let line = line
                .strip_prefix(' ')
                .filter(|moved| header(moved.trim_start()).is_some())
                .unwrap_or(line);
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    for block in &mut blocks {
        block.text = block.text.trim().to_owned();
    }
    blocks.retain(|block| !block.text.is_empty());
    blocks
}

/// The text of these notes.
fn joined(blocks: &[Block]) -> String {
    let written: Vec<String> = blocks
        .iter()
        .map(|block| {
            let lines: Vec<String> = block
                .text
                .trim()
                .lines()
                .map(|line| match header(line.trim_start()) {
                    Some(_) => format!(" {line}"),
                    None => line.to_owned(),
                })
                .collect();
            let text = lines.join("\n");
            match block.day {
                Some(day) => format!("{BEGINS}{day} {}]\n{text}", block.token),
                None => text,
            }
        })
        .collect();
    written.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_blocks_and_what_people_wrote_is_one_of_them() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let mut all = blocks("Von Hand.\nZweite Zeile.\n");
        assert_eq!(all.len(), 1);
        for text in [
            "mag Altbau",
            "hat [note] Hund\n\nund Katze",
            "[note 2026-01-01 abc]",
        ] {
            let made = Block::new(text, &all, now);
            assert!(all.iter().all(|other| other.token != made.token));
            all.push(made);
        }
        let text = joined(&all);
        assert!(
            text.starts_with("Von Hand.\nZweite Zeile.\n\n[note 2026-03-01 "),
            "{text}"
        );
        assert_eq!(blocks(&text), all, "{text}");
        assert_eq!(joined(&blocks(&text)), text);
        assert_eq!(blocks(""), []);
        assert_eq!(joined(&[]), "");
        let typed = blocks("[note yesterday abc]\nnur Text");
        assert_eq!(typed.len(), 1);
        assert_eq!(typed[0].token, OWN_TEXT);
    }
}
