//! What follows from the state of both sides and the base: a plan, as data. Pure.

mod loss;
mod unclear;

use std::collections::{BTreeMap, BTreeSet};

use connector::{Change, SetDelta};
use jiff::Timestamp;
use mapping::{CompiledMapping, OnLoss};
use merge::{Decision, Evidence, Interval, Reason, Why};
use record::{Field, Fields, Read, Record, Side, Sides, Value};
use store::{Awaited, Blocked, Link};

use self::unclear::Told;
pub(crate) use self::{
    loss::{Asked, LossAnswer},
    unclear::{as_last_seen, shows_something_else},
};
use crate::pair::{Pairing, index};

/// What to do with one linked pair.
#[derive(Debug, Default)]
pub(crate) struct PairPlan {
    /// Mappings that agree now, on values that the base does not have yet.
    pub(crate) agreed: Vec<usize>,
    /// Those of them of which a side keeps a value of its own: they differ, and that stands.
    pub(crate) kept: BTreeMap<usize, Side>,
    /// Mappings that write.
    pub(crate) moves: Vec<Move>,
    /// Mappings that need a person.
    pub(crate) conflicts: Vec<Conflict>,
    /// Mappings that cannot write, with the reason; not sent.
    pub(crate) held: Vec<Held>,
    /// Mappings about which too little is known. Nothing is decided.
    pub(crate) waiting: Vec<usize>,
    /// Mappings that were blocked or asked about and no longer need to be.
    pub(crate) quiet: Vec<usize>,
    /// The other record's id, for the sides that keep it and do not have it yet.
    pub(crate) ids: [Option<Fields>; 2],
    /// The same, where it is there already.
    pub(crate) ids_there: [Option<Fields>; 2],
}

/// Under which name a field for the other record's id is blocked and journalled.
pub(crate) const KEEP_ID: &str = "keep_id";

/// One mapping that writes to one side or, for sets, to both.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) mapping: usize,
    /// What a side is to mean, where it is written.
    pub(crate) values: [Option<Field>; 2],
    /// The raw fields of a side that this mapping changes.
    pub(crate) writes: [Option<Fields>; 2],
    /// Which rule decided, for the journal.
    pub(crate) rule: String,
    /// What a side cannot hold of it, for the journal.
    pub(crate) lost: Option<String>,
}

/// Both sides changed one field differently and the policy says to ask.
#[derive(Debug)]
pub(crate) struct Conflict {
    pub(crate) mapping: usize,
    pub(crate) reason: String,
}

/// A write that is not sent.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) mapping: usize,
    pub(crate) side: Side,
    pub(crate) reason: String,
    pub(crate) value_hash: u64,
    /// It is listed as blocked already.
    pub(crate) known: bool,
    /// The record whose link would end it.
    pub(crate) awaits: Option<Awaited>,
    /// What a person is asked about it.
    pub(crate) asks: Option<Asked>,
}

/// What a person or a command says about single mappings, before their policy.
pub(crate) type Overrides = BTreeMap<String, Override>;

/// What a person says about one mapping of a pair.
#[derive(Debug, Clone)]
pub(crate) enum Override {
    /// The value of this side goes to the other.
    From(Side),
    /// Both sides get a value, one back or one that was edited.
    Back(Back),
    /// What becomes of one value that a side cannot hold whole. All else goes by the rules.
    OnLoss(LossAnswer),
}

/// Values that both sides of a mapping are to have.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    /// What each side is to mean.
    pub(crate) values: [Field; 2],
    /// What each side meant when that was decided. If it means something else by now, nothing is written.
    pub(crate) expected: [Field; 2],
    /// The rule that the journal gives.
    pub(crate) rule: &'static str,
}

