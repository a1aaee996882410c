//! onOffice: how things come to be, and how the effect of each operation is seen.

use super::bench::{
    Case, Expect, Maker,
    Seen::{self, Read, Says, Shows, State, Tells},
};

const fn maker(kind: &'static str, operation: &'static str) -> Maker {
    Maker {
        kind,
        operation,
        id: "/records/0/id",
        with: "{}",
    }
}

const fn special(
    kind: &'static str,
    operation: &'static str,
    id: &'static str,
    with: &'static str,
) -> Maker {
    Maker {
        kind,
        operation,
        id,
        with,
    }
}

const fn case(operation: &'static str, seen: Seen) -> Case {
    Case {
        operation,
        before: &[],
        seen,
    }
}

const fn after(operation: &'static str, before: &'static [&'static str], seen: Seen) -> Case {
    Case {
        operation,
        before,
        seen,
    }
}

/// A task as somebody makes it by hand: where the number of its type can be read from.
const BY_HAND: &str = r#"{"action": "create", "resource": "task",
    "parameters": {"data": {"Art": 155, "Betreff": "By hand"}}}"#;

pub(super) const MAKERS: &[Maker] = &[
    maker("address", "address.create"),
    maker("user", "users.list"),
    maker("group", "groups.list"),
    maker("filter", "filters.list"),
    maker("estate", "estate.create"),
    maker("task", "task.create"),
    maker("activity", "agentslog.create"),
    maker("appointment", "calendar.create"),
    maker("criteria", "criteria.create"),
    maker("mail_template", "mail.templates"),
    special("task_by_hand", "act perform", "/id", BY_HAND),
    special(
        "task_type",
        "task.read",
        "/records/0/elements/Art",
        r#"{"data": ["Art"], "filter": {"Nr": [{"op": "=", "val": "$task_by_hand"}]}}"#,
    ),
    special(
        "action_kind",
        "agentslog.kinds",
        "/records/6/elements/key",
        "{}",
    ),
    special(
        "mailbox",
        "users.list",
        "/records/0/elements/email",
        r#"{"userfilter": "onlyOwn"}"#,
    ),
    special(
        "upload",
        "file.upload",
        "/records/0/elements/tmpUploadId",
        "{}",
    ),
    special("file", "file.attach", "/records/0/elements/fileId", "{}"),
    special(
        "address_file",
        "file.attach",
        "/records/0/elements/fileId",
        r#"{"module": "address", "relatedRecordId": "$address"}"#,
    ),
    special(
        "appointment_file",
        "act attach_file",
        "/id",
        r#"{"module": "calendar", "id": "$appointment", "name": "plan.pdf"}"#,
    ),
    special("mail", "state mail", "/id", "{}"),
];

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("address.read", Shows("address")),
    case("address.get", Shows("address")),
    case("address.create", Read(Some(("address", "/records/0/id")), "address.get", Expect::Fields(&["Vorname", "Name", "Ort"]))),
    case("address.modify", Read(None, "address.get", Expect::Fields(&["Ort"]))),
    case("address.search", Shows("address")),
    case("address.field_values", Says("Herr")),
    case("address.completion_fields", Says("ArtDaten")),
    case("address.send_completion", State("mail", "Bitte vervollständigen Sie Ihre Daten", true)),
    case("address.register_newsletter", Read(None, "agentslog.read", Expect::Says("Newsletter"))),
    case("address.files", Shows("address_file")),
    case("address.download_page", Says("downloadUrl")),
    case("task.read", Shows("task")),
    case("task.get", Shows("task")),
    case("task.create", Read(Some(("task", "/records/0/id")), "task.get", Expect::Fields(&["data.Betreff", "data.Aufgabe", "data.Deadline"]))),
    case("task.modify", Read(None, "task.get", Expect::Fields(&["data.Betreff"]))),
    case("agentslog.read", Shows("activity")),
    case("agentslog.create", Read(Some(("activity", "/records/0/id")), "agentslog.read", Expect::Says("Asked for the exposé."))),
    case("agentslog.modify", Read(None, "agentslog.read", Expect::Says("Sent the exposé."))),
    case("agentslog.kinds", Says("Nicht erreicht")),
    case("calendar.list", Shows("appointment")),
    case("calendar.get", Shows("appointment")),
    case("calendar.read", Shows("appointment")),
    case("calendar.create", Read(Some(("appointment", "/records/0/id")), "calendar.read", Expect::Fields(&["data.description", "data.start_dt", "data.end_dt", "data.note"]))),
    case("calendar.modify", Read(None, "calendar.read", Expect::Fields(&["data.start_dt", "data.note"]))),
    case("calendar.delete", Read(None, "calendar.get", Expect::Gone("appointment"))),
    after("calendar.conflicts", &["calendar.create"], Shows("user")),
    case("calendar.resources", Says("Firmenfahrzeug")),
    case("calendar.confirm", Read(None, "calendar.get", Expect::Says("sent"))),
    case("calendar.files", Shows("appointment_file")),
    after("relation.ids", &["relation.create"], Shows("address")),
    case("relation.create", Read(None, "relation.ids", Expect::Shows("address"))),
    case("relation.modify", Read(None, "calendar.get", Expect::Says("confirmed"))),
    after("relation.delete", &["relation.create"], Read(None, "relation.ids", Expect::Gone("address"))),
    case("estate.read", Shows("estate")),
    case("estate.get", Shows("estate")),
    case("estate.create", Read(Some(("estate", "/records/0/id")), "estate.get", Expect::Fields(&["data.objektnr_extern", "data.strasse", "data.ort", "data.objektart"]))),
    case("estate.modify", Read(None, "estate.get", Expect::Fields(&["data.objekttitel", "data.ort"]))),
    case("estate.search", Shows("estate")),
    case("estate.categories", Says("wohnung")),
    after("estate.price_offer", &["estate.offer_price"], Says("350.000,00 €")),
    case("estate.offer_price", Read(None, "estate.price_offer", Expect::Says("350.000,00 €"))),
    case("estate.pictures", Shows("file")),
    case("estate.files", Shows("file")),
    case("criteria.list", Shows("criteria")),
    case("criteria.create", Read(Some(("criteria", "/records/0/id")), "criteria.list", Expect::Shows("criteria"))),
    case("criteria.modify", Read(None, "criteria.list", Expect::Says("Only with a garden"))),
    case("criteria.delete", Read(None, "criteria.list", Expect::Gone("criteria"))),
    case("criteria.search", Shows("criteria")),
    case("criteria.fields", Says("wohnflaeche")),
    case("criteria.suitors", Shows("criteria")),
    case("file.upload", Read(Some(("upload", "/records/0/elements/tmpUploadId")), "file.attach", Expect::Has("fileId"))),
    case("file.attach", Read(Some(("file", "/records/0/elements/fileId")), "estate.files", Expect::Shows("file"))),
    case("file.describe", Read(None, "estate.files", Expect::Fields(&["title", "freetext"]))),
    case("file.delete", Read(None, "estate.files", Expect::Gone("file"))),
    case("mail.send", State("mail", "Your viewing", true)),
    after("mail.info", &["mail.send"], Shows("address")),
    after("mail.link", &["mail.send"], Read(None, "mail.info", Expect::Shows("estate"))),
    case("mail.templates", Says("Exposéversand")),
    case("mail.folders", Says("Eigene Vorlagen")),
    case("mail.signatures", Says("Standard")),
    case("fields.get", Says("Vorname")),
    case("fields.multiselect", Says("Makler")),
    case("users.list", Shows("user")),
    case("users.get", Shows("user")),
    case("users.photos", Shows("user")),
    case("users.rights", Shows("address")),
    case("groups.list", Shows("group")),
    case("filters.list", Shows("filter")),
    case("settings.imprint", Says("Maklerhaus Beispiel GmbH")),
    case("settings.basic", Says("2f6f8f")),
    case("regions.list", Says("Aachen")),
    case("regions.search", Says("indMulti1274Select5431")),
    case("records.link", Shows("address")),
    case("records.last_seen", Shows("address")),
    case("log.read", Shows("address")),
    case("text.resolve", Says("Dear Anna Blum")),
    case("worklist.create", State("workinglist", "Call these first", true)),
    case("marketplace.announce", Tells("AddressSaved", "address")),
];
