//! What the differential test stands on: vsftpd beside the server under test, what a client observes of either, and
//! the table of the differences that are meant.

pub mod listing;
pub mod observe;
pub mod outcome;
pub mod table;
pub mod tree;
pub mod vsftpd;

pub use observe::{Observed, observe};
pub use table::{Difference, Table};
