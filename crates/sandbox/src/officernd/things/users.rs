//! Who signs in to the members' portal: users with a password each, and the tokens that were given out for them.
//!
//! How a wrong password and an address that is taken are answered is documented nowhere: told here as a token that is none, and
//! as a broken rule.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::errors::{self, Refusal};
use super::super::kind::Kind;
use super::super::record::{Slot, Stamp};
use super::{Row, log};
use crate::clock::iso_millis;
use crate::core::Core;
use crate::edits::Operation;
use crate::vendor::Answer;

impl State {
    fn user(&self, email: &str) -> Option<Slot> {
        let same = |own: &str| own.eq_ignore_ascii_case(email);
        let mut users = self.things.living("user");
        users
            .find(|(_, user)| same(user.text("email")))
            .map(|(slot, _)| slot)
    }

    /// The member of an address, as an id.
    fn member_of(&self, email: &str) -> Option<String> {
        let mut all = self.table(Kind::Member).with("email", email);
        all.next().map(|member| member.id.to_string())
    }

    /// `POST /auth/…`, `PUT /password` and `POST /password/reset`.
    pub(super) fn user_call(
        &mut self,
        row: &'static Row,
        mut body: Map<String, Value>,
        stamp: &Stamp,
        core: &Core,
    ) -> Result<Answer, Refusal> {
        let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let email = given("email").to_owned();
        let known = self.user(&email);
        let is = |slot: Slot, name: &str| self.things.get(slot).text("password") == given(name);
        let shown = |state: &Self, slot: Slot| {
            let user = state.things.get(slot);
            json!({"_id": user.id, "email": user.text("email"), "name": user.text("name")})
        };
        match row.act {
            "signup" if known.is_some() => {
                Err(Refusal::Rule("User with this email already exists"))
            }
            "signup" => {
                let slot = self.add("user", body, stamp, core);
                log(core, Operation::Create, "user", &self.things.get(slot).id);
                Ok(Answer::json(201, &shown(self, slot)))
            }
            "signin" => match known.filter(|slot| is(*slot, "password")) {
                Some(slot) => Ok(Answer::json(200, &shown(self, slot))),
                None => Ok(errors::unauthorized()),
            },
            "password" => {
                let Some(slot) = known.filter(|slot| is(*slot, "oldPassword")) else {
                    return Ok(errors::unauthorized());
                };
                let new = body.remove("newPassword").unwrap_or_default();
                self.change(
                    slot,
                    Map::from_iter([("password".to_owned(), new)]),
                    stamp,
                    core,
                );
                Ok(nothing())
            }
            // who has the address is told, and the password stays until that one sets another
            "reset" => {
                if known.is_some() {
                    let mail =
                        json!({"at": iso_millis(stamp.at_ms), "user": email, "about": "reset"});
                    self.things.mails.push(mail);
                }
                Ok(nothing())
            }
            "impersonate" => {
                let member = self.member_of(&email).ok_or(Refusal::NoItem(email))?;
                let token = core.random.text::<40>();
                let fields = json!({"token": token, "member": member});
                let fields = fields.as_object().cloned().unwrap_or_default();
                self.add("user_token", fields, stamp, core);
                Ok(Answer::json(200, &json!({"token": token})))
            }
            _ => {
                let token = given("token");
                let mut tokens = self.things.living("user_token");
                let found = tokens.find(|(_, own)| own.text("token") == token);
                let Some((_, own)) = found else {
                    return Ok(Answer::json(200, &json!({"isValid": false})));
                };
                let mut shown = json!({"isValid": true, "member": own.text("member")});
                let member = self.table(Kind::Member).find(own.text("member"));
                if let Some(member) = member.map(|slot| self.table(Kind::Member).get(slot)) {
                    if let Some(slot) = self.user(member.text("email")) {
                        shown["user"] = json!(self.things.get(slot).id);
                    }
                    if !member.text("company").is_empty() {
                        shown["company"] = json!(member.text("company"));
                    }
                }
                Ok(Answer::json(200, &shown))
            }
        }
    }
}

fn nothing() -> Answer {
    Answer::new(204, "application/json; charset=utf-8", "")
}
