//! What every store promises. The tests know [`store::Store`] only; each database runs all of them.

pub(crate) mod access;
pub(crate) mod connections;
pub(crate) mod counts;
pub(crate) mod drafts;
pub(crate) mod durable;
pub(crate) mod intents;
pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod links;
pub(crate) mod listings;
pub(crate) mod pages;
pub(crate) mod plans;
pub(crate) mod retention;
pub(crate) mod reviews;
pub(crate) mod signals;
pub(crate) mod sweeps;
pub(crate) mod things;

use std::sync::Arc;

use store::Store;

/// A database under test that outlives the store on it.
#[async_trait::async_trait]
pub(crate) trait Bed: Send {
    /// The store. Give it back (drop it) before a crash.
    fn store(&self) -> Arc<dyn Store>;

    /// Drops the store without closing it and opens the database again.
    async fn crash(&mut self);
}

/// The promises: a callback is given them all. `stores`: those that need a store; `beds`: those that need a
/// database that outlives it.
macro_rules! promises {
    (stores $then:ident!($($with:tt)*)) => {
        $crate::suite::$then!($($with)*
            signals::many_signals_are_one_dirty_record,
            signals::a_record_with_a_newer_signal_stays_dirty,
            signals::a_signal_for_a_taken_record_keeps_its_own_due_time,
            signals::a_settled_claim_and_a_new_signal_in_one_commit_leave_the_record_dirty,
            signals::an_old_claim_does_not_settle_a_record_that_went_and_came_back,
            signals::a_lease_ends_by_itself_and_by_command,
            signals::a_worker_that_lost_its_lease_does_not_take_it_from_the_next,
            signals::what_could_not_be_tried_counts_as_no_attempt,
            signals::a_failed_record_waits_and_a_new_signal_ends_the_wait,
            signals::a_record_given_back_without_error_is_not_failing,
            signals::claims_are_of_one_place_and_the_most_urgent_first,
            signals::next_due_is_the_earliest_of_what_waits_or_is_taken,
            signals::a_delivery_counts_once,
            signals::delivery_ids_are_remembered_for_three_days,
            signals::concurrent_deliveries_are_all_taken_in,
            signals::no_history_of_signals_claims_and_failures_loses_a_record,
            listings::known_records_keep_their_row_and_hash,
            listings::keys_find_records_and_are_replaced,
            listings::keys_of_many_new_records_find_them_at_any_time,
            listings::a_reading_is_kept_until_it_is_dropped,
            listings::a_newer_reading_is_not_replaced_by_an_older_one,
            listings::a_record_that_is_gone_leaves_nothing_and_its_row_is_not_reused,
            sweeps::a_sweep_finds_what_is_missing_and_only_that,
            sweeps::records_that_came_during_a_sweep_are_not_missing,
            sweeps::a_sweep_goes_on_where_it_stopped,
            sweeps::pages_of_an_ended_sweep_are_refused,
            links::a_link_comes_back_as_it_was_stored,
            links::a_record_is_in_at_most_one_link_of_a_sync,
            links::a_refused_commit_stores_nothing,
            links::records_can_change_hands_within_one_commit,
            links::an_ended_link_takes_its_blocked_fields_and_questions_along,
            links::links_are_listed_in_the_order_of_ids,
            links::some_links_are_of_one_entity_and_none_is_in_question,
            links::tombstones_blocked_fields_and_decisions,
            links::what_waits_for_a_link_is_woken_in_the_commit_that_makes_it,
            links::what_belongs_to_a_record_waits_for_its_link_and_no_longer,
            reviews::one_question_is_asked_once,
            reviews::a_postponed_question_comes_back_when_it_changes,
            reviews::who_waits_for_a_question_is_woken_when_it_is_closed_or_put_anew,
            reviews::a_closed_question_stays_closed,
            reviews::a_link_answers_who_its_records_are,
            reviews::reviews_are_found_by_each_filter,
            intents::a_source_has_one_intent_for_a_side,
            intents::an_intent_is_looked_for_when_its_call_ended_without_answer,
            journal::rows_are_numbered_and_found_by_each_filter,
            pages::blocked_fields_come_page_by_page_the_oldest_first,
            pages::blocked_fields_are_counted_once_for_each_reason,
            pages::records_that_fail_come_page_by_page_the_oldest_first,
            pages::calls_come_page_by_page_with_every_filter,
            pages::questions_that_wait_are_found_among_those_put_off,
            pages::who_is_left_out_is_listed_until_it_is_not,
            counts::sums_of_blocked_fields_follow_what_comes_and_goes,
            counts::calls_are_counted_however_they_go,
            counts::pairs_are_the_links_without_what_they_agreed_on,
            counts::who_waits_is_counted_by_kind,
            counts::reviews_of_some_come_page_by_page_in_the_order_of_all,
            counts::who_is_left_out_for_one_reason_comes_page_by_page,
            plans::rows_of_a_plan_are_kept_in_order_and_marked,
            plans::what_was_listed_to_try_something_out_goes_without_a_trace,
            ledger::runs_add_up,
            ledger::calls_are_found_by_each_filter_and_dropped_by_age,
            ledger::the_overview_counts_what_is_there,
            retention::values_of_the_journal_go_and_its_entries_stay,
            retention::the_journal_is_dropped_from_its_beginning_by_age_and_count,
            retention::calls_reviews_and_runs_go_by_age_and_count,
            connections::credentials_are_saved_by_one_of_two,
            connections::config_states_and_cursors,
            connections::workspaces_do_not_see_each_other,
            drafts::a_draft_a_pause_and_a_version_do_not_take_each_other_back,
            drafts::cursors_are_dropped_by_name,
            access::users_and_their_sessions_come_back_as_they_were_stored,
            access::who_is_removed_takes_sessions_and_tokens_along,
            access::a_name_of_a_token_is_given_once,
            access::acts_are_found_by_each_filter_and_dropped_by_age_and_count,
        );
    };
    (beds $then:ident!($($with:tt)*)) => {
        $crate::suite::$then!($($with)*
            durable::everything_answered_is_there_after_a_crash,
            durable::claims_of_a_dead_process_are_free_again,
            durable::a_sweep_goes_on_after_a_crash,
            durable::intents_are_doubted_after_a_crash,
        );
    };
}
pub(crate) use promises;

/// Makes one test of each promise for a database. `stores`: a function that gives something to keep
/// meanwhile and the store; `beds`: a function that gives a bed. Both are async.
macro_rules! contract {
    (stores $store:path) => {
        $crate::suite::promises!(stores contract!(@stores $store;));
    };
    (beds $bed:path) => {
        $crate::suite::promises!(beds contract!(@beds $bed;));
    };
    (@stores $store:path; $($module:ident::$test:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (_kept, store) = $store().await;
                $crate::suite::$module::$test(store).await;
            }
        )+
    };
    (@beds $bed:path; $($module:ident::$test:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                $crate::suite::$module::$test(&mut $bed().await).await;
            }
        )+
    };
}
pub(crate) use contract;

/// Hands each promise to a macro of one's own: `$each!(module, name, promise)`.
macro_rules! each {
    ($each:ident; $($module:ident::$test:ident,)+) => {
        $($each!(stringify!($module), stringify!($test), $crate::suite::$module::$test);)+
    };
}
pub(crate) use each;
