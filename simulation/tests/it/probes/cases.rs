//! Each switch that a probe settles: the probe, the switch, and the ways in which it is turned.

/// A probe, a switch that it settles, and the ways that the switch is turned.
pub(crate) type Case = (&'static str, &'static str, &'static [&'static str]);

const FLAG: &[&str] = &["true", "false"];

pub(crate) const HIGHLEVEL: &[Case] = &[
    ("limit_headers", "highlevel.daily_reset_header", FLAG),
    ("limit_headers", "highlevel.rate_limit", FLAG),
    (
        "unknown_contact",
        "highlevel.unknown_contact",
        &["\"400\"", "\"404\""],
    ),
    ("email_case", "highlevel.email_lowercased", FLAG),
    ("tag_case", "highlevel.tags_lowercased", FLAG),
    ("birthday", "highlevel.birthday_dropped", FLAG),
    ("unchanged_write", "highlevel.put_touches", FLAG),
    ("unknown_property", "highlevel.whitelist", FLAG),
    (
        "invalid_phone",
        "highlevel.invalid_phone",
        &["\"refuse\"", "\"keep\""],
    ),
    (
        "unknown_custom_field",
        "highlevel.unknown_custom_field",
        &["\"ignore\"", "\"refuse\""],
    ),
    ("duplicate_lookup", "highlevel.duplicate_lookup_lags", FLAG),
    ("search_lag", "highlevel.search_lag_ms", &["0"]),
    ("search_names", "highlevel.search_names_cased", FLAG),
    ("phone_search", "highlevel.phone_search_blind", FLAG),
    (
        "delete_answer",
        "highlevel.delete_spelling",
        &["\"both\"", "\"succeded\"", "\"succeeded\""],
    ),
    ("limit_headers", "highlevel.burst_limit", &["60"]),
    ("limit_headers", "highlevel.burst_window_ms", &["9000"]),
    ("limit_headers", "highlevel.daily_limit", &["150000"]),
    ("version_header", "highlevel.version_header", FLAG),
    (
        "post_status",
        "highlevel.post_status",
        &["\"measured\"", "\"documented\"", "\"created\""],
    ),
    ("old_list", "highlevel.old_list", FLAG),
    ("old_list", "highlevel.old_list_location", FLAG),
    ("list_names", "highlevel.list_names_lowercased", FLAG),
    (
        "lookup_parameter",
        "highlevel.lookup_parameter",
        &["\"number\"", "\"phone\"", "\"both\""],
    ),
    (
        "search_street",
        "highlevel.search_street",
        &["\"address\"", "\"address1\"", "\"both\""],
    ),
    (
        "birthday_form",
        "highlevel.birthday_form",
        &["\"by_place\"", "\"day\"", "\"timestamp\""],
    ),
    (
        "custom_field_shape",
        "highlevel.custom_field_shape",
        &[
            "\"value\"",
            "\"field_value\"",
            "\"fieldValue\"",
            "\"object\"",
        ],
    ),
    (
        "custom_field_input",
        "highlevel.custom_field_input",
        &["\"documented\"", "\"renamed\"", "\"any\""],
    ),
    (
        "money_field",
        "highlevel.money_type",
        &["\"MONETORY\"", "\"MONETARY\""],
    ),
    (
        "unknown_option",
        "highlevel.unknown_option",
        &["\"refuse\"", "\"keep\""],
    ),
    (
        "duplicate_answer",
        "highlevel.duplicate_answer",
        &[
            "\"named\"",
            "\"no_field\"",
            "\"bare\"",
            "\"409\"",
            "\"422\"",
        ],
    ),
    (
        "upsert_of_two",
        "highlevel.upsert_second_identifier_ignored",
        FLAG,
    ),
    (
        "tags_in_update",
        "highlevel.put_tags",
        &["\"replace\"", "\"merge\""],
    ),
    (
        "task_writes",
        "highlevel.task_due_fractions",
        &["\"refuse\"", "\"refuse_update\"", "\"keep\""],
    ),
    (
        "task_writes",
        "highlevel.unknown_assignee",
        &["\"refuse\"", "\"keep\""],
    ),
    (
        "task_writes",
        "highlevel.empty_text",
        &["\"refuse\"", "\"keep\""],
    ),
    (
        "unknown_business",
        "highlevel.unknown_business",
        &["\"400\"", "\"404\"", "\"422\""],
    ),
    (
        "business_answer",
        "highlevel.business_spelling",
        &["\"buiseness\"", "\"business\"", "\"both\""],
    ),
    (
        "business_answer",
        "highlevel.business_phone",
        &["\"e164\"", "\"keep\""],
    ),
    (
        "business_answer",
        "highlevel.business_empty_fields",
        &["\"left_out\"", "\"null\""],
    ),
    (
        "business_null",
        "highlevel.business_null",
        &["\"refuse\"", "\"clear\""],
    ),
    (
        "business_namesake",
        "highlevel.business_same_name",
        &["\"allow\"", "\"refuse\""],
    ),
    (
        "business_list",
        "highlevel.business_order",
        &["\"newest\"", "\"oldest\""],
    ),
    ("business_list", "highlevel.business_list_lags", FLAG),
    ("business_link", "highlevel.business_link_touches", FLAG),
    (
        "business_link",
        "highlevel.business_sets_company_name",
        FLAG,
    ),
    ("business_link", "highlevel.business_contacts_lag", FLAG),
    ("business_bulk", "highlevel.bulk_business_size", &["50"]),
    (
        "business_bulk",
        "highlevel.bulk_business_unknown",
        &["\"echoed\"", "\"left_out\"", "\"refuse\""],
    ),
    (
        "business_bulk",
        "highlevel.bulk_business_target",
        &["\"store\"", "\"refuse\""],
    ),
    (
        "business_delete",
        "highlevel.business_delete",
        &["\"keep_links\"", "\"detach\""],
    ),
];

