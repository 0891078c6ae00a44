//! From the text of one file to what it says.
//!
//! Run by whoever loads the configuration. Every key is looked at, whatever was wrong with the
//! one before, so that the administrator sees all problems at once.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::certificate::CERTIFICATE;
use super::choice::Class;
use super::matching::{CONDITIONS, Conditions, Match, Pattern};
use super::problem::Problem;
use super::rights::{self, Rights};
use super::settings::{Overlay, SETTINGS, TABLES};
use super::source::{Place, Placed, Source};
use super::spelling;
use super::value::{Value, Wrong, text};

pub(super) type Key<'a> = Spanned<DeString<'a>>;
pub(super) type Said<'a> = Spanned<DeValue<'a>>;

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct FileSays {
    pub(super) overlay: Overlay,
    pub(super) matches: Vec<Match>,
    pub(super) problems: Vec<Problem>,
}

/// Reads one file, which is number `file` of the configuration.
pub(super) fn read(file: usize, source: &Source) -> FileSays {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let mut reader = Reader { file, source, found: Vec::new() };
    let mut says = FileSays::default();
    match errors.is_empty() {
        true => reader.document(document.get_ref(), &mut says),
        // What could be made out of a broken text would only give wrong complaints.
        false => errors.into_iter().for_each(|error| reader.syntax(&error)),
    }
    reader.found.sort_by_key(|(start, _)| *start);
    says.problems.extend(reader.found.into_iter().map(|(_, problem)| problem));
    says
}

pub(super) struct Reader<'a> {
    pub(super) file: usize,
    source: &'a Source,
    found: Vec<(usize, Problem)>,
}

impl Reader<'_> {
    /// The top of the file: tables and matches.
    fn document(&mut self, document: &DeTable<'_>, says: &mut FileSays) {
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("match", DeValue::Array(list)) => {
                    says.matches.extend(list.iter().filter_map(|one| self.one_match(one)));
                }
                ("match", _) => self.wrong(
                    key,
                    Wrong::because("matches are a list of tables").cured_by(write("[[match]]")),
                ),
                (name, _) if is_table(name) => self.table(key, value, &mut says.overlay),
                (name, DeValue::Table(_)) => {
                    let known = table_names().chain(["match"]);
                    let wrong = Wrong::because(format!("there is no table [{name}]"));
                    self.wrong(key, wrong.cured_by(spelling::hint(name, known)));
                }
                (name, _) => {
                    let wrong = Wrong::because(format!("`{name}` stands outside of any table"));
                    self.wrong(key, wrong.cured_by(full_name_hint(name)));
                }
            }
        }
    }

    /// One table of settings, at the top or in a match.
    fn table(&mut self, key: &Key<'_>, value: &Said<'_>, overlay: &mut Overlay) {
        let table = key.get_ref();
        let DeValue::Table(settings) = value.get_ref() else {
            let wrong = Wrong::because(format!("`{table}` is a table"));
            return self.wrong(key, wrong.cured_by(write(&format!("[{table}]"))));
        };
        for (name, value) in settings {
            match table.as_ref() {
                "rights" => self.directory(name, value, overlay),
                "tls" if name.get_ref() == CERTIFICATE => {
                    overlay.certificates.extend(self.certificates(name, value));
                }
                table => self.setting(table, name, value, overlay),
            }
        }
    }

    /// One setting.
    fn setting(&mut self, table: &str, key: &Key<'_>, value: &Said<'_>, overlay: &mut Overlay) {
        let name = key.get_ref().as_ref();
        match overlay.read((table, name), value.get_ref(), self.place(key, value)) {
            Some(Ok(())) => {}
            Some(Err(wrong)) => self.wrong(value, wrong),
            None => {
                let wrong = Wrong::because(format!("[{table}] has no setting `{name}`"));
                self.wrong(key, wrong.cured_by(setting_hint(table, name)));
            }
        }
    }

    /// One directory of `[rights]`.
    fn directory(&mut self, key: &Key<'_>, value: &Said<'_>, overlay: &mut Overlay) {
        let path = key.get_ref();
        if let Some(cause) = rights::misspelled(path) {
            self.wrong(key, Wrong::because(cause));
        }
        let DeValue::Array(words) = value.get_ref() else {
            let cure = "write a list such as [\"list\", \"read\"]".to_owned();
            return self.wrong(value, Wrong::because("rights are a list of words").cured_by(cure));
        };
        let all = words.iter().fold(Rights::NONE, |all, word| all | self.right(word));
        let said = Placed { value: all, at: self.place(key, value) };
        overlay.rights.insert(path.to_string(), said);
    }

    /// One word of a directory's rights.
    fn right(&mut self, said: &Said<'_>) -> Rights {
        let word = text(said.get_ref()).unwrap_or_default();
        let known = rights::WORDS.iter().map(|(word, _)| *word);
        Rights::of_word(word).unwrap_or_else(|| {
            let cure = spelling::hint(word, known.clone()).unwrap_or_else(|| {
                format!("the words are {}", known.collect::<Vec<_>>().join(", "))
            });
            self.wrong(said, Wrong::because("no such right").cured_by(cure));
            Rights::NONE
        })
    }

    /// One match: its conditions and what it sets.
    fn one_match(&mut self, said: &Said<'_>) -> Option<Match> {
        let DeValue::Table(keys) = said.get_ref() else {
            self.wrong(said, Wrong::because("a match is a table").cured_by(write("[[match]]")));
            return None;
        };
        let before = self.found.len();
        let mut conditions = Conditions::default();
        let mut overlay = Overlay::default();
        for (key, value) in keys {
            match key.get_ref().as_ref() {
                name if is_condition(name, value) => self.condition(key, value, &mut conditions),
                name if is_table(name) => self.table(key, value, &mut overlay),
                name => {
                    let wrong = Wrong::because(format!("a match has no key `{name}`"));
                    let near =
                        spelling::hint(name, CONDITIONS.iter().copied().chain(table_names()));
                    self.wrong(key, wrong.cured_by(near.or_else(|| full_name_hint(name))));
                }
            }
        }
        // A match that is wrong in itself may say too little just because of that.
        if self.found.len() == before {
            self.says_enough(said, &conditions, &overlay);
        }
        Some(Match { conditions, overlay, file: self.file, span: said.span().into() })
    }

    /// A match needs a condition and a setting.
    fn says_enough(&mut self, said: &Said<'_>, conditions: &Conditions, overlay: &Overlay) {
        if conditions.is_empty() {
            let cause = "this match has no condition and would hold for everybody";
            let cure = "set it in the tables, or add user, group, class, from, host or tls";
            self.wrong(said, Wrong::because(cause).cured_by(cure.to_owned()));
        }
        let sets = [overlay.rights.len(), overlay.certificates.len(), overlay.places().len()];
        if sets == [0; 3] {
            self.wrong(said, Wrong::because("this match sets nothing"));
        }
    }

    /// One condition of a match.
    fn condition(&mut self, key: &Key<'_>, value: &Said<'_>, into: &mut Conditions) {
        match key.get_ref().as_ref() {
            "user" => into.user = Some(self.list(value, pattern)),
            "group" => into.group = Some(self.list(value, pattern)),
            "host" => into.host = Some(self.list(value, host)),
            "class" => into.class = Some(self.list(value, Class::read)),
            "from" => into.from = Some(self.list(value, network)),
            _ => match bool::read(value.get_ref()) {
                Ok(wanted) => into.tls = Some(wanted),
                Err(wrong) => self.wrong(value, wrong),
            },
        }
    }

    /// One word or a list of them.
    pub(super) fn list<T>(
        &mut self,
        said: &Said<'_>,
        read: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let one = std::slice::from_ref(said);
        let words = match said.get_ref() {
            DeValue::Array(words) => &words[..],
            _ => one,
        };
        if words.is_empty() {
            self.wrong(said, Wrong::because("an empty list never holds"));
        }
        let mut good = Vec::with_capacity(words.len());
        for word in words {
            match read(word.get_ref()) {
                Ok(word) => good.push(word),
                Err(wrong) => self.wrong(word, wrong),
            }
        }
        good
    }

    fn place(&self, key: &Key<'_>, value: &Said<'_>) -> Place {
        Place { file: self.file, key: key.span().into(), value: value.span().into() }
    }

    pub(super) fn wrong<T>(&mut self, culprit: &Spanned<T>, wrong: Wrong) {
        let span = culprit.span();
        let problem = Problem::within(self.source, span.clone().into(), wrong.cause);
        self.found.push((span.start, problem.cured_by(wrong.cure)));
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let problem = Problem::within(self.source, span.clone().into(), error.message());
        self.found.push((span.start, problem));
    }
}

