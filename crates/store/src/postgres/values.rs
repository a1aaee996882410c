//! Values on their way: SQLite's own types on this side, PostgreSQL's on the other.

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::{Error, sqlite::fault::Outcome};

/// A value that was found.
pub(super) struct Held<'a>(pub(super) ValueRef<'a>);

impl<'a> FromSql<'a> for Held<'a> {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => ValueRef::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => ValueRef::Integer(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => ValueRef::Integer(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => ValueRef::Text(raw),
        }))
    }

    fn from_sql_null(
        _: &Type,
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT
        )
    }
}

/// A value of a parameter. The server says what type it wants: only then is it known whether a number
/// stands for yes or no.
#[derive(Debug)]
pub(super) enum Given<'a> {
    /// As the command has it.
    Borrowed(ValueRef<'a>),
    /// A copy.
    Owned(Value),
}

/// The values of a statement's parameters.
pub(super) fn bind<'a>(params: &[&'a dyn rusqlite::ToSql]) -> Outcome<Vec<Given<'a>>> {
    params
        .iter()
        .map(|value| match value.to_sql()? {
            ToSqlOutput::Borrowed(value) => Ok(Given::Borrowed(value)),
            ToSqlOutput::Owned(value) => Ok(Given::Owned(value)),
            other => Err(Error::Database(format!("{other:?} has no form for PostgreSQL")).into()),
        })
        .collect()
}

impl Given<'_> {
    pub(super) fn into_owned(self) -> Given<'static> {
        Given::Owned(match self {
            Self::Owned(value) => value,
            Self::Borrowed(ValueRef::Null) => Value::Null,
            Self::Borrowed(ValueRef::Integer(number)) => Value::Integer(number),
            Self::Borrowed(ValueRef::Real(number)) => Value::Real(number),
            Self::Borrowed(ValueRef::Text(bytes)) => {
                Value::Text(String::from_utf8_lossy(bytes).into_owned())
            }
            Self::Borrowed(ValueRef::Blob(bytes)) => Value::Blob(bytes.to_vec()),
        })
    }
}

impl ToSql for Given<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let value = match self {
            Self::Borrowed(value) => *value,
            Self::Owned(value) => ValueRef::from(value),
        };
        match (value, ty) {
            (ValueRef::Null, _) => Ok(IsNull::Yes),
            (ValueRef::Integer(number), &Type::INT8) => number.to_sql(ty, out),
            (ValueRef::Integer(number), &Type::INT4) => i32::try_from(number)?.to_sql(ty, out),
            (ValueRef::Integer(number), &Type::BOOL) => (number != 0).to_sql(ty, out),
            (ValueRef::Text(bytes), &(Type::TEXT | Type::JSON))
            | (ValueRef::Blob(bytes), &Type::BYTEA) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            (value, ty) => Err(format!("a {:?} is no {ty}", value.data_type()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
