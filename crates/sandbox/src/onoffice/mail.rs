//! Mails: sent, looked up, written from templates; and the calls that send one by the way. None leaves the sandbox.

use serde_json::{Value as Json, json};

use super::address::Line;
use super::ask::{Ask, Outcome, number, numbers, text};
use super::columns::uuid_of;
use super::errors::{Failure, fail, fail_with};
use super::fields::Value;
use super::office::Right;
use super::request::{ResourceId, flag};
use super::state::{ChangeKind, State};

/// A mail that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    id: String,
    identity: String,
    subject: String,
    body: String,
    addresses: Vec<u32>,
    receivers: Vec<String>,
    estates: Vec<u32>,
}

impl Mail {
    /// All of it, for judges and tests.
    pub(crate) fn dumped(&self) -> Json {
        json!({"kind": "mail", "id": self.id, "from": self.identity, "to": self.receivers,
            "subject": self.subject, "body": self.body, "deleted": false})
    }
}

/// (id, folder, title, subject, body) of the mail templates of a fresh client.
const TEMPLATES: [(u32, u32, &str, &str, &str); 2] = [
    (
        1211,
        12,
        "Terminbestätigung",
        "Ihr Termin",
        "Guten Tag _Briefanrede",
    ),
    (1213, 25, "Exposéversand", "Ihr Exposé", "anbei das Exposé"),
];

/// (identifier, title) of everything else that can be sent.
const PAPERS: [(&str, &str, &str); 4] = [
    (
        "pdf",
        "urn:onoffice-de-ns:smart:2.5:pdf:expose:lang:Exposé Standard",
        "Exposé Standard",
    ),
    ("pdfletter", "311", "Serienbrief"),
    ("pdfform", "313", "Selbstauskunft"),
    ("webexpose", "315", "Web-Exposé"),
];

const FOLDERS: [(u32, &str); 2] = [(12, "Systemvorlagen"), (25, "Eigene Vorlagen")];

/// (id, title, text) of the API user's signatures.
const SIGNATURES: [(u32, &str, &str); 2] = [
    (71, "Standard", "Maklerhaus Beispiel, Markt 1, 52062 Aachen"),
    (73, "Kurz", "Ihr Maklerhaus Beispiel"),
];

/// The mailbox of a user; the API user may use only its own.
fn mailbox(state: &State, user: u32) -> String {
    state
        .user(user)
        .map_or_else(String::new, super::office::User::email)
}

fn identity(ask: &Ask<'_>, name: &str) -> Result<String, Failure> {
    let given = ask.text(name).ok_or_else(|| fail(50))?;
    if given == mailbox(ask.state, ask.user()) {
        Ok(given)
    } else {
        Err(fail(51))
    }
}

fn send(ask: &mut Ask<'_>, mut mail: Mail) -> String {
    let count = u32::try_from(ask.state.records().mails.len()).unwrap_or(u32::MAX);
    mail.id = format!("<{}@maklerhaus.example>", uuid_of(0x00a1_1000 + count));
    let id = mail.id.clone();
    ask.records().mails.push(mail);
    ask.changed("mail", count + 1, ChangeKind::Create, Vec::new());
    id
}

/// The main e-mail address of a record, and so its receiver.
fn mail_of(state: &State, id: u32) -> Option<String> {
    let main = state.address(id)?.main(Line::Email)?;
    Some(main.value.to_string())
}

/// Answers `do sendmail`.
///
/// # Errors
/// 50 and 51 for the mailbox, 52, 53, 55 for receivers, 54 and 233 for templates, 293 for estates.
pub(crate) fn sendmail(ask: &mut Ask<'_>) -> Outcome {
    let identity = identity(ask, "emailidentity")?;
    let receivers = match ask.parameters.get("receiver") {
        Some(Json::Array(receivers)) if receivers.is_empty() => return Err(fail(53)),
        Some(Json::Array(receivers)) => receivers.clone(),
        None | Some(Json::Null) => return Err(fail(53)),
        Some(_) => return Err(fail(52)),
    };
    let mut mail = Mail {
        id: String::new(),
        identity,
        subject: ask.text("subject").unwrap_or_default(),
        body: ask.text("body").unwrap_or_default(),
        addresses: Vec::new(),
        receivers: Vec::new(),
        estates: numbers("estateids", ask.parameters.get("estateids"))?,
    };
    for receiver in &receivers {
        let given = text(receiver).ok_or_else(|| fail(55))?;
        let to = match number(receiver) {
            Some(id) => {
                mail.addresses.push(id);
                mail_of(ask.state, id).ok_or_else(|| fail(55))?
            }
            None if given.contains('@') => given,
            None => return Err(fail(55)),
        };
        mail.receivers.push(to);
    }
    // only one record can be written to at once
    if mail.addresses.len() > 1 {
        return Err(fail(55));
    }
    for estate in &mail.estates {
        ask.known_estate(*estate)?;
    }
    if let Some(template) = ask.parameters.get("templateid").and_then(number) {
        let template = TEMPLATES.iter().find(|(id, ..)| *id == template);
        let (_, _, _, subject, body) = template.ok_or_else(|| fail(233))?;
        mail.body = (*body).to_owned();
        if mail.subject.is_empty() {
            mail.subject = (*subject).to_owned();
        }
    }
    send(ask, mail);
    ask.success("")
}

