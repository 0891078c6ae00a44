//! tests/differential.md: the differences that are meant, each with its reason, and the dialogues that can't be played
//! against both servers.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use crate::harness::glob;

/// Where it is, for messages.
pub const PLACE: &str = "tests/differential.md";

/// Stands where a row has the line of a scene, when nothing of the scene but the whole story is in the way.
pub const STORY: &str = "the story";

/// Something that the two servers did not do alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The name of the dialogue.
    pub dialogue: String,
    /// What was said, `FEAT NAME`, or `tree PATH`.
    pub line: String,
    pub vsftpd: String,
    pub cellftpd: String,
}

/// The tables of that file.
#[derive(Debug)]
pub struct Table {
    meant: Vec<Row>,
    unplayed: Vec<Row>,
}

/// A row: patterns, and a reason behind them.
#[derive(Debug)]
struct Row {
    number: usize,
    cells: Vec<String>,
    is_used: Cell<bool>,
}

impl Table {
    /// Reads it; a row without a reason fails the test.
    pub fn read() -> Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PLACE);
        Table::parse(&fs::read_to_string(path).expect("it is UTF-8"))
    }

    fn parse(text: &str) -> Table {
        let mut table = Table { meant: Vec::new(), unplayed: Vec::new() };
        let rows = text.lines().zip(1..).filter(|(line, _)| line.starts_with("| "));
        for (line, number) in rows {
            let cells = cells(line);
            assert!(
                cells.last().is_some_and(|reason| !reason.is_empty()),
                "{PLACE}:{number}: no reason"
            );
            let row = Row { number, cells, is_used: Cell::new(false) };
            match row.cells.len() {
                _ if row.cells[0] == "dialogue" => {}
                5 => table.meant.push(row),
                3 => table.unplayed.push(row),
                count => panic!("{PLACE}:{number}: {count} cells"),
            }
        }
        table
    }

    /// Whether a row tells the reason; the first one that does is needed.
    pub fn explains(&self, difference: &Difference) -> bool {
        let Difference { dialogue, line, vsftpd, cellftpd } = difference;
        first(&self.meant, &[dialogue, line, vsftpd, cellftpd])
    }

    /// Whether a row tells why this dialogue is not played, for this line of its scene or for what it is about.
    pub fn excuses(&self, dialogue: &str, scene: &str) -> bool {
        first(&self.unplayed, &[dialogue, scene])
    }

    /// Rows that nothing needed.
    pub fn idle(&self) -> Vec<String> {
        let rows = self.meant.iter().chain(&self.unplayed);
        let idle = rows.filter(|row| !row.is_used.get());
        idle.map(|row| {
            format!("{PLACE}:{}: no longer true: delete it: {}", row.number, row.cells.join(" | "))
        })
        .collect()
    }
}

impl Difference {
    /// The row that would explain it.
    pub fn row(&self) -> String {
        let cells = [&self.dialogue, &self.line, &self.vsftpd, &self.cellftpd];
        let cells = cells.map(|cell| format!("`{}`", cell.replace('|', "\\|")));
        format!("| {} | why |", cells.join(" | "))
    }
}

fn first(rows: &[Row], words: &[&str]) -> bool {
    let are_of = |row: &&Row| {
        let pairs = row.cells.iter().zip(words);
        pairs.into_iter().all(|(cell, word)| glob::matches(cell.as_bytes(), word.as_bytes()))
    };
    let found = rows.iter().find(are_of);
    found.inspect(|row| row.is_used.set(true)).is_some()
}

/// The cells of a Markdown row, without the backquotes that keep its stars.
fn cells(line: &str) -> Vec<String> {
    const BAR: &str = "\u{1}";
    let line = line.trim().replace("\\|", BAR);
    let inside = line.trim_start_matches('|').trim_end_matches('|');
    let cell = |cell: &str| {
        let cell = cell.trim();
        let bare = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        bare.unwrap_or(cell).replace(BAR, "|")
    };
    inside.split('|').map(cell).collect()
}

#[test]
fn the_first_row_that_fits_is_needed() {
    let text = "| dialogue | line | vsftpd | cellftpd | reason |\n|---|---|---|---|---|\n\
                | `a*` | `X \\| Y` | `2*` | `5*` | so |\n| * | * | * | * | all |\n| b | set c | why |\n";
    let table = Table::parse(text);
    let difference = |line: &str| Difference {
        dialogue: "ab".to_owned(),
        line: line.to_owned(),
        vsftpd: "200".to_owned(),
        cellftpd: "500".to_owned(),
    };
    assert!(table.explains(&difference("X | Y")));
    assert_eq!(table.idle().len(), 2);
    assert!(table.explains(&difference("Z")) && table.excuses("b", "set c"));
    assert!(table.idle().is_empty() && !table.excuses("b", "set d"));
    assert!(!table.excuses("b", STORY));
}
