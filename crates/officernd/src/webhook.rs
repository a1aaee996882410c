//! Webhooks.

use connector::{Delivery, Incoming, WebhookError, WebhookKeys};

pub(crate) fn read(
    _incoming: &Incoming<'_>,
    _keys: &WebhookKeys,
) -> Result<Delivery, WebhookError> {
    Err(WebhookError::None(crate::describe::TITLE))
}
