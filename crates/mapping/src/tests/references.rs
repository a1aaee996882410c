//! Fields that name records of another entity.

use merge::{Decision, Evidence};
use record::{Entity, Field, Fields, Kind, Schema, Side, Sides};

use super::{fields, left, right, rules, settings, spec};
use crate::{CompiledEntity, CompiledMapping, Mode, Problem, References};

fn schemas(clearable: bool) -> (Schema, Schema) {
    let (mut left, mut right) = (left(), right());
    left.fields
        .push(spec("companyId", Kind::Reference(Entity::Company)));
    let mut firma = spec("Firma", Kind::Reference(Entity::Company));
    firma.capability.clearable = clearable;
    right.fields.push(firma);
    (left, right)
}

fn try_compile(yaml: &str, entities: &[Entity]) -> Result<CompiledEntity, Vec<Problem>> {
    let (left, right) = schemas(true);
    let mut settings = settings(Mode::TwoWay);
    settings.entities = entities.to_vec();
    CompiledEntity::compile(&rules(yaml), &left, &right, &settings)
}

const BOTH: &str = "
fields:
  - {left: lastName, right: Name}
  - {left: companyId, right: Firma}
";

/// The rules, knowing these links of companies.
fn knowing(yaml: &str, links: &[(&str, &str)]) -> CompiledEntity {
    let compiled = try_compile(yaml, &[Entity::Company, Entity::Contact])
        .unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut references = References::new();
    for (left, right) in links {
        references.add(Entity::Company, (*left).into(), (*right).into());
    }
    compiled.knowing(references)
}

fn reference(entity: &CompiledEntity) -> &CompiledMapping {
    let (mapping, parent) = entity.references().next().unwrap();
    assert_eq!(parent, Entity::Company);
    mapping
}

/// What is held on both sides; nothing is an empty text.
fn held(left: &str, right: &str) -> Sides<Fields> {
    Sides::new(
        fields(&[("companyId", Field::of(left))]),
        fields(&[("Firma", Field::of(right))]),
    )
}

fn decided(entity: &CompiledEntity, base: Option<(&str, &str)>, now: (&str, &str)) -> Decision {
    let base = base.map(|(left, right)| held(left, right));
    let now = held(now.0, now.1);
    reference(entity).decide(
        base.as_ref().map(Sides::as_ref),
        now.as_ref(),
        &Evidence::default(),
    )
}

/// The raw fields that a decision writes, with their side.
fn written(
    entity: &CompiledEntity,
    decision: &Decision,
    now: (&str, &str),
) -> Option<(Side, Fields)> {
    let now = held(now.0, now.1);
    Side::BOTH.into_iter().find_map(|side| {
        let value = decision.write_to(side)?;
        Some((side, reference(entity).put(side, value, now.get(side))))
    })
}

#[test]
fn ids_are_translated_by_the_links() {
    let entity = knowing(BOTH, &[("b1", "o1"), ("b2", "o2")]);
    assert!(matches!(
        decided(&entity, None, ("b1", "o1")),
        Decision::Agree
    ));
    let now = ("b1", "o2");
    let decision = decided(&entity, Some(("b1", "o1")), now);
    let (side, change) = written(&entity, &decision, now).unwrap();
    assert_eq!(side, Side::Left);
    assert_eq!(change, fields(&[("companyId", Field::of("b2"))]));
    let now = ("b2", "o1");
    let decision = decided(&entity, Some(("b1", "o1")), now);
    let (side, change) = written(&entity, &decision, now).unwrap();
    assert_eq!(side, Side::Right);
    assert_eq!(change, fields(&[("Firma", Field::of("o2"))]));
}

#[test]
fn an_id_without_a_link_waits_and_says_for_what() {
    let entity = knowing(BOTH, &[("b1", "o1")]);
    for (base, now, side) in [
        (None, ("", "o9"), Side::Right),
        (None, ("b9", "o1"), Side::Left),
        (Some(("b1", "o1")), ("b9", "o1"), Side::Left),
        (Some(("", "")), ("", "o9"), Side::Right),
        (Some(("b1", "o1")), ("", "o9"), Side::Right),
    ] {
        let decision = decided(&entity, base, now);
        assert_eq!(decision, Decision::Wait { side }, "{base:?} {now:?}");
        let now = held(now.0, now.1);
        let why = reference(&entity).unreadable(side, now.get(side)).unwrap();
        assert!(why.contains("company") && why.contains("9"), "{why}");
    }
}

#[test]
fn an_id_that_stays_is_no_change_whatever_became_of_its_link() {
    let entity = knowing(BOTH, &[("b2", "o2")]);
    // Nothing is written, and that its company has no link is told.
    assert_eq!(
        decided(&entity, Some(("b1", "o1")), ("b1", "o1")),
        Decision::Wait { side: Side::Left }
    );
    // The former company has no link any more; the person was moved to one that has.
    let now = ("b1", "o2");
    let decision = decided(&entity, Some(("b1", "o1")), now);
    let (side, change) = written(&entity, &decision, now).unwrap();
    assert_eq!(
        (side, change),
        (Side::Left, fields(&[("companyId", Field::of("b2"))]))
    );
    // What it means on the other side is not known, so it cannot be put back, either.
    let one_way = BOTH.replace("right: Firma", "right: Firma, direction: to_right");
    let entity = knowing(&one_way, &[("b2", "o2")]);
    assert_eq!(
        decided(&entity, Some(("b1", "o1")), ("b1", "o2")),
        Decision::Wait { side: Side::Left }
    );
}

