/// How a request carries its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthScheme {
    /// `X-Auth-Token: <token>`, as the Equinix Metal API has it.
    #[default]
    XAuthToken,
    /// `Authorization: Bearer <token>` (RFC 6750 §2.1).
    Bearer,
    /// The request carries no token.
    None,
}
