//! Who is linked to what: the known kinds of relations, and the links themselves.

use std::collections::BTreeMap;

/// What every kind begins with.
const URN: &str = "urn:onoffice-de-ns:smart:2.5:relationTypes:";

/// The kinds that the vendor documents, without what they all begin with.
const KINDS: [&str; 63] = [
    "address:address:isTippgeberOf",
    "address:contact:address",
    "address:estate:contacted",
    "address:estate:matching",
    "address:estate:offer",
    "address:estate:offerByAgentsLog",
    "address:estate:tipp",
    "address:file:attachment",
    "address:mail",
    "address:process",
    "address:resubmission",
    "address:searchcriteria",
    "address:user:additionalOfficers",
    "address:user:officer",
    "address:user:strangeNameRelation",
    "address:user:sync",
    "agentsLog:address",
    "agentsLog:attachment:download",
    "agentsLog:estate",
    "agentsLog:file:attachment",
    "agentsLogMail:address",
    "agentsLogMail:estate",
    "billing:estate",
    "calendar:address",
    "calendar:estate",
    "calendar:file:attachment",
    "complex:estate:units",
    "customer:address:contact",
    "estate:address:buyer",
    "estate:address:contactPerson",
    "estate:address:contactPersonAll",
    "estate:address:interested",
    "estate:address:matching",
    "estate:address:owner",
    "estate:address:renter",
    "estate:address:tenant",
    "estate:allFiles",
    "estate:estateUnit",
    "estate:file:alllinks",
    "estate:file:allpictures",
    "estate:file:allpicturesExceptTitelbild",
    "estate:file:foto",
    "estate:file:grundriss",
    "estate:file:titelbild",
    "estate:mail",
    "estate:user:assignment",
    "estate:user:officer",
    "estateTracking:estate",
    "job:estate",
    "project:address",
    "project:agentslog",
    "project:calendar",
    "project:estate",
    "project:file:attachment",
    "project:task:customer",
    "task:address",
    "task:estate",
    "task:file:attachment",
    "templateManagement:email:attachment",
    "templateManagement:email:documentAttributes",
    "user:address",
    "user:address:birthday",
    "user:messengerUser:is",
];

/// The kinds that the vendor names as those that can be deleted.
const DELETABLE: [&str; 11] = [
    "estate:address:interested",
    "estate:estateUnit",
    "calendar:address",
    "calendar:estate",
    "agentsLog:file:attachment",
    "estate:address:buyer",
    "estate:address:renter",
    "estate:address:owner",
    "estate:address:contactPerson",
    "estate:address:contactPersonAll",
    "address:user:sync",
];

/// A kind of relation: its place in the list of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind(usize);

impl Kind {
    /// The kind of a URN.
    pub(crate) fn parse(urn: &str) -> Option<Self> {
        Self::of(urn.strip_prefix(URN)?)
    }

    /// The kind of a name without what all begin with.
    pub(crate) fn of(name: &str) -> Option<Self> {
        KINDS.iter().position(|known| *known == name).map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        KINDS[self.0]
    }

    pub(crate) fn may_be_deleted(self) -> bool {
        DELETABLE.contains(&self.name())
    }

    /// The module of the parent.
    pub(crate) fn parent(self) -> &'static str {
        self.name().split(':').next().unwrap_or_default()
    }

    /// The module of the child.
    pub(crate) fn child(self) -> &'static str {
        match self.name() {
            "address:contact:address" => "address",
            "estate:allFiles" => "file",
            "estate:estateUnit" => "estate",
            name => name.split(':').nth(1).unwrap_or_default(),
        }
    }
}

/// All links.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relations {
    down: BTreeMap<(Kind, u32), Vec<u32>>,
    up: BTreeMap<(Kind, u32), Vec<u32>>,
    /// `statusTerminbestaetigung` and the like, by kind, parent and child.
    words: BTreeMap<(Kind, u32, u32), BTreeMap<String, String>>,
}

impl Relations {
    /// Makes a link; `false` where there was one.
    pub(crate) fn add(&mut self, kind: Kind, parent: u32, child: u32) -> bool {
        let children = self.down.entry((kind, parent)).or_default();
        if children.contains(&child) {
            return false;
        }
        children.push(child);
        self.up.entry((kind, child)).or_default().push(parent);
        true
    }

