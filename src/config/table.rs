//! The macro that turns one declaration per setting into all that follows from it.
//!
//! From `settings! { … }` come: the structs that the rest of the program reads, their defaults,
//! the overlay (what a file or a match says, with the places), reading one key, laying one overlay
//! over another and over the settings, and the rows that documentation is made of. Nothing else
//! in the tree names every setting, so a new one is a line there.
//!
//! Run by whoever loads the configuration; pure.

/// Declares the settings: `table: Struct { /// doc … Phase name: Type = default, rules…; … }`.
/// A rule is a function from a value to what is wrong with it.
macro_rules! settings {
    ($(
        $(#[doc = $table_doc:literal])*
        $table:ident: $Table:ident {$(
            $(#[doc = $doc:literal])*
            $phase:ident $name:ident: $type:ty = $default:expr $(, $rule:expr)*;
        )*}
    )*) => {
        /// The settings of one session, all checked.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Settings {
            $( $(#[doc = $table_doc])* pub $table: $Table, )*
            /// What may be done in which directory.
            pub rights: RightsTable,
        }

        $(
            $(#[doc = $table_doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Table { $( $(#[doc = $doc])* pub $name: $type, )* }

            impl Default for $Table {
                fn default() -> Self {
                    Self { $( $name: $default, )* }
                }
            }
        )*

        /// The tables, in order, each with its documentation.
        pub const TABLES: &[(&str, &[&str])] =
            &[$( (stringify!($table), &[$($table_doc),*]), )*];

        /// A row for each setting, in order.
        pub const SETTINGS: &[Setting] = &[$($(
            Setting {
                table: stringify!($table),
                name: stringify!($name),
                doc: &[$($doc),*],
                phase: Phase::$phase,
                kind: <$type as Value>::KIND,
                default: || { let value: $type = $default; value.write() },
            },
        )*)*];

        impl Settings {
            /// Each value as TOML, in the order of [`SETTINGS`].
            pub(super) fn written(&self) -> Vec<String> {
                vec![$($( self.$table.$name.write(), )*)*]
            }
        }

        /// What a file or a match says: some of the settings, each with its place.
        #[derive(Debug, Clone, Default)]
        pub struct Overlay {
            $( $(#[doc = $table_doc])* pub $table: partial::$Table, )*
            /// What may be done in which directory.
            pub rights: BTreeMap<String, Placed<Rights>>,
            /// The certificates, in order; a match has none.
            pub certificates: Vec<Certificate>,
        }

        /// The tables with every setting optional.
        pub mod partial {
            use super::*;
            $(
                $(#[doc = $table_doc])*
                #[derive(Debug, Clone, Default)]
                pub struct $Table { $( $(#[doc = $doc])* pub $name: Option<Placed<$type>>, )* }
            )*
        }

        impl Overlay {
            /// Reads the value of one setting; `None` if there is no such setting.
            pub(super) fn read(
                &mut self,
                (table, name): (&str, &str),
                value: &DeValue<'_>,
                at: Place,
            ) -> Option<Result<(), Wrong>> {
                match (table, name) {
                    $($( (stringify!($table), stringify!($name)) => {
                        let rules: &[Rule<'_, $type>] = &[$(&$rule),*];
                        let read = obeying(value, rules);
                        Some(read.map(|value| self.$table.$name = Some(Placed { value, at })))
                    } )*)*
                    _ => None,
                }
            }

            /// Lays what another one says over this.
            pub(super) fn merge(&mut self, later: Self) {
                $($( self.$table.$name = later.$table.$name.or(self.$table.$name.take()); )*)*
                self.rights.extend(later.rights);
                self.certificates.extend(later.certificates);
            }

            /// Lays what it says over the settings.
            pub(super) fn apply(&self, settings: &mut Settings) {
                $($( if let Some(said) = &self.$table.$name {
                    settings.$table.$name = said.value.clone();
                } )*)*
                for (path, said) in &self.rights {
                    settings.rights.set(path, said.value);
                }
            }

            /// For each row of [`SETTINGS`], the value as TOML and its place, if it was said.
            pub(super) fn written(&self) -> Vec<Option<(String, Place)>> {
                vec![$($(
                    self.$table.$name.as_ref().map(|said| (said.value.write(), said.at)),
                )*)*]
            }

            /// The rows of the settings that were said, with their places.
            pub(super) fn places(&self) -> Vec<(&'static Setting, Place)> {
                let places = [$($( self.$table.$name.as_ref().map(|said| said.at), )*)*];
                let rows = SETTINGS.iter().zip(places);
                rows.filter_map(|(row, place)| Some((row, place?))).collect()
            }
        }
    };
}

pub(super) use settings;
