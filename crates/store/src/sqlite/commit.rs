//! What a batch of reconciled records leaves behind, all of it or nothing.

use super::{
    blocking, children,
    fault::Outcome,
    intents, journal, ledger, links, listings, marks, questions, reviews,
    session::{Session, micros},
    signals, skipped, waiting,
};
use crate::Commit;

/// Stores a commit. What lets go comes before what takes: ended links before new ones, lifted
/// tombstones before set ones, settled claims before new signals of the same records.
pub(super) fn commit(session: &Session, ws: i64, commit: &Commit) -> Outcome<()> {
    let at = commit.at.map(micros);
    links::end(session, ws, &commit.ended, at)?;
    marks::lift(session, ws, &commit.lifted)?;
    marks::bury(session, ws, &commit.tombstones)?;
    let new = links::save(session, ws, &commit.links)?;
    blocking::change(session, ws, &commit.unblocked, &commit.blocked)?;
    skipped::forget(session, ws, &commit.unskipped, &commit.links)?;
    skipped::keep(session, ws, &commit.skipped)?;
    marks::forget(session, ws, &commit.undecided)?;
    marks::decide(session, ws, &commit.decisions)?;
    let mut closed = reviews::close(session, ws, &commit.closed_reviews, at)?;
    closed.extend(reviews::withdraw(session, ws, &commit.withdrawn, at)?);
    closed.extend(reviews::withdraw_linked(session, ws, &new, at)?);
    closed.extend(reviews::open(session, ws, &commit.reviews)?);
    intents::end(session, ws, &commit.intents)?;
    listings::forget(session, ws, &commit.gone)?;
    listings::keep(session, ws, &commit.snapshots)?;
    journal::append(session, ws, &commit.journal)?;
    signals::settle(session, ws, &commit.settled)?;
    signals::release(session, ws, &commit.released)?;
    signals::signal(session, ws, &commit.signals, commit.at)?;
    waiting::wake(session, ws, &commit.links, &commit.blocked, commit.at)?;
    children::forget(session, ws, &commit.gone)?;
    children::keep(session, ws, &commit.children)?;
    children::wake(session, ws, &commit.links, &commit.children, commit.at)?;
    questions::wake(session, ws, &closed, &commit.reviews, commit.at)?;
    if let Some((run, counts)) = &commit.run {
        ledger::count(session, ws, *run, counts)?;
    }
    ledger::add_meters(session, ws, &commit.meters)
}