    /// Takes a link away; `false` where there was none.
    pub(crate) fn remove(&mut self, kind: Kind, parent: u32, child: u32) -> bool {
        let before = self.has(kind, parent, child);
        if let Some(children) = self.down.get_mut(&(kind, parent)) {
            children.retain(|known| *known != child);
        }
        if let Some(parents) = self.up.get_mut(&(kind, child)) {
            parents.retain(|known| *known != parent);
        }
        self.words.remove(&(kind, parent, child));
        before
    }

    pub(crate) fn has(&self, kind: Kind, parent: u32, child: u32) -> bool {
        self.children(kind, parent).contains(&child)
    }

    pub(crate) fn children(&self, kind: Kind, parent: u32) -> &[u32] {
        self.down.get(&(kind, parent)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn parents(&self, kind: Kind, child: u32) -> &[u32] {
        self.up.get(&(kind, child)).map_or(&[], Vec::as_slice)
    }

    /// The children of a kind that is known to be one.
    pub(crate) fn below(&self, name: &str, parent: u32) -> &[u32] {
        Kind::of(name).map_or(&[], |kind| self.children(kind, parent))
    }

    /// Links by the name of a kind; nothing happens where the name is none.
    pub(crate) fn link(&mut self, name: &str, parent: u32, child: u32) {
        if let Some(kind) = Kind::of(name) {
            self.add(kind, parent, child);
        }
    }

    /// Takes away every link of a kind below a parent.
    pub(crate) fn clear(&mut self, name: &str, parent: u32) {
        if let Some(kind) = Kind::of(name) {
            for child in self.children(kind, parent).to_vec() {
                self.remove(kind, parent, child);
            }
        }
    }

    pub(crate) fn say(&mut self, kind: Kind, parent: u32, child: u32, name: &str, word: &str) {
        let words = self.words.entry((kind, parent, child)).or_default();
        words.insert(name.to_owned(), word.to_owned());
    }

    pub(crate) fn said(&self, kind: Kind, parent: u32, child: u32, name: &str) -> Option<&str> {
        let words = self.words.get(&(kind, parent, child))?;
        words.get(name).map(String::as_str)
    }

    /// A record is gone, and with it its links.
    pub(crate) fn forget(&mut self, module: &str, id: u32) {
        let mut gone = Vec::new();
        for kind in (0..KINDS.len()).map(Kind) {
            if kind.parent().eq_ignore_ascii_case(module) {
                let children = self.children(kind, id);
                gone.extend(children.iter().map(|child| (kind, id, *child)));
            }
            if kind.child().eq_ignore_ascii_case(module) {
                let parents = self.parents(kind, id);
                gone.extend(parents.iter().map(|parent| (kind, *parent, id)));
            }
        }
        for (kind, parent, child) in gone {
            self.remove(kind, parent, child);
        }
    }

    /// A record was swallowed by another, which takes over its links.
    pub(crate) fn take_over(&mut self, module: &str, from: u32, into: u32) {
        for kind in (0..KINDS.len()).map(Kind) {
            if kind.parent().eq_ignore_ascii_case(module) {
                for child in self.children(kind, from).to_vec() {
                    self.add(kind, into, child);
                }
            }
            if kind.child().eq_ignore_ascii_case(module) {
                for parent in self.parents(kind, from).to_vec() {
                    self.add(kind, parent, into);
                }
            }
        }
        self.forget(module, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_both_ways_and_with_their_records() {
        let kind = Kind::parse(&format!("{URN}estate:address:buyer")).unwrap();
        let mut links = Relations::default();
        assert!(links.add(kind, 7, 1) && !links.add(kind, 7, 1) && links.add(kind, 7, 3));
        assert_eq!(links.parents(kind, 3), [7]);
        links.take_over("address", 3, 5);
        assert_eq!(links.children(kind, 7), [1, 5]);
        links.forget("estate", 7);
        assert!(links.parents(kind, 1).is_empty() && links.parents(kind, 5).is_empty());
    }

    #[test]
    fn the_list_is_sorted_and_names_modules() {
        assert!(KINDS.is_sorted());
        assert!(DELETABLE.iter().all(|name| Kind::of(name).is_some()));
        let company = Kind::of("address:contact:address").unwrap();
        assert_eq!((company.parent(), company.child()), ("address", "address"));
    }
}
