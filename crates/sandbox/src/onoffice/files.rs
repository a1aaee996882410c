//! Files: uploaded in two steps, kept with a record, described, taken away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::ask::{Ask, Outcome, number, numbers, text};
use super::columns::uuid_of;
use super::errors::{Failure, fail, fail_with};
use super::office::Right;
use super::state::{ChangeKind, State};

/// The types that are links, not bytes.
const LINKS: [&str; 4] = ["Link", "Ogulo-Link", "Film-Link", "Objekt-Link"];

/// The types of pictures and documents that an estate's file can have.
const TYPES: [&str; 18] = [
    "Titelbild",
    "Foto",
    "Foto_gross",
    "Grundriss",
    "Lageplan",
    "Stadtplan",
    "Anzeigen",
    "Epass_Skala",
    "Finanzierungsbeispiel",
    "QR-Code",
    "LOGO",
    "Banner",
    "Panorama",
    "Expose",
    "Dokument",
    "Aushang",
    "Mietaufstellung",
    "Energieausweis",
];

/// One file, or a link that stands among files.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    pub(crate) id: u32,
    pub(crate) module: String,
    pub(crate) parent: u32,
    name: String,
    title: String,
    freetext: String,
    kind: String,
    attribute: Option<String>,
    position: u32,
    url: Option<String>,
    bytes: Vec<u8>,
    published: bool,
    modified: i64,
    user: u32,
}

/// All files, and what was uploaded but not yet put anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    all: Vec<File>,
    waiting: Vec<(String, Vec<u8>)>,
    uploads: u32,
    made: u32,
}

impl Files {
    pub(crate) fn get(&self, id: u32) -> Option<&File> {
        self.all.iter().find(|file| file.id == id)
    }

    fn of<'a>(&'a self, module: &'a str, parent: u32) -> impl Iterator<Item = &'a File> {
        let mine =
            move |file: &&File| file.parent == parent && file.module.eq_ignore_ascii_case(module);
        self.all.iter().filter(mine)
    }

    fn add(&mut self, mut file: File) -> u32 {
        self.made += 1;
        file.id = 3000 + self.made * 2 + 1;
        let id = file.id;
        self.all.push(file);
        id
    }

    /// A file that a person put there.
    pub(crate) fn attach(
        &mut self,
        module: &str,
        parent: u32,
        name: &str,
        user: u32,
        modified: i64,
    ) -> u32 {
        self.add(File {
            module: module.to_owned(),
            parent,
            name: name.to_owned(),
            bytes: name.as_bytes().to_vec(),
            modified,
            user,
            ..File::default()
        })
    }

    pub(crate) fn move_all(&mut self, module: &str, from: u32, into: u32) {
        for file in &mut self.all {
            if file.module.eq_ignore_ascii_case(module) && file.parent == from {
                file.parent = into;
            }
        }
    }

    pub(crate) fn remove_all(&mut self, module: &str, parent: u32) {
        self.all
            .retain(|file| !(file.module.eq_ignore_ascii_case(module) && file.parent == parent));
    }

    /// All of them, for judges and tests.
    pub(crate) fn dumped(&self) -> impl Iterator<Item = Json> {
        self.all.iter().map(|file| {
            json!({"kind": "file", "id": file.id, "module": file.module, "parent": file.parent,
                "name": file.name, "title": file.title, "type": file.kind, "deleted": false})
        })
    }
}

/// The module's word for a relation or a file, and whether it has such a record.
fn is_known(state: &State, module: &str, id: u32) -> Result<(), Failure> {
    let known = match module {
        "address" => return state.address(id).map(|_| ()).ok_or_else(|| fail(292)),
        "estate" => {
            let estates = &state.records().estates;
            return estates.get(id).map(|_| ()).ok_or_else(|| fail(293));
        }
        module => state
            .records()
            .table(module)
            .and_then(|table| table.get(id)),
    };
    known
        .map(|_| ())
        .ok_or_else(|| fail_with(235, &id.to_string()))
}

