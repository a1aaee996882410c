//! The people of the simulated client: users, groups, saved filters, and the API user with its access and rights.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A colleague with a login.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) login: String,
    pub(crate) first_name: &'static str,
    pub(crate) last_name: &'static str,
    pub(crate) initials: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) mobile: &'static str,
    pub(crate) active: bool,
}

impl User {
    pub(crate) fn email(&self) -> String {
        format!("{}@maklerhaus.example", self.login)
    }
}

/// The number of the API user.
const API_USER: u32 = 47;

/// The colleagues of a fresh client. A surname ends with a space, as was seen on a live one.
pub(crate) fn users() -> Vec<User> {
    let user = |id, login: &str, first_name, last_name, initials| User {
        id,
        login: login.to_owned(),
        first_name,
        last_name,
        initials,
        phone: "+49 241 9900990",
        mobile: "+49 171 9900990",
        active: true,
    };
    vec![
        user(21, "jlindner", "Jule", "Lindner", "JL"),
        user(23, "tpohl", "Till", "Pohl ", "TP"),
        user(25, "mbrandner", "Mara", "Brandner", "MB"),
        user(API_USER, "tandem-api", "Tandem", "API", "TA"),
    ]
}

/// Several users.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    pub(crate) initials: &'static str,
    pub(crate) users: Vec<u32>,
}

pub(crate) fn groups() -> Vec<Group> {
    vec![
        Group {
            id: 3,
            name: "Vertrieb",
            initials: "VT",
            users: vec![21, 23],
        },
        Group {
            id: 5,
            name: "Backoffice",
            initials: "BO",
            users: vec![25, API_USER],
        },
    ]
}

/// A filter that somebody keeps under a name.
#[derive(Clone, Debug)]
pub(crate) struct SavedFilter {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) filter: serde_json::Value,
}

/// How far a right goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Not at all.
    None,
    /// Records of the API user: its addresses, tasks for which it is responsible, its activities, appointments and estates.
    Own,
    /// Every record.
    All,
}

/// The rights of the API user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rights {
    #[serde(default = "all")]
    pub(crate) address_read: Right,
    #[serde(default = "all")]
    pub(crate) address_write: Right,
    #[serde(default = "all")]
    pub(crate) estate_read: Right,
    #[serde(default = "all")]
    pub(crate) estate_write: Right,
    #[serde(default = "all")]
    pub(crate) task_read: Right,
    #[serde(default = "all")]
    pub(crate) task_write: Right,
    #[serde(default = "all")]
    pub(crate) activity_read: Right,
    #[serde(default = "all")]
    pub(crate) activity_write: Right,
    #[serde(default = "all")]
    pub(crate) calendar_read: Right,
    #[serde(default = "all")]
    pub(crate) calendar_write: Right,
    /// Whether other users may be read.
    #[serde(default)]
    pub(crate) user_read: bool,
    /// Whether it is an administrator, who may read the log.
    #[serde(default)]
    pub(crate) admin: bool,
}

fn all() -> Right {
    Right::All
}

/// Token, secret and rights of an API user.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) token: String,
    pub(crate) secret: String,
    pub(crate) user: u32,
    pub(crate) revoked: bool,
    pub(crate) rights: Rights,
}

impl Access {
    /// The access that a fresh client comes with.
    pub(crate) fn first() -> Self {
        let (token, secret) = keys(0);
        Self {
            token,
            secret,
            user: API_USER,
            revoked: false,
            rights: Rights {
                address_read: Right::All,
                address_write: Right::All,
                estate_read: Right::All,
                estate_write: Right::All,
                task_read: Right::All,
                task_write: Right::All,
                activity_read: Right::All,
                activity_write: Right::All,
                calendar_read: Right::All,
                calendar_write: Right::All,
                user_read: true,
                admin: true,
            },
        }
    }

    /// The same access with new keys.
    pub(crate) fn renewed(&self, times: u32) -> Self {
        let (token, secret) = keys(times);
        Self {
            token,
            secret,
            revoked: false,
            ..self.clone()
        }
    }
}

/// A token of 32 and a secret of 64 characters that follow from how often they were made anew.
fn keys(times: u32) -> (String, String) {
    let hex = |what: &str| -> String {
        Sha256::digest(format!("simulated onOffice {what} {times}"))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    (hex("token").chars().take(32).collect(), hex("secret"))
}
