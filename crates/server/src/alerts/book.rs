//! What is wrong, what was told of it, and what is still to be told. Values in, values out.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Channel;

/// So many troubles that are over are kept.
const PAST: usize = 100;

/// Most messages that wait to be sent; the oldest go.
const WAITING: usize = 1_000;

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A connection fails, or needs a person.
    Connection,
    /// A sync stands still.
    Paused,
    /// A sync changed nothing for a long time.
    Idle,
    /// Many calls of a connection fail.
    Errors,
    /// A limit of a vendor that lasts for long is nearly used up.
    Quota,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Connection,
        Self::Paused,
        Self::Idle,
        Self::Errors,
        Self::Quota,
    ];

    /// The word in labels.
    fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Paused => "paused",
            Self::Idle => "idle",
            Self::Errors => "errors",
            Self::Quota => "quota",
        }
    }

    /// In words, with what it is about: the subject of a message.
    fn in_words(self, about: &str) -> String {
        match self {
            Self::Connection => format!("connection {about} needs attention"),
            Self::Paused => format!("sync {about} stands still"),
            Self::Idle => format!("nothing happens in sync {about}"),
            Self::Errors => format!("many calls of connection {about} fail"),
            Self::Quota => format!("the limit of connection {about} is nearly used up"),
        }
    }
}

/// Something that is wrong at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    /// The connection or sync.
    pub(crate) about: String,
    /// What is known, without secrets and values of records.
    pub(crate) why: String,
    pub(crate) since: Timestamp,
}

/// A trouble from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incident {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) about: String,
    pub(crate) why: String,
    pub(crate) since: Timestamp,
    /// When it had lasted long enough to be told.
    pub(crate) told: Option<Timestamp>,
    /// Since when it is not seen any more.
    pub(crate) clear: Option<Timestamp>,
}

/// Whether a message tells of a beginning or an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Begun,
    Over,
    Test,
}

/// A message that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// One for each trouble and word: a message that comes twice has the same.
    pub(crate) id: String,
    pub(crate) word: Word,
    pub(crate) channel: Channel,
    /// What it is about, as it was then; `None`: a test.
    pub(crate) incident: Option<Incident>,
    pub(crate) tries: u32,
    pub(crate) due: Timestamp,
    /// Why the last try failed.
    pub(crate) error: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    /// What is wrong, in the order in which it began.
    pub(crate) open: Vec<Incident>,
    /// What is over, the last first.
    pub(crate) past: Vec<Incident>,
    /// What is to be sent, in order.
    pub(crate) letters: Vec<Letter>,
}

impl Letter {
    pub(crate) fn new(
        word: Word,
        channel: Channel,
        incident: Option<Incident>,
        id: String,
        due: Timestamp,
    ) -> Self {
        Self {
            id,
            word,
            channel,
            incident,
            tries: 0,
            due,
            error: None,
        }
    }

    /// What it is about, in one line.
    pub(crate) fn subject(&self) -> String {
        match (&self.incident, self.word) {
            (None, _) | (_, Word::Test) => "Tandem: a test of alerts".to_owned(),
            (Some(incident), Word::Begun) => {
                format!("Tandem: {}", incident.kind.in_words(&incident.about))
            }
            (Some(incident), Word::Over) => {
                format!("Tandem: over: {}", incident.kind.in_words(&incident.about))
            }
        }
    }

    /// What it says.
    pub(crate) fn text(&self) -> String {
        match (&self.incident, self.word) {
            (None, _) | (_, Word::Test) => {
                "This is a test: alerts of Tandem arrive here.".to_owned()
            }
            (Some(incident), Word::Begun) => {
                format!("{}\n\nSince {}.", incident.why, incident.since)
            }
            (Some(incident), Word::Over) => {
                let until = incident
                    .clear
                    .map_or_else(String::new, |clear| format!(" It was over at {clear}."));
                format!("It began at {}: {}{until}", incident.since, incident.why)
            }
        }
    }
}