/// Answers `do uploadfile`: with `data` it is the first step, whatever else is given.
///
/// # Errors
/// 255 for what is no base64, 129 for an upload that is not waiting, 163, 114, 162, 161, 239, 292, 293, 235 for the second step.
pub(crate) fn upload(ask: &mut Ask<'_>) -> Outcome {
    if let Some(data) = ask.text("data") {
        let bytes = STANDARD.decode(data.trim());
        let bytes = bytes.map_err(|_| fail_with(255, "data"))?;
        return block(ask, bytes);
    }
    let module = ask.text("module").ok_or_else(|| fail(163))?;
    let upload = ask.text("tmpUploadId");
    if module == "tmpUpload" {
        let upload = upload.ok_or_else(|| fail(129))?;
        let waiting = &ask.state.records().files.waiting;
        let waiting = waiting.iter().find(|(id, _)| *id == upload);
        let size = waiting.ok_or_else(|| fail(129))?.1.len();
        let elements = json!({"filesize": size, "tmpUploadId": upload,
            "cacheFileUuid": uuid_of(0xcafe), "success": "success"});
        return ask.answer(None, &json!(""), [(json!(0), elements)]);
    }
    if !["estate", "address", "agentsLog", "task"].contains(&module.as_str()) {
        return Err(fail(163));
    }
    let parent = ask.parameters.get("relatedRecordId").and_then(number);
    let parent = parent.ok_or_else(|| fail_with(167, "relatedRecordId"))?;
    is_known(ask.state, &module, parent)?;
    let kind = ask.text("Art").unwrap_or_default();
    let is_link = LINKS.contains(&kind.as_str());
    if module == "estate" && !is_link && !TYPES.contains(&kind.as_str()) {
        return Err(fail(162));
    }
    let attribute = ask.text("documentAttribute");
    let files = &ask.state.records().files;
    if attribute.is_some()
        && files
            .of(&module, parent)
            .any(|file| file.attribute == attribute)
    {
        return Err(fail(161));
    }
    if kind == "Titelbild" && files.of(&module, parent).any(|file| file.kind == kind) {
        return Err(fail(239));
    }
    let title = ask.text("title").unwrap_or_default();
    let name = match (ask.text("file"), is_link) {
        (Some(name), _) => name,
        (None, true) => title.clone(),
        (None, false) => return Err(fail(114)),
    };
    let last = files.of(&module, parent).count();
    let position = ask.parameters.get("position").and_then(number);
    let mut file = File {
        parent,
        name,
        title,
        freetext: ask.text("freetext").unwrap_or_default(),
        attribute,
        position: position.unwrap_or_else(|| u32::try_from(last).unwrap_or(u32::MAX)),
        url: ask.text("url").filter(|_| is_link),
        published: super::request::flag(ask.parameters, "setDefaultPublicationRights"),
        modified: ask.now.utc,
        user: ask.user(),
        kind,
        module: module.clone(),
        ..File::default()
    };
    let files = &mut ask.records().files;
    if !is_link {
        let upload = upload.ok_or_else(|| fail(129))?;
        let place = files.waiting.iter().position(|(id, _)| *id == upload);
        // an upload can be used once
        file.bytes = files.waiting.remove(place.ok_or_else(|| fail(129))?).1;
    }
    let (size, upload) = (file.bytes.len(), ask.text("tmpUploadId"));
    let id = ask.records().files.add(file);
    let kind = format!("{module}:file:attachment");
    ask.records().relations.link(&kind, parent, id);
    ask.changed("file", id, ChangeKind::Create, Vec::new());
    let elements = json!({"filesize": size, "tmpUploadId": upload, "fileId": id.to_string(),
        "success": "success"});
    ask.answer(None, &json!(""), [(json!(0), elements)])
}

fn block(ask: &mut Ask<'_>, bytes: Vec<u8>) -> Outcome {
    let given = ask.text("tmpUploadId");
    let files = &mut ask.records().files;
    let id = match given {
        Some(id) => {
            let waiting = files.waiting.iter_mut().find(|(known, _)| *known == id);
            waiting.ok_or_else(|| fail(129))?.1.extend(bytes);
            id
        }
        None => {
            files.uploads += 1;
            let id = uuid_of(0x00f1_1e00 + files.uploads);
            files.waiting.push((id.clone(), bytes));
            id
        }
    };
    let waiting = files.waiting.iter().find(|(known, _)| *known == id);
    let size = waiting.map_or(0, |(_, bytes)| bytes.len());
    let elements = json!({"filesize": size, "tmpUploadId": id});
    ask.answer(None, &json!(""), [(json!(0), elements)])
}

