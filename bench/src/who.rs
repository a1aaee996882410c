//! Who is who, against the truth: two populations are matched as a first sync matches them, and every link and every
//! question is held against who the records really are.
//!
//! The truth comes with the people: from the sandbox's generator, or from `truth.csv` beside the files of a folder
//! (`person,system,row,note`; rows count from 0).

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    time::Instant,
};

use anyhow::{Context as _, Result};
use matching::{
    Candidate, Choice, Facts, IdentityKey, MatchRules, Person, Verdict, choose, compare, confirm,
    is_spoken_for,
};
use record::{Country, Locale, date, email, phone};
use sandbox::people::{Plan, Population, Side, read_folder};
use serde_json::Value as Json;

use crate::{
    figures::{Figures, Target},
    process,
};

/// A record and who it is.
struct Known {
    truth: String,
    dirt: String,
    person: Person,
}

/// The records of one side.
struct Crowd {
    known: Vec<Known>,
    /// By a hash of the key: who shares it by chance is judged and found different.
    by_key: HashMap<u64, Vec<u32>>,
}

fn hashed(key: &IdentityKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Crowd {
    fn new(rows: impl IntoIterator<Item = (String, String, Json)>) -> Self {
        let known: Vec<Known> = rows
            .into_iter()
            .map(|(truth, dirt, record)| Known {
                truth,
                dirt,
                person: Person::new(facts(&record)),
            })
            .collect();
        let mut by_key = HashMap::<u64, Vec<u32>>::new();
        for (at, one) in (0..).zip(&known) {
            for key in one.person.keys() {
                by_key.entry(hashed(&key)).or_default().push(at);
            }
        }
        Self { known, by_key }
    }

    fn sharing(&self, keys: &[IdentityKey]) -> Vec<usize> {
        let mut all: Vec<usize> = keys
            .iter()
            .filter_map(|key| self.by_key.get(&hashed(key)))
            .flatten()
            .map(|at| *at as usize)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn judged(
        &self,
        person: &Person,
        keys: &[IdentityKey],
        links: &[Option<usize>],
        rules: &MatchRules,
    ) -> Vec<Candidate<usize>> {
        self.sharing(keys)
            .into_iter()
            .map(|id| Candidate {
                id,
                verdict: compare(person, &self.known[id].person, rules),
                linked: links[id].is_some(),
            })
            .collect()
    }
}

/// What came out for two sides.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) records: usize,
    /// Pairs of records that are one person.
    pub(crate) pairs: usize,
    /// Of these, how many people are linked with the record or asked about.
    pub(crate) linked: usize,
    pub(crate) asked: usize,
    /// Who was not found, with what is wrong about the two.
    pub(crate) missed: Vec<String>,
    /// Links between two people, with what is wrong about the two.
    pub(crate) wrong: Vec<String>,
    /// Records about which a person is asked.
    pub(crate) questions: usize,
    /// Records that wait for the answer to the question about another one.
    pub(crate) waiting: usize,
    /// What the questions are about, and whether the two are one person.
    pub(crate) asked_about: Vec<(String, bool)>,
}

impl Outcome {
    pub(crate) fn found(&self) -> f64 {
        share(self.linked + self.asked, self.pairs)
    }

    pub(crate) fn in_review(&self) -> f64 {
        share(self.questions, self.records)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        100.0 * part as f64 / whole as f64
    }
}

/// Matches two sides as a first sync does: the left in its order, then who is left over on the right.
fn matched(left: &Crowd, right: &Crowd, rules: &MatchRules) -> Outcome {
    let sides = [left, right];
    let mut links = [vec![None; left.known.len()], vec![None; right.known.len()]];
    // pairs that a question names
    let mut asked = HashSet::<(usize, usize)>::new();
    let mut asking = HashSet::<(usize, usize)>::new();
    // who stands to choose in a question
    let mut named = HashSet::<(usize, usize)>::new();
    let mut waiting = 0;
    let is_twin = |rival: &Candidate<usize>| matches!(rival.verdict, Verdict::Same { .. });
    for (here, there) in [(0, 1), (1, 0)] {
        for (own, seeker) in sides[here].known.iter().enumerate() {
            if links[here][own].is_some() {
                continue;
            }
            let sought = seeker.person.sought();
            let rivals = || -> Vec<Candidate<usize>> {
                let mut all = sides[here].judged(&seeker.person, &sought, &links[here], rules);
                all.retain(|rival| rival.id != own);
                all
            };
            let mut candidates = sides[there].judged(&seeker.person, &sought, &links[there], rules);
            candidates.retain(|candidate| {
                let known = &sides[there].known[candidate.id].person;
                let verdicts: Vec<Verdict> = rivals()
                    .iter()
                    .map(|rival| compare(&sides[here].known[rival.id].person, known, rules))
                    .collect();
                !is_spoken_for(&candidate.verdict, &verdicts)
            });
            let choice = match choose(candidates) {
                Choice::Link(candidate) => {
                    let rivals = rivals().into_iter().filter(|rival| !rival.linked);
                    confirm(Choice::Link(candidate), rivals.collect::<Vec<_>>())
                }
                Choice::None => {
                    let twins: Vec<_> = rivals().into_iter().filter(is_twin).collect();
                    let first = twins.iter().all(|twin| !twin.linked && own < twin.id);
                    if twins.is_empty() || first {
                        Choice::None
                    } else {
                        Choice::Review(Vec::new())
                    }
                }
                choice => choice,
            };
            let pair = |other: usize| {
                if here == 0 {
                    (own, other)
                } else {
                    (other, own)
                }
            };
            match choice {
                Choice::Link(candidate) => {
                    links[there][candidate.id] = Some(own);
                    links[here][own] = Some(candidate.id);
                }
                Choice::Review(candidates) => {
                    // One question at a time: whoever shares it waits for its answer.
                    let mut beside: Vec<(usize, usize)> = candidates
                        .iter()
                        .map(|candidate| (there, candidate.id))
                        .collect();
                    let twins = rivals().into_iter().filter(is_twin);
                    beside.extend(twins.map(|twin| (here, twin.id)));
                    asked.extend(candidates.iter().map(|candidate| pair(candidate.id)));
                    let is_asked = beside.iter().any(|record| asking.contains(record))
                        || candidates
                            .iter()
                            .any(|candidate| named.contains(&(there, candidate.id)));
                    if is_asked {
                        waiting += 1;
                    } else {
                        asking.insert((here, own));
                        named.extend(candidates.iter().map(|candidate| (there, candidate.id)));
                    }
                }
                Choice::None => {}
            }
        }
    }
    held(left, right, &links[0], &asked, (asking.len(), waiting))
}

/// Holds what came out against the truth.
fn held(
    left: &Crowd,
    right: &Crowd,
    links: &[Option<usize>],
    asked: &HashSet<(usize, usize)>,
    (questions, waiting): (usize, usize),
) -> Outcome {
    let mut outcome = Outcome {
        records: left.known.len() + right.known.len(),
        questions,
        waiting,
        ..Outcome::default()
    };
    let mut by_person = HashMap::<&str, Vec<usize>>::new();
    for (at, known) in right.known.iter().enumerate() {
        by_person.entry(&known.truth).or_default().push(at);
    }
    for (at, other) in asked {
        let (one, two) = (&left.known[*at], &right.known[*other]);
        let verdict = compare(&one.person, &two.person, &MatchRules::default());
        let linked = if links[*at].is_some() {
            ", linked otherwise"
        } else {
            ""
        };
        let sort = match verdict {
            Verdict::Same { .. } => "same",
            Verdict::Doubtful { .. } => "doubtful",
            Verdict::Different { .. } => "different",
        };
        outcome.asked_about.push((
            format!("{sort}: {}{linked}", matching::explain(verdict.findings())),
            one.truth == two.truth,
        ));
    }
    let describe = |at: usize, other: usize| {
        let (one, two) = (&left.known[at], &right.known[other]);
        let verdict = compare(&one.person, &two.person, &MatchRules::default());
        format!(
            "{at} [{}] and {other} [{}]: {}",
            one.dirt,
            two.dirt,
            matching::explain(verdict.findings())
        )
    };
    for (at, known) in left.known.iter().enumerate() {
        if let Some(other) = links[at].filter(|other| right.known[*other].truth != known.truth) {
            outcome.wrong.push(describe(at, other));
        }
        for other in by_person.get(known.truth.as_str()).into_iter().flatten() {
            outcome.pairs += 1;
            let same = |link: &Option<usize>| {
                link.is_some_and(|link| right.known[link].truth == known.truth)
            };
            if links[at] == Some(*other) {
                outcome.linked += 1;
            } else if asked.contains(&(at, *other)) {
                outcome.asked += 1;
            } else if same(&links[at]) {
                // a second record of one person, on the other side: it has a question of its own, or it is the one linked
                outcome.asked += 1;
            } else {
                outcome.missed.push(describe(at, *other));
            }
        }
    }
    outcome
}

/// What a record in the shape of a create call says about who it is.
fn facts(record: &Json) -> Facts {
    let text = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| record.pointer(key)?.as_str())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let country = text(&["/country", "/Land", "/address/country"]);
    let germany = Country::parse("DE").expect("a country");
    let locale = Locale::new(germany).residing(country.as_deref().and_then(Country::parse));
    let (first_name, last_name) = match text(&["/name"]) {
        Some(name) => match name.rsplit_once(' ') {
            Some((first, last)) => (Some(first.to_owned()), Some(last.to_owned())),
            None => (None, Some(name)),
        },
        None => (
            text(&["/firstName", "/Vorname"]),
            text(&["/lastName", "/Name"]),
        ),
    };
    Facts {
        emails: text(&["/email"])
            .map(|raw| email::canonical(&raw))
            .into_iter()
            .collect(),
        phones: text(&["/phone"])
            .map(|raw| phone::read(&raw, &locale).into_text())
            .into_iter()
            .collect(),
        first_name,
        last_name,
        birthday: text(&["/dateOfBirth", "/Geburtsdatum"]).and_then(|raw| date::parse(&raw)),
        postcode: text(&["/postalCode", "/Plz", "/address/zip"]),
        street: text(&["/address1", "/Strasse", "/address/street"]),
        company: text(&["/companyName", "/Zusatz1"]),
        external: Vec::new(),
    }
}

