//! Pages, orders, filters and counts of lists.

use connector::{Desk, Finding, ProbeError, Response};
use http::Method;
use record::RecordId;
use serde_json::{Value as Json, json};

use super::{
    beside, get, json as body,
    member::{TICK, make_named, place, update},
    refused, said, unexpected, write,
};

/// An id of the right form that nothing has.
const NOTHING: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

/// The ids of a page.
fn ids(response: &Response) -> Result<Vec<String>, ProbeError> {
    let page = body(response);
    let rows = page["results"]
        .as_array()
        .ok_or_else(|| unexpected("the list was refused", response))?;
    let id = |row: &Json| row["_id"].as_str().map(str::to_owned);
    Ok(rows.iter().filter_map(id).collect())
}

fn next(response: &Response) -> Option<String> {
    body(response)["cursorNext"].as_str().map(str::to_owned)
}

pub(super) async fn page_sizes(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let mut finding = Finding::default();
    let mut seen = Vec::new();
    for (limit, what, switch) in [
        (None, "without `$limit`", "officernd.default_page"),
        (Some("0"), "with `$limit=0`", "officernd.zero_page"),
    ] {
        let mut request = get(desk, "/members")?;
        if let Some(limit) = limit {
            request = request.query("$limit", limit);
        }
        let response = desk.read(request).await?;
        if !response.status.is_success() {
            seen.push(format!("{what} it is refused: {}", said(&response)));
            continue;
        }
        let rows = ids(&response)?.len();
        if next(&response).is_some() {
            seen.push(format!("{what} a page has {rows} rows"));
            finding = finding.switch(switch, rows);
            finding.settled = true;
        } else {
            seen.push(format!("{what} there is one page, of {rows} rows"));
        }
    }
    finding.seen = seen.join("; ");
    Ok(finding)
}