#[test]
fn a_company_that_went_takes_nobody_out_of_its_counterpart() {
    // b1 was deleted, and the vendor emptied the person's field with it.
    let base = Some(("b1", "o1"));
    let parted = knowing(BOTH, &[("b2", "o2")]);
    assert_eq!(
        decided(&parted, base, ("", "o1")),
        Decision::Wait { side: Side::Right }
    );
    assert_eq!(decided(&parted, base, ("", "")), Decision::Agree);
    // Made again there, or linked with another: the person follows, whether the field was emptied or not.
    let anew = knowing(BOTH, &[("b2", "o1")]);
    for left in ["", "b1"] {
        let decision = decided(&anew, base, (left, "o1"));
        assert_eq!(
            written(&anew, &decision, (left, "o1")).unwrap(),
            (Side::Left, fields(&[("companyId", Field::of("b2"))])),
            "{left}"
        );
    }
    // Somebody moved the person on the other side meanwhile.
    let now = ("", "o2");
    let decision = decided(&parted, base, now);
    assert_eq!(
        written(&parted, &decision, now).unwrap(),
        (Side::Left, fields(&[("companyId", Field::of("b2"))]))
    );
    // As long as both companies are linked, an emptied field is an edit.
    let linked = knowing(BOTH, &[("b1", "o1")]);
    let now = ("", "o1");
    let decision = decided(&linked, base, now);
    assert_eq!(
        written(&linked, &decision, now).unwrap(),
        (Side::Right, fields(&[("Firma", Field::Empty)]))
    );
}

#[test]
fn a_company_that_is_removed_travels_only_where_it_can_be_removed() {
    let entity = knowing(BOTH, &[("b1", "o1")]);
    assert_eq!(reference(&entity).lossy(Side::Right, &Field::Empty), None);
    let (left, right) = schemas(false);
    let entity =
        CompiledEntity::compile(&rules(BOTH), &left, &right, &settings(Mode::TwoWay)).unwrap();
    let loss = reference(&entity)
        .lossy(Side::Right, &Field::Empty)
        .unwrap();
    assert!(!loss.partial);
}

#[test]
fn without_links_a_side_is_only_compared_with_itself() {
    let entity = try_compile(BOTH, &[Entity::Company, Entity::Contact]).unwrap();
    let mapping = reference(&entity);
    let (one, other) = (held("b1", "b1"), held("b2", "o2"));
    let read = |side: Side, held: &Sides<Fields>| mapping.read(side, held.get(side));
    assert_eq!(read(Side::Left, &one), read(Side::Left, &one));
    assert_ne!(read(Side::Left, &one), read(Side::Left, &other));
    assert_ne!(read(Side::Left, &one), read(Side::Right, &one));
    let value = read(Side::Left, &one);
    assert!(mapping.put(Side::Right, &value, &other.right).is_empty());
    assert!(matches!(
        decided(&entity, None, ("b1", "")),
        Decision::Wait { .. }
    ));
    assert!(matches!(
        decided(&entity, Some(("b1", "o1")), ("", "o1")),
        Decision::Wait { .. }
    ));
}

#[test]
fn a_draft_names_what_is_linked_and_leaves_out_what_is_not() {
    let entity = knowing(BOTH, &[("b1", "o1")]);
    let of = |company: &str| {
        let source = fields(&[
            ("lastName", Field::of("Heide")),
            ("companyId", Field::of(company)),
        ]);
        entity.draft(Side::Right, &source).fields
    };
    assert_eq!(of("b1").get("Firma"), &Field::of("o1"));
    assert_eq!(of("b9").get("Firma"), &Field::Unknown);
    assert_eq!(of("b9").get("Name"), &Field::of("Heide"));
}

#[test]
fn a_reference_needs_its_entity_and_its_like() {
    let problems = try_compile(BOTH, &[Entity::Contact]).unwrap_err();
    let [problem] = &problems[..] else {
        panic!("{problems:#?}")
    };
    assert_eq!(problem.path, "entities.contact.fields[1]");
    assert!(problem.message.contains("company"), "{problem}");
    assert!(problem.hint.as_ref().unwrap().contains("entities"));

    let all = [Entity::Company, Entity::Contact];
    let text = BOTH.replace("right: Firma", "right: Anzeigename");
    let problems = try_compile(&text, &all).unwrap_err();
    assert!(problems[0].message.contains("the id of another record"));
    let default = BOTH.replace("right: Firma", "right: Firma, default_right: o1");
    let problems = try_compile(&default, &all).unwrap_err();
    assert_eq!(problems[0].path, "entities.contact.fields[1].default_right");
}