/// When webhooks are known to come in.
pub(crate) const HIGHLEVEL_HEARING: &[Case] = &[
    ("own_webhooks", "highlevel.api_write_webhooks", FLAG),
    (
        "own_webhooks",
        "highlevel.webhook_envelope",
        &["\"flat\"", "\"nested\"", "\"bare\""],
    ),
    (
        "own_webhooks",
        "highlevel.webhook_signature",
        &["\"ed25519\"", "\"both\""],
    ),
    ("own_webhooks", "highlevel.webhook_delivery_id", FLAG),
    ("tag_webhooks", "highlevel.tag_change_updates", FLAG),
    (
        "time_zone_webhooks",
        "highlevel.timezone_change_silent",
        FLAG,
    ),
    ("inbound_dnd_webhooks", "highlevel.inbound_dnd_silent", FLAG),
    ("task_webhook", "highlevel.task_create_complete", FLAG),
    (
        "business_webhooks",
        "highlevel.business_link_webhooks",
        FLAG,
    ),
    ("business_webhooks", "highlevel.record_event_type", FLAG),
];

/// When its limit is low enough to be met.
pub(crate) const HIGHLEVEL_COSTLY: &[Case] = &[
    (
        "throttling",
        "highlevel.throttle_body",
        &["\"json\"", "\"text\"", "\"html\"", "\"empty\""],
    ),
    ("throttling", "highlevel.retry_after", FLAG),
];

