//! The operations that this SDK adds, a file each: how the request is written, how the answer is read, what each
//! failure means.

mod create_key;
mod delete_key;
mod disable_app;
mod enable_app;
mod find_keys;
mod find_projects;
mod find_user;

pub use create_key::*;
pub use delete_key::*;
pub use disable_app::*;
pub use enable_app::*;
pub use find_keys::*;
pub use find_projects::*;
pub use find_user::*;
