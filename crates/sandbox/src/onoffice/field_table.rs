//! The address fields that a fresh simulated client has: the vendor's standard ones and a few of its own.
//!
//! Names, German labels and keys are the vendor's. Fields named `ind_…` and keys named `indMulti…` or `ind_Schl_…` are what a
//! client added itself; their numbers differ from client to client.

use super::fields::{Field, FieldType};
use FieldType::{
    Blob, Boolean, Date, Datetime, Float, Integer, MultiSelect, SingleSelect, Text, Varchar,
};

type Keys = &'static [(&'static str, &'static str)];

const NONE: Keys = &[];

const SALUTATION: Keys = &[
    ("Herr", "Herr"),
    ("Frau", "Frau"),
    ("Firma", "Firma"),
    ("Familie", "Familie"),
    ("Eheleute", "Eheleute"),
];

const CONTACT_CATEGORY: Keys = &[
    ("Eigentümer", "Eigentümer"),
    ("Exposé-Sammler", "Exposé-Sammler"),
    ("Interessent Kauf", "Interessent Kauf"),
    ("Interessent Miete", "Interessent Miete"),
    ("Investor", "Investor"),
    ("Kooperationspartner", "Kooperationspartner"),
    ("Kunde", "Kunde"),
    ("Makler", "Makler"),
    ("Newsletter-Empfänger", "Newsletter-Empfänger"),
    ("Notar", "Notar"),
    ("Premiumkunde", "Premiumkunde"),
    ("Privatkontakt", "Privatkontakt"),
    (
        "Systembenutzer",
        "Systembenutzer (Adresse ist mit Benutzer verknüpft)",
    ),
    ("indMulti2104Select6012", "Coworking"),
    ("indMulti2106Select6020", "Messe 2026"),
    ("Tippgeber", "Tippgeber"),
];

const ORIGIN: Keys = &[
    ("Artikel/Pressearbeit", "Artikel/Pressearbeit"),
    ("Aushang-im-Ladenlokal", "Aushang-im-Ladenlokal"),
    ("Bauschild", "Bauschild"),
    ("Brief-Mailing", "Brief-Mailing"),
    ("webseite_system", "eigene Webseite"),
    ("eMail-Aktion", "eMail-Aktion"),
    ("Empfehlung", "Empfehlung"),
    ("Flyer", "Flyer"),
    ("Freund/Privatkontakt", "Freund/Privatkontakt"),
    ("Immobilienportal", "Immobilienportal"),
    ("immobilienscout24_system", "Immobilienscout 24"),
    ("Internetrecherche", "Internetrecherche"),
    ("Kunde-hat-angerufen", "Kunde-hat-angerufen"),
    ("Newsletter", "Newsletter"),
    ("portal_system", "Portale"),
    ("Sonstiges", "Sonstiges"),
    ("Suchmaschine", "Suchmaschine"),
    ("Telefonbuch", "Telefonbuch"),
    ("Tippgeber", "Tippgeber"),
    ("Werbung", "Werbung"),
    ("Zeitungsanzeige", "Zeitungsanzeige"),
];

const LANGUAGE: Keys = &[
    ("USA", "Amerikanisch"),
    ("DEU", "Deutsch"),
    ("DNK", "Dänisch"),
    ("ENG", "Englisch"),
    ("FRA", "Französisch"),
    ("ITA", "Italienisch"),
    ("HRV", "Kroatisch"),
    ("NLD", "Niederländisch"),
    ("POL", "Polnisch"),
    ("PRT", "Portugiesisch"),
    ("RUS", "Russisch"),
    ("CHE", "Schweizerdeutsch"),
    ("ESP", "Spanisch"),
    ("CZE", "Tschechisch"),
    ("TUR", "Türkisch"),
];

struct Row(
    &'static str,
    &'static str,
    FieldType,
    Option<u16>,
    Keys,
    Option<&'static str>,
);