/// Answers `get file`: of an address, an estate or an appointment.
///
/// # Errors
/// 24 for another resource id, 96, 110, 117 without a record.
pub(crate) fn list(ask: &mut Ask<'_>) -> Outcome {
    let (module, parameter, missing) = match ask.resource {
        super::request::ResourceId::Word(word) if word == "address" => ("address", "addressid", 96),
        super::request::ResourceId::Word(word) if word == "estate" => ("estate", "estateid", 110),
        super::request::ResourceId::Word(word) if word == "appointment" => {
            ("calendar", "appointmentid", 117)
        }
        super::request::ResourceId::Word(word) => return Err(fail_with(24, word)),
        _ => return Err(fail_with(24, "")),
    };
    let right = match module {
        "address" => ask.right(|rights| rights.address_read),
        "estate" => ask.right(|rights| rights.estate_read),
        _ => ask.right(|rights| rights.calendar_read),
    };
    if right == Right::None {
        return ask.nothing("file");
    }
    let parent = ask.parameters.get(parameter).and_then(number);
    let parent = parent.ok_or_else(|| fail(missing))?;
    let wanted = ask.parameters.get("fileid").and_then(number);
    let attribute = ask.text("documentAttribute");
    let records = ask.state.records();
    let attached = records
        .relations
        .below(&format!("{module}:file:attachment"), parent);
    let mut found: Vec<&File> = records
        .files
        .all
        .iter()
        .filter(|file| {
            let own = file.parent == parent && file.module.eq_ignore_ascii_case(module);
            (own || attached.contains(&file.id))
                && wanted.is_none_or(|id| id == file.id)
                && (attribute.is_none() || file.attribute == attribute)
        })
        .collect();
    found.sort_by_key(|file| (file.position, file.id));
    let count = |name: &str| ask.parameters.get(name).and_then(number);
    let limit = count("listlimit")
        .filter(|limit| (1..=100).contains(limit))
        .unwrap_or(20);
    let with_content = wanted.is_some() || attribute.is_some();
    let total = found.len();
    let shown: Vec<(Json, Json)> = found
        .into_iter()
        .skip(count("listoffset").and_then(|at| usize::try_from(at).ok()).unwrap_or(0))
        .take(usize::try_from(limit).unwrap_or(20))
        .map(|file| {
            let elements = match module {
                "calendar" => json!({
                    "username": ask.state.user(file.user).map(|user| user.login.as_str()),
                    "filename": file.name,
                    "fileSize": file.bytes.len().to_string(),
                    "url": format!("https://smart.onoffice.de/smart/app/file.php?params={}", uuid_of(file.id)),
                }),
                module => element(file, module, with_content),
            };
            (json!(file.id), elements)
        })
        .collect();
    ask.answer(Some(total), &json!("file"), shown)
}

fn element(file: &File, module: &str, with_content: bool) -> Json {
    let ending = file
        .name
        .rsplit_once('.')
        .map_or("bin", |(_, ending)| ending);
    let stored = uuid_of(file.id);
    let mut shown = json!({
        "type": file.kind,
        "name": stored,
        "originalname": file.name,
        "filename": format!("{stored}.{ending}"),
        "fileSize": file.bytes.len(),
        "modified": file.modified,
    });
    if module == "estate" {
        shown["position"] = json!(file.position);
        shown["documentAttribute"] = json!(file.attribute);
        shown["title"] = json!(file.title);
        shown["freetext"] = json!(file.freetext);
        let is_internal = file.kind == "Dokument";
        shown["category"] = json!(if is_internal { "internal" } else { "external" });
    } else {
        shown["date"] = json!(super::local_time::date(file.modified));
    }
    if let Some(url) = &file.url {
        shown["url"] = json!(url);
    }
    if with_content {
        shown["content"] = json!(STANDARD.encode(&file.bytes));
    }
    shown
}

/// The place of the file that `fileRelation` calls name.
fn found(ask: &Ask<'_>, modules: &[&str]) -> Result<usize, Failure> {
    let module = ask
        .text("relationtype")
        .ok_or_else(|| fail_with(167, "relationtype"))?;
    if !modules.contains(&module.as_str()) {
        return Err(fail(163));
    }
    let given = |name: &str| ask.parameters.get(name).and_then(number);
    let parent = given("parentid").ok_or_else(|| fail_with(167, "parentid"))?;
    let id = given("fileId").ok_or_else(|| fail_with(167, "fileId"))?;
    let place = ask.state.records().files.all.iter().position(|file| {
        file.id == id && file.parent == parent && file.module.eq_ignore_ascii_case(&module)
    });
    place.ok_or_else(|| fail(127))
}