fn linked(ask: &Ask<'_>, id: &str) -> Result<Mail, Failure> {
    let mails = &ask.state.records().mails;
    let mail = mails.iter().find(|mail| mail.id == id).cloned();
    mail.ok_or_else(|| fail(133))
}

fn named(ask: &Ask<'_>, name: &str, code: u16) -> Result<String, Failure> {
    ask.text(name).ok_or_else(|| fail(code))
}

/// Answers `get emailInfo`: which addresses and estates a mail belongs to.
///
/// # Errors
/// 50 and 51 for the mailbox, 58, 59, 60 for what is missing, 133 for a mail that is not there.
pub(crate) fn info(ask: &mut Ask<'_>) -> Outcome {
    identity(ask, "emailIdentity")?;
    let id = named(ask, "messageId", 58)?;
    named(ask, "uid", 59)?;
    named(ask, "folder", 60)?;
    let mail = linked(ask, &id)?;
    let state = &*ask.state;
    let addresses: Vec<Json> = mail
        .addresses
        .iter()
        .filter_map(|id| state.address(*id))
        .map(|address| {
            json!({
                "addressId": address.id,
                "addressCustomerNo": address.customer_number,
                "addressFirstname": state.shown(address, "Vorname"),
                "addressSurname": state.shown(address, "Name"),
                "addressCompany": state.shown(address, "Zusatz1"),
                "addressEmail": mail_of(state, address.id),
            })
        })
        .collect();
    let table = &state.records().estates;
    let estates: Vec<Json> = mail
        .estates
        .iter()
        .filter_map(|id| table.get(*id))
        .map(|row| {
            json!({
                "estateId": row.id,
                "estateExternalNo": table.text(row, "objektnr_extern"),
                "estateStreet": table.text(row, "strasse"),
                "estateCity": table.text(row, "ort"),
            })
        })
        .collect();
    let elements = json!({"isPortalRequest": false, "addresses": addresses, "estates": estates,
        "actions": []});
    ask.answer(None, &json!(""), [(json!(id), elements)])
}

/// Answers `do emailassignments`: the addresses and the estate that a mail belongs to. Those that are given take the place of
/// those that were; 0 and an empty list take away.
///
/// # Errors
/// 50 and 51 for the mailbox, 58, 59, 60 for what is missing, 133 for a mail that is not there, 292 and 293 for records.
pub(crate) fn assign(ask: &mut Ask<'_>) -> Outcome {
    identity(ask, "emailidentity")?;
    let id = named(ask, "messageid", 58)?;
    named(ask, "uid", 59)?;
    named(ask, "folder", 60)?;
    let mut mail = linked(ask, &id)?;
    let given = |name: &str| {
        let value = ask.parameters.get(name).filter(|value| !value.is_null());
        value.map(|value| numbers(name, Some(value))).transpose()
    };
    let single = |ids: Vec<u32>| ids.into_iter().filter(|id| *id != 0).collect();
    if let Some(addresses) = given("addressIds")?.or(given("addressid")?.map(single)) {
        mail.addresses = addresses;
    }
    if let Some(estates) = given("estateid")?.map(single) {
        mail.estates = estates;
    }
    for address in &mail.addresses {
        ask.known_address(*address)?;
    }
    for estate in &mail.estates {
        ask.known_estate(*estate)?;
    }
    let mails = &mut ask.records().mails;
    if let Some(place) = mails.iter().position(|own| own.id == id) {
        mails[place] = mail;
        let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
        ask.changed("mail", number, ChangeKind::Update, Vec::new());
    }
    ask.success("")
}

/// Answers `get templates`.
///
/// # Errors
/// 71 and 72 for the type.
pub(crate) fn templates(ask: &mut Ask<'_>) -> Outcome {
    let kind = ask.text("type").ok_or_else(|| fail(71))?;
    let folder = ask.parameters.get("folderid").and_then(number);
    let short = flag(ask.parameters, "list");
    let rows: Vec<(Json, Json)> = match kind.as_str() {
        "mail" => TEMPLATES
            .iter()
            .filter(|(_, own, ..)| folder.is_none_or(|folder| folder == *own))
            .map(|(id, folder, title, subject, body)| {
                let mut elements = json!({"id": id, "title": title, "subject": subject});
                if !short {
                    elements["folder"] = json!(folder.to_string());
                    elements["body"] = json!(body);
                    elements["ishtml"] = json!(false);
                    elements["language"] = json!("DEU");
                    elements["subid"] = json!(0);
                    elements["ismainlanguage"] = json!(true);
                }
                (json!(id), elements)
            })
            .collect(),
        "pdf" | "pdfletter" | "pdfform" | "webexpose" => PAPERS
            .iter()
            .filter(|(own, ..)| *own == kind)
            .enumerate()
            .map(|(place, (_, identifier, title))| {
                (
                    json!(place),
                    json!({"identifier": identifier, "title": title}),
                )
            })
            .collect(),
        _ => return Err(fail(72)),
    };
    ask.answer(None, &json!(""), rows)
}