pub(crate) const ONOFFICE: &[Case] = &[
    ("unknown_field", "onoffice.unknown_field_refused", FLAG),
    (
        "unknown_field",
        "onoffice.error_placement",
        &["\"mirrored\"", "\"silent\"", "\"97\""],
    ),
    ("id_field", "onoffice.id_selectable", FLAG),
    (
        "list_limit",
        "onoffice.listlimit_over_500",
        &["\"fallback\"", "\"cap\""],
    ),
    (
        "sort_map",
        "onoffice.sort_map",
        &["\"ignored\"", "\"works\""],
    ),
    ("normalized_phone", "onoffice.normalized_phone_filter", FLAG),
    ("clock", "onoffice.clock_offset_seconds", &["0", "60"]),
    ("answer_form", "onoffice.empty_elements_as_array", FLAG),
    ("answer_form", "onoffice.php_escapes", FLAG),
    (
        "main_entry",
        "onoffice.first_entry_is_main",
        &["\"create\"", "\"always\"", "\"never\""],
    ),
    ("unchanged_write", "onoffice.unchanged_write_stamps", FLAG),
    ("entry_stamp", "onoffice.contact_change_stamps", FLAG),
    ("further_entries", "onoffice.only_main_entry_readable", FLAG),
    (
        "entry_key",
        "onoffice.entry_key",
        &["\"underscored\"", "\"glued\"", "\"plain\""],
    ),
    ("entry_actions", "onoffice.contact_action_list", FLAG),
    ("flat_entry", "onoffice.flat_contact_refused", FLAG),
    ("flat_entry", "onoffice.main_fields_writable", FLAG),
    (
        "duplicate_check",
        "onoffice.duplicate_matches_secondary",
        FLAG,
    ),
    ("nested_create", "onoffice.nested_create_accepted", FLAG),
    ("batch", "onoffice.batch_ends_at_error", FLAG),
    (
        "missing_record",
        "onoffice.missing_record",
        &["\"80\"", "\"292\""],
    ),
    (
        "too_long",
        "onoffice.too_long",
        &["\"truncate\"", "\"refuse\""],
    ),
    (
        "unknown_country",
        "onoffice.unknown_country",
        &["\"store\"", "\"refuse\""],
    ),
    ("unknown_user", "onoffice.unknown_user_accepted", FLAG),
    ("archive", "onoffice.status_write_ignored", FLAG),
    ("archive", "onoffice.archived_listed", FLAG),
    (
        "task_field",
        "onoffice.task_unknown_field",
        &["\"138\"", "\"144\""],
    ),
    ("task_form", "onoffice.task_status_label", FLAG),
    ("task_form", "onoffice.task_modified_time", FLAG),
    ("task_types", "onoffice.task_type_ids_listed", FLAG),
    ("module_sort", "onoffice.sort_text_of_modules", FLAG),
    (
        "all_day_appointment",
        "onoffice.all_day_times",
        &["\"whole\"", "\"kept\""],
    ),
    ("unattended_appointment", "onoffice.unattended_listed", FLAG),
    ("series_begin", "onoffice.recurring_anchor_lost", FLAG),
];

