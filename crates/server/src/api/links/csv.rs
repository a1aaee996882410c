//! Pairs as a table of text: a header, then one pair a line. Commas or semicolons between the values, quotes where one holds any.

use std::collections::BTreeMap;

use sync::NamedPair;

const COLUMNS: [&str; 4] = ["sync", "entity", "left", "right"];

/// One row.
pub(super) struct Row {
    /// Its line, from 1.
    pub(super) line: usize,
    pub(super) pair: NamedPair,
}

/// The rows, and what is wrong by line. Columns may come in any order, and others beside them are left alone. Empty lines are none.
pub(super) fn read(text: &str) -> (Vec<Row>, Vec<(usize, String)>) {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let Some((first, header)) = lines.next() else {
        return (
            Vec::new(),
            vec![(1, format!("the file is empty; {}", wanted()))],
        );
    };
    let between = if header.contains(';') { ';' } else { ',' };
    let named: BTreeMap<String, usize> = match values(header, between) {
        Ok(names) => (0..)
            .zip(names)
            .map(|(at, name)| (name.trim().to_lowercase(), at))
            .collect(),
        Err(why) => return (Vec::new(), vec![(first, why)]),
    };
    let missing: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|column| !named.contains_key(*column))
        .collect();
    if !missing.is_empty() {
        let why = format!(
            "there is no column `{}`; {}",
            missing.join("`, `"),
            wanted()
        );
        return (Vec::new(), vec![(first, why)]);
    }
    let mut rows = Vec::new();
    let mut bad = Vec::new();
    for (line, text) in lines {
        match values(text, between).and_then(|values| pair(&values, &named)) {
            Ok(pair) => rows.push(Row { line, pair }),
            Err(why) => bad.push((line, why)),
        }
    }
    (rows, bad)
}

fn wanted() -> String {
    format!("it begins with `{}`", COLUMNS.join(","))
}

fn pair(values: &[String], named: &BTreeMap<String, usize>) -> Result<NamedPair, String> {
    let value = |column: &str| -> Result<&str, String> {
        let value = named.get(column).and_then(|at| values.get(*at));
        let value = value.map_or("", |value| value.trim());
        if value.is_empty() {
            return Err(format!("`{column}` is empty"));
        }
        Ok(value)
    };
    let entity = value("entity")?;
    Ok(NamedPair {
        sync: value("sync")?.into(),
        entity: entity
            .parse()
            .map_err(|error: record::UnknownEntity| error.to_string())?,
        left: value("left")?.into(),
        right: value("right")?.into(),
    })
}

/// The values of one line.
fn values(line: &str, between: char) -> Result<Vec<String>, String> {
    let mut values = Vec::new();
    let mut letters = line.chars().peekable();
    loop {
        let mut value = String::new();
        if letters.next_if_eq(&'"').is_some() {
            loop {
                match letters.next() {
                    Some('"') if letters.next_if_eq(&'"').is_some() => value.push('"'),
                    Some('"') => break,
                    Some(letter) => value.push(letter),
                    None => return Err("a quote is not closed".to_owned()),
                }
            }
        }
        while let Some(letter) = letters.next_if(|letter| *letter != between) {
            value.push(letter);
        }
        values.push(value);
        if letters.next().is_none() {
            return Ok(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_spreadsheets_write_it_and_each_bad_line_is_named() {
        let (rows, bad) = read(
            "\u{feff}entity;note;right;left;sync\r\ncontact;\"a; \"\"b\"\"\";4711;x1;people\r\n\r\ncontact;;;x2;people\n\
             thing;;1;2;people\ncontact;\"open;1;2;people\n",
        );
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].line, 2);
        let pair = &rows[0].pair;
        assert_eq!((pair.left.as_str(), pair.right.as_str()), ("x1", "4711"));
        let lines: Vec<usize> = bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 5, 6], "{bad:?}");
        assert!(bad[0].1.contains("`right`"), "{bad:?}");
        let (rows, bad) = read("sync,left,right\npeople,1,2\n");
        assert!(rows.is_empty() && bad[0].1.contains("`entity`"), "{bad:?}");
    }
}
