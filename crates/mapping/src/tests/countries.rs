//! Numbers that differ in their country alone, at the first link.

use merge::{Decision, Evidence, Reason};
use record::{Side, Sides};

use super::*;

/// What is decided about a number on the left and one in a list on the right, each with its country.
fn decided(yaml: &str, left: (&str, &str), right: (&str, &str)) -> Decision {
    let entity = compile(yaml);
    let country = |name: &str| match name {
        "" => Field::Empty,
        name => Field::of(name),
    };
    let on_left = fields(&[("phone", Field::of(left.0)), ("country", country(left.1))]);
    let list = points(&[point(PointKind::Mobile, right.0, None, true)]);
    let on_right = fields(&[("Kontakt", list), ("Land", country(right.1))]);
    let now = Sides::new(&on_left, &on_right);
    let phone = entity.mapping("phone").unwrap();
    phone.decide(None, now, &Evidence::default())
}

#[test]
fn a_country_that_came_later_is_what_an_unchanged_number_is_read_in() {
    let entity = compile(ALL);
    let phone = entity.mapping("phone").unwrap();
    let list = points(&[point(PointKind::Mobile, "078/9680420", None, true)]);
    let with = |left: &str, country: &str| {
        let country = Field::of(country);
        let on_left = fields(&[("phone", Field::of(left)), ("country", Field::Empty)]);
        let on_right = fields(&[("Kontakt", list.clone()), ("Land", country)]);
        (on_left, on_right)
    };
    // the base says so too: it is of the record as it is, the country with it
    let settled = |left: &str, country: &str| {
        let (left, right) = with(left, country);
        let now = Sides::new(&left, &right);
        phone.decide(Some(now), now, &Evidence::default())
    };
    let decision = settled("+49789680420", "CHE");
    assert_eq!(written(&decision), Some((Side::Left, "+41789680420")));
    // nothing tells, and what does not differ so stays, too
    assert_eq!(settled("+49789680420", "FRA"), Decision::Nothing);
    assert_eq!(settled("+49301234567", "CHE"), Decision::Nothing);
}

/// Which side is written, with what.
fn written(decision: &Decision) -> Option<(Side, &str)> {
    Side::BOTH
        .into_iter()
        .find_map(|side| Some((side, decision.write_to(side)?.text()?)))
}

#[test]
fn the_number_counts_that_fits_the_country_on_record() {
    let swiss = decided(ALL, ("+49789680420", ""), ("0041789680420", "CHE"));
    assert_eq!(written(&swiss), Some((Side::Left, "+41789680420")));
    let german = decided(ALL, ("+49789680420", "DE"), ("0041789680420", ""));
    assert_eq!(written(&german), Some((Side::Right, "+49789680420")));
    // read in the country of its own record
    let austrian = decided(ALL, ("+496602298170", ""), ("0660 2298170", "AUT"));
    assert_eq!(written(&austrian), Some((Side::Left, "+436602298170")));
}

#[test]
fn where_no_country_is_on_record_the_number_counts_that_says_its_own() {
    let decision = decided(ALL, ("+436602298170", ""), ("0660 2298170", ""));
    assert_eq!(written(&decision), Some((Side::Right, "+436602298170")));
    let decision = decided(ALL, ("0660 2298170", ""), ("+43 660 2298170", ""));
    assert_eq!(written(&decision), Some((Side::Left, "+436602298170")));
}

#[test]
fn where_nothing_tells_a_person_is_asked() {
    let asked = Decision::Ask {
        reason: Reason::NotAligned,
    };
    for (left, right) in [("", ""), ("DE", "CHE"), ("AT", "AUT")] {
        let decision = decided(ALL, ("+49789680420", left), ("+41789680420", right));
        assert_eq!(decision, asked, "{left} {right}");
    }
}

#[test]
fn what_the_config_says_counts_and_other_numbers_are_aligned_as_before() {
    let says = ALL.replace(
        "{left: phone, right: Kontakt}",
        "{left: phone, right: Kontakt, align: left_wins}",
    );
    let decision = decided(&says, ("+49789680420", ""), ("0041789680420", "CHE"));
    assert_eq!(written(&decision), Some((Side::Right, "+49789680420")));
    let decision = decided(ALL, ("+49301234567", ""), ("0041789680420", "CHE"));
    assert_eq!(written(&decision), Some((Side::Right, "+49301234567")));
}
