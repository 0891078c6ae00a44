//! The wall. Every `unsafe` of the main program is in this crate, one contract a block; what it gives out is safe.
//! Every process runs it; nothing here decides policy.

pub mod channel;
