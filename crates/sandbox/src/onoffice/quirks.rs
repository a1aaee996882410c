//! What about onOffice is disputed, surprising or unknown, each as a switch. The default is the harder case for a client
//! wherever sources disagree.
//!
//! The registry is the public face; [`Quirks`] is the same, typed, as one request sees it.

use crate::switches::{Setting, Switch, Switches};
use crate::system::System;

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn from_word(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => unreachable!("the registry lets no {other:?} in"),
                }
            }
        }
    };
}

choice! {
    /// What the top-level status says when an action failed.
    ErrorPlacement {
        /// 500 with the action's own code and text.
        Mirrored = "mirrored",
        /// 200, 0, OK.
        Silent = "silent",
        /// 500 with 97.
        Summary = "97",
    }
}

choice! {
    /// What happens to `listlimit` above 500.
    OverLimit {
        /// 20 records.
        Fallback = "fallback",
        /// 500 records.
        Cap = "cap",
    }
}

choice! {
    /// Which error a token gets that nobody was given.
    WrongToken {
        /// The whole request is refused.
        Request = "22",
        /// Each action: access revoked.
        Revoked = "48",
        /// Each action: wrong secret.
        Secret = "49",
        /// Each action: wrong signature.
        Signature = "137",
    }
}

choice! {
    /// What happens to text longer than its field.
    TooLong {
        /// It is cut without a word.
        Truncate = "truncate",
        /// 255.
        Refuse = "refuse",
    }
}

choice! {
    /// What happens to a country that is neither a German name nor an alpha-3 code.
    UnknownCountry {
        /// It is stored as it is, and has no ISO form.
        Store = "store",
        /// 255.
        Refuse = "refuse",
    }
}

