//! The operations that this SDK adds, a file each: the operation, the trait that offers it, its mock.

pub mod enable_app;
