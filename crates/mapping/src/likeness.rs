//! Whether two records that belong to the same record are one: a task, a note, an appointment, an opportunity has no address and no
//! number to be known by, so what it says and when has to tell.
//!
//! One record is what says the same at the same time. Which mappings say what follows from their kinds: the first text is what it
//! is called, the first moment or day is when it is, and where there is none, what it stands at (a stage, a status). Where
//! there is neither, it is the day on which it was made. What only comes near is for a person to say.

use jiff::{SignedDuration, Timestamp};
use record::{Field, Fields, Kind, Side, Sides, Value, fold};

use crate::{CompiledEntity, CompiledMapping, lens::Lens};

/// How alike two records are that belong to the same record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// They are one: what agrees.
    Same(&'static str),
    /// They may be one: why it is not sure.
    Near(&'static str),
    /// They are two.
    Other,
}

/// Notes made within so long of each other were made on one day, whatever the zone.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Titles that are as alike as this may be one title with a slip of the pen (Jaro-Winkler).
const SLIP: f64 = 0.93;

/// What a mapping is to the likeness of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Words,
    Time,
    Standing,
}

/// How two values stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Equal,
    Neither,
    OneOnly,
    Differ,
}

impl CompiledMapping {
    fn tells(&self) -> Option<Tells> {
        match &self.lens {
            Lens::Scalar(scalar) => match scalar.domain.kind {
                Kind::Text | Kind::LongText | Kind::Html => Some(Tells::Words),
                Kind::Instant | Kind::Date => Some(Tells::Time),
                _ => None,
            },
            Lens::Choice(_) => Some(Tells::Standing),
            _ => None,
        }
    }

    fn compared(&self, fields: Sides<&Fields>) -> Compared {
        let [left, right] = Side::BOTH.map(|side| self.read(side, fields.get(side)));
        match (left.value().is_some(), right.value().is_some()) {
            (false, false) => Compared::Neither,
            (true, true) if self.agrees(&left, &right) => Compared::Equal,
            (true, true) => Compared::Differ,
            _ => Compared::OneOnly,
        }
    }

    /// What each side says, without the habits of spelling.
    fn words(&self, fields: Sides<&Fields>) -> [String; 2] {
        Side::BOTH.map(|side| match self.read(side, fields.get(side)) {
            Field::Value(Value::Text(text)) => fold::name(&text),
            _ => String::new(),
        })
    }
}

impl CompiledEntity {
    /// How alike two records are that belong to the same record. `made` is when each was made, as far as its system says so.
    pub fn likeness(&self, fields: Sides<&Fields>, made: Sides<Option<Timestamp>>) -> Likeness {
        let of = |wanted: Tells| {
            let all = self.mappings.iter();
            all.filter(move |mapping| mapping.tells() == Some(wanted))
        };
        let mut said = of(Tells::Words)
            .map(|mapping| mapping.words(fields))
            .filter(|words| words.iter().any(|words| !words.is_empty()));
        let Some([left, right]) = said.next() else {
            return Likeness::Other;
        };
        let contradicts =
            said.any(|[left, right]| !left.is_empty() && !right.is_empty() && left != right);
        let times: Vec<Compared> = of(Tells::Time)
            .map(|mapping| mapping.compared(fields))
            .collect();
        let standing: Vec<Compared> = of(Tells::Standing)
            .map(|mapping| mapping.compared(fields))
            .collect();
        let when = match (times.first(), standing.as_slice()) {
            (Some(when), _) => *when,
            (None, []) => made_on_one_day(made),
            (None, all) => all
                .iter()
                .copied()
                .find(|one| *one != Compared::Equal && *one != Compared::Neither)
                .unwrap_or(Compared::Equal),
        };
        let at_one_time = matches!(when, Compared::Equal | Compared::Neither);
        if left == right {
            return match (at_one_time, contradicts) {
                (true, false) if times.is_empty() && standing.is_empty() => {
                    Likeness::Same("the same words on the same day")
                }
                (true, false) if times.is_empty() => {
                    Likeness::Same("the same name at the same stage")
                }
                (true, false) => Likeness::Same("the same title at the same time"),
                (true, true) => Likeness::Near("the same title and time, and another text"),
                (false, _) => Likeness::Near("the same title, and another time or stage"),
            };
        }
        if when != Compared::Equal {
            return Likeness::Other;
        }
        // who meets one person from the same moment to the same moment hardly meets them twice
        if times.len() > 1 && times.iter().all(|one| *one == Compared::Equal) {
            return Likeness::Near("the same time, and another title");
        }
        if !times.is_empty() && strsim::jaro_winkler(&left, &right) >= SLIP {
            return Likeness::Near("the same time, and almost the same title");
        }
        Likeness::Other
    }
}

fn made_on_one_day(made: Sides<Option<Timestamp>>) -> Compared {
    match (made.left, made.right) {
        (Some(left), Some(right)) if left.duration_since(right).abs() < DAY => Compared::Equal,
        (Some(_), Some(_)) => Compared::Differ,
        _ => Compared::OneOnly,
    }
}
