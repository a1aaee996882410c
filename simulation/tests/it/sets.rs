//! Tags and contact points: merged element by element, the rest left alone.

use anyhow::Result;
use sandbox::Operation;
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE};

use crate::support::{agrees, one_pair, options, questions};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_merge_per_element_both_ways_and_others_stay() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let mark = world.edit_mark();
    // Both sides change the set at once, each differently.
    world.act(
        HIGHLEVEL,
        "add_tags",
        &json!({"id": pair.highlevel, "tags": ["Tippgeber", "Newsletter"]}),
    )?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"ArtDaten": ["Makler", "Eigentümer"]}),
    )?;
    world.poll().await?;
    let sorted = |mut tags: Vec<String>| {
        tags.sort();
        tags
    };
    assert_eq!(
        sorted(world.held(HIGHLEVEL, &pair.highlevel)?.tags),
        ["Eigentümer", "Newsletter", "Tippgeber", "VIP"]
    );
    assert_eq!(
        sorted(world.held(ONOFFICE, &pair.onoffice)?.tags),
        ["Eigentümer", "Makler", "Tippgeber"]
    );
    agrees(&world).await?;
    assert!(questions(&world).await?.is_empty());
    // Tags go by their own calls: no PUT was sent at all.
    let routes = &world.control.core().counts.all()[&HIGHLEVEL].routes;
    assert!(
        !routes.iter().any(|route| route.method == "PUT"),
        "{routes:?}"
    );
    assert!(world.api_edits_of(mark, HIGHLEVEL, Operation::Update) >= 1);
    // Removing goes across as well.
    world.act(
        HIGHLEVEL,
        "remove_tags",
        &json!({"id": pair.highlevel, "tags": ["Eigentümer", "VIP"]}),
    )?;
    world.settle().await?;
    assert_eq!(
        sorted(world.held(ONOFFICE, &pair.onoffice)?.tags),
        ["Makler", "Tippgeber"]
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_phone_and_mail_entries_are_left_alone() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    for (kind, value) in [
        ("phone_business", "030 9876543"),
        ("mobile", "0171 2345678"),
        ("email_private", "privat@brandt.example"),
    ] {
        world.act(
            ONOFFICE,
            "add_entry",
            &json!({"id": pair.onoffice.parse::<u64>()?, "kind": kind, "value": value}),
        )?;
    }
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"phone": "+4940123456", "email": "neu@brandt.example"}),
    )?;
    world.settle().await?;
    let right = world.held(ONOFFICE, &pair.onoffice)?;
    assert_eq!(right.email, "neu@brandt.example");
    assert!(
        right.emails.contains(&"privat@brandt.example".to_owned()),
        "{right:?}"
    );
    for kept in ["030 9876543", "0171 2345678"] {
        assert!(right.phones.contains(&kept.to_owned()), "{right:?}");
    }
    assert_eq!(
        (right.phones.len(), right.emails.len()),
        (3, 2),
        "{right:?}"
    );
    agrees(&world).await?;
    // Clearing the one clears the main one there, and only that.
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"phone": ""}))?;
    world.settle().await?;
    let right = world.held(ONOFFICE, &pair.onoffice)?;
    for kept in ["030 9876543", "0171 2345678"] {
        assert!(right.phones.contains(&kept.to_owned()), "{right:?}");
    }
    assert_eq!(right.phones.len(), 2, "{right:?}");
    Ok(())
}