/// Answers `modify fileRelation`: what describes the file of an estate.
///
/// # Errors
/// 163, 167, 127 for the file, 162 for its type, 161 for an attribute that another has.
pub(crate) fn describe(ask: &mut Ask<'_>) -> Outcome {
    let place = found(ask, &["estate"])?;
    let kind = ask.text("Art");
    if kind
        .as_deref()
        .is_some_and(|kind| !TYPES.contains(&kind) && !LINKS.contains(&kind))
    {
        return Err(fail(162));
    }
    let attribute = ask.text("documentAttribute");
    let parameters = ask.parameters;
    let given = |name: &str| {
        parameters
            .get(name)
            .map(|value| text(value).unwrap_or_default())
    };
    let (title, freetext, now) = (given("title"), given("freetext"), ask.now.utc);
    let files = &mut ask.records().files;
    let (id, parent) = (files.all[place].id, files.all[place].parent);
    let taken = |file: &File| file.id != id && file.parent == parent && file.module == "estate";
    if attribute.is_some()
        && files
            .all
            .iter()
            .any(|file| taken(file) && file.attribute == attribute)
    {
        return Err(fail(161));
    }
    if kind.as_deref() == Some("Titelbild") {
        // there is one title picture: the old one becomes a photo
        for file in files.all.iter_mut().filter(|file| taken(file)) {
            if file.kind == "Titelbild" {
                file.kind = "Foto".to_owned();
            }
        }
    }
    let file = &mut files.all[place];
    file.kind = kind.unwrap_or_else(|| file.kind.clone());
    file.title = title.unwrap_or_else(|| file.title.clone());
    file.freetext = freetext.unwrap_or_else(|| file.freetext.clone());
    file.attribute = attribute.or_else(|| file.attribute.clone());
    file.modified = now;
    ask.changed("file", id, ChangeKind::Update, Vec::new());
    ask.success("")
}

/// Answers `delete fileRelation`.
///
/// # Errors
/// 163, 167, 127.
pub(crate) fn delete(ask: &mut Ask<'_>) -> Outcome {
    let place = found(ask, &["estate", "address", "agentsLog", "task"])?;
    let records = ask.records();
    let id = records.files.all.remove(place).id;
    records.relations.forget("file", id);
    ask.changed("file", id, ChangeKind::Delete, Vec::new());
    ask.success("")
}

/// Answers `get estatepictures`: `elements` is a list.
///
/// # Errors
/// 139 without estates or types, 170 without the right.
pub(crate) fn pictures(ask: &mut Ask<'_>) -> Outcome {
    if ask.right(|rights| rights.estate_read) == Right::None {
        return Err(fail(170));
    }
    let estates = numbers("estateids", ask.parameters.get("estateids"))?;
    let kinds: Vec<String> = match ask.parameters.get("categories") {
        Some(Json::Array(kinds)) => kinds.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    if estates.is_empty() || kinds.is_empty() {
        return Err(fail(139));
    }
    let files = ask.state.records().files.all.iter();
    let shown: Vec<(Json, Json)> = files
        .filter(|file| {
            file.module == "estate"
                && estates.contains(&file.parent)
                && kinds.contains(&file.kind)
                && file.published
        })
        .map(|file| {
            let url = format!(
                "https://image.onoffice.de/smart25/Objekte/index.php?datensatz={}&filename={}_{}.jpg",
                file.parent, file.kind, file.id
            );
            let element = json!({
                "estateid": file.parent.to_string(),
                "type": file.kind,
                "url": file.url.clone().unwrap_or(url),
                "title": file.title,
                "text": file.freetext,
                "originalname": file.name,
                "modified": file.modified,
                "estateMainId": file.parent.to_string(),
            });
            (json!(file.id), json!([element]))
        })
        .collect();
    ask.answer(Some(shown.len()), &json!("files"), shown)
}

/// Answers `get downloadFiles`: a page with the files of an address.
///
/// # Errors
/// 24 for another resource id, 96 and 292 for the address.
pub(crate) fn page(ask: &mut Ask<'_>) -> Outcome {
    ask.only("address")?;
    let id = ask.parameters.get("addressid").and_then(number);
    let id = ask.known_address(id.ok_or_else(|| fail(96))?)?;
    let url = format!(
        "https://smart.onoffice.de/smart/gui-handler.php?params={}",
        uuid_of(id)
    );
    ask.answer(
        Some(0),
        &json!("file"),
        [(json!("downloadUrl"), json!([url]))],
    )
}