/// Decides one linked pair. `left` and `right` are what both sides hold now.
pub(crate) fn decide(
    pairing: &Pairing,
    link: &Link,
    left: &Read,
    right: &Read,
    blocked: &[Blocked],
    overrides: &Overrides,
) -> PairPlan {
    let mut plan = PairPlan::default();
    let reads = [left, right];
    let evidence = Evidence::new(
        Some(interval(link.seen_left, left)),
        Some(interval(link.seen_right, right)),
    );
    for (number, mapping) in pairing.compiled.mappings().iter().enumerate() {
        let has_base = has_base(link, mapping);
        let now = || Side::BOTH.map(|side| mapping.read(side, &reads[index(side)].record.fields));
        let bases = has_base.then(|| Sides::new(&link.base_left, &link.base_right));
        let held_now = Sides::new(&left.record.fields, &right.record.fields);
        let was_blocked = |side: Side| {
            blocked
                .iter()
                .find(|row| row.mapping == mapping.id() && row.side == side)
        };
        let decision = match overrides.get(mapping.id()) {
            Some(Override::From(side)) => forced(*side, &now()),
            Some(Override::Back(back)) => {
                let to = back.steps(&now());
                if !to.is_empty() {
                    let none = |_| None;
                    let never = (None, None);
                    plan_write(
                        &mut plan, pairing, number, mapping, &to, back.rule, reads, never, none,
                    );
                }
                continue;
            }
            Some(Override::OnLoss(_)) | None => mapping.decide(bases, held_now, &evidence),
        };
        let answer = match overrides.get(mapping.id()) {
            Some(Override::OnLoss(answer)) => Some(answer),
            _ => None,
        };
        let decision = match decision {
            Decision::Agree => loss::unwritten(mapping, bases, &now()).unwrap_or(Decision::Agree),
            other => other,
        };
        let decision = opened(mapping, &now, decision, was_blocked);
        let mut quiet = true;
        match decision {
            Decision::Nothing => {
                // What could not cross and still differs stays listed.
                let closed = Side::BOTH.into_iter().find(|side| {
                    mapping.create_only(*side) && was_blocked(*side).is_some_and(is_closed)
                });
                if let Some(side) = closed {
                    quiet = !hold_back(
                        &mut plan,
                        pairing,
                        number,
                        mapping,
                        side,
                        reads,
                        was_blocked,
                    );
                }
                for side in Side::BOTH {
                    if let Some(Told::Unclear(why)) = unclear::told(mapping, side, reads) {
                        let known = was_blocked(side.other());
                        plan.held.push(unclear::held(number, side, why, known));
                        quiet = false;
                    }
                }
            }
            Decision::Agree => plan.agreed.push(number),
            Decision::Kept { side } => {
                plan.agreed.push(number);
                plan.kept.insert(number, side);
                if let Some(side) = mapping.barred(bases, held_now, &evidence) {
                    quiet = !hold_back(
                        &mut plan,
                        pairing,
                        number,
                        mapping,
                        side,
                        reads,
                        was_blocked,
                    );
                }
            }
            Decision::Wait { side } => {
                quiet = false;
                plan.waiting.push(number);
                // Known fields without a meaning (a formula without a result, a value outside the map, a
                // record without a link) wait for something else than a better reading: that has to be
                // told. A reference waits for the records of both sides.
                let sides = if mapping.refers_to().is_some() {
                    Side::BOTH.to_vec()
                } else {
                    vec![side]
                };
                let mut told = Vec::new();
                for side in sides {
                    let fields = &reads[index(side)].record.fields;
                    let Some(reason) = mapping.unreadable(side, fields) else {
                        match unclear::told(mapping, side, reads) {
                            Some(Told::Fits) => quiet = true,
                            Some(Told::Unclear(why)) => {
                                let known = was_blocked(side.other());
                                told.push(unclear::held(number, side, why, known));
                            }
                            None => {}
                        }
                        continue;
                    };
                    let value_hash = hash_of(&mapping.raw(side, fields));
                    told.push(Held {
                        mapping: number,
                        side: side.other(),
                        reason,
                        value_hash,
                        known: was_blocked(side.other())
                            .is_some_and(|row| row.value_hash == value_hash),
                        awaits: awaited(pairing, mapping, side, fields),
                        asks: None,
                    });
                }
                let over = |side: &Side| {
                    was_blocked(*side).is_some() && !told.iter().any(|held| held.side == *side)
                };
                if mapping.refers_to().is_some() && Side::BOTH.iter().any(over) {
                    // It waited for another record so far: all its rows are written anew.
                    plan.quiet.push(number);
                    told.iter_mut().for_each(|held| held.known = false);
                }
                plan.held.extend(told);
            }
            Decision::Ask { reason } => {
                quiet = false;
                plan.conflicts.push(Conflict {
                    mapping: number,
                    reason: reason_in_words(reason).to_owned(),
                });
            }
            ref decision @ (Decision::Write { why, .. } | Decision::Merge { why, .. }) => {
                let sides: Vec<(Side, Field)> = Side::BOTH
                    .into_iter()
                    .filter_map(|side| Some((side, decision.write_to(side)?.clone())))
                    .collect();
                quiet = !plan_write(
                    &mut plan,
                    pairing,
                    number,
                    mapping,
                    &sides,
                    why_in_words(why),
                    reads,
                    (mapping.on_loss(), answer),
                    was_blocked,
                );
            }
        }
        if quiet
            && Side::BOTH
                .into_iter()
                .any(|side| was_blocked(side).is_some())
        {
            plan.quiet.push(number);
        }
    }
    keep_ids(&mut plan, pairing, link, reads, blocked);
    plan
}