/// A pattern of names.
fn pattern(value: &DeValue<'_>) -> Result<Pattern, Wrong> {
    match text(value) {
        Some("") => Err(Wrong::because("an empty name never holds")),
        Some(name) => Ok(Pattern(name.to_owned())),
        None => Err(Wrong::because("expected a name, with `*` and `?` as wild cards")),
    }
}

/// Names of hosts are the same in small letters and in capitals.
fn host(value: &DeValue<'_>) -> Result<Pattern, Wrong> {
    pattern(value).map(|Pattern(name)| Pattern(name.to_ascii_lowercase()))
}

/// A network, or one address.
fn network(value: &DeValue<'_>) -> Result<IpNet, Wrong> {
    let said = text(value).unwrap_or_default();
    let address = || said.parse::<IpAddr>().ok().map(IpNet::from);
    let net = said.parse::<IpNet>().ok().or_else(address).ok_or_else(|| {
        Wrong::because("expected an address or a network such as \"192.0.2.0/24\"")
    })?;
    if let IpNet::V6(six) = net
        && six.addr().to_ipv4_mapped().is_some()
    {
        // Clients that come by IPv4 are known by their IPv4 addresses whatever the socket.
        let cause = "an IPv4-mapped network never holds";
        return Err(Wrong::because(cause).cured_by("write it as IPv4".to_owned()));
    }
    match net == net.trunc() {
        true => Ok(net),
        false => Err(Wrong::because("there are address bits behind the prefix")
            .cured_by(write(&format!("\"{}\"", net.trunc())))),
    }
}

pub(super) fn write(right: &str) -> String {
    format!("write {right}")
}

/// `tls` is a condition or, with settings in it, a table.
fn is_condition(name: &str, value: &Said<'_>) -> bool {
    let is_both = is_table(name) && matches!(value.get_ref(), DeValue::Table(_));
    CONDITIONS.contains(&name) && !is_both
}

fn is_table(name: &str) -> bool {
    table_names().any(|known| known == name)
}

fn table_names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(name, _)| *name).chain(["rights"])
}

/// For a setting that its table does not have.
fn setting_hint(table: &str, name: &str) -> Option<String> {
    let own = SETTINGS.iter().filter(|row| row.table == table).map(|row| row.name);
    let elsewhere = || SETTINGS.iter().find(|row| row.name == name);
    spelling::hint(name, own)
        .or_else(|| Some(format!("`{name}` belongs in [{}]", elsewhere()?.table)))
}

/// For a setting that was named without its table.
fn full_name_hint(name: &str) -> Option<String> {
    let near = spelling::nearest(name, SETTINGS.iter().map(|row| row.name))?;
    let row = SETTINGS.iter().find(|row| row.name == near)?;
    Some(format!("did you mean `{}.{near}`?", row.table))
}
