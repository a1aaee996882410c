//! Linked pairs: read, decided about, and what is left out before anything is written.

use connector::{Effect, Fetched};
use futures::future::join;
use record::{FieldName, Side};
use store::{
    Blocked, Claim, Commit, Link, LinkState, ReviewFilter, ReviewKind, ReviewState, SkipReason,
};

use super::{ClaimEnd, Couple, Desk, Questions, SCHEMA_WAIT, cause_of, is_too_old};
use crate::{
    Error,
    decide::{Overrides, PairPlan, as_last_seen, decide},
    gone,
    pair::{Pairing, index},
    references,
    settle::{contested, underway},
};

impl Desk<'_> {
    /// Reads, decides, writes and settles linked pairs. Their records are locked by the caller.
    pub(crate) async fn pairs(
        &mut self,
        pairs: Vec<(Claim, Link)>,
        overrides: &Overrides,
    ) -> Result<(), Error> {
        let mut pairs = pairs.into_iter().peekable();
        let size = self.pairs_at_once();
        while pairs.peek().is_some() {
            let some = pairs.by_ref().take(size).collect();
            self.pairs_read(some, overrides).await?;
        }
        Ok(())
    }

    /// How many pairs are read before they are written: no more than the slower system takes while the readings
    /// are fresh, beside what the other workers have read.
    fn pairs_at_once(&self) -> usize {
        let pace = Side::BOTH
            .into_iter()
            .filter_map(|side| {
                let end = self.pairing.end(side);
                let rate = self.core.connections.rate(&end.connection).ok().flatten()?;
                #[expect(clippy::cast_precision_loss, reason = "a batch is a small number")]
                let records = rate * end.description.write_batch as f64;
                Some(records)
            })
            .min_by(f64::total_cmp);
        self.core.options.written_within(pace)
    }

    async fn pairs_read(
        &mut self,
        pairs: Vec<(Claim, Link)>,
        overrides: &Overrides,
    ) -> Result<(), Error> {
        let cause = cause_of(&pairs[0].0);
        let ids = Side::BOTH.map(|side| {
            pairs
                .iter()
                .map(|(_, link)| link.record(side).clone())
                .collect::<Vec<_>>()
        });
        let (left, right) = join(
            self.fetch_or_share(Side::Left, &ids[0], &cause),
            self.fetch_or_share(Side::Right, &ids[1], &cause),
        )
        .await;
        let mut found = [left?, right?];
        let mut both = Vec::with_capacity(pairs.len());
        for (claim, link) in pairs {
            let sides = Side::BOTH.map(|side| found[index(side)].remove(link.record(side)));
            match sides {
                [Some(Fetched::Found(left)), Some(Fetched::Found(right))] => {
                    let read = if self.side == Side::Left {
                        &left
                    } else {
                        &right
                    };
                    if is_too_old(&claim, read) {
                        self.end(
                            &claim.record,
                            ClaimEnd::Again {
                                after: Some(std::time::Duration::from_secs(2)),
                                error: Some(
                                    "the reading was older than the signal that asked for it"
                                        .to_owned(),
                                ),
                            },
                        );
                    } else {
                        self.share(read);
                        both.push(Couple {
                            claim,
                            link,
                            reads: [*left, *right],
                            taken_up: Vec::new(),
                        });
                    }
                }
                sides => {
                    let failed = sides.iter().find_map(|fetched| match fetched {
                        Some(Fetched::Failed(_, error)) => Some(error.to_string()),
                        None => Some("the connector gave no outcome for a record".to_owned()),
                        _ => None,
                    });
                    match failed {
                        Some(error) => {
                            let end = self.again(&Side::BOTH, Effect::Read, error);
                            self.end(&claim.record, end);
                        }
                        None if self.permit.is_some() => {
                            self.leave_out(&claim.record, "one of the two is not there any more");
                            self.end(&claim.record, ClaimEnd::Settled);
                        }
                        None => gone::vanished(self, claim, link, sides).await?,
                    }
                }
            }
        }
        self.couples(both, overrides).await
    }

    /// Decides and writes pairs of which both readings are at hand.
    pub(crate) async fn couples(
        &mut self,
        couples: Vec<Couple>,
        overrides: &Overrides,
    ) -> Result<(), Error> {
        if couples.is_empty() {
            return Ok(());
        }
        let mut couples = self.in_scope(couples);
        for couple in &mut couples {
            let records = Side::BOTH.map(|side| (side, couple.link.record(side)));
            couple.claim.cause = self.carried(&records, couple.claim.cause.take());
            as_last_seen(&couple.link, &mut couple.reads);
        }
        let Questions {
            blocked,
            asked,
            resting,
        } = self.open_questions(&couples).await?;
        let fields: Vec<_> = couples.iter().flat_map(Couple::fields).collect();
        let known = references::known(self.core, self.pairing, &fields).await?;
        drop(fields);
        let mut plans = Vec::with_capacity(couples.len());
        let mut kept = Vec::with_capacity(couples.len());
        for mut couple in couples {
            couple.taken_up = underway::take_up(
                &known,
                &mut couple.link,
                [&couple.reads[0], &couple.reads[1]],
                self.core.clock.now(),
                &cause_of(&couple.claim),
                self.run,
            );
            let of_link: Vec<Blocked> = blocked
                .iter()
                .filter(|row| row.link == couple.link.id)
                .cloned()
                .collect();
            let plan = decide(
                &known,
                &couple.link,
                &couple.reads[0],
                &couple.reads[1],
                &of_link,
                overrides,
            );
            let Some(mut plan) = self.permits_pair(&known, &couple, plan) else {
                self.end(&couple.claim.record, ClaimEnd::Settled);
                continue;
            };
            if overrides.is_empty() {
                for review in self.rest_circles(&couple, &mut plan, &resting).await? {
                    self.count("circles", 1);
                    self.review(review);
                }
            }
            if overrides.is_empty() && self.may_have_lost_a_field(&couple, &plan) {
                self.core.doubt_schemas();
                self.end(
                    &couple.claim.record,
                    ClaimEnd::Again {
                        after: Some(SCHEMA_WAIT),
                        error: None,
                    },
                );
                continue;
            }
            kept.push(couple);
            plans.push(plan);
        }
        let (mut kept, plans) = self.without_emptied(&known, kept, plans).await?;
        if !self.within_limits(&kept, &plans).await? {
            return Ok(());
        }
        self.keep_underway(&known, &mut kept, &plans).await?;
        let written = self.write_all(&known, &kept, &plans).await?;
        self.time_writes(&kept, &written);
        let after = self.read_back(&kept, &written).await?;
        for read in after[index(self.side)].values() {
            self.share(read);
        }
        for (number, (couple, plan)) in kept.into_iter().zip(&plans).enumerate() {
            self.settle_couple(
                &known,
                couple,
                plan,
                [0, 1].map(|at| written[at].get(&number)),
                [0, 1].map(|at| after[at].get(&number)),
                &asked,
            );
        }
        Ok(())
    }

    /// Leaves out pairs that would lose the name of a record at one side because it was deleted at the other.
    async fn without_emptied(
        &mut self,
        known: &Pairing,
        couples: Vec<Couple>,
        plans: Vec<PairPlan>,
    ) -> Result<(Vec<Couple>, Vec<PairPlan>), Error> {
        if known.compiled.references().next().is_none() {
            return Ok((couples, plans));
        }
        let emptied = references::emptied(self.core, known, self.lane, &couples, &plans).await?;
        self.commit.signals.extend(emptied.signals);
        let mut kept = Vec::with_capacity(plans.len());
        for (number, (couple, plan)) in couples.into_iter().zip(plans).enumerate() {
            match emptied.plans.get(&number) {
                Some(why) => self.end(
                    &couple.claim.record,
                    ClaimEnd::Again {
                        after: None,
                        error: Some(why.clone()),
                    },
                ),
                None => kept.push((couple, plan)),
            }
        }
        Ok(kept.into_iter().unzip())
    }

    /// Whether a custom field that had a value reads as empty, and it is not known whether it is still
    /// there: vendors leave out of an answer both what is empty and what an administrator has switched
    /// off. Before anything is cleared for it, the schema is read after the signal that told of it.
    fn may_have_lost_a_field(&self, couple: &Couple, plan: &PairPlan) -> bool {
        let vanished = |side: Side, name: &FieldName| {
            let name = name.as_str();
            *couple.reads[index(side)].record.fields.get(name) == record::Field::Empty
                && couple.link.base(side).get(name).value().is_some()
                && self
                    .pairing
                    .end(side)
                    .schema
                    .field(name)
                    .is_some_and(|field| field.custom)
        };
        plan.moves.iter().any(|step| {
            let mapping = &self.pairing.compiled.mappings()[step.mapping];
            Side::BOTH
                .into_iter()
                .any(|side| mapping.fields(side).iter().any(|name| vanished(side, name)))
        }) && !self
            .core
            .knows_schemas_since(&self.pairing.sync, couple.claim.last_signalled)
    }

    /// Pairs that left the scope sleep with their base; those that came back are awake again.
    fn in_scope(&mut self, couples: Vec<Couple>) -> Vec<Couple> {
        let mut inside = Vec::with_capacity(couples.len());
        for mut couple in couples {
            let outside = Side::BOTH.into_iter().any(|side| {
                self.pairing
                    .compiled
                    .in_scope(side, &couple.reads[index(side)].record.fields)
                    == Some(false)
            });
            if !outside {
                couple.link.state = LinkState::Active;
                inside.push(couple);
                continue;
            }
            self.count("out_of_scope", 1);
            let note = "the link sleeps until it is inside again";
            self.skip(&couple.claim.record, SkipReason::OutOfScope, note);
            if couple.link.state != LinkState::Suspended {
                couple.link.state = LinkState::Suspended;
                self.commit.links.push(couple.link);
            }
        }
        inside
    }

    /// Blocked fields and open conflict reviews of these pairs.
    async fn open_questions(&self, couples: &[Couple]) -> Result<Questions, Error> {
        let known: Vec<_> = couples
            .iter()
            .filter(|couple| !couple.link.revisions.is_empty())
            .collect();
        if known.is_empty() {
            return Ok(Questions::default());
        }
        let links: Vec<_> = known.iter().map(|couple| couple.link.id).collect();
        let blocked = self
            .core
            .store
            .blocked(&self.core.workspace, &self.pairing.sync, Some(&links))
            .await?;
        let reviews = self
            .core
            .store
            .reviews(
                &self.core.workspace,
                &ReviewFilter {
                    sync: Some(self.pairing.sync.clone()),
                    records: Some(
                        known
                            .iter()
                            .map(|couple| couple.link.left.clone())
                            .collect(),
                    ),
                    ..ReviewFilter::default()
                },
            )
            .await?;
        let mut questions = Questions {
            blocked,
            ..Questions::default()
        };
        for review in reviews {
            let is_open = matches!(review.state, ReviewState::Open | ReviewState::Postponed);
            match review.kind {
                kind @ (ReviewKind::Conflict | ReviewKind::Lossy) if is_open => {
                    questions.asked.insert((kind, review.subject))
                }
                ReviewKind::Circle if is_open => questions.resting.insert(review.subject),
                _ => false,
            };
        }
        Ok(questions)
    }

    /// Stores what is about to be written: with its link, so that the next look knows it as our own write whatever
    /// becomes of this process, and in the journal where no base would tell of it afterwards.
    async fn keep_underway(
        &self,
        known: &Pairing,
        couples: &mut [Couple],
        plans: &[PairPlan],
    ) -> Result<(), Error> {
        let now = self.core.clock.now();
        let mut commit = Commit::default();
        for (couple, plan) in couples.iter_mut().zip(plans) {
            let reads = [&couple.reads[0], &couple.reads[1]];
            let cause = cause_of(&couple.claim);
            let rows = contested(known, &couple.link, reads, plan, now, &cause, self.run);
            commit.journal.extend(rows);
            if underway::begin(known, &mut couple.link, reads, plan) {
                // What was taken up moved the base: its rows go with it.
                commit.journal.append(&mut couple.taken_up);
                commit.links.push(couple.link.clone());
            }
        }
        if commit.journal.is_empty() && commit.links.is_empty() {
            return Ok(());
        }
        self.core.commit(commit).await
    }
}