/// Plans to write the other record's id where it is kept: once for a link. What a person makes of it later is
/// theirs.
fn keep_ids(
    plan: &mut PairPlan,
    pairing: &Pairing,
    link: &Link,
    reads: [&Read; 2],
    blocked: &[Blocked],
) {
    for side in Side::BOTH {
        let Some(field) = pairing.compiled.keep_id(side) else {
            continue;
        };
        let id = Field::of(link.record(side.other()).as_str());
        let current = reads[index(side)].record.fields.get(field.as_str());
        if link.base(side).get(field.as_str()) == &id || !current.is_known() {
            continue;
        }
        let mut raw = Fields::new();
        raw.set(field.clone(), id.clone());
        if *current == id {
            plan.ids_there[index(side)] = Some(raw);
            continue;
        }
        let refused = blocked.iter().any(|row| {
            row.mapping == KEEP_ID
                && row.side == side
                && row.value_hash == hash_of(&raw)
                && row.schema_hash == pairing.end(side).schema_hash
        });
        if !refused && (pairing.may_write(side) || pairing.mode == mapping::Mode::Preview) {
            plan.ids[index(side)] = Some(raw);
        }
    }
}

/// Plans writing to the sides named. Says whether something was held back.
#[expect(
    clippy::too_many_arguments,
    reason = "one decision, spread over its parts"
)]
fn plan_write<'b>(
    plan: &mut PairPlan,
    pairing: &Pairing,
    number: usize,
    mapping: &CompiledMapping,
    to: &[(Side, Field)],
    why: &str,
    reads: [&Read; 2],
    (on_loss, answer): (Option<OnLoss>, Option<&LossAnswer>),
    was_blocked: impl Fn(Side) -> Option<&'b Blocked>,
) -> bool {
    let mut writes = [None, None];
    let mut values = [None, None];
    let mut held = false;
    let mut asked = false;
    let mut lost: Vec<String> = Vec::new();
    for (side, value) in to {
        let current = &reads[index(*side)].record.fields;
        let mut value = value.clone();
        let mut raw = mapping.put(*side, &value, current);
        // A preview plans what a two-way sync would write; it never gets to writing.
        let may_write = pairing.may_write(*side) || pairing.mode == mapping::Mode::Preview;
        let mut loss =
            if may_write && mapping.writable(*side) && mapping.read(*side, current) != value {
                mapping.lossy(*side, &value)
            } else {
                None
            };
        if let Some((on_loss, of)) = on_loss.zip(loss.clone()) {
            let what = loss::What {
                mapping,
                number,
                side: *side,
                value: &value.clone(),
                loss: &of,
                on_loss,
                answer,
                schema_hash: pairing.end(*side).schema_hash,
            };
            match what.becomes(was_blocked(*side)) {
                Ok(shortened) => {
                    value = shortened;
                    raw = mapping.put(*side, &value, current);
                    if !raw.is_empty() {
                        lost.push(loss::shortened(what.loss));
                    }
                }
                Err(row) => {
                    held = true;
                    asked = true;
                    plan.held.push(*row);
                    continue;
                }
            }
            loss = None;
        }
        if raw.is_empty() {
            continue;
        }
        let value_hash = hash_of(&raw);
        let reason = if !may_write {
            Some("this sync does not write to this side".to_owned())
        } else if !mapping.writable(*side) {
            Some(CLOSED.to_owned())
        } else {
            // What is lost of a value that is written all the same is told with the write.
            lost.extend(
                loss.as_ref()
                    .filter(|loss| loss.partial)
                    .map(ToString::to_string),
            );
            loss.filter(|loss| !loss.partial)
                .map(|loss| loss.to_string())
        };
        let refused_before = was_blocked(*side).filter(|row| {
            row.value_hash == value_hash && row.schema_hash == pairing.end(*side).schema_hash
        });
        if let Some(row) = refused_before {
            held = true;
            plan.held.push(Held {
                mapping: number,
                side: *side,
                reason: row.reason.clone(),
                value_hash,
                known: true,
                awaits: None,
                asks: None,
            });
        } else if let Some(reason) = reason {
            held = true;
            plan.held.push(Held {
                mapping: number,
                side: *side,
                reason,
                value_hash,
                known: false,
                awaits: None,
                asks: None,
            });
        } else {
            writes[index(*side)] = Some(raw);
            values[index(*side)] = Some(value);
        }
    }
    if asked {
        // The base of a mapping moves as one: nothing of it is written before all of it may be.
        writes = [None, None];
    }
    if writes.iter().any(Option::is_some) {
        plan.moves.push(Move {
            mapping: number,
            values,
            writes,
            rule: format!("{}: {why}", mapping.id()),
            lost: (!lost.is_empty()).then(|| lost.join("; ")),
        });
    } else if !held {
        // The target means the same already, in its own words.
        plan.agreed.push(number);
    }
    held
}

