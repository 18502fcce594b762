//! How many connections there may be at a time, by the system's limit of open files.

/// Files that are open in any program of this kind: its standard streams, its listeners, what tells of events
/// and signals.
const LEAST_REST: usize = 24;

/// More than this is not left to the rest of the program.
const MOST_REST: usize = 128;

/// How many connections each port may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) service: usize,
    pub(crate) admin: usize,
}

impl Places {
    /// As many as are wanted, or fewer if the limit of open files is low.
    pub(crate) fn new(service: usize, admin: usize) -> Self {
        Self::within(open_files(), service, admin)
    }

    /// A quarter of the limit is left to the rest of the program, and a quarter of what remains to the admin
    /// port.
    fn within(limit: usize, service: usize, admin: usize) -> Self {
        let shared = limit.saturating_sub((limit / 4).clamp(LEAST_REST, MOST_REST));
        let admin = admin.min((shared / 4).max(shared.saturating_sub(service)));
        Self { service: service.min(shared - admin).max(1), admin: admin.max(1) }
    }
}

/// How many files this program may have open.
#[cfg(unix)]
fn open_files() -> usize {
    let limit = rlimit::Resource::NOFILE.get_soft();
    limit.ok().and_then(|limit| limit.try_into().ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn open_files() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_shared_out() {
        for (limit, wanted, service, admin) in [
            (64, (512, 320), 30, 10),
            (256, (512, 320), 144, 48),
            (1024, (512, 320), 512, 320),
            (1024, (5000, 320), 672, 224),
            (usize::MAX, (512, 320), 512, 320),
            (256, (512, 0), 192, 1),
            (16, (512, 320), 1, 1),
            (0, (0, 0), 1, 1),
        ] {
            let places = Places::within(limit, wanted.0, wanted.1);
            assert_eq!(places, Places { service, admin }, "{limit} {wanted:?}");
        }
    }
}
