//! The effects between which and their commit a server is killed, and what people do that leads to them.

use sandbox::{Operation, System};
use serde_json::{Value as Json, json};

use crate::world::World;

/// One effect, and the moment of the kill.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) sync: &'static str,
    /// Where the effect is.
    pub(super) at: System,
    pub(super) operation: Operation,
    /// The request that has it.
    pub(super) effect: Json,
    /// The request to be killed in, if it is the read-back.
    pub(super) read_back: Option<Json>,
    /// What a person does that leads to it.
    pub(super) act: fn(&World, &Person),
}

/// Somebody who is linked, by id.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) highlevel: String,
    pub(super) other: String,
}

fn highlevel(method: &str, path: &str) -> Json {
    json!({"system": "highlevel", "method": method, "path": path})
}

fn onoffice(action: &str) -> Json {
    json!({"system": "onoffice", "action": action})
}

fn officernd(method: &str, path: &str) -> Json {
    json!({"system": "officernd", "method": method, "path": path})
}

fn edit_address(world: &World, person: &Person, fields: Json) {
    let id: u32 = person.other.parse().unwrap();
    world.act(
        System::OnOffice,
        "edit",
        json!({"id": id, "fields": fields}),
    );
}

fn edit_contact(world: &World, person: &Person, fields: Json) {
    let input = json!({"id": person.highlevel, "fields": fields});
    world.act(System::HighLevel, "edit_contact", input);
}

fn edit_member(world: &World, person: &Person, fields: Json) {
    let input = json!({"id": person.other, "fields": fields});
    world.act(System::OfficeRnd, "edit_member", input);
}

fn tags(world: &World, person: &Person, act: &str, tag: &str) {
    let input = json!({"id": person.highlevel, "tags": [tag]});
    world.act(System::HighLevel, act, input);
}

fn case(
    name: &'static str,
    (at, operation): (System, Operation),
    effect: Json,
    act: fn(&World, &Person),
) -> Case {
    Case {
        name,
        sync: "people",
        at,
        operation,
        effect,
        read_back: None,
        act,
    }
}

/// The effects of the sync between HighLevel and onOffice.
pub(super) fn with_onoffice() -> Vec<Case> {
    use Operation::{Create, Delete, Update};
    let (hl, oo) = (System::HighLevel, System::OnOffice);
    vec![
        case(
            "create a contact",
            (hl, Create),
            highlevel("POST", "/contacts"),
            |world, _| {
                let fields = json!({"Vorname": "Nele", "Name": "Neu", "email": "nele@neu.example"});
                world.act(System::OnOffice, "create", json!({"fields": fields}));
            },
        ),
        case(
            "change a contact",
            (hl, Update),
            highlevel("PUT", "/contacts/{contactId}"),
            |world, person| edit_address(world, person, json!({"Ort": "Bernau"})),
        ),
        case(
            "add a tag",
            (hl, Update),
            highlevel("POST", "/contacts/{contactId}/tags"),
            |world, person| {
                edit_address(world, person, json!({"ArtDaten": ["Kunde", "Tippgeber"]}))
            },
        ),
        case(
            "remove a tag",
            (hl, Update),
            highlevel("DELETE", "/contacts/{contactId}/tags"),
            |world, person| edit_address(world, person, json!({"ArtDaten": []})),
        ),
        case(
            "delete a contact",
            (hl, Delete),
            highlevel("DELETE", "/contacts/{contactId}"),
            |world, person| {
                let id: u32 = person.other.parse().unwrap();
                world.act(System::OnOffice, "delete", json!({"id": id}));
            },
        ),
        case(
            "create an address",
            (oo, Create),
            onoffice("create address"),
            |world, _| {
                let contact =
                    json!({"firstName": "Nils", "lastName": "Neu", "email": "nils@neu.example"});
                world.act(System::HighLevel, "create_contact", contact);
            },
        ),
        Case {
            read_back: Some(onoffice("read address")),
            ..case(
                "read a new address back",
                (oo, Create),
                onoffice("create address"),
                |world, _| {
                    let contact = json!({"firstName": "Nora", "lastName": "Neu", "email": "nora@neu.example"});
                    world.act(System::HighLevel, "create_contact", contact);
                },
            )
        },
        case(
            "change an address",
            (oo, Update),
            onoffice("modify address"),
            |world, person| edit_contact(world, person, json!({"city": "Potsdam"})),
        ),
        Case {
            read_back: Some(onoffice("read address")),
            ..case(
                "read a changed address back",
                (oo, Update),
                onoffice("modify address"),
                |world, person| edit_contact(world, person, json!({"city": "Cottbus"})),
            )
        },
        case(
            "add an e-mail address",
            (oo, Update),
            onoffice("modify address"),
            |world, person| {
                let email = format!("neu{}@neu.example", person.number);
                edit_contact(world, person, json!({"email": email}));
            },
        ),
        case(
            "add a category",
            (oo, Update),
            onoffice("modify address"),
            |world, person| tags(world, person, "add_tags", "Tippgeber"),
        ),
        case(
            "remove a category",
            (oo, Update),
            onoffice("modify address"),
            |world, person| tags(world, person, "remove_tags", "Kunde"),
        ),
        case(
            "archive an address",
            (oo, Update),
            onoffice("modify address"),
            |world, person| {
                world.act(
                    System::HighLevel,
                    "delete_contact",
                    json!({"id": person.highlevel}),
                );
            },
        ),
    ]
}