/// Why a value that a side takes only when a record is made does not cross.
const CLOSED: &str = "the system takes this field only when a record is made";

/// Whether a field is blocked because its side takes it only when a record is made.
pub(crate) fn is_closed(row: &Blocked) -> bool {
    row.reason == CLOSED
}

/// What did not cross because the side took the field only when a record is made crosses when the side takes
/// it: for all else it counts as settled.
fn opened<'b>(
    mapping: &CompiledMapping,
    now: &impl Fn() -> [Field; 2],
    decision: Decision,
    was_blocked: impl Fn(Side) -> Option<&'b Blocked>,
) -> Decision {
    if decision != Decision::Nothing {
        return decision;
    }
    let open = Side::BOTH
        .into_iter()
        .find(|side| mapping.writable(*side) && was_blocked(*side).is_some_and(is_closed));
    match open {
        Some(side) => forced(side.other(), &now()),
        None => decision,
    }
}

/// Lists a value that a side takes only when a record is made. Says whether there is anything to list.
fn hold_back<'b>(
    plan: &mut PairPlan,
    pairing: &Pairing,
    number: usize,
    mapping: &CompiledMapping,
    side: Side,
    reads: [&Read; 2],
    was_blocked: impl Fn(Side) -> Option<&'b Blocked>,
) -> bool {
    let fields = |side: Side| &reads[index(side)].record.fields;
    let value = mapping.read(side.other(), fields(side.other()));
    let current = mapping.read(side, fields(side));
    let raw = mapping.put(side, &value, fields(side));
    let same = match side {
        Side::Left => mapping.agrees(&current, &value),
        Side::Right => mapping.agrees(&value, &current),
    };
    if raw.is_empty() || same {
        return false;
    }
    let value_hash = hash_of(&raw);
    plan.held.push(Held {
        mapping: number,
        side,
        reason: CLOSED.to_owned(),
        value_hash,
        known: was_blocked(side).is_some_and(|row| {
            row.value_hash == value_hash && row.schema_hash == pairing.end(side).schema_hash
        }),
        awaits: None,
        asks: None,
    });
    true
}

/// The record that this side names and that has to be linked first.
pub(crate) fn awaited(
    pairing: &Pairing,
    mapping: &CompiledMapping,
    side: Side,
    fields: &Fields,
) -> Option<Awaited> {
    Some(Awaited {
        entity: mapping.refers_to()?,
        side,
        record: mapping.unlinked(side, fields)?,
        wakes: pairing.end(Side::Left).connection.clone(),
    })
}

/// The rule that the journal gives for what was put back.
pub(crate) const UNDONE: &str = "undone by a person";

impl Back {
    /// What is to be written where, by what both sides mean now.
    fn steps(&self, now: &[Field; 2]) -> Vec<(Side, Field)> {
        if *now != self.expected {
            return Vec::new();
        }
        Side::BOTH
            .into_iter()
            .filter(|side| now[index(*side)] != self.values[index(*side)])
            .map(|side| (side, self.values[index(side)].clone()))
            .collect()
    }
}

fn forced(side: Side, now: &[Field; 2]) -> Decision {
    let value = &now[index(side)];
    let other = &now[index(side.other())];
    if !value.is_known() || !other.is_known() {
        Decision::Wait { side }
    } else if value == other {
        Decision::Agree
    } else {
        Decision::Write {
            to: side.other(),
            value: value.clone(),
            loser: other.value().cloned(),
            why: Why::Owner,
        }
    }
}

