//! Which question of `tandem probe` shows how a switch stands at a live account, and why some no question can show.
//!
//! The questions are the connectors'; here are only their names. That each names one that there is, and settles what it is said to, is
//! tested where both are at hand.

use crate::switches::Switch;
use crate::system::System;

/// How one finds out how a switch stands at a live account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// By the question of this name.
    By(&'static str),
    /// Not by asking, and why.
    Beyond(&'static str),
}

/// Names without their system.
type Names = &'static [&'static str];

const HIGHLEVEL: &[(&str, Names)] = &[
    (
        "limit_headers",
        &[
            "rate_limit",
            "burst_limit",
            "burst_window_ms",
            "daily_limit",
            "daily_reset_header",
        ],
    ),
    ("throttling", &["throttle_body", "retry_after"]),
    ("version_header", &["version_header"]),
    ("post_status", &["post_status"]),
    ("old_list", &["old_list", "old_list_location"]),
    ("list_names", &["list_names_lowercased"]),
    ("lookup_parameter", &["lookup_parameter"]),
    ("search_street", &["search_street"]),
    ("unknown_contact", &["unknown_contact"]),
    ("email_case", &["email_lowercased"]),
    ("tag_case", &["tags_lowercased"]),
    ("birthday", &["birthday_dropped"]),
    ("birthday_form", &["birthday_form"]),
    ("unchanged_write", &["put_touches"]),
    ("unknown_property", &["whitelist"]),
    ("invalid_phone", &["invalid_phone"]),
    ("unknown_custom_field", &["unknown_custom_field"]),
    ("custom_field_shape", &["custom_field_shape"]),
    ("custom_field_input", &["custom_field_input"]),
    ("money_field", &["money_type"]),
    ("unknown_option", &["unknown_option"]),
    ("duplicate_answer", &["duplicate_answer"]),
    ("upsert_of_two", &["upsert_second_identifier_ignored"]),
    ("tags_in_update", &["put_tags"]),
    ("duplicate_lookup", &["duplicate_lookup_lags"]),
    ("search_lag", &["search_lag_ms"]),
    ("search_names", &["search_names_cased"]),
    ("phone_search", &["phone_search_blind"]),
    (
        "own_webhooks",
        &[
            "api_write_webhooks",
            "webhook_envelope",
            "webhook_signature",
            "webhook_delivery_id",
        ],
    ),
    ("tag_webhooks", &["tag_change_updates"]),
    ("time_zone_webhooks", &["timezone_change_silent"]),
    ("inbound_dnd_webhooks", &["inbound_dnd_silent"]),
    ("task_webhook", &["task_create_complete"]),
    (
        "task_writes",
        &["task_due_fractions", "unknown_assignee", "empty_text"],
    ),
    ("delete_answer", &["delete_spelling"]),
    ("unknown_business", &["unknown_business"]),
    (
        "business_answer",
        &[
            "business_spelling",
            "business_phone",
            "business_empty_fields",
        ],
    ),
    ("business_null", &["business_null"]),
    ("business_namesake", &["business_same_name"]),
    ("business_list", &["business_order", "business_list_lags"]),
    (
        "business_link",
        &[
            "business_link_touches",
            "business_sets_company_name",
            "business_contacts_lag",
        ],
    ),
    (
        "business_webhooks",
        &["business_link_webhooks", "record_event_type"],
    ),
    (
        "business_bulk",
        &[
            "bulk_business_size",
            "bulk_business_unknown",
            "bulk_business_target",
        ],
    ),
    ("business_delete", &["business_delete"]),
];

const HIGHLEVEL_BEYOND: &[(&str, Names)] = &[
    (
        "it is about signing in, and asking could sign the connection out",
        &[
            "token_life_s",
            "refresh_grace_ms",
            "code_life_s",
            "token_request",
            "minted_scopes_grow",
        ],
    ),
    (
        "it takes a token of another class or for another sub-account",
        &["class_refusal"],
    ),
    (
        "it is set in the developer portal, which has no API",
        &["draft_app", "loopback_redirects"],
    ),
    (
        "it happens by chance: a create that is refused says nothing of the next",
        &["create_422_every"],
    ),
    ("no read shows the gender", &["upsert_drops_gender"]),
    (
        "only people give a contact a second e-mail address",
        &["upsert_promotes_secondary"],
    ),
    (
        "it takes more than a hundred businesses to see",
        &["business_page_max"],
    ),
    ("only people merge contacts", &["merge_webhooks"]),
    (
        "no webhook is refused on purpose",
        &["webhook_retry", "webhook_timestamp_refreshed"],
    ),
];

