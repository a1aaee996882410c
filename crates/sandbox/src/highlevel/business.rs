//! A business as HighLevel stores it, the businesses of one location, and the list that lags behind them.

use std::collections::{HashMap, VecDeque};

use super::contact::Creator;

/// One business, in the vendor's UI a company.
#[derive(Debug, Clone, PartialEq)]
pub struct Business {
    /// 24 hex digits.
    pub id: String,
    texts: [Option<Box<str>>; Business::FIELDS.len()],
    /// When it was created, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub updated_at: i64,
    /// Who created it.
    pub created_by: Creator,
    /// Who changed it last.
    pub updated_by: Creator,
    /// When it was deleted.
    pub deleted: Option<i64>,
}

impl Business {
    /// The fields that a body may carry, in the vendor's words; all of them are text.
    pub const FIELDS: [&'static str; 10] = [
        "name",
        "phone",
        "email",
        "website",
        "address",
        "city",
        "state",
        "postalCode",
        "country",
        "description",
    ];

    pub(crate) fn new(id: String, now_ms: i64, creator: Creator) -> Self {
        Self {
            id,
            texts: std::array::from_fn(|_| None),
            created_at: now_ms,
            updated_at: now_ms,
            created_by: creator,
            updated_by: creator,
            deleted: None,
        }
    }

    /// A field by its name; `None` where it is empty or no such field.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        let place = Self::FIELDS.iter().position(|own| *own == field)?;
        self.texts[place].as_deref()
    }

    /// Sets a field by its place in [`Business::FIELDS`].
    pub(crate) fn set(&mut self, place: usize, value: Option<&str>) {
        self.texts[place] = value.filter(|text| !text.is_empty()).map(Into::into);
    }

    /// The names of the fields that differ from another version.
    pub(crate) fn changes_from(&self, before: &Self) -> Vec<Box<str>> {
        let places = Self::FIELDS.iter().enumerate();
        places
            .filter(|(place, _)| self.texts[*place] != before.texts[*place])
            .map(|(_, name)| (*name).into())
            .collect()
    }
}

/// All businesses of one location, deleted ones included.
#[derive(Debug, Default)]
pub(crate) struct Businesses {
    all: Vec<Business>,
    by_id: HashMap<String, usize>,
    /// By place: what the list goes on showing, and until when; nothing for one that it does not know yet.
    earlier: HashMap<usize, VecDeque<(i64, Option<Business>)>>,
}

impl Businesses {
    /// In the order of creation.
    pub(crate) fn all(&self) -> &[Business] {
        &self.all
    }

    /// One business, deleted or not.
    pub(crate) fn get(&self, id: &str) -> Option<&Business> {
        self.by_id.get(id).map(|place| &self.all[*place])
    }

    pub(crate) fn living(&self, id: &str) -> Option<&Business> {
        self.get(id).filter(|business| business.deleted.is_none())
    }

    /// The first living one of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Business> {
        let mut living = self.all.iter().filter(|each| each.deleted.is_none());
        living.find(|each| each.text("name") == Some(name))
    }

    /// Stores a new one or a new version, which the list shows from a time on.
    pub(crate) fn put(&mut self, business: Business, now_ms: i64, visible_ms: i64) {
        let (place, before) = match self.by_id.get(&business.id) {
            Some(place) => {
                let before = std::mem::replace(&mut self.all[*place], business);
                (*place, Some(before))
            }
            None => {
                self.by_id.insert(business.id.clone(), self.all.len());
                self.all.push(business);
                (self.all.len() - 1, None)
            }
        };
        let earlier = self.earlier.entry(place).or_default();
        earlier.retain(|(until_ms, _)| *until_ms > now_ms);
        if visible_ms > now_ms {
            earlier.push_back((visible_ms, before));
        }
        if earlier.is_empty() {
            self.earlier.remove(&place);
        }
    }

    /// What the list shows at a time, in the order of creation.
    pub(crate) fn listed(&self, now_ms: i64) -> impl DoubleEndedIterator<Item = &Business> {
        let shown = self.all.iter().enumerate().filter_map(move |(place, now)| {
            let mut earlier = self.earlier.get(&place).into_iter().flatten();
            match earlier.find(|(until_ms, _)| *until_ms > now_ms) {
                Some((_, before)) => before.as_ref(),
                None => Some(now),
            }
        });
        shown.filter(|business| business.deleted.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Business {
        let mut business = Business::new("a".repeat(24), 0, Creator::Import);
        business.set(0, Some(name));
        business
    }

    fn shown(businesses: &Businesses, now_ms: i64) -> Vec<&str> {
        let listed = businesses.listed(now_ms);
        listed.filter_map(|each| each.text("name")).collect()
    }

    #[test]
    fn the_list_shows_each_version_when_it_is_due() {
        let mut businesses = Businesses::default();
        businesses.put(named("one"), 0, 10);
        businesses.put(named("two"), 5, 15);
        let mut gone = named("two");
        gone.deleted = Some(8);
        businesses.put(gone, 8, 18);
        let at = |now_ms| shown(&businesses, now_ms);
        assert!(at(9).is_empty(), "not known yet");
        assert_eq!((at(10), at(15), at(18)), (vec!["one"], vec!["two"], vec![]));
        assert!(businesses.living(&"a".repeat(24)).is_none());
    }
}