pub(super) async fn both_cursors(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let one = || Ok::<_, ProbeError>(get(desk, "/members")?.query("$limit", "1"));
    let response = desk.read(one()?).await?;
    let Some(cursor) = next(&response) else {
        return Ok(Finding::open("the organisation needs two members for this"));
    };
    let both = one()?
        .query("$cursorNext", cursor.as_str())
        .query("$cursorPrev", cursor.as_str());
    match desk.read(both).await {
        Ok(response) => Ok(super::by_status(
            &response,
            "officernd.both_cursors",
            &[504, 400],
        )),
        Err(ProbeError::Failed(error)) => {
            // a way that is broken breaks everything else too
            let works = desk.read(one()?).await?.status.is_success();
            match works {
                true => Ok(Finding::settled(format!("no answer comes: {error}"))
                    .switch("officernd.both_cursors", "cut")),
                false => Err(ProbeError::Failed(error)),
            }
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn set_filter(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let response = desk
        .read(get(desk, "/members")?.query("$limit", "3"))
        .await?;
    let known = ids(&response)?;
    let [one, other, _] = known.as_slice() else {
        return Ok(Finding::open(
            "the organisation needs three members for this",
        ));
    };
    let set = get(desk, "/members")?.query("_id[$in]", format!("{one},{other}"));
    let response = desk.read(set).await?;
    if refused(&response, &["_id"]) {
        return Ok(
            Finding::settled(format!("it does not: {}", said(&response)))
                .switch("officernd.set_filters", "status"),
        );
    }
    if !response.status.is_success() {
        return Ok(beside(&response));
    }
    let mut found = ids(&response)?;
    found.sort();
    let mut wanted = vec![one.clone(), other.clone()];
    wanted.sort();
    Ok(match found == wanted {
        true => Finding::settled("it does").switch("officernd.set_filters", "any"),
        false => Finding::settled("it is accepted and means something else"),
    })
}

pub(super) async fn counts(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let total = async |path: &str, query: Option<(&'static str, String)>| {
        let mut request = get(desk, path)?;
        if let Some((name, value)) = query {
            request = request.query(name, value);
        }
        let response = desk.read(request).await?;
        body(&response)["total"]
            .as_u64()
            .ok_or_else(|| unexpected("the count was refused", &response))
    };
    let nobody = desk.email("nobody");
    if total("/members/count", Some(("email", nobody))).await? > 0 {
        return Ok(Finding::settled("that of members ignores its filter")
            .switch("officernd.count_ignores_filters", "all"));
    }
    if total("/memberships/count", None).await? == 0 {
        return Ok(Finding::open(
            "the organisation needs a membership for this",
        ));
    }
    let of_nobody = total("/memberships/count", Some(("member", NOTHING.to_owned()))).await?;
    Ok(match of_nobody {
        0 => Finding::settled("those of members and memberships do not")
            .switch("officernd.count_ignores_filters", "none"),
        _ => Finding::settled("that of memberships does")
            .switch("officernd.count_ignores_filters", "memberships"),
    })
}

/// Three members with one address, named in their order; the first was changed last.
async fn three(desk: &dyn Desk) -> Result<Vec<String>, ProbeError> {
    if let Some(Json::Array(known)) = desk.kept("pages") {
        let id = |id: &Json| id.as_str().map(str::to_owned);
        return Ok(known.iter().filter_map(id).collect());
    }
    let mut made = Vec::new();
    for place in ["A", "B", "C"] {
        made.push(make_named(desk, "pages", &format!(" {place}")).await?);
        desk.wait(TICK).await?;
    }
    update(
        desk,
        &made[0],
        "change the town of the first of them",
        json!({"address": {"city": "Probe"}}),
    )
    .await?;
    desk.keep("pages", json!(made));
    Ok(made)
}

/// Their list, as far as they are there.
async fn listed(desk: &dyn Desk, sort: Option<&str>) -> Result<Response, ProbeError> {
    let mut request = get(desk, "/members")?.query("email", desk.email("pages"));
    if let Some(sort) = sort {
        request = request.query("$sort", sort);
    }
    desk.read(request).await
}

pub(super) async fn default_order(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let made = three(desk).await?;
    let found = ids(&listed(desk, None).await?)?;
    let by = |places: [usize; 3]| places.map(|place| made[place].clone()).to_vec();
    Ok(if found == by([0, 1, 2]) {
        Finding::settled("the oldest first").switch("officernd.default_order", "created")
    } else if found == by([0, 2, 1]) {
        Finding::settled("the latest change first").switch("officernd.default_order", "modified")
    } else {
        Finding::settled("another one; no switch stands for that")
    })
}

pub(super) async fn sort(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let made = three(desk).await?;
    let usual = ids(&listed(desk, None).await?)?;
    let backwards: Vec<String> = made.iter().rev().cloned().collect();
    let mut said_no = Vec::new();
    let mut without_effect = false;
    for (sort, word) in [
        (r#"{"name":"desc"}"#, "words"),
        (r#"{"name":-1}"#, "numbers"),
    ] {
        let response = listed(desk, Some(sort)).await?;
        if !response.status.is_success() {
            said_no.push(said(&response));
            continue;
        }
        let found = ids(&response)?;
        if found == backwards {
            return Ok(
                Finding::settled(format!("as `{sort}`")).switch("officernd.sort_syntax", word)
            );
        }
        without_effect |= found == usual;
    }
    Ok(match without_effect {
        true => Finding::settled("it is taken without effect")
            .switch("officernd.sort_syntax", "ignored"),
        false => Finding::open(format!("neither form was taken: {}", said_no.join("; "))),
    })
}

pub(super) async fn shifting_pages(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    three(desk).await?;
    let order = ids(&listed(desk, None).await?)?;
    let [first, second, third] = order.as_slice() else {
        return Ok(Finding::open("the three members are not all listed"));
    };
    let page = || {
        Ok::<_, ProbeError>(
            get(desk, "/members")?
                .query("email", desk.email("pages"))
                .query("$limit", "1"),
        )
    };
    let response = desk.read(page()?).await?;
    let Some(cursor) =
        next(&response).filter(|_| ids(&response).is_ok_and(|ids| ids == [first.clone()]))
    else {
        return Ok(Finding::open(
            "the first page does not end at the first of them",
        ));
    };
    let request = write(desk, Method::DELETE, &place(first), json!({}))?;
    let response = desk
        .write("delete the first of the three members", request)
        .await?;
    if !response.status.is_success() {
        return Err(unexpected("the member could not be deleted", &response));
    }
    desk.removed(&RecordId::from(first.as_str()));
    desk.keep("pages", Json::Null);
    let rest = desk.read(page()?.query("$cursorNext", cursor)).await?;
    let found = ids(&rest)?;
    Ok(if found.first() == Some(second) {
        Finding::settled("it does not").switch("officernd.cursor", "key")
    } else if found.first() == Some(third) {
        Finding::settled("it does").switch("officernd.cursor", "offset")
    } else {
        Finding::open("the next page shows neither of the others")
    })
}