pub(crate) const OFFICERND: &[Case] = &[
    (
        "broken_id",
        "officernd.broken_id",
        &["\"404\"", "\"400\"", "\"500\""],
    ),
    ("last_page", "officernd.cursor_absent", FLAG),
    (
        "last_page",
        "officernd.empty_range",
        &["\"zero\"", "\"counted\""],
    ),
    (
        "wrong_organization",
        "officernd.wrong_slug",
        &["\"500\"", "\"404\""],
    ),
    ("organization", "officernd.region_shown", FLAG),
    ("page_sizes", "officernd.default_page", &["10", "20"]),
    ("page_sizes", "officernd.zero_page", &["10", "20"]),
    (
        "both_cursors",
        "officernd.both_cursors",
        &["\"504\"", "\"400\"", "\"cut\""],
    ),
    (
        "set_filter",
        "officernd.set_filters",
        &["\"status\"", "\"any\""],
    ),
    (
        "counts",
        "officernd.count_ignores_filters",
        &["\"memberships\"", "\"none\"", "\"all\""],
    ),
    ("parent_filter", "officernd.parent_filter_required", FLAG),
    ("stamps", "officernd.stamps", &["\"by_kind\"", "\"all\""]),
    ("ticket_comments", "officernd.ticket_comments_read", FLAG),
    (
        "empty_name",
        "officernd.broken_rule",
        &["\"500\"", "\"400\""],
    ),
    ("content_type", "officernd.content_type_required", FLAG),
    (
        "unsupported_verb",
        "officernd.unsupported_verb",
        &["\"404\"", "\"405\""],
    ),
    ("event_words", "officernd.enums_checked", FLAG),
    ("event_words", "officernd.opportunity_events", FLAG),
    ("narrow_update", "officernd.narrow_puts", FLAG),
    (
        "default_order",
        "officernd.default_order",
        &["\"created\"", "\"modified\""],
    ),
    (
        "sort",
        "officernd.sort_syntax",
        &["\"words\"", "\"numbers\"", "\"ignored\""],
    ),
    (
        "shifting_pages",
        "officernd.cursor",
        &["\"offset\"", "\"key\""],
    ),
    ("status_silence", "officernd.status_moves_modified", FLAG),
    ("deleted_company", "officernd.delete_keeps_references", FLAG),
    (
        "broken_cursor",
        "officernd.broken_cursor",
        &["\"500\"", "\"400\""],
    ),
    ("unknown_parameter", "officernd.query_whitelist", FLAG),
    (
        "shapes",
        "officernd.unset_fields",
        &["\"left_out\"", "\"shown\""],
    ),
    (
        "shapes",
        "officernd.member_editors",
        &["\"opaque\"", "\"left_out\""],
    ),
    ("shapes", "officernd.empty_properties_left_out", FLAG),
    ("limit_headers", "officernd.rate_limit", FLAG),
    ("limit_headers", "officernd.write_headers", FLAG),
    ("limit_headers", "officernd.reads_a_minute", &["390", "600"]),
    ("limit_headers", "officernd.reads_a_day", &["15000"]),
    (
        "limit_headers",
        "officernd.reset_header",
        &["\"seconds\"", "\"timestamp\""],
    ),
    (
        "member_update",
        "officernd.put_profile",
        &["\"2026-02\"", "\"2026-10\""],
    ),
    ("unknown_field", "officernd.whitelist", FLAG),
    ("unknown_field", "officernd.message_arrays", FLAG),
    (
        "address_merge",
        "officernd.objects_write",
        &["\"replace\"", "\"merge\""],
    ),
    (
        "property_merge",
        "officernd.properties_write",
        &["\"replace\"", "\"merge\""],
    ),
    (
        "undefined_property",
        "officernd.unknown_property",
        &["\"drop\"", "\"store\"", "\"refuse\""],
    ),
    ("unchanged_write", "officernd.empty_put_touches", FLAG),
    ("unchanged_write", "officernd.unchanged_put_touches", FLAG),
    ("email_check", "officernd.email_checked", FLAG),
    (
        "bad_reference",
        "officernd.bad_reference",
        &["\"500\"", "\"400\""],
    ),
    (
        "company_endpoint",
        "officernd.member_endpoints",
        &["\"put\"", "\"post\"", "\"patch\"", "\"absent\""],
    ),
    (
        "bad_reference",
        "officernd.error_words",
        &["\"v1\"", "\"v2\""],
    ),
    (
        "company_endpoint",
        "officernd.link_answer",
        &["\"204\"", "\"200\""],
    ),
    (
        "member_update",
        "officernd.member_tags",
        &["\"by_profile\"", "\"shown\""],
    ),
    ("clearing", "officernd.null_clears", FLAG),
];

/// When webhooks are known to come in.
pub(crate) const OFFICERND_HEARING: &[Case] = &[
    ("own_webhooks", "officernd.api_write_webhooks", FLAG),
    (
        "own_webhooks",
        "officernd.webhook_body",
        &["\"v1\"", "\"v2\""],
    ),
];

/// Asked in tests of their own, because more has to be arranged for them.
pub(crate) const ARRANGED: &[(&str, &str)] = &[
    ("missing_scope", "officernd.missing_scope"),
    ("limit_headers", "officernd.writes_a_minute"),
    ("limit_headers", "officernd.writes_a_day"),
    ("limit_window", "officernd.limit_window"),
    ("throttling", "officernd.throttle_body"),
    ("throttling", "officernd.retry_after"),
];