fn generated(plan: &Plan) -> [Crowd; 3] {
    Side::ALL.map(|side| {
        Crowd::new(Population::one_side(plan, side).into_iter().map(|row| {
            let dirt: Vec<String> = row.dirt.iter().map(ToString::to_string).collect();
            (row.person.to_string(), dirt.join(" "), row.record)
        }))
    })
}

fn from_folder(folder: &Path) -> Result<[Crowd; 3]> {
    let files = read_folder(folder)?;
    let path = folder.join("truth.csv");
    let truth =
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let mut known = HashMap::<(String, usize), (String, String)>::new();
    for (number, line) in truth.lines().enumerate().skip(1) {
        let mut parts = line.splitn(4, ',');
        let mut part = || {
            parts
                .next()
                .map(str::to_owned)
                .with_context(|| format!("{} line {}: four columns", path.display(), number + 1))
        };
        let (person, system, row, note) = (part()?, part()?, part()?, part()?);
        known.insert((system, row.parse()?), (person, note));
    }
    let crowd = |side: Side| {
        let lines = files
            .get(&side)
            .map(|file| file.lines.as_slice())
            .unwrap_or_default();
        let rows = lines.iter().enumerate().map(|(row, line)| {
            let unknown = || (format!("nobody knows: {side} {row}"), String::new());
            let (person, note) = known
                .get(&(side.as_str().to_owned(), row))
                .cloned()
                .unwrap_or_else(unknown);
            (person, note, line.record.clone())
        });
        Crowd::new(rows)
    };
    Ok(Side::ALL.map(crowd))
}