const ONOFFICE: &[(&str, Names)] = &[
    (
        "unknown_field",
        &["unknown_field_refused", "error_placement"],
    ),
    ("id_field", &["id_selectable"]),
    ("list_limit", &["listlimit_over_500"]),
    ("sort_map", &["sort_map"]),
    ("normalized_phone", &["normalized_phone_filter"]),
    ("clock", &["clock_offset_seconds"]),
    ("answer_form", &["empty_elements_as_array", "php_escapes"]),
    ("main_entry", &["first_entry_is_main"]),
    ("unchanged_write", &["unchanged_write_stamps"]),
    ("entry_stamp", &["contact_change_stamps"]),
    ("further_entries", &["only_main_entry_readable"]),
    ("entry_key", &["entry_key"]),
    ("entry_actions", &["contact_action_list"]),
    (
        "flat_entry",
        &["flat_contact_refused", "main_fields_writable"],
    ),
    ("duplicate_check", &["duplicate_matches_secondary"]),
    ("nested_create", &["nested_create_accepted"]),
    ("missing_record", &["missing_record"]),
    ("batch", &["batch_ends_at_error"]),
    ("too_long", &["too_long"]),
    ("unknown_country", &["unknown_country"]),
    ("unknown_user", &["unknown_user_accepted"]),
    ("task_field", &["task_unknown_field"]),
    ("task_form", &["task_status_label", "task_modified_time"]),
    ("task_types", &["task_type_ids_listed"]),
    ("module_sort", &["sort_text_of_modules"]),
    ("all_day_appointment", &["all_day_times"]),
    ("unattended_appointment", &["unattended_listed"]),
    ("series_begin", &["recurring_anchor_lost"]),
    ("archive", &["status_write_ignored", "archived_listed"]),
];

const ONOFFICE_BEYOND: &[(&str, Names)] = &[
    (
        "requests are signed by the connection, which signs none wrongly",
        &[
            "wrong_token",
            "validation_order",
            "hmac_v1",
            "timestamp_window_seconds",
        ],
    ),
    (
        "a right would have to be taken away",
        &["missing_right_is_empty"],
    ),
    (
        "a task that is made cannot be deleted again",
        &[
            "task_type_mandatory",
            "task_done_on_create_refused",
            "task_any_responsible",
            "task_related_adds",
        ],
    ),
    (
        "an activity that is made cannot be deleted again",
        &["activity_answer", "activity_note_mandatory"],
    ),
    (
        "a relation that is made for it might not be deleted again",
        &["relation_delete_listed_only"],
    ),
    ("a mail goes to somebody", &["newsletter_opt_in"]),
];

const OFFICERND: &[(&str, Names)] = &[
    ("broken_id", &["broken_id"]),
    ("last_page", &["cursor_absent", "empty_range"]),
    ("broken_cursor", &["broken_cursor"]),
    ("unknown_parameter", &["query_whitelist"]),
    ("wrong_organization", &["wrong_slug"]),
    ("organization", &["region_shown"]),
    ("page_sizes", &["default_page", "zero_page"]),
    ("both_cursors", &["both_cursors"]),
    ("set_filter", &["set_filters"]),
    ("counts", &["count_ignores_filters"]),
    ("parent_filter", &["parent_filter_required"]),
    ("stamps", &["stamps"]),
    ("ticket_comments", &["ticket_comments_read"]),
    ("missing_scope", &["missing_scope"]),
    (
        "shapes",
        &[
            "unset_fields",
            "member_editors",
            "empty_properties_left_out",
        ],
    ),
    (
        "limit_headers",
        &[
            "rate_limit",
            "write_headers",
            "reads_a_minute",
            "reads_a_day",
            "writes_a_minute",
            "writes_a_day",
            "reset_header",
        ],
    ),
    ("member_update", &["put_profile", "member_tags"]),
    ("unknown_field", &["whitelist", "message_arrays"]),
    ("address_merge", &["objects_write"]),
    ("property_merge", &["properties_write"]),
    ("undefined_property", &["unknown_property"]),
    (
        "unchanged_write",
        &["empty_put_touches", "unchanged_put_touches"],
    ),
    ("email_check", &["email_checked"]),
    ("bad_reference", &["bad_reference", "error_words"]),
    ("empty_name", &["broken_rule"]),
    ("content_type", &["content_type_required"]),
    ("unsupported_verb", &["unsupported_verb"]),
    ("event_words", &["enums_checked", "opportunity_events"]),
    ("narrow_update", &["narrow_puts"]),
    ("default_order", &["default_order"]),
    ("sort", &["sort_syntax"]),
    ("shifting_pages", &["cursor"]),
    ("status_silence", &["status_moves_modified"]),
    ("deleted_company", &["delete_keeps_references"]),
    ("company_endpoint", &["member_endpoints", "link_answer"]),
    ("own_webhooks", &["api_write_webhooks", "webhook_body"]),
    ("clearing", &["null_clears"]),
    ("limit_window", &["limit_window"]),
    ("throttling", &["throttle_body", "retry_after"]),
];

