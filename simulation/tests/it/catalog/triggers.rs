//! How each trigger is set off: by an operation, or by what a person does at the vendor.

use super::bench::{Change, Deed};

const fn deed(
    trigger: &'static str,
    before: &'static [&'static str],
    by: &'static str,
    with: &'static str,
) -> Deed {
    Deed {
        trigger,
        before,
        by,
        with,
    }
}

const fn change(
    trigger: &'static str,
    kind: &'static str,
    made: Option<(&'static str, &'static str)>,
    change: Option<&'static str>,
) -> Change {
    Change {
        trigger,
        kind,
        made,
        change,
    }
}

#[rustfmt::skip]
pub(super) const HIGHLEVEL: &[Deed] = &[
    deed("app.installed", &[], "act install", "{}"),
    deed("app.removed", &[], "act uninstall", "{}"),
    deed("app.plan_changed", &[], "act happen", r#"{"event": "PLAN_CHANGE"}"#),
    deed("appointment.created", &[], "calendars.appointments.create", "{}"),
    deed("appointment.updated", &[], "calendars.appointments.update", "{}"),
    deed("appointment.deleted", &[], "calendars.events.delete", r#"{"eventId": "$appointment"}"#),
    deed("association.created", &[], "act happen", r#"{"event": "AssociationCreate"}"#),
    deed("association.updated", &[], "act happen", r#"{"event": "AssociationUpdate", "id": "$association"}"#),
    deed("association.deleted", &[], "act happen", r#"{"event": "AssociationDelete", "id": "$association"}"#),
    deed("campaign.status_changed", &[], "contacts.campaigns.add", "{}"),
    deed("contact.created", &[], "contacts.create", "{}"),
    deed("contact.updated", &[], "contacts.update", "{}"),
    deed("contact.deleted", &[], "contacts.delete", "{}"),
    deed("contact.dnd_changed", &[], "act edit_contact", r#"{"id": "$contact", "fields": {"dnd": true}}"#),
    deed("contact.tags_changed", &[], "contacts.add_tags", r#"{"tags": ["viewed"]}"#),
    deed("conversation.unread_changed", &[], "conversations.messages.add_inbound", "{}"),
    deed("message.received", &[], "conversations.messages.add_inbound", "{}"),
    deed("message.sent", &[], "conversations.messages.send", "{}"),
    deed("message.to_provider", &[], "act happen", r#"{"event": "ConversationProviderOutboundMessage", "fields": {"contactId": "$contact"}}"#),
    deed("email.told", &[], "act happen", r#"{"event": "LCEmailStats"}"#),
    deed("invoice.created", &[], "act happen", r#"{"event": "InvoiceCreate"}"#),
    deed("invoice.updated", &[], "act happen", r#"{"event": "InvoiceUpdate", "id": "$invoice"}"#),
    deed("invoice.sent", &[], "act happen", r#"{"event": "InvoiceSent", "id": "$invoice"}"#),
    deed("invoice.partly_paid", &[], "act happen", r#"{"event": "InvoicePartiallyPaid", "id": "$invoice"}"#),
    deed("invoice.paid", &[], "act happen", r#"{"event": "InvoicePaid", "id": "$invoice"}"#),
    deed("invoice.voided", &[], "act happen", r#"{"event": "InvoiceVoid", "id": "$invoice"}"#),
    deed("invoice.deleted", &[], "act happen", r#"{"event": "InvoiceDelete", "id": "$invoice"}"#),
    deed("location.created", &[r#"act install {"company": true}"#], "act create_location", r#"{"name": "Branch"}"#),
    deed("location.updated", &[], "act set_location", r#"{"name": "Renamed"}"#),
    deed("note.created", &[], "contacts.notes.create", "{}"),
    deed("note.updated", &[], "contacts.notes.update", "{}"),
    deed("note.deleted", &[], "contacts.notes.delete", "{}"),
    deed("object.created", &[], "act happen", r#"{"event": "ObjectSchemaCreate"}"#),
    deed("object.updated", &[], "act happen", r#"{"event": "ObjectSchemaUpdate", "id": "$object"}"#),
    deed("opportunity.created", &[], "opportunities.create", "{}"),
    deed("opportunity.updated", &[], "opportunities.update", "{}"),
    deed("opportunity.deleted", &[], "opportunities.delete", "{}"),
    deed("opportunity.stage_changed", &[], "opportunities.update", r#"{"pipelineStageId": "$second_stage"}"#),
    deed("opportunity.status_changed", &[], "opportunities.set_status", "{}"),
    deed("opportunity.value_changed", &[], "opportunities.update", r#"{"monetaryValue": 99}"#),
    deed("opportunity.assigned", &[], "opportunities.update", r#"{"assignedTo": "$user"}"#),
    deed("order.created", &[], "act happen", r#"{"event": "OrderCreate"}"#),
    deed("order.status_changed", &[], "act happen", r#"{"event": "OrderStatusUpdate", "id": "$order"}"#),
    deed("price.created", &[], "act happen", r#"{"event": "PriceCreate"}"#),
    deed("price.updated", &[], "act happen", r#"{"event": "PriceUpdate", "id": "$price"}"#),
    deed("price.deleted", &[], "act happen", r#"{"event": "PriceDelete", "id": "$price"}"#),
    deed("product.created", &[], "act happen", r#"{"event": "ProductCreate"}"#),
    deed("product.updated", &[], "act happen", r#"{"event": "ProductUpdate", "id": "$product"}"#),
    deed("product.deleted", &[], "act happen", r#"{"event": "ProductDelete", "id": "$product"}"#),
    deed("record.created", &["switch highlevel.record_event_type"], "businesses.create", "{}"),
    deed("record.updated", &["switch highlevel.record_event_type"], "businesses.update", "{}"),
    deed("record.deleted", &["switch highlevel.record_event_type"], "businesses.delete", "{}"),
    deed("record.changed", &[], "businesses.update", "{}"),
    deed("relation.created", &[], "act happen", r#"{"event": "RelationCreate"}"#),
    deed("relation.deleted", &[], "act happen", r#"{"event": "RelationDelete", "id": "$relation"}"#),
    deed("task.created", &[], "contacts.tasks.create", "{}"),
    deed("task.completed", &[], "contacts.tasks.complete", "{}"),
    deed("task.deleted", &[], "contacts.tasks.delete", "{}"),
    deed("user.created", &[], "users.create", "{}"),
];

#[rustfmt::skip]
pub(super) const HIGHLEVEL_CHANGES: &[Change] = &[
    change("task.changed", "task", None, Some("contacts.tasks.update")),
    change("user.changed", "user", Some(("users.create", "/id")), Some("users.update")),
];

#[rustfmt::skip]
pub(super) const OFFICERND: &[Deed] = &[
    deed("member.created", &[], "members.create", "{}"),
    deed("member.updated", &[], "members.update", "{}"),
    deed("member.removed", &[], "members.delete", "{}"),
    deed("company.created", &[], "companies.create", "{}"),
    deed("company.updated", &[], "companies.update", "{}"),
    deed("company.removed", &[], "companies.delete", "{}"),
    deed("membership.created", &[], "memberships.create", "{}"),
    deed("membership.updated", &[], "memberships.update", "{}"),
    deed("membership.removed", &[], "memberships.delete", "{}"),
    deed("booking.created", &[], "bookings.create", "{}"),
    deed("fee.created", &[], "fees.create", "{}"),
    deed("booking.updated", &[], "bookings.update", "{}"),
    deed("fee.updated", &[], "fees.update", "{}"),
    deed("booking.removed", &[], "bookings.delete", "{}"),
    deed("fee.removed", &[], "fees.delete", "{}"),
    deed("contract.created", &[], "contracts.create", "{}"),
    deed("contract.updated", &[], "contracts.sign", "{}"),
    deed("contract.removed", &[], "contracts.delete", "{}"),
    deed("ticket.created", &[], "tickets.create", "{}"),
    deed("ticket.updated", &[], "tickets.update", "{}"),
    deed("ticket.removed", &[], "act happen", r#"{"event": "ticket.removed", "id": "$ticket"}"#),
    deed("invoice.created", &[], "payments.create", "{}"),
    deed("invoice.updated", &[], "payments.update", "{}"),
    deed("invoice.removed", &[], "act happen", r#"{"event": "invoice.removed", "id": "$payment"}"#),
    deed("invoice.charge.created", &[], "charges.create", "{}"),
    deed("invoice.charge.updated", &[], "act happen", r#"{"event": "invoice.charge.updated", "id": "$charge", "fields": {"status": "success"}}"#),
    deed("invoice.charge.removed", &[], "charges.delete", "{}"),
    deed("invoice.allocation.created", &[], "payments.allocate", "{}"),
    deed("invoice.allocation.removed", &["payments.allocate"], "act happen", r#"{"event": "invoice.allocation.removed", "id": "$allocation"}"#),
    deed("pass.created", &[], "passes.create", "{}"),
    deed("pass.updated", &[], "passes.update", "{}"),
    deed("checkin.created", &[], "checkins.check_in", "{}"),
    deed("checkin.updated", &["checkins.check_in"], "checkins.check_out", "{}"),
    deed("member.paymentdetails.created", &[], "payment_details.create", "{}"),
    deed("member.paymentdetails.removed", &[], "payment_details.delete", "{}"),
    deed("company.paymentdetails.created", &[], "act happen", r#"{"event": "company.paymentdetails.created", "fields": {"company": "$company"}}"#),
    deed("company.paymentdetails.removed", &[], "act happen", r#"{"event": "company.paymentdetails.removed", "id": "$company_payment_details"}"#),
    deed("occupancyslot.created", &[], "act happen", r#"{"event": "occupancyslot.created", "fields": {"resource": "$resource", "member": "$member"}}"#),
    deed("occupancyslot.removed", &[], "act happen", r#"{"event": "occupancyslot.removed", "id": "$occupancy_slot"}"#),
    deed("integration.removed", &[], "act happen", r#"{"event": "integration.removed", "fields": {"name": "Door locks"}}"#),
];

/// Of visits, visitors and posts only making is tried: no call changes them.
#[rustfmt::skip]
pub(super) const OFFICERND_CHANGES: &[Change] = &[
    change("opportunity.changed", "opportunity", None, Some("opportunities.update")),
    change("visit.changed", "visit", None, None),
    change("visitor.changed", "visitor", None, None),
    change("event.changed", "event", None, Some("events.update")),
    change("post.changed", "post", None, None),
    change("opportunity_status.changed", "opportunity_status", Some((r#"act add_opportunity_status {"description": "trial"}"#, "/_id")), None),
    change("custom_property.changed", "custom_property", Some((r#"act add_property {"key": "tax", "type": "Text", "targets": ["member"]}"#, "/_id")), None),
];

#[rustfmt::skip]
pub(super) const ONOFFICE_CHANGES: &[Change] = &[
    change("address.changed", "address", None, Some("address.modify")),
    change("task.changed", "task", None, Some("task.modify")),
    change("agentslog.changed", "activity", None, Some("agentslog.modify")),
    change("calendar.changed", "appointment", None, Some("calendar.modify")),
    change("estate.changed", "estate", None, Some("estate.modify")),
];