const COUPLES: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

fn report(figures: &mut Figures, name: &str, outcome: &Outcome, verbose: bool) {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let number = |count: usize| count as f64;
    figures.note(
        format!("{name}: pairs that are one person"),
        number(outcome.pairs),
        "",
    );
    figures.note(format!("{name}: linked"), number(outcome.linked), "");
    figures.judge(
        format!("{name}: wrong links"),
        number(outcome.wrong.len()),
        "",
        Target::AtMost(0.0),
    );
    figures.judge(
        format!("{name}: linked or asked"),
        outcome.found(),
        "%",
        Target::AtLeast(97.0),
    );
    figures.judge(
        format!("{name}: records in review"),
        outcome.in_review(),
        "%",
        Target::AtMost(5.0),
    );
    figures.note(
        format!("{name}: records that wait for the answer about another"),
        share(outcome.waiting, outcome.records),
        "%",
    );
    if verbose {
        for wrong in &outcome.wrong {
            eprintln!("{name} wrong: {wrong}");
        }
        let mut counts = std::collections::BTreeMap::<_, usize>::new();
        for asked in &outcome.asked_about {
            *counts.entry(asked).or_default() += 1;
        }
        for ((what, rightly), count) in counts {
            let rightly = if *rightly { "one" } else { "two" };
            eprintln!("{name} asked: {count} x {rightly}: {what}");
        }
        for missed in &outcome.missed {
            eprintln!("{name} missed: {missed}");
        }
    }
}