/// The time in which a change that we see now was made.
pub(crate) fn interval(last_seen_unchanged: Timestamp, read: &Read) -> Interval {
    let first_seen_changed = read
        .modified
        .map_or(read.as_of, |modified| modified.min(read.as_of));
    Interval {
        after: Some(last_seen_unchanged.min(first_seen_changed)),
        until: first_seen_changed,
    }
}

/// Why one value went over another, for the journal.
pub(crate) fn why_in_words(why: Why) -> &'static str {
    match why {
        Why::OnlyChange => "the only change",
        Why::Owner => "its side owns the field",
        Why::Newer => "proven to be newer",
        Why::Stricter => "it refuses what the other side allowed",
        Why::NotEmpty => "the other side had no value",
        Why::PutBack => "one-way: the source's value was put back",
        Why::Aligned => "aligned at the first link",
        Why::Merged => "both sides' changes merged",
    }
}

fn reason_in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::BothChanged => "both sides were changed",
        Reason::NotAligned => "the sides differ and there is no base yet",
        Reason::TargetEdited => "the target of a one-way mapping was edited",
    }
}

impl PairPlan {
    /// Whether nothing is to be written.
    pub(crate) fn writes_nothing(&self) -> bool {
        self.moves.is_empty() && self.ids.iter().all(Option::is_none)
    }

    /// All raw fields that change on one side, by what it and the other side hold. Mappings that share a field build on each other.
    pub(crate) fn raw(
        &self,
        pairing: &Pairing,
        side: Side,
        [current, source]: [&Fields; 2],
    ) -> Fields {
        let mappings = pairing.compiled.mappings();
        let values = self
            .moves
            .iter()
            .filter_map(|step| Some((&mappings[step.mapping], step.values[index(side)].as_ref()?)));
        pairing.compiled.put_all(side, values, current, source)
    }

    /// The change to send to one side, if there is one.
    pub(crate) fn change(
        &self,
        pairing: &Pairing,
        side: Side,
        [current, source]: [&Record; 2],
    ) -> Option<Change> {
        let mut set = Fields::new();
        let mut sets = BTreeMap::new();
        for (name, field) in self.raw(pairing, side, [&current.fields, &source.fields]) {
            match delta(current.fields.get(name.as_str()), &field) {
                Some(delta) => {
                    sets.insert(name, delta);
                }
                None => set.set(name, field),
            }
        }
        for (name, id) in self.ids[index(side)].iter().flat_map(Fields::iter) {
            set.set(name.clone(), id.clone());
        }
        (!set.is_empty() || !sets.is_empty()).then(|| Change {
            current: current.clone(),
            set,
            sets,
        })
    }
}

/// What comes and goes, where the field is a set.
fn delta(current: &Field, new: &Field) -> Option<SetDelta> {
    let empty = BTreeSet::new();
    let as_set = |field: &'_ Field| match field {
        Field::Value(Value::Set(set)) => Some(set.clone()),
        _ => None,
    };
    let (old, new) = match (as_set(current), as_set(new)) {
        (None, None) => return None,
        (old, new) => (old.unwrap_or_else(|| empty.clone()), new.unwrap_or(empty)),
    };
    Some(SetDelta {
        add: new.difference(&old).cloned().collect(),
        remove: old.difference(&new).cloned().collect(),
    })
}

/// A hash of raw values by which a refused value is recognised, the same in every version of Tandem.
pub(crate) fn hash_of(fields: &Fields) -> u64 {
    mark_of(fields)
}

/// A hash of what is stored as JSON, the same in every version of Tandem.
fn mark_of(value: &impl serde::Serialize) -> u64 {
    let text =
        serde_json::to_string(value).expect("values and losses are JSON: their keys are text");
    fnv(text.bytes())
}

/// FNV-1a, 64 bits.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Whether the base of a link belongs to this mapping as it is now.
pub(crate) fn has_base(link: &Link, mapping: &CompiledMapping) -> bool {
    link.revisions.get(mapping.id()) == Some(&revision(mapping))
}

/// A mapping's revision as links keep it: the same in every version of Tandem.
pub(crate) fn revision(mapping: &CompiledMapping) -> u64 {
    fnv(mapping.revision().bytes())
}
