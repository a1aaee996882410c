//! Puts a member into a company, or out of one.
//!
//! `PUT /members/{id}` took no company in February 2026. The endpoint `/members/{id}/company` is of later in 2026 and its method is
//! *unverified*: PUT like all others, else POST or PATCH. Whether `null` or a body without `company` takes a member out
//! is *unverified* too. So what is known to work for the account goes first, then every other way; what worked is kept.
//! A 404 says that there is no such endpoint, no such member or no such company: its text, else a read, tells which.

use http::Method;
use record::RecordId;
use serde_json::{Map, Value as Json, json};

use crate::{
    answer::Complaint,
    blame::{Blame, blame},
    fetch::raw,
    operation::MEMBER_COMPANY,
    resource::{COMPANY, Resource},
    settings::Settings,
    update::{Desk, End, Step},
};

/// Under which the way that an account takes is learnt.
pub(crate) const LEARNED: &str = "contact.company_by";

/// A way to set a member's company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The endpoint of its own, by this method.
    Put,
    Post,
    Patch,
    /// The member's own update.
    Member,
}

impl Way {
    const ALL: [Self; 4] = [Self::Put, Self::Post, Self::Patch, Self::Member];

    fn word(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Post => "post",
            Self::Patch => "patch",
            Self::Member => "member",
        }
    }

    /// The way of a word as it is learnt.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }

    fn method(self) -> Method {
        match self {
            Self::Put | Self::Member => Method::PUT,
            Self::Post => Method::POST,
            Self::Patch => Method::PATCH,
        }
    }
}

impl Desk<'_> {
    /// Sets the company of a member; `null` for none.
    pub(crate) async fn move_to(&self, id: &RecordId, company: &Json) -> Step {
        let known = self
            .learned
            .company_way()
            .or_else(|| Settings::of(self.calls).company_way());
        let others = Way::ALL.into_iter().filter(|way| Some(*way) != known);
        let mut last = None;
        for way in known.into_iter().chain(others) {
            let step = match self.try_way(way, id, company).await {
                Step::Ended(End::Gone) => self.which_is_gone(id, company).await,
                step => step,
            };
            match step {
                Step::NoRoute(_) => {}
                Step::Refused(complaint) if way == Way::Member => {
                    let Blame { forbidden, .. } = blame(&complaint, &[COMPANY.into()]);
                    if forbidden.iter().any(|property| property == COMPANY) {
                        self.learned.never(COMPANY).await;
                    }
                    return Step::Refused(complaint);
                }
                // whatever it said of the company, there is such an endpoint
                Step::Done(_) | Step::Refused(_) => {
                    if known != Some(way) {
                        self.learned.company_goes_by(way, way.word()).await;
                    }
                    return step;
                }
                Step::Ended(_) => return step,
            }
            last = Some(step);
        }
        last.unwrap_or(Step::Ended(End::Gone))
    }

    async fn try_way(&self, way: Way, id: &RecordId, company: &Json) -> Step {
        let (operation, below) = match way {
            Way::Member => (self.resource.operations.update, ""),
            _ => (MEMBER_COMPANY, "/company"),
        };
        let body = json!({ COMPANY: company });
        let step = self.step(operation, way.method(), id, below, body).await;
        match step {
            Step::Refused(complaint)
                if company.is_null()
                    && way != Way::Member
                    && complaint.says("company must be a string") =>
            {
                let nothing = json!({});
                let step = self.step(operation, way.method(), id, below, nothing).await;
                match step {
                    // a body without anything may as well have done nothing
                    Step::Done(_) if self.still_belongs(id).await => Step::Refused(complaint),
                    step => step,
                }
            }
            step => step,
        }
    }

    async fn still_belongs(&self, id: &RecordId) -> bool {
        match raw(self.calls, self.resource, id).await {
            Ok(Some((member, _))) => belongs(&member),
            // the read that follows every change says how it is
            Ok(None) | Err(_) => false,
        }
    }

    /// What a 404 was about: the member, the company, or the endpoint.
    async fn which_is_gone(&self, id: &RecordId, company: &Json) -> Step {
        match raw(self.calls, self.resource, id).await {
            Ok(None) => return Step::Ended(End::Gone),
            Ok(Some(_)) => {}
            Err(error) => return Step::Ended(End::Failed(error)),
        }
        if let (Some(company), Some(companies)) =
            (company.as_str(), Resource::of(record::Entity::Company))
        {
            match raw(self.calls, companies, &RecordId::from(company)).await {
                Ok(None) => {
                    return Step::Refused(Complaint {
                        status: 404,
                        texts: vec![format!("there is no company {company}")],
                    });
                }
                Ok(Some(_)) => {}
                // without the right to read companies the endpoint is the likelier one to be missing
                Err(connector::Error::Call(connector::CallError::Right { .. })) => {}
                Err(error) => return Step::Ended(End::Failed(error)),
            }
        }
        Step::NoRoute(Complaint {
            status: 404,
            texts: vec!["there is no endpoint for the company of a member".to_owned()],
        })
    }
}

fn belongs(member: &Map<String, Json>) -> bool {
    member
        .get(COMPANY)
        .is_some_and(|company| company.as_str().is_some_and(|company| !company.is_empty()))
}
