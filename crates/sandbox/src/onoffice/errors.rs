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
        69 => "Search cannot be empty",
        74 => "Given element or parameter was expected to be an array",
        76 => "Invalid multiselect key: %s",
        77 => "Invalid singleselect key: %s",
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
        97 => "Error in action",
        104 => "User is not active",
        131 => "Address creation without proper user rights",
        136 => "Your timestamp is too old or your server time is wrong.",
        137 => "The HMAC is invalid.",
        141 => "Unknown field: %s",
        142 => "Unknown operator: %s",
        144 => "Invalid field in input data: \"%s\"",
        156 => "Access violation",
        158 => "Access from this IP not allowed",
        160 => "Invalid language: \"%s\"",
        163 => "Invalid name for module",
        167 => "Missing parameter \"%s\"",
        170 => "No read permission for this user",
        174 => "Missing permission to perform modify call",
        187 => "Given element or parameter was not expected to be an array",
        212 => "Unknown sort field.",
        215 => "Parameter %s must not be null!",
        228 => "Given element or parameter was expected to be an integer: %s",
        229 => "Given element or parameter was expected to be an float: %s",
        232 => "Multiselect fields can only be filtered with =, !=, like, not like, in and not in",
        243 => "The HMAC is invalid. \"%s\" should be passed as string",
        247 => "Missing or invalid element: action",
        251 => "Unknown user %s",
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
        284 => "The requested filterid %s is unknown",
        291 => "Fieldname is not a string",
        292 => {
            "Unknown address record id. Record may not exist or the permission rights are not set accordingly for this action."
        }
        294 => "Invalid data type for parameter %s",
        300 => "Invalid address phone value",
        302 => "This action support only up to 500 Ids",
        _ => "Unknown error occurred",
    }
}