/// Matches the people of a folder, or of ten seeds, and then two sides of `large` people.
pub(crate) fn run(folder: Option<&Path>, large: usize, verbose: bool) -> Result<Vec<Figures>> {
    let rules = MatchRules::default();
    let mut all = Vec::new();
    let mut judged = |title: String, crowds: &[Crowd; 3]| {
        let mut figures = Figures::new(title);
        for (left, right) in COUPLES {
            let name = format!("{} and {}", Side::ALL[left], Side::ALL[right]);
            let outcome = matched(&crowds[left], &crowds[right], &rules);
            report(&mut figures, &name, &outcome, verbose);
        }
        all.push(figures);
    };
    match folder {
        Some(folder) => judged(
            format!("Who is who in {}", folder.display()),
            &from_folder(folder)?,
        ),
        None => {
            for seed in 1..=5 {
                judged(
                    format!("Who is who, seed {seed}"),
                    &generated(&plan(seed, 1_000)),
                );
            }
        }
    }
    if large > 0 {
        let population = Plan {
            officernd_percent: 0,
            officernd_only: 0,
            ..plan(77, large)
        };
        let crowds = generated(&population);
        let started = Instant::now();
        let outcome = matched(&crowds[0], &crowds[1], &rules);
        let mut figures = Figures::new(format!(
            "{} and {} records",
            crowds[0].known.len(),
            crowds[1].known.len()
        ));
        figures.judge(
            "seconds for judging all of them",
            started.elapsed().as_secs_f64(),
            "s",
            Target::AtMost(60.0),
        );
        figures.judge(
            "peak memory, people and all",
            process::Cost::of(std::process::id())?.peak,
            "MB",
            Target::AtMost(500.0),
        );
        report(&mut figures, "all", &outcome, verbose);
        all.push(figures);
    }
    Ok(all)
}

/// Half of the people on both sides, the rest on one.
fn plan(seed: u64, people: usize) -> Plan {
    Plan {
        seed,
        both: people / 2,
        highlevel_only: people / 2,
        onoffice_only: people / 2,
        officernd_percent: 35,
        officernd_only: people / 5,
        duplicate_percent: 3,
        dirty: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_taken_for_somebody_else_and_few_are_missed_whatever_the_seed() {
        const SEEDS: std::ops::Range<u64> = 100..110;
        for (left, right) in COUPLES {
            let (mut found, mut in_review, mut pairs) = (0.0, 0.0, 0.0);
            for seed in SEEDS {
                let crowds = generated(&plan(seed, 400));
                let outcome = matched(&crowds[left], &crowds[right], &MatchRules::default());
                assert!(outcome.pairs > 50, "{outcome:?}");
                assert!(
                    outcome.wrong.is_empty(),
                    "seed {seed}: {:#?}",
                    outcome.wrong
                );
                // so few people leave much to chance
                assert!(
                    outcome.found() >= 95.0,
                    "seed {seed}: {:#?}",
                    outcome.missed
                );
                let of_all = outcome.pairs as f64;
                found += outcome.found() * of_all;
                in_review += outcome.in_review() * of_all;
                pairs += of_all;
            }
            assert!(found / pairs >= 97.0, "{left} {right}: {} %", found / pairs);
            assert!(
                in_review / pairs <= 5.0,
                "{left} {right}: {} % asked about",
                in_review / pairs
            );
        }
    }
}