/// Name, label, type, length in characters, permitted values, default.
const ROWS: &[Row] = &[
    Row("ID", "AdrID", Integer, None, NONE, None),
    Row("KdNr", "KdNr", Integer, None, NONE, None),
    Row("Anrede", "Anrede", SingleSelect, None, SALUTATION, None),
    Row("Titel", "Titel", Varchar, Some(80), NONE, None),
    Row("Vorname", "Vorname", Varchar, Some(80), NONE, None),
    Row("Name", "Name", Varchar, Some(80), NONE, None),
    Row("Zusatz1", "Firma", Varchar, Some(80), NONE, None),
    Row("Zusatz2", "Firma Zusatz", Varchar, Some(80), NONE, None),
    Row("Strasse", "Straße", Varchar, Some(80), NONE, None),
    Row("Plz", "Plz", Varchar, Some(20), NONE, None),
    Row("Ort", "Ort", Varchar, Some(80), NONE, None),
    Row("Land", "Land", Varchar, Some(80), NONE, None),
    Row("Email", "E-Mail", Varchar, Some(100), NONE, None),
    Row("Telefon1", "Telefonnummern", Varchar, Some(40), NONE, None),
    Row("Telefax1", "Telefaxnummern", Varchar, Some(40), NONE, None),
    Row("Homepage", "Homepage", Text, None, NONE, None),
    Row("Benutzer", "Betreuer", Text, None, NONE, None),
    Row("Briefanrede", "Briefanrede", Text, None, NONE, None),
    Row(
        "ArtDaten",
        "Kontaktart",
        MultiSelect,
        None,
        CONTACT_CATEGORY,
        None,
    ),
    Row(
        "HerkunftKontakt",
        "Herkunft Kontakt",
        MultiSelect,
        None,
        ORIGIN,
        None,
    ),
    Row(
        "Status2Adr",
        "Status",
        SingleSelect,
        None,
        &[
            ("status2adr_active", "Aktiv"),
            ("status2adr_archive", "Archiviert"),
        ],
        Some("status2adr_active"),
    ),
    Row(
        "KontaktformBevorzugt",
        "Bevorzugte Kontaktform",
        SingleSelect,
        None,
        &[
            ("Brief", "Brief"),
            ("Email", "Email"),
            ("Telefax", "Telefax"),
            ("Telefon", "Telefon"),
        ],
        None,
    ),
    Row(
        "SpracheKontakt",
        "Sprache",
        SingleSelect,
        None,
        LANGUAGE,
        Some("DEU"),
    ),
    Row(
        "newsletter_aktiv",
        "Newsletter",
        SingleSelect,
        None,
        &[
            ("1", "Ja"),
            ("0", "Nein"),
            ("2", "Absage"),
            ("3", "Double Opt-In ausstehend"),
            ("4", "keine Angabe"),
            ("5", "unzustellbar"),
        ],
        Some("4"),
    ),
    Row(
        "DSGVOStatus",
        "DSGVO-Status",
        SingleSelect,
        None,
        &[
            ("ignorieren", "Ignorieren"),
            ("speicherungwiderrufen", "Speicherung widerrufen"),
            ("speicherungzugestimmt", "Speicherung zugestimmt"),
        ],
        None,
    ),
    Row(
        "DSGVOSaveUntil",
        "Speichern-bis-Datum",
        Date,
        None,
        NONE,
        None,
    ),
    Row(
        "DSGVOSaveUntilReason",
        "Speichern-bis-Grund",
        SingleSelect,
        None,
        &[
            ("aufbewahrungsfrist", "Aufbewahrungsfrist"),
            ("nachweispflicht", "Nachweispflicht"),
            ("vertrag", "Vertrag"),
            (
                "vorvertraglanbahnungsver",
                "Vorvertragliches Anbahnungsverhältnis",
            ),
        ],
        None,
    ),
    Row(
        "letzter_Kontakt",
        "Letzter Kontakt",
        Datetime,
        None,
        NONE,
        None,
    ),
    Row("Letzte_Aktion", "Letzte_Aktion", Date, None, NONE, None),
    Row("Eintragsdatum", "Eintragsdatum", Date, None, NONE, None),
    Row("kunde_seit", "Kunde seit", Date, None, NONE, None),
    Row("Geburtsdatum", "Geburtsdatum", Date, None, NONE, None),
    Row(
        "AGB_akzeptiert",
        "AGB akzeptiert",
        Boolean,
        None,
        NONE,
        None,
    ),
    Row(
        "Rueckruf_akzeptiert",
        "Rückruf akzeptiert",
        Boolean,
        None,
        NONE,
        None,
    ),
    Row("Vip", "VIP-Kontakt", Boolean, None, NONE, None),
    Row("Privat", "Privat", Boolean, None, NONE, None),
    Row(
        "Beziehung",
        "Beziehung",
        MultiSelect,
        None,
        &[
            ("Kunde", "Kunde"),
            ("Verwandter", "Verwandter"),
            ("Arbeitgeber", "Arbeitgeber"),
            ("Tippgeber", "Tippgeber"),
        ],
        None,
    ),
    Row("Tipp_ID", "Tippgeber", Integer, None, NONE, None),
    Row("employer", "Arbeitgeber", Varchar, Some(80), NONE, None),
    Row(
        "jobTitle",
        "Berufsbezeichnung",
        Varchar,
        Some(80),
        NONE,
        None,
    ),
    Row("jobPosition", "Position", Varchar, Some(80), NONE, None),
    Row("salary", "Einkommen", Float, None, NONE, None),
    Row(
        "workContract",
        "Arbeitsverhältnis",
        SingleSelect,
        None,
        &[("temporary", "befristet"), ("permanent", "unbefristet")],
        None,
    ),
    Row("Anrede2", "Anrede2", Varchar, Some(80), NONE, None),
    Row("Titel2", "Titel2", Varchar, Some(80), NONE, None),
    Row("Vorname2", "Vorname2", Varchar, Some(80), NONE, None),
    Row("Name2", "Name2", Varchar, Some(80), NONE, None),
    Row("Geburtsdatum2", "Geburtsdatum2", Date, None, NONE, None),
    Row(
        "additionalHeader",
        "Warnhinweis",
        Varchar,
        Some(255),
        NONE,
        None,
    ),
    Row("ustIdNr", "USt-IdNr.", Varchar, Some(80), NONE, None),
    Row(
        "sepaMandateReference",
        "SEPA-Mandatsreferenz",
        Varchar,
        Some(64),
        NONE,
        None,
    ),
    Row(
        "termOfPayment",
        "Zahlungsziel",
        SingleSelect,
        None,
        &[("3", "14 Tage"), ("1", "Sofort")],
        None,
    ),
    Row(
        "paymentInterval",
        "Zahlungsintervall",
        SingleSelect,
        None,
        &[
            ("monthly", "monatlich"),
            ("quarterly", "quartalsweise"),
            ("semiAnnual", "halbjährlich"),
            ("annual", "jährlich"),
        ],
        Some("monthly"),
    ),
    Row("Kundenlogo", "Kundenlogo", Blob, None, NONE, None),
    Row(
        "gwgGeburtsdatum",
        "Gwg-Geburtsdatum",
        Date,
        None,
        NONE,
        None,
    ),
    Row("gwgGeburtsort", "Geburtsort", Varchar, Some(80), NONE, None),
    Row(
        "gwgStaatsangehoerigkeit",
        "Staatsangehörigkeit",
        Varchar,
        Some(80),
        NONE,
        None,
    ),
    Row(
        "gwgBerechtigter",
        "wirschaftl. Berechtigter",
        Boolean,
        None,
        NONE,
        None,
    ),
    Row(
        "gwgAuffaelligkeiten",
        "Auffälligkeiten",
        Text,
        None,
        NONE,
        None,
    ),
    Row(
        "gwgAusweisart",
        "Ausweisart",
        SingleSelect,
        None,
        &[
            ("Personalausweis", "Personalausweis"),
            ("Reisepass", "Reisepass"),
            ("Sonstige", "Sonstige"),
        ],
        None,
    ),
    Row(
        "addressFakturaSeparator1",
        "FakturaTrennlinie1",
        Text,
        None,
        NONE,
        None,
    ),
    Row(
        "NewsletterTag",
        "Newsletter-Tags",
        MultiSelect,
        None,
        &[
            ("indMulti2110Select6031", "Marktbericht"),
            ("indMulti2110Select6033", "Neubau"),
        ],
        None,
    ),
    Row(
        "ind_2120_Feld_adressen1",
        "Externe Kennung",
        Varchar,
        Some(80),
        NONE,
        None,
    ),
    Row(
        "ind_2122_Feld_adressen1",
        "Finanzierung",
        SingleSelect,
        None,
        &[
            ("ind_Schl_3101", "gesichert"),
            ("ind_Schl_3103", "in Klärung"),
            ("ind_Schl_3105", "offen"),
        ],
        None,
    ),
    Row(
        "ind_2124_Feld_adressen2",
        "Rückruf am",
        Date,
        None,
        NONE,
        None,
    ),
    Row(
        "ind_2126_Feld_adressen2",
        "Altkunde",
        Boolean,
        None,
        NONE,
        None,
    ),
    Row(
        "ind_2128_Feld_adressen3",
        "Notiz zum Kontakt",
        Text,
        None,
        NONE,
        None,
    ),
];

/// Compound fields show several others in one; only the parts can be written.
const COMPOUND: &[(&str, &str, &[&str])] = &[
    ("Anrede-Titel", "Anrede, Titel", &["Anrede", "Titel"]),
    ("Plz-Ort", "Plz, Ort", &["Plz", "Ort"]),
    ("Anrede-Titel2", "Anrede, Titel 2", &["Anrede2", "Titel2"]),
];

/// The fields of a fresh client, all active.
pub(crate) fn standard_fields() -> Vec<Field> {
    let plain = ROWS.iter().map(|row| {
        let mut field = Field::new(row.0, row.1, row.2);
        field.length = row.3;
        field.permitted = row
            .4
            .iter()
            .map(|(key, label)| ((*key).to_owned(), (*label).to_owned()))
            .collect();
        field.default = row.5.map(str::to_owned);
        field
    });
    let compound = COMPOUND.iter().map(|(name, label, parts)| {
        let mut field = Field::new(name, label, Varchar);
        field.length = Some(80);
        field.parts = parts.iter().map(|part| (*part).to_owned()).collect();
        field
    });
    plain.chain(compound).collect()
}
