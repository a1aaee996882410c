//! onOffice: how things come to be, and how the effect of each operation is seen.

use super::bench::{
    Case, Expect, Maker,
    Seen::{self, Read, Says, Shows},
};

const fn maker(kind: &'static str, operation: &'static str) -> Maker {
    Maker {
        kind,
        operation,
        id: "/records/0/id",
        with: "{}",
    }
}

const fn case(operation: &'static str, seen: Seen) -> Case {
    Case {
        operation,
        before: &[],
        seen,
    }
}

pub(super) const MAKERS: &[Maker] = &[
    maker("address", "address.create"),
    maker("user", "users.list"),
    maker("group", "groups.list"),
    maker("filter", "filters.list"),
];

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("address.read", Shows("address")),
    case("address.get", Shows("address")),
    case("address.create", Read(Some(("address", "/records/0/id")), "address.get", Expect::Fields(&["Vorname", "Name", "Ort"]))),
    case("address.modify", Read(None, "address.get", Expect::Fields(&["Ort"]))),
    case("address.search", Shows("address")),
    case("address.field_values", Says("Herr")),
    case("fields.get", Says("Vorname")),
    case("users.list", Shows("user")),
    case("users.get", Shows("user")),
    case("groups.list", Shows("group")),
    case("filters.list", Shows("filter")),
];
