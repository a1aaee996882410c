//! Token answers, and what of them is kept.
//!
//! A **location** token reaches one sub-account. A **company** token is what one gets when an agency
//! installs the app; it reaches no contacts, but buys location tokens. Then both pairs are kept: the
//! location's as the connection's tokens, the company's in [`Tokens::further`].

use connector::{Error, Response, SecretText, Tokens};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// Keys of [`Tokens::further`].
const COMPANY_ACCESS: &str = "company_access";
const COMPANY_REFRESH: &str = "company_refresh";

/// When an answer does not say how long its token lives: a day is usual; an hour does no harm.
const DEFAULT_LIFE: i64 = 3_600;

/// What `/oauth/token` and `/oauth/locationToken` answer, in the spelling of every version. It holds
/// secrets and is never printed.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    #[serde(alias = "accessToken")]
    access_token: SecretText,
    #[serde(default, alias = "refreshToken")]
    refresh_token: Option<SecretText>,
    #[serde(default, alias = "expiresIn")]
    expires_in: Option<Json>,
    #[serde(default)]
    scope: Option<Json>,
    #[serde(default, alias = "userType")]
    user_type: Option<String>,
    #[serde(default, alias = "locationId")]
    location_id: Option<String>,
    #[serde(default, alias = "companyId")]
    company_id: Option<String>,
    #[serde(default, alias = "userId")]
    user_id: Option<String>,
}

impl TokenAnswer {
    pub(crate) fn read(operation: &'static str, response: &Response) -> Result<Self, Error> {
        response.json(operation)
    }

    /// Installed by an agency: reaches no sub-account yet.
    pub(crate) fn is_company(&self) -> bool {
        match &self.user_type {
            Some(user_type) => user_type.eq_ignore_ascii_case("company"),
            None => self.location_id.is_none() && self.company_id.is_some(),
        }
    }

    pub(crate) fn location_id(&self) -> Option<&str> {
        self.location_id.as_deref()
    }

    pub(crate) fn company_id(&self) -> Option<&str> {
        self.company_id.as_deref()
    }

    pub(crate) fn has_refresh(&self) -> bool {
        self.refresh_token.is_some()
    }

    fn expires(&self, sent: Timestamp) -> Option<Timestamp> {
        let seconds = match &self.expires_in {
            Some(Json::Number(number)) => number.as_i64(),
            Some(Json::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        sent.checked_add(SignedDuration::from_secs(
            seconds.unwrap_or(DEFAULT_LIFE).max(0),
        ))
        .ok()
    }

    fn scopes(&self) -> Vec<String> {
        match &self.scope {
            Some(Json::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Json::Array(items)) => items
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The company's side of it.
    pub(crate) fn into_company(self, sent: Timestamp) -> Company {
        Company {
            expires: self.expires(sent),
            id: self.company_id,
            access: self.access_token,
            refresh: self.refresh_token,
        }
    }

    /// The connection's tokens for a location, with the company's beside them if there is one.
    pub(crate) fn into_tokens(self, sent: Timestamp, company: Option<Company>) -> Tokens {
        let mut account = json!({
            "locationId": self.location_id,
            "companyId": self.company_id,
            "userId": self.user_id,
            "userType": "Location",
        });
        let mut tokens = Tokens {
            expires: self.expires(sent),
            scopes: self.scopes(),
            access: self.access_token,
            refresh: self.refresh_token,
            account: Json::Null,
            further: std::collections::BTreeMap::new(),
        };
        if let Some(company) = company {
            account["companyExpires"] = json!(company.expires);
            if account["companyId"].is_null() {
                account["companyId"] = json!(company.id);
            }
            company.keep_in(&mut tokens);
        }
        tokens.account = account;
        tokens
    }
}

/// An agency's pair of tokens.
#[derive(Clone)]
pub(crate) struct Company {
    pub(crate) id: Option<String>,
    pub(crate) access: SecretText,
    pub(crate) refresh: Option<SecretText>,
    pub(crate) expires: Option<Timestamp>,
}

impl Company {
    /// The pair that is kept beside a location's tokens, if the app was installed by an agency.
    pub(crate) fn kept_in(tokens: &Tokens) -> Option<Self> {
        Some(Self {
            access: tokens.further.get(COMPANY_ACCESS)?.clone(),
            refresh: tokens.further.get(COMPANY_REFRESH).cloned(),
            id: tokens.account["companyId"].as_str().map(str::to_owned),
            expires: tokens.account["companyExpires"]
                .as_str()
                .and_then(|text| text.parse().ok()),
        })
    }

    fn keep_in(self, tokens: &mut Tokens) {
        tokens
            .further
            .insert(COMPANY_ACCESS.to_owned(), self.access);
        match self.refresh {
            Some(refresh) => {
                // Some answers for a location bring no refresh token: then the company's is the one
                // that buys the next pair.
                tokens.refresh.get_or_insert_with(|| refresh.clone());
                tokens.further.insert(COMPANY_REFRESH.to_owned(), refresh);
            }
            None => {
                tokens.further.remove(COMPANY_REFRESH);
            }
        }
    }

    /// Puts this pair in the place of the one kept, and marks the location's token as used up.
    pub(crate) fn replace_in(self, tokens: &mut Tokens, now: Timestamp) {
        let location_has_own = tokens.location_refresh().is_some();
        if !location_has_own {
            tokens.refresh = None;
        }
        tokens.expires = Some(now);
        tokens.account["companyExpires"] = json!(self.expires);
        self.keep_in(tokens);
    }

    /// The same without what buys the next pair, which works once and is another connection's.
    pub(crate) fn without_refresh(&self) -> Self {
        Self {
            refresh: None,
            ..self.clone()
        }
    }

    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires > now)
    }
}

/// Which refresh token is whose.
pub(crate) trait LocationRefresh {
    /// The location's own refresh token; not the company's standing in for it.
    fn location_refresh(&self) -> Option<&SecretText>;
}

impl LocationRefresh for Tokens {
    fn location_refresh(&self) -> Option<&SecretText> {
        let refresh = self.refresh.as_ref()?;
        let company = self.further.get(COMPANY_REFRESH);
        company
            .is_none_or(|company| company.expose() != refresh.expose())
            .then_some(refresh)
    }
}
