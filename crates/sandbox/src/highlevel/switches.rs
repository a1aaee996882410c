//! The switches of the simulated HighLevel: each disputed or surprising behaviour by name.

use crate::switches::{Setting, Switch};
use crate::system::System;

const fn flag(
    name: &'static str,
    default: bool,
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    Switch {
        name,
        system: System::HighLevel,
        meaning,
        default: Setting::Flag(default),
        choices: &[],
        test,
    }
}

const fn number(
    name: &'static str,
    default: i64,
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    Switch {
        name,
        system: System::HighLevel,
        meaning,
        default: Setting::Number(default),
        choices: &[],
        test,
    }
}

const fn choice(
    name: &'static str,
    default: &'static str,
    choices: &'static [&'static str],
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    Switch {
        name,
        system: System::HighLevel,
        meaning,
        default: Setting::Choice(default),
        choices,
        test,
    }
}

pub(crate) const SWITCHES: &[Switch] = &[
    // transport
    flag(
        "highlevel.version_header",
        true,
        "A missing, unknown or malformed Version header is refused.",
        "highlevel::transport::version_header",
    ),
    choice(
        "highlevel.post_status",
        "measured",
        &["measured", "documented", "created"],
        "Status of POSTs: 201 where somebody measured it, the documented one, or 201 for every POST.",
        "highlevel::transport::post_status",
    ),
    flag(
        "highlevel.rate_limit",
        true,
        "Requests are limited per app and resource; the headers are sent.",
        "highlevel::limits::burst",
    ),
    number(
        "highlevel.burst_limit",
        100,
        "Requests in one burst window.",
        "highlevel::limits::burst",
    ),
    number(
        "highlevel.burst_window_ms",
        10_000,
        "Length of the burst window, sliding.",
        "highlevel::limits::burst",
    ),
    number(
        "highlevel.daily_limit",
        200_000,
        "Requests in one day (UTC).",
        "highlevel::limits::daily",
    ),
    flag(
        "highlevel.daily_reset_header",
        true,
        "x-ratelimit-daily-reset (milliseconds to the next day) is sent.",
        "highlevel::limits::daily",
    ),
    flag(
        "highlevel.retry_after",
        false,
        "A 429 carries Retry-After in seconds.",
        "highlevel::limits::refusals",
    ),
    choice(
        "highlevel.throttle_body",
        "json",
        &["json", "text", "html", "empty"],
        "Body of a 429, which is not documented.",
        "highlevel::limits::refusals",
    ),
    // tokens
    number(
        "highlevel.token_life_s",
        86_399,
        "Life of an access token in seconds.",
        "highlevel::oauth::refresh",
    ),
    number(
        "highlevel.refresh_grace_ms",
        30_000,
        "How long a used refresh token still gives the same new pair; 0 is never.",
        "highlevel::oauth::refresh",
    ),
    number(
        "highlevel.code_life_s",
        600,
        "Life of an authorization code in seconds; not documented.",
        "highlevel::oauth::codes",
    ),
    flag(
        "highlevel.draft_app",
        false,
        "The app is a draft: authorize links without version_id fail with error.noversionid.",
        "highlevel::oauth::choose_location",
    ),
    flag(
        "highlevel.loopback_redirects",
        true,
        "Registered redirects may be http on loopback; the real portal takes https only.",
        "highlevel::oauth::choose_location",
    ),
    // contacts: writes
    flag(
        "highlevel.whitelist",
        true,
        "Unknown body properties are refused with 422.",
        "highlevel::writes::whitelist",
    ),
    flag(
        "highlevel.email_lowercased",
        true,
        "The stored e-mail is lower-cased; otherwise only emailLowerCase is.",
        "highlevel::writes::email_case",
    ),
    flag(
        "highlevel.tags_lowercased",
        false,
        "Tags are stored in lower case.",
        "highlevel::tags::case",
    ),
    choice(
        "highlevel.invalid_phone",
        "refuse",
        &["refuse", "keep"],
        "A phone number that cannot be stored as E.164 is refused with 422, or kept as sent.",
        "highlevel::writes::phone",
    ),
    flag(
        "highlevel.put_touches",
        true,
        "A write that changes nothing still moves dateUpdated.",
        "highlevel::writes::touch",
    ),
    flag(
        "highlevel.birthday_dropped",
        false,
        "dateOfBirth is silently dropped on writes, as until 2025-11.",
        "highlevel::writes::birthday",
    ),
    choice(
        "highlevel.unknown_custom_field",
        "ignore",
        &["ignore", "refuse"],
        "A value for a custom field that is not there is dropped silently, or refused with 422.",
        "highlevel::custom_fields::values",
    ),
    choice(
        "highlevel.unknown_option",
        "refuse",
        &["refuse", "keep"],
        "A value outside a field's options is refused with 422, or kept.",
        "highlevel::custom_fields::values",
    ),
    number(
        "highlevel.create_422_every",
        0,
        "Each nth create is stored and answered with 422 all the same; 0 is never.",
        "highlevel::writes::create_422",
    ),
    flag(
        "highlevel.upsert_drops_gender",
        true,
        "Upsert of an existing contact drops gender without a word.",
        "highlevel::upsert::gender",
    ),
    flag(
        "highlevel.upsert_promotes_secondary",
        true,
        "Upsert by a secondary e-mail makes it the primary one and loses the old one.",
        "highlevel::upsert::secondary_email",
    ),
    flag(
        "highlevel.upsert_second_identifier_ignored",
        true,
        "Upsert that meets two contacts updates the first and ignores the other identifier; otherwise it is a 400 duplicate.",
        "highlevel::upsert::two_contacts",
    ),
    choice(
        "highlevel.unknown_contact",
        "400",
        &["400", "404"],
        "Status for a contact that is not there.",
        "highlevel::writes::unknown_contact",
    ),
    choice(
        "highlevel.delete_spelling",
        "both",
        &["both", "succeded", "succeeded"],
        "Spelling in the answer to a contact's deletion.",
        "highlevel::writes::delete_spelling",
    ),
    // contacts: search
    number(
        "highlevel.search_lag_ms",
        2_000,
        "How far search and listing are behind the records.",
        "highlevel::search::lag",
    ),
    flag(
        "highlevel.phone_search_blind",
        true,
        "A search filter phone eq finds nothing.",
        "highlevel::search::by_phone",
    ),
    flag(
        "highlevel.search_names_cased",
        false,
        "Search items also carry firstName and lastName as stored, as in newer captures.",
        "highlevel::search::names",
    ),
    flag(
        "highlevel.duplicate_lookup_lags",
        true,
        "The duplicate lookup reads the search index, not the records.",
        "highlevel::search::duplicate_lookup",
    ),
    // businesses
    choice(
        "highlevel.unknown_business",
        "400",
        &["400", "404", "422"],
        "Status for a business that is not there, which is not documented.",
        "highlevel::businesses::unknown",
    ),
    choice(
        "highlevel.business_null",
        "refuse",
        &["refuse", "clear"],
        "null for a field of a business is refused with 422, or clears it; the empty string always clears.",
        "highlevel::businesses::clearing",
    ),
    choice(
        "highlevel.business_phone",
        "e164",
        &["e164", "keep"],
        "A business's number is rewritten to E.164 where it can be, or kept as sent.",
        "highlevel::businesses::phone",
    ),
    choice(
        "highlevel.business_empty_fields",
        "left_out",
        &["left_out", "null"],
        "How reads show a field of a business that is empty.",
        "highlevel::businesses::clearing",
    ),
    choice(
        "highlevel.business_same_name",
        "allow",
        &["allow", "refuse"],
        "A second business of one name is made, or refused with 400.",
        "highlevel::businesses::namesakes",
    ),
    number(
        "highlevel.business_page_max",
        100,
        "Most rows of a page of businesses; a larger limit is cut without a word.",
        "highlevel::businesses::pages",
    ),
    choice(
        "highlevel.business_order",
        "newest",
        &["newest", "oldest"],
        "Order of the list of businesses; with the newest first, a create shifts the pages.",
        "highlevel::businesses::pages",
    ),
    flag(
        "highlevel.business_list_lags",
        true,
        "The list of businesses is as far behind the records as search is.",
        "highlevel::businesses::lag",
    ),
    choice(
        "highlevel.business_delete",
        "keep_links",
        &["keep_links", "detach"],
        "Contacts of a deleted business go on pointing to it, or are put out of it.",
        "highlevel::businesses::deletion",
    ),
    number(
        "highlevel.bulk_business_size",
        50,
        "Most contacts in one call that moves them between businesses; more is a 422.",
        "highlevel::businesses::bulk_size",
    ),
    choice(
        "highlevel.bulk_business_unknown",
        "echoed",
        &["echoed", "left_out", "refuse"],
        "A contact that is not there is in the answer's ids all the same, is left out of them, or fails the call with 422.",
        "highlevel::businesses::bulk_unknown",
    ),
    choice(
        "highlevel.bulk_business_target",
        "store",
        &["store", "refuse"],
        "A business that is not there is stored on the contacts all the same, or refused with 422.",
        "highlevel::businesses::bulk_target",
    ),
    flag(
        "highlevel.business_link_touches",
        false,
        "A contact's move between businesses moves its dateUpdated.",
        "highlevel::businesses::link_in_silence",
    ),
    flag(
        "highlevel.business_link_webhooks",
        false,
        "A contact's move between businesses sends ContactUpdate.",
        "highlevel::businesses::link_in_silence",
    ),
    flag(
        "highlevel.business_sets_company_name",
        false,
        "A contact that is put into a business takes its name as companyName; nobody reported it.",
        "highlevel::businesses::company_name",
    ),
    flag(
        "highlevel.business_contacts_lag",
        true,
        "The contacts of a business are read from the search index, not from the records.",
        "highlevel::businesses::contacts",
    ),
    flag(
        "highlevel.record_event_type",
        false,
        "RecordCreate, RecordUpdate and RecordDelete carry their type, as in the schema; the documented examples do not.",
        "highlevel::businesses::events",
    ),
    // webhooks
    flag(
        "highlevel.api_write_webhooks",
        true,
        "Writes through the API send webhooks too.",
        "highlevel::webhooks::own_writes",
    ),
    choice(
        "highlevel.webhook_signature",
        "ed25519",
        &["ed25519", "both", "rsa", "none"],
        "Which signature headers are sent; none sends N/A.",
        "highlevel::webhooks::signatures",
    ),
    choice(
        "highlevel.webhook_retry",
        "429_only",
        &["429_only", "any_failure"],
        "429 only, six times, ten minutes apart; or any failure, twelve times, with exponential pauses.",
        "highlevel::webhooks::retries",
    ),
    flag(
        "highlevel.webhook_timestamp_refreshed",
        false,
        "Each attempt carries a new timestamp and signature.",
        "highlevel::webhooks::retries",
    ),
    flag(
        "highlevel.webhook_delivery_id",
        true,
        "A deliveryId header, the same in all attempts.",
        "highlevel::webhooks::retries",
    ),
    flag(
        "highlevel.tag_change_updates",
        true,
        "A change of tags or DND sends ContactUpdate beside the specific event.",
        "highlevel::webhooks::specific_events",
    ),
    flag(
        "highlevel.timezone_change_silent",
        false,
        "A change of the time zone alone sends nothing, as until 2025-12.",
        "highlevel::webhooks::silent_changes",
    ),
    flag(
        "highlevel.inbound_dnd_silent",
        true,
        "A change of the inbound DND alone sends nothing, and no event carries inboundDndSettings.",
        "highlevel::webhooks::silent_changes",
    ),
    choice(
        "highlevel.merge_webhooks",
        "none",
        &["none", "update_delete"],
        "What a merge of two contacts sends; there is no merge event.",
        "highlevel::webhooks::merge",
    ),
];