impl Book {
    /// How many troubles are there that were told, by kind.
    pub(crate) fn told(&self) -> [(&'static str, u64); Kind::ALL.len()] {
        Kind::ALL.map(|kind| {
            let told = self.open.iter();
            let told = told.filter(|open| open.kind == kind && open.told.is_some());
            (kind.word(), told.count() as u64)
        })
    }

    /// Takes in what is wrong now. A trouble is told once it has lasted for `after`, and its end once it has been over for so
    /// long: what comes and goes in between is one. Says whether anything changed that is to be kept.
    pub(crate) fn judge(
        &mut self,
        troubles: &[Trouble],
        now: Timestamp,
        after: SignedDuration,
        channels: &[Channel],
        mut id: impl FnMut() -> String,
    ) -> bool {
        let before = self.clone();
        for trouble in troubles {
            let known = self
                .open
                .iter_mut()
                .find(|open| open.kind == trouble.kind && open.about == trouble.about);
            match known {
                Some(open) => {
                    open.clear = None;
                    // what was told stays as it was told
                    if open.told.is_none() {
                        open.why.clone_from(&trouble.why);
                    }
                }
                None => self.open.push(Incident {
                    id: id().chars().take(16).collect(),
                    kind: trouble.kind,
                    about: trouble.about.clone(),
                    why: trouble.why.clone(),
                    since: trouble.since.min(now),
                    told: None,
                    clear: None,
                }),
            }
        }
        let mut letters = Vec::new();
        let mut over = Vec::new();
        self.open.retain_mut(|open| {
            let is_there = troubles
                .iter()
                .any(|trouble| trouble.kind == open.kind && trouble.about == open.about);
            if !is_there {
                let clear = *open.clear.get_or_insert(now);
                if open.told.is_some() && now.duration_since(clear) < after {
                    return true;
                }
                if open.told.is_some() {
                    letters.push((Word::Over, open.clone()));
                    over.push(open.clone());
                }
                return false;
            }
            if open.told.is_none() && now.duration_since(open.since) >= after {
                open.told = Some(now);
                letters.push((Word::Begun, open.clone()));
            }
            true
        });
        for (word, incident) in letters {
            for channel in channels {
                let name = match word {
                    Word::Begun => "begun",
                    Word::Over => "over",
                    Word::Test => "test",
                };
                let id = format!("{}-{name}", incident.id);
                let incident = Some(incident.clone());
                self.letters
                    .push(Letter::new(word, *channel, incident, id, now));
            }
        }
        over.append(&mut self.past);
        self.past = over;
        self.past.truncate(PAST);
        // who is told no more is sent nothing more
        self.letters
            .retain(|letter| channels.contains(&letter.channel));
        let surplus = self.letters.len().saturating_sub(WAITING);
        self.letters.drain(..surplus);
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Channel; 2] = [Channel::Email, Channel::Webhook];

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    fn paused() -> Trouble {
        Trouble {
            kind: Kind::Paused,
            about: "people".to_owned(),
            why: "by a person".to_owned(),
            since: at(0),
        }
    }

    fn judge(book: &mut Book, troubles: &[Trouble], minute: i64) -> Vec<(Word, Channel)> {
        let after = SignedDuration::from_mins(5);
        let mut number = 0;
        book.judge(troubles, at(minute), after, &BOTH, || {
            number += 1;
            format!("{minute}.{number}")
        });
        book.letters
            .drain(..)
            .map(|letter| (letter.word, letter.channel))
            .collect()
    }

    #[test]
    fn a_trouble_is_told_once_and_its_end_once() {
        let mut book = Book::default();
        let begun = [(Word::Begun, BOTH[0]), (Word::Begun, BOTH[1])];
        let over = [(Word::Over, BOTH[0]), (Word::Over, BOTH[1])];
        assert_eq!(judge(&mut book, &[paused()], 1), []);
        assert_eq!(judge(&mut book, &[paused()], 5), begun);
        assert_eq!(judge(&mut book, &[paused()], 6), []);
        // it comes and goes: that is one trouble
        assert_eq!(judge(&mut book, &[], 7), []);
        assert_eq!(judge(&mut book, &[paused()], 9), []);
        assert_eq!(judge(&mut book, &[], 10), []);
        assert_eq!(judge(&mut book, &[], 14), []);
        assert_eq!(judge(&mut book, &[], 15), over);
        assert_eq!(judge(&mut book, &[], 16), []);
        assert_eq!((book.open.len(), book.past.len()), (0, 1));
        assert_eq!(book.past[0].clear, Some(at(10)));
        // the next one is another
        let again = Trouble {
            since: at(20),
            ..paused()
        };
        assert_eq!(judge(&mut book, std::slice::from_ref(&again), 25), begun);
        assert_ne!(book.open[0].id, book.past[0].id);
        // what is known stays as it was told
        let other = Trouble {
            why: "over a limit".to_owned(),
            ..again
        };
        assert_eq!(judge(&mut book, &[other], 26), []);
        assert_eq!(book.open[0].why, "by a person");
    }

    #[test]
    fn what_is_over_before_it_lasted_is_told_to_nobody() {
        let mut book = Book::default();
        assert_eq!(judge(&mut book, &[paused()], 1), []);
        assert_eq!(judge(&mut book, &[], 4), []);
        assert_eq!(judge(&mut book, &[], 30), []);
        assert_eq!(book, Book::default());
    }

    #[test]
    fn who_is_told_no_more_gets_nothing_that_still_waits() {
        let mut book = Book::default();
        let none = SignedDuration::ZERO;
        assert!(book.judge(&[paused()], at(1), none, &BOTH, || "a".to_owned()));
        assert_eq!(book.letters.len(), 2);
        assert!(
            book.judge(&[paused()], at(2), none, &[Channel::Webhook], || "b"
                .to_owned())
        );
        assert_eq!(book.letters.len(), 1);
        assert_eq!(book.letters[0].id, "a-begun");
        assert!(
            !book.judge(&[paused()], at(3), none, &[Channel::Webhook], || "c"
                .to_owned())
        );
    }
}