/// Answers `get emailtemplatefolders`.
pub(crate) fn folders(ask: &mut Ask<'_>) -> Outcome {
    let folders: Json = FOLDERS
        .iter()
        .map(|(id, name)| (id.to_string(), json!(name)))
        .collect();
    ask.answer(None, &json!(""), [(json!(FOLDERS.len()), folders)])
}

/// Answers `get emailsignature`: a list, or the text of one, or of the default one.
///
/// # Errors
/// 80 for a signature that is not there.
pub(crate) fn signatures(ask: &mut Ask<'_>) -> Outcome {
    let rows: Vec<(Json, Json)> = match ask.resource {
        ResourceId::Number(-1) => {
            vec![(json!(0), json!({"signature": "Maklerhaus Beispiel GmbH"}))]
        }
        ResourceId::Number(id) => {
            let known = SIGNATURES.iter().find(|(own, ..)| i64::from(*own) == *id);
            let (id, title, text) = known.ok_or_else(|| fail(80))?;
            let elements = json!({"id": id, "title": title, "signature": text,
                "isdefault": *id == SIGNATURES[0].0});
            vec![(json!(id), elements)]
        }
        ResourceId::Word(_) => return Err(fail(80)),
        ResourceId::None if flag(ask.parameters, "getdefaultsignature") => {
            vec![(json!(0), json!({"signature": SIGNATURES[0].2}))]
        }
        ResourceId::None => SIGNATURES
            .iter()
            .map(|(id, title, _)| (json!(id), json!({"id": id, "title": title})))
            .collect(),
    };
    ask.answer(None, &json!(""), rows)
}

/// Answers `do registerNewsletter`: the field changes, a person who is asked gets a mail, and an activity says so.
///
/// # Errors
/// 79 and 292 for the address, 167 without `register`, 261 without the right.
pub(crate) fn newsletter(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(292)?;
    ask.known_address(id)?;
    if !ask.parameters.contains_key("register") {
        return Err(fail_with(167, "register"));
    }
    if ask.right(|rights| rights.address_write) == Right::None {
        return Err(fail_with(261, &id.to_string()));
    }
    let register = flag(ask.parameters, "register");
    let mut address = ask.state.address(id).cloned().ok_or_else(|| fail(292))?;
    let key = match (register, ask.quirks.newsletter_opt_in) {
        (true, true) => "3",
        (true, false) => "1",
        (false, _) => "2",
    };
    if let Some(field) = ask.state.fields().index("newsletter_aktiv") {
        address.set(field, Some(Value::Text(key.into())));
    }
    address.changed = ask.now.wall;
    let change = ask.state.save(ask.who, ask.now.wall, address);
    ask.changes.push(change);
    let user = ask.user();
    let table = &ask.state.records().activities;
    let mut row = table.draft(ask.now, user);
    table.set_text(&mut row, "Aktionsart", "Newsletter");
    let kind = if register {
        "bestellt"
    } else {
        "nicht bestellt"
    };
    table.set_text(&mut row, "Aktionstyp", kind);
    table.set_text(
        &mut row,
        "Datum",
        &super::local_time::datetime(ask.now.wall),
    );
    table.set_text(&mut row, "Benutzer", &ask.login());
    let activity = ask.save(|records| &mut records.activities, row);
    ask.records()
        .relations
        .link("agentsLog:address", activity, id);
    if key == "3" {
        form(ask, id, "Bitte bestätigen Sie den Newsletter")?;
    }
    ask.success("")
}

/// Answers `do sendaddresscompletion`: a mail with a form goes to the address.
///
/// # Errors
/// 96, 292, 152 for the mode, 50 and 51 for the mailbox, 55 for an address without e-mail.
pub(crate) fn completion(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.parameters.get("addressId").and_then(number);
    let id = ask.known_address(id.ok_or_else(|| fail(96))?)?;
    let mode = ask.text("mode").unwrap_or_default();
    if !["modus1", "modus2"].contains(&mode.as_str()) {
        return Err(fail(152));
    }
    identity(ask, "emailidentity")?;
    form(ask, id, "Bitte vervollständigen Sie Ihre Daten")?;
    ask.success("")
}

fn form(ask: &mut Ask<'_>, address: u32, subject: &str) -> Result<(), Failure> {
    let receiver = mail_of(ask.state, address).ok_or_else(|| fail(55))?;
    let mail = Mail {
        id: String::new(),
        identity: mailbox(ask.state, ask.user()),
        subject: subject.to_owned(),
        body: String::new(),
        addresses: vec![address],
        receivers: vec![receiver],
        estates: Vec::new(),
    };
    send(ask, mail);
    Ok(())
}
