//! The switches of the simulated OfficeRnD: each disputed, surprising or unknown behaviour by name.

use super::switch::{choice, flag, number};
use crate::switches::Switch;

pub(crate) const SWITCHES: &[Switch] = &[
    // tokens
    number(
        "officernd.tokens_a_minute",
        5,
        "Token calls in any minute, successful or not; then 429.",
        "officernd::tokens::five_a_minute",
    ),
    number(
        "officernd.token_life_s",
        3_599,
        "Life of a token in seconds.",
        "officernd::tokens::life",
    ),
    choice(
        "officernd.token_field",
        &["access_token", "token"],
        "The field that holds the token; the reference says token, working clients read access_token.",
        "officernd::tokens::answer",
    ),
    choice(
        "officernd.token_error",
        &["same", "told_apart", "text"],
        "Body of a refused token request, which is not documented: the same for a wrong client, secret or scope, told apart by error, or text.",
        "officernd::tokens::refusals",
    ),
    choice(
        "officernd.ungranted_scope",
        &["refuse", "drop"],
        "A scope that the application does not have fails the whole request, or is left out of the token.",
        "officernd::tokens::ungranted_scope",
    ),
    choice(
        "officernd.missing_scope",
        &["401", "403"],
        "Status of a call whose scope the token lacks; 401 cannot be told from an expired token.",
        "officernd::tokens::missing_scope",
    ),
    // limits
    flag(
        "officernd.rate_limit",
        true,
        "Calls are limited, reads and writes apart; the headers are sent.",
        "officernd::limits::minute",
    ),
    number(
        "officernd.reads_a_minute",
        400,
        "Reads in a minute.",
        "officernd::limits::minute",
    ),
    number(
        "officernd.reads_a_day",
        20_000,
        "Reads in a day; a guess.",
        "officernd::limits::day",
    ),
    number(
        "officernd.writes_a_minute",
        100,
        "Writes in a minute; a guess.",
        "officernd::limits::writes",
    ),
    number(
        "officernd.writes_a_day",
        5_000,
        "Writes in a day; a guess.",
        "officernd::limits::day",
    ),
    choice(
        "officernd.limit_window",
        &["sliding", "fixed"],
        "Windows slide, or begin with the first call after the last one ended.",
        "officernd::limits::window",
    ),
    flag(
        "officernd.write_headers",
        false,
        "Writes carry x-ratelimit headers of their own; only those of reads were seen.",
        "officernd::limits::writes",
    ),
    choice(
        "officernd.reset_header",
        &["seconds", "timestamp"],
        "What x-ratelimit-reset-… counts: seconds from now, or since 1970.",
        "officernd::limits::minute",
    ),
    choice(
        "officernd.retry_after",
        &["suffixed", "plain", "none"],
        "A 429 carries retry-after-read-minute and the like, Retry-After, or neither.",
        "officernd::limits::refusals",
    ),
    choice(
        "officernd.throttle_body",
        &["json", "text", "empty"],
        "Body of a 429, which is not documented.",
        "officernd::limits::refusals",
    ),
    // errors
    flag(
        "officernd.whitelist",
        true,
        "Unknown body fields are refused with 400; otherwise they are dropped.",
        "officernd::errors::whitelist",
    ),
    flag(
        "officernd.query_whitelist",
        true,
        "Unknown query parameters of a list are refused with 400; counts and gets ignore them anyway.",
        "officernd::reading::unknown_parameters",
    ),
    flag(
        "officernd.message_arrays",
        true,
        "The message of a 400 is an array of all failures; otherwise the first one, as text.",
        "officernd::errors::message_arrays",
    ),
    flag(
        "officernd.enums_checked",
        true,
        "A word outside an enum is refused with 400.",
        "officernd::errors::enums",
    ),
    flag(
        "officernd.email_checked",
        true,
        "An e-mail that is none is refused with 400.",
        "officernd::errors::emails",
    ),
    choice(
        "officernd.broken_id",
        &["404", "400", "500"],
        "Status for an id in a path that is no id at all; an unknown one is always 404.",
        "officernd::errors::ids",
    ),
    choice(
        "officernd.wrong_slug",
        &["500", "404"],
        "Status for an organization that is not there or not the token's.",
        "officernd::errors::slug",
    ),
    choice(
        "officernd.unsupported_verb",
        &["404", "405"],
        "Status for a verb that a path does not take.",
        "officernd::errors::verbs",
    ),
    choice(
        "officernd.bad_reference",
        &["500", "400"],
        "Status for an id in a body that is broken or names nothing.",
        "officernd::errors::references",
    ),
    choice(
        "officernd.broken_rule",
        &["500", "400"],
        "Status for a broken rule of the business and for an empty required text.",
        "officernd::errors::business_rules",
    ),
    flag(
        "officernd.content_type_required",
        true,
        "A body without Content-Type: application/json counts as empty.",
        "officernd::errors::content_type",
    ),
    // lists
    number(
        "officernd.default_page",
        50,
        "Rows of a page without $limit.",
        "officernd::reading::limit",
    ),
    number(
        "officernd.zero_page",
        20,
        "Rows of a page with $limit=0.",
        "officernd::reading::limit",
    ),
    flag(
        "officernd.cursor_absent",
        true,
        "A cursor without a page is left out; otherwise it is null, as documented.",
        "officernd::reading::cursors",
    ),
    choice(
        "officernd.cursor",
        &["offset", "key"],
        "A cursor counts rows, so that pages shift when rows go; or it remembers the row beside the page.",
        "officernd::reading::pages_shift",
    ),
    choice(
        "officernd.broken_cursor",
        &["500", "400"],
        "Status for a cursor that is none.",
        "officernd::reading::cursors",
    ),
    choice(
        "officernd.both_cursors",
        &["504", "400"],
        "Status for both cursors at once.",
        "officernd::reading::cursors",
    ),
    choice(
        "officernd.default_order",
        &["created", "modified"],
        "Order without $sort: the oldest first, or the latest change first.",
        "officernd::reading::order",
    ),
    choice(
        "officernd.sort_syntax",
        &["words", "numbers", "ignored"],
        "What $sort takes: {\"name\":\"asc\"}, {\"name\":1}, or anything without effect.",
        "officernd::reading::order",
    ),
    choice(
        "officernd.count_ignores_filters",
        &["memberships", "none", "all"],
        "Which counts ignore every filter.",
        "officernd::reading::counts",
    ),
    // objects
    choice(
        "officernd.put_profile",
        &["2026-02", "2026-10"],
        "What member bodies take: the reference of February 2026, or also phone and tags on update and tags on create.",
        "officernd::writing::put_profile",
    ),
    choice(
        "officernd.member_endpoints",
        &["put", "post", "patch", "absent"],
        "The verb of the company and status endpoints of members, or that there are none.",
        "officernd::writing::company_link",
    ),
    choice(
        "officernd.link_answer",
        &["204", "200"],
        "What the company endpoint answers: nothing, or the member.",
        "officernd::writing::company_link",
    ),
    choice(
        "officernd.member_tags",
        &["by_profile", "shown", "hidden"],
        "Whether reads show the tags of members; by profile is hidden in 2026-02.",
        "officernd::writing::tags",
    ),
    choice(
        "officernd.member_editors",
        &["opaque", "left_out"],
        "Whether members carry createdBy and modifiedBy, ids that no call looks up.",
        "officernd::reading::shapes",
    ),
    choice(
        "officernd.unset_fields",
        &["left_out", "shown"],
        "Whether flags of members that are false, and address, socialProfiles and portalPrivacy that were never set, are left out.",
        "officernd::reading::shapes",
    ),
    flag(
        "officernd.empty_properties_left_out",
        true,
        "A single object without properties has no properties; lists and deletions show {}.",
        "officernd::reading::shapes",
    ),
    flag(
        "officernd.region_shown",
        false,
        "The organization shows its region.",
        "officernd::reading::organization",
    ),
    choice(
        "officernd.properties_write",
        &["replace", "merge"],
        "A PUT of properties replaces all of them, or changes only those named.",
        "officernd::writing::properties",
    ),
    choice(
        "officernd.objects_write",
        &["replace", "merge"],
        "A PUT of address and other objects replaces the whole, or changes only the parts named.",
        "officernd::writing::objects",
    ),
    choice(
        "officernd.unknown_property",
        &["drop", "store", "refuse"],
        "A property that nobody defined is dropped without a word, stored, or refused with 400.",
        "officernd::writing::unknown_properties",
    ),
    flag(
        "officernd.null_clears",
        true,
        "null clears a field; otherwise it is refused with 400.",
        "officernd::writing::clearing",
    ),
    flag(
        "officernd.empty_put_touches",
        false,
        "A PUT of {} moves modifiedAt and sends an event.",
        "officernd::writing::touch",
    ),
    flag(
        "officernd.unchanged_put_touches",
        true,
        "A PUT that changes no value moves modifiedAt and sends an event.",
        "officernd::writing::touch",
    ),
    flag(
        "officernd.narrow_puts",
        true,
        "Updates of memberships take only dates and price, of webhooks only isEnabled; otherwise what their creates take.",
        "officernd::writing::narrow_puts",
    ),
    flag(
        "officernd.delete_keeps_references",
        true,
        "What points to a deleted object goes on pointing to it.",
        "officernd::writing::dangling_references",
    ),
    // status
    flag(
        "officernd.status_moves_modified",
        false,
        "A status that follows from memberships or opportunities moves the member's modifiedAt and sends an event.",
        "officernd::status::silence",
    ),
    flag(
        "officernd.manual_status_cuts_portal",
        true,
        "A status by hand takes portal access away.",
        "officernd::status::by_hand",
    ),
    // events
    choice(
        "officernd.webhook_body",
        &["v1", "v2"],
        "The shape of data.object in events.",
        "officernd::webhooks::bodies",
    ),
    choice(
        "officernd.webhook_retry",
        &["none", "three"],
        "A failed event is dropped, or tried three more times after 10, 30 and 90 seconds.",
        "officernd::webhooks::retries",
    ),
    flag(
        "officernd.webhook_timestamp_refreshed",
        false,
        "Each attempt is signed with its own time.",
        "officernd::webhooks::retries",
    ),
    flag(
        "officernd.api_write_webhooks",
        true,
        "Writes through the API send events too.",
        "officernd::webhooks::own_writes",
    ),
    number(
        "officernd.lost_webhook_every",
        0,
        "Each nth event is never sent; 0 is never.",
        "officernd::webhooks::lost",
    ),
    flag(
        "officernd.opportunity_events",
        false,
        "Opportunities send events, which the vendor does not offer.",
        "officernd::webhooks::opportunities",
    ),
];
