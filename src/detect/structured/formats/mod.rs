//! Tables of formats, one file per family.

pub(super) mod cloud;
pub(super) mod databases;
pub(super) mod kubernetes;
pub(super) mod registries;
pub(super) mod syntax;
pub(super) mod transfer;
pub(super) mod web;
