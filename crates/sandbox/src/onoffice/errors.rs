//! The error codes that the simulated onOffice answers, with their English texts.
//!
//! Clients match on the number; the vendor's texts vary a little in case and quotes. `%s` is filled when the error is made.

/// One failed action or request: what goes into a `status` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The vendor's error number.
    pub code: u16,
    /// The text beside it, already filled in.
    pub message: String,
}

/// A failure whose text has no place to fill.
pub(crate) fn fail(code: u16) -> Failure {
    Failure {
        code,
        message: text(code).replace("%s", ""),
    }
}

/// A failure that names the field, value or id it is about.
pub(crate) fn fail_with(code: u16, about: &str) -> Failure {
    let text = text(code);
    let message = if text.contains("%s") {
        text.replacen("%s", about, 1)
    } else {
        text.to_owned()
    };
    Failure { code, message }
}

fn text(code: u16) -> &'static str {
    match code {
        4 => "Invalid or malformed JSON",
        7 => "Malformed UTF-8 characters, possibly incorrectly encoded",
        9 => "Empty request",
        13 => "Missing or invalid element: token",
        14 => "Missing or invalid element: request",
        15 => "Missing or invalid element: actions",
        16 => "Missing or invalid attribute: actionid",
        17 => "Empty attribute: actionid",
        18 => "Missing or invalid attribute: resourceid",
        19 => "Missing or invalid attribute: resourcetype",
        20 => "Missing or invalid element: parameters",
        21 => "Empty parameter name",
        22 => "Not authenticated",
        23 => "Missing configuration for actionId \"%s\"",
        24 => "Missing configuration for resourceId \"%s\"",
        25 => "Missing configuration for resourceType \"%s\"",
        48 => "Client access revoked!",
        49 => "Secret is wrong!",
        50 => "Missing email identity",
        51 => "Invalid email identity",
        52 => "List of receivers is not an array",
        53 => "Missing receivers",
        55 => "Invalid receivers",
        58 => "Missing message id",
        59 => "Missing email uid",
        60 => "Missing email folder",
        69 => "Search cannot be empty",
        71 => "Missing template type",
        72 => "Invalid template type",
        74 => "Given element or parameter was expected to be an array",
        76 => "Invalid multiselect key: %s",
        77 => "Invalid singleselect key: %s",
        78 => "Entry could not be created",
        79 => "Missing record id",
        80 => {
            "Unknown record. Record may not exist or the permission rights are not set accordingly for this action."
        }
        81 => "Missing type for address phone action",
        82 => "Invalid type for address phone action",
        83 => "Unknown address phone record",
        84 => "Invalid address phone record",
        85 => "Missing address phone value",
        86 => "Missing address phone record identifier",
        87 => "Ambiguous address phone record identifier",
        91 => "Start date missing",
        92 => "End date missing",
        93 => "Start date is greater than end date",
        95 => "Unknown search criteria",
        96 => "Missing address record id",
        97 => "Error in action",
        98 => "Missing relation to address and/or estate record",
        99 => "Address record ids not in array",
        100 => "Unknown kind of action \"%s\"",
        101 => "Unknown type of action \"%s\"",
        104 => "User is not active",
        110 => "Missing estate record id",
        113 => "Missing note",
        114 => "Missing file name",
        117 => "Missing appointment ID",
        122 => "Invalid date",
        125 => "Missing text for resolver",
        127 => "File not found",
        129 => "Fileupload is missing temporary upload file",
        131 => "Address creation without proper user rights",
        132 => "No or unknown relation given",
        133 => "No email for given message id",
        136 => "Your timestamp is too old or your server time is wrong.",
        137 => "The HMAC is invalid.",
        138 => "Unknown field in task data",
        139 => "Missing params \"picture categories\" or \"estateids\"",
        141 => "Unknown field: %s",
        142 => "Unknown operator: %s",
        143 => "Unknown field in estate data: %s",
        144 => "Invalid field in input data: \"%s\"",
        149 => "No read permission for this estate",
        152 => "Unsupported address completion mode",
        154 => "Unknown calendar field",
        156 => "Access violation",
        158 => "Access from this IP not allowed",
        160 => "Invalid language: \"%s\"",
        161 => "Document attribute exists",
        162 => "Invalid file type",
        163 => "Invalid name for module",
        164 => "Incomplete parameters for geo range search",
        167 => "Missing parameter \"%s\"",
        168 => "Entry could not be deleted",
        169 => "Appointment not found",
        170 => "No read permission for this user",
        171 => "No singleselect- or multiselect field",
        174 => "Missing permission to perform modify call",
        179 => "Could not create relation cause of invalid relationinfos",
        180 => "Could not modify relation, relation does not exist",
        181 => "Could not modify relation, invalid relationinfos given",
        182 => "Could not modify relation, relation is not updateable",
        184 => "User id is not existing or inactive",
        185 => "Missing or invalid record ids",
        187 => "Given element or parameter was not expected to be an array",
        204 => "Unknown searchcriteria mode",
        212 => "Unknown sort field.",
        215 => "Parameter %s must not be null!",
        219 => "n:n relations are not allowed",
        220 => "unknown origincontact: %s",
        221 => "unknown feature: %s",
        222 => "invalid value for cost: not numeric or less than 0: %s",
        223 => "invalid value for duration: not numeric or less than 0: %s",
        224 => "can not set reason of cancellation: advisory level missing",
        225 => "unknown advisory level: %s",
        226 => "unknown reason of cancelation: %s",
        227 => "Given element or parameter was expected to be a string: %s",
        228 => "Given element or parameter was expected to be an integer: %s",
        229 => "Given element or parameter was expected to be an float: %s",
        230 => "missing date interval",
        231 => "invalid date interval",
        232 => "Multiselect fields can only be filtered with =, !=, like, not like, in and not in",
        233 => "missing email template",
        235 => "Unknown record id %s",
        239 => "Upload failed. Estate already has a title picture.",
        241 => "Filters can only be used when reading out appointments of a period.",
        243 => "The HMAC is invalid. \"%s\" should be passed as string",
        247 => "Missing or invalid element: action",
        251 => "Unknown user %s",
        252 => "Unknown value in select field \"%s\"",
        253 => "No access to %s",
        254 => "Missing mandatory field \"%s\"",
        255 => "Invalid value for parameter \"%s\"",
        256 => "Parameter listlimit is mandatory and must be 0.",
        257 => "An error occurred while validating the filter: %s",
        258 => "The default entry for %s must be passed also as normal, private or business entry!",
        259 => "An error occurred modifying the default entry: %s",
        260 => {
            "The default entry for phone must be passed also as normal, private, business or mobile entry!"
        }
        261 => "Missing write right for address(es) with id(s) %s",
        262 => "Missing write right for estate(s) with id(s) %s",
        263 => "Address must be a real estate agent",
        265 => "Too few items in worklist",
        266 => "WorkingList name already exists",
        269 => "WorkingList type not allowed",
        273 => "WorkingList name cannot be empty",
        284 => "The requested filterid %s is unknown",
        288 => "Start modified date is greater than end modified date",
        289 => "Missing date period",
        290 => {
            "Parameter location holds wrong values - Keys address, estate, user and group must carry integer values"
        }
        291 => "Fieldname is not a string",
        292 => {
            "Unknown address record id. Record may not exist or the permission rights are not set accordingly for this action."
        }
        293 => {
            "Unknown estate record id. Record may not exist or the permission rights are not set accordingly for this action."
        }
        294 => "Invalid data type for parameter %s",
        295 => "Given groups has to be an array of IDs",
        300 => "Invalid address phone value",
        301 => "Given users has to be an array of IDs",
        302 => "This action support only up to 500 Ids",
        305 => "Missing parameter transitTimePre or transitTimePost",
        _ => "Unknown error occurred",
    }
}
