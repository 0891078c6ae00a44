//! The unprivileged side: what talks to the client. Caged before the first byte; trusts neither client nor broker.
//!
//! `login` serves a stranger until somebody has logged in; `session` serves the user, in another process. Both
//! read commands with `control`, look them up in the table of `crate::verb`, and ask the broker through `ask`
//! for the little that they can't do themselves. `tree` is the user's file tree.

pub mod ask;
pub mod control;
pub mod failure;
pub mod login;
pub mod machine;
pub mod names;
pub mod relay;
pub mod session;
pub mod stream;
pub mod tree;
pub mod wait;
pub mod zone;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use crate::wire::Place;
