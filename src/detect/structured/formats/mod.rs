//! Tables of formats, one file per family.

pub(super) mod cloud;
pub(super) mod kubernetes;
pub(super) mod registries;
pub(super) mod syntax;
