//! The connector as its callers see it, against scripted answers.