choice! {
    /// When a contact entry becomes the main one although nobody said so.
    FirstEntry {
        /// The first of its kind on create.
        Create = "create",
        /// Also the first added later, and the one left when the main one goes.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

choice! {
    /// How the key of a private or business entry is written in a read.
    EntryKey {
        /// `phone_private__17`.
        Underscored = "underscored",
        /// `phoneprivate__17`.
        Glued = "glued",
        /// `phone__17`.
        Plain = "plain",
    }
}

choice! {
    /// What `sortby` as an object does in an address read.
    SortMap {
        /// Nothing.
        Ignored = "ignored",
        /// Sorts.
        Works = "works",
    }
}

choice! {
    /// Which error a write to an unknown address gets.
    MissingRecord {
        /// 80.
        Unknown = "80",
        /// 292.
        UnknownAddress = "292",
    }
}

choice! {
    /// Which error an unknown field of a task gets.
    TaskUnknownField {
        /// 138.
        Own = "138",
        /// 144.
        Shared = "144",
    }
}

choice! {
    /// What a create of one activity for several addresses answers.
    ActivityAnswer {
        /// The first of them.
        First = "first",
        /// All of them.
        All = "all",
    }
}

choice! {
    /// What becomes of the times of an all-day appointment.
    AllDay {
        /// From 00:00:00 to 23:59:59.
        Whole = "whole",
        /// As they were written.
        Kept = "kept",
    }
}

choice! {
    /// What of an action is looked at first.
    ValidationOrder {
        /// Its words, its time, its signature.
        Words = "words_time_hmac",
        /// Its time, its signature, its words.
        Time = "time_hmac_words",
        /// Its signature, its time, its words.
        Hmac = "hmac_time_words",
    }
}

macro_rules! quirks {
    ($( $(#[$doc:meta])* $field:ident: $type:ty = $kind:ident $default:expr, $meaning:literal, $test:literal; )+) => {
        /// How all switches of onOffice stand for one request.
        #[derive(Clone, Debug)]
        pub(crate) struct Quirks { $(pub(crate) $field: $type),+ }

        /// The switches of onOffice.
        pub(crate) const SWITCHES: &[Switch] = &[$(
            Switch {
                name: concat!("onoffice.", stringify!($field)),
                system: System::OnOffice,
                meaning: $meaning,
                default: quirks!(@setting $kind $default),
                choices: quirks!(@choices $kind $type),
                test: concat!("onoffice::", $test),
            },
        )+];

        impl Quirks {
            /// Reads all switches at once.
            pub(crate) fn read(switches: &Switches) -> Self {
                Self { $($field: quirks!(@read $kind $type, switches, concat!("onoffice.", stringify!($field)))),+ }
            }
        }
    };
    (@setting flag $default:expr) => { Setting::Flag($default) };
    (@setting number $default:expr) => { Setting::Number($default) };
    (@setting choice $default:expr) => { Setting::Choice($default) };
    (@choices flag $type:ty) => { &[] };
    (@choices number $type:ty) => { &[] };
    (@choices choice $type:ty) => { <$type>::WORDS };
    (@read flag $type:ty, $from:ident, $name:expr) => { $from.flag($name) };
    (@read number $type:ty, $from:ident, $name:expr) => { $from.number($name) };
    (@read choice $type:ty, $from:ident, $name:expr) => { <$type>::from_word($from.choice($name)) };
}

quirks! {
    error_placement: ErrorPlacement = choice "mirrored",
        "Whether the top-level status mirrors the first failed action, says 200/0/OK, or says 97.",
        "envelope::error_placement";
    wrong_token: WrongToken = choice "22",
        "The code for a token that nobody was given: 22 refuses the whole request without results, the others fail each action.",
        "envelope::wrong_token";
    validation_order: ValidationOrder = choice "words_time_hmac",
        "What of an action is checked first, and so which of several errors is told.",
        "envelope::validation_order";
    batch_ends_at_error: bool = flag false,
        "Whether what stands behind a failed action of a request is not carried out and gets no result; else each action is for itself, as clients assume.",
        "envelope::batch_ends_at_error";
    hmac_v1: bool = flag true,
        "Whether the legacy signature (no hmac_version) is still taken.",
        "envelope::legacy_signature";
    timestamp_window_seconds: i64 = number 120,
        "How far an action's timestamp may be from the server's clock.",
        "envelope::timestamp_window";
    clock_offset_seconds: i64 = number 0,
        "How far the server's clock (timestamps, Date header, Aenderung) is ahead of the sandbox's.",
        "envelope::clock_offset";
    php_escapes: bool = flag true,
        "Whether answers write slashes as \\/ and everything outside ASCII as \\uXXXX.",
        "envelope::php_escapes";
    empty_elements_as_array: bool = flag true,
        "Whether empty elements are [] instead of {}.",
        "envelope::empty_elements_as_array";
    listlimit_over_500: OverLimit = choice "fallback",
        "Whether a listlimit above 500 falls back to 20 or is capped at 500.",
        "reading::listlimit_over_500";
    unknown_field_refused: bool = flag true,
        "Whether an unknown or inactive field fails the whole action with 141 or is left out.",
        "reading::unknown_field_refused";
    id_selectable: bool = flag false,
        "Whether id and Id may be selected and filtered on; else 141.",
        "reading::id_selectable";
    sort_map: SortMap = choice "ignored",
        "Whether sortby as an object is silently ignored by an address read.",
        "reading::sort_map";
    missing_right_is_empty: bool = flag true,
        "Whether a read without the right is an empty success; else 253.",
        "settings::missing_right_is_empty";
    missing_record: MissingRecord = choice "80",
        "The code for a write to an address that does not exist.",
        "writing::missing_record";
    nested_create_accepted: bool = flag false,
        "Whether an address create also takes its fields inside a data object; else 141.",
        "writing::nested_create_accepted";
    status_write_ignored: bool = flag true,
        "Whether a written Status is accepted and not applied; Status2Adr is what archives.",
        "writing::status_write_ignored";
    main_fields_writable: bool = flag false,
        "Whether Email, Telefon1 and Telefax1 can be written under those names; else 141.",
        "writing::main_fields_writable";
    flat_contact_refused: bool = flag true,
        "Whether a modify refuses a plain string under phone, email and the like with 141; else it replaces the main entry.",
        "writing::flat_contact_refused";
    contact_action_list: bool = flag false,
        "Whether a modify takes an array of contact actions under one key; else 82.",
        "writing::contact_action_list";
    first_entry_is_main: FirstEntry = choice "create",
        "When a phone, fax or e-mail entry becomes the main one without default being asked for.",
        "writing::first_entry_is_main";
    only_main_entry_readable: bool = flag false,
        "Whether reads show only main entries, so that an entry added without default:true is invisible (the harder case; the documentation says all are shown).",
        "reading::only_main_entry_readable";
    entry_key: EntryKey = choice "underscored",
        "How the keys of private and business entries are written in reads.",
        "reading::entry_key";
    duplicate_matches_secondary: bool = flag true,
        "Whether checkDuplicate also compares e-mails other than the main one.",
        "writing::duplicate_matches_secondary";
    contact_change_stamps: bool = flag false,
        "Whether a change of contact entries alone moves Aenderung.",
        "writing::contact_change_stamps";
    unchanged_write_stamps: bool = flag true,
        "Whether a write that changes no value still moves Aenderung.",
        "writing::unchanged_write_stamps";
    too_long: TooLong = choice "truncate",
        "Whether text longer than its field is silently cut or refused with 255.",
        "writing::too_long";
    unknown_country: UnknownCountry = choice "store",
        "Whether a country that is neither a German name nor an alpha-3 code is stored as text or refused with 255.",
        "writing::unknown_country";
    unknown_user_accepted: bool = flag true,
        "Whether any text is accepted as Benutzer; else 251.",
        "writing::unknown_user_accepted";
    archived_listed: bool = flag true,
        "Whether list reads return archived addresses unless filtered.",
        "reading::archived_listed";
    normalized_phone_filter: bool = flag false,
        "Whether normalizedPhoneNumbers (digits with country code) can be filtered on; else 141.",
        "reading::normalized_phone_filter";
    sort_text_of_modules: bool = flag false,
        "Whether estates and activities are also sorted by sortby as text with sortorder; else only by an object.",
        "modules::sort_text_of_modules";
    task_status_label: bool = flag true,
        "Whether the Status of a task reads back as its German label; else as its number.",
        "tasks::task_status_label";
    task_modified_time: bool = flag false,
        "Whether modified of a task reads back with the time; else only the date, as its field is described.",
        "tasks::task_modified_time";
    task_type_mandatory: bool = flag true,
        "Whether a task needs Art (a setting of the client); else it may be left out.",
        "tasks::task_type_mandatory";
    task_type_ids_listed: bool = flag false,
        "Whether actionkindtypes lists the types of tasks by the numbers that Art wants; else by their names.",
        "tasks::task_type_ids_listed";
    task_done_on_create_refused: bool = flag true,
        "Whether a create of a task refuses erledigt and Stand, which are documented only for a modify.",
        "tasks::task_done_on_create_refused";
    task_any_responsible: bool = flag true,
        "Whether any text is accepted as Verantwortung and Bearbeiter; else 251.",
        "tasks::task_any_responsible";
    task_unknown_field: TaskUnknownField = choice "138",
        "The code for an unknown field of a task.",
        "tasks::task_unknown_field";
    task_related_adds: bool = flag true,
        "Whether relatedAddressId and relatedEstateId of a modify add to what a task is linked to; else they replace it.",
        "tasks::task_related_adds";
    activity_answer: ActivityAnswer = choice "first",
        "Whether a create of activities for several addresses answers the first of them or all.",
        "activities::activity_answer";
    activity_note_mandatory: bool = flag false,
        "Whether an activity needs a note; else 113 is never answered.",
        "activities::activity_note_mandatory";
    all_day_times: AllDay = choice "whole",
        "Whether the times of an all-day appointment become the whole day or stay as they were written.",
        "appointments::all_day_times";
    recurring_anchor_lost: bool = flag true,
        "Whether an appointment that becomes a series without start_dt being sent again begins at 0000-00-00.",
        "appointments::recurring_anchor_lost";
    unattended_listed: bool = flag false,
        "Whether appointmentList also shows appointments without any participant.",
        "appointments::unattended_listed";
    relation_delete_listed_only: bool = flag true,
        "Whether only the kinds of relations can be deleted that the documentation lists; else all.",
        "modules::relation_delete_listed_only";
    newsletter_opt_in: bool = flag true,
        "Whether registerNewsletter waits for a double opt-in (3); else it registers at once (1).",
        "modules::newsletter_opt_in";
}