/// The effects of the sync between HighLevel and OfficeRnD.
pub(super) fn with_officernd() -> Vec<Case> {
    use Operation::{Create, Delete, Update};
    let (hl, rnd) = (System::HighLevel, System::OfficeRnd);
    let cases = vec![
        case(
            "create a member",
            (rnd, Create),
            officernd("POST", "/members"),
            |world, _| {
                let contact = json!({"firstName": "Nils", "lastName": "Neu", "email": "nils@neu.example",
                "tags": ["coworking"]});
                world.act(System::HighLevel, "create_contact", contact);
            },
        ),
        case(
            "change a member",
            (rnd, Update),
            officernd("PUT", "/members/{memberId}"),
            |world, person| edit_contact(world, person, json!({"city": "Potsdam"})),
        ),
        case(
            "delete a member",
            (rnd, Delete),
            officernd("DELETE", "/members/{memberId}"),
            |world, person| {
                world.act(
                    System::HighLevel,
                    "delete_contact",
                    json!({"id": person.highlevel}),
                );
            },
        ),
        case(
            "create a contact of a member",
            (hl, Create),
            highlevel("POST", "/contacts"),
            |world, _| {
                let member = json!({"name": "Nele Neu", "email": "nele@neu.example"});
                world.act(System::OfficeRnd, "create_member", member);
            },
        ),
        case(
            "delete a contact of a member",
            (hl, Delete),
            highlevel("DELETE", "/contacts/{contactId}"),
            |world, person| {
                world.act(
                    System::OfficeRnd,
                    "delete_member",
                    json!({"id": person.other}),
                );
            },
        ),
        case(
            "create a company",
            (rnd, Create),
            officernd("POST", "/companies"),
            |world, _| {
                let business = json!({"name": "Neubau", "email": "post@neubau.example"});
                world.act(System::HighLevel, "create_business", business);
            },
        ),
        case(
            "change a company",
            (rnd, Update),
            officernd("PUT", "/companies/{companyId}"),
            |world, _| {
                let id = world.sandbox.control().companies(System::HighLevel);
                let id = &id.iter().find(|held| held.name == "Werft").unwrap().id;
                let fields = json!({"description": "Boote und mehr"});
                world.act(
                    System::HighLevel,
                    "edit_business",
                    json!({"id": id, "fields": fields}),
                );
            },
        ),
        case(
            "create a business",
            (hl, Create),
            highlevel("POST", "/businesses"),
            |world, _| {
                let company = json!({"name": "Altbau", "email": "post@altbau.example"});
                world.act(System::OfficeRnd, "create_company", company);
            },
        ),
        case(
            "change a business",
            (hl, Update),
            highlevel("PUT", "/businesses/{businessId}"),
            |world, _| {
                let id = world.sandbox.control().companies(System::OfficeRnd);
                let id = &id.iter().find(|held| held.name == "Werft").unwrap().id;
                let fields = json!({"url": "https://werft.example/neu"});
                world.act(
                    System::OfficeRnd,
                    "edit_company",
                    json!({"id": id, "fields": fields}),
                );
            },
        ),
        case(
            "move a contact into a business",
            (hl, Update),
            highlevel("POST", "/contacts/bulk/business"),
            |world, person| edit_member(world, person, json!({"companyName": "Werft"})),
        ),
        case(
            "move a member into a company",
            (rnd, Update),
            officernd("PUT", "/members/{memberId}/company"),
            |world, person| {
                let id = world.sandbox.control().companies(System::HighLevel);
                let id = &id.iter().find(|held| held.name == "Werft").unwrap().id;
                let input = json!({"id": person.highlevel, "businessId": id});
                world.act(System::HighLevel, "set_business", input);
            },
        ),
    ];
    let of_members = |case| Case {
        sync: "members",
        ..case
    };
    cases.into_iter().map(of_members).collect()
}