const OFFICERND_BEYOND: &[(&str, Names)] = &[
    ("asking would lock the sign-in out", &["tokens_a_minute"]),
    (
        "a probe never holds the client's secret; the sign-in takes every form",
        &[
            "token_life_s",
            "token_field",
            "token_error",
            "ungranted_scope",
        ],
    ),
    ("its scopes are not asked for", &["api_v1"]),
    ("mails go to people", &["booking_mails"]),
    ("it is about the data, not the vendor", &["dirty_every"]),
    (
        "no call shows whether somebody may sign in to the portal",
        &["manual_status_cuts_portal"],
    ),
    ("it takes a day", &["status_follows_time"]),
    (
        "no webhook is refused on purpose",
        &["webhook_retry", "webhook_timestamp_refreshed"],
    ),
    (
        "an event that does not come is like one that is late",
        &["lost_webhook_every"],
    ),
];

impl Switch {
    /// How one finds out how it stands at a live account.
    ///
    /// # Panics
    /// If the tables above leave it out, which a test makes sure that they do not.
    #[must_use]
    pub fn asking(&self) -> Asking {
        let (by, beyond) = match self.system {
            System::HighLevel => (HIGHLEVEL, HIGHLEVEL_BEYOND),
            System::OnOffice => (ONOFFICE, ONOFFICE_BEYOND),
            System::OfficeRnd => (OFFICERND, OFFICERND_BEYOND),
        };
        let (_, short) = self.name.split_once('.').unwrap_or(("", self.name));
        let of = |table: &'static [(&'static str, Names)]| {
            let mut rows = table.iter().filter(|(_, names)| names.contains(&short));
            rows.next().map(|(word, _)| *word)
        };
        let asking = of(by).map(Asking::By);
        asking
            .or_else(|| of(beyond).map(Asking::Beyond))
            .unwrap_or_else(|| {
                panic!(
                    "{} is neither asked about nor said to be beyond it",
                    self.name
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::switches::Switches;

    #[test]
    fn every_switch_is_asked_about_or_said_to_be_beyond_asking_once() {
        let all = Switches::registry();
        let is_beyond = |switch: &&&Switch| matches!(switch.asking(), Asking::Beyond(_));
        let beyond = all.iter().filter(is_beyond).count();
        assert!(beyond * 4 < all.len(), "{beyond} of {}", all.len());
        for (system, tables) in [
            (System::HighLevel, [HIGHLEVEL, HIGHLEVEL_BEYOND]),
            (System::OnOffice, [ONOFFICE, ONOFFICE_BEYOND]),
            (System::OfficeRnd, [OFFICERND, OFFICERND_BEYOND]),
        ] {
            let named: Vec<&str> = tables
                .into_iter()
                .flatten()
                .flat_map(|(_, names)| names.iter().copied())
                .collect();
            let once: BTreeSet<&str> = named.iter().copied().collect();
            assert_eq!(named.len(), once.len(), "{system}: one is named twice");
            let of_system = Switches::registry()
                .into_iter()
                .filter(|switch| switch.system == system);
            assert_eq!(once.len(), of_system.count(), "{system}: one is no switch");
        }
    }
}
