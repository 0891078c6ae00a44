//! Sessions through the relay, seen from the client, the worker and the broker.

mod certificates;
mod clear;
mod control;
mod data;
mod handshake;
mod resumption;
