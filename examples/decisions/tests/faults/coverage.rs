//! The faults cover every kind and every effect that an operation can have.

use std::collections::BTreeSet;

use otp_core::{Effect, Error, ErrorKind, OtpsApi};
use pollster::block_on;

use crate::hostile::under_every_fault;
use crate::world::World;

type Call = fn(&World) -> Result<(), Error>;

const CALLS: [(&str, Call); 4] = [
    ("find_ensure_otp", |world| {
        let otp = world.service.last_sms().unwrap().otp;
        block_on(world.client().find_ensure_otp(&otp)).map(drop)
    }),
    ("find_recovery_codes", |world| block_on(world.client().find_recovery_codes()).map(drop)),
    ("receive_codes", |world| block_on(world.client().receive_codes())),
    ("regenerate_codes", |world| block_on(world.client().regenerate_codes()).map(drop)),
];

#[test]
fn every_kind_and_every_effect_is_tried_for_each_operation() {
    for (operation, call) in CALLS {
        let seen = std::cell::RefCell::new((BTreeSet::new(), BTreeSet::new()));
        under_every_fault(|world| {
            block_on(world.service.receive_codes()).unwrap();
            if let Err(error) = call(world) {
                assert_eq!(error.operation(), Some(operation));
                let mut seen = seen.borrow_mut();
                seen.0.insert(error.kind().as_str());
                seen.1.insert(error.effect());
            }
        });
        let (kinds, effects) = seen.into_inner();
        for kind in ErrorKind::ALL {
            let possible = match kind {
                // Nothing is sent.
                ErrorKind::InvalidInput | ErrorKind::Unimplemented => false,
                // The clients have a fixed token.
                ErrorKind::Credentials => false,
                // Its success has no body.
                ErrorKind::Decode => operation != "receive_codes",
                _ => true,
            };
            assert_eq!(kinds.contains(kind.as_str()), possible, "{operation}: {kind:?}");
        }
        let all = [Effect::NotApplied, Effect::Unknown, Effect::Applied];
        assert!(all.iter().all(|effect| effects.contains(effect)), "{operation}: {effects:?}");
    }
}
